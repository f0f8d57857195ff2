// SPDX-License-Identifier: Apache-2.0
// Writes stale shards again from PostgreSQL: one snapshot gives the partition's row (which becomes the mark) and every
// counter of its stale shards. While it lasts the shards carry a mark of this resync, so that a former owner of the
// partition that still believes in itself cannot write in between (rules 8).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "rating/counters_internal.h"

enum { ROWS_PER_FETCH = 20000, KEYS_PER_CALL = 500, ARENA_BYTES = 1 << 20, SCAN_COUNT = 1000, MARK_TEXT_MAX = 48 };

struct db *counter_db(struct counter_writer *writer, struct fault *fault)
{
    if (writer->db && db_alive(writer->db)) return writer->db;
    db_close(writer->db);
    writer->db = NULL;
    return db_open(writer->config, "rate", NULL, &writer->db, fault) ? NULL : writer->db;
}

static bool aggregation_merges(enum aggregation aggregation)
{
    return aggregation == AGGREGATION_MAX || aggregation == AGGREGATION_LATEST;
}

// --- merged figures of a batch

// Quantities by slot and dimension set as meters of one aggregation merge them, then summed. $n are arrays of one wish
// each.
#define MERGED_SQL                                                                                                     \
    "select w.ordinal, coalesce(sum(m.quantity), 0)::text\n"                                                           \
    "  from unnest($1::bigint[], $2::int[], $3::timestamptz[], $4::timestamptz[], $5::text[])\n"                       \
    "       with ordinality as w (tenant, meter, month_start, month_end, aggregation, ordinal)\n"                      \
    "  left join lateral (\n"                                                                                          \
    "       select case w.aggregation when 'max' then max(d.quantity) when 'sum' then sum(d.quantity)\n"               \
    "              else (array_agg(d.quantity order by d.latest_time desc, d.latest_id desc))[1] end as quantity\n"    \
    "         from rating.usage_of(w.tenant, w.meter, w.month_start, w.month_end) d\n"                                 \
    "        group by d.dimension_set, d.slot) m on true\n"                                                            \
    " group by w.ordinal\n"                                                                                            \
    " order by w.ordinal"

static const char *aggregation_word(const struct catalogue *catalogue, int32_t number)
{
    const struct meter *meter = catalogue_meter_newest(catalogue, number);
    if (!meter) return "sum";
    return meter->aggregation == AGGREGATION_MAX ? "max" : meter->aggregation == AGGREGATION_LATEST ? "latest" : "sum";
}

enum err counter_merged_read(struct counter_writer *writer, const struct counter_work *work, struct quantity *figures,
                             struct fault *fault)
{
    struct array tenants = {0}, meters = {0}, starts = {0}, ends = {0}, words = {0};
    size_t wanted = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct counter_change *change = &work->changes[i];
        if (!change->merged) continue;
        wanted++;
        array_add_int(&tenants, change->tenant);
        array_add_int(&meters, change->meter);
        array_add_instant(&starts, change->month_start);
        array_add_instant(&ends, change->month_end);
        array_add_text(&words, aggregation_word(writer->catalogue, change->meter));
    }
    if (wanted == 0) return ERR_OK;
    struct arena *arena = arena_new(ARENA_BYTES);
    const char *const values[] = {array_end(&tenants, arena), array_end(&meters, arena), array_end(&starts, arena),
                                  array_end(&ends, arena), array_end(&words, arena)};
    struct db_result *result = NULL;
    struct db *db = counter_db(writer, fault);
    enum err err = db ? db_query(db, MERGED_SQL, 5, values, &result, fault) : ERR_RETRY;
    int row = 0;
    for (size_t i = 0; !err && i < work->count; i++)
        if (work->changes[i].merged) figures[i].nano = db_get_decimal(result, row++, 1, QUANTITY_PLACES);
    db_result_free(result);
    arena_free(arena);
    return err;
}

// --- whole shards

struct resync {
    struct counter_writer *writer;
    struct arena *arena;
    int partition;
    bool shards[SHARD_COUNT]; // of this resync
    char token[MARK_TEXT_MAX];
    struct partition_row row; // of the snapshot
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
        const struct slice set[] = {SLICE("SET"), slice_of(arena_print(resync->arena, "tp:{%d}:mark", shard)),
                                    slice_of(resync->token)};
        err = rconn_append(writer->redis, set, 3, fault);
        sent += !err;
    }
    for (int i = 0; i < sent; i++) {
        const struct rconn_reply *reply = NULL;
        enum err one = rconn_read(writer->redis, &reply, fault);
        if (one) err = one;
    }
    return err;
}

