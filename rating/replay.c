// SPDX-License-Identifier: Apache-2.0
// Judges quarantine rows again: those of open replay orders, and after a change of the catalogue those of unknown types
// and tenants, some hundred a second (rules 3.5, 3.6). A row counts only by turning from open to counted in the
// transaction of a batch of its own; reason and detail of a row stay as they were first written.
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "rating/range_replay.h"

enum { ROWS_AT_ONCE = 250, ARENA_BYTES = 1 << 18 };

struct replay {
    struct owner *owner;
    struct arena *arena;
    struct replay_row rows[ROWS_AT_ONCE];
    const char *states[ROWS_AT_ONCE]; // of the row when it was read
    int count;
    int64_t range, range_order; // the oldest order of a range, if none is of a row; 0: none
};

#define ROW_COLUMNS                                                                                                    \
    "q.quarantine, q.message_offset + p.base_position, q.event_index, q.received_time, q.raw, q.state,"                 \
    " q.reason in ('undecidable', 'misrouted'), q.range_events is not null"
#define ROW_JOIN                                                                                                       \
    "  join rating.partition p on p.incarnation = q.incarnation and p.partition = q.partition\n"

static void rows_take(struct replay *replay, const struct db_result *result)
{
    int rows = db_rows(result);
    for (replay->count = 0; replay->count < rows && !db_get_bool(result, replay->count, 8); replay->count++) {
        int i = replay->count;
        struct replay_row *row = &replay->rows[i];
        unsigned char *raw = NULL;
        *row = (struct replay_row){
            .order = db_get_int(result, i, 0),
            .quarantine = db_get_int(result, i, 1),
            .position = db_get_int(result, i, 2),
            .event_index = (int32_t)db_get_int(result, i, 3),
            .received_time = db_get_instant(result, i, 4),
            .undecidable = db_get_bool(result, i, 7),
        };
        row->raw.length = db_get_bytes(result, replay->arena, i, 5, &raw);
        row->raw.data = (const char *)raw;
        replay->states[i] = arena_text(replay->arena, db_text(result, i, 6), db_length(result, i, 6));
    }
    if (rows == 0 || replay->count > 0) return;
    replay->range_order = db_get_int(result, 0, 0);
    replay->range = db_get_int(result, 0, 1);
}

static enum err orders_read(struct replay *replay, struct fault *fault)
{
    const struct owner *owner = replay->owner;
    struct db_result *result = NULL;
    const char *const values[] = {db_int(replay->arena, owner->row.incarnation),
                                  db_int(replay->arena, owner->partition), db_int(replay->arena, ROWS_AT_ONCE),
                                  db_int(replay->arena, owner->rater->options.partitions)};
    enum err err = db_query(owner->rater->db,
                            "select o.replay_order, " ROW_COLUMNS "\n"
                            "  from rating.replay_order o\n"
                            "  join rating.quarantine q on q.quarantine = o.quarantine\n" ROW_JOIN
                            " where o.done_time is null\n"
                            "   and " ROW_IS_OURS("$4")
                            " order by q.range_events is not null, o.replay_order\n"
                            " limit $3::int",
                            4, values, &result, fault);
    if (!err) rows_take(replay, result);
    db_result_free(result);
    return err;
}

// Rows that a newer catalogue may have made countable.
static enum err retries_read(struct replay *replay, struct fault *fault)
{
    const struct owner *owner = replay->owner;
    struct db_result *result = NULL;
    const char *const values[] = {db_int(replay->arena, owner->row.incarnation),
                                  db_int(replay->arena, owner->partition), db_int(replay->arena, ROWS_AT_ONCE),
                                  db_int(replay->arena, owner->rater->options.partitions),
                                  db_int(replay->arena, owner->retry_after),
                                  db_int(replay->arena, catalogue_version(owner->rater->catalogue))};
    enum err err = db_query(owner->rater->db,
                            "select 0, " ROW_COLUMNS "\n"
                            "  from rating.quarantine q\n" ROW_JOIN
                            " where q.state = 'open' and q.reason in ('unknown_type', 'unknown_tenant')\n"
                            "   and q.range_events is null\n"
                            "   and " ROW_IS_OURS("$4")
                            "   and q.quarantine > $5::bigint and q.catalogue_version < $6::bigint\n"
                            " order by q.quarantine\n"
                            " limit $3::int",
                            6, values, &result, fault);
    if (!err) rows_take(replay, result);
    db_result_free(result);
    return err;
}

static const char *outcome_of(const struct replay *replay, int i)
{
    const struct replay_row *row = &replay->rows[i];
    if (strcmp(replay->states[i], "open") != 0) return replay->states[i]; // closed before we looked
    return row->verdict == VERDICT_QUARANTINED ? reason_name(row->reason) : verdict_name(row->verdict);
}

