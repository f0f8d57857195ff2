// SPDX-License-Identifier: Apache-2.0
// The events of a message in order, as verdicts count them: the live stream and the rebuild of the index walk a message
// by the same steps, so that verdict n belongs to the same event in both. Pure.
#pragma once
#include "ingest/message_mode.h"

enum event_step {
    EVENT_RAW,     // an event: its bytes are in cursor->raw
    EVENT_DAMAGED, // the rest of the message as one event that cannot be read; cursor->fault says why; the last step
    EVENT_MARKER,  // a marker counts as one event; the last step
    EVENT_END
};

struct event_cursor {
    struct slice raw;   // of the step
    int32_t index;      // of the step: place of the event in its message
    struct fault fault; // of EVENT_DAMAGED
    struct message_reader reader;
    const struct bus_message *message;
    struct arena *arena;
    enum { CURSOR_NEW, CURSOR_OPEN, CURSOR_DONE } state;
    int32_t next;
};

// The message must outlive the walk; an event that came in parts (binary mode) is put together in the arena.
void event_cursor_open(struct event_cursor *cursor, const struct bus_message *message, struct arena *arena);
enum event_step event_cursor_next(struct event_cursor *cursor);
