// SPDX-License-Identifier: Apache-2.0
// The close as a list of steps: which accounts, is the log complete, settle, close in chunks. The order is in close_run.
#include "invoicing/close.h"

#include "common/log.h"
#include "invoicing/complete.h"

struct candidates { struct billing_period *periods; size_t count, capacity; instant_us last_end; };

static void add_candidate(struct candidates *candidates, struct arena *arena, const struct billing_period *period)
{
    candidates->periods = arena_grow(arena, candidates->periods, sizeof *period, candidates->count, &candidates->capacity);
    candidates->periods[candidates->count++] = *period;
}

// The latest end of the month over the zones in use: the close waits for that.
static enum err latest_end(const struct catalogue *catalogue, const char *label, instant_us *end, struct fault *fault)
{
    int year, month;
    size_t count;
    const int64_t *accounts = catalogue_all_accounts(catalogue, &count);
    enum err err = period_label_read(label, &year, &month, fault);
    if (err) return err;
    *end = INSTANT_NONE;
    for (size_t i = 0; i < count; i++) {
        struct billing_period period;
        if (period_of_label(catalogue, accounts[i], year, month, &period, NULL)) continue;
        if (*end == INSTANT_NONE || period.end > *end) *end = period.end;
    }
    return *end == INSTANT_NONE ? fault_set(fault, ERR_NOT_FOUND, "", "no billing account has a period %s", label) : ERR_OK;
}

// Accounts to close: with a period of that label that has a position, or with late usage in a closed period before it.
static enum err find_candidates(struct db *db, const struct catalogue *catalogue, const char *label, struct arena *arena, struct candidates *candidates, struct fault *fault)
{
    int year, month;
    struct db_result *result;
    const char *const values[] = {label};
    enum err err = period_label_read(label, &year, &month, fault);
    if (!err)
        err = db_query(db,
            "select distinct e.account from invoicing.period e"
            "  join invoicing.position p on p.agreement = e.agreement and p.account = e.account and p.period_start = e.period_start"
            " where e.label = $1"
            "    or (e.label < $1 and e.state = 'closed' and exists (select from invoicing.settlement s where s.agreement = e.agreement"
            "         and s.account = e.account and s.period_start = e.period_start and s.booked_time > e.closed_time"
            "         and not exists (select from invoicing.document d join invoicing.document_group g on g.document = d.document"
            "              where d.agreement = e.agreement and d.account = e.account and g.original_period_start = e.period_start"
            "                and d.state <> 'void' and d.cut >= s.cut)))"
            " order by 1", 1, values, &result, fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result) && !err; row++) {
        struct billing_period period;
        err = period_of_label(catalogue, db_get_int(result, row, 0), year, month, &period, fault);
        if (!err) add_candidate(candidates, arena, &period);
    }
    db_result_free(result);
    return err;
}

static enum err not_ended(const struct clock *clock, const char *label, instant_us end, struct fault *fault)
{
    char text[INSTANT_TEXT_MAX];
    if (end <= clock_now(clock)) return ERR_OK;
    instant_print(end, text);
    return fault_set(fault, ERR_INVALID, "", "period %s has not ended: its last zone reaches %s", label, text);
}

static enum err refresh(struct db *db, struct catalogue **catalogue, struct fault *fault)
{
    struct catalogue *newer;
    enum err err = catalogue_load(db, 0, &newer, fault);
    if (err) return err;
    catalogue_release(*catalogue);
    *catalogue = newer;
    return ERR_OK;
}

static enum err close_all(struct db *db, const struct catalogue *catalogue, const struct close_options *options, struct arena *arena, struct close_result *result,
                          struct fault *fault)
{
    struct candidates candidates = {0};
    enum err err = find_candidates(db, catalogue, options->label, arena, &candidates, fault);
    for (size_t done = 0; done < candidates.count && !err; done += options->chunk) {
        size_t next = candidates.count - done < options->chunk ? candidates.count - done : options->chunk;
        err = close_chunk(db, catalogue, result->cut, candidates.periods + done, next, options, arena, result, fault);
        if (!err && options->progress) options->progress(options->context, done + next, candidates.count);
    }
    return err;
}

static enum err record(struct db *db, const struct close_options *options, const struct close_result *result, enum err err, const struct fault *fault, struct arena *arena)
{
    const char *const values[] = {options->label, result->cut ? db_int(arena, result->cut) : NULL, err ? "failed" : "done", db_int(arena, (int64_t)result->accounts),
                                  db_int(arena, (int64_t)result->documents), err ? fault->reason : ""};
    return db_exec(db, "insert into invoicing.close_run (label, cut, state, accounts, documents, reason, ended_time) values ($1, $2, $3, $4, $5, $6, clock_timestamp())",
                   6, values, NULL, NULL);
}

static enum err settle_and_close(struct db *db, struct catalogue **catalogue, const struct close_options *options, struct arena *arena, struct close_result *result,
                                 struct fault *fault)
{
    enum err err = ERR_RETRY;
    for (int tries = 0; tries < 5 && err == ERR_RETRY && db_alive(db); tries++) { // an apply in between: with the new catalogue again
        struct settle_result settled = {0};
        err = refresh(db, catalogue, fault);
        if (!err) err = settle_round(db, *catalogue, options->chunk, options->progress, options->context, &settled, fault);
        result->cut = settled.cut;
        if (!err) err = close_all(db, *catalogue, options, arena, result, fault);
    }
    return err;
}

enum err close_run(struct db *db, struct catalogue **catalogue, const struct close_options *options, struct arena *arena, struct close_result *result, struct fault *fault)
{
    instant_us end;
    *result = (struct close_result){0};
    enum err err = refresh(db, catalogue, fault);
    if (!err) err = latest_end(*catalogue, options->label, &end, fault);
    if (!err) err = not_ended(options->clock, options->label, end, fault);
    if (!err) err = complete_wait(db, end + options->grace_ms * 1000, options->timeout_ms, options->stop, fault);
    if (!err) err = settle_and_close(db, catalogue, options, arena, result, fault);
    if (!err && result->refused)
        err = fault_set(fault, ERR_CONFLICT, "", "%zu accounts were not closed, the first is %s: %s", result->refused, result->refusals->account, result->refusals->reason);
    if (db_alive(db) && record(db, options, result, err, fault, arena)) log_warn("close_run_not_recorded", LOG_TEXT("period", options->label));
    return err;
}
