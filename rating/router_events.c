// SPDX-License-Identifier: Apache-2.0
// From intake messages to events with the shards of their tenants. Events that nobody can read have no tenant: they go to
// shard 0 as they came, cut at the length that a quarantined one is kept with, so that they are seen where all others are.
#include <stdlib.h>
#include <string.h>

#include "rating/event_cursor.h"
#include "rating/router.h"

enum { ARENA_BYTES = 1 << 20 };

static void run_begin(struct routed *routed, instant_us received_time)
{
    struct routed_run *last = routed->run_count > 0 ? &routed->runs[routed->run_count - 1] : NULL;
    if (last && last->received_time == received_time) return;
    if (routed->run_count == routed->run_capacity) {
        routed->run_capacity = routed->run_capacity ? routed->run_capacity * 2 : 64;
        routed->runs = heap_grow(routed->runs, sizeof *routed->runs, routed->run_capacity);
    }
    routed->runs[routed->run_count++] = (struct routed_run){received_time, routed->count, 0};
}

static void event_add(struct routed *routed, struct slice raw, int shard)
{
    if (routed->count == routed->capacity) {
        routed->capacity = routed->capacity ? routed->capacity * 2 : 1024;
        routed->events = heap_grow(routed->events, sizeof *routed->events, routed->capacity);
    }
    routed->events[routed->count++] = (struct admitted_event){raw, shard};
    routed->runs[routed->run_count - 1].count++;
}

static void unreadable_add(struct routed *routed, struct slice raw)
{
    if (raw.length > EVENT_BYTES_MAX) raw.length = EVENT_BYTES_MAX;
    routed->unreadable++;
    event_add(routed, raw, 0);
}

// Contents are compared by raters, so any key will do for the decoding.
static void event_route(struct routed *routed, struct slice raw, struct usage_event *event, struct event_faults *faults)
{
    static const struct hash_key no_key;
    if (event_decode(raw, &no_key, routed->arena, event, faults) == ERR_OK)
        event_add(routed, raw, shard_of_tenant(event->subject));
    else
        unreadable_add(routed, raw);
}

static instant_us first_received(const struct event_cursor *cursor, const struct hash_key *forward_key)
{
    const struct bus_message *message = cursor->message;
    if (cursor->reader.kind != MESSAGE_FORWARDED) return message->received_time;
    bool ours = message_mark_valid((struct slice){message->data, message->length}, forward_key);
    return ours ? (instant_us)cursor->reader.nonce : message->received_time;
}

void routed_split(struct routed *routed, const struct bus_message *messages, int count,
                  const struct hash_key *forward_key)
{
    if (!routed->arena) routed->arena = arena_new(ARENA_BYTES);
    arena_reset(routed->arena);
    routed->count = routed->run_count = 0;
    routed->unreadable = 0;
    struct usage_event *event = ARENA_NEW(routed->arena, struct usage_event);
    struct event_faults *faults = ARENA_NEW(routed->arena, struct event_faults);
    struct event_cursor *cursor = ARENA_NEW(routed->arena, struct event_cursor);
    for (int i = 0; i < count; i++) {
        event_cursor_open(cursor, &messages[i], routed->arena);
        enum event_step step = event_cursor_next(cursor);
        run_begin(routed, first_received(cursor, forward_key));
        for (; step != EVENT_END; step = event_cursor_next(cursor)) {
            if (step == EVENT_RAW) event_route(routed, cursor->raw, event, faults);
            if (step == EVENT_DAMAGED) unreadable_add(routed, cursor->raw);
            // a marker says nothing of another topic's time
        }
    }
}

void routed_free(struct routed *routed)
{
    arena_free(routed->arena);
    free(routed->events);
    free(routed->runs);
    *routed = (struct routed){0};
}
