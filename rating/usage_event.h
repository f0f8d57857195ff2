// SPDX-License-Identifier: Apache-2.0
// Kept events on their way into usages: collected in any order, then sorted and handed to their requests. Pure.
#pragma once
#include "rating/usage.h"

struct event_row {
    size_t request;
    struct kept_event event;
};
// Zero-initialise; usage_events_free at the end. On the heap: an account may have millions.
struct usage_events {
    struct event_row *rows;
    size_t count, capacity;
};
void usage_events_add(struct usage_events *events, size_t request, const struct kept_event *event);
void usage_events_free(struct usage_events *events);
// Sorts, and gives each usage its events, in the arena; usages answer requests, of which those that want events get
// them.
void usage_events_finish(struct usage_events *events, const struct usage_request *requests, size_t request_count,
                         struct arena *arena, struct account_usage *usages);
