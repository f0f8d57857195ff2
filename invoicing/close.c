// SPDX-License-Identifier: Apache-2.0
// The close as a list of steps: which accounts, is the log complete, settle, close in chunks. The order is in
// close_run.
#include "invoicing/close.h"

#include "common/log.h"
#include "invoicing/close_chunk.h"
#include "invoicing/close_scope.h"

struct close_run {
    struct db *db;
    struct catalogue **catalogue;
    const struct close_options *options;
    int year, month;
    int64_t account;              // the only one, or 0
    instant_us end;               // the latest end of the month over the accounts' zones
    struct completeness complete; // of the shards of their tenants
    struct arena *arena;
    struct close_result *result;
    struct fault *fault;
};

struct candidates {
    struct billing_period *periods;
    size_t count, capacity;
};

static void add_candidate(struct candidates *candidates, struct arena *arena, const struct billing_period *period)
{
    candidates->periods =
        arena_grow(arena, candidates->periods, sizeof *period, candidates->count, &candidates->capacity);
    candidates->periods[candidates->count++] = *period;
}

static enum err find_account(struct close_run *run)
{
    if (!run->options->account) return ERR_OK;
    const struct billing_account *account = catalogue_account(*run->catalogue, slice_of(run->options->account));
    if (!account)
        return fault_set(run->fault, ERR_NOT_FOUND, "", "there is no billing account %s", run->options->account);
    run->account = account->number;
    return ERR_OK;
}

// When the last of the accounts' months ends, and in which shards their tenants are: also of accounts without usage so
// far, since what is not counted yet may be theirs.
static enum err find_scope(struct close_run *run, bool *shards)
{
    size_t count;
    const int64_t *accounts = catalogue_all_accounts(*run->catalogue, &count);
    run->end = INSTANT_NONE;
    for (size_t i = 0; i < count; i++) {
        struct billing_period period;
        if ((run->account && accounts[i] != run->account) ||
            period_of_label(*run->catalogue, accounts[i], run->year, run->month, &period, NULL))
            continue;
        if (run->end == INSTANT_NONE || period.end > run->end) run->end = period.end;
        close_scope_add(*run->catalogue, &period, shards);
    }
    if (run->end != INSTANT_NONE) return ERR_OK;
    if (run->account)
        return fault_set(run->fault, ERR_NOT_FOUND, "", "account %s has no period %s", run->options->account,
                         run->options->label);
    return fault_set(run->fault, ERR_NOT_FOUND, "", "no billing account has a period %s", run->options->label);
}

// An account to close, unless the log is not complete for a tenant of it: then it is held back. What is closed already
// says so itself.
static void consider(struct close_run *run, struct candidates *candidates, const struct billing_period *period,
                     bool closed)
{
    const char *missing = closed ? NULL : close_scope_missing(*run->catalogue, period, &run->complete, run->arena);
    if (missing)
        close_result_refuse(run->result, period->agreement->account->id, missing, run->arena);
    else
        add_candidate(candidates, run->arena, period);
}

