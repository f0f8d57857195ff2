// SPDX-License-Identifier: Apache-2.0
// Is everything counted that was received up to an instant? Asks the raters for markers while it waits.
#include "invoicing/complete.h"

#include "common/backoff.h"
#include "common/log.h"

#define CLOCKS_APART_US (2 * SECOND_US)

// Partitions whose watermark is below, of every topic that is read; *waiting = 0: complete. Where an older topic sends on,
// what it sent on has to be counted as well: *sent_by is when all of it was in the newer topics, and the partitions that
// count must have come so far. Names of partitions for the message.
static enum err incomplete(struct db *db, const char *wanted, const char *sent_by_or_null, int64_t *waiting, bool *sends_on, struct fault *fault)
{
    struct db_result *result;
    const char *const values[] = {wanted, sent_by_or_null};
    enum err err = db_query(db,
        "select count(*) filter (where behind),"
        "       coalesce(string_agg(name || case when parked_reason is null then '' else ' (parked: ' || parked_reason || ')' end, ', ' order by incarnation, partition)"
        "                filter (where behind), ''),"
        "       coalesce(bool_or(counted_seq is not null), false)"
        "  from (select p.*, case when i.incarnation = min(i.incarnation) over () and i.incarnation = max(i.incarnation) over () then p.partition::text"
        "                         else i.topic || ':' || p.partition end as name,"
        "               p.watermark < case when p.counted_seq is null then greatest($1::timestamptz, $2::timestamptz) else $1::timestamptz end as behind"
        "          from rating.partition p join rating.incarnation i on i.incarnation = p.incarnation and i.retired_time is null) p",
        2, values, &result, fault);
    if (err) return err;
    *waiting = db_get_int(result, 0, 0);
    *sends_on = db_get_bool(result, 0, 2);
    if (*waiting) fault_set(fault, ERR_RETRY, "", "the log is not complete up to %s in partition %s: is a rater running?", sent_by_or_null ? sent_by_or_null : wanted, db_text(result, 0, 1));
    db_result_free(result);
    return ERR_OK;
}

// The database's clock; the brokers' is taken to be no more than CLOCKS_APART_US ahead of it.
static enum err now_read(struct db *db, char now[INSTANT_TEXT_MAX], struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db, "select clock_timestamp()", 0, NULL, &result, fault);
    if (err) return err;
    instant_print(db_get_instant(result, 0, 0) + CLOCKS_APART_US, now);
    db_result_free(result);
    return ERR_OK;
}

static enum err wish(struct db *db, const char *wanted, struct fault *fault)
{
    log_info("log_incomplete", LOG_TEXT("reason", fault->reason));
    return db_exec(db, "insert into rating.marker_wish (wanted_watermark) values ($1)", 1, &wanted, NULL, fault);
}

enum err complete_wait(struct db *db, instant_us until, int64_t timeout_ms, const volatile bool *stop, struct fault *fault)
{
    char wanted[INSTANT_TEXT_MAX], sent_by[INSTANT_TEXT_MAX] = "";
    struct backoff backoff = BACKOFF(50, 1000);
    int64_t deadline = clock_monotonic_us() + timeout_ms * 1000, waiting;
    bool wished = false, sends_on;
    instant_print(until, wanted);
    for (;;) {
        enum err err = incomplete(db, wanted, sent_by[0] ? sent_by : NULL, &waiting, &sends_on, fault);
        if (err || (!waiting && (!sends_on || sent_by[0]))) return err;
        if (!waiting) { // everything received up to then has been sent on by now
            err = now_read(db, sent_by, fault);
            if (err) return err;
            wished = false;
            continue;
        }
        if (!wished) err = wish(db, sent_by[0] ? sent_by : wanted, fault);
        if (err) return err;
        wished = true;
        if (clock_monotonic_us() >= deadline || !backoff_wait(&backoff, stop)) return ERR_RETRY; // fault names the partitions
    }
}
