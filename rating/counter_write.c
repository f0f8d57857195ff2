// SPDX-License-Identifier: Apache-2.0
// A batch's changes to Redis: one script per shard writes the new figures if the mark is ours. The calls of many shards
// go out in one pipeline.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash_point.h"
#include "common/log.h"
#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum {
    KEYS_PER_SCRIPT = 1000,
    MARKS_EVERY_US = 1000000,
    ARENA_BYTES = 1 << 18,
    CALLS_PER_PIPELINE = 128, // what is sent before answers are read: bounds the buffers on both sides
    KEYS_PER_PIPELINE = 20000,
    EVICTED_WAIT_LEAST_US = 5000000, // between two resyncs because of evictions, doubled while they go on
    EVICTED_WAIT_MOST_US = 600000000
};

// KEYS: the mark, then counters. ARGV: the mark expected, the mark to leave, then one value per counter.
static const char script_text[] = "local mark = redis.call('get', KEYS[1]) or ''\n"
                                  "if mark ~= ARGV[1] then return 0 end\n"
                                  "for i = 2, #KEYS, 500 do\n"
                                  "  local pairs = {}\n"
                                  "  for j = i, math.min(i + 499, #KEYS) do\n"
                                  "    pairs[#pairs + 1] = KEYS[j]\n"
                                  "    pairs[#pairs + 1] = ARGV[j + 1]\n"
                                  "  end\n"
                                  "  redis.call('mset', unpack(pairs))\n"
                                  "end\n"
                                  "redis.call('set', KEYS[1], ARGV[2])\n"
                                  "return 1\n";

void counter_shards_stale(struct counter_writer *writer, int partition)
{
    for (int shard = partition; shard < SHARD_COUNT; shard += writer->partitions)
        writer->shards[shard].stale = true;
}

int64_t counter_stale_count(const struct counter_writer *writer)
{
    int64_t count = 0;
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        count += writer->shards[shard].ours && writer->shards[shard].stale;
    return count;
}

enum err counter_script(struct counter_writer *writer, struct fault *fault)
{
    if (writer->script[0]) return ERR_OK;
    const struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"), slice_of(script_text)};
    const struct rconn_reply *reply = NULL;
    enum err err = rconn_command(writer->redis, load, 3, &reply, fault);
    if (err) return err;
    if (reply->kind != REPLY_TEXT || reply->text.length >= sizeof writer->script)
        return fault_set(fault, ERR_CONFLICT, "redis", "SCRIPT LOAD gave no hash");
    memcpy(writer->script, reply->text.data, reply->text.length);
    writer->script[reply->text.length] = 0;
    return ERR_OK;
}

enum err counter_script_append(struct counter_writer *writer, int shard, const char *expected, const char *mark,
                               const struct slice *keys, const struct slice *values, size_t count, struct fault *fault)
{
    struct slice arguments[6 + 2 * KEYS_PER_SCRIPT];
    char mark_key[COUNTER_KEY_MAX], key_count[24];
    size_t at = 0;
    ENSURE(count <= KEYS_PER_SCRIPT);
    arguments[at++] = SLICE("EVALSHA");
    arguments[at++] = slice_of(writer->script);
    arguments[at++] = (struct slice){key_count, (size_t)snprintf(key_count, sizeof key_count, "%zu", count + 1)};
    arguments[at++] = (struct slice){mark_key, counter_mark_key(shard, mark_key)};
    for (size_t i = 0; i < count; i++)
        arguments[at++] = keys[i];
    arguments[at++] = slice_of(expected);
    arguments[at++] = slice_of(mark);
    for (size_t i = 0; i < count; i++)
        arguments[at++] = values[i];
    return rconn_append(writer->redis, arguments, at, fault);
}

// --- writing

