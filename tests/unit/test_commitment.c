// SPDX-License-Identifier: Apache-2.0
// How the fees of a commitment fall on time.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rating/commitment.h"
#include "tests/support/commitment_case.h"

static void expect_amount(const char *name, struct amount got, const char *expected)
{
    char text[DECIMAL_TEXT_MAX];
    amount_print(got, text);
    if (strcmp(text, expected) != 0) fail_msg("%s: got %s, expected %s", name, text, expected);
}

struct fee_case {
    const char *name;
    int64_t hours; // of the term; 0: without end
    const char *upfront, *hourly;
    bool within;
    int64_t start_us, end_us;                // since the beginning of the term
    const char *once, *billed_hourly, *cost; // once NULL: ERR_LIMIT
};

static void fees_fall_on_the_time_asked_for(void **state)
{
    (void)state;
    static const struct fee_case cases[] = {
        {"all upfront: a year's fee is billed at once", 8760, "8760", "0", false, 0, HOUR_US, "8760", "0", "1"},
        {"the second hour bills nothing", 8760, "8760", "0", false, HOUR_US, 2 * HOUR_US, "0", "0", "1"},
        {"no upfront", 8760, "0", "0.0618", false, 0, 744 * HOUR_US, "0", "45.9792", "45.9792"},
        {"partial: 60 / 8760 x 8760 + 0.007 x 8760", 8760, "60", "0.007", false, 0, 8760 * HOUR_US, "60", "61.32",
         "121.32"},
        {"upfront within: half of 1 an hour", 8760, "4380", "1", true, 0, HOUR_US, "4380", "0.5", "1"},
        {"upfront within, all", 8760, "8760", "1", true, 0, HOUR_US, "8760", "0", "1"},
        {"an hour of thirds: 0.333333333333", 3, "1", "0", false, 0, HOUR_US, "1", "0", "0.333333333333"},
        {"the hour that makes it whole: 0.666666666667 - 0.333333333333", 3, "1", "0", false, HOUR_US, 2 * HOUR_US, "0",
         "0", "0.333333333334"},
        {"a quarter of an hour", 4, "0", "1", false, 0, SLOT_US, "0", "0.25", "0.25"},
        {"before the term", 4, "9", "1", false, -HOUR_US, 0, "0", "0", "0"},
        {"one microsecond into the term: 9 + 1 / 3600000000, 9 / 14400000000 more", 4, "9", "1", false, -HOUR_US, 1,
         "9", "0.000000000278", "0.000000000903"},
        {"after the term", 4, "9", "1", false, 4 * HOUR_US, 5 * HOUR_US, "0", "0", "0"},
        {"the end of the term", 4, "9", "1", false, 3 * HOUR_US, 9 * HOUR_US, "0", "1", "3.25"},
        {"without end", 0, "0", "1", false, 1000000 * HOUR_US, 1000001 * HOUR_US, "0", "1", "1"},
        {"the greatest fee", 1, MOST_AMOUNT, "0", false, 0, HOUR_US, MOST_AMOUNT, "0", MOST_AMOUNT},
        {"both together leave the range", 1, MOST_AMOUNT, "1", false, 0, HOUR_US, NULL, NULL, NULL},
        {"the hours leave the range", 2, "0", MOST_AMOUNT, false, HOUR_US, 2 * HOUR_US, NULL, NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct fee_case *row = &cases[i];
        const struct commitment_fee fee = {TERM_FROM, row->hours ? TERM_FROM + row->hours * HOUR_US : INSTANT_MAX,
                                           case_amount(row->upfront), case_amount(row->hourly), row->within};
        struct commitment_share share;
        enum err err = commitment_share_of(&fee, TERM_FROM + row->start_us, TERM_FROM + row->end_us, &share);
        if (err != (row->once ? ERR_OK : ERR_LIMIT)) fail_msg("%s: %s", row->name, err_name(err));
        if (!row->once) continue;
        expect_amount(row->name, share.billed_once, row->once);
        expect_amount(row->name, share.billed_hourly, row->billed_hourly);
        expect_amount(row->name, share.cost, row->cost);
    }
}

// 1000 / 8760 does not end, nor does 0.1 / 4 x 7 at the slots: what falls on 8760 hours is what was billed.
static void the_hours_of_a_term_add_up_to_what_was_billed(void **state)
{
    (void)state;
    for (int within = 0; within <= 1; within++) {
        const struct commitment_fee fee = {TERM_FROM, TERM_FROM + 8760 * HOUR_US, case_amount("1000"),
                                           case_amount("0.333333333333"), within};
        int128 cost = 0, billed = 0;
        for (int64_t at = 0, step = SLOT_US; at < 8760 * HOUR_US; at += step) {
            struct commitment_share share;
            step = step == SLOT_US ? 3 * SLOT_US : SLOT_US; // hours cut at a quarter
            assert_int_equal(commitment_share_of(&fee, TERM_FROM + at, TERM_FROM + at + step, &share), ERR_OK);
            cost += share.cost.pico;
            billed += share.billed_once.pico + share.billed_hourly.pico;
        }
        assert_true(cost == billed);
        // 0.333333333333 x 8760, and 1000 beside it
        expect_amount("the term", (struct amount){cost}, within ? "2919.99999999708" : "3919.99999999708");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fees_fall_on_the_time_asked_for),
        cmocka_unit_test(the_hours_of_a_term_add_up_to_what_was_billed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
