// SPDX-License-Identifier: Apache-2.0
// Effects sorted by what they are about, so that a million periods are looked up, not compared with each effect.
#include "catalogue/touch.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"

enum { CHAIN_MAX = 8 }; // levels of partners

static int compare_prices(const void *a, const void *b)
{
    const struct plan_effect *x = a, *y = b;
    if (x->book != y->book) return COMPARE(x->book, y->book);
    if (x->meter != y->meter) return COMPARE(x->meter, y->meter);
    if (x->from != y->from) return COMPARE(x->from, y->from);
    return COMPARE(x->to, y->to);
}

static int compare_accounts(const void *a, const void *b)
{
    const struct plan_effect *x = a, *y = b;
    if (x->account != y->account) return COMPARE(x->account, y->account);
    if (x->tenant != y->tenant) return COMPARE(x->tenant, y->tenant);
    return COMPARE(x->from, y->from);
}

static int compare_rates(const void *a, const void *b)
{
    const struct plan_effect *x = a, *y = b;
    int order = strcmp(x->currency, y->currency);
    if (!order) order = strcmp(x->into, y->into);
    return order ? order : COMPARE(x->from, y->from);
}

static size_t drop_repeated(struct plan_effect *prices, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || compare_prices(&prices[kept - 1], &prices[i]) != 0) prices[kept++] = prices[i];
    return kept;
}

// The account through which the seller of an account buys; 0: the operator sells.
static int64_t account_above(const struct catalogue *catalogue, int64_t account)
{
    const struct agreement *terms = catalogue_agreement(catalogue, account, INSTANT_MIN);
    return terms ? terms->seller->account : 0;
}

static void add_accounts(struct touch *touch, struct arena *arena, const struct plan_effect *effect, size_t *capacity)
{
    int64_t account = effect->account;
    for (int level = 0; level < CHAIN_MAX && account != 0; level++) {
        touch->accounts = arena_grow(arena, touch->accounts, sizeof *touch->accounts, touch->account_count, capacity);
        touch->accounts[touch->account_count] = *effect;
        touch->accounts[touch->account_count++].account = account;
        if (effect->kind != EFFECT_MEMBER) return; // a partner buys by its own terms
        account = account_above(touch->catalogue, account);
    }
}

void touch_prepare(struct touch *touch, struct arena *arena, const struct catalogue *catalogue,
                   const struct plan_effect *effects, size_t count)
{
    *touch = (struct touch){
        .catalogue = catalogue,
        .prices = ARENA_ARRAY(arena, struct plan_effect, count + 1),
        .rates = ARENA_ARRAY(arena, struct plan_effect, count + 1),
    };
    size_t capacity = 0;
    for (size_t i = 0; i < count; i++) {
        if (effects[i].kind == EFFECT_PRICE)
            touch->prices[touch->price_count++] = effects[i];
        else if (effects[i].kind == EFFECT_RATE)
            touch->rates[touch->rate_count++] = effects[i];
        else
            add_accounts(touch, arena, &effects[i], &capacity);
    }
    qsort(touch->prices, touch->price_count, sizeof *touch->prices, compare_prices);
    qsort(touch->rates, touch->rate_count, sizeof *touch->rates, compare_rates);
    if (touch->account_count > 0)
        qsort(touch->accounts, touch->account_count, sizeof *touch->accounts, compare_accounts);
    touch->price_count = drop_repeated(touch->prices, touch->price_count);
    touch->price_counted = ARENA_ARRAY(arena, bool, touch->price_count + 1);
    touch->account_counted = ARENA_ARRAY(arena, bool, touch->account_count + 1);
    memset(touch->price_counted, true, touch->price_count);
    memset(touch->account_counted, true, touch->account_count);
}

// --- looking up

static const struct plan_effect *find_price(const struct touch *touch, int32_t book, const struct touch_period *period,
                                            const bool *only)
{
    size_t low = 0, high = touch->price_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (touch->prices[middle].book < book)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < touch->price_count && touch->prices[low].book == book; low++) {
        const struct plan_effect *effect = &touch->prices[low];
        if (effect->from < period->end && effect->to > period->start && (!only || only[low])) return effect;
    }
    return NULL;
}

static bool account_touched(const struct plan_effect *effect, const struct touch_period *period)
{
    if (effect->kind == EFFECT_TERMS) return period->start >= effect->from && period->start < effect->to;
    return effect->from < period->end && effect->to > period->start;
}

static size_t first_account(const struct touch *touch, int64_t account)
{
    size_t low = 0, high = touch->account_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (touch->accounts[middle].account < account)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool at_account(const struct touch *touch, size_t index, int64_t account)
{
    return index < touch->account_count && touch->accounts[index].account == account;
}

const struct plan_effect *touch_find_rate(const struct touch *touch, const struct touch_period *period)
{
    const struct agreement *terms = catalogue_agreement(touch->catalogue, period->account, period->start);
    if (touch->rate_count == 0 || !terms || !agreement_converts(terms)) return NULL;
    const struct plan_effect wanted = {
        .currency = terms->book->currency.code, .into = terms->currency.code, .from = period->start};
    size_t low = 0, high = touch->rate_count;
    while (low < high) { // the last one that begins at or before the period
        size_t middle = low + (high - low) / 2;
        if (compare_rates(&touch->rates[middle], &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct plan_effect *effect = low > 0 ? &touch->rates[low - 1] : NULL;
    if (!effect || strcmp(effect->currency, wanted.currency) != 0 || strcmp(effect->into, wanted.into) != 0) return NULL;
    return period->start < effect->to ? effect : NULL;
}

const struct plan_effect *touch_find(const struct touch *touch, const struct touch_period *period, const bool *only)
{
    const struct agreement *terms = catalogue_agreement(touch->catalogue, period->account, period->start);
    for (const struct price_book *book = terms ? terms->book : NULL; book; book = book->parent) {
        const struct plan_effect *effect = find_price(touch, book->number, period, only);
        if (effect) return effect;
    }
    for (size_t i = first_account(touch, period->account); at_account(touch, i, period->account); i++)
        if (account_touched(&touch->accounts[i], period) && (!only || touch->account_counted[i]))
            return &touch->accounts[i];
    return only ? NULL : touch_find_rate(touch, period);
}

const struct plan_effect *touch_find_zone(const struct touch *touch, const struct touch_period *period)
{
    const struct agreement *terms = catalogue_agreement(touch->catalogue, period->account, period->start);
    int year, month;
    instant_us start, end;
    if (!terms) return NULL;
    zone_month_of(terms->zone, period->start, &year, &month);
    zone_month(terms->zone, year, month, &start, &end);
    if (start == period->start && end == period->end) return NULL;
    for (size_t i = first_account(touch, period->account); at_account(touch, i, period->account); i++)
        if (touch->accounts[i].kind == EFFECT_TERMS && touch->accounts[i].from < period->end &&
            touch->accounts[i].to > period->start)
            return &touch->accounts[i];
    return NULL;
}
