// SPDX-License-Identifier: Apache-2.0
// One chunk of a settlement: lock positions, F at the cut, compare with what was posted under all keys, write charges, post, raise
// positions - in one transaction. The order of the steps is in settle_chunk.
#include "invoicing/settle.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "invoicing/charge_row.h"
#include "ledger/ledger.h"

// One (account, period) on its way through the chunk.
struct item {
    const struct billing_period *period;
    bool wanted;          // position below (cut, catalogue version)
    bool given_up;        // not wanted any more: its charges leave the range of exact amounts
    int64_t settlements;  // settlements so far
    struct rated rated;   // F at the cut
    struct charge *posted; size_t posted_count; // to date, before
    struct charge_change { struct charge to_date; struct amount delta; } *changes; size_t change_count;
    int64_t settlement;   // number of the new row; 0: nothing changed
};

struct chunk {
    struct db *db;
    const struct catalogue *catalogue;
    int64_t cut;
    struct item *items; size_t count;
    struct arena *arena;
    struct settle_result *result;
    struct fault *fault;
};

struct keys { const char *agreements, *accounts, *starts; };

// The (agreement, account, period) of the items as three arrays; only wanted ones if asked.
static struct keys keys_of(const struct chunk *chunk, bool only_wanted)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    for (size_t i = 0; i < chunk->count; i++) {
        const struct billing_period *period = chunk->items[i].period;
        if (only_wanted && !chunk->items[i].wanted) continue;
        array_add_int(&agreements, period->agreement->number);
        array_add_int(&accounts, period->account);
        array_add_instant(&starts, period->start);
    }
    return (struct keys){array_end(&agreements, chunk->arena), array_end(&accounts, chunk->arena), array_end(&starts, chunk->arena)};
}

static struct item *item_find(struct chunk *chunk, int64_t account, instant_us start)
{
    struct billing_period wanted = {.account = account, .start = start};
    size_t low = 0, high = chunk->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = period_order(chunk->items[middle].period, &wanted);
        if (order == 0) return &chunk->items[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

// Locks the positions in one order, so that two settlers wait for each other but never in a circle.
static enum err lock_positions(struct chunk *chunk)
{
    const struct keys keys = keys_of(chunk, false);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts};
    struct db_result *result;
    enum err err = db_exec(chunk->db,
        "insert into invoicing.position (agreement, account, period_start, cut, catalogue_version)"
        " select k.*, 0, 0 from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k order by 1, 2, 3 on conflict do nothing",
        3, values, NULL, chunk->fault);
    if (!err)
        err = db_query(chunk->db,
            "select p.account, p.period_start, p.cut, p.catalogue_version, p.settlements from invoicing.position p"
            "  join unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
            "    on p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start"
            " order by p.agreement, p.account, p.period_start for update of p", 3, values, &result, chunk->fault);
    if (err) return err;
    int64_t version = catalogue_version(chunk->catalogue);
    for (int row = 0; row < db_rows(result); row++) {
        struct item *item = item_find(chunk, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        int64_t cut = db_get_int(result, row, 2), settled_version = db_get_int(result, row, 3);
        ENSURE(item != NULL);
        item->wanted = cut <= chunk->cut && settled_version <= version && (cut < chunk->cut || settled_version < version);
        item->settlements = db_get_int(result, row, 4);
        chunk->result->skipped += !item->wanted;
        chunk->result->behind += cut < chunk->cut && settled_version > version;
    }
    db_result_free(result);
    return ERR_OK;
}

static void tell_unpriced(const struct chunk *chunk, const struct item *item)
{
    const struct unpriced *first = item->rated.unpriced;
    const struct sku *sku = catalogue_sku_number(chunk->catalogue, first->sku);
    const struct tenant *tenant = catalogue_tenant_number(chunk->catalogue, first->tenant);
    log_warn("usage_without_price", LOG_TEXT("account", item->period->agreement->account->id), LOG_TEXT("period", item->period->label),
             LOG_TEXT("tenant", tenant ? tenant->id : "?"), LOG_TEXT("sku", sku ? sku->id : "?"), LOG_INT("lines", item->rated.unpriced_count));
}

// One account's sum that leaves the range of exact amounts must not keep all others from being settled: it is told, stays as it was
// posted, and is queued, so that every round tries it again and the close refuses it.
static void give_up(struct chunk *chunk, struct item *item)
{
    log_error("charges_out_of_range", LOG_TEXT("account", item->period->agreement->account->id), LOG_TEXT("period", item->period->label), LOG_FAULT(chunk->fault));
    item->wanted = false;
    item->given_up = true;
    chunk->result->given_up++;
}

static enum err queue_given_up(struct chunk *chunk)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    size_t count = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct billing_period *period = chunk->items[i].period;
        if (!chunk->items[i].given_up) continue;
        array_add_int(&agreements, period->agreement->number);
        array_add_int(&accounts, period->account);
        array_add_instant(&starts, period->start);
        count++;
    }
    const char *const values[] = {array_end(&agreements, chunk->arena), array_end(&accounts, chunk->arena), array_end(&starts, chunk->arena),
                                  db_int(chunk->arena, catalogue_version(chunk->catalogue))};
    if (!count) return ERR_OK;
    return db_exec(chunk->db,
        "insert into invoicing.recompute (agreement, account, period_start, catalogue_version)"
        " select k.*, $4::bigint from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k on conflict do nothing", 4, values, NULL, chunk->fault);
}

