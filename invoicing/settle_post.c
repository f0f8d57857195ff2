// SPDX-License-Identifier: Apache-2.0
// What a settlement writes: a settlement row and charge rows of what F differs in from what was posted, and the ledger's postings. Inside the chunk's transaction, under the locks of its positions.
#include "invoicing/settle_work.h"

#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "ledger/ledger.h"

// Rows of invoicing.settlement for the items that changed; gives them their numbers.
static enum err insert_settlements(struct settle_work *work)
{
    struct array agreements = {0}, accounts = {0}, starts = {0}, ordinals = {0}, totals = {0}, changes = {0};
    for (size_t i = 0; i < work->count; i++) {
        const struct settle_item *item = &work->items[i];
        if (!item->change_count) continue;
        array_add_int(&agreements, item->period->agreement->number);
        array_add_int(&accounts, item->period->account);
        array_add_instant(&starts, item->period->start);
        array_add_int(&ordinals, item->settlements + 1);
        array_add_decimal(&totals, item->rated.total.pico, AMOUNT_PLACES);
        array_add_int(&changes, (int64_t)item->change_count);
    }
    const char *const values[] = {array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena),
                                  array_end(&ordinals, work->arena), array_end(&totals, work->arena), array_end(&changes, work->arena),
                                  db_int(work->arena, work->cut), db_int(work->arena, catalogue_version(work->catalogue))};
    struct db_result *result;
    enum err err = db_query(work->db,
        "insert into invoicing.settlement (agreement, account, period_start, ordinal, total, changed, cut, catalogue_version)"
        " select s.*, $7::bigint, $8::bigint from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::numeric[], $6::int[]) as s"
        " returning account, period_start, settlement", 8, values, &result, work->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) settle_item_find(work, db_get_int(result, row, 0), db_get_instant(result, row, 1))->settlement = db_get_int(result, row, 2);
    db_result_free(result);
    return ERR_OK;
}

static void copy_change(struct db_copy *copy, const struct settle_item *item, const struct charge_change *change)
{
    const struct charge *charge = &change->to_date;
    db_copy_row(copy);
    db_copy_int8(copy, item->settlement);
    db_copy_int8(copy, item->period->agreement->number);
    db_copy_int8(copy, item->period->account);
    db_copy_instant(copy, item->period->start);
    db_copy_text(copy, item->period->agreement->currency.code, CURRENCY_CODE_LENGTH);
    db_copy_int8(copy, charge->tenant);
    db_copy_int4(copy, charge->sku);
    db_copy_int8(copy, charge->price);
    db_copy_int2(copy, (int16_t)charge->tier);
    db_copy_uuid(copy, charge->dimension_set);
    db_copy_int2(copy, (int16_t)charge->stage);
    db_copy_int8(copy, charge->deduction);
    db_copy_numeric(copy, charge->quantity.nano, QUANTITY_PLACES);
    db_copy_numeric(copy, charge->list_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->contracted_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->effective_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->billed_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, change->delta.pico, AMOUNT_PLACES);
}

static enum err copy_charges(struct settle_work *work)
{
    struct db_copy copy;
    enum err err = db_copy_open(work->db,
        "invoicing.charge (settlement, agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage, deduction,"
        " quantity, list_cost, contracted_cost, effective_cost, billed_cost, billed_delta)", 18, &copy, work->fault);
    if (err) return err;
    for (size_t i = 0; i < work->count; i++)
        for (size_t c = 0; c < work->items[i].change_count; c++) copy_change(&copy, &work->items[i], &work->items[i].changes[c]);
    return db_copy_close(&copy, work->fault);
}

// Deltas of one item by service: debit unbilled, credit revenue.
static enum err build_operation(struct settle_work *work, struct settle_item *item, struct ledger_operation *operation)
{
    struct ledger_leg *legs = ARENA_ARRAY(work->arena, struct ledger_leg, item->change_count);
    const struct agreement *agreement = item->period->agreement;
    size_t count = 0;
    for (size_t c = 0; c < item->change_count; c++) {
        const struct sku *sku = catalogue_sku_number(work->catalogue, item->changes[c].to_date.sku);
        int32_t service = sku ? sku->service->number : 0;
        size_t leg = 0;
        while (leg < count && legs[leg].credit.service != service) leg++;
        if (leg == count)
            legs[count++] = (struct ledger_leg){{LEDGER_UNBILLED, agreement->number, 0}, {LEDGER_REVENUE, 0, service}, AMOUNT_ZERO};
        if (amount_add(legs[leg].amount, item->changes[c].delta, &legs[leg].amount))
            return fault_set(work->fault, ERR_LIMIT, "", "account %s: a posting leaves the range of exact amounts", agreement->account->id);
    }
    *operation = (struct ledger_operation){
        .key = arena_print(work->arena, "settlement/%s/%s/%s/%lld", agreement->seller->id, agreement->account->id, item->period->label,
                           (long long)item->settlements + 1),
        .kind = LEDGER_SETTLEMENT, .seller = agreement->seller->number, .agreement = agreement->number, .account = item->period->account,
        .period_start = item->period->start, .currency = agreement->currency, .legs = legs, .leg_count = count};
    return ERR_OK;
}

static enum err post(struct settle_work *work)
{
    struct ledger_operation *operations = ARENA_ARRAY(work->arena, struct ledger_operation, work->count + 1);
    size_t count = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < work->count && !err; i++)
        if (work->items[i].change_count) err = build_operation(work, &work->items[i], &operations[count++]);
    return err ? err : ledger_post(work->db, operations, count, work->arena, work->fault);
}

enum err settle_post(struct settle_work *work)
{
    size_t changed = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < work->count && !err; i++) {
        if (!work->items[i].wanted) continue;
        err = settle_compare(&work->items[i], work->arena, work->fault);
        changed += work->items[i].change_count > 0;
        work->result->periods++;
    }
    work->result->changed += changed;
    if (!err && changed) err = insert_settlements(work);
    if (!err && changed) err = copy_charges(work);
    CRASH_POINT("bill.before_post");
    if (!err && changed) err = post(work);
    return err;
}
