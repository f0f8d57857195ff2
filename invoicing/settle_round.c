// SPDX-License-Identifier: Apache-2.0
// A round of settlement: which (account, period) pairs a new cut touches, and settling them in chunks.
#include <stdlib.h>
#include <string.h>

#include "catalogue/contract_commitment.h"
#include "catalogue/contract_limit.h"
#include "common/array.h"
#include "invoicing/settle.h"
#include "rating/fee.h"

struct touched {
    const struct catalogue *catalogue;
    struct arena *arena;
    struct billing_period *periods;
    size_t count, capacity;
    struct fault *fault;
};

// The payer's period at an instant, and the periods of the sellers above it. An account without an agreement then is skipped:
// it cannot be billed, and apply does not let that happen for tenants with an account.
static void touch_account(struct touched *touched, int64_t account, instant_us instant)
{
    for (int level = 0; account && level < 8; level++) {
        struct billing_period period;
        if (period_of(touched->catalogue, account, instant, &period, NULL)) return;
        touched->periods = arena_grow(touched->arena, touched->periods, sizeof period, touched->count, &touched->capacity);
        touched->periods[touched->count++] = period;
        account = period.agreement->seller->account;
    }
}

// Every period of the account between two instants, both included.
static void touch_span(struct touched *touched, int64_t account, instant_us first, instant_us last)
{
    for (instant_us at = first; at < last; at += 27 * DAY_US) touch_account(touched, account, at); // no month is shorter
    if (first <= last) touch_account(touched, account, last);
}

// Every period of the tenant's payers between two instants, both included, however short a membership was.
static void touch_tenant(struct touched *touched, int64_t tenant, instant_us from, instant_us to)
{
    size_t count;
    const struct membership *memberships = catalogue_memberships(touched->catalogue, tenant, &count);
    for (size_t i = 0; i < count; i++) {
        const struct membership *member = &memberships[i];
        instant_us first = from > member->effective_from ? from : member->effective_from;
        instant_us last = to < member->effective_to ? to : member->effective_to - 1;
        touch_span(touched, member->account, first, last);
    }
}

static void drop_repeats(struct touched *touched)
{
    size_t kept = 0;
    if (touched->count) qsort(touched->periods, touched->count, sizeof *touched->periods, period_order);
    for (size_t i = 0; i < touched->count; i++)
        if (!kept || period_order(&touched->periods[kept - 1], &touched->periods[i]) != 0) touched->periods[kept++] = touched->periods[i];
    touched->count = kept;
}

static enum err touch_rows(struct db *db, const char *sql, const char *const *values, struct touched *touched)
{
    struct db_result *result;
    enum err err = db_query(db, sql, 2, values, &result, touched->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++)
        touch_tenant(touched, db_get_int(result, row, 0), db_get_instant(result, row, 1), db_get_instant(result, row, 2));
    db_result_free(result);
    return ERR_OK;
}

// Days with new deltas: of one payer, a day touches at most the periods of its first and last slot. The hours keep it from reading
// older rows.
static const char delta_sql[] =
    "with moved as materialized (select * from rating.vector_between($1, $2))"
    " select d.tenant, min(d.slot), max(d.slot) from rating.usage_delta d"
    "  join moved m on m.incarnation = d.incarnation and m.partition = d.partition and d.batch_seq > m.from_seq and d.batch_seq <= m.to_seq"
    " where d.received_hour >= (select min(first_received) from moved) and d.received_hour <= (select max(last_received) from moved)"
    " group by d.tenant, date_bin('1 day', d.slot, timestamptz 'epoch')";
