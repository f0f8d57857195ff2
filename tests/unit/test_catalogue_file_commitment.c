// SPDX-License-Identifier: Apache-2.0
// Catalogue files: reservations and savings plans of an account's terms; for what is refused, the exact place and
// reason. No database.
// '@' marks the place of an expected error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/catalogue_files.h"

#define MONEY FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n"
#define ACME "{id: acme, name: Acme, currency: EUR, zone: UTC, price_book: eur"
#define TENANT "tenants: [{id: \"T 1\", name: T, billing_account: acme}]\n"
#define RESERVED(more) "billing_accounts: [" ACME ", reservations: [" more "]}]\n" TENANT
#define PLAN(more) "billing_accounts: [" ACME ", savings_plans: [" more "]}]\n" TENANT
#define BASE "id: c-1, sku: call, tenant: T 1, from: 2026-10-01"

static void reservations_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good",
         RESERVED("{" BASE ", to: 2027-10-01, upfront: \"60\", hourly: \"0.007\", instances: 1000000, units: \"0.25\","
                  " per: 3600, match: {region: eu}, sizes: {dimension: size, units: {small: 1, large: 4}}}"),
         ""},
        {"good without anything", RESERVED("{" BASE "}"), ""},
        {"none", RESERVED(""), ""},
        {"no list", "billing_accounts: [" ACME ", reservations: @{}}]\n", "reservations is a list of up to 1000\n"},
        {"without begin", RESERVED("@{id: r, sku: call, tenant: T 1}"), "a reservation needs from\n"},
        {"upfront without end", RESERVED("{" BASE ", upfront: @\"1\"}"),
         "what is paid upfront is paid for a term: give `to`\n"},
        {"ends where it begins", RESERVED("{" BASE ", to: @2026-10-01}"), "to is not after from\n"},
        {"between slots", RESERVED("{" BASE ", to: @2026-10-01T00:10:00Z}"),
         "to 2026-10-01T00:10:00Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
        {"no instance", RESERVED("{" BASE ", instances: @0}"), "instances '0': a whole number from 1 to 1000000\n"},
        {"no units", RESERVED("{" BASE ", units: @\"0\"}"), "units 0 must be above zero\n"},
        {"no hour", RESERVED("{" BASE ", per: @\"0\"}"), "per 0 must be above zero\n"},
        {"a size of nothing", RESERVED("{" BASE ", sizes: {dimension: size, units: {small: @0}}}"),
         "small 0 must be above zero\n"},
        {"sizes without units", RESERVED("{" BASE ", sizes: {dimension: size, units: @{}}}"),
         "units is a mapping of 1 to 500: {small: 1, large: 4}\n"},
        {"a match that is none", RESERVED("{" BASE ", match: @eu}"), "match is a mapping: {dimension: value}\n"},
        {"unknown things", RESERVED("{id: r, sku: @x, tenant: @y, from: 2026-10-01}"),
         "there is no sku 'x'\nthere is no tenant 'y'\n"},
        {"the same id twice", RESERVED("{" BASE "}, @{" BASE "}"), "another one of these terms has the same id\n"},
        {"without their stage", "billing_accounts: [" ACME ", stages: [free], @reservations: [{" BASE "}]}]\n" TENANT,
         "there are reservations, but the stages have no 'reservations'\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

static void savings_plans_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good",
         PLAN("{" BASE ", to: 2026-10-02, upfront: \"24\", hourly: \"1\", only_cheaper: true,"
              " discounts: [{rate: 0}, {rate: \"1\", service: ecs}, {rate: \"0.5\", sku: call}]}"),
         ""},
        {"good with prices of its own", PLAN("{" BASE ", hourly: \"0.000000000001\", price_book: eur}"), ""},
        {"more upfront than its hours",
         PLAN("{" BASE ", to: 2026-10-02, upfront: @\"24.000000000001\", hourly: \"1\", price_book: eur}"),
         "upfront 24.000000000001 is more than the plan's hours cost together: it is a part of them\n"},
        {"no promise", PLAN("{" BASE ", hourly: @\"0\", price_book: eur}"),
         "hourly is what is promised for an hour, above 0\n"},
        {"without hourly", PLAN("@{" BASE ", price_book: eur}"), "a savings plan needs hourly\n"},
        {"neither prices nor discounts", PLAN("@{" BASE ", hourly: \"1\"}"),
         "a savings plan has either discounts or a price_book of its own prices\n"},
        {"both", PLAN("@{" BASE ", hourly: \"1\", price_book: eur, discounts: [{rate: \"0.1\"}]}"),
         "a savings plan has either discounts or a price_book of its own prices\n"},
        {"a discount above 1", PLAN("{" BASE ", hourly: \"1\", discounts: [{rate: @\"1.1\"}]}"),
         "rate 1.1 is above 1: 10 % is written \"0.10\"\n"},
        {"a discount for both", PLAN("{" BASE ", hourly: \"1\", discounts: [{rate: 0, sku: call, @service: ecs}]}"),
         "a discount is for a sku, for a service, or without both for all\n"},
        {"a discount for the same twice",
         PLAN("{" BASE ", hourly: \"1\", discounts: [{rate: 0, sku: call}, @{rate: \"0.1\", sku: call}]}"),
         "another discount of this plan is for the same\n"},
        {"unknown book", PLAN("{" BASE ", hourly: \"1\", price_book: @x}"), "there is no price book 'x'\n"},
        {"a word that is none", PLAN("{" BASE ", hourly: \"1\", price_book: eur, only_cheaper: @maybe}"),
         "only_cheaper 'maybe' is unknown; there are: false, true\n"},
        {"without their stage",
         "billing_accounts: [" ACME ", stages: [free], @savings_plans: [{" BASE
         ", hourly: \"1\", price_book: eur}]}]\n" TENANT,
         "there are savings_plans, but the stages have no 'savings_plans'\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reservations_are_checked),
        cmocka_unit_test(savings_plans_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
