// SPDX-License-Identifier: Apache-2.0
// Settlement: posting to the ledger what F at a new cut differs from what was posted (rules 6.2, 6.3). Idempotent; safe with several settlers
// and with kills anywhere: each chunk is one transaction, and each (account, period) a compare-and-set on its position.
#pragma once
#include "invoicing/period.h"
#include "rating/charge.h"

struct settle_result {
    int64_t cut;
    size_t periods;  // (account, period) pairs settled: position raised
    size_t changed;  // of these, with charges that changed
    size_t skipped;  // at or above this cut and catalogue already (another settler was faster)
    size_t behind;   // of these, below this cut but settled by a newer catalogue than ours: somebody must settle them again
    size_t anew;     // pairs whose usage was read from the period's beginning, not from their position on
    size_t unpriced; // usage lines without a price: billed nothing, told on the log
    size_t given_up; // pairs whose charges leave the range of exact amounts: told on the log, not settled, queued for the next round
};

// Settles the periods at a numbered cut in one transaction of its own. ERR_UNCERTAIN and ERR_RETRY: call again after reconnecting;
// what was committed is seen by its position.
enum err settle_chunk(struct db *db, const struct catalogue *catalogue, int64_t cut, struct billing_period *periods, size_t count, struct settle_result *result, struct fault *fault) MUST_USE;

// Which (account, period) pairs have usage, transitions, running resources or a changed catalogue above the last completed round, below `cut`. In the arena.
enum err settle_touched(struct db *db, const struct catalogue *catalogue, int64_t cut, struct arena *arena, struct billing_period **periods, size_t *count, struct fault *fault) MUST_USE;

// A whole round: takes a cut, settles what is touched in chunks of `chunk` pairs, records the round unless
// some are behind or a newer catalogue came before the cut: what it touched is then touched again by the next. progress may be NULL.
typedef void settle_progress(void *context, size_t done, size_t all);
enum err settle_round(struct db *db, const struct catalogue *catalogue, size_t chunk, settle_progress *progress, void *context, struct settle_result *result, struct fault *fault) MUST_USE;

// Queues every period of the account that has a position: the next round reads them from their beginning and replaces what they were
// settled with. For an operator, when a close says that it differs. ERR_NOT_FOUND: nothing of the account was ever settled.
enum err settle_queue_account(struct db *db, const struct catalogue *catalogue, int64_t account, struct fault *fault) MUST_USE;

// Takes the next cut in a transaction of its own.
enum err settle_take_cut(struct db *db, int64_t *cut, struct fault *fault) MUST_USE;
