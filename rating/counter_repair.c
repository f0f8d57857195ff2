// SPDX-License-Identifier: Apache-2.0
// Brings stale shards up to date. A shard whose mark in Redis is a batch of its chain, or the last one that counted of
// the older incarnation's chain which it continues, has right figures as of that batch: what was counted since is added (a rater died between commit and Redis, Redis was away, an older dump was
// restored). Any other mark, or none, tells nothing about the figures: the shard is written again (counter_resync.c).
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum {
    ARENA_BYTES = 1 << 18,
    CATCH_UP_ROWS_MAX = 1000000, // beyond, writing all again is not dearer
    LOOKUPS_MAX = 100000         // of missing counters; beyond, shards that are not known whole are written again
};
// Older marks are not caught up from, nor those below a compaction whose deltas are being removed.
#define CATCH_UP_AGE_MOST "1 hour"

struct repair {
    struct counter_writer *writer;
    struct arena *arena;
    bool readable[SHARD_COUNT]; // its mark is a position
    bool caught_up[SHARD_COUNT];
    bool rewrite[SHARD_COUNT];
    struct counter_position at[SHARD_COUNT];
    char mark[SHARD_COUNT][COUNTER_MARK_MAX];
};

// --- marks

enum err counter_marks_read(struct counter_writer *writer, const bool wanted[SHARD_COUNT],
                            void (*tell)(void *context, int shard, const struct rconn_reply *mark_or_null),
                            void *context, struct fault *fault)
{
    int asked[SHARD_COUNT], sent = 0;
    enum err err = rconn_ready(writer->redis, fault);
    for (int shard = 0; !err && shard < SHARD_COUNT; shard++) {
        if (!wanted[shard]) continue;
        char key[COUNTER_KEY_MAX];
        const struct slice get[] = {SLICE("GET"), {key, counter_mark_key(shard, key)}};
        err = rconn_append(writer->redis, get, 2, fault);
        if (!err) asked[sent++] = shard;
    }
    for (int i = 0; i < sent; i++) {
        const struct rconn_reply *reply = NULL;
        struct fault later = {0};
        enum err one = rconn_read(writer->redis, &reply, err ? &later : fault);
        if (one && one != ERR_CONFLICT) // a mark of a wrong type is only another mark
            err = err ? err : one;
        else
            tell(context, asked[i], !one && reply->kind == REPLY_TEXT ? reply : NULL);
    }
    return err;
}

static void check_one(void *context, int shard, const struct rconn_reply *mark)
{
    struct counter_writer *writer = context;
    if (!mark || !slice_is(mark->text, writer->shards[shard].mark)) writer->shards[shard].stale = true;
}

enum err counter_check(struct counter_writer *writer, int partition, struct fault *fault)
{
    bool wanted[SHARD_COUNT] = {false};
    for (int shard = partition; shard < SHARD_COUNT; shard += writer->partitions)
        wanted[shard] = true;
    return counter_marks_read(writer, wanted, check_one, writer, fault);
}

static void note_one(void *context, int shard, const struct rconn_reply *mark)
{
    struct repair *repair = context;
    int partition = shard % repair->writer->partitions;
    struct counter_position *at = &repair->at[shard];
    repair->rewrite[shard] = true; // until it turns out better
    if (!mark || mark->text.length >= COUNTER_MARK_MAX || counter_mark_read(mark->text, at)) return;
    int32_t incarnation = repair->writer->partition[partition].row.incarnation;
    if (at->incarnation != incarnation - 1 && (at->incarnation != incarnation || at->partition != partition)) return;
    memset(repair->mark[shard], 0, COUNTER_MARK_MAX);
    memcpy(repair->mark[shard], mark->text.data, mark->text.length);
    repair->readable[shard] = true;
}

// --- catching up

