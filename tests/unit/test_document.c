// SPDX-License-Identifier: Apache-2.0
// The arithmetic of documents in tables: rounding that telescopes, tax on the whole, lines that add up, credit notes.
// Every case is a row of steps: the exact cost to date at each document of one month, and what that document must bill.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "catalogue/contract.h"
#include "invoicing/document.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
enum { STEPS_MAX = 6, KEYS_MAX = 8 };

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_new(4096);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct amount amount_from(const char *text)
{
    struct amount amount = AMOUNT_ZERO;
    if (amount_parse(text, strlen(text), &amount, NULL)) fail_msg("'%s' is no amount", text);
    return amount;
}

static void expect_amount(const char *name, const char *what, struct amount got, const char *expected)
{
    char text[DECIMAL_TEXT_MAX];
    amount_print(got, text);
    if (got.pico != amount_from(expected).pico) fail_msg("%s: %s is %s, not %s", name, what, text, expected);
}

// The parties of all cases: what matters is currency, tax and rounding.
struct books {
    struct billing_account account;
    struct agreement terms;
    struct billing_period period, next;
};

static void books_open(struct books *books, const char *currency, const char *rate, enum rounding rounding)
{
    *books = (struct books){.account = {1, "acme", "Acme", "", "", ""}};
    books->terms = (struct agreement){.number = 1, .account = &books->account, .tax_name = "VAT", .rounding = rounding,
                                      .contract = &contract_default};
    assert_int_equal(currency_find(currency, &books->terms.currency, NULL), ERR_OK);
    assert_int_equal(price_parse(rate, strlen(rate), &books->terms.tax_rate, NULL), ERR_OK);
    books->period = (struct billing_period){&books->terms, 1, 0, 31 * DAY_US, "2026-10"};
    books->next = (struct billing_period){&books->terms, 1, 31 * DAY_US, 61 * DAY_US, "2026-11"};
}

static struct billable billable_of(const struct billing_period *original, int tier, const char *quantity,
                                   const char *cost)
{
    struct billable billable = {
        .original = original, .dimensions = "{}", .charge = {.sku = 1, .price = 1, .tier = tier}};
    assert_int_equal(quantity_parse(quantity, strlen(quantity), &billable.charge.quantity, NULL), ERR_OK);
    billable.charge.billed_cost = amount_from(cost);
    return billable;
}

// --- one month, one key, several documents

struct telescope {
    const char *name, *currency, *rate;
    enum rounding rounding;
    // cost: exact, to date; net and tax: of this document; NULL net: no document is needed
    struct {
        const char *cost, *net, *tax;
    } steps[STEPS_MAX];
};

