// SPDX-License-Identifier: Apache-2.0
// The books: double entry, append-only. An operation posts legs; each leg debits one account and credits one, so that every
// currency sums to zero by construction. Its key makes posting idempotent: twice is once.
#pragma once
#include "common/currency.h"
#include "common/db.h"

enum ledger_kind { LEDGER_UNBILLED, LEDGER_RECEIVABLE, LEDGER_CASH, LEDGER_CREDITS, LEDGER_REVENUE, LEDGER_TAX_PAYABLE, LEDGER_ROUNDING };

// Which account of a seller's books. agreement is 0 for revenue, tax_payable and rounding; service is 0 but for revenue.
struct ledger_account { enum ledger_kind kind; int64_t agreement; int32_t service; };

// amount may be negative: then debit and credit change places. A leg of zero is left out.
struct ledger_leg { struct ledger_account debit, credit; struct amount amount; };

enum ledger_operation_kind { LEDGER_SETTLEMENT, LEDGER_INVOICE, LEDGER_CORRECTION, LEDGER_PAYMENT, LEDGER_CREDIT, LEDGER_ROUND };
struct ledger_operation {
    const char *key;                 // names what is done, unique for ever
    enum ledger_operation_kind kind;
    int32_t seller;
    int64_t agreement, account;      // whom it concerns
    instant_us period_start;
    struct currency currency;
    const struct ledger_leg *legs;
    size_t leg_count;
    int64_t corrects_operation;      // 0: none
};

// Posts operations in the caller's transaction, in a few set-based statements. An operation whose key is there with the same
// legs is left alone (that is success). ERR_CONFLICT names a key that is there with other legs; the transaction must be rolled back.
enum err ledger_post(struct db *db, const struct ledger_operation *operations, size_t count, struct arena *arena, struct fault *fault) MUST_USE;

// Canonical text of an operation's legs, the input of its digest: "ledger 1", key, kind, then per leg debit, credit, amount. For tests and verify.
void ledger_operation_print(const struct ledger_operation *operation, struct text *out);

// Counts the currencies in which debits and credits differ, or whose transfers touch accounts of another currency: 0 when the books balance.
enum err ledger_check(struct db *db, int64_t *broken, struct fault *fault) MUST_USE;
