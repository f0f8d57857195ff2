// SPDX-License-Identifier: Apache-2.0
// Distances of offsets, and indexes.
#include "rating/range_places.h"

#include "ingest/message.h"
#include "rating/pack_number.h"

void range_places_open(struct range_places *places, struct slice packed, int64_t first_offset)
{
    places->at = (const unsigned char *)packed.data;
    places->end = places->at + packed.length;
    places->offset = first_offset;
    places->index = -1;
}

enum err range_places_next(struct range_places *places)
{
    uint64_t distance, index;
    if (places->at == places->end) return ERR_NOT_FOUND;
    const unsigned char *at = pack_number_take(places->at, places->end, &distance);
    if (at) at = pack_number_take(at, places->end, &index);
    if (!at || distance > (uint64_t)(INT64_MAX - places->offset) || index > MESSAGE_EVENTS_MAX) return ERR_INVALID;
    if (distance == 0 && (int32_t)index <= places->index) return ERR_INVALID; // in log order
    places->at = at;
    places->offset += (int64_t)distance;
    places->index = (int32_t)index;
    return ERR_OK;
}
