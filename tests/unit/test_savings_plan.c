// SPDX-License-Identifier: Apache-2.0
// What a savings plan pays for in an hour.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/savings_plan.h"
#include "tests/support/commitment_case.h"

enum { USES_MAX = 16, OWNER = 7 };

struct draw_case {
    const char *name, *hourly; // the term has 10 hours
    bool only_cheaper;
    const char *uses;    // "HOUR TENANT OWN/PER PLAN/PER QUANTITY, ..." in the order of rank
    const char *covered; // "COVERED:COST " of each use in that order; "limit"
    const char *spent;
};

static struct savings_plan_price price_from(char *text)
{
    char *per = strchr(text, '/');
    assert_non_null(per);
    *per++ = '\0';
    return (struct savings_plan_price){{case_number(text, PRICE_PLACES)}, case_quantity(per)};
}

static size_t read_uses(const char *text, struct savings_plan_use *uses)
{
    size_t count = 0;
    while (text && *text) {
        int hour, tenant, used = 0;
        char own[60], plan[60], quantity[40];
        assert_int_equal(sscanf(text, "%d %d %59s %59s %39[^,]%n", &hour, &tenant, own, plan, quantity, &used), 5);
        uses[count] = (struct savings_plan_use){.item = count,
                                                .rank = count,
                                                .tenant = tenant,
                                                .start = TERM_FROM + hour * HOUR_US,
                                                .end = TERM_FROM + (hour + 1) * HOUR_US,
                                                .own = price_from(own),
                                                .plan = price_from(plan),
                                                .quantity = case_quantity(quantity)};
        count++;
        text += used;
        text += strspn(text, ", ");
    }
    return count;
}

static void expect_case(const struct draw_case *row, bool backwards)
{
    const struct savings_plan plan = {
        .fee = {TERM_FROM, TERM_FROM + 10 * HOUR_US, AMOUNT_ZERO, case_amount(row->hourly), true},
        .owner = OWNER,
        .only_cheaper = row->only_cheaper};
    struct savings_plan_use uses[USES_MAX], given[USES_MAX];
    struct amount spent;
    struct text out = {0}, spent_out = {0};
    size_t count = read_uses(row->uses, given), item = 99;
    for (size_t i = 0; i < count; i++)
        uses[i] = given[backwards ? count - 1 - i : i];
    text_add_string(&out, "");
    enum err err = savings_plan_draw(&plan, uses, count, &spent, &item);
    if (err) text_add_string(&out, err_name(err));
    for (size_t number = 0; number < count && !err; number++)
        for (size_t i = 0; i < count; i++)
            if (uses[i].item == number) case_print(&out, uses[i].covered, uses[i].cost);
    case_expect(row->name, &out, row->covered);
    if (err) {
        assert_int_equal(item, 0);
        return;
    }
    char text[DECIMAL_TEXT_MAX];
    amount_print(spent, text);
    text_add_string(&spent_out, text);
    case_expect(row->name, &spent_out, row->spent);
}

