// SPDX-License-Identifier: Apache-2.0
// Decimals against GMP: random values, thick at the edges, through both; every answer and every error must agree.
// What is expected is computed from the contract with rationals at their real scale, not in the way of the code.
// TURNPIKE_TEST_SEED repeats a run, TURNPIKE_TEST_CASES sets how many cases each property gets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <gmp.h>

#include "common/decimal.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif
#ifdef SANITIZED
enum { CASES_DEFAULT = 100000 };
#else
enum { CASES_DEFAULT = 1000000 };
#endif

enum { MODES = ROUNDING_COUNT };

#define INT128_MAX_VALUE ((int128)(~(uint128)0 >> 1))

static uint64_t seed, random_state;
static uint64_t cases = CASES_DEFAULT;

// Numbers of the oracle, allocated once.
static struct {
    mpz_t limit, expected, got, floor, ceiling, factor, remainder;
    mpq_t exact, other, twice;
} gmp;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    if (!text || !*text) return otherwise;
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*end) fail_msg("%s is not a number", name);
    return value;
}

static int set_up(void **state)
{
    (void)state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = from_environment("TURNPIKE_TEST_SEED", (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec);
    cases = from_environment("TURNPIKE_TEST_CASES", CASES_DEFAULT);
    print_message("TURNPIKE_TEST_SEED=%llu TURNPIKE_TEST_CASES=%llu\n", (unsigned long long)seed,
                  (unsigned long long)cases);
    mpz_inits(gmp.limit, gmp.expected, gmp.got, gmp.floor, gmp.ceiling, gmp.factor, gmp.remainder, NULL);
    mpq_inits(gmp.exact, gmp.other, gmp.twice, NULL);
    mpz_ui_pow_ui(gmp.limit, 10, 38);
    mpz_sub_ui(gmp.limit, gmp.limit, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mpz_clears(gmp.limit, gmp.expected, gmp.got, gmp.floor, gmp.ceiling, gmp.factor, gmp.remainder, NULL);
    mpq_clears(gmp.exact, gmp.other, gmp.twice, NULL);
    return 0;
}

static uint64_t random_64(void)
{
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15); // splitmix64
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int random_below(int bound)
{
    return (int)(random_64() % (uint64_t)bound);
}

static int128 power_of_ten(int exponent)
{
    int128 power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

// Not negative. Most values lie at or beside a power, half of one, or the end of a range.
static int128 random_magnitude(void)
{
    int nudge = random_below(3) - 1;
    switch (random_below(8)) {
    case 0: return power_of_ten(random_below(39)) + nudge;
    case 1: return 5 * power_of_ten(random_below(38)) + nudge;
    case 2: return ((int128)1 << random_below(127)) + nudge;
    case 3: return ((int128)1 << 64) + nudge;
    case 4: return random_below(2) ? DECIMAL_MAX + nudge : INT128_MAX_VALUE - random_below(2);
    case 5: return random_below(100);
    default:
        return (int128)((((uint128)random_64() << 64) | random_64()) >> (1 + random_below(127))); // each length alike
    }
}

static int128 random_value(void)
{
    int128 magnitude = random_magnitude();
    return random_below(2) ? magnitude : -magnitude;
}

static int128 random_in_range(void)
{
    int128 value = random_value();
    return value > DECIMAL_MAX || value < -DECIMAL_MAX ? value / 2 : value;
}

static int128 random_positive(void)
{
    int128 value = random_magnitude();
    return value > 0 ? value : 1;
}

static void set(mpz_t out, int128 value)
{
    uint128 magnitude = value < 0 ? -(uint128)value : (uint128)value;
    mpz_import(out, 1, 1, sizeof magnitude, 0, 0, &magnitude);
    if (value < 0) mpz_neg(out, out);
}

// value / 10^places as a rational.
static void set_scaled(mpq_t out, int128 value, int places)
{
    set(mpq_numref(out), value);
    mpz_ui_pow_ui(mpq_denref(out), 10, (unsigned long)places);
    mpq_canonicalize(out);
}

static const char *show(int128 value)
{
    static char texts[8][DECIMAL_TEXT_MAX];
    static unsigned next;
    char *text = texts[next++ % 8];
    decimal_print(value, 0, text);
    return text;
}

// Does the answer agree with gmp.expected?
static bool agrees(enum err err, int128 result)
{
    if (mpz_cmpabs(gmp.expected, gmp.limit) > 0) return err == ERR_LIMIT;
    set(gmp.got, result);
    return err == ERR_OK && mpz_cmp(gmp.got, gmp.expected) == 0;
}

// gmp.expected = gmp.exact x 10^places, rounded to one of the two whole numbers around it.
static void expect_rounded(int places, enum rounding mode)
{
    mpq_abs(gmp.twice, gmp.exact);
    mpz_ui_pow_ui(gmp.factor, 10, (unsigned long)places);
    mpz_mul(mpq_numref(gmp.twice), mpq_numref(gmp.twice), gmp.factor);
    mpq_canonicalize(gmp.twice);
    mpz_fdiv_q(gmp.floor, mpq_numref(gmp.twice), mpq_denref(gmp.twice));
    mpz_cdiv_q(gmp.ceiling, mpq_numref(gmp.twice), mpq_denref(gmp.twice));
    mpq_mul_2exp(gmp.twice, gmp.twice, 1);
    mpz_add(gmp.factor, gmp.floor, gmp.ceiling); // twice the middle between the two
    int beside_middle = mpq_cmp_z(gmp.twice, gmp.factor);
    bool up = false;
    switch (mode) {
    case ROUND_HALF_UP: up = beside_middle >= 0; break;
    case ROUND_HALF_EVEN: up = beside_middle > 0 || (beside_middle == 0 && mpz_even_p(gmp.ceiling)); break;
    case ROUND_DOWN: up = false; break;
    case ROUND_UP: up = true; break;
    case ROUND_HALF_UP_NONZERO: up = mpz_sgn(gmp.floor) == 0 || beside_middle >= 0; break;
    }
    mpz_set(gmp.expected, up ? gmp.ceiling : gmp.floor);
    if (mpq_sgn(gmp.exact) < 0) mpz_neg(gmp.expected, gmp.expected);
}

// a x b / divisor: anywhere, at a half, or at the end of the range.
static void random_product(int128 *a, int128 *b, int128 *divisor)
{
    *a = random_value();
    *b = random_value();
    *divisor = random_positive();
    int kind = random_below(4);
    if (kind == 0) { // (2k + 1) x half / (2 x half) = k + 0.5
        int128 half = random_magnitude() / 2 + 1;
        *a = (int128)(random_64() >> random_below(64)) * 2 + 1;
        *b = random_below(2) ? half : -half;
        *divisor = half <= INT128_MAX_VALUE / 2 ? 2 * half : half;
    } else if (kind == 1) { // 1e38 - 1 x divisor / divisor, and a step or two beside it
        *a = DECIMAL_MAX + random_below(3) - 1;
        *b = *divisor + (*divisor < INT128_MAX_VALUE ? random_below(2) : 0);
    }
}

static void products_agree(void **state)
{
    (void)state;
    random_state = seed;
    uint64_t fits = 0, halves = 0;
    for (uint64_t i = 0; i < cases; i++) {
        int128 a, b, divisor;
        random_product(&a, &b, &divisor);
        set(mpq_numref(gmp.exact), a);
        set(gmp.factor, b);
        mpz_mul(mpq_numref(gmp.exact), mpq_numref(gmp.exact), gmp.factor);
        set(mpq_denref(gmp.exact), divisor);
        mpq_canonicalize(gmp.exact);
        halves += mpz_cmp_ui(mpq_denref(gmp.exact), 2) == 0;
        for (int mode = 0; mode < MODES; mode++) {
            int128 result = 0;
            enum err err = decimal_mul_div(a, b, divisor, (enum rounding)mode, &result);
            fits += err == ERR_OK;
            expect_rounded(0, (enum rounding)mode);
            if (!agrees(err, result))
                fail_msg("%s * %s / %s mode %d: %s %s", show(a), show(b), show(divisor), mode, err_name(err),
                         show(result));
        }
    }
    assert_true(fits > cases && fits < MODES * cases); // answers and refusals were both seen
    assert_true(halves > cases / 10);
}

static void conversions_agree(void **state)
{
    (void)state;
    random_state = seed + 7;
    uint64_t fits = 0;
    for (uint64_t i = 0; i < cases; i++) {
        int128 q = random_in_range(), p = random_in_range(), per = random_positive(), flat = random_in_range(),
               rate = random_positive(), one = power_of_ten(PRICE_PLACES);
        struct amount amount = {0};
        struct quantity quantity = {0};
        if (random_below(2)) q /= power_of_ten(random_below(39)), rate /= power_of_ten(random_below(30));
        rate += rate == 0;
        enum err err = amount_converted((struct quantity){q}, (struct price){p}, (struct quantity){per},
                                        (struct amount){flat}, (struct price){rate}, &amount);
        set(gmp.floor, q);
        set(gmp.factor, p);
        mpz_mul(mpq_numref(gmp.exact), gmp.floor, gmp.factor);
        set(gmp.floor, flat);
        set(gmp.factor, per);
        mpz_addmul(mpq_numref(gmp.exact), gmp.floor, gmp.factor);
        set(gmp.floor, rate);
        mpz_mul(mpq_numref(gmp.exact), mpq_numref(gmp.exact), gmp.floor);
        set(gmp.floor, one);
        mpz_mul(mpq_denref(gmp.exact), gmp.factor, gmp.floor);
        mpq_canonicalize(gmp.exact);
        expect_rounded(0, ROUND_HALF_UP);
        fits += err == ERR_OK;
        if (!agrees(err, amount.pico)) fail_msg("(%s * %s / %s + %s) * %s", show(q), show(p), show(per), show(flat), show(rate));

        if (p <= 0) continue;
        err = quantity_for((struct amount){q}, (struct price){p}, (struct quantity){per}, (struct price){rate}, &quantity);
        set(gmp.floor, q);
        set(gmp.factor, per);
        mpz_mul(mpq_numref(gmp.exact), gmp.floor, gmp.factor);
        set(gmp.floor, one);
        mpz_mul(mpq_numref(gmp.exact), mpq_numref(gmp.exact), gmp.floor);
        set(gmp.floor, p);
        set(gmp.factor, rate);
        mpz_mul(mpq_denref(gmp.exact), gmp.floor, gmp.factor);
        mpq_canonicalize(gmp.exact);
        expect_rounded(0, ROUND_HALF_UP);
        if (!agrees(err, quantity.nano)) fail_msg("%s * %s / (%s * %s)", show(q), show(per), show(p), show(rate));
    }
    assert_true(fits > cases / 10 && fits < cases); // answers and refusals were both seen
}

static void roundings_and_sums_agree(void **state)
{
    (void)state;
    random_state = seed + 1;
    for (uint64_t i = 0; i < cases; i++) {
        int128 a = random_value(), b = random_value(), increment = random_positive(), result = 0;
        enum rounding mode = (enum rounding)random_below(MODES);
        enum err err = decimal_round_to(a, increment, mode, &result);
        set(mpq_numref(gmp.exact), a);
        set(mpq_denref(gmp.exact), increment);
        mpq_canonicalize(gmp.exact);
        expect_rounded(0, mode);
        set(gmp.factor, increment);
        mpz_mul(gmp.expected, gmp.expected, gmp.factor);
        if (!agrees(err, result)) fail_msg("%s to %s mode %d: %s", show(a), show(increment), (int)mode, show(result));

        set(gmp.floor, a);
        set(gmp.factor, b);
        mpz_add(gmp.expected, gmp.floor, gmp.factor);
        err = decimal_add(a, b, &result);
        if (!agrees(err, result)) fail_msg("%s + %s: %s %s", show(a), show(b), err_name(err), show(result));
        mpz_sub(gmp.expected, gmp.floor, gmp.factor);
        err = decimal_sub(a, b, &result);
        if (!agrees(err, result)) fail_msg("%s - %s: %s %s", show(a), show(b), err_name(err), show(result));
    }
}

static void amounts_and_accruals_agree(void **state)
{
    (void)state;
    random_state = seed + 2;
    uint64_t fits = 0;
    for (uint64_t i = 0; i < cases; i++) {
        struct quantity quantity = {random_in_range()}, per = {random_positive()}, accrued = QUANTITY_ZERO;
        struct price price = {random_in_range()};
        struct amount amount = AMOUNT_ZERO;
        if (random_below(2)) per.nano = power_of_ten(9 + random_below(10)); // per 1, 1000, a million
        enum err err = amount_of(quantity, price, per, &amount);
        set_scaled(gmp.exact, quantity.nano, 9);
        set_scaled(gmp.other, price.pico, 12);
        mpq_mul(gmp.exact, gmp.exact, gmp.other);
        set_scaled(gmp.other, per.nano, 9);
        mpq_div(gmp.exact, gmp.exact, gmp.other);
        expect_rounded(12, ROUND_HALF_UP);
        fits += err == ERR_OK;
        if (!agrees(err, amount.pico))
            fail_msg("%s x %s per %s: %s", show(quantity.nano), show(price.pico), show(per.nano), show(amount.pico));

        int64_t duration_us = (int64_t)(random_64() >> (1 + random_below(63)));
        err = quantity_over_time(quantity, duration_us, &accrued);
        set_scaled(gmp.exact, quantity.nano, 9);
        set_scaled(gmp.other, duration_us, 6);
        mpq_mul(gmp.exact, gmp.exact, gmp.other);
        expect_rounded(9, ROUND_HALF_UP);
        if (!agrees(err, accrued.nano))
            fail_msg("%s for %s us: %s", show(quantity.nano), show(duration_us), show(accrued.nano));
    }
    assert_true(fits > cases / 4);
}

// value / 10^places by GMP's digits and a point, all places shown.
static void write_by_gmp(int128 value, int places, char out[64])
{
    char digits[64];
    set(gmp.got, value);
    mpz_abs(gmp.got, gmp.got);
    mpz_get_str(digits, 10, gmp.got);
    int length = (int)strlen(digits), zeros = length > places ? 0 : places + 1 - length;
    char *at = out;
    if (value < 0) *at++ = '-';
    for (int i = 0; i < zeros + length; i++) {
        if (i == zeros + length - places) *at++ = '.';
        *at++ = i < zeros ? '0' : digits[i - zeros];
    }
    *at = 0;
}

static void texts_are_read_back(void **state)
{
    (void)state;
    random_state = seed + 3;
    for (uint64_t i = 0; i < cases; i++) {
        int128 value = random_in_range(), again = 0;
        int places = random_below(39);
        char full[64], text[DECIMAL_TEXT_MAX], fixed[DECIMAL_TEXT_MAX];
        write_by_gmp(value, places, full);
        decimal_print_fixed(value, places, places, fixed);
        if (strcmp(fixed, full) != 0) fail_msg("%s shown as %s", full, fixed);
        if (decimal_parse(full, strlen(full), places, false, &again, NULL) || again != value)
            fail_msg("%s with %d places read as %s", full, places, show(again));
        // The shortest form: the same without zeros at the end of the fraction.
        for (size_t last = strlen(full); places > 0 && (full[last - 1] == '0' || full[last - 1] == '.'); last--) {
            bool point = full[last - 1] == '.';
            full[last - 1] = 0;
            if (point) break;
        }
        size_t length = decimal_print(value, places, text);
        if (strcmp(text, full) != 0 || length != strlen(text)) fail_msg("%s written as %s", full, text);
        again = 0;
        if (decimal_parse(text, length, places, true, &again, NULL) || again != value)
            fail_msg("%s is not read back", text);
    }
}

// Random digits, point and exponent: read exactly, refused as too fine, or refused as too large.
static void exponents_agree(void **state)
{
    (void)state;
    random_state = seed + 4;
    uint64_t answers[3] = {0};
    for (uint64_t i = 0; i < cases; i++) {
        char digits[64], text[96];
        int places = random_below(39), fraction = random_below(20), exponent = random_below(61) - 30;
        int128 value = random_magnitude() % power_of_ten(1 + random_below(38));
        write_by_gmp(value, fraction, digits);
        int length = snprintf(text, sizeof text, "%s%s%s%d", digits, random_below(2) ? "0000" : "",
                              random_below(2) ? "e" : "E", exponent);
        if (strchr(digits, '.') == NULL) length = snprintf(text, sizeof text, "%se%+d", digits, exponent);

        set(gmp.expected, value);
        int shift = places - fraction + exponent;
        mpz_ui_pow_ui(gmp.factor, 10, (unsigned long)abs(shift));
        enum err wanted = ERR_OK;
        if (shift >= 0) mpz_mul(gmp.expected, gmp.expected, gmp.factor);
        else if (!mpz_divisible_p(gmp.expected, gmp.factor)) wanted = ERR_INVALID;
        else mpz_divexact(gmp.expected, gmp.expected, gmp.factor);
        if (wanted == ERR_OK && mpz_cmpabs(gmp.expected, gmp.limit) > 0) wanted = ERR_LIMIT;

        int128 scaled = 0;
        enum err err = decimal_parse(text, (size_t)length, places, true, &scaled, NULL);
        if (err != wanted || (!err && !agrees(err, scaled)))
            fail_msg("%s with %d places: %s %s, expected %s", text, places, err_name(err), show(scaled),
                     err_name(wanted));
        answers[err == ERR_OK ? 0 : err == ERR_INVALID ? 1 : 2]++;
    }
    for (size_t i = 0; i < 3; i++) assert_true(answers[i] > cases / 100);
}

enum { PARTS_MAX = 40 };

// Largest remainder by the book: hand out one unit after the other to whoever has the most left over.
static void allocate_by_gmp(mpz_t units, const int128 *weights, int count, mpz_t shares[PARTS_MAX],
                            mpz_t rests[PARTS_MAX])
{
    mpz_set_ui(gmp.expected, 0); // the sum of the weights
    for (int i = 0; i < count; i++) {
        set(gmp.factor, weights[i]);
        mpz_add(gmp.expected, gmp.expected, gmp.factor);
    }
    mpz_set(gmp.remainder, units);
    for (int i = 0; i < count; i++) {
        set(gmp.factor, weights[i]);
        mpz_mul(gmp.factor, gmp.factor, units);
        mpz_fdiv_qr(shares[i], rests[i], gmp.factor, gmp.expected);
        mpz_sub(gmp.remainder, gmp.remainder, shares[i]);
    }
    for (; mpz_sgn(gmp.remainder) > 0; mpz_sub_ui(gmp.remainder, gmp.remainder, 1)) {
        int most = 0;
        for (int i = 1; i < count; i++)
            if (mpz_cmp(rests[i], rests[most]) > 0) most = i;
        mpz_add_ui(shares[most], shares[most], 1);
        mpz_set_si(rests[most], -1); // served
    }
}

static void random_weights(int128 *weights, int count)
{
    int kind = random_below(4);
    for (int i = 0; i < count; i++) {
        switch (kind) {
        case 0: weights[i] = 7; break;                             // all tied
        case 1: weights[i] = random_below(4); break;               // many tied, some without a share
        case 2: weights[i] = random_magnitude() / PARTS_MAX; break; // up to the range
        default: weights[i] = (int128)(random_64() >> 20); break;
        }
    }
    if (kind != 0) weights[random_below(count)] += 1; // not all zero
}

static void check_shares(int128 total, int128 increment, const int128 *weights, int count, mpz_t shares[PARTS_MAX])
{
    int128 parts[PARTS_MAX], sum = 0;
    enum err err = decimal_allocate(total, increment, weights, (size_t)count, parts);
    if (err) fail_msg("%s over %d parts: %s", show(total), count, err_name(err));
    for (int i = 0; i < count; i++) {
        sum += parts[i];
        set(gmp.factor, total < 0 ? -increment : increment);
        mpz_mul(gmp.expected, shares[i], gmp.factor);
        if (!agrees(ERR_OK, parts[i]))
            fail_msg("%s over %d parts: part %d is %s", show(total), count, i, show(parts[i]));
    }
    if (sum != total) fail_msg("%s over %d parts: they add up to %s", show(total), count, show(sum));
}

static void shares_agree(void **state)
{
    (void)state;
    random_state = seed + 5;
    mpz_t units, shares[PARTS_MAX], rests[PARTS_MAX];
    mpz_init(units);
    for (int i = 0; i < PARTS_MAX; i++) mpz_inits(shares[i], rests[i], NULL);
    for (uint64_t i = 0; i < cases; i++) {
        int128 weights[PARTS_MAX];
        int count = 1 + (random_below(50) == 0 ? random_below(PARTS_MAX) : random_below(4));
        int128 increment = random_below(2) ? power_of_ten(random_below(13)) : random_positive();
        if (increment > DECIMAL_MAX) increment = 3;
        int128 total = random_in_range() / increment * increment;
        random_weights(weights, count);
        set(units, total < 0 ? -(total / increment) : total / increment);
        allocate_by_gmp(units, weights, count, shares, rests);
        check_shares(total, increment, weights, count, shares);
    }
    mpz_clear(units);
    for (int i = 0; i < PARTS_MAX; i++) mpz_clears(shares[i], rests[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_agree),      cmocka_unit_test(conversions_agree),
        cmocka_unit_test(roundings_and_sums_agree),
        cmocka_unit_test(amounts_and_accruals_agree), cmocka_unit_test(texts_are_read_back),
        cmocka_unit_test(exponents_agree),     cmocka_unit_test(shares_agree),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
