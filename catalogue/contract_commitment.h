// SPDX-License-Identifier: Apache-2.0
// Reservations and savings plans of an agreement's terms (docs/contracts.md), as F takes them. Private to catalogue/ and
// rating/.
#pragma once
#include "catalogue/catalogue.h"

enum {
    CONTRACT_COMMITMENTS_MAX = 1000, // of each kind, of one agreement
    CONTRACT_SIZES_MAX = 500,
    CONTRACT_INSTANCES_MAX = 1000000,
    CONTRACT_RATES_MAX = 1000
};

// Where a commitment is from and what it costs; amounts of one instance, or of the plan.
struct contract_commitment {
    const char *id;
    const struct sku *sku; // that it covers; of a plan, under which it is billed
    const char *tenant;    // id of its owner, who is served first and billed for it
    instant_us from, to;   // to: INSTANT_MAX if it has no end
    struct amount upfront, hourly;
};

struct contract_size { const char *value; struct quantity units; };
struct contract_reservation {
    struct contract_commitment base;
    const struct match_member *match; size_t match_count; // of the usage that it covers
    int64_t instances;
    struct quantity units, per;                          // size units of an instance, METER units of its hour
    const char *size_dimension;                          // NULL: every machine has one unit
    const struct contract_size *sizes; size_t size_count; // a machine of another size is not covered
};

// Taken off the agreement's price; on one SKU, on a service's SKUs, or (both NULL) on all: the most specific wins.
struct contract_plan {
    struct contract_commitment base;
    bool only_cheaper;             // usage whose own price is below the plan's is not drawn
    const struct price_book *book; // the plan's prices; or NULL, and
    const struct contract_discount *rates; size_t rate_count; // off the own price
};

// The commitment that a charge of stage COVERED, UNUSED or PURCHASE names, and whether it is a savings plan. The charge
// was rated under this contract (ENSUREd).
const struct contract_commitment *contract_commitment_of(const struct contract *contract, int64_t deduction, bool *plan);

// From the first begin to the last end of a contract's commitments and minimums; INSTANT_MAX, INSTANT_MIN if it has none.
void contract_committed_time(const struct contract *contract, instant_us *from, instant_us *to);

struct json_value;
// Sets the contract's reservations and plans from the members "reservations" and "savings_plans" of the stored form.
// ERR_INVALID: they cannot be read, or name what is not there.
enum err contract_commitments_build(struct catalogue *catalogue, const struct json_value *root, const char *account,
                                    struct contract *contract, struct fault *fault) MUST_USE;
