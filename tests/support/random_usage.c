// SPDX-License-Identifier: Apache-2.0
// Events of a few tenants and what a reader makes of them. Aborts where the engine's functions fail: the quantities are
// far from every limit.
#include "tests/support/random_usage.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/dimension_set.h"
#include "rating/usage_event.h"

// --- events

static struct hash128 dimension_of(struct random_usage *usage, struct dice *dice, const struct random_meter *meter)
{
    char text[64];
    const bool size = meter->size && dice_percent(dice, 85), region = meter->region && dice_percent(dice, 85);
    snprintf(text, sizeof text, "{%s%s%s%s%s%s%s}", region ? "\"region\":\"" : "",
             region ? DICE_PICK(dice, random_regions) : "", region ? "\"" : "", size && region ? "," : "",
             size ? "\"size\":\"" : "", size ? DICE_PICK(dice, random_sizes) : "", size ? "\"" : "");
    for (size_t i = 0; i < usage->dimension_count; i++)
        if (strcmp(usage->dimensions[i].text, text) == 0) return usage->dimensions[i].id;
    struct usage_dimension *dimension = &usage->dimensions[usage->dimension_count++];
    ENSURE(usage->dimension_count <= sizeof usage->dimensions / sizeof *usage->dimensions);
    *dimension = (struct usage_dimension){.id = {7, usage->dimension_count},
                                          .text = arena_text(usage->arena, text, strlen(text))};
    ENSURE(dimension_set_read(usage->arena, slice_of(dimension->text), &dimension->set, NULL) == ERR_OK);
    return dimension->id;
}

static struct quantity draw_quantity(struct dice *dice, enum aggregation aggregation)
{
    static const int units[] = {3, 100, 5000, 2000000};
    const int nano = dice_percent(dice, 30) ? dice_between(dice, 0, 999999999) : 0;
    int128 whole = dice_between(dice, 0, DICE_PICK(dice, units));
    if (aggregation == AGGREGATION_COUNT) return (struct quantity){dice_between(dice, 1, 30) * (int128)1000000000};
    if (aggregation == AGGREGATION_INTERVAL) whole = dice_between(dice, 1, 4);
    return (struct quantity){whole * 1000000000 + nano};
}

// A resource is one tenant's: its transitions come as they like.
static void add_event(struct random_usage *usage, struct dice *dice, int steps, const int64_t *tenants)
{
    const struct random_meter *meter = &random_meters[dice_between(dice, 0, RANDOM_METERS - 1)];
    const int resource = dice_between(dice, 1, RANDOM_RESOURCES);
    const bool interval = meter->aggregation == AGGREGATION_INTERVAL;
    usage->events[usage->event_count++] = (struct random_event){
        .step = dice_between(dice, 1, steps),
        .tenant = tenants[interval ? resource % RANDOM_TENANTS : dice_between(dice, 0, RANDOM_TENANTS - 1)],
        .meter = catalogue_meter_id(usage->catalogue, slice_of(meter->id))->number,
        .aggregation = meter->aggregation,
        .dimension_set = dimension_of(usage, dice, meter),
        .at = random_instant(dice, dice_percent(dice, 20) ? SLOT_US : 1),
        .id = {dice_next(dice), usage->event_count},
        .quantity = draw_quantity(dice, meter->aggregation),
        .resource = resource,
        .running = dice_percent(dice, 65)};
}

void random_usage_make(struct dice *dice, const struct catalogue *catalogue, int steps, struct arena *arena,
                       struct random_usage *usage)
{
    int64_t tenants[RANDOM_TENANTS];
    char id[16];
    *usage = (struct random_usage){.catalogue = catalogue, .arena = arena};
    for (int i = 0; i < RANDOM_TENANTS; i++) {
        snprintf(id, sizeof id, "t-%d", i + 1);
        tenants[i] = catalogue_tenant(catalogue, slice_of(id))->number;
    }
    for (int more = dice_between(dice, 1, RANDOM_EVENTS); more > 0; more--)
        add_event(usage, dice, steps, tenants);
    usage_dimensions_sort(usage->dimensions, usage->dimension_count);
}

// --- reading

struct reading {
    const struct random_usage *usage;
    const struct catalogue *catalogue;
    int step;
    instant_us due;
    const struct usage_request *requests;
    const struct usage_basis *bases;
    struct usage_gathered *gathered;
    struct usage_spans spans;
    struct usage_rows rows, gathered_rows;
    struct usage_events events;
    struct slot_value *slots;
    const struct random_event **latest; // of each slot
    size_t slot_count;
    struct arena *arena;
};

