// SPDX-License-Identifier: Apache-2.0
// What is known of one incarnation of a sequenced source (rules 2.5): the mark below which every number is decided, and
// above it SEQUENCE_WINDOW numbers with a bit each and the content and place of those that were counted. Its size is
// bounded whatever the source sends. Pure: no I/O, no clock. One thread.
#pragma once
#include "common/hash.h"
#include "common/instant.h"
#include "ingest/event.h"

// Numbers above the mark: as many as a sender may have without an acknowledgement.
enum { SEQUENCE_WINDOW = EVENT_SEQUENCE_WINDOW, SEQUENCE_WORDS = SEQUENCE_WINDOW / 64 };
#define SEQUENCE_NUMBER_MAX INT64_C(999999999999999999)

// The event that was counted under a number.
struct sequence_counted {
    uint64_t content; // first 64 bits of its content hash
    int64_t offset;   // its place in the log
    int32_t event_index;
};

struct sequence_kept {
    uint64_t content;
    uint64_t place; // offset: 43 bits, event index: 20 bits
};

// Zero-initialised: nothing was counted. sequence_window_free at the end.
struct sequence_window {
    struct hash128 incarnation;   // keyed hash of (tenant, source, incarnation)
    instant_us touched;           // watermark of the last batch that counted one
    instant_us earliest, latest;  // event_time of what was counted; valid if highest > 0
    int64_t highest;              // number counted; the mark is highest - SEQUENCE_WINDOW. 0: none
    uint64_t bits[SEQUENCE_WORDS]; // number n at n mod SEQUENCE_WINDOW
    struct sequence_kept *kept;   // of the numbers whose bit is set, rising, from `first` on
    uint32_t first, count, room;
    bool begun; // in this layer (sequence_source_lay): an older one of the incarnation is not of the same beginning
};

enum sequence_state {
    SEQUENCE_OPEN,   // not counted
    SEQUENCE_COUNTED,
    SEQUENCE_BELOW   // at or below the mark: it may have been counted
};

int64_t sequence_window_mark(const struct sequence_window *window);
// COUNTED: *counted is filled.
enum sequence_state sequence_window_find(const struct sequence_window *window, int64_t number,
                                         struct sequence_counted *counted);
// Counts a number; one above the window moves it. Nothing happens if it is counted already; a number below the mark
// only widens earliest and latest. number 1 to SEQUENCE_NUMBER_MAX.
void sequence_window_count(struct sequence_window *window, int64_t number, const struct sequence_counted *counted,
                           instant_us event_time);
// The counted numbers of the window in rising order. Zero-initialise the cursor; false: there are no more.
struct sequence_cursor {
    int64_t number; // that was found last
    uint32_t seen;
};
bool sequence_window_next(const struct sequence_window *window, struct sequence_cursor *cursor,
                          struct sequence_counted *counted);

void sequence_window_clear(struct sequence_window *window); // keeps the memory
void sequence_window_free(struct sequence_window *window);
size_t sequence_window_bytes(const struct sequence_window *window); // on the heap
