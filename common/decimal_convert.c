// SPDX-License-Identifier: Apache-2.0
// Amounts in another currency: three factors over two divisors, rounded once. Two factors of 128 bits fit 256; the third
// makes 384, kept as three digits of 128 bits and divided by one divisor after the other, which is floor(n / (a x b)).
#include "common/decimal.h"
#include "common/decimal_wide.h"

static const int128 ONE = 1000000000000; // of rates, at 1e-12
_Static_assert(PRICE_PLACES == 12, "ONE says it");

enum { DIGITS = 3 };
struct digits { uint128 digit[DIGITS]; }; // the lowest first

static uint128 magnitude_of(int128 value)
{
    return value < 0 ? -(uint128)value : (uint128)value;
}

static int wide_compare(struct wide a, struct wide b)
{
    if (a.high != b.high) return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

static struct wide wide_sum(struct wide a, struct wide b)
{
    const uint128 low = a.low + b.low;
    return (struct wide){a.high + b.high + (low < a.low), low};
}

static struct wide wide_difference(struct wide a, struct wide b)
{
    return (struct wide){a.high - b.high - (a.low < b.low), a.low - b.low};
}

// The magnitude of a x b + c x d. Neither product reaches 2^253, so the sum fits.
static struct wide two_products(int128 a, int128 b, int128 c, int128 d, bool *negative)
{
    const struct wide first = wide_multiply(magnitude_of(a), magnitude_of(b));
    const struct wide second = wide_multiply(magnitude_of(c), magnitude_of(d));
    const bool first_negative = (a < 0) != (b < 0), second_negative = (c < 0) != (d < 0);
    const bool first_greater = wide_compare(first, second) >= 0;
    *negative = first_greater ? first_negative : second_negative;
    if (first_negative == second_negative) return wide_sum(first, second);
    return first_greater ? wide_difference(first, second) : wide_difference(second, first);
}

static struct digits times(struct wide value, uint128 factor)
{
    const struct wide low = wide_multiply(value.low, factor), high = wide_multiply(value.high, factor);
    struct digits product = {{low.low, low.high + high.low, high.high}};
    product.digit[2] += product.digit[1] < low.high;
    return product;
}

static uint128 divide(struct digits *value, uint128 divisor)
{
    uint128 remainder = 0;
    for (int i = DIGITS; i-- > 0;)
        value->digit[i] = wide_divide((struct wide){remainder, value->digit[i]}, divisor, &remainder);
    return remainder;
}

// Half of f x g is reached by what a division by f, which left r, and then by g, which left s, left of both: s x f + r.
static bool half_reached(uint128 s, uint128 r, uint128 f, uint128 g)
{
    if (2 * s != g - 1) return 2 * s >= g; // r < f adds less than one to s
    return r >= f - r;
}

// (a x b + c x d) x e / (f x g), rounded half-up once.
static enum err scale(const int128 pairs[4], int128 e, int128 f, int128 g, int128 *result)
{
    bool negative;
    if (f <= 0 || g <= 0 || e < 0) return ERR_BUG;
    const struct wide sum = two_products(pairs[0], pairs[1], pairs[2], pairs[3], &negative);
    struct digits value = times(sum, (uint128)e);
    const uint128 r = divide(&value, (uint128)f), s = divide(&value, (uint128)g);
    if (value.digit[2] || value.digit[1] || value.digit[0] > (uint128)DECIMAL_MAX) return ERR_LIMIT;
    const uint128 rounded = value.digit[0] + half_reached(s, r, (uint128)f, (uint128)g);
    if (rounded > (uint128)DECIMAL_MAX) return ERR_LIMIT;
    *result = negative ? -(int128)rounded : (int128)rounded;
    return ERR_OK;
}

enum err amount_converted(struct quantity quantity, struct price price, struct quantity per, struct amount flat,
                          struct price rate, struct amount *amount)
{
    // (nano x pico + pico x nano) x pico / nano / ONE = pico
    return scale((int128[]){quantity.nano, price.pico, flat.pico, per.nano}, rate.pico, per.nano, ONE, &amount->pico);
}

enum err amount_unconverted(struct amount converted, struct price rate, struct amount *amount)
{
    enum err err = ERR_BUG;
    if (rate.pico <= 0) return err;
    for (int128 step = ONE; step > 0; step /= 10) {
        int128 steps, again;
        err = scale((int128[]){converted.pico, ONE, 0, 0}, 1, rate.pico, step, &steps);
        if (!err && (steps > DECIMAL_MAX / step || steps < -DECIMAL_MAX / step)) err = ERR_LIMIT;
        if (err) continue; // rounded to fewer places it may be out of range
        amount->pico = steps * step;
        if (!scale((int128[]){amount->pico, rate.pico, 0, 0}, 1, ONE, 1, &again) && again == converted.pico) break;
    }
    return err;
}

enum err quantity_for(struct amount amount, struct price price, struct quantity per, struct price rate,
                      struct quantity *quantity)
{
    return scale((int128[]){amount.pico, per.nano, 0, 0}, ONE, price.pico, rate.pico, &quantity->nano);
}
