// SPDX-License-Identifier: Apache-2.0
// Would an event be taken, counted and priced by a catalogue? For tests of what is made for deploy/sample.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ingest/event_check.h"

// Some SKU of the meter has a price for these dimensions in the book of the tenant's account.
static inline bool sample_is_priced(const struct catalogue *catalogue, const struct meter *meter,
                                    const struct usage_event *event, const struct meter_reading *reading,
                                    struct arena *arena)
{
    const struct tenant *tenant = catalogue_tenant(catalogue, event->subject);
    int64_t payer = catalogue_payer(catalogue, tenant->number, event->event_time);
    const struct agreement *agreement = catalogue_agreement(catalogue, payer, event->event_time);
    struct text text = {0};
    struct dimension_set set;
    size_t count;
    meter_reading_print(reading, &text);
    assert_int_equal(dimension_set_read(arena, (struct slice){text.data, text.length}, &set, NULL), ERR_OK);
    const struct sku *const *skus = catalogue_skus_of_meter(catalogue, meter->number, &count);
    bool priced = false;
    for (size_t i = 0; i < count; i++)
        priced |= catalogue_price(catalogue, agreement->book, skus[i]->number, &set, event->event_time) != NULL;
    text_free(&text);
    return priced;
}

// The gateway would take it, every meter of its type can read it, and what they read has a price.
static inline void sample_check_event(const struct catalogue *catalogue, struct slice raw, instant_us now,
                                      struct arena *arena)
{
    static const struct hash_key no_key;
    struct usage_event *event = ARENA_NEW(arena, struct usage_event);
    struct event_faults *faults = ARENA_NEW(arena, struct event_faults);
    struct meter_reading *reading = ARENA_NEW(arena, struct meter_reading);
    struct fault fault = {0};
    const char *reason;
    size_t count;
    if (event_decode(raw, &no_key, arena, event, faults) != ERR_OK)
        fail_msg("%.*s: %s", (int)raw.length, raw.data, faults->list[0].reason);
    if (event_check(catalogue, event, now, &reason, &fault) != ERR_OK)
        fail_msg("%.*s: %s: %s", (int)raw.length, raw.data, fault.place, fault.reason);
    const struct meter *const *meters = catalogue_meters_of_type(catalogue, event->type, &count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(meter_check(meters[i], event, reading, &fault), ERR_OK);
        if (!sample_is_priced(catalogue, meters[i], event, reading, arena))
            fail_msg("%s has no price: %.*s", meters[i]->id, (int)raw.length, raw.data);
    }
}
