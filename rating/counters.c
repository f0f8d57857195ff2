// SPDX-License-Identifier: Apache-2.0
// The thread that keeps the counters: a bounded queue of what was committed, and the order of the work: check the marks
// of new partitions, resync what is stale, write batches.
#include "rating/counters.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum {
    QUEUE_CHANGES_MAX = 2000000, // some 200 MiB at worst; what comes above it is dropped and resynced
    QUEUE_ITEMS_MAX = 4096,
    LOOK_EVERY_US = 5000000,  // at evictions, and whether the marks are still there
    MARKS_AFTER_US = 1000000, // shards without changes get the newest mark that late at most
    RETRY_LEAST_MS = 200,
    RETRY_MOST_MS = 5000
};

enum item_kind { ITEM_ASSIGN, ITEM_REVOKE, ITEM_BATCH };

struct item {
    struct item *next;
    enum item_kind kind;
    struct partition_row row;
    struct counter_change *changes;
    size_t count;
};

struct counters_feed {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct item *first, **last;
    size_t items, changes;
    atomic_bool stop;
    bool *dropped;                // by partition: its batches were dropped since the thread looked
    struct catalogue *catalogue;  // newest
    struct counter_writer writer; // the thread's own
};

// --- the rater's side

static void push(struct counters_feed *feed, struct item *item)
{
    pthread_mutex_lock(&feed->lock);
    bool full = feed->items >= QUEUE_ITEMS_MAX || feed->changes + item->count > QUEUE_CHANGES_MAX;
    if (item->kind == ITEM_BATCH && full) {
        feed->dropped[item->row.partition] = true;
        free(item->changes);
        free(item);
    } else {
        item->next = NULL;
        *feed->last = item;
        feed->last = &item->next;
        feed->items++;
        feed->changes += item->count;
        pthread_cond_signal(&feed->wake);
    }
    pthread_mutex_unlock(&feed->lock);
}

static void catalogue_keep(struct counters_feed *feed, struct catalogue *catalogue)
{
    pthread_mutex_lock(&feed->lock);
    if (feed->catalogue != catalogue) {
        catalogue_release(feed->catalogue);
        catalogue_retain(catalogue);
        feed->catalogue = catalogue;
    }
    pthread_mutex_unlock(&feed->lock);
}

void counters_feed_assign(struct counters_feed *feed, struct catalogue *catalogue, const struct partition_row *row)
{
    struct item *item = heap_alloc(sizeof *item);
    catalogue_keep(feed, catalogue);
    item->kind = ITEM_ASSIGN;
    item->row = *row;
    push(feed, item);
}

void counters_feed_revoke(struct counters_feed *feed, int partition)
{
    struct item *item = heap_alloc(sizeof *item);
    item->kind = ITEM_REVOKE;
    item->row.partition = partition;
    push(feed, item);
}

void counters_feed_batch(struct counters_feed *feed, struct catalogue *catalogue, const struct partition_row *row,
                         const struct usage_row *const *usage, size_t count)
{
    struct item *item = heap_alloc(sizeof *item);
    item->kind = ITEM_BATCH;
    item->row = *row;
    item->changes = counter_changes_build(catalogue, usage, count, &item->count);
    catalogue_keep(feed, catalogue);
    push(feed, item);
}

// --- the thread's side

static void failed(struct counter_writer *writer, const char *what, const struct fault *fault)
{
    int64_t wait_ms = backoff_next_ms(&writer->backoff);
    if (writer->retry_us == 0)
        log_warn("counters_stale", LOG_TEXT("during", what), LOG_FAULT(fault),
                 LOG_TEXT("action", "rating goes on; the counters are written again when Redis is back"));
    metric_add(writer->failures, 1);
    writer->retry_us = clock_monotonic_us() + wait_ms * 1000;
}

static void worked(struct counter_writer *writer)
{
    if (writer->retry_us != 0) log_info("counters_work_again", LOG_NONE);
    writer->retry_us = 0;
    backoff_reset(&writer->backoff);
}

void counter_partition_take(struct counter_writer *writer, const struct partition_row *row, bool ours)
{
    writer->partition[row->partition] = (struct counter_partition){.ours = ours, .row = *row};
    for (int shard = row->partition; shard < SHARD_COUNT; shard += writer->partitions) {
        writer->shards[shard] = (struct counter_shard){.ours = ours};
        writer->shards[shard].batch_seq = row->batch_seq;
        counter_mark_print(row, writer->shards[shard].mark);
        counter_cache_forget(writer->cache, shard);
    }
}

