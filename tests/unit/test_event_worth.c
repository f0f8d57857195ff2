// SPDX-License-Identifier: Apache-2.0
// What an event counts under a meter that multiplies two members or takes a fee: exact, bounded, refused beyond.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue/event_worth.h"

static struct quantity quantity_of(const char *text)
{
    struct quantity quantity;
    struct fault fault;
    if (quantity_parse(text, strlen(text), &quantity, &fault) != ERR_OK) fail_msg("%s: %s", text, fault.reason);
    return quantity;
}

static struct price price_of(const char *text)
{
    struct price price;
    struct fault fault;
    if (price_parse(text, strlen(text), &price, &fault) != ERR_OK) fail_msg("%s: %s", text, fault.reason);
    return price;
}

static void expect(const struct meter *meter, const char *value, const char *factor, const char *worth)
{
    struct quantity got = {-1};
    struct fault fault = {0};
    char text[DECIMAL_TEXT_MAX];
    enum err err = event_worth(meter, quantity_of(value), quantity_of(factor), &got, &fault);
    if (err == ERR_OK)
        quantity_print(got, text);
    else
        snprintf(text, sizeof text, "%.47s", fault.reason);
    if (err != ERR_OK && err != ERR_INVALID) fail_msg("%s x %s: error %d", value, factor, (int)err);
    if (strcmp(text, worth) != 0) fail_msg("%s x %s: %s, not %s", value, factor, text, worth);
}

#define TOO_MANY "the product has more than 9 fraction digits"
#define TOO_MUCH "the product is more than 1000000000000000"
#define FEE_TOO_MUCH "the fee of the event is more than 1000000000000"

static void a_product_is_exact_or_refused(void **state)
{
    (void)state;
    static const struct meter meter = {.id = "m", .times_property = "price"};
    static const struct {
        const char *value, *factor, *worth;
    } rows[] = {
        {"0", "5", "0"},
        {"5", "0", "0"},
        {"3", "0.07", "0.21"},
        {"0.00001", "0.0001", "0.000000001"},
        {"0.00001", "0.00001", TOO_MANY},
        {"0.000000001", "1.5", TOO_MANY},
        {"0.000000002", "1.5", "0.000000003"},
        {"33.333333333", "3", "99.999999999"},
        {"1000000000000000", "1", "1000000000000000"},
        {"1000000000000000", "1.000000001", TOO_MUCH},
        {"1000000000000000", "1000000000000000", TOO_MUCH}, // 1e48 at this scale: beyond 128 bits
        {"31622776.601", "31622776.601", "999999999956753.113201"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect(&meter, rows[i].value, rows[i].factor, rows[i].worth);
}

static void a_fee_is_rounded_once_and_bounded(void **state)
{
    (void)state;
    const struct event_fee plain = {.rate = price_of("0.029"), .fixed = quantity_of("0.3")};
    const struct event_fee bounded = {price_of("0.01"), quantity_of("0.1"), quantity_of("0.5"), quantity_of("20")};
    const struct event_fee fixed = {.fixed = quantity_of("2")}, tiny = {.rate = price_of("0.000000000001")};
    const struct event_fee great = {.rate = price_of("2")}, capped = {price_of("2"), {0}, {0}, quantity_of("7")};
    const struct {
        const struct event_fee *fee;
        const char *value, *worth;
    } rows[] = {
        {&plain, "0", "0.3"},          // an event of nothing owes the fixed part
        {&plain, "100", "3.2"},        // 2.9 + 0.3
        {&plain, "19.99", "0.87971"},  // 0.57971 + 0.3
        {&bounded, "39.999999", "0.5"},
        {&bounded, "40", "0.5"},       // at the minimum
        {&bounded, "40.0001", "0.500001"},
        {&bounded, "1990", "20"},      // at the maximum
        {&bounded, "1990.0001", "20"},
        {&bounded, "1989.99", "19.9999"},
        {&fixed, "1000", "2"},
        {&tiny, "499.999999999", "0"}, // half-up at 1e-9
        {&tiny, "500", "0.000000001"},
        {&great, "500000000000000", "1000000000000000"},
        {&great, "500000000000000.000000001", FEE_TOO_MUCH},
        {&capped, "1000000000000000", "7"}, // the maximum brings it back
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct meter meter = {.id = "m", .fee = rows[i].fee};
        expect(&meter, rows[i].value, "0", rows[i].worth);
    }
}

static void a_fee_is_of_the_product(void **state)
{
    (void)state;
    const struct event_fee fee = {.rate = price_of("0.5"), .fixed = quantity_of("1")};
    const struct meter meter = {.id = "m", .times_property = "price", .fee = &fee}, plain = {.id = "p"};
    expect(&meter, "3", "0.5", "1.75"); // 1.5 x 0.5 + 1
    expect(&meter, "0.000000001", "0.5", TOO_MANY);
    expect(&plain, "3", "0.5", "3");
    assert_true(event_worth_differs(&meter));
    assert_false(event_worth_differs(&plain));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_product_is_exact_or_refused),
        cmocka_unit_test(a_fee_is_rounded_once_and_bounded),
        cmocka_unit_test(a_fee_is_of_the_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
