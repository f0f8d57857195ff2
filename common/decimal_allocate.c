// SPDX-License-Identifier: Apache-2.0
// Splits a total over parts so that they add up to the last unit: largest remainder, ties to the lower index.
// Needs no memory of its own: `parts` holds the remainders while the threshold is looked for, and the quotas are
// computed a second time. Used for the cents of invoice lines and for shares of a tier that several tenants fill
// together.
#include <stdlib.h>

#include "common/decimal.h"
#include "common/decimal_wide.h"

// Who gets one unit more: every remainder above the threshold, and the first `ties` of those that equal it.
struct leftover { uint128 threshold; size_t ties; };

static enum err sum_of_weights(const int128 *weights, size_t count, int128 *sum)
{
    *sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (weights[i] < 0) return ERR_INVALID;
        enum err err = decimal_add(*sum, weights[i], sum);
        if (err) return err;
    }
    return *sum > 0 ? ERR_OK : ERR_INVALID;
}

static uint128 quota_of(uint128 units, int128 weight, int128 sum, uint128 *remainder)
{
    uint128 quota;
    bool fits = wide_mul_div(units, (uint128)weight, (uint128)sum, &quota, remainder);
    ENSURE(fits); // weight <= sum, so the quota never exceeds units
    return quota;
}

static int compare_descending(const void *a, const void *b)
{
    int128 left = *(const int128 *)a, right = *(const int128 *)b;
    return (left < right) - (left > right);
}

// `given` units (< count) are left to hand out; remainders is sorted as a side effect.
static struct leftover leftover_of(int128 *remainders, size_t count, size_t given)
{
    if (given == 0) return (struct leftover){~(uint128)0, 0};
    qsort(remainders, count, sizeof *remainders, compare_descending);
    struct leftover leftover = {(uint128)remainders[given - 1], 0};
    for (size_t i = given; i > 0 && (uint128)remainders[i - 1] == leftover.threshold; i--) leftover.ties++;
    return leftover;
}

static bool takes_one(struct leftover *leftover, uint128 remainder)
{
    if (remainder > leftover->threshold) return true;
    if (remainder < leftover->threshold || leftover->ties == 0) return false;
    leftover->ties--;
    return true;
}

enum err decimal_allocate(int128 total, int128 increment, const int128 *weights, size_t count, int128 *parts)
{
    if (total > DECIMAL_MAX || total < -DECIMAL_MAX) return ERR_LIMIT;
    if (increment <= 0 || total % increment != 0) return ERR_INVALID;
    int128 sum;
    enum err err = sum_of_weights(weights, count, &sum);
    if (err) return err;

    uint128 units = (uint128)(total < 0 ? -total : total) / (uint128)increment;
    uint128 left = units, remainder;
    for (size_t i = 0; i < count; i++) {
        left -= quota_of(units, weights[i], sum, &remainder);
        parts[i] = (int128)remainder; // < sum, fits
    }
    ENSURE(left < count); // each remainder is below one unit
    struct leftover leftover = leftover_of(parts, count, (size_t)left);
    for (size_t i = 0; i < count; i++) {
        uint128 quota = quota_of(units, weights[i], sum, &remainder);
        if (takes_one(&leftover, remainder)) quota++;
        int128 part = (int128)quota * increment;
        parts[i] = total < 0 ? -part : part;
    }
    return ERR_OK;
}
