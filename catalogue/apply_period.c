// SPDX-License-Identifier: Apache-2.0
// Reads the rows of invoicing.period and what was ever counted, and writes invoicing.recompute.
#include "catalogue/apply_member.h"

#include <stdlib.h>
#include <string.h>

enum { FETCH_ROWS = 20000, QUEUE_ROWS = 10000 };
#define FETCH_SQL "fetch 20000 from apply_period"
_Static_assert(FETCH_ROWS == 20000, "the statement says it");

struct finder {
    struct db *db;
    const struct plan *plan;
    struct touch touch;
    struct apply_period_list *open;
    struct apply_period_list closed; // touched, should something have been counted
    const char **labels;             // parallel to closed
    size_t label_capacity;
    const struct yaml_node *zone_told; // the change of zone that was refused last
    struct fault *fault;
};

static void add_period(struct apply_period_list *list, struct touch_period period)
{
    list->periods = arena_grow(list->arena, list->periods, sizeof *list->periods, list->count, &list->capacity);
    list->periods[list->count++] = period;
}

// Periods in use keep their instants, open ones too: documents and charges are kept by them.
static void refuse_zone(struct finder *finder, const struct plan_effect *effect, const struct touch_period *period,
                        const char *label)
{
    const struct billing_account *account = catalogue_account_number(finder->touch.catalogue, period->account);
    if (effect->node == finder->zone_told) return;
    finder->zone_told = effect->node;
    file_conflict(finder->plan->errors, effect->node,
                  "it would move the bounds of period %s of account %s, which is in use: let the new zone begin later, where"
                  " a period begins in both zones, or make a new account",
                  label, account ? account->id : "?");
}

static void take_row(struct finder *finder, const struct db_result *result, int row)
{
    struct touch_period period = {db_get_int(result, row, 0), db_get_int(result, row, 1),
                                  db_get_instant(result, row, 2), db_get_instant(result, row, 3)};
    const struct plan_effect *moved = touch_find_zone(&finder->touch, &period);
    if (moved) refuse_zone(finder, moved, &period, db_text(result, row, 5));
    if (moved || !touch_find(&finder->touch, &period, false)) return;
    if (strcmp(db_text(result, row, 4), "open") == 0) {
        add_period(finder->open, period);
        return;
    }
    finder->labels = arena_grow(finder->plan->arena, finder->labels, sizeof *finder->labels, finder->closed.count,
                                &finder->label_capacity);
    finder->labels[finder->closed.count] =
        arena_text(finder->plan->arena, db_text(result, row, 5), db_length(result, row, 5));
    add_period(&finder->closed, period);
}

static enum err read_periods(struct finder *finder, instant_us from)
{
    static const char declare[] = "declare apply_period no scroll cursor for\n"
                                  "select agreement, account, period_start, period_end, state, label\n"
                                  "  from invoicing.period\n"
                                  " where period_end > $1\n"
                                  " order by account, period_start, agreement";
    const char *values[] = {from == INSTANT_MIN ? "-infinity" : db_instant(finder->plan->arena, from)};
    struct db_result *result = NULL;
    bool done = false;
    enum err err = db_exec(finder->db, declare, 1, values, NULL, finder->fault);
    while (!err && !done) {
        err = db_query(finder->db, FETCH_SQL, 0, NULL, &result, finder->fault);
        if (err) break;
        for (int row = 0; row < db_rows(result); row++)
            take_row(finder, result, row);
        done = db_rows(result) < FETCH_ROWS;
        db_result_free(result);
    }
    if (!err) err = db_exec(finder->db, "close apply_period", 0, NULL, NULL, finder->fault);
    return err;
}

// --- was anything counted?

static const char counted_meters_sql[] = "select m.meter,\n"
                                         "       exists (select from rating.usage_delta d where d.meter = m.meter)\n"
                                         "       or exists (select from rating.transition t where t.meter = m.meter)\n"
                                         "  from unnest($1::integer[]) as m (meter)";
static const char counted_tenants_sql[] =
    "select t.tenant,\n"
    "       exists (select from rating.usage_delta d where d.tenant = t.tenant)\n"
    "       or exists (select from rating.transition r where r.tenant = t.tenant)\n"
    "  from unnest($1::bigint[]) as t (tenant)";

