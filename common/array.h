// SPDX-License-Identifier: Apache-2.0
// Text form of PostgreSQL arrays, for set-based statements with unnest: add elements, then end.
#pragma once
#include "common/arena.h"
#include "common/decimal.h"
#include "common/hash.h"
#include "common/instant.h"
#include "common/text.h"

struct array { struct text text; }; // zero-initialise
void array_add_text(struct array *array, const char *value); // NULL is SQL NULL
void array_add_int(struct array *array, int64_t value);
void array_add_bool(struct array *array, bool value);
void array_add_instant(struct array *array, instant_us value); // INSTANT_NONE is NULL; INSTANT_MIN and INSTANT_MAX are the infinities
void array_add_decimal(struct array *array, int128 scaled, int places);
void array_add_hash(struct array *array, struct hash128 value); // uuid
void array_add_bytes(struct array *array, const void *data, size_t length); // bytea
// The array's text, in the arena; the array is empty afterwards.
const char *array_end(struct array *array, struct arena *arena);