// Accounts to close: with a period of that label that has a position, or with late usage in a closed period before it.
static enum err find_candidates(struct close_run *run, struct candidates *candidates)
{
    struct db_result *result;
    const char *const values[] = {run->options->label, run->account ? db_int(run->arena, run->account) : NULL};
    enum err err = db_query(
        run->db,
        "select e.account, bool_or(e.label = $1 and e.state = 'closed') from invoicing.period e"
        "  join invoicing.position p on p.agreement = e.agreement and p.account = e.account and p.period_start = "
        "e.period_start"
        " where ($2::bigint is null or e.account = $2) and (e.label = $1"
        "    or (e.label < $1 and e.state = 'closed' and exists (select from invoicing.settlement s where s.agreement "
        "= e.agreement"
        "         and s.account = e.account and s.period_start = e.period_start and s.booked_time > e.closed_time"
        "         and not exists (select from invoicing.document d join invoicing.document_group g on g.document = "
        "d.document"
        "              where d.agreement = e.agreement and d.account = e.account and g.original_period_start = "
        "e.period_start"
        "                and d.state <> 'void' and d.cut >= s.cut))))"
        " group by e.account order by 1",
        2, values, &result, run->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result) && !err; row++) {
        struct billing_period period;
        err = period_of_label(*run->catalogue, db_get_int(result, row, 0), run->year, run->month, &period, run->fault);
        if (!err) consider(run, candidates, &period, db_get_bool(result, row, 1));
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

static enum err close_all(struct close_run *run)
{
    const struct close_options *options = run->options;
    struct candidates candidates = {0};
    enum err err = find_candidates(run, &candidates);
    for (size_t done = 0; done < candidates.count && !err; done += options->chunk) {
        size_t next = candidates.count - done < options->chunk ? candidates.count - done : options->chunk;
        err = close_chunk(run->db, *run->catalogue, run->result->cut, candidates.periods + done, next, options,
                          run->arena, run->result, run->fault);
        if (!err && options->progress) options->progress(options->context, done + next, candidates.count);
    }
    return err;
}

static enum err record(const struct close_run *run, enum err err)
{
    const struct close_result *result = run->result;
    const char *const values[] = {run->options->label,
                                  result->cut ? db_int(run->arena, result->cut) : NULL,
                                  err ? "failed" : "done",
                                  db_int(run->arena, (int64_t)result->accounts),
                                  db_int(run->arena, (int64_t)result->documents),
                                  err ? run->fault->reason : ""};
    return db_exec(run->db,
                   "insert into invoicing.close_run (label, cut, state, accounts, documents, reason, ended_time) "
                   "values ($1, $2, $3, $4, $5, $6, clock_timestamp())",
                   6, values, NULL, NULL);
}

static enum err settle_and_close(struct close_run *run)
{
    enum err err = ERR_RETRY;
    for (int tries = 0; tries < 5 && err == ERR_RETRY && db_alive(run->db);
         tries++) { // an apply in between: with the new catalogue again
        struct settle_result settled = {0};
        run->result->refusals = NULL;
        run->result->refused = 0;
        err = refresh(run->db, run->catalogue, run->fault);
        if (!err)
            err = settle_round(run->db, *run->catalogue, run->options->chunk, run->options->progress,
                               run->options->context, &settled, run->fault);
        run->result->cut = settled.cut;
        if (!err) err = close_all(run);
    }
    return err;
}

// With what is complete the close goes on; *incomplete says what is not.
static enum err wait_for_log(struct close_run *run, struct fault *incomplete)
{
    bool shards[SHARD_COUNT] = {false};
    enum err err = find_scope(run, shards);
    if (!err) err = not_ended(run->options->clock, run->options->label, run->end, run->fault);
    if (err) return err;
    const struct complete_request request = {run->end + run->options->grace_ms * 1000, shards, run->options->timeout_ms,
                                             run->options->stop};
    err = complete_wait(run->db, &request, run->arena, &run->complete, run->fault);
    if (err != ERR_RETRY || !run->complete.missing_shards || run->complete.missing_shards == run->complete.shards ||
        run->complete.stopped)
        return err;
    *incomplete = *run->fault;
    return ERR_OK;
}

static enum err close_steps(struct close_run *run)
{
    struct fault incomplete = {0};
    const struct close_result *result = run->result;
    enum err err = period_label_read(run->options->label, &run->year, &run->month, run->fault);
    if (!err) err = refresh(run->db, run->catalogue, run->fault);
    if (!err) err = find_account(run);
    if (!err) err = wait_for_log(run, &incomplete);
    if (!err) err = settle_and_close(run);
    if (err) return err;
    if (result->refused)
        return fault_set(run->fault, ERR_CONFLICT, "", "%zu accounts were not closed, the first is %s: %s",
                         result->refused, result->refusals->account, result->refusals->reason);
    *run->fault = incomplete; // accounts without usage so far may have some there
    return incomplete.err;
}

enum err close_run(struct db *db, struct catalogue **catalogue, const struct close_options *options,
                   struct arena *arena, struct close_result *result, struct fault *fault)
{
    struct close_run run = {
        .db = db, .catalogue = catalogue, .options = options, .arena = arena, .result = result, .fault = fault};
    *result = (struct close_result){0};
    enum err err = close_steps(&run);
    if (db_alive(db) && record(&run, err)) log_warn("close_run_not_recorded", LOG_TEXT("period", options->label));
    return err;
}
