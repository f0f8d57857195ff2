// SPDX-License-Identifier: Apache-2.0
// Is everything counted that was received up to an instant? Asks the raters for markers while it waits.
#include "invoicing/complete.h"

#include "common/backoff.h"
#include "common/log.h"

// Partitions whose watermark is below; *waiting = 0: complete. names for the message.
static enum err incomplete(struct db *db, const char *wanted, int64_t *waiting, struct fault *fault)
{
    struct db_result *result;
    const char *const values[] = {wanted};
    enum err err = db_query(db,
        "select count(*), coalesce(string_agg(p.partition || case when p.parked_reason is null then '' else ' (parked: ' || p.parked_reason || ')' end, ', ' order by p.partition), '')"
        "  from rating.partition p where p.watermark < $1::timestamptz and p.incarnation = (select max(incarnation) from rating.incarnation)", 1, values, &result, fault);
    if (err) return err;
    *waiting = db_get_int(result, 0, 0);
    if (*waiting) fault_set(fault, ERR_RETRY, "", "the log is not complete up to %s in partition %s: is a rater running?", wanted, db_text(result, 0, 1));
    db_result_free(result);
    return ERR_OK;
}

enum err complete_wait(struct db *db, instant_us until, int64_t timeout_ms, const volatile bool *stop, struct fault *fault)
{
    char wanted[INSTANT_TEXT_MAX];
    const char *const values[] = {wanted};
    struct backoff backoff = BACKOFF(50, 1000);
    int64_t deadline = clock_monotonic_us() + timeout_ms * 1000, waiting;
    bool wished = false;
    instant_print(until, wanted);
    for (;;) {
        enum err err = incomplete(db, wanted, &waiting, fault);
        if (err || !waiting) return err;
        if (!wished) err = db_exec(db, "insert into rating.marker_wish (wanted_watermark) values ($1)", 1, values, NULL, fault);
        if (err) return err;
        if (!wished) log_info("log_incomplete", LOG_TEXT("reason", fault->reason));
        wished = true;
        if (clock_monotonic_us() >= deadline || !backoff_wait(&backoff, stop)) return ERR_RETRY; // fault names the partitions
    }
}
