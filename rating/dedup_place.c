// SPDX-License-Identifier: Apache-2.0
// One extent is current: new places go there as long as they fit into its rows. All else is bookkeeping of numbers.
#include "rating/dedup_place.h"

#include <stdlib.h>

#include "common/arena.h"

enum {
    EXTENTS_MOST = 1 << DEDUP_EXTENT_BITS,
    POSITIONS = 1 << DEDUP_POSITION_BITS,
    LOOK_BACK = 256, // places after which rows may become narrower
    FIRST = 16,
    INDEX_BITS = 20
};
static const uint64_t aside_bit = UINT64_C(1) << (DEDUP_PLACE_BITS - 1);
static const uint64_t held_bit = UINT64_C(1) << 63;

void dedup_places_free(struct dedup_places *places)
{
    free(places->extents);
    free(places->spare_extents);
    free(places->aside);
    *places = (struct dedup_places){0};
}

void dedup_places_clear(struct dedup_places *places)
{
    places->extent_count = places->current = places->taken = 0;
    places->spare_count = 0;
    places->widest = 0;
    places->aside_spare = places->aside_count = 0;
}

static void bytes_count(struct dedup_places *places)
{
    places->bytes = (int64_t)(places->extent_room * sizeof *places->extents +
                              places->spare_room * sizeof *places->spare_extents +
                              places->aside_room * sizeof *places->aside);
}

// --- aside

static uint64_t aside_take(struct dedup_places *places, const struct dedup_place *place)
{
    uint64_t at = places->aside_spare;
    if (at > 0) {
        places->aside_spare = places->aside[--at];
    } else {
        if (places->aside_count == places->aside_room) {
            places->aside_room = places->aside_room ? places->aside_room + places->aside_room / 4 : FIRST;
            places->aside = heap_grow(places->aside, sizeof *places->aside, places->aside_room);
            bytes_count(places);
        }
        at = places->aside_count++;
        ENSURE(at < aside_bit);
    }
    places->aside[at] =
        (place->held ? held_bit : 0) | (uint64_t)place->offset << INDEX_BITS | (uint64_t)place->event_index;
    return aside_bit | at;
}

struct dedup_place dedup_place_aside_of(const struct dedup_places *places, uint64_t code)
{
    uint64_t packed = places->aside[code & ~aside_bit];
    return (struct dedup_place){.offset = (int64_t)((packed & ~held_bit) >> INDEX_BITS),
                                .event_index = (int32_t)(packed & ((1U << INDEX_BITS) - 1)),
                                .held = packed & held_bit};
}

// --- extents

static void extent_spare(struct dedup_places *places, uint32_t number)
{
    if (places->spare_count == places->spare_room) {
        places->spare_room = places->spare_room ? places->spare_room * 2 : FIRST;
        places->spare_extents = heap_grow(places->spare_extents, sizeof *places->spare_extents, places->spare_room);
        bytes_count(places);
    }
    places->spare_extents[places->spare_count++] = number;
}

// Another extent becomes the current one. False: all numbers are in use.
static bool extent_begin(struct dedup_places *places, int64_t offset, int32_t widest)
{
    uint32_t number = places->extent_count, before = places->current;
    bool had = places->extent_count > 0;
    if (places->spare_count > 0) {
        number = places->spare_extents[--places->spare_count];
    } else if (number < EXTENTS_MOST) {
        if (number == places->extent_room) {
            places->extent_room = places->extent_room ? places->extent_room * 2 : FIRST;
            places->extents = heap_grow(places->extents, sizeof *places->extents, places->extent_room);
            bytes_count(places);
        }
        places->extent_count++;
    } else {
        return false;
    }
    if (had && places->extents[before].used == 0) extent_spare(places, before);
    uint8_t width_bits = 0;
    while (widest >> width_bits)
        width_bits++;
    places->extents[number] = (struct dedup_extent){.offset = offset, .width_bits = width_bits};
    places->current = number;
    places->taken = 0;
    places->widest = 0;
    return true;
}

// The position in the current extent, or -1.
static int64_t position_of(const struct dedup_places *places, const struct dedup_place *place)
{
    if (places->extent_count == 0) return -1;
    const struct dedup_extent *extent = &places->extents[places->current];
    if (place->offset < extent->offset || place->event_index >> extent->width_bits) return -1;
    int64_t row = place->offset - extent->offset;
    return row < POSITIONS >> extent->width_bits ? row << extent->width_bits | place->event_index : -1;
}

// Rows far wider than what was seen lately waste codes.
static bool too_wide(const struct dedup_places *places)
{
    uint8_t width_bits = places->extents[places->current].width_bits;
    return places->taken >= LOOK_BACK && width_bits > 2 && places->widest >> (width_bits - 2) == 0;
}

uint64_t dedup_place_take(struct dedup_places *places, const struct dedup_place *place)
{
    if (place->held) return aside_take(places, place);
    int64_t position = position_of(places, place);
    // an older place than those of the extent is a replay's: others like it are far apart
    bool older = places->extent_count > 0 && place->offset < places->extents[places->current].offset;
    if (!older && (position < 0 || too_wide(places)) && extent_begin(places, place->offset, place->event_index))
        position = place->event_index;
    if (position < 0) return aside_take(places, place);
    struct dedup_extent *extent = &places->extents[places->current];
    extent->used++;
    if (places->taken >= LOOK_BACK) places->taken = 0, places->widest = 0;
    places->taken++;
    if (place->event_index > places->widest) places->widest = place->event_index;
    return (uint64_t)places->current << DEDUP_POSITION_BITS | (uint64_t)position;
}

void dedup_place_give_many(struct dedup_places *places, uint32_t extent, uint32_t codes)
{
    ENSURE(places->extents[extent].used >= codes);
    places->extents[extent].used -= codes;
    if (codes > 0 && places->extents[extent].used == 0 && extent != places->current) extent_spare(places, extent);
}

void dedup_place_give(struct dedup_places *places, uint64_t code)
{
    if (!dedup_place_aside(code)) {
        dedup_place_give_many(places, dedup_place_extent(code), 1);
        return;
    }
    uint64_t at = code & ~aside_bit;
    places->aside[at] = places->aside_spare;
    places->aside_spare = at + 1;
}
