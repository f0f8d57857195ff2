// SPDX-License-Identifier: Apache-2.0
// What the stages of reservations and savings plans share: which priced usage lies in a commitment's windows, and the
// charges that come of it. Pure.
#pragma once
#include "catalogue/contract_commitment.h"
#include "rating/commitment.h"
#include "rating/stage.h"

// One commitment in one period.
struct stage_commitment {
    struct stage_work *work;
    const struct contract_commitment *terms;
    struct commitment_fee fee;
    int64_t deduction; // of its charges
    int64_t owner;     // tenant
    int32_t sku;
};

// Usage of one item in the window, an hour of UTC as far as it lies in the period and in the term.
struct stage_candidate {
    size_t item; // of work->items
    instant_us start, end;
    const struct dimension_set *dimensions;
    const char *sku, *tenant, *text; // the order of rank: by these ids, the dimension set's text, and time
};

// What of an item's quantity was covered, at which cost.
struct stage_part {
    size_t item;
    struct quantity covered;
    struct amount cost;
};

// Fills a commitment. instances multiplies its fees. ERR_LIMIT; ERR_BUG: its tenant is not in the catalogue.
enum err stage_commitment_init(struct stage_work *work, const struct contract_commitment *terms, int64_t instances,
                               bool upfront_within, size_t place, struct stage_commitment *commitment) MUST_USE;
// Usage at per-unit prices in the windows of the term, in the order of rank; *list in work's arena.
size_t stage_commitment_candidates(const struct stage_commitment *commitment, struct stage_candidate **list);
// Takes the parts out of the items, and appends their charges: billed 0, effective the parts' costs.
enum err stage_commitment_take(const struct stage_commitment *commitment, const struct stage_part *parts,
                               size_t count) MUST_USE;
// Appends what the period bills for the commitment, and what it left unused: of a plan the quantity is the amount.
enum err stage_commitment_bill(const struct stage_commitment *commitment, bool plan, struct quantity unused,
                               struct amount unused_cost) MUST_USE;
// Places of count commitments in the order in which they are served: the one that ends first, then by id.
const size_t *stage_commitment_order(struct stage_work *work,
                                     const struct contract_commitment *(*of)(const struct contract *, size_t),
                                     size_t count);
// ERR_LIMIT that names the commitment's owner and its meter.
enum err stage_commitment_limit(const struct stage_commitment *commitment) MUST_USE;