// F of every wanted item at the cut.
static enum err rate_items(struct chunk *chunk)
{
    struct usage_request *requests = ARENA_ARRAY(chunk->arena, struct usage_request, chunk->count + 1);
    struct account_usage *usages = ARENA_ARRAY(chunk->arena, struct account_usage, chunk->count + 1);
    struct item **wanted = ARENA_ARRAY(chunk->arena, struct item *, chunk->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        const struct billing_period *period = chunk->items[i].period;
        instant_us *boundaries;
        if (!chunk->items[i].wanted) continue;
        size_t changes = catalogue_price_changes(chunk->catalogue, period->agreement->book, period->start, period->end, chunk->arena, &boundaries);
        requests[count] = (struct usage_request){period->account, period->start, period->end, period->agreement->zone, boundaries, changes};
        wanted[count++] = &chunk->items[i];
    }
    enum err err = usage_load(chunk->db, USAGE_READER_BILL, chunk->catalogue, chunk->cut, requests, count, chunk->arena, usages, chunk->fault);
    for (size_t i = 0; i < count && !err; i++) {
        err = charge_rate(chunk->catalogue, wanted[i]->period->agreement, &usages[i], chunk->arena, &wanted[i]->rated, chunk->fault);
        if (err == ERR_LIMIT) {
            give_up(chunk, wanted[i]);
            err = ERR_OK;
            continue;
        }
        if (err || !wanted[i]->rated.unpriced_count) continue;
        chunk->result->unpriced += wanted[i]->rated.unpriced_count;
        tell_unpriced(chunk, wanted[i]);
    }
    return err ? err : queue_given_up(chunk);
}

// What was posted under every key of the wanted items: the newest row of each key.
static enum err load_posted(struct chunk *chunk)
{
    const struct keys keys = keys_of(chunk, true);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts};
    struct db_result *result;
    enum err err = db_query(chunk->db,
        "select " CHARGE_ROW_COLUMNS
        "  from invoicing.charge_to_date($1::bigint[], $2::bigint[], $3::timestamptz[])",
        3, values, &result, chunk->fault);
    if (err) return err;
    struct charge *charges = ARENA_ARRAY(chunk->arena, struct charge, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++) {
        struct item *item = item_find(chunk, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        ENSURE(item != NULL);
        if (!item->posted_count) item->posted = &charges[row]; // rows of an item stand together
        charges[row] = charge_row_read(result, row);
        item->posted_count++;
    }
    db_result_free(result);
    return ERR_OK;
}

static bool same_value(const struct charge *a, const struct charge *b)
{
    return a->quantity.nano == b->quantity.nano && a->list_cost.pico == b->list_cost.pico && a->contracted_cost.pico == b->contracted_cost.pico &&
           a->effective_cost.pico == b->effective_cost.pico && a->billed_cost.pico == b->billed_cost.pico;
}

static struct charge vanished(const struct charge *posted)
{
    return (struct charge){.tenant = posted->tenant, .sku = posted->sku, .price = posted->price, .tier = posted->tier,
                           .dimension_set = posted->dimension_set, .stage = posted->stage};
}

static enum err add_change(struct item *item, const struct charge *now, const struct charge *before)
{
    if (same_value(now, before)) return ERR_OK;
    struct charge_change *change = &item->changes[item->change_count++];
    change->to_date = *now;
    return amount_sub(now->billed_cost, before->billed_cost, &change->delta);
}

