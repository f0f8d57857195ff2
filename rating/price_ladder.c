// SPDX-License-Identifier: Apache-2.0
// Ladders of shared prices: the usage of all tenants of the account under one (SKU, book, match) is put in time order,
// and every price version climbs from where the one before ended. What a climb costs is its model's affair
// (price_table.c).
#include <stdlib.h>
#include <string.h>

#include "rating/price.h"

int price_ladder_order(const struct price_version *a, const struct price_version *b)
{
    if (a->sku != b->sku) return a->sku < b->sku ? -1 : 1;
    if (a->book != b->book) return a->book < b->book ? -1 : 1;
    int order = strcmp(a->match_text, b->match_text);
    return order ? order : strcmp(a->hours, b->hours);
}

static int item_order(const void *left, const void *right)
{
    const struct price_item *a = left, *b = right;
    int order = price_ladder_order(a->price, b->price);
    if (order) return order;
    if (a->segment != b->segment) return a->segment < b->segment ? -1 : 1;
    return (a->price->number > b->price->number) - (a->price->number < b->price->number);
}

void price_climb_charge(const struct price_climb *climb, size_t tier, struct quantity quantity, struct amount cost,
                        struct charge_list *list)
{
    if (quantity.nano == 0 && cost.pico == 0) return;
    *charge_list_add(list) = (struct charge){
        .sku = climb->price->sku,
        .price = climb->price->number,
        .tier = (int)tier,
        .stage = STAGE_USAGE,
        .quantity = quantity,
        .list_cost = cost,
        .contracted_cost = cost,
        .effective_cost = cost,
        .billed_cost = cost,
    };
}

size_t price_climb_tier(const struct price_climb *climb)
{
    size_t tier = 0;
    while (!climb->price->tiers[tier].last && quantity_compare(climb->reached, climb->price->tiers[tier].up_to) > 0)
        tier++;
    return tier;
}

// A charge of another stage than usage.
static void add_stage(const struct price_climb *climb, enum charge_stage stage, struct quantity quantity,
                      struct amount cost, struct charge_list *list)
{
    if (quantity.nano == 0 && cost.pico == 0) return;
    price_climb_charge(climb, 0, quantity, cost, list);
    list->charges[list->count - 1].stage = stage;
}

// --- one ladder

// A position as the version counts it: rounded, and less its free units.
static enum err charged(const struct price_version *price, struct quantity position, struct quantity *rounded,
                        struct quantity *left)
{
    *rounded = position;
    if (price->round_to.nano &&
        decimal_round_to(position.nano, price->round_to.nano, price->round_mode, &rounded->nano))
        return ERR_LIMIT;
    left->nano = quantity_compare(*rounded, price->free) <= 0 ? 0 : rounded->nano - price->free.nano;
    return ERR_OK;
}

// One version's part of the way, positions as they were used; its ways become positions as it counts them.
static enum err rate_climb(struct price_climb climb, struct price_way *ways, struct charge_list *list)
{
    struct quantity part, free = QUANTITY_ZERO;
    for (size_t i = 0; i < climb.way_count; i++) {
        struct quantity from, to;
        if (charged(climb.price, ways[i].from, &from, &ways[i].from) || charged(climb.price, ways[i].to, &to, &ways[i].to))
            return ERR_LIMIT;
        part.nano = (to.nano - from.nano) - (ways[i].to.nano - ways[i].from.nano);
        if (quantity_add(free, part, &free)) return ERR_LIMIT;
    }
    if (charged(climb.price, climb.from, &part, &climb.from) || charged(climb.price, climb.to, &part, &climb.to) ||
        charged(climb.price, climb.reached, &part, &climb.reached))
        return ERR_LIMIT;
    climb.ways = ways;
    add_stage(&climb, STAGE_FREE, free, AMOUNT_ZERO, list);
    return climb.reached.nano ? price_climbs[climb.price->model](&climb, list) : ERR_OK;
}

// What brings the charges from `first` on up or down to the limits of the version that was used last.
static enum err limit_spend(const struct price_climb *climb, size_t first, struct charge_list *list)
{
    const struct price_version *price = climb->price;
    struct amount total = AMOUNT_ZERO, least, most, change;
    for (size_t i = first; i < list->count; i++)
        if (amount_add(total, list->charges[i].billed_cost, &total)) return ERR_LIMIT;
    if (charge_list_flat(list, price->minimum_spend, &least) || charge_list_flat(list, price->maximum_spend, &most))
        return ERR_LIMIT;
    if (amount_compare(total, least) < 0) {
        if (amount_sub(least, total, &change)) return ERR_LIMIT;
        add_stage(climb, STAGE_MINIMUM_SPEND, QUANTITY_ZERO, change, list);
    } else if (price->maximum_spend.pico && amount_compare(total, most) > 0) {
        if (amount_sub(most, total, &change)) return ERR_LIMIT;
        add_stage(climb, STAGE_MAXIMUM_SPEND, QUANTITY_ZERO, change, list);
    }
    return ERR_OK;
}

