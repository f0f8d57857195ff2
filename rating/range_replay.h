// SPDX-License-Identifier: Apache-2.0
// Replay of ranges of rating.quarantine; for replay.c and the owner alone.
#pragma once
#include "rating/rater_internal.h"

// SQL: rows q of our partition, and those of older incarnations whose tenant is ours; without a tenant they go with the
// number of their partition. $1: incarnation, $2: partition; partitions: parameter of their number.
#define ROW_IS_OURS(partitions)                                                                                        \
    "(q.incarnation = $1::int and q.partition = $2::int\n"                                                             \
    "        or q.incarnation < $1::int and coalesce(rating.shard_of(q.tenant_id), q.partition) % " partitions         \
    "::int = $2::int)\n"

// Goes on with the range that is being replayed, or begins with one: that of the order, or (order 0) one that a newer
// catalogue may have made countable. Takes a fraction of a second, of a partition that is rating. Errors: the connection
// is gone; committed is what rating.range_replay says; call again.
enum err range_replay_step(struct owner *owner, int64_t quarantine, int64_t order, struct fault *fault) MUST_USE;
void range_replay_free(struct range_replay *range); // NULL is fine
