// SPDX-License-Identifier: Apache-2.0
// Which prices of one match have hours that contradict each other.
#include <string.h>

#include "catalogue/plan_price.h"
#include "catalogue/price_window.h"

static bool is_timed(const struct plan_price *price)
{
    return price->row->hours && *price->row->hours && !price->row->withdrawn;
}

static void compare(struct plan *plan, const struct plan_price *a, const struct price_window *window,
                    const struct plan_price *b, const struct price_window *other)
{
    if (a->row->effective_from >= b->to || b->row->effective_from >= a->to || (!a->node && !b->node)) return;
    if (strcmp(a->row->hours, b->row->hours) == 0) return; // versions of one price: told elsewhere
    bool zones = window->zone != other->zone;
    if (!zones && !price_windows_overlap(window, other)) return;
    const struct plan_price *later = b->node ? b : a, *earlier = later == a ? b : a;
    if (a->node && b->node && a->index > b->index) later = a, earlier = b;
    const char *where = earlier->node ? arena_print(plan->arena, "at %s", plan_place(plan, earlier->node))
                                      : arena_print(plan->arena, "in force since catalogue version %lld",
                                                    (long long)earlier->row->version);
    const char *what = zones ? "the windows of one match are in one zone: the other one is"
                             : "the window of this price overlaps that of one that is";
    if (earlier->node)
        file_error(plan->errors, later->node, "%s %s (%s)", what, where, earlier->row->hours);
    else
        file_conflict(plan->errors, later->node, "%s %s (%s)", what, where, earlier->row->hours);
}

void plan_price_windows(struct plan *plan, const struct plan_price *prices, size_t count)
{
    size_t timed = 0;
    for (size_t i = 0; i < count; i++)
        timed += is_timed(&prices[i]);
    if (timed < 2) return;
    struct price_window *windows = ARENA_ARRAY(plan->arena, struct price_window, count);
    for (size_t i = 0; i < count; i++) {
        struct fault fault = {0};
        if (!is_timed(&prices[i])) continue;
        if (price_window_read(plan->arena, prices[i].row->hours, &windows[i], &fault)) {
            file_error(plan->errors, prices[i].node, "%s", fault.reason);
            return;
        }
        for (size_t j = 0; j < i; j++)
            if (is_timed(&prices[j])) compare(plan, &prices[j], &windows[j], &prices[i], &windows[i]);
    }
}