// The scripts of one shard: chunks under its present mark, the last one leaves the new mark. In between the mark is
// this writer's own "partial", which no reader takes for fresh; a writer that dies there leaves a shard to be resynced.
static enum err shard_append(struct counter_writer *writer, struct counter_range *range, const char *mark,
                             const struct slice *keys, const struct slice *values, struct fault *fault)
{
    const char *expected = writer->shards[range->shard].mark;
    size_t at = range->from;
    enum err err = ERR_OK;
    for (; !err && range->to - at > KEYS_PER_SCRIPT; at += KEYS_PER_SCRIPT) {
        err = counter_script_append(writer, range->shard, expected, writer->partial, keys + at, values + at,
                                    KEYS_PER_SCRIPT, fault);
        expected = writer->partial;
        range->calls += !err;
    }
    if (!err)
        err =
            counter_script_append(writer, range->shard, expected, mark, keys + at, values + at, range->to - at, fault);
    if (!err) range->calls++;
    return err;
}

// What was written is remembered; PostgreSQL is asked for the others anyway.
static void shard_remember(struct counter_writer *writer, const struct counter_work *work,
                           const struct counter_range *range, const struct quantity *figures)
{
    for (size_t i = range->from; i < range->to; i++) {
        const struct counter_change *change = &work->changes[i];
        const struct counter_id id = {change->tenant, change->meter, change->month};
        if (!change->merged) counter_cache_put(writer->cache, change->shard, &id, figures[i]);
    }
}

// The answers of a shard's scripts.
static enum err shard_read(struct counter_writer *writer, const struct counter_range *range, const char *mark,
                           int64_t batch_seq, struct fault *fault)
{
    struct counter_shard *shard = &writer->shards[range->shard];
    bool written = range->calls > 0;
    enum err lost = ERR_OK;
    for (int i = 0; i < range->calls; i++) {
        const struct rconn_reply *reply = NULL;
        struct fault one = {0};
        enum err err = rconn_read(writer->redis, &reply, &one);
        bool unknown = err == ERR_CONFLICT && strstr(one.reason, "NOSCRIPT");
        if (unknown) writer->script[0] = 0;
        if (err && !unknown && !lost) {
            lost = err;
            *fault = one;
        }
        written = written && !err && reply->kind == REPLY_INT && reply->number == 1;
    }
    if (written) {
        memcpy(shard->mark, mark, COUNTER_MARK_MAX);
        shard->batch_seq = batch_seq;
    } else {
        shard->stale = true;
    }
    return lost;
}

// Which shards get a call: those that change, and once a second all of the partition, so that their marks keep up. A
// shard that a repair has put ahead of this batch has it already; the others of the partition have not.
static size_t ranges_find(const struct counter_writer *writer, const struct counter_work *work, bool all,
                          struct counter_range *ranges)
{
    size_t count = 0, at = 0;
    for (int shard = work->row.partition; shard < SHARD_COUNT; shard += writer->partitions) {
        size_t from = at;
        while (at < work->count && work->changes[at].shard == shard)
            at++;
        if (work->only && !work->only[shard]) continue;
        if ((at > from || all) && !writer->shards[shard].stale && writer->shards[shard].batch_seq < work->row.batch_seq)
            ranges[count++] = (struct counter_range){.shard = shard, .from = from, .to = at};
    }
    return count;
}

struct texts {
    struct slice *keys, *values; // by change
};

static void texts_print(const struct counter_work *work, const struct counter_range *range,
                        const struct quantity *figures, struct arena *arena, struct texts *texts)
{
    for (size_t i = range->from; i < range->to; i++) {
        const struct counter_change *change = &work->changes[i];
        char key[COUNTER_KEY_MAX], value[DECIMAL_TEXT_MAX];
        size_t length = counter_key(change->shard, change->tenant, change->meter, change->month, key);
        texts->keys[i] = (struct slice){arena_text(arena, key, length), length};
        length = quantity_print(figures[i], value);
        texts->values[i] = (struct slice){arena_text(arena, value, length), length};
    }
}

