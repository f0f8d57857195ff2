// SPDX-License-Identifier: Apache-2.0
// Where the usage of a period is split: at changes of prices, at midnights where a price counts days, where something that is held begins or ends, and at clock hours where the contract has a commitment.
// Only accounts that have one pay for the finer split. Pure.
#include <stdlib.h>
#include <string.h>

#include "catalogue/contract_commitment.h"
#include "catalogue/offer_form.h"
#include "rating/charge.h"

struct split {
    instant_us start, end; // of the period
    instant_us *instants;
    size_t count, capacity;
    struct arena *arena;
};

static int instant_order(const void *left, const void *right)
{
    const instant_us a = *(const instant_us *)left, b = *(const instant_us *)right;
    return (a > b) - (a < b);
}

static void add(struct split *split, instant_us instant)
{
    if (instant <= split->start || instant >= split->end) return;
    split->instants =
        arena_grow(split->arena, split->instants, sizeof *split->instants, split->count, &split->capacity);
    split->instants[split->count++] = instant;
}

static void add_midnights(struct split *split, const struct zone *zone)
{
    struct civil civil;
    instant_us midnight = split->start;
    zone_civil(zone, split->start, &civil);
    for (civil = (struct civil){.year = civil.year, .month = civil.month, .day = civil.day}; midnight < split->end;
         civil.day++) {
        midnight = zone_instant(zone, &civil);
        add(split, midnight);
    }
}

// The term's own bounds, and the hours between them.
static void add_hours(struct split *split, instant_us begin, instant_us end)
{
    instant_us from = begin > split->start ? begin : split->start;
    instant_us to = end < split->end ? end : split->end;
    if (from >= to) return;
    add(split, from);
    for (instant_us hour = instant_floor(from, HOUR_US) + HOUR_US; hour < to; hour += HOUR_US)
        add(split, hour);
    add(split, to);
}

static void add_book(struct split *split, const struct catalogue *catalogue, const struct price_book *book)
{
    instant_us *changes;
    size_t count = catalogue_price_changes(catalogue, book, split->start, split->end, split->arena, &changes);
    for (size_t i = 0; i < count; i++)
        add(split, changes[i]);
}

static void sort_unique(struct split *split)
{
    size_t kept = 0;
    if (split->count) qsort(split->instants, split->count, sizeof *split->instants, instant_order);
    for (size_t i = 0; i < split->count; i++)
        if (kept == 0 || split->instants[kept - 1] != split->instants[i]) split->instants[kept++] = split->instants[i];
    split->count = kept;
}

size_t charge_boundaries(const struct catalogue *catalogue, const struct agreement *agreement, instant_us start,
                         instant_us end, struct arena *arena, instant_us **boundaries)
{
    const struct contract *contract = agreement->contract;
    struct split split = {.start = start, .end = end, .arena = arena};
    size_t holding_count;
    const struct holding *holdings = catalogue_holdings(catalogue, agreement->account->number, &holding_count);
    bool daily = catalogue_price_daily(catalogue, agreement->book);
    if (contract->reservation_count == 0 && contract->plan_count == 0 && holding_count == 0 && !daily)
        return catalogue_price_changes(catalogue, agreement->book, start, end, arena, boundaries);
    add_book(&split, catalogue, agreement->book);
    if (daily) add_midnights(&split, agreement->zone);
    for (size_t i = 0; i < contract->reservation_count; i++)
        add_hours(&split, contract->reservations[i].base.from, contract->reservations[i].base.to);
    for (size_t i = 0; i < contract->plan_count; i++) {
        const struct contract_plan *plan = &contract->plans[i];
        add_hours(&split, plan->base.from, plan->base.to);
        if (plan->book && plan->base.from < end && plan->base.to > start) add_book(&split, catalogue, plan->book);
    }
    for (size_t i = 0; i < holding_count; i++) {
        add(&split, holdings[i].from);
        add(&split, holdings[i].to);
        if (offer_forms[holdings[i].offer->kind].hourly) add_hours(&split, holdings[i].from, holdings[i].to);
    }
    sort_unique(&split);
    *boundaries = split.instants;
    return split.count;
}
