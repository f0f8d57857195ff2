// SPDX-License-Identifier: Apache-2.0
// What one meter reads from one event. Gateway and rater ask the same function, so that what the gateway acknowledges
// the rater can count, and both give the same words. Decides, does not do: no I/O, no clock, no catalogue look-up.
#pragma once
#include "catalogue/catalogue.h"
#include "ingest/event.h"

// One dimension value as it is stored and priced. A string is taken byte exact, true and false as words, a number in
// its shortest exact form (1.50 and 15e-1 are both "1.5").
struct meter_dimension {
    const char *name;   // the meter's own, lives as long as the catalogue
    struct slice value; // points into the event or into the reading's `numbers`
};

struct meter_reading {
    // sum: the event's value, or what it is worth (event_worth.h); max, min, average, latest: the value; count, unique: 1; interval: size while running (1 if the meter names no value
    // property), 0 when stopped. Never negative.
    struct quantity quantity;
    struct meter_dimension
        dimensions[DIMENSIONS_MAX]; // sorted by name; a dimension that the event lacks (or has as null) is left out
    size_t dimension_count;
    struct slice resource; // interval: 1 to ID_MAX bytes, no control characters; unique: the value, up to DIMENSION_VALUE_MAX bytes; else empty
    bool running;          // interval: accrues from here on
    const char *refusal;   // after ERR_INVALID: the quarantine's reason, "bad_value" or "negative" (literals)
    char numbers[DIMENSIONS_MAX][DECIMAL_TEXT_MAX]; // where numbers that were not in shortest form are kept
    char distinct[DECIMAL_TEXT_MAX]; // the same, of a unique meter's value
};

// Reads the event by this version of the meter; which meters and versions take an event is the caller's question
// (catalogue_meters_of_type, effective_from <= event_time < effective_to), and so is the accept window.
// The reading points into event and meter. It is not cleared: on an error only `refusal` may be read.
// ERR_INVALID, place "$.data.NAME", when:
//   - the value property is absent, not a string or number, or no legal quantity (event_quantity); or negative
//     (sum, max, latest; interval: of running states only, a stop needs no value);
//   - likewise the member by which the value is multiplied; or event_worth refuses what they make;
//   - a dimension is an array or object, longer than DIMENSION_VALUE_MAX bytes, has control characters, or is a number
//     beyond what a quantity may be;
//   - interval: the resource is absent, no string, empty or longer than ID_MAX, or has control characters; the state is
//     absent, no string, or in neither list of states.
enum err meter_check(const struct meter *meter, const struct usage_event *event, struct meter_reading *reading,
                     struct fault *fault) MUST_USE;

// Canonical JSON of the reading's dimensions, the same as dimension_set_print; adds to out.
void meter_reading_print(const struct meter_reading *reading, struct text *out);
