// SPDX-License-Identifier: Apache-2.0
// Writes shards again from PostgreSQL: one snapshot gives the rows of their partitions (which become the marks) and
// every counter. While it lasts the shards carry a mark of this resync, so that a former owner of the partition that
// still believes in itself cannot write in between (rules 8). Who else takes a shard meanwhile wins it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "common/array.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum { KEYS_PER_CALL = 500, ARENA_BYTES = 1 << 20, SCAN_COUNT = 1000, MARK_TEXT_MAX = 48 };

struct resync {
    struct counter_writer *writer;
    struct arena *arena;
    bool shards[SHARD_COUNT]; // of this resync
    char token[MARK_TEXT_MAX];
    char unlink[SHA1_HEX];      // name of the script
    struct partition_row *rows; // of the snapshot, by partition
    int64_t keys;
};

// Puts the mark of this resync on the shards: nobody else writes them from now on.
static enum err token_set(struct resync *resync, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    enum err err = rconn_ready(writer->redis, fault);
    int sent = 0;
    snprintf(resync->token, sizeof resync->token, "resync:%016llx", (unsigned long long)random_u64());
    for (int shard = 0; !err && shard < SHARD_COUNT; shard++) {
        if (!resync->shards[shard]) continue;
        char key[COUNTER_KEY_MAX];
        const struct slice set[] = {SLICE("SET"), {key, counter_mark_key(shard, key)}, slice_of(resync->token)};
        err = rconn_append(writer->redis, set, 3, fault);
        sent += !err;
    }
    for (int i = 0; i < sent; i++) {
        const struct rconn_reply *reply = NULL;
        struct fault later = {0};
        enum err one = rconn_read(writer->redis, &reply, err ? &later : fault);
        if (one && !err) err = one;
    }
    return err;
}

// Removes a key if the shard still carries the mark of this resync: KEYS are the mark and the key, ARGV[1] the mark. A
// former owner that is told late of its loss must not take away what the new one has written. One call per key, in one
// pipeline: keys of several shards may not stand in one call of a cluster.
static const char unlink_text[] = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end\n"
                                  "return redis.call('unlink', KEYS[2])\n";

static enum err keys_unlink(struct resync *resync, const struct rconn_reply *keys, struct fault *fault)
{
    struct rconn *redis = resync->writer->redis;
    struct arena *arena = arena_new(ARENA_BYTES / 8);
    struct slice *old = ARENA_ARRAY(arena, struct slice, keys->count + 1);
    size_t count = 0, sent = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < keys->count; i++) { // the reply goes with the first command
        struct slice key = keys->items[i].text;
        int shard = counter_key_shard(key);
        if (shard < SHARD_COUNT && resync->shards[shard])
            old[count++] = (struct slice){arena_text(arena, key.data, key.length), key.length};
    }
    for (; !err && sent < count; sent += !err) {
        char mark_key[COUNTER_KEY_MAX];
        const struct slice unlink[] = {
            SLICE("EVALSHA"), slice_of(resync->unlink),
            SLICE("2"),       {mark_key, counter_mark_key(counter_key_shard(old[sent]), mark_key)},
            old[sent],        slice_of(resync->token)};
        err = rconn_append(redis, unlink, 6, fault);
    }
    for (size_t i = 0; i < sent; i++) {
        const struct rconn_reply *reply = NULL;
        struct fault later = {0};
        enum err one = rconn_read(redis, &reply, err ? &later : fault);
        if (one && !err) err = one;
    }
    arena_free(arena);
    return err;
}

enum err counter_scan_next(struct rconn *redis, struct counter_scan *scan, const struct rconn_reply **keys,
                           struct fault *fault)
{
    char count[16];
    snprintf(count, sizeof count, "%d", SCAN_COUNT);
    const struct slice words[] = {SLICE("SCAN"),       slice_of(scan->cursor), SLICE("MATCH"),
                                  SLICE("tp:{*}:u:*"), SLICE("COUNT"),         slice_of(count)};
    const struct rconn_reply *reply = NULL;
    enum err err = rconn_command(redis, words, 6, &reply, fault);
    if (err) return err;
    if (reply->kind != REPLY_ARRAY || reply->count != 2 || reply->items[0].text.length >= sizeof scan->cursor)
        return fault_set(fault, ERR_CONFLICT, "redis", "SCAN gave no cursor");
    memcpy(scan->cursor, reply->items[0].text.data, reply->items[0].text.length);
    scan->cursor[reply->items[0].text.length] = 0;
    scan->end = strcmp(scan->cursor, "0") == 0;
    *keys = &reply->items[1];
    return ERR_OK;
}

