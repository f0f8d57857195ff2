// SPDX-License-Identifier: Apache-2.0
// Decimals as text: the reader takes nothing that it would have to round or guess, the writer gives the shortest exact
// form. The reader is on the path of every event and every price; it allocates nothing and looks at each character
// once.
#include <string.h>

#include "common/decimal.h"

enum { PLACES_MAX = 38, EXPONENT_MAX = 30, CHUNK_DIGITS = 19, SHORTEST = -1 };

static const uint64_t CHUNK = UINT64_C(10000000000000000000); // 10^CHUNK_DIGITS, the largest power of ten in 64 bits

static uint128 power_of_ten(int exponent)
{
    static const uint64_t powers[CHUNK_DIGITS + 1] = {
        UINT64_C(1), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000), UINT64_C(100000), UINT64_C(1000000),
        UINT64_C(10000000), UINT64_C(100000000), UINT64_C(1000000000), UINT64_C(10000000000), UINT64_C(100000000000),
        UINT64_C(1000000000000), UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
        UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    if (exponent <= CHUNK_DIGITS) return powers[exponent];
    return (uint128)powers[exponent - CHUNK_DIGITS] * CHUNK;
}

// A text being read. The value so far is coefficient x 10^zeros: zeros at the end wait there until a later digit needs
// them, so that "1.5000" and "1000e-3" need no more places than they have to.
struct reader {
    const char *at, *end, *text;
    uint128 coefficient;
    int64_t zeros;
    int significant;  // digits of the coefficient; above 38 it is no longer kept, the value is beyond the range
    int64_t fraction; // digits after the point
};

static enum err refuse(const struct reader *reader, struct fault *fault, const char *reason)
{
    return fault_set(fault, ERR_INVALID, NULL, "not a decimal: %s at character %zu", reason,
                     (size_t)(reader->at - reader->text) + 1);
}

static bool at_digit(const struct reader *reader)
{
    return reader->at < reader->end && (unsigned)(*reader->at - '0') <= 9;
}

static bool take(struct reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != character) return false;
    reader->at++;
    return true;
}

static void add_digit(struct reader *reader, unsigned digit)
{
    if (digit == 0) {
        // Zeros in front of the first other digit say nothing.
        reader->zeros += reader->significant > 0;
        return;
    }
    if (reader->significant > 0 && reader->zeros > PLACES_MAX - reader->significant - 1) {
        reader->significant = PLACES_MAX + 1;
    } else {
        for (; reader->zeros > 0; reader->zeros--, reader->significant++) reader->coefficient *= 10;
        reader->coefficient = reader->coefficient * 10 + digit;
        reader->significant++;
    }
    reader->zeros = 0;
}

static enum err read_digits(struct reader *reader, int64_t *count, struct fault *fault)
{
    const char *start = reader->at;
    if (!at_digit(reader)) return refuse(reader, fault, reader->at == reader->end ? "a digit is missing" : "no digit");
    for (; at_digit(reader); reader->at++) add_digit(reader, (unsigned)(*reader->at - '0'));
    *count = reader->at - start;
    return ERR_OK;
}

static enum err read_exponent(struct reader *reader, int64_t *exponent, struct fault *fault)
{
    bool negative = take(reader, '-');
    if (!negative && take(reader, '+')) negative = false;
    if (!at_digit(reader)) return refuse(reader, fault, "an exponent without digits");
    int64_t value = 0;
    for (; at_digit(reader); reader->at++) {
        value = value * 10 + (*reader->at - '0');
        if (value > EXPONENT_MAX) return refuse(reader, fault, "an exponent beyond -30..30");
    }
    *exponent = negative ? -value : value;
    return ERR_OK;
}

static enum err read_number(struct reader *reader, bool exponent_allowed, int64_t *exponent, struct fault *fault)
{
    int64_t digits;
    bool leading_zero = reader->at < reader->end && *reader->at == '0';
    enum err err = read_digits(reader, &digits, fault);
    if (err) return err;
    if (leading_zero && digits > 1) {
        reader->at -= digits;
        return refuse(reader, fault, "a leading zero");
    }
    if (take(reader, '.') && (err = read_digits(reader, &reader->fraction, fault)) != ERR_OK) return err;
    if (exponent_allowed && (take(reader, 'e') || take(reader, 'E'))) {
        err = read_exponent(reader, exponent, fault);
        if (err) return err;
    }
    return reader->at == reader->end ? ERR_OK : refuse(reader, fault, "an unexpected character");
}