// Merges F and what was posted under all keys; a key that vanished goes down to zero (rules 6.2).
static enum err compare(struct chunk *chunk, struct item *item)
{
    const struct rated *rated = &item->rated;
    item->changes = ARENA_ARRAY(chunk->arena, struct charge_change, rated->charge_count + item->posted_count + 1);
    if (item->posted_count) qsort(item->posted, item->posted_count, sizeof *item->posted, charge_order);
    enum err err = ERR_OK;
    for (size_t n = 0, p = 0; (n < rated->charge_count || p < item->posted_count) && !err;) {
        int order = n == rated->charge_count ? 1 : p == item->posted_count ? -1 : charge_order(&rated->charges[n], &item->posted[p]);
        const struct charge none = order < 0 ? vanished(&rated->charges[n]) : vanished(&item->posted[p]);
        err = add_change(item, order <= 0 ? &rated->charges[n] : &none, order >= 0 ? &item->posted[p] : &none);
        n += order <= 0;
        p += order >= 0;
    }
    return err ? fault_set(chunk->fault, err, "", "account %s: a change of charges leaves the range of exact amounts", item->period->agreement->account->id) : ERR_OK;
}

// Rows of invoicing.settlement for the items that changed; gives them their numbers.
static enum err insert_settlements(struct chunk *chunk)
{
    struct array agreements = {0}, accounts = {0}, starts = {0}, ordinals = {0}, totals = {0}, changes = {0};
    for (size_t i = 0; i < chunk->count; i++) {
        const struct item *item = &chunk->items[i];
        if (!item->change_count) continue;
        array_add_int(&agreements, item->period->agreement->number);
        array_add_int(&accounts, item->period->account);
        array_add_instant(&starts, item->period->start);
        array_add_int(&ordinals, item->settlements + 1);
        array_add_decimal(&totals, item->rated.total.pico, AMOUNT_PLACES);
        array_add_int(&changes, (int64_t)item->change_count);
    }
    const char *const values[] = {array_end(&agreements, chunk->arena), array_end(&accounts, chunk->arena), array_end(&starts, chunk->arena),
                                  array_end(&ordinals, chunk->arena), array_end(&totals, chunk->arena), array_end(&changes, chunk->arena),
                                  db_int(chunk->arena, chunk->cut), db_int(chunk->arena, catalogue_version(chunk->catalogue))};
    struct db_result *result;
    enum err err = db_query(chunk->db,
        "insert into invoicing.settlement (agreement, account, period_start, ordinal, total, changed, cut, catalogue_version)"
        " select s.*, $7::bigint, $8::bigint from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::numeric[], $6::int[]) as s"
        " returning account, period_start, settlement", 8, values, &result, chunk->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) item_find(chunk, db_get_int(result, row, 0), db_get_instant(result, row, 1))->settlement = db_get_int(result, row, 2);
    db_result_free(result);
    return ERR_OK;
}

static void copy_change(struct db_copy *copy, const struct item *item, const struct charge_change *change)
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
    db_copy_numeric(copy, charge->quantity.nano, QUANTITY_PLACES);
    db_copy_numeric(copy, charge->list_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->contracted_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->effective_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, charge->billed_cost.pico, AMOUNT_PLACES);
    db_copy_numeric(copy, change->delta.pico, AMOUNT_PLACES);
}

static enum err copy_charges(struct chunk *chunk)
{
    struct db_copy copy;
    enum err err = db_copy_open(chunk->db,
        "invoicing.charge (settlement, agreement, account, period_start, currency, tenant, sku, price, tier, dimension_set, stage,"
        " quantity, list_cost, contracted_cost, effective_cost, billed_cost, billed_delta)", 17, &copy, chunk->fault);
    if (err) return err;
    for (size_t i = 0; i < chunk->count; i++)
        for (size_t c = 0; c < chunk->items[i].change_count; c++) copy_change(&copy, &chunk->items[i], &chunk->items[i].changes[c]);
    return db_copy_close(&copy, chunk->fault);
}

// Deltas of one item by service: debit unbilled, credit revenue.
static enum err build_operation(struct chunk *chunk, struct item *item, struct ledger_operation *operation)
{
    struct ledger_leg *legs = ARENA_ARRAY(chunk->arena, struct ledger_leg, item->change_count);
    const struct agreement *agreement = item->period->agreement;
    size_t count = 0;
    for (size_t c = 0; c < item->change_count; c++) {
        const struct sku *sku = catalogue_sku_number(chunk->catalogue, item->changes[c].to_date.sku);
        int32_t service = sku ? sku->service->number : 0;
        size_t leg = 0;
        while (leg < count && legs[leg].credit.service != service) leg++;
        if (leg == count)
            legs[count++] = (struct ledger_leg){{LEDGER_UNBILLED, agreement->number, 0}, {LEDGER_REVENUE, 0, service}, AMOUNT_ZERO};
        if (amount_add(legs[leg].amount, item->changes[c].delta, &legs[leg].amount))
            return fault_set(chunk->fault, ERR_LIMIT, "", "account %s: a posting leaves the range of exact amounts", agreement->account->id);
    }
    *operation = (struct ledger_operation){
        .key = arena_print(chunk->arena, "settlement/%s/%s/%s/%lld", agreement->seller->id, agreement->account->id, item->period->label,
                           (long long)item->settlements + 1),
        .kind = LEDGER_SETTLEMENT, .seller = agreement->seller->number, .agreement = agreement->number, .account = item->period->account,
        .period_start = item->period->start, .currency = agreement->currency, .legs = legs, .leg_count = count};
    return ERR_OK;
}