static enum err ask_counted(struct finder *finder, const char *sql, struct plan_effect *effects, bool *counted,
                            size_t count, bool by_meter)
{
    struct text numbers = {0};
    struct db_result *result = NULL;
    if (count == 0) return ERR_OK;
    for (size_t i = 0; i < count; i++)
        text_print(&numbers, "%s%lld", i > 0 ? "," : "{", (long long)(by_meter ? effects[i].meter : effects[i].tenant));
    text_add_char(&numbers, '}');
    const char *values[] = {numbers.data};
    enum err err = db_query(finder->db, sql, 1, values, &result, finder->fault);
    // meter 0 is every meter, tenant 0 is a change of terms: both concern whatever there is
    for (size_t i = 0; !err && i < count; i++) {
        ENSURE((size_t)db_rows(result) == count);
        counted[i] = db_get_bool(result, (int)i, 1) || db_get_int(result, (int)i, 0) == 0;
    }
    db_result_free(result);
    text_free(&numbers);
    return err;
}

// --- closed periods

static instant_us last_end(const struct finder *finder)
{
    instant_us end = INSTANT_MIN;
    for (size_t i = 0; i < finder->closed.count; i++)
        if (finder->closed.periods[i].end > end) end = finder->closed.periods[i].end;
    return end;
}

static enum err refuse_closed(struct finder *finder)
{
    const struct plan *plan = finder->plan;
    struct touch *touch = &finder->touch;
    const struct yaml_node *told = NULL;
    enum err err =
        ask_counted(finder, counted_meters_sql, touch->prices, touch->price_counted, touch->price_count, true);
    if (!err)
        err = ask_counted(finder, counted_tenants_sql, touch->accounts, touch->account_counted, touch->account_count,
                          false);
    if (err) return err;
    for (size_t i = 0; i < finder->closed.count; i++) {
        const struct touch_period *period = &finder->closed.periods[i];
        const struct plan_effect *effect = touch_find(touch, period, true);
        if (!effect || effect->node == told) continue; // the next account of the same change says nothing new
        told = effect->node;
        const struct billing_account *account = catalogue_account_number(touch->catalogue, period->account);
        file_conflict(plan->errors, told,
                      "it would price anew the period %s of account %s, which is closed: let it begin at %s or later",
                      finder->labels[i], account ? account->id : "?", plan_instant(plan, last_end(finder)));
    }
    return file_errors_result(plan->errors);
}

enum err apply_period_find(struct db *db, const struct plan *plan, const struct catalogue *catalogue,
                           struct apply_period_list *list, struct fault *fault)
{
    struct finder finder = {.db = db, .plan = plan, .open = list, .closed.arena = plan->arena, .fault = fault};
    instant_us from = INSTANT_MAX;
    if (plan->effect_count == 0) return ERR_OK;
    for (size_t i = 0; i < plan->effect_count; i++)
        if (plan->effects[i].from < from) from = plan->effects[i].from;
    touch_prepare(&finder.touch, plan->arena, catalogue, plan->effects, plan->effect_count);
    enum err err = read_periods(&finder, from);
    if (!err) err = file_errors_result(plan->errors);
    if (!err && finder.closed.count > 0) err = refuse_closed(&finder);
    if (!err) err = apply_member_find(db, plan, &finder.touch, list, fault);
    return err;
}

// --- queueing

static const char queue_sql[] =
    "insert into invoicing.recompute (agreement, account, period_start, catalogue_version)\n"
    "select p.agreement, p.account, p.period_start, $4\n"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as p (agreement, account, period_start)\n"
    "    on conflict (agreement, account, period_start) do update\n"
    "   set catalogue_version = greatest(recompute.catalogue_version, excluded.catalogue_version),\n"
    "       queued_time = excluded.queued_time";

static enum err queue_piece(struct db *db, int64_t version, const struct touch_period *periods, size_t count,
                            struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct text agreements = {0}, accounts = {0}, starts = {0};
    for (size_t i = 0; i < count; i++) {
        const char *begin = i > 0 ? "," : "{";
        text_print(&agreements, "%s%lld", begin, (long long)periods[i].agreement);
        text_print(&accounts, "%s%lld", begin, (long long)periods[i].account);
        text_print(&starts, "%s%s", begin, db_instant(arena, periods[i].start));
    }
    text_add_char(&agreements, '}');
    text_add_char(&accounts, '}');
    text_add_char(&starts, '}');
    const char *values[] = {agreements.data, accounts.data, starts.data, db_int(arena, version)};
    enum err err = db_exec(db, queue_sql, 4, values, NULL, fault);
    text_free(&agreements);
    text_free(&accounts);
    text_free(&starts);
    arena_free(arena);
    return err;
}

enum err apply_period_queue(struct db *db, int64_t version, const struct apply_period_list *list, struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t first = 0; first < list->count && !err; first += QUEUE_ROWS) {
        size_t count = list->count - first < QUEUE_ROWS ? list->count - first : QUEUE_ROWS;
        err = queue_piece(db, version, &list->periods[first], count, fault);
    }
    return err;
}
