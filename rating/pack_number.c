// SPDX-License-Identifier: Apache-2.0
// Base-128 numbers, low bits first.
#include "rating/pack_number.h"

#include <stddef.h>

unsigned char *pack_number_put(unsigned char *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        *out++ = (unsigned char)(number | 0x80);
    *out++ = (unsigned char)number;
    return out;
}

const unsigned char *pack_number_take(const unsigned char *at, const unsigned char *end, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; at < end && shift < 64; shift += 7, at++) {
        uint64_t bits = *at & 0x7f;
        if (shift == 63 && bits > 1) return NULL;
        *number |= bits << shift;
        if (!(*at & 0x80)) return at + 1;
    }
    return NULL;
}
