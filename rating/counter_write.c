// SPDX-License-Identifier: Apache-2.0
// A batch's changes to Redis: read the present figures, add, and let one script per shard write them if the mark is
// ours.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crash_point.h"
#include "common/log.h"
#include "rating/counters_internal.h"

enum { KEYS_PER_SCRIPT = 1000, MARKS_EVERY_US = 1000000, ARENA_BYTES = 1 << 18 };

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

void counter_mark_print(const struct partition_row *row, char mark[COUNTER_MARK_MAX])
{
    char head[SHA256_HEX];
    hex_print(row->head, SHA256_BYTES, head);
    snprintf(mark, COUNTER_MARK_MAX, "%d:%lld:%s:%d", row->incarnation, (long long)row->batch_seq, head,
             row->partition);
}

struct slice counter_key(struct arena *arena, int shard, int64_t tenant, int32_t meter, int32_t month)
{
    return slice_of(arena_print(arena, "tp:{%d}:u:%lld:%d:%d", shard, (long long)tenant, meter, month));
}

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
    struct arena *arena = arena_new(4096);
    size_t at = 0, all = 6 + 2 * count;
    struct slice *arguments = ARENA_ARRAY(arena, struct slice, all);
    arguments[at++] = SLICE("EVALSHA");
    arguments[at++] = slice_of(writer->script);
    arguments[at++] = slice_of(arena_print(arena, "%zu", count + 1));
    arguments[at++] = slice_of(arena_print(arena, "tp:{%d}:mark", shard));
    for (size_t i = 0; i < count; i++)
        arguments[at++] = keys[i];
    arguments[at++] = slice_of(expected);
    arguments[at++] = slice_of(mark);
    for (size_t i = 0; i < count; i++)
        arguments[at++] = values[i];
    ENSURE(at == all);
    enum err err = rconn_append(writer->redis, arguments, all, fault);
    arena_free(arena);
    return err;
}

// --- present figures

// A missing counter is zero, because the mark is ours; what is no number makes the shard stale.
static void figure_take(struct counter_writer *writer, const struct counter_change *change,
                        const struct rconn_reply *reply, struct quantity *figure)
{
    struct quantity now = QUANTITY_ZERO;
    if (change->merged) return;
    bool wrong = reply->kind == REPLY_TEXT && quantity_parse(reply->text.data, reply->text.length, &now, NULL);
    if (wrong || quantity_add(now, change->added, figure)) writer->shards[change->shard].stale = true;
}

// Reads the figures of the changes' counters that can be added to. A key that is no number makes its shard stale.
static enum err figures_read(struct counter_writer *writer, const struct counter_work *work, struct arena *arena,
                             struct quantity *figures, struct fault *fault)
{
    enum err err = ERR_OK, read = ERR_OK;
    size_t sent = 0;
    for (; !err && sent < work->count; sent++) {
        const struct counter_change *change = &work->changes[sent];
        const struct slice get[] = {SLICE("GET"),
                                    counter_key(arena, change->shard, change->tenant, change->meter, change->month)};
        err = rconn_append(writer->redis, get, 2, fault);
        if (err) break;
    }
    for (size_t i = 0; i < sent; i++) {
        const struct rconn_reply *reply = NULL;
        enum err one = rconn_read(writer->redis, &reply, fault);
        if (one == ERR_CONFLICT) // a wrong type
            writer->shards[work->changes[i].shard].stale = true;
        else if (one)
            read = one;
        else
            figure_take(writer, &work->changes[i], reply, &figures[i]);
    }
    return err ? err : read;
}

// --- writing

// The scripts of one shard: chunks under its present mark, the last one leaves the new mark.
static enum err shard_append(struct counter_writer *writer, int shard, const char *mark, const struct slice *keys,
                             const struct slice *values, size_t count, int *calls, struct fault *fault)
{
    const char *expected = writer->shards[shard].mark;
    while (count > KEYS_PER_SCRIPT) {
        enum err err = counter_script_append(writer, shard, expected, "partial", keys, values, KEYS_PER_SCRIPT, fault);
        if (err) return err;
        expected = "partial"; // no reader takes it for fresh; a writer that dies here leaves a shard to be resynced
        (*calls)++;
        keys += KEYS_PER_SCRIPT, values += KEYS_PER_SCRIPT, count -= KEYS_PER_SCRIPT;
    }
    enum err err = counter_script_append(writer, shard, expected, mark, keys, values, count, fault);
    *calls += !err;
    return err;
}

// The answers of a shard's scripts.
static enum err shard_read(struct counter_writer *writer, int shard, const char *mark, int64_t batch_seq, int calls,
                           struct fault *fault)
{
    bool written = true;
    enum err lost = ERR_OK;
    for (int i = 0; i < calls; i++) {
        const struct rconn_reply *reply = NULL;
        enum err err = rconn_read(writer->redis, &reply, fault);
        if (err == ERR_RETRY) lost = err;
        if (err == ERR_CONFLICT && strstr(fault->reason, "NOSCRIPT")) writer->script[0] = 0;
        written = written && !err && reply->kind == REPLY_INT && reply->number == 1;
    }
    if (written) {
        memcpy(writer->shards[shard].mark, mark, COUNTER_MARK_MAX);
        writer->shards[shard].batch_seq = batch_seq;
    } else {
        writer->shards[shard].stale = true;
    }
    return lost;
}

