// SPDX-License-Identifier: Apache-2.0
// Versions of meters. A version never changes; a further one begins after all that was counted, because counting again
// what the earlier version counted (rules 3.5: a recount) is not built.
#include <stdlib.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/plan.h"

enum { MARGIN_SECONDS = 60 };

// --- comparing

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

// Lists without repetitions; their order means nothing.
static bool same_names(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
    for (size_t i = 0; i < a_count; i++)
        if (!has_name(b, b_count, a[i])) return false;
    return a_count == b_count;
}

static bool same_worth(const struct meter_row *a, const struct meter_row *b)
{
    const struct event_fee *x = &a->fee, *y = &b->fee;
    return same_text(a->times_property, b->times_property) && a->has_fee == b->has_fee && x->rate.pico == y->rate.pico &&
           x->fixed.nano == y->fixed.nano && x->minimum.nano == y->minimum.nano && x->maximum.nano == y->maximum.nano;
}

// All but the name, which is for people, and what never changes anyway.
static bool same_terms(const struct meter_row *a, const struct meter_row *b)
{
    return same_worth(a, b) && same_text(a->value_property, b->value_property) &&
           same_text(a->resource_property, b->resource_property) &&
           same_text(a->state_property, b->state_property) && a->slot_minutes == b->slot_minutes &&
           a->accept_days == b->accept_days && a->future_seconds == b->future_seconds &&
           same_names(a->running_states, a->running_count, b->running_states, b->running_count) &&
           same_names(a->stopped_states, a->stopped_count, b->stopped_states, b->stopped_count) &&
           same_names(a->dimensions, a->dimension_count, b->dimensions, b->dimension_count);
}

static void check_fixed(struct plan *plan, const struct file_meter *meter, const struct meter_row *old)
{
    struct text differences = {0};
    const struct meter_row *new = &meter->row;
    plan_differs(&differences, "event_type", old->event_type, new->event_type);
    plan_differs(&differences, "aggregation", aggregation_forms[old->aggregation].name,
                 aggregation_forms[new->aggregation].name);
    plan_differs(&differences, "unit", old->unit, new->unit);
    plan_differs(&differences, "window", evaluation_windows[old->window], evaluation_windows[new->window]);
    plan_differs(&differences, "keep", old->keeps_events ? "events" : "nothing", new->keeps_events ? "events" : "nothing");
    if (differences.length > 0)
        file_conflict(plan->errors, meter->node,
                      "event_type, aggregation, unit, window and keep of meter %s never change: make a new meter%s",
                      new->id, differences.data);
    text_free(&differences);
}

// --- versions

instant_us plan_meter_bound(const struct plan *plan, const struct meter_row *meter, instant_us watermark)
{
    const struct catalogue_rows *existing = plan->existing;
    int future_seconds = meter->future_seconds;
    bool known = false;
    for (size_t i = 0; i < existing->meters.count; i++) {
        const struct meter_row *row = &existing->meters.row[i];
        if (strcmp(row->event_type, meter->event_type) != 0) continue;
        if (row->number == meter->number && row->effective_from == meter->effective_from)
            return INSTANT_NONE; // a new name
        known = true;
        if (row->future_seconds > future_seconds) future_seconds = row->future_seconds;
    }
    return known && watermark > INSTANT_MIN ? watermark + future_seconds * SECOND_US : INSTANT_NONE;
}

// A first version of a type that no meter took may reach back without limit: events of the type that came before lie in
// quarantine and are counted from there.
static void check_start(struct plan *plan, const struct file_meter *meter)
{
    const struct meter_row *new = &meter->row;
    instant_us counted = plan_meter_bound(plan, new, plan->watermark), bound = counted + MARGIN_SECONDS * SECOND_US;
    if (counted == INSTANT_NONE || new->effective_from > bound) return;
    file_conflict(
        plan->errors, meter->node,
        "a back-dated meter is a recount, which is not built: events of type %s are being counted, so this version "
        "of meter %s takes effect after %s (highest received time + future allowance + %d s) at the earliest",
        new->event_type, new->id, plan_instant(plan, bound), MARGIN_SECONDS);
}

static void add_version(struct plan *plan, const struct meter_row *new, int64_t number)
{
    struct meter_row *row = ROW_NEW(&plan->added.meters);
    *row = *new;
    row->number = (int32_t)number;
    row->version = plan->version;
}

// The row in force that begins at the same instant; NULL if there is none.
static const struct meter_row *find_version(const struct plan *plan, int64_t number, instant_us from)
{
    const struct meter_row *found = NULL;
    for (size_t i = 0; i < plan->existing->meters.count; i++) {
        const struct meter_row *row = &plan->existing->meters.row[i];
        if (row->number == number && row->effective_from == from && (!found || row->version > found->version))
            found = row;
    }
    return found;
}

static void change_version(struct plan *plan, const struct file_meter *meter, const struct meter_row *old)
{
    struct text differences = {0};
    if (!same_terms(old, &meter->row))
        file_conflict(
            plan->errors, meter->node,
            "the version of meter %s from %s is in force since catalogue version %lld and never changes: give a "
            "further version with an effective_from of its own",
            old->id, plan_instant(plan, old->effective_from), (long long)old->version);
    else if (plan_differs(&differences, "name", old->name, meter->row.name)) {
        add_version(plan, &meter->row, old->number);
        plan_change(plan, false, "meter", "%s%s", old->id, differences.data);
    }
    text_free(&differences);
}

// An earlier declaration of the same meter; of the same instant if `same_start`.
static const struct file_meter *find_earlier(const struct plan *plan, size_t index, bool same_start)
{
    const struct file_meter *meters = plan->files->meters.row, *meter = &meters[index];
    for (size_t i = 0; i < index; i++) {
        if (!meters[i].row.id || !meters[i].valid || strcmp(meters[i].row.id, meter->row.id) != 0) continue;
        if (!same_start || meters[i].row.effective_from == meter->row.effective_from) return &meters[i];
    }
    return NULL;
}

static void plan_meter(struct plan *plan, size_t index)
{
    const struct file_meter *meter = &plan->files->meters.row[index];
    struct plan_thing *thing = plan_index_declare(&plan->meters, meter->row.id, meter->node);
    if (!meter->valid) return;
    if (thing->node != meter->node) {
        const struct file_meter *twin = find_earlier(plan, index, true), *first = find_earlier(plan, index, false);
        if (twin) {
            file_error(plan->errors, meter->node, "meter '%s' is declared twice from %s, first at %s", meter->row.id,
                       plan_instant(plan, meter->row.effective_from), plan_place(plan, twin->node));
            return;
        }
        if (first) check_fixed(plan, meter, &first->row);
    }
    if (thing->existing != PLAN_NONE) check_fixed(plan, meter, &plan->existing->meters.row[thing->existing]);
    const struct meter_row *old = find_version(plan, thing->number, meter->row.effective_from);
    if (old) {
        change_version(plan, meter, old);
        return;
    }
    check_start(plan, meter);
    add_version(plan, &meter->row, thing->number);
    plan_change(plan, true, "meter", "%s %s of %s in %s, from %s", meter->row.id, aggregation_forms[meter->row.aggregation].name,
                meter->row.event_type, meter->row.unit, plan_instant(plan, meter->row.effective_from));
}

void plan_meters(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->meters.count; i++)
        if (plan->files->meters.row[i].row.id) plan_meter(plan, i);
}
