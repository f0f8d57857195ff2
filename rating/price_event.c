// SPDX-License-Identifier: Apache-2.0
// Percentages of every event: the events of a version's items in the order of (time, id), each for itself, after the
// events of the period that earlier versions priced.
#include <stdlib.h>

#include "common/key_sort.h"
#include "rating/price.h"

static int id_order(const void *left, const void *right)
{
    const struct kept_event *a = left, *b = right;
    return hash128_compare(a->id, b->id);
}

// Which part of an event of this value is free, when it is the next one.
static bool event_is_paid(const struct price_event_fee *fee, const struct price_allowance *used, struct quantity value,
                          struct quantity *free)
{
    bool bounded = fee->free_events || fee->free_amount.nano;
    *free = QUANTITY_ZERO;
    if (!bounded || (fee->free_events && used->events >= fee->free_events)) return true;
    *free = value;
    if (!fee->free_amount.nano || value.nano <= fee->free_amount.nano - used->amount.nano) return false;
    free->nano = fee->free_amount.nano > used->amount.nano ? fee->free_amount.nano - used->amount.nano : 0;
    return true;
}

// What is due for the paid part of an event, in the prices' currency.
static enum err event_fee(const struct price_version *price, struct quantity paid, struct amount *due)
{
    const struct price_event_fee *fee = price->per_event;
    if (amount_of(paid, price->price, price->per, due) || amount_add(*due, fee->fixed, due)) {
        if (!fee->maximum.pico) return ERR_LIMIT;
        *due = fee->maximum; // which brings it back
    }
    if (amount_compare(*due, fee->minimum) < 0) *due = fee->minimum;
    if (fee->maximum.pico && amount_compare(*due, fee->maximum) > 0) *due = fee->maximum;
    return ERR_OK;
}

static enum err add_event(const struct price_version *price, const struct kept_event *event,
                          struct price_allowance *used, struct price_event_sum *sum)
{
    struct quantity free, paid;
    struct amount due = AMOUNT_ZERO;
    if (event_is_paid(price->per_event, used, event->value, &free)) {
        paid.nano = event->value.nano - free.nano;
        if (event_fee(price, paid, &due) || quantity_add(sum->paid, paid, &sum->paid)) return ERR_LIMIT;
    }
    used->events++;
    if (quantity_add(used->amount, event->value, &used->amount) || quantity_add(sum->free, free, &sum->free))
        return ERR_LIMIT;
    return amount_add(sum->due, due, &sum->due);
}

enum err price_events_rate(const struct price_item *items, size_t count, struct price_allowance *used,
                           struct price_event_sum *sum)
{
    size_t all = 0, filled = 0;
    for (size_t i = 0; i < count; i++)
        all += items[i].event_count;
    struct key_place *places = heap_alloc((2 * all + 1) * sizeof *places);
    for (size_t i = 0; i < count; i++)
        for (size_t e = 0; e < items[i].event_count; e++) // the sign bit turned, so that times before 1970 come first
            places[filled++] =
                (struct key_place){(uint64_t)items[i].events[e].time ^ UINT64_C(1) << 63, &items[i].events[e]};
    key_sort(places, places + all, all, id_order);
    enum err err = ERR_OK;
    *sum = (struct price_event_sum){0};
    for (size_t i = 0; i < all && !err; i++)
        err = add_event(items[0].price, places[i].place, used, sum);
    free(places);
    return err;
}