// Takes away what an older picture left: a counter that PostgreSQL does not have must not stay.
static enum err old_unlink(struct resync *resync, struct fault *fault)
{
    struct counter_scan scan = {.cursor = "0"};
    const struct slice load[] = {SLICE("SCRIPT"), SLICE("LOAD"), slice_of(unlink_text)};
    const struct rconn_reply *loaded = NULL;
    sha1_hex(unlink_text, sizeof unlink_text - 1, resync->unlink);
    enum err err = rconn_command(resync->writer->redis, load, 3, &loaded, fault);
    if (err) return err;
    do {
        const struct rconn_reply *keys = NULL;
        err = counter_scan_next(resync->writer->redis, &scan, &keys, fault);
        if (!err) err = keys_unlink(resync, keys, fault);
        if (!err && atomic_load(resync->writer->stop)) err = fault_set(fault, ERR_RETRY, "", "we are told to stop");
    } while (!err && !scan.end);
    return err;
}

// Zones of the tenants' months: one row per membership (the rule of counter_month_spans).
static void zones_add(const struct catalogue *catalogue, struct array *tenants, struct array *starts,
                      struct array *ends, struct array *zones)
{
    size_t accounts = 0;
    const int64_t *list = catalogue_all_accounts(catalogue, &accounts);
    for (size_t i = 0; i < accounts; i++) {
        const struct agreement *terms = catalogue_agreement(catalogue, list[i], INSTANT_MAX - 1);
        size_t count = 0;
        const struct membership *members = catalogue_members(catalogue, list[i], &count);
        for (size_t j = 0; terms && j < count; j++) {
            array_add_int(tenants, members[j].tenant);
            array_add_instant(starts, members[j].effective_from);
            array_add_instant(ends, members[j].effective_to);
            array_add_text(zones, zone_name(terms->zone));
        }
    }
}

static void meters_add(const struct catalogue *catalogue, const struct db_result *result, struct array *merging,
                       struct array *words)
{
    for (int i = 0; i < db_rows(result); i++) {
        const struct meter *meter = catalogue_meter_newest(catalogue, (int32_t)db_get_int(result, i, 0));
        if (!meter || !counter_meter_merges(meter)) continue;
        array_add_int(merging, meter->number);
        array_add_text(words, aggregation_forms[meter->aggregation].name);
    }
}

enum err counter_cursor_open(struct db *db, const struct catalogue *catalogue, const bool wanted[SHARD_COUNT],
                             struct arena *arena, struct fault *fault)
{
    struct array shards = {0}, tenants = {0}, starts = {0}, ends = {0}, zones = {0}, merging = {0}, words = {0};
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        if (wanted[shard]) array_add_int(&shards, shard);
    zones_add(catalogue, &tenants, &starts, &ends, &zones);
    struct db_result *meters = NULL;
    enum err err = db_query(db, "select distinct meter from catalog.meter", 0, NULL, &meters, fault);
    if (!err) meters_add(catalogue, meters, &merging, &words);
    db_result_free(meters);
    const char *const values[] = {array_end(&shards, arena), array_end(&tenants, arena), array_end(&starts, arena),
                                  array_end(&ends, arena),   array_end(&zones, arena),   array_end(&merging, arena),
                                  array_end(&words, arena)};
    if (err) return err;
    return db_exec(db,
                   "declare counters no scroll cursor for\n"
                   "with delta as (\n"
                   "  select d.shard, d.tenant, d.meter, d.dimension_set, d.slot,\n"
                   "         to_char(d.slot at time zone coalesce(z.zone, 'UTC'), 'YYYYMM')::int as month,\n"
                   "         d.quantity, d.latest_time, d.latest_id, d.slot_events, a.aggregation\n"
                   "    from rating.usage_live d\n"
                   "    left join unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[])\n"
                   "         as z (tenant, effective_from, effective_to, zone)\n"
                   "      on z.tenant = d.tenant and d.slot >= z.effective_from and d.slot < z.effective_to\n"
                   "    left join unnest($6::int[], $7::text[]) as a (meter, aggregation) on a.meter = d.meter\n"
                   "   where d.shard = any ($1::smallint[])),\n"
                   "merged as (\n"
                   "  select shard, tenant, meter, month,\n"
                   "         case aggregation when 'max' then max(quantity) when 'min' then min(quantity)\n"
                   "         when 'average' then rating.mean(sum(quantity), sum(slot_events))\n"
                   "         when 'unique' then count(distinct latest_id)\n"
                   "         else (array_agg(quantity order by latest_time desc, latest_id desc))[1] end as quantity\n"
                   "    from delta\n"
                   "   where aggregation is not null\n"
                   "   group by shard, tenant, meter, month, aggregation, dimension_set, slot\n"
                   "   union all\n"
                   "  select shard, tenant, meter, month, sum(quantity)\n"
                   "    from delta\n"
                   "   where aggregation is null\n"
                   "   group by shard, tenant, meter, month)\n"
                   "select shard, tenant, meter, month, sum(quantity)::text\n"
                   "  from merged\n"
                   " group by shard, tenant, meter, month\n"
                   " order by shard",
                   7, values, NULL, fault);
}