static int shard_of_key(struct slice key)
{
    int shard = 0;
    size_t at = sizeof "tp:{" - 1;
    for (; at < key.length && key.data[at] >= '0' && key.data[at] <= '9' && shard < SHARD_COUNT; at++)
        shard = shard * 10 + (key.data[at] - '0');
    return at < key.length && key.data[at] == '}' ? shard : SHARD_COUNT;
}

static enum err keys_unlink(struct resync *resync, const struct rconn_reply *keys, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES / 8);
    struct slice *arguments = ARENA_ARRAY(arena, struct slice, keys->count + 1);
    size_t count = 0;
    arguments[count++] = SLICE("UNLINK");
    for (size_t i = 0; i < keys->count; i++) {
        struct slice key = keys->items[i].text;
        int shard = shard_of_key(key);
        if (shard < SHARD_COUNT && resync->shards[shard])
            arguments[count++] = (struct slice){arena_text(arena, key.data, key.length), key.length};
    }
    const struct rconn_reply *reply = NULL;
    enum err err = count > 1 ? rconn_command(resync->writer->redis, arguments, count, &reply, fault) : ERR_OK;
    arena_free(arena);
    return err;
}

// Takes away what an older picture left: a counter that PostgreSQL does not have must not stay.
static enum err old_unlink(struct resync *resync, struct fault *fault)
{
    char cursor[32] = "0";
    enum err err = ERR_OK;
    do {
        char count[16];
        snprintf(count, sizeof count, "%d", SCAN_COUNT);
        const struct slice scan[] = {SLICE("SCAN"),       slice_of(cursor), SLICE("MATCH"),
                                     SLICE("tp:{*}:u:*"), SLICE("COUNT"),   slice_of(count)};
        const struct rconn_reply *reply = NULL;
        err = rconn_command(resync->writer->redis, scan, 6, &reply, fault);
        if (err) return err;
        if (reply->kind != REPLY_ARRAY || reply->count != 2 || reply->items[0].text.length >= sizeof cursor)
            return fault_set(fault, ERR_CONFLICT, "redis", "SCAN gave no cursor");
        memcpy(cursor, reply->items[0].text.data, reply->items[0].text.length);
        cursor[reply->items[0].text.length] = 0;
        err = keys_unlink(resync, &reply->items[1], fault);
        if (!err && atomic_load(resync->writer->stop)) err = fault_set(fault, ERR_RETRY, "", "we are told to stop");
    } while (!err && strcmp(cursor, "0") != 0);
    return err;
}

// Zones of the tenants' months, as counter_zone has them: one row per membership.
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
        if (!meter || !aggregation_merges(meter->aggregation)) continue;
        array_add_int(merging, meter->number);
        array_add_text(words, meter->aggregation == AGGREGATION_MAX ? "max" : "latest");
    }
}

