// SPDX-License-Identifier: Apache-2.0
// Which usage a reservation covers, hour by hour, and what of its cost falls on whom.
#include "rating/reservation.h"

#include <stdlib.h>

static const int128 UNIT = 1000000000; // a quantity of one

static int use_order(const void *left, const void *right)
{
    const struct reservation_use *a = left, *b = right;
    if (a->start != b->start) return a->start < b->start ? -1 : 1;
    int order = quantity_compare(a->units, b->units);
    return order ? order : (a->rank > b->rank) - (a->rank < b->rank);
}

// METER units x size units of a window, at 1e-18.
static enum err entitlement(const struct reservation *reservation, instant_us start, instant_us end, int128 *units)
{
    int128 rate;
    enum err err = decimal_mul_div(reservation->units.nano, reservation->per.nano, 1, ROUND_DOWN, &rate);
    if (!err) err = decimal_mul_div(rate, reservation->instances, 1, ROUND_DOWN, &rate);
    return err ? err : commitment_accrue(rate, reservation->fee.from, start, end, units);
}

// A window while it is served.
struct window {
    int128 entitled, taken;
    struct amount cost, spent;
};

static enum err serve(struct window *window, struct reservation_use *use)
{
    int128 wanted, left = window->entitled - window->taken, spent;
    enum err err = decimal_mul_div(use->quantity.nano, use->units.nano, 1, ROUND_DOWN, &wanted);
    if (err || left == 0 || wanted == 0) return err;
    if (wanted <= left) {
        use->covered = use->quantity;
        window->taken += wanted;
    } else {
        err = decimal_mul_div(left, 1, use->units.nano, ROUND_HALF_UP, &use->covered.nano);
        if (use->covered.nano > use->quantity.nano) use->covered = use->quantity;
        if (err || use->covered.nano == 0) return err;
        window->taken = window->entitled;
    }
    if (!err) err = decimal_mul_div(window->cost.pico, window->taken, window->entitled, ROUND_HALF_UP, &spent);
    if (err) return err;
    use->cost.pico = spent - window->spent.pico;
    window->spent.pico = spent;
    return ERR_OK;
}

// The uses of one window, by size and rank; owner's: those of the owner, else those of all others.
static enum err serve_some(const struct reservation *reservation, bool owners, struct window *window,
                           struct reservation_use *uses, size_t count, size_t *item)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < count && !err; i++) {
        if ((uses[i].tenant == reservation->owner) != owners) continue;
        uses[i].covered = QUANTITY_ZERO;
        uses[i].cost = AMOUNT_ZERO;
        err = serve(window, &uses[i]);
        *item = uses[i].item;
    }
    return err;
}

enum err reservation_cover(const struct reservation *reservation, struct reservation_use *uses, size_t count,
                           struct reservation_sum *sum, size_t *item)
{
    *sum = (struct reservation_sum){0};
    *item = count ? uses[0].item : 0;
    if (count) qsort(uses, count, sizeof *uses, use_order);
    for (size_t from = 0, to; from < count; from = to) {
        struct window window = {0};
        struct commitment_share share;
        *item = uses[from].item;
        for (to = from + 1; to < count && uses[to].start == uses[from].start;)
            to++;
        enum err err = entitlement(reservation, uses[from].start, uses[from].end, &window.entitled);
        if (!err) err = commitment_share_of(&reservation->fee, uses[from].start, uses[from].end, &share);
        if (err) return err;
        window.cost = share.cost;
        err = serve_some(reservation, true, &window, &uses[from], to - from, item);
        if (!err) err = serve_some(reservation, false, &window, &uses[from], to - from, item);
        if (!err) err = decimal_add(sum->used, window.taken, &sum->used);
        if (!err) err = amount_add(sum->cost, window.spent, &sum->cost);
        if (err) return err;
    }
    return ERR_OK;
}

enum err reservation_rest_of(const struct reservation *reservation, instant_us start, instant_us end,
                             const struct reservation_sum *sum, struct reservation_rest *rest)
{
    struct commitment_share share;
    int128 entitled = 0, whole;
    *rest = (struct reservation_rest){0};
    enum err err = commitment_share_of(&reservation->fee, start, end, &share);
    if (start < reservation->fee.from) start = reservation->fee.from;
    if (end > reservation->fee.to) end = reservation->fee.to;
    if (!err && start < end) err = entitlement(reservation, start, end, &entitled);
    if (!err) err = decimal_mul_div(entitled, 1, UNIT, ROUND_HALF_UP, &whole);
    if (!err) err = decimal_mul_div(sum->used, 1, UNIT, ROUND_HALF_UP, &rest->used.nano);
    if (!err) err = decimal_sub(whole, rest->used.nano, &rest->unused.nano);
    return err ? err : amount_sub(share.cost, sum->cost, &rest->unused_cost);
}
