// SPDX-License-Identifier: Apache-2.0
// Credits in a closing chunk: which grants pay its documents, their rows and their transfers. Private to invoicing/.
#pragma once
#include "invoicing/close_chunk.h"
#include "ledger/ledger.h"

// Decides by the documents' issue times; fills credit_uses and credited. Holds the accounts that have grants until the
// transaction ends, so that no other close uses the same money.
enum err close_credit_take(struct close_work *work, struct close_account **order, size_t count) MUST_USE;
// The uses' rows, once the documents have theirs.
enum err close_credit_write(struct close_work *work, struct close_account **order, size_t count) MUST_USE;
// Debit credits, credit receivable. false: the document used none.
bool close_credit_operation(struct close_work *work, const struct close_account *account, const char *invoice_key,
                            struct ledger_operation *operation);