// Resources that ran since the old cut's end: those that run at the new cut, and those whose last transition was above the
// old cut's end, so that what ran up to it was not settled yet. And new transitions, from their time on.
static const char transition_sql[] =
    "with last as (select distinct on (t.tenant, t.meter, t.resource) t.tenant, t.running, t.event_time, n.cut_end,"
    "         case when isfinite(o.cut_end) then o.cut_end else t.event_time end as since"
    "  from rating.transition t"
    "  join rating.cut_partition n on n.cut = $2 and n.incarnation = t.incarnation and n.partition = t.partition and t.batch_seq <= n.batch_seq"
    "  left join rating.cut_partition o on o.cut = $1 and o.incarnation = t.incarnation and o.partition = t.partition"
    " order by t.tenant, t.meter, t.resource, t.event_time desc, t.running desc),"
    " late as (select t.tenant, min(t.event_time) as first, max(n.cut_end) as cut_end from rating.transition t"
    "  join rating.cut_partition n on n.cut = $2 and n.incarnation = t.incarnation and n.partition = t.partition and t.batch_seq <= n.batch_seq"
    "  left join rating.cut_partition o on o.cut = $1 and o.incarnation = t.incarnation and o.partition = t.partition"
    " where t.batch_seq > coalesce(o.batch_seq, 0) group by t.tenant)"
    " select tenant, min(since), max(cut_end) from last where (running or event_time > since) and cut_end > since group by tenant"
    " union all select tenant, first, greatest(first, cut_end) from late where isfinite(cut_end)"
    " union all select tenant, first, first from late where not isfinite(cut_end)";

// Of what was touched from `first` on, keeps what has no position with a cut yet.
static enum err drop_settled(struct db *db, size_t first, struct touched *touched)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    struct db_result *result;
    for (size_t i = first; i < touched->count; i++) {
        array_add_int(&agreements, touched->periods[i].agreement->number);
        array_add_int(&accounts, touched->periods[i].account);
        array_add_instant(&starts, touched->periods[i].start);
    }
    const char *const values[] = {array_end(&agreements, touched->arena), array_end(&accounts, touched->arena), array_end(&starts, touched->arena)};
    if (first == touched->count) return ERR_OK;
    enum err err = db_query(db,
        "select exists (select from invoicing.position p where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start and p.cut > 0)"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) with ordinality as k (agreement, account, period_start, place) order by k.place",
        3, values, &result, touched->fault);
    if (err) return err;
    size_t kept = first;
    for (int row = 0; row < db_rows(result); row++)
        if (!db_get_bool(result, row, 0)) touched->periods[kept++] = touched->periods[first + (size_t)row];
    touched->count = kept;
    db_result_free(result);
    return ERR_OK;
}

static enum err touch_recomputes(struct db *db, struct touched *touched)
{
    struct db_result *result;
    enum err err = db_query(db, "select account, period_start from invoicing.recompute", 0, NULL, &result, touched->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) touch_account(touched, db_get_int(result, row, 0), db_get_instant(result, row, 1));
    db_result_free(result);
    return ERR_OK;
}

// Periods of terms with commitments that have begun by the due instant and were not settled yet: their fees are due also without usage.
static enum err touch_committed(struct db *db, instant_us due, struct touched *touched)
{
    size_t count, first = touched->count;
    const struct agreement *const *committed = catalogue_committed(touched->catalogue, &count);
    for (size_t i = 0; i < count; i++) {
        instant_us from, to;
        contract_committed_time(committed[i]->contract, &from, &to);
        if (from < committed[i]->effective_from) from = committed[i]->effective_from;
        if (to > committed[i]->effective_to) to = committed[i]->effective_to;
        touch_span(touched, committed[i]->account->number, from, (to < due ? to : due) - 1);
    }
    return drop_settled(db, first, touched);
}

// Periods that ended since the last round's due instant: what is missing to a minimum of the terms is due, whether they were settled before
// or not.
static void touch_minimum(struct touched *touched, const struct agreement *terms, instant_us since, instant_us due)
{
    struct billing_period now;
    instant_us from, to;
    contract_minimum_time(terms->contract, &from, &to);
    if (from > to || period_of(touched->catalogue, terms->account->number, due, &now, NULL)) return;
    if (from < terms->effective_from) from = terms->effective_from;
    if (to > terms->effective_to) to = terms->effective_to;
    if (since != INSTANT_NONE && since > from) from = since;
    if (from - 31 * DAY_US < to) touch_span(touched, terms->account->number, from, now.start - 1); // a period may end after its limit
}

static void touch_minimums(struct touched *touched, instant_us since, instant_us due)
{
    size_t count;
    const struct agreement *const *committed = catalogue_committed(touched->catalogue, &count);
    for (size_t i = 0; i < count; i++) touch_minimum(touched, committed[i], since, due);
}

