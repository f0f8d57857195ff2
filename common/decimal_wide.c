// SPDX-License-Identifier: Apache-2.0
// 128 x 128 -> 256 bit multiplication and 256 / 128 bit division, for decimal.c and decimal_allocate.c.
// Source of the division: Knuth, The Art of Computer Programming, volume 2, section 4.3.1, algorithm D, with digits of
// 64 bits and a divisor of two digits. Everything that fits 128 bits takes the compiler's own division instead.
#include "common/decimal_wide.h"

static uint64_t low_half(uint128 value)
{
    return (uint64_t)value;
}

static uint64_t high_half(uint128 value)
{
    return (uint64_t)(value >> 64);
}

struct wide wide_multiply(uint128 a, uint128 b)
{
    if (high_half(a | b) == 0) return (struct wide){0, a * b};
    uint128 low = (uint128)low_half(a) * low_half(b);
    uint128 cross_a = (uint128)high_half(a) * low_half(b);
    uint128 cross_b = (uint128)low_half(a) * high_half(b);
    uint128 high = (uint128)high_half(a) * high_half(b);
    // At most 3 x (2^64 - 1): the carry of the middle digit cannot overflow.
    uint128 middle = (uint128)high_half(low) + low_half(cross_a) + low_half(cross_b);
    high += (uint128)high_half(cross_a) + high_half(cross_b) + high_half(middle);
    return (struct wide){high, (middle << 64) | low_half(low)};
}

static int leading_zeros(uint128 value)
{
    return high_half(value) ? __builtin_clzll(high_half(value)) : 64 + __builtin_clzll(low_half(value));
}

// One digit of the quotient: floor((rest * 2^64 + digit) / divisor), where rest < divisor and the divisor's top bit is
// set. *rest becomes the remainder.
static uint64_t divide_digit(uint128 *rest, uint64_t digit, uint128 divisor)
{
    uint64_t divisor_high = high_half(divisor), divisor_low = low_half(divisor);
    uint128 estimate, rest_high;
    if (high_half(*rest) >= divisor_high) {
        // rest < divisor makes the two equal; the estimate is capped at the largest digit.
        estimate = UINT64_MAX;
        rest_high = (uint128)low_half(*rest) + divisor_high;
    } else {
        estimate = *rest / divisor_high;
        rest_high = *rest % divisor_high;
    }
    // The estimate from the divisor's upper digit is at most two too large (theorem B); its lower digit corrects it.
    while (high_half(rest_high) == 0 && estimate * divisor_low > ((rest_high << 64) | digit)) {
        estimate--;
        rest_high += divisor_high;
    }
    // The true remainder is below the divisor, so arithmetic modulo 2^128 gives it exactly.
    *rest = ((*rest << 64) | digit) - estimate * divisor;
    return low_half(estimate);
}

uint128 wide_divide(struct wide dividend, uint128 divisor, uint128 *remainder)
{
    ENSURE(dividend.high < divisor);
    if (dividend.high == 0) {
        *remainder = dividend.low % divisor;
        return dividend.low / divisor;
    }
    int shift = leading_zeros(divisor);
    if (shift > 0) {
        dividend.high = (dividend.high << shift) | (dividend.low >> (128 - shift));
        dividend.low <<= shift;
        divisor <<= shift;
    }
    uint128 rest = dividend.high;
    uint128 quotient = (uint128)divide_digit(&rest, high_half(dividend.low), divisor) << 64;
    quotient |= divide_digit(&rest, low_half(dividend.low), divisor);
    *remainder = rest >> shift;
    return quotient;
}

bool wide_mul_div(uint128 a, uint128 b, uint128 divisor, uint128 *quotient, uint128 *remainder)
{
    struct wide product = wide_multiply(a, b);
    if (product.high >= divisor) return false;
    *quotient = wide_divide(product, divisor, remainder);
    return true;
}
