// SPDX-License-Identifier: Apache-2.0
// Exact decimals: scaled 128-bit integers with checked operations. No float anywhere near them.
// Three kinds, told apart by type so that the compiler refuses a mix-up: quantity (1e-9), price (1e-12), amount
// (1e-12). Pure: no I/O, no globals, any thread. Overflow is ERR_LIMIT, never a wrap.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum { QUANTITY_PLACES = 9, PRICE_PLACES = 12, AMOUNT_PLACES = 12, DECIMAL_TEXT_MAX = 48 };

struct quantity { int128 nano; };   // 1e-9 of the meter's unit
struct price { int128 pico; };      // 1e-12 of the currency, per pricing unit
struct amount { int128 pico; };     // 1e-12 of the currency

#define QUANTITY_ZERO ((struct quantity){0})
#define PRICE_ZERO ((struct price){0})
#define AMOUNT_ZERO ((struct amount){0})

// Range of every kind: |scaled value| <= DECIMAL_MAX, what numeric(38, n) holds. One event's quantity is bounded apart:
// |q| <= 1e15 units, checked by the reader of events.
#define DECIMAL_MAX ((int128)10000000000000000000U * 10000000000000000000U - 1) // 1e38 - 1
#define QUANTITY_EVENT_MAX_UNITS 1000000000000000LL

// How a value between two steps is settled. Half-up and up go away from zero, down goes towards it: -0.5 is -1 half-up.
// Half-up-nonzero is half-up, but what lies between zero and the first step goes away from zero, too: 0.001 is 1.
enum rounding { ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN, ROUND_UP, ROUND_HALF_UP_NONZERO };
enum { ROUNDING_COUNT = ROUND_HALF_UP_NONZERO + 1 };
extern const char *const rounding_names[ROUNDING_COUNT]; // in files, in the database and for people

// Reads a decimal of plain digits: [-]digits[.digits], optional exponent when allowed. Refuses (ERR_INVALID, reason in
// fault) empty text, spaces, '+', leading zeros as in "01", a bare '.', NaN, infinities, hex, non-ASCII digits, and a
// value that needs more than `places` (0..38) fraction digits (never rounded; trailing zeros are fine). ERR_LIMIT: the
// value has so many fraction digits at most, but is beyond the range. An exponent (e or E, optional sign) is accepted
// only within -30..30 and only if exponent_allowed (JSON numbers); -0 is 0. text need not end in NUL. The reason never
// quotes the text.
enum err decimal_parse(const char *text, size_t length, int places, bool exponent_allowed, int128 *scaled,
                       struct fault *fault) MUST_USE;
// Writes the shortest exact form without exponent ("0.1", "-12", "0"), NUL-terminated, returns the length. Any value of
// the type can be written, also one beyond the range. places 0..38.
size_t decimal_print(int128 scaled, int places, char out[DECIMAL_TEXT_MAX]);
// Writes with exactly `shown` fraction digits, for documents ("12.30"). shown <= places, and the value must already be
// rounded to so many digits (both ENSUREd).
size_t decimal_print_fixed(int128 scaled, int places, int shown, char out[DECIMAL_TEXT_MAX]);

// ERR_LIMIT beyond +-DECIMAL_MAX. On any error of an operation below the result is left as it was.
static inline MUST_USE enum err decimal_add(int128 a, int128 b, int128 *sum)
{
    int128 result;
    if (__builtin_add_overflow(a, b, &result) || result > DECIMAL_MAX || result < -DECIMAL_MAX) return ERR_LIMIT;
    *sum = result;
    return ERR_OK;
}

static inline MUST_USE enum err decimal_sub(int128 a, int128 b, int128 *difference)
{
    int128 result;
    if (__builtin_sub_overflow(a, b, &result) || result > DECIMAL_MAX || result < -DECIMAL_MAX) return ERR_LIMIT;
    *difference = result;
    return ERR_OK;
}

// round(a * b / divisor), 256-bit intermediate, one rounding. ERR_LIMIT if the result leaves the range; ERR_BUG if
// divisor <= 0: the caller must have refused that where it came in.
enum err decimal_mul_div(int128 a, int128 b, int128 divisor, enum rounding mode, int128 *result) MUST_USE;
// Rounds to a multiple of `increment` (same scale). ERR_LIMIT beyond the range, ERR_BUG if increment <= 0.
enum err decimal_round_to(int128 value, int128 increment, enum rounding mode, int128 *result) MUST_USE;