// Among the first `count` pairs, which are sorted: the first one of the account that begins in [from, before).
static bool first_touched(const struct touched *touched, size_t count, int64_t account, instant_us from, instant_us before, instant_us *start)
{
    const struct billing_period first = {.account = account, .start = from};
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (period_order(&touched->periods[middle], &first) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == count || touched->periods[low].account != account || touched->periods[low].start >= before) return false;
    *start = touched->periods[low].start;
    return true;
}

// The last period of a term that has ended, if an earlier one of it is touched: F of it depends on these (docs/adr/0020).
static void touch_term(struct touched *touched, size_t sorted, const struct agreement *terms, const struct contract_limit *limit, instant_us due)
{
    struct billing_period last;
    instant_us first;
    if (!limit->term || period_of(touched->catalogue, terms->account->number, limit->to - 1, &last, NULL)) return;
    if (last.agreement != terms || last.end > due || !first_touched(touched, sorted, last.account, limit->from, last.start, &first)) return;
    touched->periods = arena_grow(touched->arena, touched->periods, sizeof last, touched->count, &touched->capacity);
    touched->periods[touched->count++] = last;
}

static void touch_terms(struct touched *touched, instant_us due)
{
    size_t count;
    const struct agreement *const *committed = catalogue_committed(touched->catalogue, &count);
    drop_repeats(touched); // in order
    size_t sorted = touched->count;
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; l < committed[i]->contract->limit_count; l++)
            touch_term(touched, sorted, committed[i], &committed[i]->contract->limits[l], due);
}

// What is held through several periods was used by the earlier ones: where one of these is touched, so are those that
// follow, up to the end of what the account holds so (docs/adr/0020).
static void touch_lasting(struct touched *touched, instant_us due)
{
    size_t count;
    const struct holding *holdings = catalogue_all_holdings(touched->catalogue, &count);
    drop_repeats(touched); // in order
    size_t sorted = touched->count;
    for (size_t i = 0, next; i < count; i = next) {
        instant_us from = INSTANT_MAX, to = INSTANT_MIN, first;
        for (next = i; next < count && holdings[next].account == holdings[i].account; next++) {
            if (!offer_lasts(holdings[next].offer)) continue;
            if (holdings[next].from < from) from = holdings[next].from;
            if (holdings[next].to > to) to = holdings[next].to;
        }
        if (to > due) to = due;
        if (from < to && first_touched(touched, sorted, holdings[i].account, from - 32 * DAY_US, to, &first))
            touch_span(touched, holdings[i].account, first > from ? first : from, to - 1);
    }
}

// Accounts that hold something, in every period that a new due instant is in or passed: from the last round's due instant on, or, of what is
// new since then, from where it begins.
static void touch_holding(struct touched *touched, const struct holding *holding, instant_us since, instant_us due, bool new)
{
    instant_us from = new || since < holding->from ? holding->from : since;
    instant_us end = fee_holding_end(touched->catalogue, holding), last = end < due ? end - 1 : due - 1;
    if (!new && since >= end) return; // it ended, and that was settled
    touch_span(touched, holding->account, from, last);
}

static void touch_holdings(struct touched *touched, int64_t version, instant_us since, instant_us due)
{
    size_t count;
    const struct holding *holdings = catalogue_all_holdings(touched->catalogue, &count);
    for (size_t i = 0; i < count; i++)
        touch_holding(touched, &holdings[i], since, due, since == INSTANT_NONE || holdings[i].version > version);
}

// What is due by itself, without usage.
static enum err touch_due(struct db *db, int64_t before, int64_t version, int64_t cut, struct touched *touched)
{
    size_t holdings, committed;
    instant_us since = INSTANT_NONE, due = INSTANT_NONE;
    (void)catalogue_all_holdings(touched->catalogue, &holdings);
    (void)catalogue_committed(touched->catalogue, &committed);
    if (!holdings && !committed) return ERR_OK;
    enum err err = usage_due(db, USAGE_READER_BILL, cut, &due, touched->fault);
    if (!err && before) err = usage_due(db, USAGE_READER_BILL, before, &since, touched->fault);
    if (err || due == INSTANT_NONE) return err;
    touch_holdings(touched, version, since, due);
    touch_minimums(touched, since, due);
    err = touch_committed(db, due, touched);
    if (err) return err;
    touch_lasting(touched, due);
    touch_terms(touched, due);
    return ERR_OK;
}

