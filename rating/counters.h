// SPDX-License-Identifier: Apache-2.0
// Counters in Redis: a picture of what PostgreSQL has, for fast reads and limits (rules 8). Nothing is ever computed
// from them: Redis being away, empty, old or wrong costs freshness only.
//
//   tp:{<shard>}:u:<tenant number>:<meter number>:<YYYYMM>   the month's quantity as an exact decimal; month of the
//   slot in
//                                                            the payer's zone; max and latest merged per slot, then
//                                                            summed
//   tp:{<shard>}:mark   incarnation:batch_seq:head:partition  what the shard's counters hold
//
// A batch's changes are absolute values, written by one script per shard that does nothing unless the mark is the one
// that this writer left. A shard with another mark is repaired: if that is an earlier batch of the chain, by what was
// counted since; else it is written again from PostgreSQL, and while that lasts its mark is "resync:<random>", which no
// reader takes for fresh. A missing key under a good mark may have been lost: readers ask PostgreSQL (docs/adr).
//
// A thread of its own does the work, with its own connections: rating never waits for Redis. What it cannot keep up
// with is dropped and resynced later.
#pragma once
#include "common/config.h"
#include "rating/counter_change.h"
#include "rating/partition_row.h"

struct counters_feed;
// Starts the thread. partitions: of the incarnation.
enum err counters_feed_open(const struct config *config, int partitions, struct counters_feed **feed,
                            struct fault *fault) MUST_USE;
// Writes what waits, breaks a resync off, ends the thread. Takes a few times redis.timeout at most. NULL is fine.
void counters_feed_close(struct counters_feed *feed);

// All return at once; copied is what they need. Called by the rater's thread.
void counters_feed_assign(struct counters_feed *feed, struct catalogue *catalogue, const struct partition_row *row);
void counters_feed_revoke(struct counters_feed *feed, int partition);
// A committed batch: `row` as it is after it.
void counters_feed_batch(struct counters_feed *feed, struct catalogue *catalogue, const struct partition_row *row,
                         const struct usage_row *const *usage, size_t count);