static const struct telescope telescopes[] = {
    {"nothing", "EUR", "0.19", ROUND_HALF_UP, {{"0", NULL, NULL}}},
    {"one below half", "EUR", "0", ROUND_HALF_UP, {{"0.004999999999", NULL, NULL}}},
    {"half", "EUR", "0", ROUND_HALF_UP, {{"0.005", "0.01", "0"}}},
    {"half of a refund goes away from zero", "EUR", "0", ROUND_HALF_UP, {{"-0.005", "-0.01", "0"}}},
    {"half to even", "EUR", "0", ROUND_HALF_EVEN, {{"0.005", NULL, NULL}, {"0.015", "0.02", "0"}}},
    {"up", "EUR", "0", ROUND_UP, {{"0.000000000001", "0.01", "0"}, {"0.01", NULL, NULL}}},
    // a cent for the first little; what follows is part of it until it is more than a cent and a half
    {"a little is a unit, once", "EUR", "0", ROUND_HALF_UP_NONZERO, {{"0.001", "0.01", "0"}, {"0.006", NULL, NULL}, {"0.0149", NULL,
     NULL}, {"0.015", "0.01", "0"}, {"0", "-0.02", "0"}}},
    {"down", "EUR", "0", ROUND_DOWN, {{"0.019999999999", "0.01", "0"}}},
    // 0.004 late, every month: 0.004, 0.008, 0.012, 0.016, 0.020 to date
    {"a little late, every month", "EUR", "0", ROUND_HALF_UP, {{"0.004", NULL, NULL}, {"0.008", "0.01", "0"}, {"0.012",
     NULL, NULL}, {"0.016", "0.01", "0"}, {"0.020", NULL, NULL}}},
    // 10.00 x 0.19 = 1.90; 10.03 x 0.19 = 1.9057; 10.06 x 0.19 = 1.9114
    {"tax on the whole", "EUR", "0.19", ROUND_HALF_UP, {{"10.00", "10.00", "1.90"}, {"10.03", "0.03", "0.01"}, {"10.06",
     "0.03", "0"}}},
    // 0.19 x 0.026315789473 = 0.00499999999987: below half, though 0.005 at twelve places
    {"tax is rounded once", "EUR", "0.19", ROUND_HALF_UP, {{"0.026315789473", "0.03", "0"}}},
    {"tax is rounded once, up", "EUR", "0.1", ROUND_UP, {{"0.000000000001", "0.01", "0.01"}}},
    {"tax may move alone", "EUR", "0.5", ROUND_HALF_UP, {{"0.009", "0.01", "0"}, {"0.01", "0", "0.01"}}},
    {"what was too much comes back", "EUR", "0.19", ROUND_HALF_UP, {{"100", "100", "19"}, {"60", "-40", "-7.60"}, {"60",
     NULL, NULL}}},
    {"yen have no cents", "JPY", "0.1", ROUND_HALF_UP, {{"100.5", "101", "10"}, {"100.49", "-1", "0"}}},
    {"dinars have three places", "KWD", "0.05", ROUND_HALF_UP, {{"1.0005", "1.001", "0.050"}, {"1.0025", "0.002",
     "0"}}},
};

static void rounding_telescopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(telescopes); i++) {
        const struct telescope *row = &telescopes[i];
        struct books books;
        books_open(&books, row->currency, row->rate, row->rounding);
        struct billable billable = billable_of(&books.period, 0, "1", "0");
        struct amount net = AMOUNT_ZERO, tax = AMOUNT_ZERO;
        for (int step = 0; step < STEPS_MAX && row->steps[step].cost; step++) {
            billable.charge.billed_cost = amount_from(row->steps[step].cost);
            struct document_group group = {.original = &books.period,
                                           .base_to_date = billable.charge.billed_cost,
                                           .net_before = net,
                                           .tax_before = tax};
            struct document document;
            assert_int_equal(document_build(&books.period, step + 1, &billable, 1, &group, 1, arena, &document, NULL),
                             ERR_OK);
            if (document.needed != (row->steps[step].net != NULL))
                fail_msg("%s, document %d: needed is %d", row->name, step + 1, document.needed);
            if (!document.needed) continue; // nothing is billed: the next one is built from the same earlier documents
            expect_amount(row->name, "net", document.net, row->steps[step].net);
            expect_amount(row->name, "tax", document.tax, row->steps[step].tax);
            assert_int_equal(amount_add(net, document.net, &net), ERR_OK);
            assert_int_equal(amount_add(tax, document.tax, &tax), ERR_OK);
            assert_true(document.total.pico == document.net.pico + document.tax.pico);
            for (size_t line = 0; line < document.line_count; line++)
                assert_true(document.lines[line].amount.pico == document.net.pico);
            billable.billed_cost = billable.charge.billed_cost;
            billable.billed_quantity = billable.charge.quantity;
        }
    }
}