static void take_sum(struct reading *reading, const struct random_event *event, const struct usage_span *span)
{
    struct usage_line line = {.kind = USAGE_QUANTITY,
                              .tenant = event->tenant,
                              .meter = event->meter,
                              .dimension_set = event->dimension_set,
                              .segment = span->segment,
                              .quantity = event->quantity};
    const struct usage_gathered *gathered = reading->bases ? &reading->gathered[span->request] : NULL;
    if (gathered && !gathered->anew && event->step <= reading->bases[span->request].cut) return;
    usage_rows_add(&reading->rows, span->request, &line);
    if (gathered) usage_rows_add(&reading->gathered_rows, span->request, &line);
}

// Kept events are read whole, whatever the sums build on.
static void keep_event(struct reading *reading, const struct random_event *event, const struct usage_span *span)
{
    const struct kept_event kept = {.tenant = event->tenant,
                                    .meter = event->meter,
                                    .dimension_set = event->dimension_set,
                                    .segment = span->segment,
                                    .time = event->at,
                                    .id = event->id,
                                    .value = event->quantity};
    if (!reading->requests[span->request].events) return;
    if (catalogue_meter_newest(reading->catalogue, event->meter)->keeps_events)
        usage_events_add(&reading->events, span->request, &kept);
}

static bool is_later(const struct random_event *a, const struct random_event *b)
{
    return a->at != b->at ? a->at > b->at : hash128_compare(a->id, b->id) > 0;
}

static void take_level(struct reading *reading, const struct random_event *event, const struct usage_span *span,
                       instant_us at)
{
    // a unique meter tells quantities apart
    const struct hash128 value = {event->aggregation == AGGREGATION_UNIQUE, (uint64_t)event->quantity.nano};
    size_t i = 0;
    for (; i < reading->slot_count; i++) {
        const struct slot_value *slot = &reading->slots[i];
        if (slot->request == span->request && slot->tenant == event->tenant && slot->meter == event->meter &&
            slot->slot == at && hash128_equal(slot->dimension_set, event->dimension_set) &&
            (event->aggregation != AGGREGATION_UNIQUE || hash128_equal(slot->value, value)))
            break;
    }
    struct slot_value *slot = &reading->slots[i];
    if (i == reading->slot_count) {
        *slot = (struct slot_value){.request = span->request,
                                    .tenant = event->tenant,
                                    .meter = event->meter,
                                    .dimension_set = event->dimension_set,
                                    .slot = at,
                                    .greatest = event->quantity,
                                    .least = event->quantity,
                                    .value = value};
        reading->latest[reading->slot_count++] = event;
    }
    if (quantity_compare(event->quantity, slot->greatest) > 0) slot->greatest = event->quantity;
    if (quantity_compare(event->quantity, slot->least) < 0) slot->least = event->quantity;
    ENSURE(quantity_add(slot->total, event->quantity, &slot->total) == ERR_OK);
    slot->events++;
    if (is_later(event, reading->latest[i])) reading->latest[i] = event;
    slot->latest = reading->latest[i]->quantity;
}

static void take_event(struct reading *reading, const struct random_event *event)
{
    const instant_us slot = instant_floor(event->at, catalogue_meter_newest(reading->catalogue, event->meter)->slot_us);
    for (size_t i = 0; i < reading->spans.count; i++) {
        const struct usage_span *span = &reading->spans.list[i];
        if (span->tenant != event->tenant || slot < span->from || slot >= span->to) continue;
        switch (event->aggregation) {
        case AGGREGATION_SUM:
        case AGGREGATION_COUNT:
            take_sum(reading, event, span);
            keep_event(reading, event, span);
            break;
        case AGGREGATION_MAX:
        case AGGREGATION_MIN:
        case AGGREGATION_AVERAGE:
        case AGGREGATION_UNIQUE:
        case AGGREGATION_LATEST:
            take_level(reading, event, span, slot);
            break;
        case AGGREGATION_INTERVAL:
            break;
        }
    }
}

struct derived {
    struct reading *reading;
    const struct random_event *event;
    size_t request;
};

static enum err take_line(void *context, const struct usage_line *line)
{
    struct derived *derived = context;
    struct usage_line named = *line;
    named.tenant = derived->event->tenant;
    named.meter = derived->event->meter;
    usage_rows_add(&derived->reading->rows, derived->request, &named);
    return ERR_OK;
}