static enum err outcomes_write(struct replay *replay, struct fault *fault)
{
    struct array orders = {0}, outcomes = {0}, rows = {0}, reasons = {0}, details = {0};
    struct arena *arena = replay->arena;
    for (int i = 0; i < replay->count; i++) {
        const struct replay_row *row = &replay->rows[i];
        if (row->order > 0) {
            array_add_int(&orders, row->order);
            array_add_text(&outcomes, outcome_of(replay, i));
        }
        if (row->verdict != VERDICT_QUARANTINED || strcmp(replay->states[i], "open") != 0) continue;
        array_add_int(&rows, row->quarantine);
        array_add_text(&reasons, reason_name(row->reason));
        array_add_text(&details, row->detail);
    }
    const char *const order_values[] = {array_end(&orders, arena), array_end(&outcomes, arena)};
    const char *const row_values[] = {array_end(&rows, arena), array_end(&reasons, arena), array_end(&details, arena),
                                      db_int(arena, catalogue_version(replay->owner->rater->catalogue))};
    struct db *db = replay->owner->rater->db;
    enum err err = db_begin(db, fault);
    if (err) return err;
    err = db_exec(db,
                  "update rating.replay_order o\n"
                  "   set done_time = clock_timestamp(), outcome = w.outcome\n"
                  "  from unnest($1::bigint[], $2::text[]) as w (replay_order, outcome)\n"
                  " where o.replay_order = w.replay_order and o.done_time is null",
                  2, order_values, NULL, fault);
    if (!err)
        err = db_exec(db,
                      "update rating.quarantine q\n"
                      "   set judged_reason = w.reason, judged_detail = w.detail, catalogue_version = $4::bigint\n"
                      "  from unnest($1::bigint[], $2::text[], $3::text[]) as w (quarantine, reason, detail)\n"
                      " where q.quarantine = w.quarantine and q.state = 'open'",
                      4, row_values, NULL, fault);
    if (err)
        db_rollback(db);
    else
        err = db_commit(db, fault);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // written again from what the rows say then
}

// Judges the rows that were read and commits what counts.
static enum err rows_judge(struct replay *replay, bool *settled, struct fault *fault)
{
    struct owner *owner = replay->owner;
    int64_t batch_seq = owner->row.batch_seq;
    for (int i = 0; i < replay->count; i++)
        if (strcmp(replay->states[i], "open") == 0) batch_replay(owner->batch, &owner->ground, &replay->rows[i]);
    *settled = true;
    if (batch_empty(owner->batch)) {
        owner_batch_begin(owner); // what was judged and stays leaves no trace in the index
        return ERR_OK;
    }
    enum err err = owner_flush(owner, fault);
    // not committed: judged again when the orders are read the next time
    *settled = !err && owner->state == PARTITION_RATING && owner->row.batch_seq > batch_seq;
    return err;
}

static enum err replay_some(struct replay *replay, struct fault *fault)
{
    struct owner *owner = replay->owner;
    bool settled = false, retries = false;
    enum err err = orders_read(replay, fault);
    if (!err && replay->count == 0 && owner->retry_quarantine) {
        err = retries_read(replay, fault);
        retries = true;
        if (!err && replay->count == 0) owner->retry_quarantine = false;
    }
    if (!err && replay->count == 0) return range_replay_step(owner, replay->range, replay->range_order, fault);
    if (err) return err;
    err = owner_flush(owner, fault); // replays have a batch of their own
    if (err || owner->state != PARTITION_RATING || owner->restart || owner_pending(owner)) return err;
    int64_t last = replay->rows[replay->count - 1].quarantine;
    err = rows_judge(replay, &settled, fault);
    if (err || !settled) return err;
    err = outcomes_write(replay, fault);
    if (!err && retries) owner->retry_after = last;
    if (!err)
        log_info("quarantine_replayed", LOG_INT("partition", owner->partition), LOG_INT("rows", replay->count),
                 LOG_TEXT("because", retries ? "catalogue" : "order"));
    return err;
}

enum err replay_step(struct owner *owner, struct fault *fault)
{
    if (owner->restart || owner->doubtful || owner->ground.sends_on) return ERR_OK;
    if (!rater_db(owner->rater)) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    struct replay *replay = heap_alloc(sizeof *replay);
    replay->owner = owner;
    replay->arena = arena_new(ARENA_BYTES);
    enum err err = replay_some(replay, fault);
    arena_free(replay->arena);
    free(replay);
    return err;
}