// 100 corrections of 0.01 at 19 %: each tax of its own would be 0.00; together they are 0.19 (rules 7.1).
static void a_hundred_small_corrections_carry_their_tax(void **state)
{
    (void)state;
    struct books books;
    books_open(&books, "EUR", "0.19", ROUND_HALF_UP);
    struct billable billable = billable_of(&books.period, 0, "1", "0");
    struct amount net = AMOUNT_ZERO, tax = AMOUNT_ZERO, cent = amount_from("0.01");
    for (int i = 0; i < 100; i++) {
        billable.billed_cost = billable.charge.billed_cost;
        assert_int_equal(amount_add(billable.charge.billed_cost, cent, &billable.charge.billed_cost), ERR_OK);
        struct document_group group = {.original = &books.period,
                                       .base_to_date = billable.charge.billed_cost,
                                       .net_before = net,
                                       .tax_before = tax};
        struct document document;
        assert_int_equal(document_build(&books.period, i + 1, &billable, 1, &group, 1, arena, &document, NULL), ERR_OK);
        assert_true(document.needed);
        assert_int_equal(amount_add(net, document.net, &net), ERR_OK);
        assert_int_equal(amount_add(tax, document.tax, &tax), ERR_OK);
    }
    expect_amount("hundred corrections", "net", net, "1");
    expect_amount("hundred corrections", "tax", tax, "0.19");
}

// --- one document, several keys

struct sharing {
    const char *name, *currency;
    const char *costs[KEYS_MAX]; // exact
    const char *before;          // net of earlier documents of the month, which billed nothing of these keys
    const char *net;
    const char *amounts[KEYS_MAX]; // of the lines; largest remainder, ties to the earlier line
};

static const struct sharing sharings[] = {
    {"exact ones stay", "EUR", {"1.10", "2.20"}, "0", "3.30", {"1.10", "2.20"}},
    {"thirds", "EUR", {"0.333333333333", "0.333333333333", "0.333333333334"}, "0", "1", {"0.33", "0.33", "0.34"}},
    {"ties go to the first", "EUR", {"0.005", "0.005", "0.005", "0.005"}, "0", "0.02", {"0.01", "0.01", "0", "0"}},
    {"many crumbs", "EUR", {"0.004", "0.004", "0.002"}, "0", "0.01", {"0.01", "0", "0"}},
    {"crumbs that make nothing", "EUR", {"0.001", "2.003"}, "0", "2", {"0", "2"}},
    {"a negative line", "EUR", {"5.006", "-1.003"}, "0", "4", {"5", "-1"}}, // floors 5.00 and -1.01: one is missing,
                                                                            // remainders 0.006 and 0.007
    {"earlier documents rounded the other way", "EUR", {"0.994", "1"}, "0.01", "1.98", {"0.99", "0.99"}}, // -0.01
    {"yen", "JPY", {"10.5", "20.5"}, "0", "31", {"11", "20"}},
};

static void lines_add_up_to_the_net(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sharings); i++) {
        const struct sharing *row = &sharings[i];
        struct books books;
        struct billable billables[KEYS_MAX];
        struct document_group group = {.original = &books.period};
        struct document document;
        size_t count = 0;
        books_open(&books, row->currency, "0", ROUND_HALF_UP);
        for (; count < KEYS_MAX && row->costs[count]; count++) {
            billables[count] = billable_of(&books.period, (int)count, "1", row->costs[count]);
            assert_int_equal(amount_add(group.base_to_date, billables[count].charge.billed_cost, &group.base_to_date),
                             ERR_OK);
        }
        group.net_before = amount_from(row->before);
        assert_int_equal(document_build(&books.period, 1, billables, count, &group, 1, arena, &document, NULL), ERR_OK);
        assert_int_equal(document.line_count, count);
        struct amount sum = AMOUNT_ZERO;
        for (size_t line = 0; line < count; line++) {
            expect_amount(row->name, row->costs[line], document.lines[line].amount, row->amounts[line]);
            assert_int_equal(amount_add(sum, document.lines[line].amount, &sum), ERR_OK);
        }
        expect_amount(row->name, "net", document.net, row->net);
        assert_true(sum.pico == document.net.pico);
    }
}