enum err counter_cursor_fetch(struct db *db, struct db_result **rows, struct fault *fault)
{
    char fetch[64];
    snprintf(fetch, sizeof fetch, "fetch forward %d from counters", COUNTER_ROWS_PER_FETCH);
    return db_query(db, fetch, 0, NULL, rows, fault);
}

// Sends rows [from, to) of one shard, under the mark of the resync.
static enum err rows_send(struct resync *resync, const struct db_result *result, int from, int to, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES / 8);
    struct slice keys[KEYS_PER_CALL], values[KEYS_PER_CALL];
    int shard = (int)db_get_int(result, from, 0);
    size_t count = 0;
    for (int i = from; i < to; i++, count++) {
        char key[COUNTER_KEY_MAX], value[DECIMAL_TEXT_MAX];
        const struct counter_id id = {db_get_int(result, i, 1), (int32_t)db_get_int(result, i, 2),
                                      (int32_t)db_get_int(result, i, 3)};
        const struct quantity quantity = {db_get_decimal(result, i, 4, QUANTITY_PLACES)};
        size_t length = counter_key(shard, id.tenant, id.meter, id.month, key);
        keys[count] = (struct slice){arena_text(arena, key, length), length};
        length = quantity_print(quantity, value);
        values[count] = (struct slice){arena_text(arena, value, length), length};
        counter_cache_put(resync->writer->cache, shard, &id, quantity);
    }
    enum err err =
        counter_script_append(resync->writer, shard, resync->token, resync->token, keys, values, count, fault);
    resync->keys += (int64_t)count;
    arena_free(arena);
    return err;
}

static enum err replies_read(struct resync *resync, int count, struct fault *fault)
{
    enum err err = ERR_OK;
    for (int i = 0; i < count; i++) {
        const struct rconn_reply *reply = NULL;
        struct fault later = {0};
        enum err one = rconn_read(resync->writer->redis, &reply, err ? &later : fault);
        if (!one && !err && (reply->kind != REPLY_INT || reply->number != 1))
            one = fault_set(fault, ERR_CONFLICT, "redis", "another writer has taken the shard meanwhile");
        if (one && !err) err = one;
    }
    return err;
}

static enum err rows_write(struct resync *resync, const struct db_result *result, struct fault *fault)
{
    enum err err = ERR_OK;
    int calls = 0;
    for (int from = 0, to; !err && from < db_rows(result); from = to) {
        for (to = from; to < db_rows(result) && to - from < KEYS_PER_CALL; to++)
            if (db_get_int(result, to, 0) != db_get_int(result, from, 0)) break;
        err = rows_send(resync, result, from, to, fault);
        calls += !err;
    }
    enum err answered = replies_read(resync, calls, fault);
    return err ? err : answered;
}

