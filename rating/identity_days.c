// SPDX-License-Identifier: Apache-2.0
// Drops the days of rating.batch_identity that no partition's dedup window reaches any more, and those of
// rating.batch_sequence that are superseded in every partition. Any rater may: the functions take the partition that is
// furthest behind. Never waits long for a lock, since every batch of others waits
// behind it.
#include "common/log.h"
#include "rating/rater_internal.h"

#define DROP_EVERY_US HOUR_US
#define DROP_AGAIN_US MINUTE_US

static enum err days_drop(struct rater *rater, int64_t *dropped, struct fault *fault)
{
    struct db *db = rater->db;
    struct arena *arena = arena_new(256);
    struct db_result *result = NULL;
    int64_t keep_us = catalogue_longest_accept_us(rater->catalogue) + catalogue_longest_future_us(rater->catalogue);
    enum err err = db_begin(db, fault);
    if (!err) err = db_exec(db, "set local lock_timeout = '200ms'", 0, NULL, NULL, fault);
    if (!err)
        err = db_query(db, "select rating.drop_identity_days($1::bigint * interval '1 microsecond') + rating.drop_sequence_days()", 1,
                       (const char *const[]){db_int(arena, keep_us)}, &result, fault);
    if (!err) *dropped = db_get_int(result, 0, 0);
    if (!err)
        err = db_commit(db, fault);
    else
        db_rollback(db);
    db_result_free(result);
    arena_free(arena);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // what is dropped is not dropped again
}

void identity_days_step(struct rater *rater)
{
    struct fault fault = {0};
    int64_t dropped = 0, now = clock_monotonic_us();
    if (now < rater->identity_days_us || !rater->db || !rater->catalogue) return;
    enum err err = days_drop(rater, &dropped, &fault);
    rater->identity_days_us = now + (err ? DROP_AGAIN_US : DROP_EVERY_US);
    if (dropped > 0) log_info("identity_days_dropped", LOG_INT("days", dropped));
    if (!err) return;
    log_warn("identity_days_kept", LOG_TEXT("action", "tried again in a minute"), LOG_FAULT(&fault));
    if (!db_alive(rater->db)) rater_db_failed(rater, err, &fault);
}