static enum err post(struct chunk *chunk)
{
    struct ledger_operation *operations = ARENA_ARRAY(chunk->arena, struct ledger_operation, chunk->count + 1);
    size_t count = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < chunk->count && !err; i++)
        if (chunk->items[i].change_count) err = build_operation(chunk, &chunk->items[i], &operations[count++]);
    return err ? err : ledger_post(chunk->db, operations, count, chunk->arena, chunk->fault);
}

static enum err raise_positions(struct chunk *chunk)
{
    struct array changed = {0};
    const struct keys keys = keys_of(chunk, true);
    for (size_t i = 0; i < chunk->count; i++)
        if (chunk->items[i].wanted) array_add_int(&changed, chunk->items[i].change_count > 0);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts, array_end(&changed, chunk->arena), db_int(chunk->arena, chunk->cut),
                                  db_int(chunk->arena, catalogue_version(chunk->catalogue))};
    enum err err = db_exec(chunk->db,
        "update invoicing.position p set cut = $5::bigint, catalogue_version = $6::bigint, settlements = p.settlements + k.changed"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::int[]) as k (agreement, account, period_start, changed)"
        " where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start", 6, values, NULL, chunk->fault);
    if (err) return err;
    const char *const done[] = {keys.agreements, keys.accounts, keys.starts, values[5]};
    return db_exec(chunk->db,
        "delete from invoicing.recompute r using unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
        " where r.agreement = k.agreement and r.account = k.account and r.period_start = k.period_start and r.catalogue_version <= $4::bigint",
        4, done, NULL, chunk->fault);
}

static enum err write_changes(struct chunk *chunk)
{
    size_t changed = 0;
    enum err err = ERR_OK;
    for (size_t i = 0; i < chunk->count && !err; i++) {
        if (!chunk->items[i].wanted) continue;
        err = compare(chunk, &chunk->items[i]);
        changed += chunk->items[i].change_count > 0;
        chunk->result->periods++;
    }
    chunk->result->changed += changed;
    if (!err && changed) err = insert_settlements(chunk);
    if (!err && changed) err = copy_charges(chunk);
    CRASH_POINT("bill.before_post");
    if (!err && changed) err = post(chunk);
    return err;
}

// Held until the commit: an apply that came in between has queued nothing for periods that are made here (rules 6.3).
static enum err hold_catalogue(struct chunk *chunk)
{
    int64_t newest;
    enum err err = period_hold_catalogue(chunk->db, &newest, chunk->fault);
    if (err || newest == catalogue_version(chunk->catalogue)) return err;
    return fault_set(chunk->fault, ERR_RETRY, "", "catalogue version %lld came in between", (long long)newest);
}

enum err settle_chunk(struct db *db, const struct catalogue *catalogue, int64_t cut, struct billing_period *periods, size_t count,
                      struct settle_result *result, struct fault *fault)
{
    struct arena *arena = arena_new(1 << 20);
    struct settle_result before = *result;
    struct chunk chunk = {.db = db, .catalogue = catalogue, .cut = cut, .count = count, .arena = arena, .result = result, .fault = fault};
    chunk.items = ARENA_ARRAY(arena, struct item, count + 1);
    qsort(periods, count, sizeof *periods, period_order);
    for (size_t i = 0; i < count; i++) chunk.items[i].period = &periods[i];
    enum err err = db_begin(db, fault);
    if (!err) err = hold_catalogue(&chunk);
    if (!err) err = period_ensure(db, periods, count, arena, fault);
    if (!err) err = lock_positions(&chunk);
    if (!err) err = rate_items(&chunk);
    if (!err) err = load_posted(&chunk);
    if (!err) err = write_changes(&chunk);
    if (!err) err = raise_positions(&chunk);
    CRASH_POINT("bill.before_commit");
    if (!err) err = db_commit(db, fault);
    else db_rollback(db);
    CRASH_POINT("bill.after_commit");
    if (err) *result = before;
    arena_free(arena);
    return err;
}