static void take_resource(struct reading *reading, int resource, const size_t *order)
{
    struct transition transitions[RANDOM_EVENTS];
    struct derived derived = {.reading = reading};
    size_t count = 0;
    for (size_t i = 0; i < reading->usage->event_count; i++) {
        const struct random_event *event = &reading->usage->events[order[i]];
        if (event->aggregation != AGGREGATION_INTERVAL || event->resource != resource || event->step > reading->step)
            continue;
        transitions[count++] =
            (struct transition){event->id, event->at, event->running, event->quantity, event->dimension_set};
        derived.event = event;
    }
    for (size_t i = 0; count && i < reading->spans.range_count; i++) {
        const struct member_range *range = &reading->spans.ranges[i];
        const struct usage_request *request = &reading->requests[range->request];
        const struct interval_window window = {range->from,           range->to,           reading->due,
                                               request->period_start, request->boundaries, request->boundary_count};
        derived.request = range->request;
        if (range->tenant == derived.event->tenant)
            ENSURE(interval_derive(transitions, count, &window, take_line, &derived, NULL) == ERR_OK);
    }
}

static void take_bases(struct reading *reading, size_t count)
{
    if (!reading->bases) return;
    usage_spans_digest(reading->requests, count, reading->spans.list, reading->spans.count, reading->gathered);
    for (size_t i = 0; i < count; i++) {
        const struct usage_basis *basis = &reading->bases[i];
        reading->gathered[i].anew = !usage_basis_holds(basis, &reading->gathered[i]);
        for (size_t l = 0; !reading->gathered[i].anew && l < basis->line_count; l++)
            usage_rows_add(&reading->rows, i, &basis->lines[l]);
    }
}

static void finish(struct reading *reading, size_t count, struct account_usage *usages)
{
    struct account_usage *lines = ARENA_ARRAY(reading->arena, struct account_usage, count + 1);
    ENSURE(usage_evaluate_windows(reading->catalogue, reading->requests, reading->slots, reading->slot_count,
                                  &reading->rows, NULL) == ERR_OK);
    ENSURE(usage_rows_finish(&reading->rows, reading->requests, count, usages, NULL) == ERR_OK);
    ENSURE(usage_rows_finish(&reading->gathered_rows, reading->requests, count, lines, NULL) == ERR_OK);
    usage_events_finish(&reading->events, reading->requests, count, reading->arena, usages);
    usage_events_free(&reading->events);
    for (size_t i = 0; i < count; i++) {
        usages[i].dimensions = reading->usage->dimensions;
        usages[i].dimension_count = reading->usage->dimension_count;
        usage_set_due(&usages[i], reading->due);
        if (!reading->bases) continue;
        reading->gathered[i].lines = lines[i].lines;
        reading->gathered[i].line_count = lines[i].line_count;
    }
}

void random_usage_read(const struct random_usage *usage, const struct catalogue *catalogue, int step, instant_us due,
                       struct dice *dice, const struct usage_request *requests, size_t count,
                       const struct usage_basis *bases, struct arena *arena, struct account_usage *usages,
                       struct usage_gathered *gathered)
{
    size_t order[RANDOM_EVENTS];
    struct reading reading = {.usage = usage,
                              .catalogue = catalogue,
                              .step = step,
                              .due = due,
                              .requests = requests,
                              .bases = bases,
                              .gathered = gathered,
                              .spans = {.arena = arena, .requests = requests},
                              .rows = {.arena = arena},
                              .gathered_rows = {.arena = arena},
                              .arena = arena,
                              .slots = ARENA_ARRAY(arena, struct slot_value, RANDOM_EVENTS * count + 1),
                              .latest = ARENA_ARRAY(arena, const struct random_event *, RANDOM_EVENTS *count + 1)};
    for (size_t i = 0; i < count; i++)
        usage_spans_add_account(&reading.spans, catalogue, i);
    usage_spans_cut(&reading.spans);
    take_bases(&reading, count);
    dice_shuffle(dice, order, usage->event_count);
    for (size_t i = 0; i < usage->event_count; i++)
        if (usage->events[order[i]].step <= step) take_event(&reading, &usage->events[order[i]]);
    for (int resource = 1; resource <= RANDOM_RESOURCES; resource++)
        take_resource(&reading, resource, order);
    finish(&reading, count, usages);
}
