// SPDX-License-Identifier: Apache-2.0
// Stored documents: one by number, and pages of the register, newest first. What a caller may see is the database's
// affair: row-level security for the API, everything for the command line.
#pragma once
#include "invoicing/document_draw.h"

struct invoice {
    const char *number, *kind, *state, *period, *currency, *body, *envelope, *body_sha256;
    int64_t account;
    struct document_party seller, buyer;
    bool has_seller, has_buyer; // false: erased
};
// In the arena. ERR_NOT_FOUND: there is none, or it is not to be seen.
enum err invoice_load(struct db *db, const char *number, struct arena *arena, struct invoice *invoice,
                      struct fault *fault) MUST_USE;
struct document_drawing invoice_drawing(const struct invoice *invoice);

struct invoice_row {
    const char *number, *kind, *state, *period, *currency;
    int64_t account, document; // document orders rows of the same time
    instant_us issued_time;
    struct amount net, tax, total;
};
struct invoice_query {
    int64_t account;    // 0: all
    const char *period; // label; NULL: all
    int limit;
    bool continues; // after the row with this time and number
    instant_us after_issued;
    int64_t after_document;
};
enum err invoice_list(struct db *db, const struct invoice_query *query, struct arena *arena, struct invoice_row **rows,
                      size_t *count, struct fault *fault) MUST_USE;
