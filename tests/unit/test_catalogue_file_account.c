// SPDX-License-Identifier: Apache-2.0
// Catalogue files: sellers, partners, accounts and tenants; for what is refused, the exact place and reason. No
// database.
// '@' marks the place of an expected error, '$' a place that a reason names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/catalogue_files.h"

// --- references, sellers, accounts, tenants

#define MONEY                                                                                                          \
    FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - {id: usd, name: Dollar, currency: USD}\n"
#define RATE "exchange_rates: [{from: USD, to: EUR, rate: \"0.9\""
#define ACME "{id: acme, name: Acme, currency: EUR, zone: Europe/Berlin, price_book: eur"

static void accounts_and_tenants_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", "billing_accounts: [" ACME "}]\ntenants: [{id: \"Tenant No 1\", name: T, billing_account: acme}]\n",
         ""},
        {"unknown ids",
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @e, seller: @s}]\n"
         "tenants: [{id: t, name: T, billing_account: @b}]\n",
         "there is no price book 'e'\nthere is no seller or partner 's'\nthere is no billing account 'b'\n"},
        {"book in another currency",
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @usd}]\n",
         "account 'a' is in EUR, price book 'usd' in USD, and exchange_rates has none from USD to EUR\n"},
        {"book in another currency, with a rate",
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: usd}]\n" RATE "}]\n", ""},
        {"the rate is for the other direction",
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @usd}]\n"
         "exchange_rates: [{from: EUR, to: USD, rate: 1}]\n",
         "account 'a' is in EUR, price book 'usd' in USD, and exchange_rates has none from USD to EUR\n"},
        {"book of a plan in another currency",
         "billing_accounts: [" ACME ", savings_plans: [{id: p, sku: call, tenant: t, from: 2026-01-01, hourly: 1, "
         "price_book: @usd}]}]\ntenants: [{id: t, name: T, billing_account: acme}]\n",
         "price book 'usd' is in USD, price book 'eur' of these terms in EUR\n"},
        {"tax above 1", "billing_accounts: [" ACME ", tax: {name: VAT, rate: @\"19\"}}]\n",
         "rate 19 is above 1: 19 % is written \"0.19\"\n"},
        {"tax of 1", "billing_accounts: [" ACME ", tax: {name: VAT, rate: \"1\"}}]\n", ""},
        {"tax without rate", "billing_accounts: [" ACME ", tax: @{name: VAT}}]\n", "a tax needs rate\n"},
        {"taxes", "billing_accounts: [" ACME ", tax_id: DE1, tax: {name: VAT, rate: \"0.19\", note: Ordinary}, taxes: "
         "[{name: VAT, rate: \"0.07\", sku: call}, {name: RC, rate: 0, reverse_charge: true, service: ecs}]}]\n", ""},
        {"a tax of nothing", "billing_accounts: [" ACME ", taxes: [@{name: VAT, rate: 1}]}]\n",
         "a tax of taxes is for a sku or for a service; that of all else is tax:\n"},
        {"a tax of both", "billing_accounts: [" ACME ", taxes: [@{name: VAT, rate: 1, sku: call, service: ecs}]}]\n",
         "a tax of taxes is for a sku or for a service; that of all else is tax:\n"},
        {"two taxes for the same",
         "billing_accounts: [" ACME ", taxes: [{name: A, rate: 1, sku: call}, @{name: B, rate: 0, sku: call}]}]\n",
         "another tax of these terms is for the same\n"},
        {"one group with two notes",
         "billing_accounts: [" ACME ", tax: {name: VAT, rate: 1}, taxes: [@{name: VAT, rate: \"1.0\", note: N, sku: call}]}]\n",
         "another tax of these terms has the same name and rate, but another note\n"},
        {"a tax above 1 for a SKU", "billing_accounts: [" ACME ", taxes: [{name: VAT, rate: @7, sku: call}]}]\n",
         "rate 7 is above 1: 19 % is written \"0.19\"\n"},
        {"a tax of an unknown SKU", "billing_accounts: [" ACME ", taxes: [{name: VAT, rate: 0, sku: @none}]}]\n",
         "there is no sku 'none'\n"},
        {"a tax of an unknown service", "billing_accounts: [" ACME ", taxes: [{name: VAT, rate: 0, service: @none}]}]\n",
         "there is no service 'none'\n"},
        {"reverse charge with a rate",
         "billing_accounts: [" ACME ", tax_id: DE1, tax: {name: RC, rate: @\"0.1\", reverse_charge: true}}]\n",
         "with reverse_charge the rate is 0: the buyer owes the tax\n"},
        {"reverse charge of nobody", "billing_accounts: [" ACME ", tax: {name: RC, rate: 0, @reverse_charge: true}}]\n",
         "reverse_charge needs the account's tax_id\n"},
        {"taxes of another kind", "billing_accounts: [" ACME ", taxes: @{name: VAT}}]\n",
         "taxes is a list of up to 100: [{name: VAT, rate: \"0.07\", service: ID}]\n"},
        {"rounding", "billing_accounts: [" ACME ", rounding: @nearest}]\n",
         "rounding 'nearest' is unknown; there are: half_up, half_even, down, up, half_up_nonzero\n"},
        {"email", "billing_accounts: [" ACME ", email: @nobody}]\n", "email 'nobody' is no address\n"},
        {"empty tax number and address", "billing_accounts: [" ACME ", email: \"\", tax_id: \"\", address: []}]\n", ""},
        {"first terms with a date", "billing_accounts: [" ACME ", effective_from: @2025-12-31T23:00:00Z}]\n",
         "the first terms of account 'acme' reach back without limit: leave effective_from out\n"},
        {"later terms", "billing_accounts:\n  - " ACME "}\n  - " ACME ", effective_from: 2025-12-31T23:00:00Z}\n", ""},
        {"later terms within a month",
         "billing_accounts:\n  - " ACME "}\n  - " ACME ", effective_from: @2026-01-01T00:00:00Z}\n",
         "terms change where a billing period begins: midnight of the first of a month in Europe/Berlin\n"},
        {"the same zone by another name",
         "billing_accounts:\n  - " ACME "}\n"
         "  - {id: acme, name: A, currency: EUR, zone: Europe/Paris, price_book: eur, effective_from: "
         "2025-12-31T23:00:00Z}\n",
         ""},
        {"a zone whose months begin elsewhere",
         "billing_accounts:\n  - " ACME "}\n"
         "  - {id: acme, name: A, currency: EUR, zone: UTC, price_book: eur, effective_from: @2026-01-01}\n",
         "a change of zone needs an instant at which a period begins in Europe/Berlin and in UTC; else make a new "
         "account and move its tenants\n"},
        {"another currency later",
         "billing_accounts:\n  - " ACME
         "}\n  - @{id: acme, name: A, currency: USD, zone: Europe/Berlin, price_book: usd,\n"
         "     effective_from: 2025-12-31T23:00:00Z}\n",
         "the currency of account 'acme' is EUR and never changes: make a new account\n"},
        {"twice", "billing_accounts:\n  - $" ACME "}\n  - @" ACME "}\n",
         "account 'acme' is declared twice from the beginning, first at $\n"},
        {"first membership with a date",
         "billing_accounts: [" ACME
         "}]\ntenants: [{id: t, name: T, billing_account: acme, member_from: @2026-01-01}]\n",
         "the first membership of tenant 't' reaches back without limit: leave member_from out\n"},
        {"two memberships",
         "billing_accounts: [" ACME "}]\ntenants:\n  - {id: t, name: T, billing_account: acme}\n"
         "  - {id: t, name: T, billing_account: acme, member_from: 2026-01-01T00:15:00Z}\n",
         ""},
        {"the same tenant twice",
         "billing_accounts: [" ACME "}]\ntenants:\n  - ${id: t, name: T, billing_account: acme}\n"
         "  - @{id: t, name: T, billing_account: acme}\n",
         "tenant 't' is declared twice from the beginning, first at $\n"},
        {"tenant id of 128 bytes and of 129",
         "billing_accounts: [" ACME "}]\ntenants:\n"
         "  - {id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb, name: T, billing_account: acme}\n"
         "  - {id: @aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
         "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbc, name: T, billing_account: acme}\n",
         "id has 129 bytes: 1 to 128\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

static void deductions_of_terms_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good",
         "billing_accounts: [" ACME ", stages: [packages, free, discounts, limits, coupons],"
         " discounts: [{rate: \"0.1\"}, {rate: \"1\", service: ecs}, {rate: \"0.000000000001\", sku: call}]}]\n",
         ""},
        {"no deductions", "billing_accounts: [" ACME ", discounts: []}]\n", ""},
        {"unknown stage", "billing_accounts: [" ACME ", stages: [free, @magic]}]\n",
         "stage 'magic' is unknown; there are: free, packages, reservations, savings_plans, discounts, coupons, "
         "limits, prepayments\n"},
        {"stage twice", "billing_accounts: [" ACME ", stages: [free, discounts, @discounts]}]\n",
         "stage 'discounts' is there twice\n"},
        {"units after money", "billing_accounts: [" ACME ", stages: [discounts, @packages]}]\n",
         "stage 'packages' takes units, and 'discounts' before it takes money: units are taken before they are "
         "priced\n"},
        {"prices after what they came to", "billing_accounts: [" ACME ", stages: [coupons, @discounts]}]\n",
         "stage 'discounts' lowers prices, and 'coupons' before it what they came to: it comes first\n"},
        {"no list", "billing_accounts: [" ACME ", stages: @free}]\n",
         "stages is a list of at least one: [free, packages, discounts]\n"},
        {"empty list", "billing_accounts: [" ACME ", stages: @[]}]\n",
         "stages is a list of at least one: [free, packages, discounts]\n"},
        {"discounts without their stage",
         "billing_accounts: [" ACME ", stages: [free], @discounts: [{rate: \"0.1\"}]}]\n",
         "there are discounts, but the stages have no 'discounts'\n"},
        {"discount of nothing", "billing_accounts: [" ACME ", discounts: [{rate: @\"0\"}]}]\n",
         "rate is above 0: leave the discount out\n"},
        {"discount above 1", "billing_accounts: [" ACME ", discounts: [{rate: @\"1.000000000001\"}]}]\n",
         "rate 1.000000000001 is above 1: 10 % is written \"0.10\"\n"},
        {"discount without rate", "billing_accounts: [" ACME ", discounts: [@{sku: call}]}]\n", "a discount needs rate\n"},
        {"discount of unknown things",
         "billing_accounts: [" ACME ", discounts: [{rate: \"0.1\", sku: @x}, {rate: \"0.1\", service: @y}]}]\n",
         "there is no sku 'x'\nthere is no service 'y'\n"},
        {"discount for both",
         "billing_accounts: [" ACME ", discounts: [{rate: \"0.1\", sku: call, @service: ecs}]}]\n",
         "a discount is for a sku, for a service, or without both for all\n"},
        {"discount for the same twice",
         "billing_accounts: [" ACME ", discounts: [{rate: \"0.1\", sku: call}, @{rate: \"0.2\", sku: call}]}]\n",
         "another discount of these terms is for the same\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

static void limits_of_terms_are_checked(void **state)
{
    (void)state;
#define LIMIT(text) "billing_accounts: [" ACME ", limits: [" text "]}]\n"
    static const struct bad_file cases[] = {
        {"none", LIMIT(""), ""},
        {"good", LIMIT("{minimum_spend: 5, maximum_spend: 5, services: [ecs], booked: call, from: 2026-01-01, to: 2027-01-01}"), ""},
        {"a maximum of nothing", LIMIT("{maximum_spend: 0}"), ""},
        {"a term", LIMIT("{of: term, minimum_spend: 5, booked: call, from: 2026-01-01, to: 2027-01-01}"), ""},
        {"a term without an end", LIMIT("{of: @term, minimum_spend: 5, booked: call, from: 2026-01-01}"),
         "a term has a minimum_spend, no maximum_spend, and ends: give `to`\n"},
        {"a maximum of a term", LIMIT("{of: @term, maximum_spend: 5, from: 2026-01-01, to: 2027-01-01}"),
         "a term has a minimum_spend, no maximum_spend, and ends: give `to`\n"},
        {"of something else", LIMIT("{of: @year, maximum_spend: 5}"), "of 'year' is unknown; there are: period, term\n"},
        {"no list", "billing_accounts: [" ACME ", limits: @{maximum_spend: 1}}]\n",
         "limits is a list of up to 100: [{maximum_spend: \"1000\"}]\n"},
        {"neither", LIMIT("@{services: [ecs]}"), "a limit has minimum_spend, maximum_spend or both\n"},
        {"a minimum of nothing", LIMIT("{minimum_spend: @0, booked: call, from: 2026-01-01}"),
         "minimum_spend is above 0: leave it out\n"},
        {"a minimum without more", LIMIT("@@{minimum_spend: 5}"),
         "a limit with minimum_spend needs booked: the SKU under which it is paid\n"
         "a limit with minimum_spend needs from: billing periods since then are paid, used or not\n"},
        {"booked for nothing", LIMIT("{maximum_spend: 5, @booked: call}"), "booked is for a minimum_spend\n"},
        {"the wrong way round", LIMIT("{minimum_spend: 5, maximum_spend: @4.999999999999, booked: call, from: 2026-01-01}"),
         "maximum_spend is below minimum_spend\n"},
        {"ends before it begins", LIMIT("{maximum_spend: 5, from: 2026-01-01, to: @2026-01-01}"), "to is after from\n"},
        {"below zero", LIMIT("{maximum_spend: @-1}"), "maximum_spend -1 is negative\n"},
        {"unknown things", LIMIT("{minimum_spend: 5, booked: @x, services: [@y], from: 2026-01-01}"),
         "there is no sku 'x'\nthere is no service 'y'\n"},
        {"no service", LIMIT("{maximum_spend: 5, services: @[]}"), "services names at least one service\n"},
        {"without their stage", "billing_accounts: [" ACME ", stages: [free], @limits: [{maximum_spend: 1}]}]\n",
         "there are limits, but the stages have no 'limits'\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define SKY "{id: sky, name: Sky, series: SKY, currency: EUR, zone: UTC, price_book: eur"

static void there_is_one_operator_and_partners_resell(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"partner with a customer",
         "partners: [" SKY "}]\nbilling_accounts: [" ACME
         ", seller: sky}]\ntenants: [{id: t, name: T, billing_account: sky}]\n",
         ""},
        {"partner is the operator",
         "partners: [@{id: cloud, name: C, series: CC, currency: EUR, zone: UTC, price_book: eur}]\n",
         "'cloud' is the operator\n"},
        {"partner and account",
         "partners: [$" SKY "}]\nbilling_accounts: [@@{id: sky, name: S, currency: EUR, zone: UTC, price_book: eur}]\n",
         "'sky' is a partner and a billing account: also at $\naccount 'sky' is declared twice from the beginning, "
         "first at f.yaml:13:12\n"},
        {"series of another", "partners: [@{id: sky, name: S, series: C, currency: EUR, zone: UTC, price_book: eur}]\n",
         "series C is the one of seller 'cloud' at f.yaml:9:11\n"},
        {"series", "partners: [{id: sky, name: S, series: @c/1, currency: EUR, zone: UTC, price_book: eur}]\n",
         "series 'c/1': 1 to 16 of A-Z, 0-9 and '-', beginning with a letter or digit\n"},
        {"circle of partners",
         "partners:\n  - {id: p, name: P, series: P, currency: EUR, zone: UTC, price_book: eur, seller: @q}\n"
         "  - {id: q, name: Q, series: Q, currency: EUR, zone: UTC, price_book: eur, seller: @p}\n",
         "the sellers of 'p' lead in a circle, or there are more than 7 above it\n"
         "the sellers of 'q' lead in a circle, or there are more than 7 above it\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
    expect("two operators", MONEY, "", "sellers: [@{id: other, name: O, series: O}]\n",
           "there is exactly one operator, and it is 'cloud' (f.yaml:9:11); who resells is declared under partners\n");
    expect("no operator", "price_books: [{id: eur, name: Euro, currency: EUR}]\nbilling_accounts: [" ACME "}]\n", "",
           NULL, "no seller is declared or in force: accounts buy from exactly one operator\n");
}

static void zones_are_checked(void **state)
{
    (void)state;
    static const char *const zones[] = {"Mars/Olympus", "../etc/passwd", "europe/berlin"};
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct text file = {0}, told = {0};
        text_print(&file, "%sbilling_accounts: [{id: a, name: A, currency: EUR, price_book: eur, zone: %s}]\n", MONEY,
                   zones[i]);
        assert_null(read_files(&file, NULL, &told));
        text_clear(&file);
        text_print(&file, "f.yaml:13:75: zone '%s': ", zones[i]);
        if (strncmp(told.data, file.data, file.length) != 0) fail_msg("%s: %s", zones[i], told.data);
        text_free(&file);
        text_free(&told);
    }
}

static void exchange_rates_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", RATE ", effective_from: 2026-01-01T00:15:00Z, source: bank}, {from: USD, to: EUR, rate: 1}]\n", ""},
        {"the least", "exchange_rates: [{from: USD, to: EUR, rate: \"0.000000000001\"}]\n", ""},
        {"nothing", "exchange_rates: [@@{from: USD}]\n", "a rate of exchange needs rate\na rate of exchange needs to\n"},
        {"zero", "exchange_rates: [{from: USD, to: EUR, rate: @0}]\n",
         "the rate is above 0: what one USD is in EUR\n"},
        {"to itself", "exchange_rates: [{from: EUR, to: @EUR, rate: 1}]\n", "a currency has no rate to itself\n"},
        {"unknown currency", "exchange_rates: [{from: @EUX, to: EUR, rate: 1}]\n",
         "currency 'EUX': not a code of a currency that is in use (ISO 4217, three capitals)\n"},
        {"twice", "exchange_rates: [${from: USD, to: EUR, rate: 2}, {from: USD, to: JPY, rate: 1}, @{from: USD, to: EUR, rate: 1}]\n",
         "the rate from USD to EUR is given twice from the beginning, first at $\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

#define CODES(code) "virtual_currencies: [{code: " code ", name: T}]\n"
#define BOOK(currency) "---\nprice_books: [{id: t, name: T, currency: " currency "}]\n"
#define RULE ": 3 to 16 capitals and digits, the first a capital\n"

static void virtual_currencies_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", "virtual_currencies: [{code: TOKEN, name: Tokens, places: 12}, {code: TK1, name: T, places: 0}]\n"
                 BOOK("TOKEN") "exchange_rates: [{from: TOKEN, to: EUR, rate: 2}, {from: TK1, to: USD, rate: 1}]\n",
         ""},
        {"sixteen", CODES("A1B2C3D4E5F6G7H8") BOOK("A1B2C3D4E5F6G7H8"), ""},
        {"two", CODES("@T1"), "code 'T1'" RULE},
        {"seventeen", CODES("@A1B2C3D4E5F6G7H8I"), "code 'A1B2C3D4E5F6G7H8I'" RULE},
        {"lower case", CODES("@token"), "code 'token'" RULE},
        {"a digit first", CODES("@1TOKEN"), "code '1TOKEN'" RULE},
        {"a hyphen", CODES("@X-TOKEN"), "code 'X-TOKEN'" RULE},
        {"of ISO 4217", CODES("@EUR"), "code 'EUR': three capitals are a code of ISO 4217, in use or not\n"},
        {"of ISO 4217 once", CODES("@DEM"), "code 'DEM': three capitals are a code of ISO 4217, in use or not\n"},
        {"without a name", "virtual_currencies: [@{code: TOKEN}]\n", "a virtual currency needs name\n"},
        {"places", "virtual_currencies: [{code: TOKEN, name: T, places: @13}]\n",
         "places '13': a whole number from 0 to 12\n"},
        {"twice", "virtual_currencies: [${code: TOKEN, name: T}, @{code: TOKEN, name: T}]\n",
         "virtual currency 'TOKEN' is declared twice, first at $\n"},
        {"book of an undeclared one", "---\nprice_books: [@{id: t, name: T, currency: TOKEN}]\n",
         "there is no virtual currency 'TOKEN'\n"},
        {"rate from an undeclared one", "exchange_rates: [@{from: TOKEN, to: EUR, rate: 2}]\n",
         "there is no virtual currency 'TOKEN'\n"},
        {"a wrong declaration is told of once",
         "virtual_currencies: [{code: TOKEN, name: T, places: @-1}]\n" BOOK("TOKEN"),
         "places '-1': a whole number from 0 to 12\n"},
        {"neither", BOOK("@Token"), "currency 'Token': neither a code of ISO 4217 nor one of virtual_currencies\n"},
        {"rate to one", CODES("TOKEN") "exchange_rates: [{from: EUR, to: @TOKEN, rate: 2}]\n",
         "currency 'TOKEN': what is converted to is in a currency of ISO 4217; virtual ones are for price books\n"},
        {"account", CODES("TOKEN") BOOK("TOKEN")
         "billing_accounts: [{id: a, name: A, currency: @TOKEN, zone: UTC, price_book: t}]\n",
         "currency 'TOKEN': an account is in a currency of ISO 4217; virtual ones are for price books\n"},
        {"partner", CODES("TOKEN") BOOK("TOKEN")
         "partners: [{id: a, name: A, series: A, currency: @TOKEN, zone: UTC, price_book: t}]\n",
         "currency 'TOKEN': an account is in a currency of ISO 4217; virtual ones are for price books\n"},
        {"offer", CODES("TOKEN") "offers: [{id: p, name: P, currency: @TOKEN, coupon: {amount: 5}}]\n",
         "currency 'TOKEN': an offer is in a currency of ISO 4217; virtual ones are for price books\n"},
        {"account without a rate", CODES("TOKEN") BOOK("TOKEN")
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @t}]\n",
         "account 'a' is in EUR, price book 't' in TOKEN, and exchange_rates has none from TOKEN to EUR\n"},
        {"account with a rate", CODES("TOKEN") BOOK("TOKEN")
         "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: t}]\n"
         "exchange_rates: [{from: TOKEN, to: EUR, rate: 2}]\n", ""},
        {"parent in another currency", CODES("TOKEN")
         "---\nprice_books: [{id: t, name: T, currency: TOKEN, parent: @eur}]\n",
         "price book 't' is in TOKEN, its parent 'eur' in EUR\n"},
    };
    expect_each(MONEY, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_currencies_are_checked),
        cmocka_unit_test(exchange_rates_are_checked),
        cmocka_unit_test(accounts_and_tenants_are_checked),
        cmocka_unit_test(there_is_one_operator_and_partners_resell),
        cmocka_unit_test(deductions_of_terms_are_checked),
        cmocka_unit_test(limits_of_terms_are_checked),
        cmocka_unit_test(zones_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
