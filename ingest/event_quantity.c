// SPDX-License-Identifier: Apache-2.0
// A property of data as an exact quantity. The digits go straight from the text to a scaled integer: no double between.
#include <string.h>

#include "ingest/event.h"

static const int128 quantity_most = (int128)QUANTITY_EVENT_MAX_UNITS * 1000000000;

const struct event_property *event_property(const struct usage_event *event, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < event->property_count; i++) {
        const struct event_property *property = &event->properties[i];
        if (property->name.length == length && memcmp(property->name.data, name, length) == 0) return property;
    }
    return NULL;
}

enum err event_quantity(const struct event_property *property, struct quantity *quantity, struct fault *fault)
{
    switch (property->kind) {
    case PROPERTY_STRING:
    case PROPERTY_NUMBER:
        break;
    case PROPERTY_BOOL:
        return fault_set(fault, ERR_INVALID, "", "a quantity is a number, not true or false");
    case PROPERTY_NULL:
        return fault_set(fault, ERR_INVALID, "", "a quantity is a number, not null");
    case PROPERTY_NESTED:
        return fault_set(fault, ERR_INVALID, "", "a quantity is a number, not an array or object");
    }
    int128 nano;
    enum err err = decimal_parse(property->text.data, property->text.length, QUANTITY_PLACES, true, &nano, fault);
    if (err == ERR_LIMIT || (err == ERR_OK && (nano > quantity_most || nano < -quantity_most)))
        return fault_set(fault, ERR_INVALID, "", "a quantity is at most 1000000000000000 in size");
    if (err == ERR_OK) quantity->nano = nano;
    return err;
}
