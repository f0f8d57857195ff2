// SPDX-License-Identifier: Apache-2.0
// New absolute values of a batch's counters. In this order: the value that this writer remembers plus what is added;
// what is added alone, if the shard is known whole and the counter was never seen; the value in Redis at the shard's
// mark plus what is added; the figure of PostgreSQL (rules 8: a counter that is missing is not taken for zero).
#include <stdlib.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "common/array.h"
#include "rating/counter_mark.h"
#include "rating/counters_internal.h"

enum { KEYS_PER_READ = 500, ARENA_BYTES = 1 << 16 };

// Which changes are still without a figure.
struct figuring {
    struct counter_writer *writer;
    const struct counter_work *work;
    struct arena *arena;
    struct quantity *figures;
    size_t *asked, asked_count; // to be read from Redis, in order of shards
    size_t *lost, lost_count;   // to be read from PostgreSQL
};

struct db *counter_db(struct counter_writer *writer, struct fault *fault)
{
    if (writer->db && db_alive(writer->db)) return writer->db;
    db_close(writer->db);
    writer->db = NULL;
    return db_open(writer->config, "rate", NULL, &writer->db, fault) ? NULL : writer->db;
}

bool counter_meter_merges(const struct meter *meter)
{
    return meter_keeping(meter) == KEPT_MERGED;
}

static struct counter_id id_of(const struct counter_change *change)
{
    return (struct counter_id){change->tenant, change->meter, change->month};
}

// --- from memory

static void remember(struct figuring *figuring, size_t i)
{
    struct counter_writer *writer = figuring->writer;
    const struct counter_change *change = &figuring->work->changes[i];
    const struct counter_id id = id_of(change);
    struct quantity now = QUANTITY_ZERO;
    bool known = !change->merged &&
                 (counter_cache_find(writer->cache, change->shard, &id, &now) ||
                  (writer->shards[change->shard].whole && !counter_cache_seen(writer->cache, change->shard, &id)));
    if (known && quantity_add(now, change->added, &figuring->figures[i]) == ERR_OK) return;
    if (change->merged || known)
        figuring->lost[figuring->lost_count++] = i;
    else
        figuring->asked[figuring->asked_count++] = i;
}

// --- from Redis

// Up to KEYS_PER_READ counters of one shard, with its mark: values and mark are of one moment.
static size_t read_append(struct figuring *figuring, size_t at, enum err *err, struct fault *fault)
{
    const struct counter_change *changes = figuring->work->changes;
    int shard = changes[figuring->asked[at]].shard;
    static _Thread_local char keys[KEYS_PER_READ][COUNTER_KEY_MAX];
    char mark_key[COUNTER_KEY_MAX];
    struct slice words[KEYS_PER_READ + 2] = {SLICE("MGET"), {mark_key, counter_mark_key(shard, mark_key)}};
    size_t count = 0;
    for (; count < KEYS_PER_READ && at + count < figuring->asked_count; count++) {
        const struct counter_change *change = &changes[figuring->asked[at + count]];
        if (change->shard != shard) break;
        words[count + 2] =
            (struct slice){keys[count], counter_key(shard, change->tenant, change->meter, change->month, keys[count])};
    }
    *err = rconn_append(figuring->writer->redis, words, count + 2, fault);
    return count;
}

// What is no exact decimal, or of another type (MGET says null), is as good as missing: it is written over.
static void figure_take(struct figuring *figuring, size_t i, const struct rconn_reply *item)
{
    struct quantity now;
    bool good = item->kind == REPLY_TEXT && quantity_parse(item->text.data, item->text.length, &now, NULL) == ERR_OK &&
                quantity_add(now, figuring->work->changes[i].added, &figuring->figures[i]) == ERR_OK;
    if (!good) figuring->lost[figuring->lost_count++] = i;
}

static enum err redis_read(struct figuring *figuring, struct fault *fault)
{
    enum err err = ERR_OK, lost = ERR_OK;
    size_t calls = 0, at = 0;
    size_t *sizes = ARENA_ARRAY(figuring->arena, size_t, figuring->asked_count + 1);
    for (; at < figuring->asked_count && !err; at += sizes[calls++])
        sizes[calls] = read_append(figuring, at, &err, fault);
    at = 0;
    for (size_t call = 0; call + (err != ERR_OK) < calls; at += sizes[call++]) {
        const struct rconn_reply *reply = NULL;
        struct fault later = {0};
        enum err one = rconn_read(figuring->writer->redis, &reply, lost ? &later : fault);
        if (one && !lost) lost = one;
        if (!one && (reply->kind != REPLY_ARRAY || reply->count != sizes[call] + 1))
            lost = fault_set(fault, ERR_CONFLICT, "redis", "MGET gave no list");
        if (lost) continue;
        struct counter_shard *shard = &figuring->writer->shards[figuring->work->changes[figuring->asked[at]].shard];
        bool ours = reply->items[0].kind == REPLY_TEXT && slice_is(reply->items[0].text, shard->mark);
        if (!ours) shard->stale = true; // it is not written in this flush: the values tell nothing
        for (size_t i = 0; ours && i < sizes[call]; i++)
            figure_take(figuring, figuring->asked[at + i], &reply->items[i + 1]);
    }
    metric_add(figuring->writer->keys_read, (int64_t)figuring->asked_count);
    return err ? err : lost;
}

// --- from PostgreSQL