static enum err counters_copy(struct resync *resync, struct db *db, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    enum err err = counter_cursor_open(db, writer->catalogue, resync->shards, resync->arena, fault);
    for (bool more = true; !err && more;) {
        struct db_result *result = NULL;
        err = counter_cursor_fetch(db, &result, fault);
        if (!err) {
            more = db_rows(result) == COUNTER_ROWS_PER_FETCH;
            err = rows_write(resync, result, fault);
            if (more && writer->progress)
                writer->progress(writer->progress_context, resync->keys,
                                 (int)db_get_int(result, db_rows(result) - 1, 0));
        }
        db_result_free(result);
        if (!err && atomic_load(resync->writer->stop)) err = fault_set(fault, ERR_RETRY, "", "we are told to stop");
    }
    return err;
}

// Replaces the mark of the resync by those of the snapshot.
static enum err marks_set(struct resync *resync, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    enum err err = ERR_OK;
    int calls = 0;
    for (int shard = 0; !err && shard < SHARD_COUNT; shard++) {
        if (!resync->shards[shard]) continue;
        char mark[COUNTER_MARK_MAX];
        counter_mark_print(&resync->rows[shard % writer->partitions], mark);
        err = counter_script_append(writer, shard, resync->token, mark, NULL, NULL, 0, fault);
        calls += !err;
    }
    enum err answered = replies_read(resync, calls, fault);
    if (err || answered) return err ? err : answered;
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        if (!resync->shards[shard]) continue;
        struct counter_shard *target = &writer->shards[shard];
        memset(target->mark, 0, sizeof target->mark);
        counter_mark_print(&resync->rows[shard % writer->partitions], target->mark);
        target->stale = target->rewrite = false;
        target->whole = true;
        target->batch_seq = resync->rows[shard % writer->partitions].batch_seq;
        writer->partition[shard % writer->partitions].marked_seq = 0; // shards that were not stale have an older mark
    }
    return ERR_OK;
}

static enum err rows_read(struct resync *resync, struct db *db, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    enum err err = ERR_OK;
    resync->rows = ARENA_ARRAY(resync->arena, struct partition_row, (size_t)writer->partitions);
    for (int i = 0; !err && i < writer->partitions; i++) {
        bool wanted = false;
        for (int shard = i; shard < SHARD_COUNT; shard += writer->partitions)
            wanted = wanted || resync->shards[shard];
        if (wanted) err = partition_row_read(db, writer->partition[i].row.incarnation, i, &resync->rows[i], fault);
    }
    return err;
}

static enum err resync_run(struct resync *resync, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    struct db *db = counter_db(writer, fault);
    if (!db) return ERR_RETRY;
    enum err err = counter_script(writer, fault);
    if (!err) err = token_set(resync, fault);
    CRASH_POINT("counters.taken");
    if (!err) err = old_unlink(resync, fault);
    if (!err) err = db_begin_snapshot(db, fault);
    if (err) return err;
    err = rows_read(resync, db, fault);
    if (!err) err = counters_copy(resync, db, fault);
    CRASH_POINT("counters.copied");
    db_rollback(db); // it only read
    return err ? err : marks_set(resync, fault);
}

enum err counter_resync(struct counter_writer *writer, const bool shards[SHARD_COUNT], int64_t *keys,
                        struct fault *fault)
{
    struct resync *resync = heap_alloc(sizeof *resync);
    int64_t started_us = clock_monotonic_us(), count = 0;
    resync->writer = writer;
    resync->arena = arena_new(ARENA_BYTES);
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        resync->shards[shard] = shards[shard];
        count += shards[shard];
    }
    log_info("counters_resync", LOG_INT("shards", count));
    enum err err = resync_run(resync, fault);
    if (err == ERR_CONFLICT && strstr(fault->reason, "NOSCRIPT")) writer->script[0] = 0;
    if (!err) {
        metric_add(writer->resyncs, 1);
        log_info("counters_resynced", LOG_INT("shards", count), LOG_INT("keys", resync->keys),
                 LOG_INT("spent_ms", (clock_monotonic_us() - started_us) / 1000));
    }
    *keys = resync->keys;
    arena_free(resync->arena);
    free(resync);
    return err;
}
