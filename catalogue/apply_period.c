// SPDX-License-Identifier: Apache-2.0
// Reads the rows of invoicing.period, what was ever counted and what closed periods were billed for, and writes
// invoicing.recompute.
#include "catalogue/apply_member.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

enum { FETCH_ROWS = 20000, QUEUE_ROWS = 10000, CLOSED_ROWS = 50000 };
#define FETCH_SQL "fetch 20000 from apply_period"
_Static_assert(FETCH_ROWS == 20000, "the statement says it");

struct refusal {
    const struct plan_effect *effect;
    size_t closed; // index
};

struct finder {
    struct db *db;
    const struct plan *plan;
    struct touch touch;
    struct apply_period_list *queued;
    struct apply_period_list closed; // touched, to be judged
    const char **labels;             // parallel to closed
    size_t label_capacity;
    const struct yaml_node *zone_told; // the change of zone that was refused last
    struct refusal *refusals;          // closed periods that would be billed otherwise: the first of each change
    size_t refusal_count, refusal_capacity;
    instant_us refused_end; // of the last such period
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
    file_conflict(
        finder->plan->errors, effect->node,
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
    if (moved || !touch_find(&finder->touch, &period, NULL)) return;
    if (strcmp(db_text(result, row, 4), "open") == 0) {
        add_period(finder->queued, period);
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
                                         "       or exists (select from rating.usage_day g where g.meter = m.meter)\n"
                                         "       or exists (select from rating.transition t where t.meter = m.meter)\n"
                                         "  from unnest($1::integer[]) as m (meter)";
static const char counted_tenants_sql[] =
    "select t.tenant,\n"
    "       exists (select from rating.usage_delta d where d.tenant = t.tenant)\n"
    "       or exists (select from rating.usage_day g where g.tenant = t.tenant)\n"
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

// Closed periods with the price effects that would bill them otherwise, by the places of both. That is so for a charge
// of the effect's meter (0: of any) by a price in force at some instant of the effect; under shared prices, and
// where a value stands for a day or a period, every instant weighs on the others. It is also so if nobody could have
// charged the usage: no SKU of the meter was there when the period was closed. Whatever else has no price came late, as
// a close refuses an account without one.
static const char billed_sql[] =
    "with period as (select k.place, p.agreement, p.account, p.period_start, p.closed_time\n"
    "                  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) with ordinality\n"
    "                       as k (agreement, account, period_start, place)\n"
    "                  join invoicing.period p using (agreement, account, period_start)),\n"
    "     sold as (select s.sku, s.meter, min(c.applied_time) as since\n"
    "                from catalog.sku s join catalog.change c using (version) group by s.sku, s.meter),\n"
    "     meter as (select m.meter, bool_or(m.evaluation_window <> 'slot') as wide,\n"
    "                      (select min(s.since) from sold s where s.meter = m.meter) as since\n"
    "                 from catalog.meter m group by m.meter),\n"
    "     price as (select p.price, s.meter, p.model <> 'per_unit' or m.wide as whole, p.effective_from as first,\n"
    "                      least(p.effective_to, lead(p.effective_from) over (partition by p.price_book,\n"
    "                           p.sku, p.match order by p.effective_from)) as last\n"
    "                 from catalog.price p join sold s using (sku) join meter m using (meter)),\n"
    "     effect as (select e.*, case when e.meter = 0 then\n"
    "                               (select max(coalesce(m.since, 'infinity')) from meter m\n"
    "                                 where exists (select from rating.usage_delta d where d.meter = m.meter)\n"
    "                                    or exists (select from rating.usage_day g where g.meter = m.meter)\n"
    "                                    or exists (select from rating.transition t where t.meter = m.meter))\n"
    "                            else coalesce((select m.since from meter m where m.meter = e.meter), 'infinity')\n"
    "                            end as since\n"
    "                  from unnest($4::integer[], $5::timestamptz[], $6::timestamptz[]) with ordinality\n"
    "                       as e (meter, first, last, place)),\n"
    "     charged as (select distinct k.place, c.price\n"
    "                   from period k join invoicing.charge c using (agreement, account, period_start))\n"
    "select c.place - 1, e.place - 1\n"
    "  from charged c join price p using (price)\n"
    "  join effect e on e.meter in (0, p.meter)\n"
    "   and (p.whole or (p.first < e.last and coalesce(p.last, 'infinity') > e.first))\n"
    "union\n"
    "select k.place - 1, e.place - 1 from period k join effect e on e.since > coalesce(k.closed_time, '-infinity')\n"
    " order by 1, 2";

static void refuse(struct finder *finder, const struct plan_effect *effect, size_t index)
{
    const struct refusal *last = finder->refusal_count > 0 ? &finder->refusals[finder->refusal_count - 1] : NULL;
    instant_us end = finder->closed.periods[index].end;
    if (!last || end > finder->refused_end) finder->refused_end = end;
    if (last && last->effect->node == effect->node) return; // the next account of the same change says nothing new
    finder->refusals = arena_grow(finder->plan->arena, finder->refusals, sizeof *finder->refusals,
                                  finder->refusal_count, &finder->refusal_capacity);
    finder->refusals[finder->refusal_count++] = (struct refusal){effect, index};
}

static void tell_refusals(const struct finder *finder)
{
    for (size_t i = 0; i < finder->refusal_count; i++) {
        size_t index = finder->refusals[i].closed;
        const struct billing_account *account =
            catalogue_account_number(finder->touch.catalogue, finder->closed.periods[index].account);
        file_conflict(finder->plan->errors, finder->refusals[i].effect->node,
                      "it would price anew the period %s of account %s, which is closed: let it begin at %s or later",
                      finder->labels[index], account ? account->id : "?",
                      plan_instant(finder->plan, finder->refused_end));
    }
}

// Refused, or queued like an open one if anything was counted: settlement posts what has a price now, and the account's
// next close bills it.
static void judge_closed(struct finder *finder, size_t index, const bool *billed)
{
    const struct touch_period *period = &finder->closed.periods[index];
    const struct plan_effect *effect = touch_find(&finder->touch, period, billed);
    const struct plan_effect *rate = touch_find_rate(&finder->touch, period);
    if (!effect && rate && !rate->first) effect = rate;
    if (effect)
        refuse(finder, effect, index);
    else if (rate || touch_find(&finder->touch, period, finder->touch.price_counted))
        add_period(finder->queued, *period);
}

static enum err judge_piece(struct finder *finder, size_t first, size_t count, bool *billed)
{
    const struct touch *touch = &finder->touch;
    struct arena *arena = finder->plan->arena;
    struct array agreements = {0}, accounts = {0}, starts = {0}, meters = {0}, from = {0}, to = {0};
    struct db_result *result = NULL;
    for (size_t i = first; i < first + count; i++) {
        array_add_int(&agreements, finder->closed.periods[i].agreement);
        array_add_int(&accounts, finder->closed.periods[i].account);
        array_add_instant(&starts, finder->closed.periods[i].start);
    }
    for (size_t i = 0; i < touch->price_count; i++) {
        array_add_int(&meters, touch->prices[i].meter);
        array_add_instant(&from, touch->prices[i].from);
        array_add_instant(&to, touch->prices[i].to);
    }
    const char *const values[] = {array_end(&agreements, arena), array_end(&accounts, arena), array_end(&starts, arena),
                                  array_end(&meters, arena),     array_end(&from, arena),     array_end(&to, arena)};
    enum err err = db_query(finder->db, billed_sql, 6, values, &result, finder->fault);
    if (err) return err;
    for (size_t i = 0, row = 0, rows = (size_t)db_rows(result); i < count; i++) {
        memset(billed, false, touch->price_count);
        for (; row < rows && db_get_int(result, (int)row, 0) == (int64_t)i; row++) {
            size_t effect = (size_t)db_get_int(result, (int)row, 1);
            billed[effect] = touch->price_counted[effect];
        }
        judge_closed(finder, first + i, billed);
    }
    db_result_free(result);
    return ERR_OK;
}

static enum err judge_all_closed(struct finder *finder)
{
    struct touch *touch = &finder->touch;
    bool *billed = ARENA_ARRAY(finder->plan->arena, bool, touch->price_count + 1);
    enum err err =
        ask_counted(finder, counted_meters_sql, touch->prices, touch->price_counted, touch->price_count, true);
    if (!err)
        err = ask_counted(finder, counted_tenants_sql, touch->accounts, touch->account_counted, touch->account_count,
                          false);
    for (size_t first = 0; first < finder->closed.count && !err; first += CLOSED_ROWS) {
        size_t count = finder->closed.count - first < CLOSED_ROWS ? finder->closed.count - first : CLOSED_ROWS;
        err = judge_piece(finder, first, count, billed);
    }
    if (!err) tell_refusals(finder);
    return err ? err : file_errors_result(finder->plan->errors);
}

enum err apply_period_find(struct db *db, const struct plan *plan, const struct catalogue *catalogue,
                           struct apply_period_list *list, struct fault *fault)
{
    struct finder finder = {.db = db, .plan = plan, .queued = list, .closed.arena = plan->arena, .fault = fault};
    instant_us from = INSTANT_MAX;
    if (plan->effect_count == 0) return ERR_OK;
    for (size_t i = 0; i < plan->effect_count; i++)
        if (plan->effects[i].from < from) from = plan->effects[i].from;
    touch_prepare(&finder.touch, plan->arena, catalogue, plan->effects, plan->effect_count);
    enum err err = read_periods(&finder, from);
    if (!err) err = file_errors_result(plan->errors);
    if (!err && finder.closed.count > 0) err = judge_all_closed(&finder);
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
