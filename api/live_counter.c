// SPDX-License-Identifier: Apache-2.0
// Reads the counters of one tenant and month in one command and compares the shard's mark with PostgreSQL.
#include "api/live_counter.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/rconn.h"

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

// Takes a number of at most 18 digits, and the colon behind it unless it is the last.
static bool take_number(struct slice *text, bool last, int64_t *number)
{
    size_t digits = 0;
    *number = 0;
    for (; digits < text->length && text->data[digits] >= '0' && text->data[digits] <= '9'; digits++) {
        if (digits == 18) return false;
        *number = *number * 10 + (text->data[digits] - '0');
    }
    if (digits == 0 || last) return digits > 0 && digits == text->length;
    if (digits == text->length || text->data[digits] != ':') return false;
    *text = (struct slice){text->data + digits + 1, text->length - digits - 1};
    return true;
}

enum err counter_mark_read(struct slice mark, struct counter_position *position)
{
    if (!take_number(&mark, false, &position->incarnation) || !take_number(&mark, false, &position->batch_seq))
        return ERR_INVALID;
    if (mark.length < SHA256_HEX || mark.data[SHA256_HEX - 1] != ':') return ERR_INVALID;
    memcpy(position->head, mark.data, SHA256_HEX - 1);
    position->head[SHA256_HEX - 1] = 0;
    mark = (struct slice){mark.data + SHA256_HEX, mark.length - SHA256_HEX};
    return take_number(&mark, true, &position->partition) ? ERR_OK : ERR_INVALID;
}

bool counter_is_stale(const struct counter_position *mark, const struct counter_position *database)
{
    if (mark->incarnation != database->incarnation || mark->partition != database->partition) return true;
    if (mark->batch_seq != database->batch_seq)
        return mark->batch_seq < database->batch_seq; // newer than our snapshot: fine
    return strcmp(mark->head, database->head) != 0;
}

static enum err is_stale(struct api_call *call, struct slice text, bool *stale)
{
    struct counter_position mark, database = {0};
    struct db_result *result;
    *stale = true;
    if (counter_mark_read(text, &mark)) return ERR_OK;
    const char *const values[] = {db_int(call->arena, mark.incarnation), db_int(call->arena, mark.partition)};
    enum err err = db_query(call->db,
                            "select incarnation, partition, batch_seq, encode(head, 'hex')\n"
                            "  from api.usage_progress()\n"
                            " where incarnation = $1::bigint and partition = $2::bigint",
                            2, values, &result, &call->fault);
    if (err) return err;
    if (db_rows(result) == 1 && db_length(result, 0, 3) == SHA256_HEX - 1) {
        database = (struct counter_position){.incarnation = db_get_int(result, 0, 0),
                                             .partition = db_get_int(result, 0, 1),
                                             .batch_seq = db_get_int(result, 0, 2)};
        memcpy(database.head, db_text(result, 0, 3), SHA256_HEX);
        *stale = counter_is_stale(&mark, &database);
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
        if (meter->aggregation == AGGREGATION_INTERVAL || (count && meters[count - 1] == meter)) continue;
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

enum err live_counter_write(struct api_call *call, const struct usage_query *query, const struct tenant_usage *usage,
                            struct json_writer *json)
{
    const struct meter *meters[METERS_MAX];
    int month;
    size_t count = list_meters(usage, meters);
    const struct rconn_reply *reply =
        is_this_month(call, query, &month) ? ask(call, query, meters, count, month) : NULL;
    json_name(json, "live_counters");
    if (!reply || reply->items[0].kind != REPLY_TEXT) {
        json_write_null(json);
        return ERR_OK;
    }
    bool stale;
    enum err err = is_stale(call, reply->items[0].text, &stale);
    if (err) return err;
    json_object_open(json);
    json_put_bool(json, "stale", stale);
    json_name(json, "counters");
    json_array_open(json);
    for (size_t i = 0; i < count; i++) {
        struct quantity quantity;
        const struct rconn_reply *item = &reply->items[i + 1];
        // what is no exact decimal is not ours
        if (item->kind != REPLY_TEXT || quantity_parse(item->text.data, item->text.length, &quantity, NULL)) continue;
        json_object_open(json);
        json_put_text(json, "meter", meters[i]->id);
        call_put_decimal(json, "quantity", quantity.nano, QUANTITY_PLACES);
        json_object_close(json);
    }
    json_array_close(json);
    json_object_close(json);
    return ERR_OK;
}