static void batch_miss(struct counter_writer *writer, const struct item *item)
{
    for (size_t i = 0; i < item->count; i++)
        writer->shards[item->changes[i].shard].stale = true;
}

static void batch_work(struct counter_writer *writer, const struct item *item)
{
    struct counter_partition *partition = &writer->partition[item->row.partition];
    struct fault fault = {0};
    if (!partition->ours || item->row.batch_seq <= partition->row.batch_seq) return;
    partition->row = item->row;
    if (!partition->checked || clock_monotonic_us() < writer->retry_us) {
        batch_miss(writer, item);
        return;
    }
    struct counter_work work = {.row = item->row, .changes = item->changes, .count = item->count};
    enum err err = counter_write(writer, &work, &fault);
    if (err)
        failed(writer, "a batch", &fault);
    else
        worked(writer);
}

static bool anything_stale(const struct counter_writer *writer)
{
    for (int i = 0; i < writer->partitions; i++)
        if (writer->partition[i].ours && !writer->partition[i].checked) return true;
    return counter_stale_count(writer) > 0;
}

// Checks and repairs what needs it. Returns whether something still does.
static bool repair(struct counter_writer *writer)
{
    struct fault fault = {0};
    enum err err = ERR_OK;
    if (anything_stale(writer) && writer->catalogue && clock_monotonic_us() >= writer->retry_us) {
        for (int i = 0; !err && i < writer->partitions; i++) {
            struct counter_partition *partition = &writer->partition[i];
            if (!partition->ours || partition->checked) continue;
            err = counter_check(writer, i, &fault);
            if (!err) partition->checked = true;
        }
        if (!err && counter_stale_count(writer) > 0) err = counter_repair(writer, &fault);
        if (err)
            failed(writer, "a repair", &fault);
        else
            worked(writer);
    }
    metric_set(writer->stale_shards, counter_stale_count(writer));
    return anything_stale(writer);
}

// Shards without changes of their own get the newest mark when nothing else writes it.
static void marks_follow(struct counter_writer *writer)
{
    struct fault fault = {0};
    int64_t now = clock_monotonic_us();
    for (int i = 0; i < writer->partitions; i++) {
        struct counter_partition *partition = &writer->partition[i];
        if (!partition->ours || !partition->checked || partition->marked_seq == partition->row.batch_seq) continue;
        if (now - partition->marked_us < MARKS_AFTER_US || now < writer->retry_us) continue;
        struct counter_work work = {.row = partition->row};
        if (counter_write(writer, &work, &fault)) failed(writer, "marks", &fault);
    }
}

// Was Redis emptied, restored or evicting while nothing was written?
static void look(struct counter_writer *writer)
{
    struct fault fault = {0};
    int64_t now = clock_monotonic_us();
    if (now - writer->looked_us < LOOK_EVERY_US || now < writer->retry_us) return;
    writer->looked_us = now;
    enum err err = counter_evictions(writer, &fault);
    for (int i = 0; !err && i < writer->partitions; i++)
        if (writer->partition[i].ours && writer->partition[i].checked) err = counter_check(writer, i, &fault);
    if (err) failed(writer, "a look at the marks", &fault);
}

// Waits for work up to a second; takes all that is there.
static struct item *take(struct counters_feed *feed, bool busy)
{
    struct timespec until;
    pthread_mutex_lock(&feed->lock);
    if (!feed->first && !feed->stop) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += busy ? 100000000 : 0;
        until.tv_sec += (busy ? 0 : 1) + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&feed->wake, &feed->lock, &until);
    }
    struct item *items = feed->first;
    feed->first = NULL;
    feed->last = &feed->first;
    feed->items = feed->changes = 0;
    for (int i = 0; i < feed->writer.partitions; i++) {
        if (feed->dropped[i]) counter_shards_stale(&feed->writer, i);
        feed->dropped[i] = false;
    }
    if (feed->catalogue && feed->catalogue != feed->writer.catalogue) {
        catalogue_release(feed->writer.catalogue);
        catalogue_retain(feed->catalogue);
        feed->writer.catalogue = feed->catalogue;
    }
    pthread_mutex_unlock(&feed->lock);
    return items;
}