// A document of November with late usage of October: each month rounds for itself, and only what is new has a line.
static void late_usage_rounds_with_its_own_month(void **state)
{
    (void)state;
    struct books books;
    books_open(&books, "EUR", "0.19", ROUND_HALF_UP);
    struct billable billables[] = {
        billable_of(&books.period, 0, "10", "5"),    // billed in full before
        billable_of(&books.period, 1, "7", "2.004"), // 2.00 billed before
        billable_of(&books.next, 0, "3", "1.004"),
    };
    billables[0].billed_quantity = billables[0].charge.quantity;
    billables[0].billed_cost = billables[0].charge.billed_cost;
    billables[1].billed_cost = amount_from("2");
    billables[1].billed_quantity.nano = 6 * INT64_C(1000000000);
    struct document_group groups[] = {
        {.original = &books.period,
         .base_to_date = amount_from("7.004"),
         .net_before = amount_from("7"),
         .tax_before = amount_from("1.33")},
        {.original = &books.next, .base_to_date = amount_from("1.004")},
    };
    struct document document;
    assert_int_equal(document_build(&books.next, 1, billables, 3, groups, 2, arena, &document, NULL), ERR_OK);
    assert_true(document.needed);
    assert_int_equal(document.line_count, 2);
    expect_amount("late", "October's net", groups[0].net, "0");
    expect_amount("late", "October's tax", groups[0].tax, "0"); // 7.004 x 0.19 = 1.33076
    expect_amount("late", "November's net", groups[1].net, "1");
    expect_amount("late", "total", document.total, "1.19");
    expect_amount("late", "what leaves unbilled", document.cost, "1.008");
    expect_amount("late", "the late line's cost", document.lines[0].cost, "0.004");
    assert_true(document.lines[0].quantity.nano == 1000000000);
    assert_true(document.lines[0].amount.pico == 0);
}

// Two taxes, and a rule that bears the same as the terms: two groups, each rounded by itself. 1.004 and 0.004 + 2.003.
static void each_tax_is_a_group(void **state)
{
    (void)state;
    struct books books;
    const struct sku low = {.number = 2}, same = {.number = 3};
    const struct service other = {.number = 9};
    struct contract_tax rules[] = {
        {.tax = {.name = "VAT", .rate = {70000000000}, .note = "reduced"}, .sku = &low, .group = 1},
        {.tax = {.name = "VAT", .rate = {190000000000}}, .sku = &same, .group = 0},
        {.tax = {.name = "none", .rate = {0}}, .service = &other, .group = 3},
    };
    struct contract contract = contract_default;
    contract.taxes = rules;
    contract.tax_count = 3;
    books_open(&books, "EUR", "0.19", ROUND_HALF_UP);
    books.terms.contract = &contract;
    const struct sku of_other = {.number = 4, .service = &other}, plain = {.number = 5};
    assert_int_equal(tax_group_of(&books.terms, &low), 1);
    assert_int_equal(tax_group_of(&books.terms, &same), 0);
    assert_int_equal(tax_group_of(&books.terms, &of_other), 3);
    assert_int_equal(tax_group_of(&books.terms, &plain), 0);
    assert_string_equal(tax_of_group(&books.terms, 1).note, "reduced");
    struct billable billables[] = {billable_of(&books.period, 0, "1", "1.004"), billable_of(&books.period, 1, "1", "0.004"),
                                   billable_of(&books.period, 2, "1", "2.003")};
    billables[1].tax_group = billables[2].tax_group = 1;
    struct document_group groups[4];
    size_t count;
    assert_int_equal(document_groups(&books.period, billables, 3, groups, &count), ERR_OK);
    assert_int_equal(count, 3); // the second rule has no group of its own
    expect_amount("taxes", "base", groups[1].base_to_date, "2.007");
    assert_int_equal(groups[2].tax_group, 3);
    groups[2].net_before = amount_from("5"); // billed before, all gone now
    struct document document;
    assert_int_equal(document_build(&books.period, 1, billables, 3, groups, count, arena, &document, NULL), ERR_OK);
    expect_amount("taxes", "net", groups[0].net, "1");
    expect_amount("taxes", "tax", groups[0].tax, "0.19"); // 0.19076
    expect_amount("taxes", "reduced net", groups[1].net, "2.01");
    expect_amount("taxes", "reduced tax", groups[1].tax, "0.14"); // 0.14049
    expect_amount("taxes", "what is gone", groups[2].net, "-5");
    expect_amount("taxes", "total", document.total, "-1.66");
    expect_amount("taxes", "lines add up by group", (struct amount){document.lines[1].amount.pico + document.lines[2].amount.pico}, "2.01");
    document_drop_quiet_groups(&document, groups);
    assert_int_equal(document.group_count, 3);
    groups[2].net_before = AMOUNT_ZERO;
    assert_int_equal(document_build(&books.period, 1, billables, 3, groups, count, arena, &document, NULL), ERR_OK);
    document_drop_quiet_groups(&document, groups);
    assert_int_equal(document.group_count, 2);
    assert_int_equal(document_build(&books.period, 1, billables, 0, groups, 0, arena, &document, NULL), ERR_OK);
    assert_int_equal(document_groups(&books.period, billables, 0, groups, &count), ERR_OK);
    assert_int_equal(document_build(&books.period, 1, billables, 0, groups, count, arena, &document, NULL), ERR_OK);
    document_drop_quiet_groups(&document, groups);
    assert_int_equal(document.group_count, 1); // nothing moved: the terms' own tax stays
    assert_int_equal(groups[0].tax_group, 0);
}

