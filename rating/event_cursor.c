// SPDX-License-Identifier: Apache-2.0
// A message that cannot be opened, or not to its end, gives one damaged step for what is unreadable.
#include "rating/event_cursor.h"

void event_cursor_open(struct event_cursor *cursor, const struct bus_message *message, struct arena *arena)
{
    cursor->message = message;
    cursor->arena = arena;
    cursor->state = CURSOR_NEW;
    cursor->next = 0;
}

static enum event_step damaged(struct event_cursor *cursor, struct slice rest)
{
    cursor->raw = rest;
    cursor->index = cursor->next;
    cursor->state = CURSOR_DONE;
    return EVENT_DAMAGED;
}

static enum event_step first_step(struct event_cursor *cursor)
{
    cursor->state = CURSOR_OPEN;
    if (message_open_by_headers(cursor->message, cursor->arena, &cursor->reader, &cursor->fault))
        return damaged(cursor, message_evidence(cursor->message, cursor->arena));
    if (cursor->reader.kind != MESSAGE_MARKER) return EVENT_RAW;
    cursor->raw = (struct slice){cursor->message->data, cursor->message->length};
    cursor->index = 0;
    cursor->state = CURSOR_DONE;
    return EVENT_MARKER;
}

bool event_cursor_forwarded(const struct event_cursor *cursor, const struct hash_key *forward_key, bool *marked)
{
    const struct bus_message *message = cursor->message;
    bool forwarded = cursor->reader.kind == MESSAGE_FORWARDED;
    *marked = forwarded && message_mark_valid((struct slice){message->data, message->length}, forward_key);
    return forwarded;
}

instant_us event_cursor_received(const struct event_cursor *cursor, bool marked)
{
    return marked ? (instant_us)cursor->reader.nonce : cursor->message->received_time;
}

enum event_step event_cursor_next(struct event_cursor *cursor)
{
    if (cursor->state == CURSOR_DONE) return EVENT_END;
    if (cursor->state == CURSOR_NEW) {
        enum event_step step = first_step(cursor);
        if (step != EVENT_RAW) return step;
    }
    struct slice rest = cursor->reader.rest;
    enum err err = message_next(&cursor->reader, &cursor->raw, &cursor->fault);
    if (err == ERR_NOT_FOUND) {
        cursor->state = CURSOR_DONE;
        return EVENT_END;
    }
    if (!err && cursor->next == MESSAGE_EVENTS_MAX)
        err = fault_set(&cursor->fault, ERR_LIMIT, "", "the message has more than %d events", MESSAGE_EVENTS_MAX);
    if (err) return damaged(cursor, rest);
    cursor->index = cursor->next++;
    return EVENT_RAW;
}
