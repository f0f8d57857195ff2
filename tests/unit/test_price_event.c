// SPDX-License-Identifier: Apache-2.0
// Percentages of every event: the allowance, the event that straddles it, fixed parts and limits, and the order of
// events.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rating/price.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST "99999999999999999999999999" // the greatest amount has so many digits before the point
enum { EVENTS_MAX = 8 };

static int128 number(const char *text, int places)
{
    int128 value = 0;
    if (text && decimal_parse(text, strlen(text), places, false, &value, NULL)) fail_msg("'%s' is no number", text);
    return value;
}

// Events "TIME/ID=VALUE ..." in the order in which they stand; an id is one letter.
static size_t read_events(const char *text, struct kept_event *events)
{
    size_t count = 0;
    int used = 0;
    for (; *text; text += used, text += strspn(text, " ")) {
        char id, value[40];
        long time;
        assert_true(count < EVENTS_MAX);
        assert_int_equal(sscanf(text, "%ld/%c=%39[^ ]%n", &time, &id, value, &used), 3);
        events[count++] =
            (struct kept_event){.time = time, .id = {0, (uint64_t)id}, .value = {number(value, QUANTITY_PLACES)}};
    }
    return count;
}

struct event_case {
    const char *name;
    const char *rate, *fixed, *minimum, *maximum, *free_amount;
    int64_t free_events;
    const char *events;
    const char *result; // "paid PAID free FREE due DUE", or "limit"
};

static void run(const struct event_case *row, char *result, size_t room)
{
    struct price_event_fee fee = {.fixed = {number(row->fixed, AMOUNT_PLACES)},
                                  .minimum = {number(row->minimum, AMOUNT_PLACES)},
                                  .maximum = {number(row->maximum, AMOUNT_PLACES)},
                                  .free_events = row->free_events,
                                  .free_amount = {number(row->free_amount, QUANTITY_PLACES)}};
    struct price_version price = {.price = {number(row->rate, PRICE_PLACES)}, .per = {1000000000}, .per_event = &fee};
    struct kept_event events[EVENTS_MAX];
    struct price_item item = {.price = &price, .events = events, .event_count = read_events(row->events, events)};
    struct price_allowance used = {0};
    struct price_event_sum sum;
    char paid[DECIMAL_TEXT_MAX], free[DECIMAL_TEXT_MAX], due[DECIMAL_TEXT_MAX];
    if (price_events_rate(&item, 1, &used, &sum)) {
        snprintf(result, room, "limit");
        return;
    }
    assert_int_equal(used.events, item.event_count);
    quantity_print(sum.paid, paid);
    quantity_print(sum.free, free);
    amount_print(sum.due, due);
    snprintf(result, room, "paid %s free %s due %s", paid, free, due);
}

static void expect_all(const struct event_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char result[3 * DECIMAL_TEXT_MAX + 32];
        run(&cases[i], result, sizeof result);
        if (strcmp(result, cases[i].result) != 0)
            fail_msg("%s: got '%s', expected '%s'", cases[i].name, result, cases[i].result);
    }
}

#define FOUR "1/a=50 2/b=100 3/c=250 4/d=400" // running totals 50, 150, 400, 800

static void the_allowance_ends_with_what_is_first(void **state)
{
    (void)state;
    static const struct event_case cases[] = {
        {"no events", .rate = "0.013", .events = "", .result = "paid 0 free 0 due 0"},
        {"none", .rate = "0.013", .fixed = "2", .events = FOUR, .result = "paid 800 free 0 due 18.4"}, // 10.4 + 8
        {"events", .rate = "0.013", .fixed = "2", .free_events = 3, .events = FOUR,
         .result = "paid 400 free 400 due 7.2"},
        {"all events", .rate = "0.013", .fixed = "2", .free_events = 4, .events = FOUR,
         .result = "paid 0 free 800 due 0"},
        {"amount: the third straddles", .rate = "0.013", .fixed = "2", .free_amount = "250", .events = FOUR,
         .result = "paid 550 free 250 due 11.15"}, // 150 x 0.013 + 2 + 400 x 0.013 + 2
        {"the amount is first", .rate = "0.013", .fixed = "2", .free_events = 3, .free_amount = "250", .events = FOUR,
         .result = "paid 550 free 250 due 11.15"},
        {"the events are first", .rate = "0.013", .fixed = "2", .free_events = 3, .free_amount = "500", .events = FOUR,
         .result = "paid 400 free 400 due 7.2"},
        {"at the amount", .rate = "0.01", .fixed = "1", .free_amount = "400", .events = FOUR,
         .result = "paid 400 free 400 due 5"},
        {"one below", .rate = "0.01", .fixed = "1", .free_amount = "399.999999999", .events = FOUR,
         .result = "paid 400.000000001 free 399.999999999 due 6.00000000001"},
        {"an event of nothing at the amount is free", .rate = "0.01", .fixed = "1", .free_amount = "50",
         .events = "1/a=50 2/b=0", .result = "paid 0 free 50 due 0"},
        {"and behind it is not", .rate = "0.01", .fixed = "1", .free_amount = "50", .events = "1/a=51 2/b=0",
         .result = "paid 1 free 50 due 2.01"},
        {"an event of nothing uses up an event", .rate = "1", .free_events = 1, .events = "1/a=0 2/b=5",
         .result = "paid 5 free 0 due 5"},
    };
    expect_all(cases, COUNT(cases));
}

