// SPDX-License-Identifier: Apache-2.0
// A rebuild is the resync of a rater (counter_resync.c) for all shards at once. Raters that see its mark on their
// shards write these again themselves: then it waits until no shard is left without the mark of a batch, and takes what
// nobody wrote.
#include <stdlib.h>
#include <unistd.h>

#include "rating/counter_operate.h"
#include "rating/counters_internal.h"

enum { LOOK_EVERY_US = 500000, PATIENCE_LOOKS = 40, TRIES_MAX = 10 };

static atomic_bool never_stop;

enum err counter_operation_open(const struct config *config, struct counter_operation *operation, struct fault *fault)
{
    struct db *db = NULL;
    enum err err = db_open(config, "rate", NULL, &db, fault);
    *operation = (struct counter_operation){.config = config};
    if (!err) err = incarnation_load(db, &operation->incarnation, fault);
    db_close(db);
    return err;
}

// The partitions as this run's, with all shards wanted.
static enum err writer_open(struct counter_writer *writer, const struct counter_operation *operation,
                            struct fault *fault)
{
    counter_writer_init(writer, operation->config, operation->incarnation.partitions);
    writer->stop = &never_stop;
    writer->progress = operation->progress;
    writer->progress_context = operation->context;
    struct db *db = counter_db(writer, fault);
    enum err err = db ? catalogue_load(db, 0, &writer->catalogue, fault) : ERR_RETRY;
    for (int i = 0; !err && i < writer->partitions; i++) {
        struct partition_row row;
        err = partition_row_read(db, operation->incarnation.number, i, &row, fault);
        if (!err) counter_partition_take(writer, &row, true);
    }
    return err;
}

static void marks_note(void *context, int shard, const struct rconn_reply *mark)
{
    bool *unmarked = context;
    struct counter_position position;
    unmarked[shard] = !mark || counter_mark_read(mark->text, &position);
}

static int count_of(const bool shards[SHARD_COUNT])
{
    int count = 0;
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        count += shards[shard];
    return count;
}

// Waits while raters write. What nobody has written for a while stays in `left`.
static enum err raters_await(struct counter_writer *writer, bool left[SHARD_COUNT], struct fault *fault)
{
    bool all[SHARD_COUNT];
    int before = SHARD_COUNT + 1, looks = 0;
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        all[shard] = true;
    for (;; looks++) {
        enum err err = counter_marks_read(writer, all, marks_note, left, fault);
        if (err) return err;
        int count = count_of(left);
        if (count == 0 || (count == before && looks > PATIENCE_LOOKS)) return ERR_OK;
        if (count != before) looks = 0;
        before = count;
        if (writer->progress) writer->progress(writer->progress_context, -1, SHARD_COUNT - count);
        usleep(LOOK_EVERY_US);
    }
}

enum err counters_rebuild(const struct counter_operation *operation, struct counter_rebuilding *result,
                          struct fault *fault)
{
    struct counter_writer *writer = heap_alloc(sizeof *writer);
    bool left[SHARD_COUNT];
    *result = (struct counter_rebuilding){.keys = 0};
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        left[shard] = true;
    enum err err = writer_open(writer, operation, fault);
    for (int i = 0; !err && i < TRIES_MAX && count_of(left) > 0; i++) {
        int64_t keys = 0;
        err = counter_resync(writer, left, &keys, fault);
        result->keys += keys;
        if (err && err != ERR_CONFLICT) break;
        result->shared = result->shared || err == ERR_CONFLICT;
        err = raters_await(writer, left, fault);
    }
    if (!err && count_of(left) > 0)
        err = fault_set(fault, ERR_RETRY, "redis", "others write the same shards all the time; %d are left",
                        count_of(left));
    counter_writer_free(writer);
    free(writer);
    return err;
}