// A document whose corrections outweigh its usage has a negative total: the closer makes it a credit note.
static void corrections_may_outweigh_usage(void **state)
{
    (void)state;
    struct books books;
    books_open(&books, "EUR", "0.19", ROUND_HALF_UP);
    struct billable billables[] = {billable_of(&books.period, 0, "0", "0"), billable_of(&books.next, 0, "3", "1")};
    billables[0].billed_quantity.nano = 5 * INT64_C(1000000000);
    billables[0].billed_cost = amount_from("50.004");
    struct document_group groups[] = {
        {.original = &books.period, .net_before = amount_from("50"), .tax_before = amount_from("9.50")},
        {.original = &books.next, .base_to_date = amount_from("1")},
    };
    struct document document;
    assert_int_equal(document_build(&books.next, 1, billables, 2, groups, 2, arena, &document, NULL), ERR_OK);
    expect_amount("refund", "net", document.net, "-49");
    expect_amount("refund", "tax", document.tax, "-9.31");
    expect_amount("refund", "total", document.total, "-58.31");
    expect_amount("refund", "line", document.lines[0].amount, "-50");
    assert_true(document.lines[0].quantity.nano == -5 * INT64_C(1000000000));
}

static void beyond_the_range_is_an_error(void **state)
{
    (void)state;
    struct books books;
    struct fault fault = {0};
    books_open(&books, "JPY", "1", ROUND_HALF_UP);
    struct billable billable = billable_of(&books.period, 0, "1", "0");
    billable.charge.billed_cost.pico = DECIMAL_MAX;
    struct document_group group = {.original = &books.period, .base_to_date = billable.charge.billed_cost};
    struct document document;
    assert_int_equal(document_build(&books.period, 1, &billable, 1, &group, 1, arena, &document, &fault), ERR_LIMIT);
    assert_non_null(strstr(fault.reason, "acme"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rounding_telescopes, begin, end),
        cmocka_unit_test_setup_teardown(a_hundred_small_corrections_carry_their_tax, begin, end),
        cmocka_unit_test_setup_teardown(lines_add_up_to_the_net, begin, end),
        cmocka_unit_test_setup_teardown(late_usage_rounds_with_its_own_month, begin, end),
        cmocka_unit_test_setup_teardown(each_tax_is_a_group, begin, end),
        cmocka_unit_test_setup_teardown(corrections_may_outweigh_usage, begin, end),
        cmocka_unit_test_setup_teardown(beyond_the_range_is_an_error, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
