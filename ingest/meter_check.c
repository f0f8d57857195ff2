// SPDX-License-Identifier: Apache-2.0
// One meter, one event: value, dimensions, state. Looks at the properties by name; both have few.
#include "ingest/meter_check.h"

#include <stdio.h>

#include "catalogue/event_worth.h"
#include "ingest/event_text.h"

static enum err refuse(struct meter_reading *reading, struct fault *fault, const char *property, const char *reason)
{
    char place[FAULT_PLACE_MAX];
    snprintf(place, sizeof place, "$.data.%s", property);
    reading->refusal = "bad_value";
    return fault_set(fault, ERR_INVALID, place, "%s", reason);
}

// A member that is a quantity of 0 or more.
static enum err read_quantity(const char *name, const struct usage_event *event, struct meter_reading *reading,
                              struct quantity *quantity, struct fault *fault)
{
    const struct event_property *property = event_property(event, name);
    struct fault reason;
    if (!property) return refuse(reading, fault, name, "the meter's value is missing");
    if (event_quantity(property, quantity, &reason) != ERR_OK) return refuse(reading, fault, name, reason.reason);
    if (quantity->nano >= 0) return ERR_OK;
    enum err err = refuse(reading, fault, name, "a quantity is not negative");
    reading->refusal = "negative";
    return err;
}

static enum err check_worth(const struct meter *meter, const struct usage_event *event, struct meter_reading *reading,
                            struct fault *fault)
{
    struct quantity factor = QUANTITY_ZERO;
    struct fault reason;
    enum err err = ERR_OK;
    if (meter->times_property) err = read_quantity(meter->times_property, event, reading, &factor, fault);
    if (err != ERR_OK || event_worth(meter, reading->quantity, factor, &reading->quantity, &reason) == ERR_OK) return err;
    return refuse(reading, fault, meter->value_property, reason.reason);
}

static enum err check_value(const struct meter *meter, const struct usage_event *event, struct meter_reading *reading,
                            struct fault *fault)
{
    enum err err = read_quantity(meter->value_property, event, reading, &reading->quantity, fault);
    if (err == ERR_OK && event_worth_differs(meter)) err = check_worth(meter, event, reading, fault);
    return err;
}

// A number stands for its value, not for its spelling. NULL, or the reason why it cannot be a dimension.
static const char *number_shortest(struct slice *value, char text[DECIMAL_TEXT_MAX])
{
    struct event_property property = {.kind = PROPERTY_NUMBER, .text = *value};
    struct quantity quantity;
    if (event_quantity(&property, &quantity, NULL) != ERR_OK)
        return "a dimension's number has at most 9 fraction digits and is at most 1000000000000000 in size";
    struct slice shortest = {text, quantity_print(quantity, text)};
    if (!slice_equal(shortest, *value)) *value = shortest;
    return NULL;
}

static const char *dimension_problem(enum property_kind kind, struct slice *value, char number[DECIMAL_TEXT_MAX])
{
    switch (kind) {
    case PROPERTY_NUMBER:
        return number_shortest(value, number);
    case PROPERTY_NESTED:
        return "a dimension is text, a number or a boolean";
    case PROPERTY_STRING:
        if (value->length > DIMENSION_VALUE_MAX) return "a dimension is at most 256 bytes long";
        return event_text_has_control(*value) ? "a dimension has no control characters" : NULL;
    case PROPERTY_BOOL:
    case PROPERTY_NULL:
        break;
    }
    return NULL;
}
_Static_assert(DIMENSION_VALUE_MAX == 256, "the words above");

static enum err check_dimensions(const struct meter *meter, const struct usage_event *event,
                                 struct meter_reading *reading, struct fault *fault)
{
    reading->dimension_count = 0;
    for (size_t i = 0; i < meter->dimension_count; i++) {
        const struct event_property *property = event_property(event, meter->dimensions[i]);
        if (!property || property->kind == PROPERTY_NULL) continue;
        struct slice value = property->text;
        const char *problem = dimension_problem(property->kind, &value, reading->numbers[reading->dimension_count]);
        if (problem) return refuse(reading, fault, meter->dimensions[i], problem);
        ENSURE(reading->dimension_count < DIMENSIONS_MAX);
        reading->dimensions[reading->dimension_count++] = (struct meter_dimension){meter->dimensions[i], value};
    }
    return ERR_OK;
}