// Of the shards with a readable mark, which have one of a batch in the chain that is not too old? Their deltas are to
// be read from *since on (a received_hour). Behind the end of the older incarnation these are all of ours: the position
// is put before our first batch, so that the mark of the row is written even if there is none yet.
static enum err ancestors_find(struct repair *repair, const struct partition_row *row, struct db *db,
                               const char **since, int *count, struct fault *fault)
{
    struct array shards = {0}, incarnations = {0}, partitions = {0}, numbers = {0}, heads = {0};
    struct arena *arena = repair->arena;
    struct db_result *result = NULL;
    for (int shard = row->partition; shard < SHARD_COUNT; shard += repair->writer->partitions) {
        if (!repair->readable[shard]) continue;
        array_add_int(&shards, shard);
        array_add_int(&incarnations, repair->at[shard].incarnation);
        array_add_int(&partitions, repair->at[shard].partition);
        array_add_int(&numbers, repair->at[shard].batch_seq);
        array_add_text(&heads, repair->at[shard].head);
    }
    const char *const values[] = {array_end(&shards, arena),        array_end(&incarnations, arena),
                                  array_end(&partitions, arena),    array_end(&numbers, arena),
                                  array_end(&heads, arena),         db_int(arena, row->incarnation),
                                  db_int(arena, row->partition),    db_instant(arena, row->watermark),
                                  db_int(arena, row->base_seq - 1)};
    enum err err = db_query(
        db,
        "select w.shard, min(case when isfinite(b.watermark) then date_bin('1 hour', b.watermark, timestamptz "
        "'epoch')\n"
        "                    else b.watermark end) over (), f.from_seq\n"
        "  from unnest($1::int[], $2::int[], $3::int[], $4::bigint[], $5::text[])\n"
        "       as w (shard, incarnation, partition, batch_seq, head)\n"
        "  join rating.batch b on b.incarnation = w.incarnation and b.partition = w.partition\n"
        "                     and b.batch_seq = w.batch_seq and b.head = decode(w.head, 'hex')\n"
        "  join rating.partition o on o.incarnation = w.incarnation and o.partition = w.partition\n"
        "  join rating.incarnation i on i.incarnation = w.incarnation\n"
        " cross join lateral (select case when w.incarnation = $6::int then w.batch_seq else $9::bigint end as from_seq) f\n"
        " where w.partition = $7::int % i.partitions and (w.incarnation = $6::int or w.batch_seq = o.counted_seq)\n"
        "   and b.watermark >= $8::timestamptz - interval '" CATCH_UP_AGE_MOST "'\n"
        "   and not exists (select from rating.compaction c\n"
        "                     join rating.cut_partition v on v.cut = c.cut_to and v.incarnation = $6::int\n"
        "                                                and v.partition = $7::int\n"
        "                    where c.state = 'released' and v.batch_seq > f.from_seq)",
        9, values, &result, fault);
    if (err) return err;
    *count = db_rows(result);
    for (int i = 0; i < *count; i++) {
        int shard = (int)db_get_int(result, i, 0);
        repair->caught_up[shard] = true;
        repair->at[shard].batch_seq = db_get_int(result, i, 2);
    }
    *since = *count > 0 ? db_instant(repair->arena, db_get_instant(result, 0, 1)) : NULL;
    db_result_free(result);
    return ERR_OK;
}

// What these shards' tenants used above their marks. *changes is NULL if that is too much.
static enum err changes_read(struct repair *repair, const struct partition_row *row, struct db *db, const char *since,
                             struct counter_change **changes, size_t *count, struct fault *fault)
{
    const struct catalogue *catalogue = repair->writer->catalogue;
    struct array shards = {0}, numbers = {0};
    struct db_result *result = NULL;
    for (int shard = row->partition; shard < SHARD_COUNT; shard += repair->writer->partitions) {
        if (!repair->caught_up[shard]) continue;
        array_add_int(&shards, shard);
        array_add_int(&numbers, repair->at[shard].batch_seq);
    }
    const char *const values[] = {array_end(&shards, repair->arena),
                                  array_end(&numbers, repair->arena),
                                  db_int(repair->arena, row->incarnation),
                                  db_int(repair->arena, row->partition),
                                  since,
                                  db_int(repair->arena, CATCH_UP_ROWS_MAX + 1)};
    enum err err = db_query(db,
                            "select d.tenant, d.meter, d.slot, sum(d.quantity)::text\n"
                            "  from rating.usage_delta d\n"
                            "  join unnest($1::int[], $2::bigint[]) as w (shard, batch_seq) on w.shard = d.shard\n"
                            " where d.incarnation = $3::int and d.partition = $4::int\n"
                            "   and d.received_hour >= $5::timestamptz and d.batch_seq > w.batch_seq\n"
                            " group by d.tenant, d.meter, d.slot\n"
                            " limit $6::bigint",
                            6, values, &result, fault);
    *count = 0;
    *changes = NULL;
    if (err) return err;
    if (db_rows(result) <= CATCH_UP_ROWS_MAX) {
        struct counter_month memory = {.tenant = 0};
        *changes = heap_grow(NULL, sizeof **changes, (size_t)db_rows(result) + 1);
        for (int i = 0; !err && i < db_rows(result); i++) {
            const struct tenant *tenant = catalogue_tenant_number(catalogue, db_get_int(result, i, 0));
            const struct meter *meter = catalogue_meter_newest(catalogue, (int32_t)db_get_int(result, i, 1));
            if (!tenant || !meter)
                err = fault_set(fault, ERR_RETRY, "catalogue", "a tenant or meter is newer than what is loaded");
            else
                (*changes)[(*count)++] =
                    counter_change_of(catalogue, tenant, meter, db_get_instant(result, i, 2),
                                      (struct quantity){db_get_decimal(result, i, 3, QUANTITY_PLACES)}, &memory);
        }
        *count = counter_changes_merge(*changes, *count);
    }
    db_result_free(result);
    return err;
}