static void limits_are_of_each_paid_event(void **state)
{
    (void)state;
    static const struct event_case cases[] = {
        {"minimum", .rate = "0.01", .fixed = "0.1", .minimum = "0.5", .events = "1/a=40 2/b=39 3/c=41",
         .result = "paid 120 free 0 due 1.51"}, // 0.5, 0.49 -> 0.5, 0.51
        {"maximum", .rate = "0.01", .maximum = "2", .events = "1/a=200 2/b=199 3/c=201",
         .result = "paid 600 free 0 due 5.99"},
        {"a free event owes no minimum", .rate = "0.01", .minimum = "0.5", .free_events = 1, .events = "1/a=1 2/b=1",
         .result = "paid 1 free 1 due 0.5"},
        {"each is rounded for itself", .rate = "0.0005", .events = "1/a=0.000000001 2/b=0.000000001",
         .result = "paid 0.000000002 free 0 due 0.000000000002"},
        {"overflow", .rate = MOST, .events = "1/a=2", .result = "limit"},
        {"which a maximum brings back", .rate = MOST, .maximum = "7", .events = "1/a=2",
         .result = "paid 2 free 0 due 7"},
        {"overflow of the fixed part", .rate = MOST, .fixed = "1", .events = "1/a=1", .result = "limit"},
        {"overflow of the sum", .rate = MOST, .events = "1/a=1 2/b=1", .result = "limit"},
    };
    expect_all(cases, COUNT(cases));
}

static void events_are_in_the_order_of_time_then_id(void **state)
{
    (void)state;
    static const struct event_case cases[] = {
        {"time", .rate = "1", .free_events = 1, .events = "5/a=10 -3/b=20 4/c=30", .result = "paid 40 free 20 due 40"},
        {"id", .rate = "1", .free_events = 1, .events = "5/c=10 5/a=20 5/b=30", .result = "paid 40 free 20 due 40"},
    };
    expect_all(cases, COUNT(cases));
}

// What earlier versions used up is used up for later ones.
static void the_allowance_goes_on(void **state)
{
    (void)state;
    const struct price_event_fee fee = {
        .fixed = {1000000000000}, .free_events = 3, .free_amount = {INT64_C(100000000000)}};
    const struct price_version price = {.price = {10000000000}, .per = {1000000000}, .per_event = &fee};
    struct kept_event events[EVENTS_MAX];
    struct price_item item = {.price = &price, .events = events, .event_count = read_events("1/a=60 2/b=60", events)};
    struct price_allowance used = {.events = 1, .amount = {INT64_C(30000000000)}};
    struct price_event_sum sum;
    assert_int_equal(price_events_rate(&item, 1, &used, &sum), ERR_OK);
    assert_true(sum.free.nano == INT64_C(70000000000) && sum.paid.nano == INT64_C(50000000000)); // 60, 10 and 50
    assert_true(sum.due.pico == 1500000000000);
    assert_int_equal(used.events, 3);
    assert_int_equal(price_events_rate(&item, 1, &used, &sum), ERR_OK);
    assert_true(sum.free.nano == 0 && sum.due.pico == 3200000000000);
    used = (struct price_allowance){.amount = {DECIMAL_MAX}};
    assert_int_equal(price_events_rate(&item, 1, &used, &sum), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_allowance_ends_with_what_is_first),
        cmocka_unit_test(limits_are_of_each_paid_event),
        cmocka_unit_test(events_are_in_the_order_of_time_then_id),
        cmocka_unit_test(the_allowance_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
