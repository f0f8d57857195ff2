// SPDX-License-Identifier: Apache-2.0
// Catalogue files: offers and holdings; for what is refused, the exact place and reason. No database.
// '@' marks the place of an expected error, '$' a place that a reason names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/catalogue_files.h"

#define MONEY                                                                                                          \
    FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n"                                                   \
          "billing_accounts: [{id: acme, name: Acme, currency: EUR, zone: UTC, price_book: eur}]\n"
#define PACK "{id: p, name: P, package: {skus: [call], quantity: 1, unit: call"
#define OFFER "offers: [" PACK "}}]\n"

static void offers_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", OFFER, ""},
        {"with a price",
         "offers: [{id: p, name: P, currency: EUR, package: {skus: [call], quantity: \"0.5\", per: 1000, unit: k,"
         " reset: period, price: \"1\", booked: server}}]\n",
         ""},
        {"no kind", "offers: [@{id: p, name: P}]\n", "an offer needs its kind: package: {...}\n"},
        {"two kinds", "offers: [" PACK "}, @coupon: {}}]\n", "an offer is of one kind: it is a package already\n"},
        {"no terms", "offers: [@{id: p, name: P, @package: ~}]\n",
         "an offer needs its kind: package: {...}\npackage is a mapping of its terms\n"},
        {"twice", "offers: [$" PACK "}}, @" PACK "}}]\n", "offer 'p' is declared twice, first at $\n"},
        {"unknown SKU", "offers: [{id: p, name: P, package: {skus: [@x], quantity: 1, unit: call}}]\n",
         "there is no sku 'x'\n"},
        {"no SKU", "offers: [{id: p, name: P, package: {skus: @[], quantity: 1, unit: call}}]\n",
         "skus names at least one SKU\n"},
        {"SKU twice", "offers: [{id: p, name: P, package: {skus: [call, @call], quantity: 1, unit: call}}]\n",
         "skus has 'call' twice\n"},
        {"quantity of nothing", "offers: [{id: p, name: P, package: {skus: [call], quantity: @0, unit: call}}]\n",
         "quantity 0 must be above zero\n"},
        {"too many places",
         "offers: [{id: p, name: P, package: {skus: [call], quantity: @\"0.000000001\", per: \"0.5\", unit: call}}]\n",
         "quantity x per has at most 9 places and is below 1e29\n"},
        {"one quota", "offers: [" PACK ", reset: never}}]\n", ""},
        {"reset", "offers: [" PACK ", reset: @week}}]\n", "reset 'week' is unknown; there are: period, never\n"},
        {"price without currency and SKU", "offers: [" PACK ", @@price: \"1\"}}]\n",
         "a package with a price needs booked: the SKU under which it is paid\n"
         "a package with a price needs the currency of its offer\n"},
        {"currency", "offers: [{id: p, name: P, currency: @EUX, package: {skus: [call], quantity: 1, unit: call}}]\n",
         "currency 'EUX': not a code of a currency that is in use (ISO 4217, three capitals)\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define OFF(terms) "offers: [{id: c, name: C, currency: EUR, coupon: @{" terms "}}]\n"
#define GOOD_OFF(terms) "offers: [{id: c, name: C, currency: EUR, coupon: {" terms "}}]\n"

static void coupons_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"an amount", GOOD_OFF("amount: 5, minimum_spend: 20, skus: [call], services: [ecs]"), ""},
        {"a rate needs no currency", "offers: [{id: c, name: C, coupon: {rate: 1}}]\n", ""},
        {"a rate with a maximum", GOOD_OFF("rate: 0.000000000001, maximum: 0.000000000001"), ""},
        {"neither", OFF("minimum_spend: 5"), "a coupon has either a rate or an amount\n"},
        {"both", OFF("rate: 0.5, amount: 5"), "a coupon has either a rate or an amount\n"},
        {"a rate above 1", GOOD_OFF("rate: @1.000000000001"), "rate 1.000000000001 is above 1: 10 % is written \"0.10\"\n"},
        {"a rate of nothing", GOOD_OFF("rate: @0"), "a coupon takes off more than 0\n"},
        {"an amount of nothing", GOOD_OFF("amount: @0"), "a coupon takes off more than 0\n"},
        {"below zero", GOOD_OFF("amount: @-1"), "amount -1 is negative\n"},
        {"a maximum of an amount", GOOD_OFF("amount: 5, @maximum: 4"), "maximum is of a rate: an amount is its own\n"},
        {"a maximum of nothing", GOOD_OFF("rate: 0.5, maximum: @0"), "maximum is above 0: leave it out\n"},
        {"one amount", GOOD_OFF("amount: 5, reset: never"), ""},
        {"one maximum", GOOD_OFF("rate: 0.5, maximum: 5, reset: never"), ""},
        {"a rate that lasts", GOOD_OFF("rate: 0.5, reset: @never"), "a rate without a maximum has nothing that could last\n"},
        {"no currency", "offers: [{id: c, name: C, coupon: {rate: 0.5, @maximum: 4}}]\n",
         "a coupon with an amount needs the currency of its offer\n"},
        {"unknown things", GOOD_OFF("amount: 5, skus: [@x], services: [@y]"),
         "there is no sku 'x'\nthere is no service 'y'\n"},
        {"no service", GOOD_OFF("amount: 5, services: @[]"), "services names at least one service\n"},
        {"unknown member", GOOD_OFF("amount: 5, @colour: red"),
         "unknown key 'colour' of a coupon; there are: rate, amount, minimum_spend, maximum, reset, skus, services\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define PREPAID(terms) "offers: [{id: p, name: P, currency: EUR, prepayment: {" terms "}}]\n"

static void prepayments_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", PREPAID("amount: 0.000000000001, price: 0, skus: [call], services: [ecs], booked: call"), ""},
        {"of nothing", PREPAID("amount: @0, booked: call"), "a prepayment is of more than 0\n"},
        {"a price below zero", PREPAID("amount: 5, price: @-1, booked: call"), "price -1 is negative\n"},
        {"not booked", "offers: [{id: p, name: P, currency: EUR, prepayment: @{amount: 5}}]\n", "a prepayment needs booked\n"},
        {"unknown things", PREPAID("amount: 5, booked: @x, services: [@y]"), "there is no sku 'x'\nthere is no service 'y'\n"},
        {"without currency", "offers: [{id: p, name: P, prepayment: @{amount: 5, booked: call}}]\n",
         "a prepayment needs the currency of its offer\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define PLAN(terms) "offers: [{id: p, name: P, currency: EUR, subscription: {price: \"9\", every: month, booked: call, " terms "}}]\n"
#define HOURLY PLAN("due: in_advance, proration: hours, started: old, refund: false")

static void subscriptions_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", HOURLY "holdings: [{id: h, billing_account: acme, offer: p, from: 2026-01-02, anchor: 2026-01-01}]\n", ""},
        {"an anchor after the begin",
         HOURLY "holdings: [{id: h, billing_account: acme, offer: p, from: 2026-01-02, anchor: @2026-01-02T00:15:00Z}]\n",
         "anchor is not after from\n"},
        {"an anchor of a package",
         OFFER "holdings: [{id: h, billing_account: acme, offer: p, from: 2026-01-02, anchor: @2026-01-01}]\n",
         "offer 'p' has no intervals: an anchor is for subscriptions\n"},
        {"paid back in arrears", PLAN("due: in_arrears, proration: hours, @refund: true"),
         "what is paid in arrears is not paid back: refund is for in_advance\n"},
        {"paid back without a proration", PLAN("due: in_advance, proration: none, @refund: true"),
         "without a proration there is no rest of a fee to pay back\n"},
        {"started seconds", PLAN("due: in_advance, proration: seconds, @started: old"),
         "started is for prorations by days or hours\n"},
        {"unknown proration", PLAN("due: in_advance, proration: @weeks"),
         "proration 'weeks' is unknown; there are: actual_days, fixed_30_days, hours, seconds, none\n"},
        {"weeks of 30 days",
         "offers: [{id: p, name: P, currency: EUR, subscription: {price: \"9\", every: week, booked: call, due: in_advance, "
         "proration: @fixed_30_days}}]\n",
         "a week has no months of 30 days: actual_days, hours, seconds or none\n"},
        {"unknown interval",
         "offers: [{id: p, name: P, currency: EUR, subscription: {price: \"9\", every: @day, booked: call, due: in_advance, "
         "proration: hours}}]\n",
         "every 'day' is unknown; there are: period, week, month, quarter, year\n"},
        {"without currency",
         "offers: [{id: p, name: P, subscription: {@price: \"9\", every: year, due: in_arrears, proration: none, booked: call}}]\n",
         "a subscription needs the currency of its offer\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define HOLDING "{id: h, billing_account: acme, offer: p, from: 2026-01-01"

static void holdings_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", OFFER "holdings: [" HOLDING "}]\n", ""},
        {"the greatest quantity, and an end", OFFER "holdings: [" HOLDING ", quantity: 1000000, to: 2026-01-01T00:15:00Z}]\n",
         ""},
        {"one above", OFFER "holdings: [" HOLDING ", quantity: @1000001}]\n",
         "quantity '1000001': a whole number from 1 to 1000000\n"},
        {"none", OFFER "holdings: [" HOLDING ", quantity: @0}]\n", "quantity '0': a whole number from 1 to 1000000\n"},
        {"an end that is the begin", OFFER "holdings: [" HOLDING ", to: @2026-01-01}]\n", "to is after from\n"},
        {"unknown things", "holdings: [{id: h, billing_account: @x, offer: @y, from: 2026-01-01}]\n",
         "there is no billing account 'x'\nthere is no offer 'y'\n"},
        {"no begin", OFFER "holdings: [@{id: h, billing_account: acme, offer: p}]\n", "a holding needs from\n"},
        {"within a slot", OFFER "holdings: [{id: h, billing_account: acme, offer: p, from: @2026-01-01T00:01:00Z}]\n",
         "from 2026-01-01T00:01:00Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
        {"twice", OFFER "holdings: [$" HOLDING "}, @" HOLDING "}]\n", "holding 'h' is declared twice, first at $\n"},
        {"another currency",
         "offers: [{id: p, name: P, currency: USD, package: {skus: [call], quantity: 1, unit: call}}]\n"
         "holdings: [{id: h, billing_account: acme, offer: @p, from: 2026-01-01}]\n",
         "account 'acme' is in EUR, offer 'p' in USD\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_are_checked),
        cmocka_unit_test(prepayments_are_checked), cmocka_unit_test(subscriptions_are_checked),
        cmocka_unit_test(coupons_are_checked),
        cmocka_unit_test(holdings_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
