// SPDX-License-Identifier: Apache-2.0
// The writer of the counters as its thread has it; for counters.c, counter_write.c, counter_figure.c, counter_repair.c,
// counter_resync.c and counter_operate.c alone.
#pragma once
#include <stdatomic.h>

#include "common/backoff.h"
#include "common/metric.h"
#include "common/rconn.h"
#include "rating/counter_cache.h"
#include "rating/counters.h"

struct counter_shard {
    bool ours;
    bool stale;                  // another mark, or missed changes: to be repaired from PostgreSQL
    bool rewrite;                // not by catching up: its keys may be gone under a good mark
    bool whole;                  // every counter that PostgreSQL has was put into the cache by this writer
    char mark[COUNTER_MARK_MAX]; // what this writer left there
    int64_t batch_seq;           // batches up to this one are in its figures; a repair may be ahead of the queue
};

struct counter_partition {
    bool ours;
    bool checked;             // the marks were compared after the assignment
    struct partition_row row; // newest batch that came out of the queue
    int64_t marked_us;        // monotonic time when all shards got a mark
    int64_t marked_seq;       // batch of that mark
    int64_t lookups;          // counters asked of PostgreSQL since the last resync
};

struct counter_writer {
    const struct config *config;
    int partitions;
    struct rconn *redis;
    struct db *db;               // for repairs, merged and lost figures; NULL until needed
    char script[64];             // its SHA-1 as Redis names it; empty: to be loaded
    char partial[32];            // this writer's mark of a shard that is written in several calls
    struct catalogue *catalogue; // newest that was heard of
    struct counter_partition *partition;
    struct counter_shard shards[SHARD_COUNT];
    struct counter_cache *cache; // values at the shards' marks
    struct backoff backoff;
    int64_t retry_us; // monotonic time of the next try of what failed
    int64_t evicted, looked_us, evicted_us, evicted_wait_us;
    const atomic_bool *stop;                                   // breaks a resync off
    void (*progress)(void *context, int64_t keys, int shards); // after each piece of a resync; NULL: not wanted
    void *progress_context;
    struct metric *stale_shards, *resyncs, *catch_ups, *keys_written, *keys_read, *keys_looked_up, *failures;
};

// One commit's worth of work.
struct counter_work {
    struct partition_row row;
    const struct counter_change *changes;
    size_t count;
    const bool *only; // these shards alone, and all of them; NULL: those that change, now and then all
};
// The changes of one shard, and the calls of the script that they took.
struct counter_range {
    int shard, calls;
    size_t from, to;
};

// --- counters.c
void counter_writer_init(struct counter_writer *writer, const struct config *config, int partitions);
void counter_writer_free(struct counter_writer *writer);
// The partition is this writer's, as of a row; its shards are believed to carry that row's mark.
void counter_partition_take(struct counter_writer *writer, const struct partition_row *row, bool ours);

// --- counter_write.c
// Writes the changes and the marks. Shards that have another mark, or whose answer was lost, become stale.
enum err counter_write(struct counter_writer *writer, const struct counter_work *work, struct fault *fault) MUST_USE;
// Were keys evicted since the last look? Then every shard is to be rewritten.
enum err counter_evictions(struct counter_writer *writer, struct fault *fault) MUST_USE;
enum err counter_script(struct counter_writer *writer, struct fault *fault) MUST_USE; // loads it if needed
void counter_shards_stale(struct counter_writer *writer, int partition);
int64_t counter_stale_count(const struct counter_writer *writer);
// Puts a call of the script on the pipeline: under the mark `expected`, set `count` keys and the mark.
enum err counter_script_append(struct counter_writer *writer, int shard, const char *expected, const char *mark,
                               const struct slice *keys, const struct slice *values, size_t count,
                               struct fault *fault) MUST_USE;

// --- counter_figure.c
// The new absolute values of all changes in the ranges: from the cache, from Redis, or as PostgreSQL has them at the
// work's batch. Others are left alone. ERR_RETRY: Redis or PostgreSQL.
enum err counter_figures(struct counter_writer *writer, const struct counter_work *work,
                         const struct counter_range *ranges, size_t range_count, struct arena *arena,
                         struct quantity *figures, struct fault *fault) MUST_USE;
struct db *counter_db(struct counter_writer *writer, struct fault *fault);
bool counter_meter_merges(const struct meter *meter); // max, latest: not added up

// --- counter_repair.c
// Reads the marks of the wanted shards; tell is called for each that was read, with NULL if there is none.
enum err counter_marks_read(struct counter_writer *writer, const bool wanted[SHARD_COUNT],
                            void (*tell)(void *context, int shard, const struct rconn_reply *mark_or_null),
                            void *context, struct fault *fault) MUST_USE;
// Compares the marks of all shards of a partition with those that this writer left: others become stale.
enum err counter_check(struct counter_writer *writer, int partition, struct fault *fault) MUST_USE;
// Brings all stale shards of checked partitions up to date: those whose mark is a batch of their chain by what came
// after it, the others by a resync.
enum err counter_repair(struct counter_writer *writer, struct fault *fault) MUST_USE;

// --- counter_resync.c
// Writes these shards again from one snapshot of PostgreSQL. *keys: how many counters were written. ERR_CONFLICT:
// another writer has taken some of them.
enum err counter_resync(struct counter_writer *writer, const bool shards[SHARD_COUNT], int64_t *keys,
                        struct fault *fault) MUST_USE;
// Keys of counters, a piece at a time; zero-initialise but for the cursor "0". *keys lives until the next command. A
// key may come twice.
struct counter_scan {
    char cursor[32];
    bool end;
};
enum err counter_scan_next(struct rconn *redis, struct counter_scan *scan, const struct rconn_reply **keys,
                           struct fault *fault) MUST_USE;
// Opens the cursor "counters" over (shard, tenant, meter, month, quantity) of these shards as committed in the open
// snapshot, in order of shards.
enum err counter_cursor_open(struct db *db, const struct catalogue *catalogue, const bool shards[SHARD_COUNT],
                             struct arena *arena, struct fault *fault) MUST_USE;
enum { COUNTER_ROWS_PER_FETCH = 20000 };
enum err counter_cursor_fetch(struct db *db, struct db_result **rows, struct fault *fault) MUST_USE;