// What a unique meter tells apart: a text, a number by its value, or a boolean.
static enum err check_distinct(const struct meter *meter, const struct usage_event *event,
                               struct meter_reading *reading, struct fault *fault)
{
    const struct event_property *property = event_property(event, meter->value_property);
    if (!property || property->kind == PROPERTY_NULL)
        return refuse(reading, fault, meter->value_property, "the meter's value is missing");
    reading->resource = property->text;
    const char *problem = dimension_problem(property->kind, &reading->resource, reading->distinct);
    if (problem) return refuse(reading, fault, meter->value_property, problem);
    return ERR_OK;
}

static bool state_in(struct slice state, const char **states, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(state, states[i])) return true;
    return false;
}

static enum err check_resource(const struct meter *meter, const struct usage_event *event,
                               struct meter_reading *reading, struct fault *fault)
{
    const struct event_property *property = event_property(event, meter->resource_property);
    if (!property) return refuse(reading, fault, meter->resource_property, "the resource is missing");
    if (property->kind != PROPERTY_STRING)
        return refuse(reading, fault, meter->resource_property, "a resource is a string");
    if (property->text.length == 0 || property->text.length > ID_MAX || event_text_has_control(property->text))
        return refuse(reading, fault, meter->resource_property,
                      "a resource has 1 to 128 bytes and no control characters");
    reading->resource = property->text;
    return ERR_OK;
}
_Static_assert(ID_MAX == 128, "the words above");

static enum err check_state(const struct meter *meter, const struct usage_event *event, struct meter_reading *reading,
                            struct fault *fault)
{
    const struct event_property *property = event_property(event, meter->state_property);
    if (!property) return refuse(reading, fault, meter->state_property, "the state is missing");
    if (property->kind != PROPERTY_STRING) return refuse(reading, fault, meter->state_property, "a state is a string");
    reading->running = state_in(property->text, meter->running_states, meter->running_count);
    if (!reading->running && !state_in(property->text, meter->stopped_states, meter->stopped_count))
        return refuse(reading, fault, meter->state_property, "the meter does not know this state");
    return ERR_OK;
}

static enum err check_interval(const struct meter *meter, const struct usage_event *event,
                               struct meter_reading *reading, struct fault *fault)
{
    enum err err = check_resource(meter, event, reading, fault);
    if (err == ERR_OK) err = check_state(meter, event, reading, fault);
    if (err != ERR_OK) return err;
    if (reading->running && meter->value_property) return check_value(meter, event, reading, fault);
    reading->quantity.nano = reading->running ? 1000000000 : 0;
    return ERR_OK;
}

enum err meter_check(const struct meter *meter, const struct usage_event *event, struct meter_reading *reading,
                     struct fault *fault)
{
    enum err err = ERR_BUG;
    reading->refusal = "";
    reading->resource = (struct slice){"", 0};
    reading->running = false;
    switch (meter->aggregation) {
    case AGGREGATION_SUM:
    case AGGREGATION_MAX:
    case AGGREGATION_MIN:
    case AGGREGATION_AVERAGE:
    case AGGREGATION_LATEST:
        err = check_value(meter, event, reading, fault);
        break;
    case AGGREGATION_UNIQUE:
        reading->quantity.nano = 1000000000;
        err = check_distinct(meter, event, reading, fault);
        break;
    case AGGREGATION_COUNT:
        reading->quantity.nano = 1000000000;
        err = ERR_OK;
        break;
    case AGGREGATION_INTERVAL:
        err = check_interval(meter, event, reading, fault);
        break;
    }
    return err == ERR_OK ? check_dimensions(meter, event, reading, fault) : err;
}

void meter_reading_print(const struct meter_reading *reading, struct text *out)
{
    text_add_char(out, '{');
    for (size_t i = 0; i < reading->dimension_count; i++) {
        const struct meter_dimension *dimension = &reading->dimensions[i];
        if (i > 0) text_add_char(out, ',');
        text_add_json_string(out, dimension->name, slice_of(dimension->name).length);
        text_add_char(out, ':');
        text_add_json_string(out, dimension->value.data, dimension->value.length);
    }
    text_add_char(out, '}');
}