// Opens the cursor over all counters of the shards, in order of shards.
static enum err cursor_open(struct resync *resync, struct db *db, struct fault *fault)
{
    const struct catalogue *catalogue = resync->writer->catalogue;
    struct array shards = {0}, tenants = {0}, starts = {0}, ends = {0}, zones = {0}, merging = {0}, words = {0};
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        if (resync->shards[shard]) array_add_int(&shards, shard);
    zones_add(catalogue, &tenants, &starts, &ends, &zones);
    struct db_result *meters = NULL;
    enum err err = db_query(db, "select distinct meter from catalog.meter", 0, NULL, &meters, fault);
    if (!err) meters_add(catalogue, meters, &merging, &words);
    db_result_free(meters);
    const char *const values[] = {array_end(&shards, resync->arena), array_end(&tenants, resync->arena),
                                  array_end(&starts, resync->arena), array_end(&ends, resync->arena),
                                  array_end(&zones, resync->arena),  array_end(&merging, resync->arena),
                                  array_end(&words, resync->arena)};
    if (err) return err;
    return db_exec(db,
                   "declare counters no scroll cursor for\n"
                   "with delta as (\n"
                   "  select d.shard, d.tenant, d.meter, d.dimension_set, d.slot,\n"
                   "         to_char(d.slot at time zone coalesce(z.zone, 'UTC'), 'YYYYMM')::int as month,\n"
                   "         d.quantity, d.latest_time, d.latest_id, a.aggregation\n"
                   "    from rating.usage_live d\n"
                   "    left join unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[])\n"
                   "         as z (tenant, effective_from, effective_to, zone)\n"
                   "      on z.tenant = d.tenant and d.slot >= z.effective_from and d.slot < z.effective_to\n"
                   "    left join unnest($6::int[], $7::text[]) as a (meter, aggregation) on a.meter = d.meter\n"
                   "   where d.shard = any ($1::smallint[])),\n"
                   "merged as (\n"
                   "  select shard, tenant, meter, month,\n"
                   "         case aggregation when 'max' then max(quantity)\n"
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

// Sends rows [from, to) of one shard, under the mark of the resync.
static enum err rows_send(struct resync *resync, const struct db_result *result, int from, int to, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES / 8);
    struct slice keys[KEYS_PER_CALL], values[KEYS_PER_CALL];
    int shard = (int)db_get_int(result, from, 0);
    size_t count = 0;
    for (int i = from; i < to; i++, count++) {
        char text[DECIMAL_TEXT_MAX];
        size_t length = quantity_print((struct quantity){db_get_decimal(result, i, 4, QUANTITY_PLACES)}, text);
        keys[count] = counter_key(arena, shard, db_get_int(result, i, 1), (int32_t)db_get_int(result, i, 2),
                                  (int32_t)db_get_int(result, i, 3));
        values[count] = (struct slice){arena_text(arena, text, length), length};
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
        enum err one = rconn_read(resync->writer->redis, &reply, fault);
        if (!one && (reply->kind != REPLY_INT || reply->number != 1))
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
    char fetch[64];
    snprintf(fetch, sizeof fetch, "fetch forward %d from counters", ROWS_PER_FETCH);
    enum err err = cursor_open(resync, db, fault);
    for (bool more = true; !err && more;) {
        struct db_result *result = NULL;
        err = db_query(db, fetch, 0, NULL, &result, fault);
        if (!err) {
            more = db_rows(result) == ROWS_PER_FETCH;
            err = rows_write(resync, result, fault);
        }
        db_result_free(result);
        if (!err && atomic_load(resync->writer->stop)) err = fault_set(fault, ERR_RETRY, "", "we are told to stop");
    }
    return err;
}

// Replaces the mark of the resync by that of the snapshot.
static enum err marks_set(struct resync *resync, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    char mark[COUNTER_MARK_MAX] = {0};
    counter_mark_print(&resync->row, mark);
    enum err err = ERR_OK;
    int calls = 0;
    for (int shard = 0; !err && shard < SHARD_COUNT; shard++) {
        if (!resync->shards[shard]) continue;
        err = counter_script_append(writer, shard, resync->token, mark, NULL, NULL, 0, fault);
        calls += !err;
    }
    enum err answered = replies_read(resync, calls, fault);
    if (err || answered) return err ? err : answered;
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        if (!resync->shards[shard]) continue;
        writer->shards[shard].stale = false;
        memcpy(writer->shards[shard].mark, mark, COUNTER_MARK_MAX);
        writer->shards[shard].batch_seq = resync->row.batch_seq;
    }
    return ERR_OK;
}

static enum err resync_run(struct resync *resync, struct fault *fault)
{
    struct counter_writer *writer = resync->writer;
    struct db *db = counter_db(writer, fault);
    if (!db) return ERR_RETRY;
    enum err err = counter_script(writer, fault);
    if (!err) err = token_set(resync, fault);
    if (!err) err = old_unlink(resync, fault);
    if (!err) err = db_begin_snapshot(db, fault);
    if (err) return err;
    err = partition_row_read(db, writer->partition[resync->partition].row.incarnation, resync->partition, &resync->row,
                             fault);
    if (!err) err = counters_copy(resync, db, fault);
    db_rollback(db); // it only read
    return err ? err : marks_set(resync, fault);
}

enum err counter_resync(struct counter_writer *writer, int partition, struct fault *fault)
{
    struct resync *resync = heap_alloc(sizeof *resync);
    int64_t started_us = clock_monotonic_us(), shards = 0;
    resync->writer = writer;
    resync->partition = partition;
    resync->arena = arena_new(ARENA_BYTES);
    for (int shard = partition; shard < SHARD_COUNT; shard += writer->partitions) {
        resync->shards[shard] = writer->shards[shard].stale;
        shards += writer->shards[shard].stale;
    }
    log_info("counters_resync", LOG_INT("partition", partition), LOG_INT("shards", shards));
    enum err err = resync_run(resync, fault);
    if (err == ERR_CONFLICT && strstr(fault->reason, "NOSCRIPT")) writer->script[0] = 0;
    if (!err) {
        metric_add(writer->resyncs, 1);
        writer->partition[partition].marked_seq = 0; // shards that were not stale have an older mark
        log_info("counters_resynced", LOG_INT("partition", partition), LOG_INT("shards", shards),
                 LOG_INT("keys", resync->keys), LOG_INT("batch_seq", resync->row.batch_seq),
                 LOG_INT("spent_ms", (clock_monotonic_us() - started_us) / 1000));
    }
    arena_free(resync->arena);
    free(resync);
    return err;
}
