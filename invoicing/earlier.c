// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "invoicing/earlier.h"

#include "catalogue/contract_limit.h"
#include "common/array.h"

// Is it held in the period, and through others?
static bool lasts_in(const struct holding *holding, const struct billing_period *period)
{
    return offer_lasts(holding->offer) && holding->from < period->end && holding->to > period->start;
}

static bool term_ends(const struct billing_period *period)
{
    const struct contract *contract = period->agreement->contract;
    for (size_t i = 0; i < contract->limit_count; i++)
        if (contract_term_ends(&contract->limits[i], period->start, period->end)) return true;
    return false;
}

// Before what earlier periods, if they end later, cannot matter; INSTANT_MAX: none does.
static instant_us wanted_since(const struct catalogue *catalogue, const struct billing_period *period)
{
    const struct contract *contract = period->agreement->contract;
    const instant_us longest_period = 32 * DAY_US; // that of a holding's begin starts before it
    instant_us since = INSTANT_MAX;
    size_t held;
    const struct holding *holdings = catalogue_holdings(catalogue, period->account, &held);
    for (size_t i = 0; i < contract->limit_count; i++)
        if (contract_term_ends(&contract->limits[i], period->start, period->end) && contract->limits[i].from < since)
            since = contract->limits[i].from;
    for (size_t i = 0; i < held; i++)
        if (lasts_in(&holdings[i], period) && holdings[i].from - longest_period < since)
            since = holdings[i].from - longest_period;
    return since;
}

static const char bill_sql[] =
    "select account, wanted, agreement, period_start, sku, stage, holding, quantity, effective_cost, billed_cost"
    "  from invoicing.earlier_charge($1::bigint[], $2::timestamptz[], $3::timestamptz[])";
static const char api_sql[] =
    "select account, wanted, agreement, period_start, sku, stage, holding, quantity, effective_cost, billed_cost"
    "  from api.earlier_charge($1::bigint[], $2::timestamptz[], $3::timestamptz[])";
_Static_assert(STAGE_PACKAGE == 8 && STAGE_COUPON == 13 && STAGE_TRUE_UP == 16 && STAGE_PREPAYMENT == 17 &&
                   STAGE_PREPAID == 18,
               "migration 0046 says it");

static struct earlier_row read_row(const struct db_result *result, int row)
{
    return (struct earlier_row){.account = db_get_int(result, row, 0),
                                .period = db_get_instant(result, row, 1),
                                .agreement = db_get_int(result, row, 2),
                                .start = db_get_instant(result, row, 3),
                                .sku = (int32_t)db_get_int(result, row, 4),
                                .stage = (enum charge_stage)db_get_int(result, row, 5),
                                .holding = db_get_int(result, row, 6),
                                .quantity = {db_get_decimal(result, row, 7, QUANTITY_PLACES)},
                                .effective = {db_get_decimal(result, row, 8, AMOUNT_PLACES)},
                                .billed = {db_get_decimal(result, row, 9, AMOUNT_PLACES)}};
}

enum err earlier_load(struct db *db, enum usage_reader reader, const struct billing_period *const *periods, size_t count,
                      const struct catalogue *catalogue, struct arena *arena, struct earlier *earlier,
                      struct fault *fault)
{
    struct array accounts = {0}, starts = {0}, begins = {0};
    struct db_result *result;
    size_t wanted = 0;
    *earlier = (struct earlier){0};
    for (size_t i = 0; i < count; i++) {
        instant_us since = wanted_since(catalogue, periods[i]);
        if (since == INSTANT_MAX) continue;
        array_add_int(&accounts, periods[i]->account);
        array_add_instant(&starts, periods[i]->start);
        array_add_instant(&begins, since);
        wanted++;
    }
    const char *const values[] = {array_end(&accounts, arena), array_end(&starts, arena), array_end(&begins, arena)};
    if (!wanted) return ERR_OK;
    enum err err = db_query(db, reader == USAGE_READER_API ? api_sql : bill_sql, 3, values, &result, fault);
    if (err) return err;
    struct earlier_row *rows = ARENA_ARRAY(arena, struct earlier_row, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++)
        rows[row] = read_row(result, row);
    *earlier = (struct earlier){rows, (size_t)db_rows(result)};
    db_result_free(result);
    return ERR_OK;
}

bool earlier_begin(const struct catalogue *catalogue, const struct billing_period *period, struct arena *arena,
                   struct earlier_sums *sums)
{
    size_t held;
    const struct holding *holdings = catalogue_holdings(catalogue, period->account, &held);
    *sums = (struct earlier_sums){.catalogue = catalogue, .period = period};
    if (term_ends(period)) sums->terms = ARENA_ARRAY(arena, struct amount, period->agreement->contract->limit_count);
    for (size_t i = 0; i < held; i++) {
        if (!lasts_in(&holdings[i], period)) continue;
        if (!sums->used) sums->used = ARENA_ARRAY(arena, struct used_before, held);
        sums->used[sums->used_count++] = (struct used_before){.holding = holdings[i].number};
    }
    return sums->terms || sums->used_count;
}

static enum err add_to_terms(struct earlier_sums *sums, const struct earlier_row *row)
{
    const struct contract *contract = sums->period->agreement->contract;
    const struct sku *sold = catalogue_sku_number(sums->catalogue, row->sku);
    enum err err = ERR_OK;
    if (!sums->terms || row->agreement != sums->period->agreement->number) return ERR_OK;
    for (size_t i = 0; i < contract->limit_count && !err; i++) {
        const struct contract_limit *limit = &contract->limits[i];
        if (contract_term_ends(limit, sums->period->start, sums->period->end) && row->start >= limit->from &&
            charge_counts_for_term(limit, sold, row->stage))
            err = amount_add(sums->terms[i], row->billed, &sums->terms[i]);
    }
    return err;
}

static enum err add_to_used(struct earlier_sums *sums, const struct earlier_row *row)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < sums->used_count && charge_uses_holding(row->stage) && !err; i++) {
        struct used_before *used = &sums->used[i];
        if (used->holding != row->holding) continue;
        err = quantity_add(used->units, row->quantity, &used->units);
        if (!err) err = amount_add(used->effective, row->effective, &used->effective);
        if (!err) err = amount_add(used->billed, row->billed, &used->billed);
    }
    return err;
}

enum err earlier_add(struct earlier_sums *sums, const struct earlier_row *row)
{
    enum err err = add_to_terms(sums, row);
    return err ? err : add_to_used(sums, row);
}

enum err earlier_add_rated(struct earlier_sums *sums, const struct billing_period *other, const struct rated *rated)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < rated->charge_count && !err; i++) {
        const struct charge *charge = &rated->charges[i];
        const struct earlier_row row = {.agreement = other->agreement->number,
                                        .start = other->start,
                                        .sku = charge->sku,
                                        .stage = charge->stage,
                                        .holding = charge->deduction,
                                        .quantity = charge->quantity,
                                        .effective = charge->effective_cost,
                                        .billed = charge->billed_cost};
        err = earlier_add(sums, &row);
    }
    return err;
}

void earlier_tell(const struct earlier_sums *sums, struct account_usage *usage)
{
    usage->earlier = sums->terms;
    usage->used = sums->used;
    usage->used_count = sums->used_count;
}

enum err earlier_limit_fault(const struct earlier_sums *sums, struct fault *fault)
{
    return fault_set(fault, ERR_LIMIT, "", "account %s: what its earlier periods came to leaves the range of exact amounts",
                     sums->period->agreement->account->id);
}
