// SPDX-License-Identifier: Apache-2.0
// The bits are a ring over the numbers; what is kept of a counted number stands at its rank among the set bits, so that a
// source of which few numbers belong to this tenant costs little.
#include "rating/sequence_window.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "rating/dedup_index.h"

enum { EVENT_INDEX_BITS = 20, ROOM_FIRST = 4 };

static unsigned ring(int64_t number)
{
    return (unsigned)((uint64_t)number % SEQUENCE_WINDOW);
}

static bool bit_get(const struct sequence_window *window, int64_t number)
{
    unsigned at = ring(number);
    return window->bits[at / 64] >> at % 64 & 1;
}

// Set bits in the places [from, to) of the ring, which do not wrap.
static unsigned bits_between(const struct sequence_window *window, unsigned from, unsigned to)
{
    unsigned count = 0;
    while (from < to) {
        unsigned shift = from % 64, width = 64 - shift < to - from ? 64 - shift : to - from;
        uint64_t word = window->bits[from / 64] >> shift;
        if (width < 64) word &= (UINT64_C(1) << width) - 1;
        count += (unsigned)__builtin_popcountll(word);
        from += width;
    }
    return count;
}

// Counted numbers in [from, to), at most a window of them.
static unsigned counted_between(const struct sequence_window *window, int64_t from, int64_t to)
{
    unsigned start = ring(from), end = ring(to);
    if (from == to) return 0;
    if (start < end) return bits_between(window, start, end);
    return bits_between(window, start, SEQUENCE_WINDOW) + bits_between(window, 0, end);
}

int64_t sequence_window_mark(const struct sequence_window *window)
{
    return window->highest > SEQUENCE_WINDOW ? window->highest - SEQUENCE_WINDOW : 0;
}

static unsigned rank_of(const struct sequence_window *window, int64_t number)
{
    return counted_between(window, sequence_window_mark(window) + 1, number);
}

static struct sequence_counted counted_at(const struct sequence_window *window, unsigned rank)
{
    const struct sequence_kept *kept = &window->kept[window->first + rank];
    return (struct sequence_counted){.content = kept->content,
                                     .offset = (int64_t)(kept->place >> EVENT_INDEX_BITS),
                                     .event_index = (int32_t)(kept->place & DEDUP_EVENT_INDEX_MAX)};
}

enum sequence_state sequence_window_find(const struct sequence_window *window, int64_t number,
                                         struct sequence_counted *counted)
{
    if (number > window->highest) return SEQUENCE_OPEN;
    if (number <= sequence_window_mark(window)) return SEQUENCE_BELOW;
    if (!bit_get(window, number)) return SEQUENCE_OPEN;
    *counted = counted_at(window, rank_of(window, number));
    return SEQUENCE_COUNTED;
}

// Room for one more at the end.
static void kept_grow(struct sequence_window *window)
{
    if (window->first + window->count < window->room) return;
    if (window->first > window->room / 8) {
        memmove(window->kept, window->kept + window->first, window->count * sizeof *window->kept);
        window->first = 0;
        return;
    }
    uint32_t room = window->room ? window->room + window->room / 8 + ROOM_FIRST : ROOM_FIRST;
    window->kept = heap_grow(window->kept, sizeof *window->kept, room);
    window->room = room;
}

static void kept_insert(struct sequence_window *window, unsigned rank, const struct sequence_counted *counted)
{
    kept_grow(window);
    struct sequence_kept *at = window->kept + window->first + rank;
    memmove(at + 1, at, (window->count - rank) * sizeof *at);
    *at = (struct sequence_kept){counted->content,
                                 (uint64_t)counted->offset << EVENT_INDEX_BITS | (uint32_t)counted->event_index};
    window->count++;
}

// Forgets the numbers that fall below the mark when the window ends at `highest`.
static void move_to(struct sequence_window *window, int64_t highest)
{
    int64_t low = sequence_window_mark(window) + 1, above = highest - SEQUENCE_WINDOW + 1;
    if (window->highest > 0 && above > low) {
        if (above > window->highest) {
            memset(window->bits, 0, sizeof window->bits);
            window->first = window->count = 0;
        } else {
            unsigned gone = counted_between(window, low, above);
            for (int64_t number = low; number < above; number++)
                window->bits[ring(number) / 64] &= ~(UINT64_C(1) << ring(number) % 64);
            window->first += gone;
            window->count -= gone;
        }
    }
    window->highest = highest;
}

void sequence_window_count(struct sequence_window *window, int64_t number, const struct sequence_counted *counted,
                           instant_us event_time)
{
    ENSURE(number >= 1 && number <= SEQUENCE_NUMBER_MAX);
    ENSURE(counted->offset >= 0 && counted->offset <= DEDUP_OFFSET_MAX);
    ENSURE(counted->event_index >= 0 && counted->event_index <= DEDUP_EVENT_INDEX_MAX);
    if (window->highest == 0) window->earliest = window->latest = event_time;
    if (event_time < window->earliest) window->earliest = event_time;
    if (event_time > window->latest) window->latest = event_time;
    if (number > window->highest) move_to(window, number);
    if (number <= sequence_window_mark(window) || bit_get(window, number)) return;
    kept_insert(window, rank_of(window, number), counted);
    window->bits[ring(number) / 64] |= UINT64_C(1) << ring(number) % 64;
}

bool sequence_window_next(const struct sequence_window *window, struct sequence_cursor *cursor,
                          struct sequence_counted *counted)
{
    if (cursor->seen == window->count) return false;
    if (cursor->seen == 0) cursor->number = sequence_window_mark(window);
    do
        cursor->number++;
    while (!bit_get(window, cursor->number));
    *counted = counted_at(window, cursor->seen++);
    return true;
}

void sequence_window_clear(struct sequence_window *window)
{
    *window = (struct sequence_window){.kept = window->kept, .room = window->room};
}

void sequence_window_free(struct sequence_window *window)
{
    free(window->kept);
    *window = (struct sequence_window){0};
}

size_t sequence_window_bytes(const struct sequence_window *window)
{
    return window->room * sizeof *window->kept;
}
