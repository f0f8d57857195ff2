// SPDX-License-Identifier: Apache-2.0
// One closing chunk, one transaction: hold the catalogue, lock positions, read, recompute, draft, number, write, commit.
#include "invoicing/close_chunk.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "common/crash_point.h"
#include "invoicing/close_draft.h"

void close_result_refuse(struct close_result *result, const char *account, const char *reason, struct arena *arena)
{
    struct close_refusal *refusal = ARENA_NEW(arena, struct close_refusal);
    ENSURE(snprintf(refusal->reason, sizeof refusal->reason, "%s", reason) > 0);
    ENSURE(snprintf(refusal->account, sizeof refusal->account, "%s", account) > 0);
    refusal->next = result->refusals;
    result->refusals = refusal;
    result->refused++;
}

void close_refuse(struct close_work *work, struct close_account *account, const char *format, ...)
{
    char reason[FAULT_TEXT_MAX];
    if (account->refused || account->already) return;
    va_list arguments;
    va_start(arguments, format);
    ENSURE(vsnprintf(reason, sizeof reason, format, arguments) > 0);
    va_end(arguments);
    close_result_refuse(work->result, account->period->agreement->account->id, reason, work->result_arena);
    account->refused = true;
}

// The catalogue by which the chunk was drafted must be the newest at its commit (rules 6.3).
static enum err hold_catalogue(struct close_work *work)
{
    int64_t newest;
    enum err err = period_hold_catalogue(work->db, &newest, work->fault);
    if (err) return err;
    if (newest == catalogue_version(work->catalogue)) return ERR_OK;
    return fault_set(work->fault, ERR_RETRY, "", "catalogue version %lld came in between", (long long)newest);
}

static enum err run(struct close_work *work)
{
    enum err err = hold_catalogue(work);
    if (!err) err = period_ensure(work->db, work->periods, work->count, work->arena, work->fault);
    if (!err) err = close_load(work);
    for (size_t i = 0; i < work->count && !err; i++) {
        struct close_account *account = &work->accounts[i];
        work->result->already += account->already;
        if (!account->already && !account->refused && account->source_count) err = close_draft(work, account);
    }
    return err ? err : close_write(work);
}

enum err close_chunk(struct db *db, const struct catalogue *catalogue, int64_t cut, struct billing_period *periods, size_t count,
                     const struct close_options *options, struct arena *arena, struct close_result *result, struct fault *fault)
{
    const struct close_result before = *result;
    struct close_work work = {.db = db, .catalogue = catalogue, .options = options, .cut = cut, .periods = periods, .count = count, .arena = arena_new(1 << 20),
                              .result_arena = arena, .result = result, .fault = fault};
    work.accounts = ARENA_ARRAY(work.arena, struct close_account, count + 1);
    qsort(periods, count, sizeof *periods, period_order);
    for (size_t i = 0; i < count; i++) work.accounts[i].period = &periods[i];
    enum err err = db_begin(db, fault);
    if (!err) err = run(&work);
    CRASH_POINT("close.before_commit");
    if (!err) err = db_commit(db, fault);
    else db_rollback(db);
    CRASH_POINT("close.after_commit");
    if (err) *result = before;
    for (size_t i = 0; i < count; i++) text_free(&work.accounts[i].body);
    arena_free(work.arena);
    return err;
}
