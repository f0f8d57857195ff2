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
// After the first step: was the message sent on by another partition's owner, and if so, with a mark that is ours (*marked)?
bool event_cursor_forwarded(const struct event_cursor *cursor, const struct hash_key *forward_key, bool *marked);
// The time at which the events of such a message were received first, with a mark; else the message's own.
instant_us event_cursor_received(const struct event_cursor *cursor, bool marked);
