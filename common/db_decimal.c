// SPDX-License-Identifier: Apache-2.0
// Binary numeric: base-10000 groups around the decimal point. Whole part and fraction are cut apart first, so that the
// fraction can be padded to whole groups without leaving 128 bits. Divisions by 10^16 keep the inner loops in 64 bits.
#include "common/db_decimal.h"

enum { GROUP = 10000, GROUP_DIGITS = 4, CHUNK_GROUPS = 4, GROUPS_MAX = 20, SIGN_NEGATIVE = 0x4000 };
#define CHUNK UINT64_C(10000000000000000) // 10^16: four groups

static uint128 power_of_ten(int exponent)
{
    static const uint64_t small[] = {1ULL,
                                     10ULL,
                                     100ULL,
                                     1000ULL,
                                     10000ULL,
                                     100000ULL,
                                     1000000ULL,
                                     10000000ULL,
                                     100000000ULL,
                                     1000000000ULL,
                                     10000000000ULL,
                                     100000000000ULL,
                                     1000000000000ULL,
                                     10000000000000ULL,
                                     100000000000000ULL,
                                     1000000000000000ULL,
                                     10000000000000000ULL,
                                     100000000000000000ULL,
                                     1000000000000000000ULL};
    uint128 power = 1;
    for (; exponent > 18; exponent -= 18) power *= small[18];
    return power * small[exponent];
}

// Writes exactly `count` groups of value, most significant first. value < 10000^count.
static void groups_write(uint128 value, int count, uint16_t *groups)
{
    int at = count;
    while (at > 0) {
        uint64_t chunk = value <= UINT64_MAX ? (uint64_t)value % CHUNK : (uint64_t)(value % CHUNK);
        value = value <= UINT64_MAX ? (uint64_t)value / CHUNK : value / CHUNK;
        for (int i = 0; i < CHUNK_GROUPS && at > 0; i++) {
            groups[--at] = (uint16_t)(chunk % GROUP);
            chunk /= GROUP;
        }
    }
}

static int whole_group_count(uint128 whole)
{
    int count = 0;
    for (; whole >= CHUNK; whole /= CHUNK) count += CHUNK_GROUPS;
    for (uint64_t rest = (uint64_t)whole; rest; rest /= GROUP) count++;
    return count;
}

static void put_16(unsigned char *out, unsigned value)
{
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)value;
}

size_t db_numeric_encode(int128 scaled, int places, unsigned char out[DB_NUMERIC_BYTES_MAX])
{
    ENSURE(places >= 0 && places <= DB_NUMERIC_PLACES_MAX);
    uint128 magnitude = scaled < 0 ? (uint128)0 - (uint128)scaled : (uint128)scaled;
    uint128 whole = magnitude, fraction = 0;
    int fraction_groups = (places + GROUP_DIGITS - 1) / GROUP_DIGITS;
    if (places > 0) {
        uint128 unit = power_of_ten(places);
        bool narrow = magnitude <= UINT64_MAX && unit <= UINT64_MAX;
        whole = narrow ? (uint64_t)magnitude / (uint64_t)unit : magnitude / unit;
        fraction = (magnitude - whole * unit) * power_of_ten(fraction_groups * GROUP_DIGITS - places);
    }
    uint16_t groups[GROUPS_MAX];
    int whole_groups = whole_group_count(whole);
    groups_write(whole, whole_groups, groups);
    groups_write(fraction, fraction_groups, groups + whole_groups);

    int first = 0, end = whole_groups + fraction_groups;
    while (end > first && groups[end - 1] == 0) end--;
    while (first < end && groups[first] == 0) first++;
    int count = end - first;
    int weight = count ? whole_groups - 1 - first : 0;

    put_16(out, (unsigned)count);
    put_16(out + 2, (unsigned)weight);
    put_16(out + 4, scaled < 0 ? SIGN_NEGATIVE : 0);
    put_16(out + 6, (unsigned)places);
    for (int i = 0; i < count; i++) put_16(out + 8 + 2 * i, groups[first + i]);
    return (size_t)(8 + 2 * count);
}