// Sends the ranges in pipelines. All of them are stale after a failure that may have torn one.
static enum err ranges_write(struct counter_writer *writer, const struct counter_work *work,
                             struct counter_range *ranges, size_t count, const struct quantity *figures,
                             struct arena *arena, struct fault *fault)
{
    char mark[COUNTER_MARK_MAX] = {0};
    struct texts texts = {ARENA_ARRAY(arena, struct slice, work->count + 1),
                          ARENA_ARRAY(arena, struct slice, work->count + 1)};
    enum err err = ERR_OK;
    counter_mark_print(&work->row, mark);
    for (size_t first = 0, next = 0; !err && first < count; first = next) {
        size_t keys = 0;
        int calls = 0;
        if (first > 0) CRASH_POINT("rate.between_redis");
        for (; !err && next < count && calls < CALLS_PER_PIPELINE && keys < KEYS_PER_PIPELINE; next++) {
            if (writer->shards[ranges[next].shard].stale) continue; // found out while its values were read
            texts_print(work, &ranges[next], figures, arena, &texts);
            err = shard_append(writer, &ranges[next], mark, texts.keys, texts.values, fault);
            calls += ranges[next].calls;
            keys += ranges[next].to - ranges[next].from;
        }
        for (size_t i = first; i < next; i++) {
            struct fault later = {0}; // the first failure is told: those after it are its consequence
            enum err one = shard_read(writer, &ranges[i], mark, work->row.batch_seq, err ? &later : fault);
            if (one && !err) err = one;
            if (!writer->shards[ranges[i].shard].stale) shard_remember(writer, work, &ranges[i], figures);
        }
    }
    for (size_t i = 0; err && i < count; i++)
        if (writer->shards[ranges[i].shard].batch_seq < work->row.batch_seq)
            writer->shards[ranges[i].shard].stale = true;
    return err;
}

enum err counter_write(struct counter_writer *writer, const struct counter_work *work, struct fault *fault)
{
    struct counter_partition *partition = &writer->partition[work->row.partition];
    struct arena *arena = arena_new(ARENA_BYTES);
    struct quantity *figures = ARENA_ARRAY(arena, struct quantity, work->count + 1);
    struct counter_range ranges[SHARD_COUNT];
    int64_t now = clock_monotonic_us();
    bool all = work->only || now - partition->marked_us >= MARKS_EVERY_US;
    size_t count = ranges_find(writer, work, all, ranges);
    enum err err = counter_script(writer, fault);
    counter_cache_tick(writer->cache);
    if (!err) err = counter_figures(writer, work, ranges, count, arena, figures, fault);
    if (!err)
        err = ranges_write(writer, work, ranges, count, figures, arena, fault);
    else
        for (size_t i = 0; i < count; i++)
            writer->shards[ranges[i].shard].stale = true;
    if (!err) {
        metric_add(writer->keys_written, (int64_t)work->count);
        if (all && !work->only) {
            partition->marked_us = now;
            partition->marked_seq = work->row.batch_seq;
        }
    }
    if (err == ERR_RETRY) writer->script[0] = 0;
    arena_free(arena);
    if (!err) CRASH_POINT("rate.after_redis");
    return err;
}

// --- evictions

enum err counter_evictions(struct counter_writer *writer, struct fault *fault)
{
    static const char field[] = "evicted_keys:";
    const struct slice info[] = {SLICE("INFO"), SLICE("stats")};
    const struct rconn_reply *reply = NULL;
    enum err err = rconn_command(writer->redis, info, 2, &reply, fault);
    if (err) return err;
    struct text text = {0};
    text_add_slice(&text, reply->text);
    const char *at = strstr(text.data, field);
    int64_t evicted = at ? strtoll(at + sizeof field - 1, NULL, 10) : 0;
    text_free(&text);
    int64_t now = clock_monotonic_us();
    if (evicted == writer->evicted || evicted == 0) {
        writer->evicted = evicted;
        return ERR_OK;
    }
    if (now - writer->evicted_us < writer->evicted_wait_us) return ERR_OK; // it would only evict more
    bool again = now - writer->evicted_us < 2 * writer->evicted_wait_us;
    writer->evicted_wait_us = again ? writer->evicted_wait_us * 2 : EVICTED_WAIT_LEAST_US;
    if (writer->evicted_wait_us > EVICTED_WAIT_MOST_US) writer->evicted_wait_us = EVICTED_WAIT_MOST_US;
    writer->evicted_us = now;
    log_warn("counters_evicted", LOG_INT("keys", evicted),
             LOG_TEXT("action", "all counters are written again: set maxmemory-policy noeviction"));
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        writer->shards[shard].stale = writer->shards[shard].rewrite = true;
    writer->evicted = evicted;
    return ERR_OK;
}
