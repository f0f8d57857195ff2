// SPDX-License-Identifier: Apache-2.0
// Which grants pay a document: order, expiry, currency, and never more than there is or than is to pay.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "invoicing/credit.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MOST "99999999999999999999999999.99"
enum { GRANTS_MAX = 4, ISSUED = 1000, NEVER = -1 };

struct granted {
    const char *left, *currency; // currency NULL: EUR
    int priority, granted, expires;
};
static const struct {
    const char *name, *total;
    struct granted grants[GRANTS_MAX]; // numbers 1, 2, 3
    const char *uses;                  // "NUMBER=AMOUNT "
} cases[] = {
    {"no grants", "10", {{0}}, ""},
    {"nothing to pay", "0", {{"5", NULL, 1, 0, NEVER}}, ""},
    {"a credit note uses none and gives none back", "-3", {{"5", NULL, 1, 0, NEVER}}, ""},
    {"one below the total", "10", {{"9.99", NULL, 1, 0, NEVER}}, "1=9.99 "},
    {"the total", "10", {{"10", NULL, 1, 0, NEVER}}, "1=10 "},
    {"one above the total", "10", {{"10.01", NULL, 1, 0, NEVER}}, "1=10 "},
    {"a minor unit", "0.01", {{"0.01", NULL, 1, 0, NEVER}}, "1=0.01 "},
    {"an empty grant is passed over", "10", {{"0", NULL, 1, 0, NEVER}, {"4", NULL, 2, 0, NEVER}}, "2=4 "},
    {"several until it is paid", "10", {{"4", NULL, 1, 0, NEVER}, {"4", NULL, 2, 0, NEVER}, {"4", NULL, 3, 0, NEVER}}, "1=4 2=4 3=2 "},
    {"several that are not enough", "10", {{"4", NULL, 1, 0, NEVER}, {"4", NULL, 2, 0, NEVER}}, "1=4 2=4 "},
    {"the last one paid exactly", "8", {{"4", NULL, 1, 0, NEVER}, {"4", NULL, 2, 0, NEVER}, {"4", NULL, 3, 0, NEVER}}, "1=4 2=4 "},
    {"priority before expiry", "5", {{"4", NULL, 2, 0, 2000}, {"4", NULL, 1, 0, NEVER}}, "2=4 1=1 "},
    {"soonest expiry before age", "5", {{"4", NULL, 1, 0, 3000}, {"4", NULL, 1, 9, 2000}}, "2=4 1=1 "},
    {"never comes last", "5", {{"4", NULL, 1, 0, NEVER}, {"4", NULL, 1, 9, 2000}}, "2=4 1=1 "},
    {"then the oldest", "5", {{"4", NULL, 1, 9, 2000}, {"4", NULL, 1, 3, 2000}}, "2=4 1=1 "},
    {"the oldest of those without end", "5", {{"4", NULL, 1, 9, NEVER}, {"4", NULL, 1, 3, NEVER}}, "2=4 1=1 "},
    {"then by number", "5", {{"4", NULL, 1, 3, 2000}, {"4", NULL, 1, 3, 2000}}, "1=4 2=1 "},
    {"an instant before it expires", "5", {{"4", NULL, 1, 0, ISSUED + 1}}, "1=4 "},
    {"at the instant it has expired", "5", {{"4", NULL, 1, 0, ISSUED}}, ""},
    {"an instant after", "5", {{"4", NULL, 1, 0, ISSUED - 1}, {"2", NULL, 9, 0, NEVER}}, "2=2 "},
    {"another currency is not touched", "5", {{"4", "USD", 1, 0, NEVER}, {"3", NULL, 2, 0, NEVER}}, "2=3 "},
    {"the most", MOST, {{MOST, NULL, 1, 0, NEVER}, {MOST, NULL, 1, 1, NEVER}}, "1=" MOST " "},
    // worked examples of a wallet of 100.00 and invoices of 0.03 and 0.11: never below what is to pay
    {"a wallet pays 0.03", "0.03", {{"100", NULL, 1, 0, NEVER}}, "1=0.03 "},
    {"a wallet pays 0.11", "0.11", {{"99.97", NULL, 1, 0, NEVER}}, "1=0.11 "},
};

static struct amount amount_from(const char *text)
{
    struct amount amount;
    assert_int_equal(amount_parse(text, strlen(text), &amount, NULL), ERR_OK);
    return amount;
}

static size_t grants_of(const struct granted *granted, struct credit_grant *grants)
{
    size_t count = 0;
    for (; count < GRANTS_MAX && granted[count].left; count++) {
        const struct granted *from = &granted[count];
        grants[count] = (struct credit_grant){.number = (int64_t)count + 1,
                                              .key = "k",
                                              .priority = from->priority,
                                              .granted = from->granted,
                                              .expires = from->expires == NEVER ? INSTANT_NONE : from->expires,
                                              .left = amount_from(from->left)};
        memcpy(grants[count].currency, from->currency ? from->currency : "EUR", sizeof grants[count].currency);
    }
    return count;
}

static void grants_pay_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct credit_grant grants[GRANTS_MAX];
        struct credit_use uses[GRANTS_MAX];
        struct text got = {0};
        const size_t count = grants_of(cases[i].grants, grants);
        const struct amount total = amount_from(cases[i].total);
        const size_t used = credit_consume(grants, count, "EUR", total, ISSUED, uses);
        int128 sum = 0;
        text_clear(&got);
        for (size_t u = 0; u < used; u++) {
            char amount[DECIMAL_TEXT_MAX];
            amount_print(uses[u].amount, amount);
            text_print(&got, "%lld=%s ", (long long)uses[u].grant, amount);
            assert_true(uses[u].amount.pico > 0);
            sum += uses[u].amount.pico;
        }
        assert_true(sum <= (total.pico > 0 ? total.pico : 0));
        if (strcmp(got.data ? got.data : "", cases[i].uses) != 0)
            fail_msg("%s: got '%s', expected '%s'", cases[i].name, got.data, cases[i].uses);
        text_free(&got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grants_pay_in_their_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
