// SPDX-License-Identifier: Apache-2.0
// Arithmetic of decimals: the one place that divides money and quantities, and the one that rounds them.
// Works on sign and magnitude, so that a rounding mode means the same on both sides of zero.
#include "common/decimal.h"

#include "common/decimal_wide.h"

static uint128 magnitude_of(int128 value)
{
    return value < 0 ? -(uint128)value : (uint128)value;
}

// Does a quotient that left `remainder` (< divisor) over go one further from zero?
static bool rounds_away(uint128 quotient, uint128 remainder, uint128 divisor, enum rounding mode)
{
    if (remainder == 0) return false;
    uint128 missing = divisor - remainder; // compared instead of 2 x remainder, which may not fit
    switch (mode) {
    case ROUND_HALF_UP: return remainder >= missing;
    case ROUND_HALF_EVEN: return remainder > missing || (remainder == missing && (quotient & 1));
    case ROUND_DOWN: return false;
    case ROUND_UP: return true;
    case ROUND_HALF_UP_NONZERO: return quotient == 0 || remainder >= missing;
    }
    err_abort(__FILE__, __LINE__, "a rounding mode of the enum");
}

enum err decimal_mul_div(int128 a, int128 b, int128 divisor, enum rounding mode, int128 *result)
{
    if (divisor <= 0) return ERR_BUG;
    uint128 quotient, remainder;
    if (!wide_mul_div(magnitude_of(a), magnitude_of(b), (uint128)divisor, &quotient, &remainder)) return ERR_LIMIT;
    if (quotient > (uint128)DECIMAL_MAX) return ERR_LIMIT;
    quotient += rounds_away(quotient, remainder, (uint128)divisor, mode);
    if (quotient > (uint128)DECIMAL_MAX) return ERR_LIMIT;
    *result = (a < 0) != (b < 0) ? -(int128)quotient : (int128)quotient;
    return ERR_OK;
}

enum err decimal_round_to(int128 value, int128 increment, enum rounding mode, int128 *result)
{
    if (increment <= 0) return ERR_BUG;
    uint128 magnitude = magnitude_of(value), step = (uint128)increment;
    uint128 remainder = magnitude % step;
    uint128 rounded = magnitude - remainder;
    // At most 2^127 + 2^127 - 1: the step away from zero cannot wrap.
    if (rounds_away(magnitude / step, remainder, step, mode)) rounded += step;
    if (rounded > (uint128)DECIMAL_MAX) return ERR_LIMIT;
    *result = value < 0 ? -(int128)rounded : (int128)rounded;
    return ERR_OK;
}

enum err amount_of(struct quantity quantity, struct price price, struct quantity per, struct amount *amount)
{
    // nano x pico / nano = pico: the scales of quantity and per cancel out.
    return decimal_mul_div(quantity.nano, price.pico, per.nano, ROUND_HALF_UP, &amount->pico);
}

enum err quantity_over_time(struct quantity value, int64_t duration_us, struct quantity *accrued)
{
    const int64_t second_us = 1000000;
    return decimal_mul_div(value.nano, duration_us, second_us, ROUND_HALF_UP, &accrued->nano);
}