// Quantities by slot and dimension set as meters of one aggregation merge them, then summed, as committed now. Of sums,
// batches of the partition above $9 are taken out again: they are still in the queue. $1 to $6 are arrays of the spans
// of the wishes' months. The last column: a compaction may have dropped deltas of such batches, so that the figure is
// not known.
#define FIGURES_SQL                                                                                                    \
    "select s.wish, (coalesce(sum(f.figure), 0) - coalesce(sum(q.queued), 0))::text,\n"                                \
    "       exists (select from rating.compaction c\n"                                                                 \
    "                 join rating.cut_partition v on v.cut = c.cut_to and v.incarnation = $7::int\n"                   \
    "                                            and v.partition = $8::int\n"                                          \
    "                where c.state = 'released' and v.batch_seq > $9::bigint)\n"                                       \
    "  from unnest($1::int[], $2::bigint[], $3::int[], $4::timestamptz[], $5::timestamptz[], $6::text[])\n"            \
    "       as s (wish, tenant, meter, span_from, span_to, aggregation)\n"                                             \
    " cross join lateral (\n"                                                                                          \
    "       select sum(m.quantity) as figure\n"                                                                        \
    "         from (select case s.aggregation when 'max' then max(d.quantity) when 'sum' then sum(d.quantity)\n"       \
    "                      when 'min' then min(d.quantity) when 'unique' then count(distinct d.latest_id)\n"           \
    "                      when 'average' then rating.mean(sum(d.quantity), sum(d.events))\n"                          \
    "                      else (array_agg(d.quantity order by d.latest_time desc, d.latest_id desc))[1] end\n"        \
    "                      as quantity\n"                                                                              \
    "                 from rating.usage_of(s.tenant, s.meter, s.span_from, s.span_to) d\n"                             \
    "                group by d.dimension_set, d.slot) m) f\n"                                                         \
    " cross join lateral (\n"                                                                                          \
    "       select sum(d.quantity) as queued\n"                                                                        \
    "         from rating.usage_delta d\n"                                                                             \
    "        where s.aggregation = 'sum' and d.tenant = s.tenant and d.meter = s.meter and d.slot >= s.span_from\n"    \
    "          and d.slot < s.span_to and d.incarnation = $7::int and d.partition = $8::int\n"                         \
    "          and d.batch_seq > $9::bigint) q\n"                                                                      \
    " group by s.wish\n"                                                                                               \
    " order by s.wish"

static const char *aggregation_word(const struct catalogue *catalogue, int32_t number)
{
    const struct meter *meter = catalogue_meter_newest(catalogue, number);
    return meter && counter_meter_merges(meter) ? aggregation_forms[meter->aggregation].name : "sum";
}

// The spans of all wishes, as arrays.
struct spans {
    struct array wishes, tenants, meters, starts, ends, words;
    int64_t wish;
    const struct counter_change *change;
    const char *word;
};

static void span_take(void *context, instant_us from, instant_us to)
{
    struct spans *spans = context;
    array_add_int(&spans->wishes, spans->wish);
    array_add_int(&spans->tenants, spans->change->tenant);
    array_add_int(&spans->meters, spans->change->meter);
    array_add_instant(&spans->starts, from);
    array_add_instant(&spans->ends, to);
    array_add_text(&spans->words, spans->word);
}

static enum err database_read(struct figuring *figuring, struct fault *fault)
{
    struct counter_writer *writer = figuring->writer;
    const struct partition_row *row = &figuring->work->row;
    struct spans spans = {.wish = 0};
    for (size_t i = 0; i < figuring->lost_count; i++) {
        spans.wish = (int64_t)i;
        spans.change = &figuring->work->changes[figuring->lost[i]];
        spans.word = aggregation_word(writer->catalogue, spans.change->meter);
        counter_month_spans(writer->catalogue, spans.change->tenant, spans.change->month, span_take, &spans);
    }
    struct arena *arena = arena_new(ARENA_BYTES);
    const char *const values[] = {
        array_end(&spans.wishes, arena), array_end(&spans.tenants, arena), array_end(&spans.meters, arena),
        array_end(&spans.starts, arena), array_end(&spans.ends, arena),    array_end(&spans.words, arena),
        db_int(arena, row->incarnation), db_int(arena, row->partition),    db_int(arena, row->batch_seq)};
    struct db_result *result = NULL;
    struct db *db = counter_db(writer, fault);
    enum err err = db ? db_query(db, FIGURES_SQL, 9, values, &result, fault) : ERR_RETRY;
    for (int i = 0; !err && i < db_rows(result); i++) {
        size_t at = figuring->lost[db_get_int(result, i, 0)];
        figuring->figures[at].nano = db_get_decimal(result, i, 1, QUANTITY_PLACES);
        if (db_get_bool(result, i, 2)) writer->shards[figuring->work->changes[at].shard].stale = true;
    }
    db_result_free(result);
    arena_free(arena);
    metric_add(writer->keys_looked_up, (int64_t)figuring->lost_count);
    return err;
}

enum err counter_figures(struct counter_writer *writer, const struct counter_work *work,
                         const struct counter_range *ranges, size_t range_count, struct arena *arena,
                         struct quantity *figures, struct fault *fault)
{
    struct figuring figuring = {.writer = writer, .work = work, .arena = arena, .figures = figures};
    figuring.asked = ARENA_ARRAY(arena, size_t, work->count + 1);
    figuring.lost = ARENA_ARRAY(arena, size_t, work->count + 1);
    for (size_t r = 0; r < range_count; r++)
        for (size_t i = ranges[r].from; i < ranges[r].to; i++)
            remember(&figuring, i);
    size_t known_lost = figuring.lost_count;
    enum err err = figuring.asked_count > 0 ? redis_read(&figuring, fault) : ERR_OK;
    writer->partition[work->row.partition].lookups += (int64_t)(figuring.lost_count - known_lost);
    if (!err && figuring.lost_count > 0) err = database_read(&figuring, fault);
    return err;
}
