// SPDX-License-Identifier: Apache-2.0
// The steps of a compaction. Does: transactions. What may be folded, when it counts, and what may be removed is decided by
// the functions that it calls.
#include "rating/compact.h"

#include <string.h>

#include "common/crash_point.h"
#include "common/log.h"

enum { SHARDS = 1024, ARENA_BYTES = 4096 };

// The compaction under way.
struct run {
    int64_t number, cut_from, cut_to, next_shard, delta_rows, segment_rows;
};

// A function of the schema in a transaction of its own, committed.
static enum err call(struct db *db, const char *sql, int count, const char *const *values, const char *before_commit,
                     struct db_result **result, struct fault *fault)
{
    enum err err = db_begin(db, fault);
    if (!err) err = db_query(db, sql, count, values, result, fault);
    if (err) {
        db_rollback(db);
        return err;
    }
    CRASH_POINT(before_commit);
    err = db_commit(db, fault);
    if (!err) return ERR_OK;
    db_result_free(*result);
    *result = NULL;
    return err;
}

static enum err begin(struct db *db, bool through_all, struct run *run, bool *found, struct fault *fault)
{
    struct db_result *result = NULL;
    const char *const values[] = {db_bool(through_all)};
    enum err err = call(db,
                        "select compaction, cut_from, cut_to, next_shard, delta_rows, segment_rows\n"
                        "  from rating.compaction_begin($1::boolean)",
                        1, values, "compact.before_begin", &result, fault);
    if (err) return err;
    *found = db_rows(result) == 1;
    if (*found)
        *run = (struct run){db_get_int(result, 0, 0), db_get_int(result, 0, 1), db_get_int(result, 0, 2),
                            db_get_int(result, 0, 3), db_get_int(result, 0, 4), db_get_int(result, 0, 5)};
    db_result_free(result);
    CRASH_POINT("compact.begun");
    return ERR_OK;
}

// So many shards that about chunk_rows deltas are folded at once.
static int64_t shards_of(const struct run *run, int64_t chunk_rows)
{
    int64_t shards = run->delta_rows > chunk_rows ? chunk_rows * SHARDS / run->delta_rows : SHARDS;
    return shards < 1 ? 1 : shards;
}

static enum err fold(struct db *db, const struct run *run, int64_t chunk_rows, struct compact_result *done,
                     struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, run->number), db_int(arena, run->next_shard),
                                  db_int(arena, shards_of(run, chunk_rows))};
    enum err err = call(db, "select rating.compaction_fold($1::bigint, $2::integer, $3::integer)", 3, values,
                        "compact.before_fold", &result, fault);
    if (!err) done->shards = db_get_int(result, 0, 0);
    db_result_free(result);
    arena_free(arena);
    CRASH_POINT("compact.folded");
    return err;
}

static enum err finish(struct db *db, const struct run *run, struct compact_result *done, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, run->number)};
    enum err err = call(db, "select rating.compaction_finish($1::bigint)", 1, values, "compact.before_done", &result,
                        fault);
    if (!err && db_get_bool(result, 0, 0)) {
        done->compactions++;
        done->folded_rows += run->delta_rows;
        done->segment_rows += run->segment_rows;
        log_info("compacted", LOG_INT("cut_from", run->cut_from), LOG_INT("cut_to", run->cut_to),
                 LOG_INT("deltas", run->delta_rows), LOG_INT("rows", run->segment_rows));
    }
    db_result_free(result);
    arena_free(arena);
    CRASH_POINT("compact.done");
    return err;
}

// Twice: the second call, by a later transaction, notes who may still read the deltas.
static enum err release(struct db *db, int64_t keep_ms, struct compact_result *done, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    const char *const values[] = {db_int(arena, keep_ms)};
    enum err err = ERR_OK;
    for (int i = 0; i < 2 && !err; i++) {
        struct db_result *result = NULL;
        err = call(db, "select rating.compaction_release($1::bigint * interval '1 millisecond')", 1, values,
                   "compact.before_release", &result, fault);
        if (!err) done->released += db_get_int(result, 0, 0);
        db_result_free(result);
        CRASH_POINT("compact.released");
    }
    arena_free(arena);
    return err;
}

static enum err drop(struct db *db, struct compact_result *done, bool *more, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = call(db, "select outcome, dropped, delta_rows from rating.compaction_drop()", 0, NULL,
                        "compact.before_drop", &result, fault);
    if (err) return err;
    *more = strcmp(db_text(result, 0, 0), "dropped") == 0;
    done->waiting = strcmp(db_text(result, 0, 0), "waiting") == 0 || strcmp(db_text(result, 0, 0), "busy") == 0;
    if (*more) {
        done->dropped++;
        done->dropped_rows += db_get_int(result, 0, 2);
        log_info("deltas_dropped", LOG_TEXT("table", db_text(result, 0, 1)), LOG_INT("rows", db_get_int(result, 0, 2)));
    }
    db_result_free(result);
    CRASH_POINT("compact.dropped");
    return ERR_OK;
}

enum err compact_step(struct db *db, const struct compact_options *options, struct compact_result *result, bool *more,
                      struct fault *fault)
{
    struct run run = {0};
    *more = false;
    enum err err = begin(db, options->through_all, &run, more, fault);
    if (!err && *more) {
        result->cut_to = run.cut_to;
        result->delta_rows = run.delta_rows;
        result->shards = run.next_shard;
        return run.next_shard < SHARDS ? fold(db, &run, options->chunk_rows, result, fault)
                                       : finish(db, &run, result, fault);
    }
    if (!err) err = release(db, options->keep_ms, result, fault);
    if (!err) err = drop(db, result, more, fault);
    return err;
}

enum err compact_held_cut(struct db *db, int64_t *cut, int64_t *age_s, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db,
                            "select h.cut, extract(epoch from clock_timestamp() - c.created_time)::bigint\n"
                            "  from (select rating.held_cut() as cut) h join rating.cut c on c.cut = h.cut",
                            0, NULL, &result, fault);
    if (err) return err;
    *cut = *age_s = 0;
    if (db_rows(result) == 1) {
        *cut = db_get_int(result, 0, 0);
        *age_s = db_get_int(result, 0, 1);
    }
    db_result_free(result);
    return ERR_OK;
}
