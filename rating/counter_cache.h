// SPDX-License-Identifier: Apache-2.0
// What the writer of the counters remembers of them, in fixed memory: the values of those that it wrote or read last,
// and for all of them whether it ever did (a filter that may say yes in error, never no). So most flushes need no read,
// and a counter that Redis does not have is told from one that never was. No I/O; one thread.
#pragma once
#include "common/decimal.h"
#include "common/hash.h"

struct counter_id {
    int64_t tenant;
    int32_t meter, month; // month: YYYYMM
};

struct counter_cache;
struct counter_cache *counter_cache_new(size_t bytes); // at least 64 KiB are used; touched as they are needed
void counter_cache_free(struct counter_cache *cache);  // NULL is fine

bool counter_cache_find(struct counter_cache *cache, int shard, const struct counter_id *id, struct quantity *quantity);
// The value takes the place of the one that was used longest ago among a few, if there is no room; it counts as seen.
void counter_cache_put(struct counter_cache *cache, int shard, const struct counter_id *id, struct quantity quantity);
// Was it ever put since the shard was forgotten? False is certain.
bool counter_cache_seen(const struct counter_cache *cache, int shard, const struct counter_id *id);
void counter_cache_forget(struct counter_cache *cache, int shard); // its values, and what was seen
void counter_cache_tick(struct counter_cache *cache);              // a flush has passed: for "longest ago"
