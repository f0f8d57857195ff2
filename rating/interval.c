// SPDX-License-Identifier: Apache-2.0
// From state changes of one resource to usage: pure. Owns what an interval does at period, price and cut ends, at a
// resize, and when events come twice or in the wrong order. Called by the usage loader, tested by tables.
#include <stdlib.h>

#include "rating/usage.h"

struct walk {
    const struct interval_window *window;
    usage_emit *emit;
    void *context;
    struct fault *fault;
};

static int identity_order(const struct transition *a, const struct transition *b)
{
    if (a->event_id.high != b->event_id.high) return a->event_id.high < b->event_id.high ? -1 : 1;
    if (a->event_id.low != b->event_id.low) return a->event_id.low < b->event_id.low ? -1 : 1;
    return 0;
}

static int time_order(const void *left, const void *right)
{
    const struct transition *a = left, *b = right;
    if (a->event_time != b->event_time) return a->event_time < b->event_time ? -1 : 1;
    return identity_order(a, b);
}

static int starts_first(const void *left, const void *right)
{
    const struct transition *a = left, *b = right;
    if (a->running != b->running) return a->running ? -1 : 1;
    return identity_order(a, b);
}

static int stops_first(const void *left, const void *right)
{
    const struct transition *a = left, *b = right;
    if (a->running != b->running) return a->running ? 1 : -1;
    return identity_order(a, b);
}

// By time. Of one instant, what changes the state that was there before comes first: a resource that is made and deleted
// in one instant is off after it (by identity alone it would run for ever, every other time), one that is stopped and
// started again runs on.
static void sort_transitions(struct transition *transitions, size_t count)
{
    bool running = false;
    if (count) qsort(transitions, count, sizeof *transitions, time_order);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && transitions[to].event_time == transitions[from].event_time;) to++;
        if (to - from > 1) qsort(transitions + from, to - from, sizeof *transitions, running ? stops_first : starts_first);
        running = transitions[to - 1].running;
    }
}

// How many boundaries are at or before an instant: prices of some hours of the day have thousands.
static size_t boundaries_until(const struct interval_window *window, instant_us instant)
{
    size_t low = 0, high = window->boundary_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (window->boundaries[middle] <= instant) low = middle + 1;
        else high = middle;
    }
    return low;
}

static instant_us segment_of(const struct interval_window *window, instant_us instant)
{
    size_t passed = boundaries_until(window, instant);
    return passed ? window->boundaries[passed - 1] : window->segment_zero;
}

// End of the piece that begins at `start`: the next boundary, or `stop`.
static instant_us piece_end(const struct interval_window *window, instant_us start, instant_us stop)
{
    size_t passed = boundaries_until(window, start);
    return passed < window->boundary_count && window->boundaries[passed] < stop ? window->boundaries[passed] : stop;
}

// What `stretch` accrues from its first instant to `until`, rounded once: differences of it telescope.
static enum err accrued_until(const struct walk *walk, const struct transition *stretch, instant_us until, struct quantity *accrued)
{
    enum err err = quantity_over_time(stretch->value, until - stretch->event_time, accrued);
    return err ? fault_set(walk->fault, err, "", "the quantity of a running resource leaves the range of exact numbers") : ERR_OK;
}

static enum err emit_stretch(const struct walk *walk, const struct transition *stretch, instant_us until)
{
    const struct interval_window *window = walk->window;
    instant_us stop = until < window->cut_end ? until : window->cut_end;
    if (stop > window->to) stop = window->to;
    instant_us start = stretch->event_time > window->from ? stretch->event_time : window->from;
    struct quantity before, after;
    if (start >= stop) return ERR_OK;
    enum err err = accrued_until(walk, stretch, start, &before);
    while (!err && start < stop) {
        instant_us end = piece_end(window, start, stop);
        struct usage_line line = {.kind = USAGE_QUANTITY, .dimension_set = stretch->dimension_set, .segment = segment_of(window, start)};
        if ((err = accrued_until(walk, stretch, end, &after))) break;
        if ((err = quantity_sub(after, before, &line.quantity))) break;
        err = walk->emit(walk->context, &line);
        before = after;
        start = end;
    }
    return err;
}

static enum err emit_run(const struct walk *walk, instant_us run_start, const struct transition *stretch, instant_us run_end)
{
    instant_us last = run_end > run_start ? run_end - 1 : run_start;
    if (run_end > walk->window->cut_end) return ERR_OK;
    if (last < walk->window->from || last >= walk->window->to) return ERR_OK;
    struct usage_line line = {.kind = USAGE_RUN, .dimension_set = stretch->dimension_set, .segment = segment_of(walk->window, last),
                              .run_us = run_end - run_start, .run_value = stretch->value};
    return walk->emit(walk->context, &line);
}

static bool same_stretch(const struct transition *a, const struct transition *b)
{
    return a->value.nano == b->value.nano && hash128_equal(a->dimension_set, b->dimension_set);
}

enum err interval_derive(struct transition *transitions, size_t count, const struct interval_window *window, usage_emit *emit, void *context,
                         struct fault *fault)
{
    const struct walk walk = {window, emit, context, fault};
    const struct transition *stretch = NULL; // what runs now; NULL: nothing
    instant_us run_start = 0;
    enum err err = ERR_OK;
    sort_transitions(transitions, count);
    for (size_t i = 0; i < count && !err; i++) {
        const struct transition *next = &transitions[i];
        if (next->event_time > window->cut_end) break; // known, but above the cut: clipped by it
        if (!stretch) {
            if (next->running) run_start = next->event_time, stretch = next;
            continue;
        }
        if (next->running && same_stretch(stretch, next)) continue;
        err = emit_stretch(&walk, stretch, next->event_time);
        if (!err && !next->running) err = emit_run(&walk, run_start, stretch, next->event_time);
        stretch = next->running ? next : NULL;
    }
    return !err && stretch ? emit_stretch(&walk, stretch, window->cut_end) : err;
}
