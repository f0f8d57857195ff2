// SPDX-License-Identifier: Apache-2.0
// Numbers of variable length in packed rows (docs/chain.md): seven bits a byte, low bits first; the top bit says that
// more follow. Pure.
#pragma once
#include <stdint.h>

enum { PACK_NUMBER_MAX = 10 }; // bytes

// Returns the byte behind it.
unsigned char *pack_number_put(unsigned char *out, uint64_t number);
// The byte behind the number, or NULL if it does not end before `end` or has more than 64 bits.
const unsigned char *pack_number_take(const unsigned char *at, const unsigned char *end, uint64_t *number);
// Signed numbers with the sign as the lowest bit: 0, -1, 1, -2, 2 are 0, 1, 2, 3, 4.
static inline uint64_t pack_fold(int64_t number)
{
    return number < 0 ? ~((uint64_t)number << 1) : (uint64_t)number << 1;
}
static inline int64_t pack_unfold(uint64_t folded)
{
    return (int64_t)(folded & 1 ? ~(folded >> 1) : folded >> 1);
}
