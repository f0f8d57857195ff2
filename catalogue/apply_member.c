// SPDX-License-Identifier: Apache-2.0
// From memberships that change for the past, and the first usage of their tenants, to billing periods: the months of
// the account's zone. Those with a row of their own are apply_period.c's affair.
#include "catalogue/apply_member.h"

#include <stdlib.h>

#include "catalogue/catalogue_internal.h"
#include "common/array.h"

// First slot or transition of each tenant, in the order of the array; null: nothing was counted.
static const char first_usage_sql[] = "select least((select min(d.slot) from rating.usage_delta d where d.tenant = t.tenant),\n"
                                      "             (select min(g.day + g.minute[1] * interval '1 minute')\n"
                                      "                from rating.usage_day g where g.tenant = t.tenant),\n"
                                      "             (select min(r.event_time) from rating.transition r where r.tenant = t.tenant))\n"
                                      "  from unnest($1::bigint[]) with ordinality as t (tenant, place)\n"
                                      " order by t.place";
static const char missing_sql[] =
    "select k.place - 1\n"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) with ordinality as k (agreement, account, period_start, place)\n"
    " where not exists (select from invoicing.period p\n"
    "                    where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start)\n"
    " order by k.place";

static void add(struct apply_period_list *list, const struct touch_period *period)
{
    list->periods = arena_grow(list->arena, list->periods, sizeof *period, list->count, &list->capacity);
    list->periods[list->count++] = *period;
}

// The months of the effect's account with usage of its tenant, of which the first is at `first`. A change of terms is on
// a bound of periods, so the terms at any instant of a month are those of its start.
static void add_months(const struct touch *touch, const struct plan_effect *effect, instant_us first, instant_us end,
                       struct apply_period_list *list)
{
    instant_us at = effect->from > first ? effect->from : first;
    if (effect->to < end) end = effect->to;
    while (at < end) {
        int year, month;
        struct touch_period period = {.account = effect->account};
        const struct agreement *terms = catalogue_agreement(touch->catalogue, effect->account, at);
        if (!terms) return;
        period.agreement = terms->number;
        zone_month_of(terms->zone, at, &year, &month);
        zone_month(terms->zone, year, month, &period.start, &period.end);
        add(list, &period);
        at = period.end;
    }
}

static int compare_periods(const void *a, const void *b)
{
    const struct touch_period *x = a, *y = b;
    return x->account != y->account ? COMPARE(x->account, y->account) : COMPARE(x->start, y->start);
}

static void drop_repeated(struct apply_period_list *list)
{
    size_t kept = 0;
    if (list->count > 0) qsort(list->periods, list->count, sizeof *list->periods, compare_periods);
    for (size_t i = 0; i < list->count; i++)
        if (kept == 0 || compare_periods(&list->periods[kept - 1], &list->periods[i]) != 0)
            list->periods[kept++] = list->periods[i];
    list->count = kept;
}

static enum err find_months(struct db *db, const struct plan *plan, const struct touch *touch,
                            struct apply_period_list *found, struct fault *fault)
{
    struct array tenants = {0};
    struct db_result *result = NULL;
    for (size_t i = 0; i < touch->account_count; i++)
        array_add_int(&tenants, touch->accounts[i].tenant);
    const char *const values[] = {array_end(&tenants, plan->arena)};
    enum err err = db_query(db, first_usage_sql, 1, values, &result, fault);
    if (err) return err;
    ENSURE((size_t)db_rows(result) == touch->account_count);
    for (size_t i = 0; i < touch->account_count; i++) {
        const struct plan_effect *effect = &touch->accounts[i];
        if (effect->kind != EFFECT_MEMBER || db_is_null(result, (int)i, 0)) continue;
        add_months(touch, effect, db_get_instant(result, (int)i, 0), plan->watermark + DAY_US, found); // the most future
    }
    db_result_free(result);
    drop_repeated(found);
    return ERR_OK;
}

enum err apply_member_find(struct db *db, const struct plan *plan, const struct touch *touch,
                           struct apply_period_list *list, struct fault *fault)
{
    struct apply_period_list found = {.arena = list->arena};
    struct array agreements = {0}, accounts = {0}, starts = {0};
    struct db_result *result = NULL;
    if (touch->account_count == 0 || plan->watermark == INSTANT_MIN) return ERR_OK;
    enum err err = find_months(db, plan, touch, &found, fault);
    if (err || found.count == 0) return err;
    for (size_t i = 0; i < found.count; i++) {
        array_add_int(&agreements, found.periods[i].agreement);
        array_add_int(&accounts, found.periods[i].account);
        array_add_instant(&starts, found.periods[i].start);
    }
    const char *const values[] = {array_end(&agreements, plan->arena), array_end(&accounts, plan->arena),
                                  array_end(&starts, plan->arena)};
    err = db_query(db, missing_sql, 3, values, &result, fault);
    for (int row = 0; !err && row < db_rows(result); row++)
        add(list, &found.periods[db_get_int(result, row, 0)]);
    db_result_free(result);
    return err;
}
