// SPDX-License-Identifier: Apache-2.0
// One sequenced source of one tenant: its incarnations in the order in which they were counted first, and what an event
// of it is worth (rules 2.5). An incarnation may count from after the latest time that those before it have counted up to
// before the earliest that those behind it have: what two of them measured twice is undecidable, not counted twice. Of
// more than SEQUENCE_INCARNATIONS the oldest is only known by the time up to which it counted. Pure. One thread.
#pragma once
#include "rating/sequence_window.h"

enum { SEQUENCE_INCARNATIONS = 8 };

// An event of a sequenced source, by what decides about it.
struct sequence_event {
    struct hash128 source, incarnation; // keyed hashes of (tenant, source) and (tenant, source, incarnation)
    int32_t shard;                      // of the tenant
    int64_t number;
    instant_us event_time;
    struct sequence_counted place; // its content and place in the log
};

// Of a decoded event that is sequenced.
void sequence_event_of(const struct hash_key *identity_key, const struct usage_event *event, int64_t offset,
                       int32_t event_index, struct sequence_event *sequence);

struct sequence_source {
    struct hash128 source;
    int32_t shard;
    uint32_t count, room;            // of windows
    struct sequence_window *windows; // count of them, in order of incarnation; behind them up to room cleared ones
    instant_us floor;                // latest event_time that a dropped incarnation counted; INSTANT_MIN: none
    int64_t round;                   // of the index in which it was written last
};

enum sequence_verdict {
    SEQUENCE_FRESH,      // may be counted
    SEQUENCE_SAME,       // the number was counted with this content
    SEQUENCE_OTHER,      // with another
    SEQUENCE_BELOW_MARK, // undecidable, like the next two
    SEQUENCE_NOT_LATER,  // than what an earlier incarnation counted
    SEQUENCE_NOT_BEFORE  // what a later incarnation counted
};

// Layers from the oldest to the newest, each laid on the one before: NULL where nothing was counted on top of it. `open`: the number
// is known not to have been counted, since its quarantine row is open (rules 3.6): the mark is not looked at.
// SAME and OTHER: *first is the event that was counted. NOT_LATER and NOT_BEFORE: *bound is the other's event_time.
enum { SEQUENCE_LAYERS = 3 };
enum sequence_verdict sequence_judge(const struct sequence_source *const layers[SEQUENCE_LAYERS],
                                     const struct sequence_event *event, bool open, struct sequence_counted *first,
                                     instant_us *bound);

// Makes an empty one a layer: the incarnations of `below` without their numbers.
void sequence_source_lay(struct sequence_source *source, const struct sequence_source *below);
void sequence_source_count(struct sequence_source *source, const struct sequence_event *event, instant_us watermark);
// The window behind the others, cleared. Drops the oldest if there are too many.
struct sequence_window *sequence_source_add(struct sequence_source *source, struct hash128 incarnation);
// Drops incarnations that counted nothing since. False: none is left.
bool sequence_source_forget(struct sequence_source *source, instant_us keep_from);
void sequence_source_clear(struct sequence_source *source); // keeps the memory
void sequence_source_free(struct sequence_source *source);  // and what it points to; NULL is fine
size_t sequence_source_bytes(const struct sequence_source *source);