enum err settle_touched(struct db *db, const struct catalogue *catalogue, int64_t cut, struct arena *arena, struct billing_period **periods, size_t *count,
                        struct fault *fault)
{
    struct touched touched = {.catalogue = catalogue, .arena = arena, .fault = fault};
    struct db_result *result;
    const char *values[] = {NULL, db_int(arena, cut)};
    enum err err = db_query(db, "select coalesce(max(cut), 0), coalesce(max(catalogue_version), 0) from invoicing.settle_round where cut < $1", 1, &values[1], &result, fault);
    if (err) return err;
    int64_t before = db_get_int(result, 0, 0), version = db_get_int(result, 0, 1);
    values[0] = db_int(arena, before);
    db_result_free(result);
    err = touch_rows(db, delta_sql, values, &touched);
    if (!err) err = touch_rows(db, transition_sql, values, &touched);
    if (!err) err = touch_recomputes(db, &touched);
    if (!err) err = touch_due(db, before, version, cut, &touched);
    drop_repeats(&touched);
    *periods = touched.periods;
    *count = touched.count;
    return err;
}

enum err settle_take_cut(struct db *db, int64_t *cut, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_begin(db, fault);
    if (!err) err = db_query(db, "select rating.take_cut()", 0, NULL, &result, fault);
    if (err) {
        db_rollback(db);
        return err;
    }
    *cut = db_get_int(result, 0, 0);
    db_result_free(result);
    return db_commit(db, fault); // an unknown outcome is harmless: the next call takes another cut
}

enum err settle_queue_account(struct db *db, const struct catalogue *catalogue, int64_t account, struct fault *fault)
{
    struct arena *arena = arena_new(256);
    const char *const values[] = {db_int(arena, account), db_int(arena, catalogue_version(catalogue))};
    int64_t queued = 0;
    enum err err = db_exec(db,
                           "insert into invoicing.recompute (agreement, account, period_start, catalogue_version)"
                           " select p.agreement, p.account, p.period_start, $2::bigint from invoicing.position p"
                           "  where p.account = $1 and p.cut > 0"
                           "     on conflict (agreement, account, period_start) do nothing",
                           2, values, &queued, fault);
    if (!err && !queued) err = fault_set(fault, ERR_NOT_FOUND, "", "nothing of that account was settled yet, or it is queued already");
    arena_free(arena);
    return err;
}

static enum err record_round(struct db *db, const struct catalogue *catalogue, const struct settle_result *result, struct arena *arena, struct fault *fault)
{
    const char *const values[] = {db_int(arena, result->cut), db_int(arena, catalogue_version(catalogue)),
                                  db_int(arena, (int64_t)(result->periods + result->skipped)), db_int(arena, (int64_t)result->changed)};
    return db_exec(db, "insert into invoicing.settle_round (cut, catalogue_version, periods, changed) values ($1, $2, $3, $4) on conflict do nothing",
                   4, values, NULL, fault);
}

enum err settle_round(struct db *db, const struct catalogue *catalogue, size_t chunk, settle_progress *progress, void *context,
                      struct settle_result *result, struct fault *fault)
{
    struct arena *arena = arena_new(1 << 20);
    struct billing_period *periods;
    size_t count = 0;
    int64_t newest = 0;
    *result = (struct settle_result){0};
    enum err err = settle_take_cut(db, &result->cut, fault);
    if (!err) err = catalogue_newest(db, &newest, fault);
    if (!err) err = settle_touched(db, catalogue, result->cut, arena, &periods, &count, fault);
    for (size_t done = 0; done < count && !err; done += chunk) {
        size_t next = count - done < chunk ? count - done : chunk;
        err = settle_chunk(db, catalogue, result->cut, periods + done, next, result, fault);
        if (!err && progress) progress(context, done + next, count);
    }
    // a catalogue that is not ours may have put tenants below the cut that we do not know: the next round looks again
    bool complete = !result->behind && newest == catalogue_version(catalogue);
    if (!err && complete) err = record_round(db, catalogue, result, arena, fault);
    arena_free(arena);
    return err;
}
