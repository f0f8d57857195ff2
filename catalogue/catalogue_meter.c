// SPDX-License-Identifier: Apache-2.0
// Meters in a catalogue: versions by event time, and which of them take an event type.
#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/catalogue_internal.h"

enum { ACCEPT_DAYS_MAX = 400, FUTURE_SECONDS_MAX = 86400, PERCENTILE_SLOT_MINUTES = 5 };

const char *const evaluation_windows[WINDOW_COUNT] = {
    [WINDOW_SLOT] = "slot",
    [WINDOW_DAY] = "day",
    [WINDOW_PERIOD] = "period",
    [WINDOW_PERCENTILE] = "percentile_95",
    [WINDOW_PERCENTILE_ALL] = "percentile_95_all",
    [WINDOW_PERCENTILE_DAILY] = "percentile_95_daily",
    [WINDOW_PERCENTILE_DAYS] = "percentile_95_days",
};

static int compare_rows(const void *a, const void *b)
{
    const struct meter_row *x = a, *y = b;
    if (x->number != y->number) return COMPARE(x->number, y->number);
    if (x->effective_from != y->effective_from) return COMPARE(x->effective_from, y->effective_from);
    return COMPARE(x->version, y->version);
}

static bool same_row(const void *a, const void *b)
{
    const struct meter_row *x = a, *y = b;
    return x->number == y->number && x->effective_from == y->effective_from;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// --- checking

static bool has_value(const char *text)
{
    return text && *text;
}

static enum err check_properties(const struct meter_row *row, struct fault *fault)
{
    const struct aggregation_form *form = &aggregation_forms[row->aggregation];
    if (form->value_needed && !has_value(row->value_property))
        return row_fault(fault, "meter", row->id, "%s needs the property that holds the value", form->name);
    if (form->states && (!has_value(row->resource_property) || !has_value(row->state_property) ||
                         row->running_count == 0 || row->stopped_count == 0))
        return row_fault(fault, "meter", row->id,
                         "%s needs the properties of resource and state, and the running and the stopped states",
                         form->name);
    return ERR_OK;
}

static enum err check_worth(const struct meter_row *row, struct fault *fault)
{
    const struct event_fee *fee = &row->fee;
    bool any = has_value(row->times_property) || row->has_fee;
    if (row->keeps_events && row->aggregation != AGGREGATION_SUM)
        return row_fault(fault, "meter", row->id, "sum meters keep their events, and no others");
    if (!any) return ERR_OK;
    if (row->aggregation != AGGREGATION_SUM)
        return row_fault(fault, "meter", row->id, "value_times and per_event are for sum meters");
    if (!row->has_fee) return ERR_OK;
    if (fee->rate.pico < 0 || fee->fixed.nano < 0 || fee->minimum.nano < 0 || fee->maximum.nano < 0)
        return row_fault(fault, "meter", row->id, "a member of per_event is negative");
    if (fee->maximum.nano && quantity_compare(fee->maximum, fee->minimum) < 0)
        return row_fault(fault, "meter", row->id, "the maximum per event is below the minimum");
    return ERR_OK;
}

static enum err check_states(const struct meter_row *row, struct fault *fault)
{
    if (row->running_count > STATES_MAX || row->stopped_count > STATES_MAX)
        return row_fault(fault, "meter", row->id, "more than %d running or stopped states", STATES_MAX);
    for (size_t i = 0; i < row->running_count; i++)
        for (size_t j = 0; j < row->stopped_count; j++)
            if (strcmp(row->running_states[i], row->stopped_states[j]) == 0)
                return row_fault(fault, "meter", row->id, "state %s is running and stopped", row->running_states[i]);
    return ERR_OK;
}

static enum err check_row(const struct meter_row *row, struct fault *fault)
{
    enum err err = row_check_id("meter", row->id, row->number, fault);
    if (!err) err = check_properties(row, fault);
    if (!err) err = check_worth(row, fault);
    if (!err) err = check_states(row, fault);
    if (err) return err;
    if (!has_value(row->event_type)) return row_fault(fault, "meter", row->id, "it has no event type");
    if (!has_value(row->unit)) return row_fault(fault, "meter", row->id, "it has no unit");
    if (row->slot_minutes != 1 && row->slot_minutes != 5 && row->slot_minutes != 15)
        return row_fault(fault, "meter", row->id, "slot_minutes is %d: 1, 5 or 15", row->slot_minutes);
    if (row->window >= WINDOW_PERCENTILE && row->slot_minutes != PERCENTILE_SLOT_MINUTES)
        return row_fault(fault, "meter", row->id, "the samples of window %s are of 5 minutes: slot_minutes is %d",
                         evaluation_windows[row->window], row->slot_minutes);
    if (row->accept_days < 1 || row->accept_days > ACCEPT_DAYS_MAX)
        return row_fault(fault, "meter", row->id, "accept_days is %d: 1 to %d", row->accept_days, ACCEPT_DAYS_MAX);
    if (row->future_seconds < 0 || row->future_seconds > FUTURE_SECONDS_MAX)
        return row_fault(fault, "meter", row->id, "future_seconds is %d: 0 to %d", row->future_seconds,
                         FUTURE_SECONDS_MAX);
    if (!instant_on_slot_bound(row->effective_from))
        return row_fault(fault, "meter", row->id, "effective_from is not on a 15-minute bound");
    return ERR_OK;
}

// --- building

// The dimensions sorted, which is the order of a canonical set.
static enum err sort_dimensions(struct catalogue *catalogue, const struct meter_row *row, struct meter *meter,
                                struct fault *fault)
{
    if (row->dimension_count > DIMENSIONS_MAX)
        return row_fault(fault, "meter", row->id, "more than %d dimensions", DIMENSIONS_MAX);
    meter->dimensions = ARENA_ARRAY(catalogue->arena, const char *, row->dimension_count);
    meter->dimension_count = row->dimension_count;
    for (size_t i = 0; i < row->dimension_count; i++)
        meter->dimensions[i] = row->dimensions[i];
    rows_sort(meter->dimensions, meter->dimension_count, sizeof *meter->dimensions, compare_texts);
    for (size_t i = 1; i < meter->dimension_count; i++)
        if (strcmp(meter->dimensions[i - 1], meter->dimensions[i]) == 0)
            return row_fault(fault, "meter", row->id, "dimension %s is named twice", meter->dimensions[i]);
    return ERR_OK;
}

static enum err build_version(struct catalogue *catalogue, const struct meter_row *row, struct meter *meter,
                              struct fault *fault)
{
    enum err err = check_row(row, fault);
    if (err) return err;
    *meter = (struct meter){
        .number = row->number,
        .id = row->id,
        .name = text_or_empty(row->name),
        .event_type = row->event_type,
        .unit = row->unit,
        .effective_from = row->effective_from,
        .effective_to = INSTANT_MAX,
        .aggregation = row->aggregation,
        .value_property = has_value(row->value_property) ? row->value_property : NULL,
        .resource_property = row->resource_property,
        .state_property = row->state_property,
        .running_states = row->running_states,
        .running_count = row->running_count,
        .stopped_states = row->stopped_states,
        .stopped_count = row->stopped_count,
        .window = row->window,
        .slot_us = row->slot_minutes * MINUTE_US,
        .accept_us = row->accept_days * DAY_US,
        .future_us = row->future_seconds * SECOND_US,
        .times_property = has_value(row->times_property) ? row->times_property : NULL,
        .keeps_events = row->keeps_events,
    };
    if (row->has_fee) {
        struct event_fee *fee = ARENA_NEW(catalogue->arena, struct event_fee);
        *fee = row->fee;
        meter->fee = fee;
    }
    if (meter->accept_us > catalogue->longest_accept_us) catalogue->longest_accept_us = meter->accept_us;
    if (meter->future_us > catalogue->longest_future_us) catalogue->longest_future_us = meter->future_us;
    return sort_dimensions(catalogue, row, meter, fault);
}

// One span per meter; the id of a meter is the one of its newest version.
static enum err index_meters(struct catalogue *catalogue, struct fault *fault)
{
    struct meter *meters = catalogue->meters;
    catalogue->meter_spans = ARENA_ARRAY(catalogue->arena, struct span, catalogue->meter_count);
    lookup_init(&catalogue->meter_numbers, catalogue->arena, catalogue->meter_count);
    lookup_init(&catalogue->meter_ids, catalogue->arena, catalogue->meter_count);
    for (size_t first = 0, end; first < catalogue->meter_count; first = end) {
        for (end = first + 1; end < catalogue->meter_count && meters[end].number == meters[first].number; end++)
            meters[end - 1].effective_to = meters[end].effective_from;
        struct slice id = slice_of(meters[end - 1].id);
        if (catalogue_meter_id(catalogue, id)) return row_fault(fault, "meter", id.data, "two numbers have this id");
        size_t index = catalogue->meter_span_count++;
        catalogue->meter_spans[index] = (struct span){(uint32_t)first, (uint32_t)(end - first)};
        lookup_add(&catalogue->meter_numbers, lookup_hash_number(meters[first].number), index);
        lookup_add(&catalogue->meter_ids, lookup_hash_text(id), index);
    }
    return ERR_OK;
}

static int compare_by_type(const void *a, const void *b)
{
    const struct meter *x = *(const struct meter *const *)a, *y = *(const struct meter *const *)b;
    int order = strcmp(x->event_type, y->event_type);
    return order != 0 ? order : COMPARE(x, y); // meters are sorted by (number, effective_from) already
}

static void index_types(struct catalogue *catalogue)
{
    size_t count = catalogue->meter_count;
    catalogue->meters_by_type = ARENA_ARRAY(catalogue->arena, const struct meter *, count);
    catalogue->type_spans = ARENA_ARRAY(catalogue->arena, struct span, count);
    lookup_init(&catalogue->types, catalogue->arena, count);
    for (size_t i = 0; i < count; i++)
        catalogue->meters_by_type[i] = &catalogue->meters[i];
    rows_sort(catalogue->meters_by_type, count, sizeof *catalogue->meters_by_type, compare_by_type);
    for (size_t first = 0, end; first < count; first = end) {
        const char *type = catalogue->meters_by_type[first]->event_type;
        for (end = first + 1; end < count && strcmp(catalogue->meters_by_type[end]->event_type, type) == 0;)
            end++;
        size_t index = catalogue->type_count++;
        catalogue->type_spans[index] = (struct span){(uint32_t)first, (uint32_t)(end - first)};
        lookup_add(&catalogue->types, lookup_hash_text(slice_of(type)), index);
    }
}

enum err catalogue_build_meters(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct meter_row *row = rows->meters.row;
    rows_sort(row, rows->meters.count, sizeof *row, compare_rows);
    size_t count = rows_keep_newest(row, rows->meters.count, sizeof *row, same_row);
    rows->meters.count = count;
    catalogue->meters = ARENA_ARRAY(catalogue->arena, struct meter, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = build_version(catalogue, &row[i], &catalogue->meters[i], fault);
        if (err) return err;
    }
    catalogue->meter_count = count;
    enum err err = index_meters(catalogue, fault);
    if (!err) index_types(catalogue);
    return err;
}

// --- looking up

uint32_t catalogue_meter_index(const struct catalogue *catalogue, int32_t number)
{
    const struct lookup *numbers = &catalogue->meter_numbers;
    for (struct lookup_walk walk = lookup_start(numbers, lookup_hash_number(number)); lookup_step(numbers, &walk);)
        if (catalogue->meters[catalogue->meter_spans[walk.index].first].number == number) return walk.index;
    return NO_INDEX;
}

static const struct meter *newest_of(const struct catalogue *catalogue, struct span span)
{
    return &catalogue->meters[span.first + span.count - 1];
}

const struct meter *catalogue_meter_newest(const struct catalogue *catalogue, int32_t number)
{
    uint32_t index = catalogue_meter_index(catalogue, number);
    return index == NO_INDEX ? NULL : newest_of(catalogue, catalogue->meter_spans[index]);
}

const struct meter *catalogue_meter_id(const struct catalogue *catalogue, struct slice id)
{
    const struct lookup *ids = &catalogue->meter_ids;
    for (struct lookup_walk walk = lookup_start(ids, lookup_hash_text(id)); lookup_step(ids, &walk);) {
        const struct meter *meter = newest_of(catalogue, catalogue->meter_spans[walk.index]);
        if (slice_is(id, meter->id)) return meter;
    }
    return NULL;
}

const struct meter *catalogue_meter_at(const struct catalogue *catalogue, int32_t number, instant_us event_time)
{
    uint32_t index = catalogue_meter_index(catalogue, number);
    if (index == NO_INDEX) return NULL;
    struct span span = catalogue->meter_spans[index];
    for (uint32_t i = span.first + span.count; i-- > span.first;) // versions are few, the newest is asked for most
        if (catalogue->meters[i].effective_from <= event_time) return &catalogue->meters[i];
    return NULL;
}

const struct meter *const *catalogue_meters_of_type(const struct catalogue *catalogue, struct slice event_type,
                                                    size_t *count)
{
    const struct lookup *types = &catalogue->types;
    for (struct lookup_walk walk = lookup_start(types, lookup_hash_text(event_type)); lookup_step(types, &walk);) {
        struct span span = catalogue->type_spans[walk.index];
        const struct meter *const *found = &catalogue->meters_by_type[span.first];
        if (!slice_is(event_type, (*found)->event_type)) continue;
        *count = span.count;
        return found;
    }
    *count = 0;
    return NULL;
}

const struct sku *const *catalogue_skus_of_meter(const struct catalogue *catalogue, int32_t meter, size_t *count)
{
    uint32_t index = catalogue_meter_index(catalogue, meter);
    *count = index == NO_INDEX ? 0 : catalogue->meter_skus[index].count;
    return *count == 0 ? NULL : &catalogue->skus_by_meter[catalogue->meter_skus[index].first];
}

int64_t catalogue_longest_accept_us(const struct catalogue *catalogue)
{
    return catalogue->longest_accept_us;
}

int64_t catalogue_longest_future_us(const struct catalogue *catalogue)
{
    return catalogue->longest_future_us;
}