static void an_hour_is_drawn_up_to_its_amount(void **state)
{
    (void)state;
    static const struct draw_case cases[] = {
        {"no usage", "1", .covered = "", .spent = "0"},
        {"below", "1", false, "0 1 2/1 1/1 0.75", "0.75:0.75 ", "0.75"},
        {"at", "1", false, "0 1 2/1 1/1 1", "1:1 ", "1"},
        {"the least above", "1", false, "0 1 2/1 1/1 1.000000001", "1:1 ", "1"},
        {"30 instances at 0.428", "12.84", false, "0 1 1/1 0.428/1 30", "30:12.84 ", "12.84"},
        {"0.31 / 0.070525 an instance hour", "0.31", false, "0 1 0.155/1 0.070525/1 5", "4.395604396:0.31 ", "0.31"},
        {"10 / (0.62 x 0.422)", "10", false, "0 1 0.62/1 0.26164/1 100", "38.220455588:10 ", "10"},
        {"what an hour leaves does not come back", "1", false, "0 1 2/1 1/1 0.5, 1 1 2/1 1/1 2", "0.5:0.5 1:1 ", "1.5"},
        {"prices per hour on seconds", "1", false, "0 1 3/3600 1.5/3600 3600", "2400:1 ", "1"},
        {"usage of nothing", "1", false, "0 1 2/1 1/1 0", "0:0 ", "0"},
        {"usage that is free anyway", "1", false, "0 1 0/1 0/1 5", "0:0 ", "0"},
        {"usage that the plan makes free", "1", false, "0 1 1/1 0/1 5", "5:0 ", "0"},
        {"a draw below 1e-12", "1", false, "0 1 1/1 0.0001/1 0.000000001", "0.000000001:0 ", "0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_case(&cases[i], false);
        expect_case(&cases[i], true);
    }
}

static void the_highest_discount_comes_first(void **state)
{
    (void)state;
    static const struct draw_case cases[] = {
        // factors 0.5, 0.8, 0.667, 0.5: 2 + 8 + 10 + 5 = 25
        {"all fit", "25", false, "0 1 4/1 2/1 1, 0 1 10/1 8/1 1, 0 1 1.5/1 1/1 10, 0 1 2/1 1/1 5", "1:2 1:8 10:10 5:5 ",
         "25"},
        {"the lowest discount stays", "17", false, "0 1 4/1 2/1 1, 0 1 10/1 8/1 1, 0 1 1.5/1 1/1 10, 0 1 2/1 1/1 5",
         "1:2 0:0 10:10 5:5 ", "17"},
        {"equal: by rank", "1", false, "0 2 2/1 1/1 1, 0 1 4/1 2/1 1", "1:1 0:0 ", "1"},
        {"equal in other units", "1", false, "0 2 7200/3600 1/1 1, 0 1 4/1 2/1 1", "1:1 0:0 ", "1"},
        {"the owner's before a higher discount", "1", false, "0 1 4/1 1/1 1, 0 7 2/1 1/1 1", "0:0 1:1 ", "1"},
        {"the owner leaves some", "1.5", false, "0 1 4/1 1/1 1, 0 7 2/1 1/1 1", "0.5:0.5 1:1 ", "1.5"},
        {"dearer than without: drawn last", "3", false, "0 1 1/1 2/1 1, 0 1 2/1 1/1 1", "1:2 1:1 ", "3"},
        {"dearer than without: left out", "3", true, "0 1 1/1 2/1 1, 0 1 2/1 1/1 1", "0:0 1:1 ", "1"},
        {"the same price is drawn", "3", true, "0 1 2/1 2/1 1", "1:2 ", "2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        expect_case(&cases[i], false);
        expect_case(&cases[i], true);
    }
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct draw_case cases[] = {
        {"quantity x price", "1", false, "0 1 1/1 2/1 " MOST_QUANTITY, "limit", ""},
        {"the promise", MOST_AMOUNT, false, "9 1 1/1 2/1 1", "limit", ""},
        {"a factor beyond the range comes last", "2", false, "0 1 0.000000000001/1 99999999999999/1 1, 0 1 1/1 1/1 2",
         "0:0 2:2 ", "2"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        expect_case(&cases[i], false);
}

static void a_discount_makes_a_price_of_twelve_places(void **state)
{
    (void)state;
    static const struct {
        const char *price, *discount, *plan;
    } cases[] = {
        {"0.155", "0.545", "0.070525"},
        {"0.1", "0", "0.1"},
        {"0.1", "1", "0"},
        {"0.000000000001", "0.5", "0.000000000001"},
        {"0.000000000001", "0.500000000001", "0"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct price plan;
        char text[DECIMAL_TEXT_MAX];
        assert_int_equal(savings_plan_discounted((struct price){case_number(cases[i].price, PRICE_PLACES)},
                                                 (struct price){case_number(cases[i].discount, PRICE_PLACES)}, &plan),
                         ERR_OK);
        price_print(plan, text);
        assert_string_equal(text, cases[i].plan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_hour_is_drawn_up_to_its_amount),
        cmocka_unit_test(the_highest_discount_comes_first),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(a_discount_makes_a_price_of_twelve_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
