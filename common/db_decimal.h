// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's binary form of numeric, written from a scaled integer. Used by COPY only; pure, any thread.
#pragma once
#include "common/decimal.h"

// Four 16-bit fields and at most 10 groups before and 10 after the point (places <= DB_NUMERIC_PLACES_MAX).
enum { DB_NUMERIC_PLACES_MAX = 36, DB_NUMERIC_BYTES_MAX = 8 + 2 * 20 };

// Writes scaled / 10^places with display scale `places`: group count, weight, sign, scale, groups of four decimal
// digits, all big-endian 16 bits. Returns the length. ENSUREs 0 <= places <= DB_NUMERIC_PLACES_MAX.
size_t db_numeric_encode(int128 scaled, int places, unsigned char out[DB_NUMERIC_BYTES_MAX]);
