// SPDX-License-Identifier: Apache-2.0
// Compaction: folds the deltas below a settled cut into rating.usage_day and removes them later (rules 4.3, 5.2). The rules
// are in the functions of schema/0011_compaction.sql, each one transaction that checks its conditions itself; here is
// the order of the steps. Safe to kill anywhere and to run several times at once: the next step goes on where the
// database says.
#pragma once
#include "common/db.h"

struct compact_options {
    bool through_all;   // up to the last settled cut; false: up to the first cut after the last midnight (UTC)
    int64_t chunk_rows; // about so many deltas per transaction, at least 1
    int64_t keep_ms;    // deltas stay for so long after they were folded
};

// What the steps so far did; add up over calls.
struct compact_result {
    int64_t cut_to;       // of the compaction that was worked on last; 0: none
    int64_t delta_rows;   // deltas of that one, and how many of its 1024 shards are folded
    int64_t shards;
    int64_t compactions;  // finished
    int64_t folded_rows;  // deltas folded by the finished ones
    int64_t segment_rows; // rows that came out
    int64_t released;     // compactions whose deltas nobody reads any more
    int64_t dropped;      // partitions of rating.usage_delta
    int64_t dropped_rows; // and their rows
    bool waiting;         // deltas wait for older transactions to end, or for a lock
};

// One step, a transaction or two as turnpike_bill. *more: there is something left to do at once. After ERR_RETRY and ERR_UNCERTAIN
// call again, on a new connection if need be; nothing is done twice. ERR_CONFLICT: what was found contradicts the rules, and nothing
// was changed.
enum err compact_step(struct db *db, const struct compact_options *options, struct compact_result *result, bool *more,
                      struct fault *fault) MUST_USE;

// The oldest cut that any session of the database holds, and for how long it has been taken; 0 and 0: none. As
// turnpike_bill.
enum err compact_held_cut(struct db *db, int64_t *cut, int64_t *age_s, struct fault *fault) MUST_USE;
