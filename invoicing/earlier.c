// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "invoicing/earlier.h"

#include "common/array.h"

// When the first term begins that ends in the period; false: none does.
static bool term_begin(const struct billing_period *period, instant_us *since)
{
    const struct contract *contract = period->agreement->contract;
    *since = INSTANT_MAX;
    for (size_t i = 0; i < contract->limit_count; i++)
        if (contract_term_ends(&contract->limits[i], period->start, period->end) && contract->limits[i].from < *since)
            *since = contract->limits[i].from;
    return *since != INSTANT_MAX;
}

static const char earlier_sql[] =
    "select k.account, k.period_start, p.period_start, c.sku, sum(c.billed_cost)"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])"
    "         as k (agreement, account, period_start, since)"
    "  join invoicing.position p on p.agreement = k.agreement and p.account = k.account and p.period_start >= k.since"
    "   and p.period_start < k.period_start"
    " cross join lateral invoicing.charge_to_date(array[p.agreement], array[p.account], array[p.period_start]) c"
    " where c.stage <> 16"
    " group by k.account, k.period_start, p.period_start, c.sku";
_Static_assert(STAGE_TRUE_UP == 16, "the statement says it");

enum err earlier_load(struct db *db, const struct billing_period *const *periods, size_t count, struct arena *arena,
                      struct earlier *earlier, struct fault *fault)
{
    struct array agreements = {0}, accounts = {0}, starts = {0}, begins = {0};
    struct db_result *result;
    size_t wanted = 0;
    *earlier = (struct earlier){0};
    for (size_t i = 0; i < count; i++) {
        instant_us since;
        if (!term_begin(periods[i], &since)) continue;
        array_add_int(&agreements, periods[i]->agreement->number);
        array_add_int(&accounts, periods[i]->account);
        array_add_instant(&starts, periods[i]->start);
        array_add_instant(&begins, since);
        wanted++;
    }
    const char *const values[] = {array_end(&agreements, arena), array_end(&accounts, arena), array_end(&starts, arena),
                                  array_end(&begins, arena)};
    if (!wanted) return ERR_OK;
    enum err err = db_query(db, earlier_sql, 4, values, &result, fault);
    if (err) return err;
    struct earlier_row *rows = ARENA_ARRAY(arena, struct earlier_row, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++)
        rows[row] = (struct earlier_row){db_get_int(result, row, 0), db_get_instant(result, row, 1),
                                         db_get_instant(result, row, 2), (int32_t)db_get_int(result, row, 3),
                                         {db_get_decimal(result, row, 4, AMOUNT_PLACES)}};
    *earlier = (struct earlier){rows, (size_t)db_rows(result)};
    db_result_free(result);
    return ERR_OK;
}

struct amount *earlier_sums(const struct billing_period *period, struct arena *arena)
{
    instant_us since;
    return term_begin(period, &since) ? ARENA_ARRAY(arena, struct amount, period->agreement->contract->limit_count) : NULL;
}

enum err earlier_add(const struct catalogue *catalogue, const struct billing_period *period, instant_us start,
                     int32_t sku, enum charge_stage stage, struct amount billed, struct amount *sums)
{
    const struct contract *contract = period->agreement->contract;
    const struct sku *sold = catalogue_sku_number(catalogue, sku);
    enum err err = ERR_OK;
    for (size_t i = 0; i < contract->limit_count && !err; i++) {
        const struct contract_limit *limit = &contract->limits[i];
        if (contract_term_ends(limit, period->start, period->end) && start >= limit->from &&
            charge_counts_for_term(limit, sold, stage))
            err = amount_add(sums[i], billed, &sums[i]);
    }
    return err;
}

enum err earlier_add_rated(const struct catalogue *catalogue, const struct billing_period *period, instant_us start,
                           const struct rated *rated, struct amount *sums)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < rated->charge_count && !err; i++) {
        const struct charge *charge = &rated->charges[i];
        err = earlier_add(catalogue, period, start, charge->sku, charge->stage, charge->billed_cost, sums);
    }
    return err;
}
