// SPDX-License-Identifier: Apache-2.0
// Drafting one account's document from what the chunk has read.
#pragma once
#include "invoicing/close_chunk.h"

// Fills account->document, and body, hash and parties if a document is needed.
enum err close_draft(struct close_work *work, struct close_account *account) MUST_USE;
// Canonical text of a dimension set, "{}" for the zero one. Sets of earlier periods are loaded with the chunk.
const char *close_dimensions(const struct close_work *work, const struct close_account *account, struct hash128 dimension_set);
