// SPDX-License-Identifier: Apache-2.0
// The end of an older incarnation. Its topic refuses messages before the last look at it: what was acknowledged is in it then, and
// was sent on, and nothing can be acknowledged any more. The record comes before the deletion.
#include <string.h>

#include "common/backoff.h"
#include "common/bus.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "rating/incarnation.h"

enum { STILL_US = 3000000, LOOK_LEAST_MS = 100, LOOK_MOST_MS = 500 };

static const char lock_sql[] = "select pg_advisory_lock(hashtextextended('turnpike.incarnation', 0))";
static const char unlock_sql[] = "select pg_advisory_unlock(hashtextextended('turnpike.incarnation', 0))";
static const char state_sql[] =
    "select i.topic, i.partitions, i.retired_time is not null,\n"
    "       (select min(o.incarnation) from rating.incarnation o where o.retired_time is null) = i.incarnation,\n"
    "       exists (select from rating.incarnation o where o.incarnation > i.incarnation),\n"
    "       (select max(b.watermark) from rating.batch b where b.incarnation = i.incarnation and b.events > b.markers)\n"
    "  from rating.incarnation i\n"
    " where i.incarnation = $1::int";
static const char offsets_sql[] = "select next_offset\n"
                                  "  from rating.partition\n"
                                  " where incarnation = $1::int\n"
                                  " order by partition";
// Batches of markers alone are committed at once while a wish is there.
static const char wish_sql[] = "insert into rating.marker_wish (wanted_watermark)\n"
                               "values (clock_timestamp() + interval '1 hour')\n"
                               "returning wish";
static const char unwish_sql[] = "delete from rating.marker_wish where wish = $1::bigint";
static const char retire_sql[] = "update rating.incarnation\n"
                                 "   set retired_time = clock_timestamp(),\n"
                                 "       reason = concat_ws('; ', nullif(reason, ''), nullif($2::text, ''))\n"
                                 " where incarnation = $1::int";
static const char fence_sql[] = "update rating.partition\n"
                                "   set epoch = epoch + 1, epoch_nonce = $2::bigint, owner = ''\n"
                                " where incarnation = $1::int";

struct retiring {
    struct db *db;
    const struct config *config;
    const struct incarnation_retirement *wish;
    struct arena *arena;
    struct incarnation incarnation;
    bool retired;
    instant_us last_event; // INSTANT_MIN: none
    struct bus_topic topic;
    struct bus_consumer *reader;
};

static enum err state_read(struct retiring *retiring, struct fault *fault)
{
    struct db_result *result = NULL;
    const char *number = db_int(retiring->arena, retiring->wish->number);
    enum err err = db_query(retiring->db, state_sql, 1, &number, &result, fault);
    if (err) return err;
    struct incarnation *incarnation = &retiring->incarnation;
    if (db_rows(result) == 0) {
        err = fault_set(fault, ERR_NOT_FOUND, "rating.incarnation", "there is no incarnation %d", retiring->wish->number);
    } else {
        *incarnation = (struct incarnation){.number = retiring->wish->number, .partitions = (int)db_get_int(result, 0, 1)};
        size_t length = db_length(result, 0, 0);
        ENSURE(length <= TOPIC_MAX);
        memcpy(incarnation->topic, db_text(result, 0, 0), length + 1);
        retiring->retired = db_get_bool(result, 0, 2);
        retiring->last_event = db_is_null(result, 0, 5) ? INSTANT_MIN : db_get_instant(result, 0, 5);
        if (!db_get_bool(result, 0, 4))
            err = fault_set(fault, ERR_CONFLICT, incarnation->topic, "it is the one that counts");
        else if (!retiring->retired && !db_get_bool(result, 0, 3))
            err = fault_set(fault, ERR_CONFLICT, incarnation->topic, "an older one is still read: retire that first");
    }
    db_result_free(result);
    return err;
}

// Is the topic's retention over since its last event?
static enum err retention_check(struct retiring *retiring, struct fault *fault)
{
    const char *topic = retiring->incarnation.topic;
    enum err err = bus_topic_describe(retiring->config, topic, &retiring->topic, fault);
    if (err == ERR_NOT_FOUND)
        return fault_set(fault, ERR_CONFLICT, topic, "the topic is gone: --lost gives it up with what was in it");
    if (err) return err;
    if (retiring->topic.retention_ms < 0)
        return fault_set(fault, ERR_CONFLICT, topic,
                         "its retention is unlimited: set its retention.ms to how long the log has to be kept");
    if (retiring->last_event == INSTANT_MIN) return ERR_OK;
    instant_us over = retiring->last_event + retiring->topic.retention_ms * 1000;
    char shown[INSTANT_TEXT_MAX];
    instant_print(over, shown);
    if (over <= clock_now(clock_system())) return ERR_OK;
    return fault_set(fault, ERR_CONFLICT, topic, "events of it are kept until %s by its retention.ms", shown);
}

