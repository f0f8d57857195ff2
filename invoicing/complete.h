// SPDX-License-Identifier: Apache-2.0
// Waiting for the raters: everything received up to an instant is counted when the watermarks of the partitions are
// there (rules 1.4).
#pragma once
#include "common/db.h"
#include "common/hash.h"

struct complete_request {
    instant_us until;
    const bool *shards; // [SHARD_COUNT]: those that are asked for; NULL: all
    int64_t timeout_ms;
    const volatile bool *stop; // may be NULL
};

// What came of it: for each shard that was asked for, NULL or the first of its partitions that has not come so far,
// with why it is parked ("3 (parked: ...)", in the arena).
struct completeness {
    bool asked[SHARD_COUNT];
    const char *missing[SHARD_COUNT];
    size_t shards, missing_shards; // asked for, and not complete
    bool stopped;                  // *stop became true
};

// Waits until the watermarks of all partitions of the shards are at or above `until`, in every topic that is read, and
// what older topics sent on is counted too; asks the raters for marker messages meanwhile. A shard that is complete
// stays so: a cut that is taken afterwards is complete for it. ERR_RETRY with *result filled: timeout_ms passed without
// some shards, or *stop became true; the fault names the partitions. With an older topic that sends on it may take
// twice timeout_ms. Other errors: the store's.
enum err complete_wait(struct db *db, const struct complete_request *request, struct arena *arena,
                       struct completeness *result, struct fault *fault) MUST_USE;
