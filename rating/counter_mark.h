// SPDX-License-Identifier: Apache-2.0
// Marks and keys of the counters in Redis (counters.h has their form): printing, strict reading, comparing. Pure.
#pragma once
#include "rating/partition_row.h"

enum { COUNTER_MARK_MAX = 160, COUNTER_KEY_MAX = 96 };

// "incarnation:batch_seq:head:partition"
void counter_mark_print(const struct partition_row *row, char mark[COUNTER_MARK_MAX]);

// What a shard's mark says. ERR_INVALID: another form (a resync is under way, or somebody else's value).
struct counter_position {
    int64_t incarnation, batch_seq, partition;
    char head[SHA256_HEX];
};
enum err counter_mark_read(struct slice mark, struct counter_position *position) MUST_USE;
// Is the mark behind what the database has of its partition, or of another history?
bool counter_is_stale(const struct counter_position *mark, const struct counter_position *database);

// "tp:{shard}:mark"; lengths without the NUL.
size_t counter_mark_key(int shard, char key[COUNTER_KEY_MAX]);
// "tp:{shard}:u:tenant:meter:YYYYMM"
size_t counter_key(int shard, int64_t tenant, int32_t meter, int32_t month, char key[COUNTER_KEY_MAX]);
// Shard of a key of ours; SHARD_COUNT: another key.
int counter_key_shard(struct slice key);
// The same with the rest of the key's parts; SHARD_COUNT: not a counter's key.
int counter_key_read(struct slice key, int64_t *tenant, int32_t *meter, int32_t *month);