// One version of every event: it takes no part of the ladder's positions but the way that it went.
static enum err rate_events(const struct price_climb *climb, const struct price_item *items, size_t count,
                            struct price_allowance *used, struct charge_list *list)
{
    struct price_event_sum sum;
    struct amount cost;
    if (price_events_rate(items, count, used, &sum) || charge_list_flat(list, sum.due, &cost)) return ERR_LIMIT;
    add_stage(climb, STAGE_FREE, sum.free, AMOUNT_ZERO, list);
    price_climb_charge(climb, 0, sum.paid, cost, list);
    return ERR_OK;
}

// Where a ladder has come to, item by item.
struct walk {
    const struct zone *zone;    // NULL: no version counts days
    struct quantity position;   // of the period
    int64_t day;                // of the item before, and what that day has come to
    struct quantity day_position;
    struct quantity peak;       // of the greatest day so far
};

static enum err walk_item(struct walk *walk, const struct price_item *item, bool first)
{
    if (quantity_add(walk->position, item->quantity, &walk->position)) return ERR_LIMIT;
    if (!walk->zone) return ERR_OK;
    int64_t day = price_day(walk->zone, item->segment);
    if (first || day != walk->day) walk->day_position = QUANTITY_ZERO;
    walk->day = day;
    if (quantity_add(walk->day_position, item->quantity, &walk->day_position)) return ERR_LIMIT;
    if (quantity_compare(walk->day_position, walk->peak) > 0) walk->peak = walk->day_position;
    return ERR_OK;
}

struct ways { struct price_way *way; size_t count, capacity; };

// The items from *at on that one version charges; *at is the first after them. Sets the climb's ends and its ways.
static enum err walk_version(struct walk *walk, const struct price_item *items, size_t count, size_t *at,
                             struct price_climb *climb, struct ways *ways, struct arena *arena)
{
    const bool daily = climb->price->daily;
    int64_t day = 0;
    climb->from = daily ? walk->peak : walk->position;
    ways->count = 0;
    for (; *at < count && items[*at].price == climb->price; ++*at) {
        const struct quantity position = walk->position;
        if (walk_item(walk, &items[*at], *at == 0)) return ERR_LIMIT;
        if (ways->count == 0 || (daily && walk->day != day)) {
            ways->way = arena_grow(arena, ways->way, sizeof *ways->way, ways->count, &ways->capacity);
            ways->way[ways->count++].from.nano =
                daily ? walk->day_position.nano - items[*at].quantity.nano : position.nano;
        }
        ways->way[ways->count - 1].to = daily ? walk->day_position : walk->position;
        day = walk->day;
    }
    climb->to = daily ? walk->peak : walk->position;
    climb->way_count = ways->count;
    climb->last = *at == count;
    return ERR_OK;
}

// Items of one ladder, in time order, none of them without usage: consecutive segments of the same version climb as one.
static enum err rate_ladder(const struct price_item *items, size_t count, struct charge_list *list)
{
    struct price_climb climb = {.price = items->price};
    struct walk whole = {.zone = NULL}, walk;
    struct ways ways = {.count = 0};
    struct price_allowance used = {0};
    size_t first = list->count;
    for (size_t i = 0; i < count; i++)
        if (items[i].price->daily) whole.zone = list->zone;
    walk = whole;
    for (size_t i = 0; i < count; i++)
        if (walk_item(&whole, &items[i], i == 0)) return ERR_LIMIT;
    for (size_t i = 0; i < count;) {
        const struct price_item *begin = &items[i];
        climb.price = items[i].price;
        climb.reached = climb.price->daily ? whole.peak : whole.position;
        climb.days = climb.price->daily == PRICE_DAILY_SHARE ? list->days : 1;
        if (walk_version(&walk, items, count, &i, &climb, &ways, list->arena)) return ERR_LIMIT;
        const size_t part = (size_t)(&items[i] - begin);
        if (climb.price->per_event ? rate_events(&climb, begin, part, &used, list) : rate_climb(climb, ways.way, list))
            return ERR_LIMIT;
    }
    return limit_spend(&climb, first, list);
}

// --- all ladders

// Moves the items of shared prices to the front. Usage of nothing is none: it neither begins a version nor makes a fee
// due; but an event of nothing owes its fee.
static size_t shared_first(struct price_item *items, size_t count)
{
    size_t shared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!price_climbs[items[i].price->model] || (items[i].quantity.nano == 0 && !items[i].event_count)) continue;
        struct price_item item = items[i];
        items[i] = items[shared];
        items[shared++] = item;
    }
    return shared;
}

enum err price_ladder_rate(struct price_item *items, size_t count, struct charge_list *list)
{
    count = shared_first(items, count);
    if (count) qsort(items, count, sizeof *items, item_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && price_ladder_order(items[from].price, items[to].price) == 0;)
            to++;
        if (rate_ladder(&items[from], to - from, list))
            return charge_limit_fault(list->catalogue, items[from].tenant, items[from].sku, list->fault);
    }
    return ERR_OK;
}
