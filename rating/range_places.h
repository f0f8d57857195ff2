// SPDX-License-Identifier: Apache-2.0
// The packed places of a range of rating.quarantine (docs/chain.md), one after the other. Pure.
#pragma once
#include "common/err.h"
#include "common/text.h"

struct range_places {
    const unsigned char *at, *end;
    int64_t offset; // of the place: of its message
    int32_t index;  // in the message
};
// first_offset: the range's message_offset. The bytes must outlive the walk.
void range_places_open(struct range_places *places, struct slice packed, int64_t first_offset);
// ERR_NOT_FOUND: that was the last. ERR_INVALID: the bytes are no places.
enum err range_places_next(struct range_places *places) MUST_USE;
