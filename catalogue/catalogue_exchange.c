// SPDX-License-Identifier: Apache-2.0
// Exchange rates: what one unit of a currency is in another, by the start of billing periods. A rate is for the one
// direction that it names; none is turned round or chained, since a quotient is not exact.
#include <stdio.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"

int exchange_key_order(const struct exchange_row *a, const struct exchange_row *b)
{
    int order = strcmp(text_or_empty(a->from), text_or_empty(b->from));
    if (!order) order = strcmp(text_or_empty(a->to), text_or_empty(b->to));
    return order ? order : COMPARE(a->effective_from, b->effective_from);
}

int exchange_order(const void *a, const void *b)
{
    int order = exchange_key_order(a, b);
    return order ? order : COMPARE(((const struct exchange_row *)a)->version, ((const struct exchange_row *)b)->version);
}

static bool same_key(const void *a, const void *b)
{
    return exchange_key_order(a, b) == 0;
}

static enum err check_row(const struct catalogue *catalogue, const struct exchange_row *row, struct fault *fault)
{
    const char *codes[] = {text_or_empty(row->from), text_or_empty(row->to)};
    char id[2 * VIRTUAL_CODE_MAX + 8];
    snprintf(id, sizeof id, "%.16s to %.16s", codes[0], codes[1]);
    for (size_t i = 0; i < 2; i++) {
        struct currency currency;
        struct fault inner = {0};
        if (i == 0 ? catalogue_currency(catalogue, codes[i], &currency, &inner)
                   : currency_find(codes[i], &currency, &inner))
            return row_fault(fault, "exchange_rate", id, "currency %.16s: %s", codes[i], inner.reason);
    }
    if (strcmp(codes[0], codes[1]) == 0) return row_fault(fault, "exchange_rate", id, "a currency has no rate to itself");
    if (row->rate.pico <= 0) return row_fault(fault, "exchange_rate", id, "the rate is not above 0");
    if (!instant_on_slot_bound(row->effective_from))
        return row_fault(fault, "exchange_rate", id, "it does not begin on a 15-minute bound");
    return ERR_OK;
}

enum err catalogue_build_exchanges(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct exchange_row *row = rows->exchanges.row;
    rows_sort(row, rows->exchanges.count, sizeof *row, exchange_order);
    size_t count = rows->exchanges.count = rows_keep_newest(row, rows->exchanges.count, sizeof *row, same_key);
    catalogue->exchanges = ARENA_ARRAY(catalogue->arena, struct exchange_rate, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = check_row(catalogue, &row[i], fault);
        if (err) return err;
        struct exchange_rate *rate = &catalogue->exchanges[i];
        *rate = (struct exchange_rate){.from = row[i].from,
                                       .to = row[i].to,
                                       .effective_from = row[i].effective_from,
                                       .effective_to = INSTANT_MAX,
                                       .rate = row[i].rate,
                                       .source = row[i].source};
        if (i > 0 && strcmp(rate[-1].from, rate->from) == 0 && strcmp(rate[-1].to, rate->to) == 0)
            rate[-1].effective_to = rate->effective_from;
    }
    catalogue->exchange_count = count;
    return ERR_OK;
}

// --- looking up

// How many rates stand at or before a key.
static size_t place_of(const struct catalogue *catalogue, const char *from, const char *to, instant_us at)
{
    size_t low = 0, high = catalogue->exchange_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct exchange_rate *rate = &catalogue->exchanges[middle];
        int order = strcmp(rate->from, from);
        if (!order) order = strcmp(rate->to, to);
        if (!order) order = COMPARE(rate->effective_from, at);
        if (order <= 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static const struct exchange_rate *rate_at(const struct catalogue *catalogue, const char *from, const char *to,
                                           instant_us at)
{
    const size_t place = place_of(catalogue, from, to, at);
    const struct exchange_rate *rate = place ? &catalogue->exchanges[place - 1] : NULL;
    return rate && strcmp(rate->from, from) == 0 && strcmp(rate->to, to) == 0 ? rate : NULL;
}

bool catalogue_exchange_known(const struct catalogue *catalogue, const char *from, const char *to)
{
    return rate_at(catalogue, from, to, INSTANT_MAX) != NULL;
}

bool agreement_converts(const struct agreement *agreement)
{
    return strcmp(agreement->book->currency.code, agreement->currency.code) != 0;
}

const struct exchange_rate *catalogue_exchange(const struct catalogue *catalogue, const struct agreement *agreement,
                                               instant_us period_start)
{
    if (!agreement_converts(agreement)) return NULL;
    return rate_at(catalogue, agreement->book->currency.code, agreement->currency.code, period_start);
}
