// SPDX-License-Identifier: Apache-2.0
// A piece of a range that is judged again (rules 3.6): its verdicts, and what a batch writes of them. An event of the
// range is closed once: the batches of a partition are in one chain, and the range must be as it was when it was read.
#include <stdlib.h>

#include "common/crash_point.h"
#include "rating/batch_internal.h"

void batch_range_free(struct batch *batch)
{
    verdict_list_free(&batch->range_verdicts);
    free(batch->range_closings.rows);
}

void batch_range_forget(struct batch *batch)
{
    batch->range = (struct range_piece){0};
    batch->range_closings.count = 0;
    verdict_list_clear(&batch->range_verdicts);
}

void batch_range_piece(struct batch *batch, const struct range_piece *piece)
{
    ENSURE(batch_empty(batch) && piece->quarantine > 0);
    batch->range = *piece;
}

void batch_range_pass(struct batch *batch)
{
    verdict_list_add(&batch->range_verdicts, VERDICT_QUARANTINED);
}

void batch_range_judged(struct batch *batch, const struct decoded *decoded, enum verdict verdict)
{
    verdict_list_add(&batch->range_verdicts, verdict);
    if (verdict == VERDICT_QUARANTINED) return;
    *(struct closing_row *)row_list_add(&batch->range_closings, sizeof(struct closing_row)) =
        (struct closing_row){decoded->position, decoded->index, verdict == VERDICT_CONFLICT};
    if (verdict == VERDICT_CONFLICT) batch_conflict(batch, decoded, &decoded->first); // its body has no row to stay in
}

void batch_range_closings(struct batch *batch)
{
    const struct closing_row *rows = batch->range_closings.rows;
    for (size_t i = 0; i < batch->range_closings.count; i++)
        *(struct closing_row *)row_list_add(&batch->closings, sizeof(struct closing_row)) = rows[i];
}

static enum err piece_insert(struct attempt *attempt, struct fault *fault)
{
    const struct batch *batch = attempt->batch;
    const struct verdict_list *verdicts = &batch->range_verdicts;
    struct arena *arena = attempt->arena;
    const char *const values[] = {db_int(arena, batch->range.quarantine),
                                  db_int(arena, attempt->record.batch_seq),
                                  db_int(arena, batch->range.first_event),
                                  db_int(arena, verdicts->count),
                                  db_int(arena, (int64_t)batch->range_closings.count),
                                  db_bytes(arena, verdicts->packed.data, verdicts->packed.length)};
    return db_exec(attempt->db,
                   "insert into rating.range_replay (quarantine, batch_seq, first_event, events, closed, verdicts)\n"
                   "values ($1::bigint, $2::bigint, $3::bigint, $4::int, $5::int, $6::bytea)",
                   6, values, NULL, fault);
}

enum err batch_range_write(struct attempt *attempt, struct fault *fault)
{
    const struct batch *batch = attempt->batch;
    const struct range_piece *piece = &batch->range;
    int64_t affected = 0;
    if (!piece->quarantine) return ERR_OK;
    const char *const values[] = {db_int(attempt->arena, piece->quarantine),
                                  db_int(attempt->arena, piece->closed_before),
                                  db_int(attempt->arena, (int64_t)batch->range_closings.count)};
    enum err err = piece_insert(attempt, fault);
    if (err) return err;
    err = db_exec(attempt->db,
                  "update rating.quarantine\n"
                  "   set closed_events = closed_events + $3::bigint,\n"
                  "       missing_events = least(missing_events, range_events - closed_events - $3::bigint),\n"
                  "       state = case when closed_events + $3::bigint = range_events then 'replayed' else state end\n"
                  " where quarantine = $1::bigint and state = 'open' and closed_events = $2::bigint",
                  3, values, &affected, fault);
    if (!err && affected != 1)
        err = fault_set(fault, ERR_CONFLICT, "rating.quarantine", "range %lld is not as it was read any more",
                        (long long)piece->quarantine);
    CRASH_POINT("rate.after_range");
    return err;
}
