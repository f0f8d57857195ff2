// SPDX-License-Identifier: Apache-2.0
// F: usage x price versions -> charges. Pure; called by settlement, live spend, close and explanation alike, so that the three agree.
// Each usage line becomes items (one per SKU of its meter); equal items are merged before anything is multiplied, so that
// a charge is rounded once. The shared price models are one file each (price_table.c).
#include "rating/charge.h"

#include <stdlib.h>

#include "rating/stage.h"

struct build {
    const struct catalogue *catalogue;
    const struct agreement *agreement;
    const struct price_book *list; // last parent of the agreement's book
    const struct exchange_rate *exchange; // NULL: prices are in the agreement's currency, or `held`
    bool held;                            // they are not, and the period has no rate: nothing has a price
    const struct account_usage *usage;
    struct price_item *items;
    size_t item_count, item_capacity;
    struct unpriced *unpriced;
    size_t unpriced_count, unpriced_capacity;
    struct arena *arena;
    struct fault *fault;
};

static const struct price_book *list_book(const struct price_book *book)
{
    while (book->parent) book = book->parent;
    return book;
}

enum err charge_limit_fault(const struct catalogue *catalogue, int64_t tenant, int32_t sku, struct fault *fault)
{
    const struct tenant *owner = catalogue_tenant_number(catalogue, tenant);
    const struct sku *sold = catalogue_sku_number(catalogue, sku);
    const struct meter *meter = sold ? catalogue_meter_newest(catalogue, sold->meter) : NULL;
    return fault_set(fault, ERR_LIMIT, "", "tenant %s, meter %s: the charge leaves the range of exact amounts (1e26)",
                     owner ? owner->id : "(shared)", meter ? meter->id : "?");
}

static void add_unpriced(struct build *build, const struct usage_line *line, int32_t sku)
{
    build->unpriced = arena_grow(build->arena, build->unpriced, sizeof *build->unpriced, build->unpriced_count, &build->unpriced_capacity);
    build->unpriced[build->unpriced_count++] =
        (struct unpriced){line->tenant, sku, line->dimension_set, line->segment, line->quantity};
}

// What a minimum duration and whole increments add to a run that has ended; zero where the price has neither, or it was
// that long.
static enum err minimum_quantity(const struct usage_line *line, const struct price_version *price, struct quantity *added)
{
    int64_t billed_us = line->run_us, minimum_us = (int64_t)price->minimum_seconds * SECOND_US;
    if (price->increment_us && billed_us % price->increment_us) billed_us += price->increment_us - billed_us % price->increment_us;
    if (billed_us < minimum_us) billed_us = minimum_us;
    *added = QUANTITY_ZERO;
    return billed_us > line->run_us ? quantity_over_time(line->run_value, billed_us - line->run_us, added) : ERR_OK;
}

// What was used before an item under its price and stage: lines come by tenant and dimension set, in time order.
static struct quantity used_before(const struct build *build, const struct price_item *item)
{
    for (size_t i = build->item_count; i-- > 0;) {
        const struct price_item *before = &build->items[i];
        if (before->tenant != item->tenant || !hash128_equal(before->dimension_set, item->dimension_set)) break;
        if (before->price == item->price && before->stage == item->stage) return before->used;
    }
    return QUANTITY_ZERO;
}

// Of an item whose price is known; quantity is what is used more. ERR_NOT_FOUND: the price cannot count it.
static enum err count_units(const struct build *build, const struct dimension_set *dimensions, struct quantity quantity,
                            struct price_item *item)
{
    struct quantity before = QUANTITY_ZERO, listed;
    if (item->price->times) before = used_before(build, item);
    if (quantity_add(before, quantity, &item->used)) return ERR_LIMIT;
    enum err err = price_units(item->price, dimensions, before, item->used, &item->quantity);
    bool comparable = !err && item->list && price_units(item->list, dimensions, before, item->used, &listed) == ERR_OK &&
                      quantity_compare(listed, item->quantity) == 0;
    if (!comparable) item->list = NULL; // none, or it counts in other units
    return err;
}

