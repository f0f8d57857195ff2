// SPDX-License-Identifier: Apache-2.0
// Places in the log (Kafka offset, place in the message, held or not) in 37 bits. Places that are near each other share
// an extent: a first offset, and a million codes in rows of a power of two, a message each. Rows are as wide as the
// messages of the last some hundred events need. What no extent can take, and everything that is held, is kept aside as
// it is, 8 bytes each. An extent counts the codes that are in use, and its number is used again when there are none:
// a code is never mistaken for another place. One thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEDUP_PLACE_BITS = 37, DEDUP_EXTENT_BITS = 16, DEDUP_POSITION_BITS = 20 };

struct dedup_place {
    int64_t offset;
    int32_t event_index;
    bool held;
};

struct dedup_extent {
    int64_t offset; // of position 0
    uint32_t used;  // codes
    uint8_t width_bits;
};

struct dedup_places {
    struct dedup_extent *extents;
    uint32_t extent_count, extent_room, current;
    uint32_t *spare_extents;
    size_t spare_count, spare_room;
    uint32_t taken;      // by the current extent since its rows were found wide enough
    int32_t widest;      // place in a message among them
    uint64_t *aside;     // a place, or the next spare one
    uint64_t aside_spare; // first spare one + 1
    uint64_t aside_count, aside_room;
    int64_t bytes; // of all of it
};

void dedup_places_free(struct dedup_places *places);
void dedup_places_clear(struct dedup_places *places); // none is in use; keeps the memory

uint64_t dedup_place_take(struct dedup_places *places, const struct dedup_place *place);
void dedup_place_give(struct dedup_places *places, uint64_t code);
// Codes of one extent that were given back elsewhere.
void dedup_place_give_many(struct dedup_places *places, uint32_t extent, uint32_t codes);

// Is it kept aside? Else its extent.
static inline bool dedup_place_aside(uint64_t code)
{
    return code >> (DEDUP_PLACE_BITS - 1);
}
static inline uint32_t dedup_place_extent(uint64_t code)
{
    return (uint32_t)(code >> DEDUP_POSITION_BITS);
}

struct dedup_place dedup_place_aside_of(const struct dedup_places *places, uint64_t code);

// extents: those of the places at the time when the code was in use.
static inline struct dedup_place dedup_place_in(const struct dedup_extent *extents, uint64_t code)
{
    const struct dedup_extent *extent = &extents[dedup_place_extent(code)];
    uint32_t position = (uint32_t)code & ((1U << DEDUP_POSITION_BITS) - 1);
    return (struct dedup_place){.offset = extent->offset + (position >> extent->width_bits),
                                .event_index = (int32_t)(position & ((1U << extent->width_bits) - 1))};
}
static inline struct dedup_place dedup_place_of(const struct dedup_places *places, uint64_t code)
{
    return dedup_place_aside(code) ? dedup_place_aside_of(places, code) : dedup_place_in(places->extents, code);
}
