// SPDX-License-Identifier: Apache-2.0
// Is everything counted that was received up to an instant? Asks the raters for markers while it waits.
#include "invoicing/complete.h"

#include <string.h>

#include "common/backoff.h"
#include "common/log.h"
#include "common/text.h"

#define CLOCKS_APART_US (2 * SECOND_US)

struct wait {
    struct db *db;
    const struct complete_request *request;
    struct arena *arena;
    struct completeness *result;
    bool open[SHARD_COUNT]; // asked for, and not given up
    char wanted[INSTANT_TEXT_MAX];
    const char
        *sent_by; // where an older topic sends on: when all up to `wanted` was in the newer ones; NULL: not there yet
    struct fault *fault;
};

static bool is_waited_for(const struct wait *wait, int64_t partition, int64_t partitions)
{
    for (int64_t shard = partition; shard < SHARD_COUNT; shard += partitions)
        if (wait->open[shard]) return true;
    return false;
}

static void take_missing(struct wait *wait, const char *name, int64_t partition, int64_t partitions)
{
    for (int64_t shard = partition; shard < SHARD_COUNT; shard += partitions)
        if (wait->open[shard] && !wait->result->missing[shard]) wait->result->missing[shard] = name;
}

static bool name_missing(struct wait *wait, const struct db_result *result)
{
    struct text names = {0};
    for (int row = 0; row < db_rows(result); row++) {
        int64_t partition = db_get_int(result, row, 0), partitions = db_get_int(result, row, 1);
        if (!is_waited_for(wait, partition, partitions)) continue;
        const char *name = arena_text(wait->arena, db_text(result, row, 2), strlen(db_text(result, row, 2)));
        text_print(&names, "%s%s", names.length ? ", " : "", name);
        take_missing(wait, name, partition, partitions);
    }
    bool missing = names.length > 0;
    if (missing)
        fault_set(wait->fault, ERR_RETRY, "", "the log is not complete up to %s in partition %s: is a rater running?",
                  wait->sent_by ? wait->sent_by : wait->wanted, names.data);
    text_free(&names);
    return missing;
}

// Partitions whose watermark is below, of every topic that is read; those of shards that are waited for go into the
// result and into the fault. Where an older topic sends on, what it sent on has to be counted as well: the partitions
// that count must have come past sent_by.
static enum err look(struct wait *wait, bool *missing)
{
    struct db_result *result;
    const char *const values[] = {wait->wanted, wait->sent_by};
    enum err err =
        db_query(wait->db,
                 "select p.partition, i.partitions,"
                 "       case when (select count(*) from rating.incarnation o where o.retired_time is null) = 1 then "
                 "p.partition::text else i.topic || ':' || p.partition end"
                 "       || case when p.parked_reason is null then '' else ' (parked: ' || p.parked_reason || ')' end"
                 "  from rating.partition p join rating.incarnation i on i.incarnation = p.incarnation and "
                 "i.retired_time is null"
                 " where p.watermark < case when p.counted_seq is null then greatest($1::timestamptz, $2::timestamptz) "
                 "else $1::timestamptz end"
                 " order by p.incarnation, p.partition",
                 2, values, &result, wait->fault);
    if (err) return err;
    memset(wait->result->missing, 0, sizeof wait->result->missing);
    *missing = name_missing(wait, result);
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

static enum err sends_on(struct db *db, bool *yes, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(
        db,
        "select exists (select from rating.partition p join rating.incarnation i on i.incarnation = p.incarnation"
        "                where i.retired_time is null and p.counted_seq is not null)",
        0, NULL, &result, fault);
    if (err) return err;
    *yes = db_get_bool(result, 0, 0);
    db_result_free(result);
    return ERR_OK;
}

static enum err wish(struct wait *wait)
{
    const char *wanted = wait->sent_by ? wait->sent_by : wait->wanted;
    log_info("log_incomplete", LOG_TEXT("reason", wait->fault->reason));
    return db_exec(wait->db, "insert into rating.marker_wish (wanted_watermark) values ($1)", 1, &wanted, NULL,
                   wait->fault);
}

// Until nothing is missing, the time is over or the process ends; then *missing, and what is missing in the result and
// the fault.
static enum err wait_once(struct wait *wait, bool *missing)
{
    const struct complete_request *request = wait->request;
    struct backoff backoff = BACKOFF(50, 1000);
    int64_t deadline = clock_monotonic_us() + request->timeout_ms * 1000;
    for (bool wished = false;; wished = true) {
        enum err err = look(wait, missing);
        if (err || !*missing) return err;
        if (!wished && (err = wish(wait))) return err;
        if (clock_monotonic_us() >= deadline) return ERR_OK;
        wait->result->stopped = !backoff_wait(&backoff, request->stop);
        if (wait->result->stopped) return ERR_OK;
    }
}

// What has not come within the time is not waited for any more. Returns how many shards still are.
static size_t give_up_missing(struct wait *wait, const char *given_up[SHARD_COUNT])
{
    size_t open = 0;
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        if (wait->result->missing[shard]) given_up[shard] = wait->result->missing[shard];
        if (given_up[shard]) wait->open[shard] = false;
        open += wait->open[shard];
    }
    return open;
}

static enum err wait_both(struct wait *wait, const char *given_up[SHARD_COUNT], struct fault *first)
{
    char sent_by[INSTANT_TEXT_MAX];
    bool missing, forwarding = false;
    enum err err = wait_once(wait, &missing);
    if (!err && missing) *first = *wait->fault;
    size_t open = give_up_missing(wait, given_up);
    if (!err && open && !wait->result->stopped) err = sends_on(wait->db, &forwarding, wait->fault);
    if (err || !forwarding) return err;
    err = now_read(wait->db, sent_by, wait->fault); // everything received up to `wanted` has been sent on by now
    wait->sent_by = sent_by;
    if (!err) err = wait_once(wait, &missing);
    if (!err && missing && first->err == ERR_OK) *first = *wait->fault;
    give_up_missing(wait, given_up);
    return err;
}

enum err complete_wait(struct db *db, const struct complete_request *request, struct arena *arena,
                       struct completeness *result, struct fault *fault)
{
    const char *given_up[SHARD_COUNT] = {NULL};
    struct fault missing = {0};
    struct wait wait = {.db = db, .request = request, .arena = arena, .result = result, .fault = fault};
    *result = (struct completeness){0};
    instant_print(request->until, wait.wanted);
    for (int shard = 0; shard < SHARD_COUNT; shard++) {
        wait.open[shard] = !request->shards || request->shards[shard];
        result->asked[shard] = wait.open[shard];
        result->shards += wait.open[shard];
    }
    enum err err = wait_both(&wait, given_up, &missing);
    memcpy(result->missing, given_up, sizeof given_up);
    if (err) return err;
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        result->missing_shards += given_up[shard] != NULL;
    *fault = missing;
    return missing.err;
}