// Before the thread ends: every shard of ours gets the newest mark, so that the next owner need not resync it.
static void marks_finish(struct counter_writer *writer)
{
    struct fault fault = {0};
    for (int i = 0; i < writer->partitions; i++) {
        struct counter_partition *partition = &writer->partition[i];
        if (!partition->ours || !partition->checked || writer->retry_us != 0) continue;
        partition->marked_us = INT64_MIN / 2;
        struct counter_work work = {.row = partition->row};
        if (counter_write(writer, &work, &fault)) failed(writer, "the last marks", &fault);
    }
}

static void *run(void *context)
{
    struct counters_feed *feed = context;
    struct counter_writer *writer = &feed->writer;
    bool busy = false, stop = false;
    while (!stop) {
        struct item *items = take(feed, busy);
        while (items) {
            struct item *item = items;
            items = item->next;
            if (item->kind == ITEM_REVOKE) marks_finish(writer);
            if (item->kind == ITEM_BATCH)
                batch_work(writer, item);
            else
                counter_partition_take(writer, &item->row, item->kind == ITEM_ASSIGN);
            free(item->changes);
            free(item);
        }
        busy = repair(writer);
        marks_follow(writer);
        look(writer);
        pthread_mutex_lock(&feed->lock);
        stop = feed->stop && !feed->first;
        pthread_mutex_unlock(&feed->lock);
    }
    marks_finish(writer);
    return NULL;
}

// --- opening and closing

void counter_writer_init(struct counter_writer *writer, const struct config *config, int partitions)
{
    writer->config = config;
    writer->partitions = partitions;
    writer->redis = rconn_new(config);
    writer->partition = heap_alloc((size_t)partitions * sizeof *writer->partition);
    writer->cache = counter_cache_new((size_t)config_int(config, "rate.counters_memory"));
    writer->backoff = BACKOFF(RETRY_LEAST_MS, RETRY_MOST_MS);
    snprintf(writer->partial, sizeof writer->partial, "partial:%016llx", (unsigned long long)random_u64());
    writer->stale_shards = metric_register(METRIC_GAUGE, "turnpike_rate_counters_stale_shards", "",
                                           "Shards whose counters in Redis are behind and being written again.");
    writer->resyncs = metric_register(METRIC_COUNTER, "turnpike_rate_counters_resyncs_total", "",
                                      "Times the counters of stale shards were written again from PostgreSQL.");
    writer->catch_ups = metric_register(METRIC_COUNTER, "turnpike_rate_counters_catch_ups_total", "",
                                        "Times stale shards were brought up to date by what was counted since.");
    writer->keys_read = metric_register(METRIC_COUNTER, "turnpike_rate_counters_read_total", "",
                                        "Counters whose value was read from Redis, not remembered.");
    writer->keys_looked_up = metric_register(METRIC_COUNTER, "turnpike_rate_counters_looked_up_total", "",
                                             "Counters whose value was read from PostgreSQL.");
    writer->keys_written =
        metric_register(METRIC_COUNTER, "turnpike_rate_counters_written_total", "", "Counters written after commits.");
    writer->failures = metric_register(METRIC_COUNTER, "turnpike_rate_counters_failures_total", "",
                                       "Tries to write counters that failed.");
}

void counter_writer_free(struct counter_writer *writer)
{
    catalogue_release(writer->catalogue);
    rconn_free(writer->redis);
    db_close(writer->db);
    counter_cache_free(writer->cache);
    free(writer->partition);
}

enum err counters_feed_open(const struct config *config, int partitions, struct counters_feed **opened,
                            struct fault *fault)
{
    struct counters_feed *feed = heap_alloc(sizeof *feed);
    feed->last = &feed->first;
    feed->dropped = heap_alloc((size_t)partitions * sizeof *feed->dropped);
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->wake, NULL);
    counter_writer_init(&feed->writer, config, partitions);
    feed->writer.stop = &feed->stop;
    if (pthread_create(&feed->thread, NULL, run, feed) != 0) {
        counter_writer_free(&feed->writer);
        free(feed->dropped);
        free(feed);
        return fault_set(fault, ERR_RETRY, "", "cannot start a thread");
    }
    *opened = feed;
    return ERR_OK;
}

void counters_feed_close(struct counters_feed *feed)
{
    if (!feed) return;
    pthread_mutex_lock(&feed->lock);
    feed->stop = true;
    pthread_cond_signal(&feed->wake);
    pthread_mutex_unlock(&feed->lock);
    pthread_join(feed->thread, NULL);
    catalogue_release(feed->catalogue);
    counter_writer_free(&feed->writer);
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->wake);
    free(feed->dropped);
    free(feed);
}