static enum err changes_write(struct repair *repair, const struct partition_row *row,
                              const struct counter_change *changes, size_t count, struct fault *fault)
{
    struct counter_writer *writer = repair->writer;
    int shards = 0;
    for (int shard = row->partition; shard < SHARD_COUNT; shard += writer->partitions) {
        if (!repair->caught_up[shard]) continue;
        struct counter_shard *target = &writer->shards[shard];
        memcpy(target->mark, repair->mark[shard], COUNTER_MARK_MAX);
        target->batch_seq = repair->at[shard].batch_seq;
        target->stale = repair->rewrite[shard] = false;
        shards++;
    }
    struct counter_work work = {.row = *row, .changes = changes, .count = count, .only = repair->caught_up};
    enum err err = counter_write(writer, &work, fault);
    if (err) return err;
    writer->partition[row->partition].marked_seq = 0; // shards that were not stale have an older mark
    metric_add(writer->catch_ups, 1);
    log_info("counters_caught_up", LOG_INT("partition", row->partition), LOG_INT("shards", shards),
             LOG_INT("keys", (int64_t)count), LOG_INT("batch_seq", row->batch_seq));
    return ERR_OK;
}

// In one snapshot: the partition's row, what is above the marks, and the figures of PostgreSQL where they are asked.
static enum err partition_catch_up(struct repair *repair, int partition, struct fault *fault)
{
    struct counter_writer *writer = repair->writer;
    struct partition_row row;
    struct counter_change *changes = NULL;
    const char *since = NULL;
    size_t count = 0;
    int ancestors = 0;
    struct db *db = counter_db(writer, fault);
    if (!db) return ERR_RETRY;
    enum err err = db_begin_snapshot(db, fault);
    if (err) return err;
    err = partition_row_read(db, writer->partition[partition].row.incarnation, partition, &row, fault);
    if (!err) err = ancestors_find(repair, &row, db, &since, &ancestors, fault);
    if (!err && ancestors > 0) err = changes_read(repair, &row, db, since, &changes, &count, fault);
    if (!err && changes) err = changes_write(repair, &row, changes, count, fault);
    db_rollback(writer->db); // it only read; may be another connection by now
    free(changes);
    return err;
}

// --- all of it

static bool partition_wanted(const struct repair *repair, int partition)
{
    for (int shard = partition; shard < SHARD_COUNT; shard += repair->writer->partitions)
        if (repair->readable[shard]) return true;
    return false;
}

static enum err repair_run(struct repair *repair, struct fault *fault)
{
    struct counter_writer *writer = repair->writer;
    bool wanted[SHARD_COUNT] = {false}, left = false;
    int64_t keys;
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        struct counter_partition *partition = &writer->partition[shard % writer->partitions];
        struct counter_shard *target = &writer->shards[shard];
        if (!partition->ours || !partition->checked) continue;
        if (partition->lookups > LOOKUPS_MAX && !target->whole) target->stale = target->rewrite = true;
        if (!target->stale) continue;
        counter_cache_forget(writer->cache, shard);
        target->whole = false;
        repair->rewrite[shard] = target->rewrite;
        wanted[shard] = !target->rewrite;
    }
    enum err err = counter_marks_read(writer, wanted, note_one, repair, fault);
    for (int i = 0; !err && i < writer->partitions; i++) {
        writer->partition[i].lookups = 0;
        if (partition_wanted(repair, i)) err = partition_catch_up(repair, i, fault);
    }
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        left = left || repair->rewrite[shard];
    return err || !left ? err : counter_resync(writer, repair->rewrite, &keys, fault);
}

enum err counter_repair(struct counter_writer *writer, struct fault *fault)
{
    struct repair *repair = heap_alloc(sizeof *repair);
    repair->writer = writer;
    repair->arena = arena_new(ARENA_BYTES);
    enum err err = repair_run(repair, fault);
    arena_free(repair->arena);
    free(repair);
    return err;
}
