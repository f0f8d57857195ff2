// SPDX-License-Identifier: Apache-2.0
// Reads the counters of one tenant and month in one command, and compares the shard's mark, and under the mark of the
// same batch the figures too, with what PostgreSQL has in the same snapshot.
#include "api/live_counter.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "common/log.h"
#include "common/rconn.h"
#include "rating/counter_mark.h"

enum { PAUSE_US = 5000000, METERS_MAX = 200 };

struct live_counter {
    struct rconn *redis;
    int64_t pause_until_us; // monotonic: after a failure
};

struct live_counter *live_counter_new(const struct config *config)
{
    struct live_counter *live = heap_alloc(sizeof *live);
    live->redis = rconn_new(config);
    return live;
}

void live_counter_free(struct live_counter *live)
{
    if (!live) return;
    rconn_free(live->redis);
    free(live);
}

// --- marks

// *stale: behind PostgreSQL, or nobody knows; *same: of the very batch that the snapshot sees last.
static enum err is_stale(struct api_call *call, struct slice text, bool *stale, bool *same)
{
    struct counter_position mark, database = {0};
    struct db_result *result;
    *stale = true;
    *same = false;
    if (counter_mark_read(text, &mark)) return ERR_OK;
    const char *const values[] = {db_int(call->arena, mark.incarnation), db_int(call->arena, mark.partition)};
    enum err err = db_query(call->db,
                            "select incarnation, partition, batch_seq, encode(head, 'hex')\n"
                            "  from (select u.*, max(u.incarnation) over () as newest from api.usage_progress() u) p\n"
                            " where incarnation = $1::bigint and partition = $2::bigint and incarnation = newest",
                            2, values, &result, &call->fault);
    if (err) return err;
    if (db_rows(result) == 1 && db_length(result, 0, 3) == SHA256_HEX - 1) {
        database = (struct counter_position){.incarnation = db_get_int(result, 0, 0),
                                             .partition = db_get_int(result, 0, 1),
                                             .batch_seq = db_get_int(result, 0, 2)};
        memcpy(database.head, db_text(result, 0, 3), SHA256_HEX);
        *stale = counter_is_stale(&mark, &database);
        *same = !*stale && mark.batch_seq == database.batch_seq;
    }
    db_result_free(result);
    return ERR_OK;
}

// --- asking

// The meters of the series, each once; running resources have no counters.
static size_t list_meters(const struct tenant_usage *usage, const struct meter **meters)
{
    size_t count = 0;
    for (size_t i = 0; i < usage->series_count && count < METERS_MAX; i++) {
        const struct meter *meter = usage->series[i].meter;
        if (meter_keeping(meter) == KEPT_TRANSITIONS || (count && meters[count - 1] == meter)) continue;
        meters[count++] = meter;
    }
    return count;
}

static const struct rconn_reply *ask(struct api_call *call, const struct usage_query *query,
                                     const struct meter *const *meters, size_t count, int month)
{
    struct live_counter *live = call->live;
    const struct rconn_reply *reply = NULL;
    struct slice *words = ARENA_ARRAY(call->arena, struct slice, count + 2);
    int shard = query->tenant->shard;
    if (clock_monotonic_us() < live->pause_until_us) return NULL;
    words[0] = SLICE("MGET");
    words[1] = slice_of(arena_print(call->arena, "tp:{%d}:mark", shard));
    for (size_t i = 0; i < count; i++)
        words[2 + i] = slice_of(arena_print(call->arena, "tp:{%d}:u:%lld:%d:%06d", shard,
                                            (long long)query->tenant->number, meters[i]->number, month));
    struct fault fault;
    if (rconn_command(live->redis, words, count + 2, &reply, &fault) != ERR_OK) {
        log_warn("counters_unread", LOG_FAULT(&fault));
        live->pause_until_us = clock_monotonic_us() + PAUSE_US;
        return NULL;
    }
    return reply->kind == REPLY_ARRAY && reply->count == count + 1 ? reply : NULL;
}

static bool is_this_month(const struct api_call *call, const struct usage_query *query, int *month)
{
    int year, number;
    instant_us start, end;
    zone_month_of(query->zone, call->now, &year, &number);
    zone_month(query->zone, year, number, &start, &end);
    *month = year * 100 + number;
    return query->from == start && query->to == end;
}

// --- figures

struct figure {
    const struct meter *meter;
    bool known; // Redis has an exact decimal
    struct quantity quantity;
};

static void figures_take(const struct rconn_reply *reply, const struct meter *const *meters, size_t count,
                         struct figure *figures)
{
    for (size_t i = 0; i < count; i++) {
        const struct rconn_reply *item = &reply->items[i + 1];
        figures[i].meter = meters[i];
        // what is no exact decimal is not ours
        figures[i].known = item->kind == REPLY_TEXT &&
                           quantity_parse(item->text.data, item->text.length, &figures[i].quantity, NULL) == ERR_OK;
    }
}

// Is it what PostgreSQL says? A counter that is missing was lost, unless there is nothing to show. Of a newer batch
// than the snapshot's it may differ, and counters know no window but the slot.
static bool figure_agrees(const struct figure *figure, const struct tenant_usage *usage, bool same)
{
    struct quantity total = QUANTITY_ZERO;
    for (size_t i = 0; i < usage->series_count; i++)
        if (usage->series[i].meter == figure->meter && quantity_add(total, usage->series[i].total, &total))
            return false;
    if (!figure->known) return quantity_compare(total, QUANTITY_ZERO) == 0;
    return !same || figure->meter->window != WINDOW_SLOT || quantity_compare(figure->quantity, total) == 0;
}

static void figures_write(struct json_writer *json, const struct figure *figures, size_t count, bool stale)
{
    json_object_open(json);
    json_put_bool(json, "stale", stale);
    json_name(json, "counters");
    json_array_open(json);
    for (size_t i = 0; i < count; i++) {
        if (!figures[i].known) continue;
        json_object_open(json);
        json_put_text(json, "meter", figures[i].meter->id);
        json_put_decimal(json, "quantity", figures[i].quantity.nano, QUANTITY_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
    json_object_close(json);
}

enum err live_counter_write(struct api_call *call, const struct usage_query *query, const struct tenant_usage *usage,
                            struct json_writer *json)
{
    const struct meter *meters[METERS_MAX];
    struct figure figures[METERS_MAX];
    int month;
    size_t count = list_meters(usage, meters);
    const struct rconn_reply *reply =
        is_this_month(call, query, &month) ? ask(call, query, meters, count, month) : NULL;
    json_name(json, "live_counters");
    if (!reply || reply->items[0].kind != REPLY_TEXT) {
        json_write_null(json);
        return ERR_OK;
    }
    bool stale, same;
    enum err err = is_stale(call, reply->items[0].text, &stale, &same);
    if (err) return err;
    figures_take(reply, meters, count, figures);
    for (size_t i = 0; i < count && !stale; i++) {
        if (figure_agrees(&figures[i], usage, same)) continue;
        stale = true;
        log_warn("counter_differs", LOG_TEXT("tenant", query->tenant->id), LOG_TEXT("meter", meters[i]->id),
                 LOG_TEXT("action", "shown as stale; turnpike counters verify names what differs"));
    }
    figures_write(json, figures, count, stale);
    return ERR_OK;
}
