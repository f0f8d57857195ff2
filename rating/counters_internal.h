// SPDX-License-Identifier: Apache-2.0
// The writer of the counters as its thread has it; for counters.c, counter_write.c and counter_resync.c alone.
#pragma once
#include <stdatomic.h>

#include "common/backoff.h"
#include "common/metric.h"
#include "common/rconn.h"
#include "rating/counters.h"

struct counter_shard {
    bool ours;
    bool stale;                  // another mark, or missed changes: to be written again from PostgreSQL
    char mark[COUNTER_MARK_MAX]; // what this writer left there
    int64_t batch_seq;           // batches up to this one are in its figures; a resync may be ahead of the queue
};

struct counter_partition {
    bool ours;
    bool checked;             // the marks were compared after the assignment
    struct partition_row row; // newest batch that came out of the queue
    int64_t marked_us;        // monotonic time when all shards got a mark
    int64_t marked_seq;       // batch of that mark
};

struct counter_writer {
    const struct config *config;
    int partitions;
    struct rconn *redis;
    struct db *db;               // for resync and merged figures; NULL until needed
    char script[64];             // its SHA-1 as Redis names it; empty: to be loaded
    struct catalogue *catalogue; // newest that was heard of
    struct counter_partition *partition;
    struct counter_shard shards[SHARD_COUNT];
    struct backoff backoff;
    int64_t retry_us; // monotonic time of the next try of what failed
    int64_t evicted, looked_us;
    const atomic_bool *stop; // breaks a resync off
    struct metric *stale_shards, *resyncs, *keys_written, *failures;
};

// One commit's worth of work.
struct counter_work {
    struct partition_row row;
    const struct counter_change *changes;
    size_t count;
};

// --- counter_write.c
// Writes the changes and the marks. Shards that have another mark, or whose answer was lost, become stale.
enum err counter_write(struct counter_writer *writer, const struct counter_work *work, struct fault *fault) MUST_USE;
// Compares the marks of all shards of a partition with those that this writer left: others become stale.
enum err counter_check(struct counter_writer *writer, int partition, struct fault *fault) MUST_USE;
// Were keys evicted since the last look? Then every shard is stale.
enum err counter_evictions(struct counter_writer *writer, struct fault *fault) MUST_USE;
enum err counter_script(struct counter_writer *writer, struct fault *fault) MUST_USE; // loads it if needed
void counter_shards_stale(struct counter_writer *writer, int partition);
int64_t counter_stale_count(const struct counter_writer *writer);
// Puts a call of the script on the pipeline: under the mark `expected`, set `count` keys and the mark.
enum err counter_script_append(struct counter_writer *writer, int shard, const char *expected, const char *mark,
                               const struct slice *keys, const struct slice *values, size_t count,
                               struct fault *fault) MUST_USE;
struct slice counter_key(struct arena *arena, int shard, int64_t tenant, int32_t meter, int32_t month);

// --- counter_resync.c
// Writes all stale shards of a partition again from one snapshot of PostgreSQL.
enum err counter_resync(struct counter_writer *writer, int partition, struct fault *fault) MUST_USE;
// The month's figure of max and latest meters, for all changes that are `merged`; in order of the changes.
enum err counter_merged_read(struct counter_writer *writer, const struct counter_work *work, struct quantity *figures,
                             struct fault *fault) MUST_USE;
struct db *counter_db(struct counter_writer *writer, struct fault *fault);