// The events behind an item whose price is of every event. They must be all: a price of some would be a wrong bill.
static enum err add_events(const struct build *build, const struct usage_line *line, struct price_item *item)
{
    struct quantity sum = QUANTITY_ZERO;
    const struct meter *meter = catalogue_meter_newest(build->catalogue, line->meter);
    if (!build->usage->events_known) return fault_set(build->fault, ERR_BUG, "", "the events of meter %s were not loaded", meter->id);
    item->open = QUANTITY_ZERO; // stages that take units cannot say of which event
    item->events = usage_events_of(build->usage, line, &item->event_count);
    for (size_t i = 0; i < item->event_count; i++)
        if (quantity_add(sum, item->events[i].value, &sum)) return charge_limit_fault(build->catalogue, line->tenant, item->sku, build->fault);
    if (quantity_compare(sum, line->quantity) == 0) return ERR_OK;
    const struct tenant *tenant = catalogue_tenant_number(build->catalogue, line->tenant);
    return fault_set(build->fault, ERR_LIMIT, "", "tenant %s, meter %s: the events that are kept do not add up to the usage", tenant ? tenant->id : "?", meter->id);
}

static enum err add_item(struct build *build, const struct usage_line *line, const struct sku *sku, const struct dimension_set *dimensions)
{
    struct price_item item = {.tenant = line->tenant, .sku = sku->number, .dimension_set = line->dimension_set, .segment = line->segment, .stage = STAGE_USAGE};
    struct quantity quantity = line->quantity;
    enum err err = ERR_OK;
    if (!build->held) item.price = catalogue_price(build->catalogue, build->agreement->book, sku->number, dimensions, line->segment);
    if (item.price && line->kind == USAGE_RUN) {
        item.stage = STAGE_MINIMUM;
        err = minimum_quantity(line, item.price, &quantity);
        if (!err && quantity.nano == 0) return ERR_OK;
    }
    if (item.price && !err) {
        item.list = catalogue_price(build->catalogue, build->list, sku->number, dimensions, line->segment);
        err = count_units(build, dimensions, quantity, &item);
        if (item.stage == STAGE_USAGE) item.open = item.quantity;
    }
    if (!item.price || err == ERR_NOT_FOUND) {
        if (line->kind == USAGE_QUANTITY && line->quantity.nano != 0) add_unpriced(build, line, sku->number);
        return ERR_OK;
    }
    if (err) return charge_limit_fault(build->catalogue, line->tenant, sku->number, build->fault);
    if (item.price->per_event) err = add_events(build, line, &item);
    if (err) return err;
    build->items = arena_grow(build->arena, build->items, sizeof *build->items, build->item_count, &build->item_capacity);
    build->items[build->item_count++] = item;
    return ERR_OK;
}

static enum err add_line(struct build *build, const struct usage_line *line)
{
    const struct usage_dimension *dimension = usage_dimension_find(build->usage, line->dimension_set);
    size_t sku_count;
    const struct sku *const *skus = catalogue_skus_of_meter(build->catalogue, line->meter, &sku_count);
    if (!dimension) return fault_set(build->fault, ERR_BUG, "", "a usage line names a dimension set that was not loaded");
    enum err err = ERR_OK;
    for (size_t i = 0; i < sku_count && !err; i++) err = add_item(build, line, skus[i], &dimension->set);
    return err;
}

const char *charge_stage_name(enum charge_stage stage)
{
    static const char *const names[STAGE_COUNT] = {
        [STAGE_USAGE] = "usage",
        [STAGE_MINIMUM] = "minimum",
        [STAGE_FREE] = "free",
        [STAGE_MINIMUM_SPEND] = "minimum_spend",
        [STAGE_MAXIMUM_SPEND] = "maximum_spend",
        [STAGE_COVERED] = "covered",
        [STAGE_UNUSED] = "unused",
        [STAGE_PURCHASE] = "purchase",
        [STAGE_PACKAGE] = "package",
        [STAGE_BOUGHT] = "bought",
        [STAGE_LEFT] = "left",
        [STAGE_FEE] = "fee",
        [STAGE_FEE_REFUND] = "fee_refund",
        [STAGE_COUPON] = "coupon",
        [STAGE_ACCOUNT_MINIMUM] = "account_minimum",
        [STAGE_ACCOUNT_MAXIMUM] = "account_maximum",
        [STAGE_TRUE_UP] = "true_up",
        [STAGE_PREPAYMENT] = "prepayment",
        [STAGE_PREPAID] = "prepaid",
    };
    return names[stage];
}

