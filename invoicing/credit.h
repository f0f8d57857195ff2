// SPDX-License-Identifier: Apache-2.0
// Credit grants: money that pays a document's total after tax, before its buyer does. Given (promotion) or bought (a
// prepaid balance). docs/credits.md.
#pragma once
#include "catalogue/catalogue.h"

enum { CREDIT_PRIORITY_MOST = 1000, CREDIT_PRIORITY_USUAL = 100, CREDIT_REASON_MAX = 200 };
enum credit_kind { CREDIT_PROMOTION, CREDIT_PREPAID };

// --- deciding. Pure.

struct credit_grant {
    int64_t number; // by which grants were made
    const char *key;
    char currency[4];
    int priority;                // the least first
    instant_us granted, expires; // half-open: of no use from `expires` on; INSTANT_NONE: never
    struct amount left;          // > 0 or nothing is taken
};
struct credit_use {
    int64_t grant;
    const char *key;
    struct amount amount; // > 0
};
// Who pays how much of a document's total at its issue time: the grants in its currency that have not expired, by
// priority, then soonest expiry (never comes last), then oldest, then number. Reorders the grants; uses has room for
// count. Returns how many uses there are; they add up to at most the total. A total that is not above 0 uses nothing.
size_t credit_consume(struct credit_grant *grants, size_t count, const char *currency, struct amount total,
                      instant_us issued, struct credit_use *uses);

// --- giving

struct credit_order {
    const char *key;     // 1 to ID_MAX bytes of UTF-8 without control characters
    const char *account; // id
    const char *currency;
    const char *amount; // decimal text: > 0, a multiple of the minor unit
    const char *reason; // at most CREDIT_REASON_MAX bytes
    enum credit_kind kind;
    int priority;       // 0 to CREDIT_PRIORITY_MOST
    instant_us expires; // INSTANT_NONE: never
};
// Makes the grant and posts it, in one transaction: promotion: debit revenue (service 0), credit credits; prepaid: debit
// cash, credit credits. Idempotent by key: the same order again changes nothing, *again tells. ERR_INVALID: the order is wrong
// (place names what), also expires in the past; ERR_NOT_FOUND: no such account; ERR_CONFLICT: the key was given with
// another order.
enum err credit_give(struct db *db, const struct catalogue *catalogue, const struct credit_order *order, instant_us now,
                     struct arena *arena, bool *again, struct fault *fault) MUST_USE;
