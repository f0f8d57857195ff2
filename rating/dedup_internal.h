// SPDX-License-Identifier: Apache-2.0
// What a dedup index holds; for dedup_index.c and dedup_spill.c alone.
#pragma once
#include "rating/dedup_disk.h"
#include "rating/dedup_table.h"

struct dedup_generation {
    int64_t offset;       // events below it
    instant_us watermark; // were received at or before this
};

struct dedup_index {
    struct dedup_table table;
    struct dedup_budget *budget, own; // own: of an index without one
    int64_t counted_bytes;            // what the budget was charged
    int64_t floor;                    // entries with a lower offset are forgotten
    instant_us coverage_start;
    struct dedup_generation *generations; // rising, not yet forgotten
    size_t generation_count, generation_room;
    struct dedup_disk *disk;          // NULL: nothing went there yet
    const struct dedup_part *leaving; // on its way there, and still in memory; NULL: nothing is
    instant_us window_us, watermark;
    struct dedup_index *next, **link; // in the budget
};

// Charges the budget what the index takes.
void dedup_index_account(struct dedup_index *index);
// An entry out of the table: content and place of a slot.
struct dedup_entry dedup_entry_of(struct hash128 identity, uint64_t content, struct dedup_place place);

// --- dedup_spill.c Keeps the budget's use, with so many bytes more, below its limit. Well before that it begins to
// move groups to disk in a thread of its own, one at a time; only at the limit it waits for it. ERR_LIMIT: there is
// none that would help, or the disk failed.
enum err dedup_budget_make_room(struct dedup_budget *budget, int64_t bytes, struct fault *fault) MUST_USE;
// Waits for what of the index is on its way to disk.
void dedup_spill_settle(struct dedup_index *index);
