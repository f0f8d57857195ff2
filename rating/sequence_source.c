// SPDX-License-Identifier: Apache-2.0
// Judging goes by the newest layer that there is: it begins with all that is known of the incarnations but their
// numbers, so that the verdict does not depend on how far the batches before have come.
#include "rating/sequence_source.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

void sequence_event_of(const struct hash_key *identity_key, const struct usage_event *event, int64_t offset,
                       int32_t event_index, struct sequence_event *sequence)
{
    const struct slice pieces[] = {event->subject, event->source, event->incarnation};
    *sequence = (struct sequence_event){
        .source = keyed_hash_pieces(identity_key, pieces, 2),
        .incarnation = keyed_hash_pieces(identity_key, pieces, 3),
        .shard = shard_of_tenant(event->subject),
        .number = event->number,
        .event_time = event->event_time,
        .place = {event->content.high, offset, event_index},
    };
}

// --- judging

// The window of the newest layer, or its place behind the others.
static uint32_t window_place(const struct sequence_source *source, struct hash128 incarnation)
{
    uint32_t at = 0;
    while (at < source->count && !hash128_equal(source->windows[at].incarnation, incarnation))
        at++;
    return at;
}

// From the newest layer down to the one in which the incarnation began.
static bool counted_find(const struct sequence_source *const layers[SEQUENCE_LAYERS],
                         const struct sequence_event *event, struct sequence_counted *first)
{
    for (size_t layer = SEQUENCE_LAYERS; layer-- > 0;) {
        const struct sequence_source *source = layers[layer];
        uint32_t at = source ? window_place(source, event->incarnation) : 0;
        if (!source || at == source->count) continue;
        if (sequence_window_find(&source->windows[at], event->number, first) == SEQUENCE_COUNTED) return true;
        if (source->windows[at].begun) break;
    }
    return false;
}

// Does the time lie between what the incarnations before and behind have counted?
static enum sequence_verdict judge_time(const struct sequence_source *source, uint32_t at, instant_us event_time,
                                        instant_us *bound)
{
    *bound = source->floor;
    for (uint32_t i = 0; i < at; i++)
        if (source->windows[i].latest > *bound) *bound = source->windows[i].latest;
    if (*bound != INSTANT_MIN && event_time <= *bound) return SEQUENCE_NOT_LATER;
    *bound = INSTANT_MAX;
    for (uint32_t i = at + 1; i < source->count; i++)
        if (source->windows[i].earliest < *bound) *bound = source->windows[i].earliest;
    return *bound != INSTANT_MAX && event_time >= *bound ? SEQUENCE_NOT_BEFORE : SEQUENCE_FRESH;
}

enum sequence_verdict sequence_judge(const struct sequence_source *const layers[SEQUENCE_LAYERS],
                                     const struct sequence_event *event, bool open, struct sequence_counted *first,
                                     instant_us *bound)
{
    size_t newest = SEQUENCE_LAYERS;
    while (newest > 0 && !layers[newest - 1])
        newest--;
    if (newest == 0) return SEQUENCE_FRESH;
    const struct sequence_source *source = layers[newest - 1];
    uint32_t at = window_place(source, event->incarnation);
    if (at < source->count) {
        bool below = event->number <= sequence_window_mark(&source->windows[at]);
        if (below && !open) return SEQUENCE_BELOW_MARK;
        if (!below && counted_find(layers, event, first))
            return first->content == event->place.content ? SEQUENCE_SAME : SEQUENCE_OTHER;
    }
    return judge_time(source, at, event->event_time, bound);
}

void sequence_source_lay(struct sequence_source *source, const struct sequence_source *below)
{
    source->floor = below->floor;
    for (uint32_t i = 0; i < below->count; i++) {
        struct sequence_window *window = sequence_source_add(source, below->windows[i].incarnation);
        window->begun = false;
        window->highest = below->windows[i].highest;
        window->earliest = below->windows[i].earliest;
        window->latest = below->windows[i].latest;
    }
}

// --- counting

static void window_drop(struct sequence_source *source, uint32_t at)
{
    sequence_window_free(&source->windows[at]);
    source->count--;
    memmove(source->windows + at, source->windows + at + 1, (source->count - at) * sizeof *source->windows);
    source->windows[source->count] = (struct sequence_window){0};
}

struct sequence_window *sequence_source_add(struct sequence_source *source, struct hash128 incarnation)
{
    if (source->count == SEQUENCE_INCARNATIONS) {
        if (source->windows[0].latest > source->floor) source->floor = source->windows[0].latest;
        window_drop(source, 0);
    }
    if (source->count == source->room) {
        source->windows = heap_grow(source->windows, sizeof *source->windows, source->room + 1);
        source->windows[source->room++] = (struct sequence_window){0};
    }
    struct sequence_window *window = &source->windows[source->count++];
    window->incarnation = incarnation;
    window->begun = true;
    window->touched = INSTANT_MIN;
    return window;
}

void sequence_source_count(struct sequence_source *source, const struct sequence_event *event, instant_us watermark)
{
    uint32_t at = window_place(source, event->incarnation);
    struct sequence_window *window =
        at < source->count ? &source->windows[at] : sequence_source_add(source, event->incarnation);
    sequence_window_count(window, event->number, &event->place, event->event_time);
    if (watermark > window->touched) window->touched = watermark;
}

bool sequence_source_forget(struct sequence_source *source, instant_us keep_from)
{
    for (uint32_t i = source->count; i-- > 0;)
        if (source->windows[i].touched < keep_from) window_drop(source, i);
    return source->count > 0;
}

void sequence_source_clear(struct sequence_source *source)
{
    for (uint32_t i = 0; i < source->count; i++)
        sequence_window_clear(&source->windows[i]);
    source->count = 0;
    source->floor = INSTANT_MIN;
}

void sequence_source_free(struct sequence_source *source)
{
    if (!source) return;
    for (uint32_t i = 0; i < source->room; i++)
        sequence_window_free(&source->windows[i]);
    free(source->windows);
    free(source);
}

size_t sequence_source_bytes(const struct sequence_source *source)
{
    size_t bytes = sizeof *source + source->room * sizeof *source->windows;
    for (uint32_t i = 0; i < source->room; i++)
        bytes += sequence_window_bytes(&source->windows[i]);
    return bytes;
}