// How many messages are not sent on yet, and where the log ends in all.
static enum err lag_read(struct retiring *retiring, int64_t *lag, int64_t *end, struct fault *fault)
{
    struct db_result *result = NULL;
    const char *number = db_int(retiring->arena, retiring->incarnation.number);
    enum err err = db_query(retiring->db, offsets_sql, 1, &number, &result, fault);
    *lag = *end = 0;
    for (int i = 0; !err && i < db_rows(result); i++) {
        int64_t low = 0, high = 0;
        err = bus_watermarks(retiring->reader, i, &low, &high, fault);
        *lag += high - db_get_int(result, i, 0);
        *end += high;
    }
    db_result_free(result);
    return err;
}

// Waits until everything is sent on, and the log has not grown for still_us.
static enum err sent_on_await(struct retiring *retiring, int64_t still_us, struct fault *fault)
{
    const struct incarnation_retirement *wish = retiring->wish;
    struct backoff backoff = BACKOFF(LOOK_LEAST_MS, LOOK_MOST_MS);
    int64_t now = clock_monotonic_us(), deadline = now + wish->wait_ms * 1000 + still_us, since = now, end_before = -1;
    for (;;) {
        int64_t lag = 0, end = 0;
        enum err err = lag_read(retiring, &lag, &end, fault);
        if (err) return err;
        now = clock_monotonic_us();
        if (lag > 0 || end != end_before) since = now;
        end_before = end;
        if (lag == 0 && now - since >= still_us) return ERR_OK;
        if (now >= deadline || !backoff_wait(&backoff, wish->stop))
            return fault_set(fault, ERR_CONFLICT, retiring->incarnation.topic,
                             "%lld messages are not sent on yet: is a rater running, is a partition parked?", (long long)lag);
    }
}

static enum err emptied(struct retiring *retiring, struct fault *fault)
{
    struct db_result *result = NULL;
    const char *topic = retiring->incarnation.topic;
    enum err err = db_query(retiring->db, wish_sql, 0, NULL, &result, fault);
    if (err) return err;
    const char *number = db_int(retiring->arena, db_get_int(result, 0, 0));
    db_result_free(result);
    err = bus_consumer_open_range(retiring->config, topic, 0, 0, 0, &retiring->reader, fault);
    if (!err) err = sent_on_await(retiring, 0, fault);
    if (!err) err = bus_topic_refuse(retiring->config, topic, &retiring->topic, true, fault);
    if (!err) {
        CRASH_POINT("retire.after_refuse");
        struct fault later = {0};
        err = sent_on_await(retiring, STILL_US, fault); // the brokers hear of it one after the other
        if (err && bus_topic_refuse(retiring->config, topic, &retiring->topic, false, &later))
            log_error("topic_still_refuses", LOG_TEXT("topic", topic), LOG_FAULT(&later),
                      LOG_TEXT("action", "run topic retire again, or delete its setting max.message.bytes"));
    }
    bus_consumer_close(retiring->reader);
    struct fault ignored = {0};
    if (db_exec(retiring->db, unwish_sql, 1, &number, NULL, &ignored))
        log_warn("marker_wish_stays", LOG_FAULT(&ignored)); // for an hour
    return err;
}

static enum err record(struct retiring *retiring, struct fault *fault)
{
    struct arena *arena = retiring->arena;
    const char *number = db_int(arena, retiring->incarnation.number);
    const char *reason = retiring->wish->reason ? retiring->wish->reason : "";
    enum err err = db_begin(retiring->db, fault);
    if (err) return err;
    err = db_exec(retiring->db, retire_sql, 2, (const char *[]){number, reason}, NULL, fault);
    if (!err)
        err = db_exec(retiring->db, fence_sql, 2, (const char *[]){number, db_int(arena, (int64_t)random_u64())}, NULL,
                      fault);
    if (!err)
        err = db_commit(retiring->db, fault);
    else
        db_rollback(retiring->db);
    return err;
}

static enum err retire(struct retiring *retiring, struct fault *fault)
{
    bool lost = retiring->wish->lost;
    enum err err = state_read(retiring, fault);
    if (!err && !retiring->retired) {
        if (!lost) err = retention_check(retiring, fault);
        if (!err && !lost) err = emptied(retiring, fault);
        if (!err) err = record(retiring, fault);
    }
    if (err) return err;
    CRASH_POINT("retire.after_commit");
    return lost ? ERR_OK : bus_topic_delete(retiring->config, retiring->incarnation.topic, fault);
}

enum err incarnation_retire(struct db *db, const struct config *config, const struct incarnation_retirement *wish,
                            struct fault *fault)
{
    struct retiring retiring = {.db = db, .config = config, .wish = wish, .arena = arena_new(4096)};
    struct db_result *ignored = NULL;
    struct fault later = {0};
    enum err err = db_query(db, lock_sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    ignored = NULL;
    if (!err) {
        err = retire(&retiring, fault);
        if (db_alive(db) && db_query(db, unlock_sql, 0, NULL, &ignored, &later))
            log_warn("lock_stays", LOG_FAULT(&later)); // until the connection ends
        db_result_free(ignored);
    }
    arena_free(retiring.arena);
    return err;
}