// Typed operations used by meters, prices and documents. Texts without an exponent.
enum err quantity_parse(const char *text, size_t length, struct quantity *quantity, struct fault *fault) MUST_USE;
enum err price_parse(const char *text, size_t length, struct price *price, struct fault *fault) MUST_USE;
enum err amount_parse(const char *text, size_t length, struct amount *amount, struct fault *fault) MUST_USE;
size_t quantity_print(struct quantity quantity, char out[DECIMAL_TEXT_MAX]);
size_t price_print(struct price price, char out[DECIMAL_TEXT_MAX]);
size_t amount_print(struct amount amount, char out[DECIMAL_TEXT_MAX]);

static inline MUST_USE enum err quantity_add(struct quantity a, struct quantity b, struct quantity *sum)
{
    return decimal_add(a.nano, b.nano, &sum->nano);
}

static inline MUST_USE enum err quantity_sub(struct quantity a, struct quantity b, struct quantity *difference)
{
    return decimal_sub(a.nano, b.nano, &difference->nano);
}

static inline MUST_USE enum err amount_add(struct amount a, struct amount b, struct amount *sum)
{
    return decimal_add(a.pico, b.pico, &sum->pico);
}

static inline MUST_USE enum err amount_sub(struct amount a, struct amount b, struct amount *difference)
{
    return decimal_sub(a.pico, b.pico, &difference->pico);
}

// Below zero, zero or above zero, as a is less than, equal to or greater than b.
static inline int quantity_compare(struct quantity a, struct quantity b)
{
    return (a.nano > b.nano) - (a.nano < b.nano);
}

static inline int amount_compare(struct amount a, struct amount b)
{
    return (a.pico > b.pico) - (a.pico < b.pico);
}

// amount = quantity x price / per, rounded once (half-up) to 1e-12. per: how many meter units one pricing unit holds
// (3600 for a price per hour on seconds, 1e6 for a price per million), scaled as a quantity; ERR_BUG unless > 0.
enum err amount_of(struct quantity quantity, struct price price, struct quantity per, struct amount *amount) MUST_USE;
// amount = (quantity x price / per + flat) x rate, rounded once (half-up) to 1e-12: quantity x price x rate / per in
// another currency, multiplied before it is divided. rate: >= 0, of the two currencies, at 1e-12. Every product fits;
// ERR_LIMIT if the amount leaves the range, ERR_BUG unless per > 0 and rate >= 0.
enum err amount_converted(struct quantity quantity, struct price price, struct quantity per, struct amount flat,
                          struct price rate, struct amount *amount) MUST_USE;
// The quantity that an amount pays for at that: amount x per / (price x rate), rounded once (half-up) to 1e-9. ERR_LIMIT;
// ERR_BUG unless price > 0 and rate > 0.
enum err quantity_for(struct amount amount, struct price price, struct quantity per, struct price rate,
                      struct quantity *quantity) MUST_USE;
// What was converted into `converted` at a rate, as far as that tells it: the amount with fewest places that the rate
// makes `converted` of, the nearest of these; if none with 12 places does, converted / rate rounded half-up to 12.
// ERR_LIMIT; ERR_BUG unless rate > 0.
enum err amount_unconverted(struct amount converted, struct price rate, struct amount *amount) MUST_USE;
// value x (duration / 1 s), rounded once (half-up) to 1e-9: what a level of `value` accrues in duration_us.
enum err quantity_over_time(struct quantity value, int64_t duration_us, struct quantity *accrued) MUST_USE;

// Splits `total` over `count` parts in proportion to weights (all >= 0, sum > 0), each part a multiple of `increment`
// (> 0; total must be one), by largest remainder; ties go to the lower index. Parts add up to total exactly.
// ERR_INVALID for bad weights or increment, ERR_LIMIT if total or the sum of the weights is beyond the range. Sign of
// total is kept. parts holds `count` values and must not overlap weights; it is undefined after an error.
enum err decimal_allocate(int128 total, int128 increment, const int128 *weights, size_t count, int128 *parts) MUST_USE;