bool charge_of_price(enum charge_stage stage)
{
    return stage <= STAGE_MAXIMUM_SPEND;
}

bool charge_of_holding(enum charge_stage stage)
{
    return stage == STAGE_PACKAGE || stage == STAGE_BOUGHT || stage == STAGE_LEFT || stage == STAGE_FEE ||
           stage == STAGE_FEE_REFUND || stage == STAGE_COUPON || stage == STAGE_PREPAYMENT || stage == STAGE_PREPAID;
}

bool charge_uses_holding(enum charge_stage stage)
{
    return stage == STAGE_PACKAGE || stage == STAGE_COUPON || stage == STAGE_PREPAID;
}

bool charge_of_limit(enum charge_stage stage)
{
    return stage == STAGE_ACCOUNT_MINIMUM || stage == STAGE_ACCOUNT_MAXIMUM || stage == STAGE_TRUE_UP;
}

bool charge_of_commitment(enum charge_stage stage)
{
    return stage == STAGE_COVERED || stage == STAGE_UNUSED || stage == STAGE_PURCHASE;
}

const char *charge_unit(const struct charge *charge, const struct meter *meter, const struct agreement *agreement)
{
    if (charge->stage == STAGE_BOUGHT) return "package";
    if (charge->stage == STAGE_PREPAYMENT) return "prepayment";
    if (charge->stage == STAGE_FEE || charge->stage == STAGE_FEE_REFUND) return "fee";
    bool money = (charge->stage == STAGE_UNUSED || charge->stage == STAGE_LEFT) && charge->tier == 1;
    return money ? agreement->currency.code : meter->unit;
}

int charge_order(const void *left, const void *right)
{
    const struct charge *a = left, *b = right;
    if (a->tenant != b->tenant) return a->tenant < b->tenant ? -1 : 1;
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    if (a->price != b->price) return a->price < b->price ? -1 : 1;
    if (a->tier != b->tier) return a->tier < b->tier ? -1 : 1;
    int order = hash128_compare(a->dimension_set, b->dimension_set);
    if (order) return order;
    if (a->stage != b->stage) return a->stage < b->stage ? -1 : 1;
    return (a->deduction > b->deduction) - (a->deduction < b->deduction);
}

static enum err add_up(const struct build *build, struct rated *rated)
{
    rated->total = AMOUNT_ZERO;
    for (size_t i = 0; i < rated->charge_count; i++)
        if (amount_add(rated->total, rated->charges[i].billed_cost, &rated->total))
            return charge_limit_fault(build->catalogue, rated->charges[i].tenant, rated->charges[i].sku, build->fault);
    return ERR_OK;
}

enum err charge_rate(const struct catalogue *catalogue, const struct agreement *agreement, const struct account_usage *usage, struct arena *arena,
                     struct rated *rated, struct fault *fault)
{
    struct build build = {.catalogue = catalogue, .agreement = agreement, .list = list_book(agreement->book), .usage = usage, .arena = arena, .fault = fault};
    enum err err = ERR_OK;
    build.exchange = catalogue_exchange(catalogue, agreement, usage->period_start);
    build.held = agreement_converts(agreement) && !build.exchange;
    for (size_t i = 0; i < usage->line_count && !err; i++) err = add_line(&build, &usage->lines[i]);
    struct charge_list list = {.zone = agreement->zone, .days = price_period_days(agreement->zone, usage->period_start, usage->period_end), .exchange = build.exchange, .arena = arena, .catalogue = catalogue, .fault = fault};
    struct stage_work work = {.catalogue = catalogue, .agreement = agreement, .usage = usage, .items = build.items, .item_count = build.item_count, .charges = &list, .arena = arena, .fault = fault};
    if (!err) err = stages_run(&work, true);
    if (!err) err = price_per_unit_rate(work.items, work.item_count, &list);
    if (!err) err = price_ladder_rate(work.items, work.item_count, &list);
    if (!err) err = stage_fee_run(&work);
    if (!err) err = stages_run(&work, false);
    if (err) return err;
    if (list.count) qsort(list.charges, list.count, sizeof *list.charges, charge_order);
    *rated = (struct rated){.charges = list.charges, .charge_count = list.count, .unpriced = build.unpriced, .unpriced_count = build.unpriced_count};
    return add_up(&build, rated);
}