// The magnitude at `places` digits: coefficient x 10^shift, exact or refused.
static enum err scale(const struct reader *reader, int places, int64_t exponent, uint128 *magnitude,
                      struct fault *fault)
{
    *magnitude = 0;
    if (reader->significant == 0) return ERR_OK;
    int64_t shift = reader->zeros - reader->fraction + exponent + places;
    if (shift < 0)
        return fault_set(fault, ERR_INVALID, NULL, "not a decimal: more than %d fraction digits, round it yourself",
                         places);
    if (reader->significant + shift > PLACES_MAX)
        return fault_set(fault, ERR_LIMIT, NULL, "too large: at most %d digits before the point", PLACES_MAX - places);
    *magnitude = reader->coefficient * power_of_ten((int)shift);
    return ERR_OK;
}

enum err decimal_parse(const char *text, size_t length, int places, bool exponent_allowed, int128 *scaled,
                       struct fault *fault)
{
    ENSURE(places >= 0 && places <= PLACES_MAX);
    if (length == 0) return fault_set(fault, ERR_INVALID, NULL, "not a decimal: empty");
    struct reader reader = {.at = text, .end = text + length, .text = text};
    bool negative = take(&reader, '-');
    int64_t exponent = 0;
    enum err err = read_number(&reader, exponent_allowed, &exponent, fault);
    if (err) return err;
    uint128 magnitude;
    err = scale(&reader, places, exponent, &magnitude, fault);
    if (err) return err;
    *scaled = negative ? -(int128)magnitude : (int128)magnitude;
    return ERR_OK;
}

// Writes digits backwards from `end`, at least `least` of them; returns the first.
static char *digits_backwards(char *end, uint128 value, int least)
{
    char *at = end;
    while (value > 0) {
        // 128-bit division once per 19 digits, 64-bit division for each of them.
        uint64_t chunk = (uint64_t)(value % CHUNK);
        value /= CHUNK;
        for (int i = 0; i < CHUNK_DIGITS && (chunk > 0 || value > 0); i++, chunk /= 10)
            *--at = (char)('0' + chunk % 10);
    }
    while (end - at < least) *--at = '0';
    return at;
}

// shown: fraction digits to write, or SHORTEST.
static size_t write_decimal(int128 scaled, int places, int shown, char out[DECIMAL_TEXT_MAX])
{
    ENSURE(places >= 0 && places <= PLACES_MAX && shown <= places);
    char digits[DECIMAL_TEXT_MAX];
    char *end = digits + sizeof digits;
    char *first = digits_backwards(end, scaled < 0 ? -(uint128)scaled : (uint128)scaled, places + 1);
    char *point = end - places;
    int needed = places;
    while (needed > 0 && point[needed - 1] == '0') needed--;
    if (shown == SHORTEST) shown = needed;
    ENSURE(needed <= shown);

    char *at = out;
    if (scaled < 0) *at++ = '-';
    at = mempcpy(at, first, (size_t)(point - first));
    if (shown > 0) {
        *at++ = '.';
        at = mempcpy(at, point, (size_t)shown);
    }
    *at = 0;
    return (size_t)(at - out);
}

size_t decimal_print(int128 scaled, int places, char out[DECIMAL_TEXT_MAX])
{
    return write_decimal(scaled, places, SHORTEST, out);
}

size_t decimal_print_fixed(int128 scaled, int places, int shown, char out[DECIMAL_TEXT_MAX])
{
    ENSURE(shown >= 0);
    return write_decimal(scaled, places, shown, out);
}

enum err quantity_parse(const char *text, size_t length, struct quantity *quantity, struct fault *fault)
{
    return decimal_parse(text, length, QUANTITY_PLACES, false, &quantity->nano, fault);
}

enum err price_parse(const char *text, size_t length, struct price *price, struct fault *fault)
{
    return decimal_parse(text, length, PRICE_PLACES, false, &price->pico, fault);
}

enum err amount_parse(const char *text, size_t length, struct amount *amount, struct fault *fault)
{
    return decimal_parse(text, length, AMOUNT_PLACES, false, &amount->pico, fault);
}

size_t quantity_print(struct quantity quantity, char out[DECIMAL_TEXT_MAX])
{
    return decimal_print(quantity.nano, QUANTITY_PLACES, out);
}

const char *const rounding_names[ROUNDING_COUNT] = {
    [ROUND_HALF_UP] = "half_up",
    [ROUND_HALF_EVEN] = "half_even",
    [ROUND_DOWN] = "down",
    [ROUND_UP] = "up",
    [ROUND_HALF_UP_NONZERO] = "half_up_nonzero",
};

size_t price_print(struct price price, char out[DECIMAL_TEXT_MAX])
{
    return decimal_print(price.pico, PRICE_PLACES, out);
}

size_t amount_print(struct amount amount, char out[DECIMAL_TEXT_MAX])
{
    return decimal_print(amount.pico, AMOUNT_PLACES, out);
}
