// SPDX-License-Identifier: Apache-2.0
// What the steps of a settling chunk share: settle.c (order, positions, F), settle_compare.c (what changed), settle_post.c (rows, postings).
#pragma once
#include "invoicing/settle.h"

// One (account, period) on its way through the chunk.
struct settle_item {
    const struct billing_period *period;
    bool wanted;          // position below (cut, catalogue version)
    bool given_up;        // not wanted any more: its charges leave the range of exact amounts
    int64_t settlements;  // settlements so far
    struct usage_basis basis;       // what the position was settled with; cut 0: to be read whole
    struct usage_gathered gathered; // what was read beyond it
    struct rated rated;             // F at the cut
    struct charge *posted; size_t posted_count; // to date, before
    struct charge_change { struct charge to_date; struct amount delta; } *changes; size_t change_count;
    int64_t settlement;   // number of the new row; 0: nothing changed
};

struct settle_work {
    struct db *db;
    const struct catalogue *catalogue;
    int64_t cut;
    struct settle_item *items; size_t count; // sorted by period_order
    struct arena *arena;
    struct settle_result *result;
    struct fault *fault;
};

// NULL if there is none.
struct settle_item *settle_item_find(struct settle_work *work, int64_t account, instant_us start);
// Fills the changes of an item whose rated and posted are there; posted is sorted in place. ERR_LIMIT. Pure.
enum err settle_compare(struct settle_item *item, struct arena *arena, struct fault *fault) MUST_USE;
// Compares F with what was posted, writes the settlements and charges of what changed, and posts the differences.
enum err settle_post(struct settle_work *work) MUST_USE;