struct shard_range {
    int shard, calls;
    size_t from, to; // of the changes
};

// Which shards get a call: those that change, and once a second all of the partition, so that their marks keep up. A
// shard that a resync has put ahead of this batch has it already; the others of the partition have not.
static size_t ranges_find(const struct counter_writer *writer, const struct counter_work *work, bool all,
                          struct shard_range *ranges)
{
    size_t count = 0, at = 0;
    for (int shard = work->row.partition; shard < SHARD_COUNT; shard += writer->partitions) {
        size_t from = at;
        while (at < work->count && work->changes[at].shard == shard)
            at++;
        if ((at > from || all) && !writer->shards[shard].stale &&
            writer->shards[shard].batch_seq < work->row.batch_seq)
            ranges[count++] = (struct shard_range){.shard = shard, .from = from, .to = at};
    }
    return count;
}

static enum err ranges_write(struct counter_writer *writer, const struct counter_work *work, struct shard_range *ranges,
                             size_t count, const struct quantity *figures, struct arena *arena, struct fault *fault)
{
    char mark[COUNTER_MARK_MAX] = {0};
    counter_mark_print(&work->row, mark);
    struct slice *keys = ARENA_ARRAY(arena, struct slice, work->count + 1);
    struct slice *values = ARENA_ARRAY(arena, struct slice, work->count + 1);
    for (size_t i = 0; i < work->count; i++) {
        const struct counter_change *change = &work->changes[i];
        char text[DECIMAL_TEXT_MAX];
        size_t length = quantity_print(figures[i], text);
        keys[i] = counter_key(arena, change->shard, change->tenant, change->meter, change->month);
        values[i] = (struct slice){arena_text(arena, text, length), length};
    }
    enum err err = ERR_OK;
    size_t sent = 0;
    for (; !err && sent < count; sent++)
        err = shard_append(writer, ranges[sent].shard, mark, keys + ranges[sent].from, values + ranges[sent].from,
                           ranges[sent].to - ranges[sent].from, &ranges[sent].calls, fault);
    enum err lost = err;
    for (size_t i = 0; i < sent; i++) {
        enum err one = shard_read(writer, ranges[i].shard, mark, work->row.batch_seq, ranges[i].calls, fault);
        if (err) writer->shards[ranges[i].shard].stale = true;
        if (one) lost = one;
    }
    return lost;
}

enum err counter_write(struct counter_writer *writer, const struct counter_work *work, struct fault *fault)
{
    struct counter_partition *partition = &writer->partition[work->row.partition];
    struct arena *arena = arena_new(ARENA_BYTES);
    struct quantity *figures = ARENA_ARRAY(arena, struct quantity, work->count + 1);
    struct shard_range ranges[SHARD_COUNT];
    int64_t now = clock_monotonic_us();
    bool all = now - partition->marked_us >= MARKS_EVERY_US;
    enum err err = counter_script(writer, fault);
    if (!err) err = figures_read(writer, work, arena, figures, fault);
    if (!err) err = counter_merged_read(writer, work, figures, fault);
    if (!err) {
        size_t count = ranges_find(writer, work, all, ranges);
        err = ranges_write(writer, work, ranges, count, figures, arena, fault);
    }
    if (err)
        for (size_t i = 0; i < work->count; i++)
            writer->shards[work->changes[i].shard].stale = true;
    else
        metric_add(writer->keys_written, (int64_t)work->count);
    if (!err && all) {
        partition->marked_us = now;
        partition->marked_seq = work->row.batch_seq;
    }
    if (err == ERR_RETRY) writer->script[0] = 0;
    arena_free(arena);
    if (!err) CRASH_POINT("rate.after_redis");
    return err;
}

// --- checks

enum err counter_check(struct counter_writer *writer, int partition, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    int sent = 0;
    enum err err = rconn_ready(writer->redis, fault);
    for (int shard = partition; !err && shard < SHARD_COUNT; shard += writer->partitions) {
        const struct slice get[] = {SLICE("GET"), slice_of(arena_print(arena, "tp:{%d}:mark", shard))};
        err = rconn_append(writer->redis, get, 2, fault);
        sent += !err;
    }
    enum err read = err;
    for (int shard = partition; sent > 0; shard += writer->partitions, sent--) {
        const struct rconn_reply *reply = NULL;
        enum err one = rconn_read(writer->redis, &reply, fault);
        bool same = !one && reply->kind == REPLY_TEXT && slice_is(reply->text, writer->shards[shard].mark);
        if (!same) writer->shards[shard].stale = true;
        if (one && one != ERR_CONFLICT) read = one; // a mark of a wrong type is only another mark
    }
    arena_free(arena);
    return read;
}

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
    if (evicted > writer->evicted) {
        log_warn("counters_evicted", LOG_INT("keys", evicted - writer->evicted),
                 LOG_TEXT("action", "all counters are written again: set maxmemory-policy noeviction"));
        for (int shard = 0; shard < SHARD_COUNT; shard++)
            writer->shards[shard].stale = true;
    }
    writer->evicted = evicted;
    return ERR_OK;
}
