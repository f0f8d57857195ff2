// SPDX-License-Identifier: Apache-2.0
// A catalogue built from rows: who is found by which id at which instant, and which contradictions are refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/catalogue_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct catalogue_rows rows;

static int begin(void **state)
{
    (void)state;
    catalogue_fixture(&rows);
    return 0;
}

static int end(void **state)
{
    (void)state;
    catalogue_rows_fini(&rows);
    return 0;
}

static instant_us at(const char *text)
{
    return catalogue_fixture_instant(text);
}

static void things_are_found_by_id_and_number(void **state)
{
    (void)state;
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    assert_int_equal(catalogue_tenant(catalogue, SLICE("t-2"))->number, 2);
    assert_string_equal(catalogue_tenant_number(catalogue, 3)->id, "t-3");
    assert_int_equal(catalogue_tenant_number(catalogue, 1)->shard, shard_of_tenant(SLICE("t-1")));
    assert_null(catalogue_tenant(catalogue, SLICE("t-")));
    assert_null(catalogue_tenant(catalogue, SLICE("t-22")));
    assert_null(catalogue_tenant(catalogue, (struct slice){NULL, 0}));
    assert_null(catalogue_tenant_number(catalogue, 4));
    assert_null(catalogue_tenant_number(catalogue, -1));
    assert_int_equal(catalogue_account(catalogue, SLICE("bolt"))->number, 3);
    assert_string_equal(catalogue_account_number(catalogue, 2)->id, "sky");
    assert_string_equal(catalogue_seller_number(catalogue, 2)->series, "SKY");
    assert_string_equal(catalogue_sku_number(catalogue, 2)->service->id, "compute");
    assert_string_equal(catalogue_service_number(catalogue, 2)->subcategory, "Object Storage");
    assert_string_equal(catalogue_meter_id(catalogue, SLICE("servers"))->event_type, "cloud.server.state");
    assert_null(catalogue_meter_id(catalogue, SLICE("server")));
    size_t count;
    assert_int_equal(catalogue_all_accounts(catalogue, &count)[2], 3);
    assert_int_equal(count, 3);
    catalogue_all_tenants(catalogue, &count);
    assert_int_equal(count, 3);
    assert_string_equal(catalogue_skus_of_meter(catalogue, 2, &count)[0]->id, "compute.server");
    assert_int_equal(count, 1);
    assert_null(catalogue_skus_of_meter(catalogue, 9, &count));
    assert_int_equal(count, 0);
    assert_int_equal(catalogue_longest_accept_us(catalogue), 200 * DAY_US);
    assert_int_equal(catalogue_longest_future_us(catalogue), 300 * SECOND_US);
    catalogue_release(catalogue);
}

static void an_empty_catalogue_answers_nothing(void **state)
{
    (void)state;
    struct catalogue_rows none;
    catalogue_rows_init(&none, 0);
    struct catalogue *catalogue = catalogue_fixture_build(&none);
    size_t count = 7;
    assert_null(catalogue_tenant(catalogue, SLICE("t-1")));
    assert_null(catalogue_meters_of_type(catalogue, SLICE("x"), &count));
    assert_int_equal(count, 0);
    assert_int_equal(catalogue_payer(catalogue, 1, 0), 0);
    assert_null(catalogue_agreement(catalogue, 1, 0));
    assert_null(catalogue_price_number(catalogue, 1));
    assert_int_equal(catalogue_version(catalogue), 0);
    catalogue_retain(catalogue);
    catalogue_release(catalogue);
    catalogue_release(catalogue);
}

static void the_highest_version_of_a_key_is_in_force(void **state)
{
    (void)state;
    *ROW_NEW(&rows.tenants) = (struct tenant_row){3, 1, "t-1", "Acme third"};
    *ROW_NEW(&rows.tenants) = (struct tenant_row){2, 1, "t-1", "Acme second"};
    *ROW_NEW(&rows.memberships) = (struct membership_row){2, 1, 3, INSTANT_MIN};
    *ROW_NEW(&rows.accounts) = (struct account_row){2, 1, "acme", "Acme AG", "Street", "", ""};
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    size_t count;
    assert_string_equal(catalogue_tenant(catalogue, SLICE("t-1"))->name, "Acme third");
    assert_string_equal(catalogue_account_number(catalogue, 1)->address, "Street");
    assert_int_equal(catalogue_payer(catalogue, 1, 0), 3);
    catalogue_all_tenants(catalogue, &count);
    assert_int_equal(count, 3);
    catalogue_release(catalogue);
}

static void meters_are_chosen_by_event_time(void **state)
{
    (void)state;
    struct meter_row next = rows.meters.row[0], other = rows.meters.row[0];
    next.effective_from = at("2026-07-01T00:15:00Z");
    next.version = 2;
    next.event_type = "cloud.storage.request.v2";
    other.number = 3;
    other.id = "request_units";
    *ROW_NEW(&rows.meters) = next;
    *ROW_NEW(&rows.meters) = other;
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    assert_string_equal(catalogue_meter_at(catalogue, 1, INSTANT_MIN)->event_type, "cloud.storage.request");
    assert_string_equal(catalogue_meter_at(catalogue, 1, next.effective_from - 1)->event_type, "cloud.storage.request");
    assert_string_equal(catalogue_meter_at(catalogue, 1, next.effective_from)->event_type, "cloud.storage.request.v2");
    assert_int_equal(catalogue_meter_at(catalogue, 1, 0)->effective_to, next.effective_from);
    assert_int_equal(catalogue_meter_newest(catalogue, 1)->effective_to, INSTANT_MAX);
    assert_null(catalogue_meter_at(catalogue, 9, 0));
    size_t count;
    const struct meter *const *found = catalogue_meters_of_type(catalogue, SLICE("cloud.storage.request"), &count);
    assert_int_equal(count, 2);
    assert_int_equal(found[0]->number, 1);
    assert_int_equal(found[1]->number, 3);
    found = catalogue_meters_of_type(catalogue, SLICE("cloud.storage.request.v2"), &count);
    assert_int_equal(count, 1);
    assert_int_equal(found[0]->effective_from, next.effective_from);
    assert_null(catalogue_meters_of_type(catalogue, SLICE("cloud.storage"), &count));
    const struct meter *server = catalogue_meter_newest(catalogue, 2);
    assert_string_equal(server->dimensions[0], "flavour"); // sorted
    assert_string_equal(server->dimensions[1], "os");
    assert_string_equal(server->dimensions[2], "region");
    catalogue_release(catalogue);
}

static void a_meter_does_not_exist_before_its_first_version(void **state)
{
    (void)state;
    rows.meters.row[0].effective_from = at("2026-01-01");
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    assert_null(catalogue_meter_at(catalogue, 1, at("2026-01-01") - 1));
    assert_non_null(catalogue_meter_at(catalogue, 1, at("2026-01-01")));
    catalogue_release(catalogue);
}

static void the_first_membership_reaches_back_without_limit(void **state)
{
    (void)state;
    instant_us moved = at("2026-09-01");
    rows.memberships.row[0].effective_from = at("2026-03-01");
    *ROW_NEW(&rows.memberships) = (struct membership_row){2, 1, 3, moved};
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    assert_int_equal(catalogue_payer(catalogue, 1, INSTANT_MIN), 1);
    assert_int_equal(catalogue_payer(catalogue, 1, moved - 1), 1);
    assert_int_equal(catalogue_payer(catalogue, 1, moved), 3);
    assert_int_equal(catalogue_payer(catalogue, 1, INSTANT_MAX), 3);
    assert_int_equal(catalogue_payer(catalogue, 99, moved), 0);
    size_t count;
    const struct membership *members = catalogue_members(catalogue, 1, &count);
    assert_int_equal(count, 2);
    assert_int_equal(members[0].tenant, 1);
    assert_int_equal(members[0].effective_from, INSTANT_MIN);
    assert_int_equal(members[0].effective_to, moved);
    assert_int_equal(members[1].tenant, 2);
    members = catalogue_members(catalogue, 3, &count);
    assert_int_equal(count, 2);
    assert_int_equal(members[0].tenant, 1);
    assert_int_equal(members[0].effective_from, moved);
    assert_int_equal(members[0].effective_to, INSTANT_MAX);
    assert_null(catalogue_members(catalogue, 2, &count));
    assert_null(catalogue_members(catalogue, 99, &count));
    catalogue_release(catalogue);
}

static void terms_are_chosen_by_period_start(void **state)
{
    (void)state;
    struct agreement_row next = rows.agreements.row[0];
    next.effective_from = at("2026-11-01");
    next.version = 2;
    next.tax_rate.pico = 190000000000; // 0.19
    next.tax_name = "VAT";
    *ROW_NEW(&rows.agreements) = next;
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    assert_true(catalogue_agreement(catalogue, 1, next.effective_from - 1)->tax_rate.pico == 0);
    assert_string_equal(catalogue_agreement(catalogue, 1, next.effective_from - 1)->tax_name, "");
    assert_string_equal(catalogue_agreement(catalogue, 1, next.effective_from)->tax_name, "VAT");
    assert_int_equal(catalogue_agreement(catalogue, 1, INSTANT_MIN)->effective_to, next.effective_from);
    const struct agreement *bolt = catalogue_agreement(catalogue, 3, 0);
    assert_string_equal(bolt->seller->id, "sky");
    assert_int_equal(bolt->level, 1);
    assert_string_equal(bolt->book->id, "list");
    assert_string_equal(catalogue_agreement(catalogue, 2, 0)->book->parent->id, "list");
    assert_string_equal(zone_name(bolt->zone), "UTC");
    assert_null(catalogue_agreement(catalogue, 99, 0));
    size_t count;
    assert_int_equal(catalogue_customers(catalogue, 2, &count)[0], 3);
    assert_int_equal(count, 1);
    assert_null(catalogue_customers(catalogue, 1, &count));
    assert_int_equal(count, 0);
    catalogue_release(catalogue);
}

// --- contradictions: each changes the fixture and says what the fault must contain

static void sku_without_service(void) { rows.skus.row[0].service = 9; }
static void sku_without_meter(void) { rows.skus.row[0].meter = 9; }
static void sku_changes_meter(void) { *ROW_NEW(&rows.skus) = (struct sku_row){2, 1, 2, 2, "storage.requests", ""}; }
static void service_id_twice(void) { rows.services.row[1].id = "compute"; }
static void tenant_id_twice(void) { rows.tenants.row[1].id = "t-1"; }
static void tenant_without_id(void) { rows.tenants.row[1].id = ""; }
static void tenant_with_control(void) { rows.tenants.row[1].id = "t\n1"; }
static void tenant_not_utf8(void) { rows.tenants.row[1].id = "t\xff"; }
static void tenant_without_number(void) { rows.tenants.row[0].number = 0; }
static void member_of_nobody(void) { rows.memberships.row[0].account = 9; }
static void member_without_tenant(void) { rows.memberships.row[0].tenant = 9; }
static void member_off_the_slot(void) { rows.memberships.row[0].effective_from = 1; }
static void meter_off_the_slot(void) { rows.meters.row[0].effective_from = 60 * SECOND_US; }
static void meter_without_value(void) { rows.meters.row[0].value_property = NULL; }
static void meter_without_states(void) { rows.meters.row[1].stopped_count = 0; }
static void meter_state_both(void) { rows.meters.row[1].stopped_states = rows.meters.row[1].running_states; }
static void meter_slot_of_ten(void) { rows.meters.row[0].slot_minutes = 10; }
static void meter_accepts_nothing(void) { rows.meters.row[0].accept_days = 0; }
static void meter_accepts_too_much(void) { rows.meters.row[0].accept_days = 401; }
static void meter_id_twice(void) { rows.meters.row[1].id = "requests"; }
static void book_without_currency(void) { rows.books.row[0].currency = "EUX"; }
static void add_currency(const char *code, int64_t version, int places)
{
    *ROW_NEW(&rows.currencies) = (struct virtual_currency_row){version, code, "T", places};
}
static void book_of_no_declared_currency(void) { rows.books.row[0].currency = "TOKEN"; add_currency("TOKENS", 1, 0); }
static void currency_of_iso_4217(void) { add_currency("EUR", 1, 2); }
static void currency_without_code(void) { add_currency(NULL, 1, 2); }
static void currency_of_13_places(void) { add_currency("TOKEN", 1, 13); }
static void currency_of_other_places(void) { add_currency("TOKEN", 2, 1); add_currency("TOKEN", 1, 2); }
static void rate_to_a_virtual_currency(void)
{
    add_currency("TOKEN", 1, 0);
    *ROW_NEW(&rows.exchanges) = (struct exchange_row){1, "EUR", "TOKEN", INSTANT_MIN, {1}, NULL};
}
static void agreement_in_a_virtual_currency(void)
{
    add_currency("TOKEN", 1, 0);
    rows.agreements.row[0].currency = "TOKEN";
}
static void book_of_other_currency(void) { rows.books.row[1].currency = "USD"; }
static void book_without_parent(void) { rows.books.row[1].parent = 9; }
static void book_in_a_circle(void) { rows.books.row[0].parent = 2; }
static void account_of_two_sellers(void)
{
    struct agreement_row row = rows.agreements.row[0];
    row.number = 4;
    row.seller = 2;
    row.level = 1;
    row.effective_from = at("2026-11-01");
    *ROW_NEW(&rows.agreements) = row;
}
static void agreement_of_other_currency(void) { rows.agreements.row[0].currency = "USD"; }
static void agreement_without_zone(void) { rows.agreements.row[0].zone = "Europe/Nowhere"; }
static void agreement_without_book(void) { rows.agreements.row[0].book = 9; }
static void agreement_without_seller(void) { rows.agreements.row[0].seller = 9; }
static void agreement_of_nobody(void) { rows.agreements.row[0].account = 9; }
static void agreement_at_wrong_level(void) { rows.agreements.row[2].level = 0; }
static void agreement_of_unknown_stage(void) { rows.agreements.row[0].stages = "free,magic"; }
static void agreement_of_units_after_money(void) { rows.agreements.row[0].stages = "discounts,packages"; }
static void agreement_of_broken_deductions(void) { rows.agreements.row[0].deductions = "{"; }
static void discount_of_nothing(void) { rows.agreements.row[0].deductions = "{\"discounts\":[{\"rate\":\"0\"}]}"; }
static void discount_of_no_sku(void)
{
    rows.agreements.row[0].deductions = "{\"discounts\":[{\"rate\":\"0.1\",\"sku\":\"x\"}]}";
}
static void agreement_taxed_too_much(void) { rows.agreements.row[0].tax_rate.pico = 1000000000001; }
static void partners_in_a_circle(void) { rows.agreements.row[1].seller = 2; rows.agreements.row[1].level = 1; }
static void partner_without_agreement(void)
{
    rows.agreements.row[1] = rows.agreements.row[2];
    rows.agreements.count = 2;
}
static void series_twice(void) { rows.sellers.row[1].series = "NC"; }
static void series_absent(void) { rows.sellers.row[1].series = ""; }
static void seller_of_nobody(void) { rows.sellers.row[1].account = 9; }

static void contradictions_are_refused(void **state)
{
    static const struct { void (*change)(void); const char *place, *reason; } cases[] = {
        {sku_without_service, "sku storage.requests", "service number 9 does not exist"},
        {sku_without_meter, "sku storage.requests", "meter number 9 does not exist"},
        {sku_changes_meter, "sku storage.requests", "never change"},
        {service_id_twice, "service compute", "two numbers have this id"},
        {tenant_id_twice, "tenant t-1", "two numbers have this id"},
        {tenant_without_id, "tenant", "number 2 has no id"},
        {tenant_with_control, "tenant", "control character"},
        {tenant_not_utf8, "tenant", "not UTF-8"},
        {tenant_without_number, "tenant t-1", "begin at 1"},
        {member_of_nobody, "tenant t-1", "billing account number 9 does not exist"},
        {member_without_tenant, "membership", "tenant number 9 does not exist"},
        {member_off_the_slot, "tenant t-1", "15-minute bound"},
        {meter_off_the_slot, "meter requests", "15-minute bound"},
        {meter_without_value, "meter requests", "property that holds the value"},
        {meter_without_states, "meter servers", "stopped states"},
        {meter_state_both, "meter servers", "running is running and stopped"},
        {meter_slot_of_ten, "meter requests", "1, 5 or 15"},
        {meter_accepts_nothing, "meter requests", "accept_days is 0"},
        {meter_accepts_too_much, "meter requests", "accept_days is 401"},
        {meter_id_twice, "meter requests", "two numbers have this id"},
        {book_without_currency, "price_book list", "EUX"},
        {book_of_no_declared_currency, "price_book list", "currency TOKEN: virtual_currencies has none"},
        {currency_of_iso_4217, "virtual_currency EUR", "not a code"},
        {currency_without_code, "virtual_currency ?", "not a code"},
        {currency_of_13_places, "virtual_currency TOKEN", "13 places"},
        {currency_of_other_places, "virtual_currency TOKEN", "never change"},
        {rate_to_a_virtual_currency, "exchange_rate EUR to TOKEN",
         "currency TOKEN: a currency has a code of three capitals"},
        {agreement_in_a_virtual_currency, "agreement of acme",
         "currency TOKEN: a currency has a code of three capitals"},
        {book_of_other_currency, "price_book partner", "USD, its parent's EUR"},
        {book_without_parent, "price_book partner", "parent number 9 does not exist"},
        {book_in_a_circle, "price_book list", "circle"},
        {account_of_two_sellers, "agreement of acme", "two sellers, nimbus and sky"},
        {agreement_of_other_currency, "agreement of acme", "USD"},
        {agreement_without_zone, "agreement of acme", "Nowhere"},
        {agreement_without_book, "agreement of acme", "price book number 9"},
        {agreement_without_seller, "agreement of acme", "seller number 9"},
        {agreement_of_nobody, "agreement of", "billing account number 9"},
        {agreement_at_wrong_level, "agreement of bolt", "level is 0, there are 1"},
        {agreement_taxed_too_much, "agreement of acme", "0 to 1"},
        {agreement_of_unknown_stage, "agreement of acme", "'free,magic' cannot be read"},
        {agreement_of_units_after_money, "agreement of acme", "contradict"},
        {agreement_of_broken_deductions, "agreement of acme", "its deductions: "},
        {discount_of_nothing, "agreement of acme", "above 0"},
        {discount_of_no_sku, "agreement of acme", "SKU x"},
        {partners_in_a_circle, "agreement of sky", "circle"},
        {partner_without_agreement, "seller sky", "no agreement"},
        {series_twice, "seller sky", "series NC"},
        {series_absent, "seller sky", "no series"},
        {seller_of_nobody, "seller sky", "billing account number 9"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct catalogue *catalogue = NULL;
        struct fault fault = {0};
        end(state);
        begin(state);
        cases[i].change();
        enum err err = catalogue_build(&rows, &catalogue, &fault);
        if (err != ERR_INVALID) fail_msg("case %zu (%s): %s", i, cases[i].reason, err_name(err));
        if (!strstr(fault.reason, cases[i].reason) || !strstr(fault.place, cases[i].place))
            fail_msg("case %zu: '%s: %s' should say '%s: %s'", i, fault.place, fault.reason, cases[i].place,
                     cases[i].reason);
        assert_null(catalogue);
        assert_non_null(rows.arena); // stays the caller's
    }
}

static void many_tenants_are_found(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    char id[32];
    for (int i = MANY; i > 3; i--) { // in falling order: the builder sorts
        int length = snprintf(id, sizeof id, "tenant-%d", i);
        *ROW_NEW(&rows.tenants) = (struct tenant_row){1, i, rows_text(&rows, id, (size_t)length), "x"};
        *ROW_NEW(&rows.memberships) = (struct membership_row){1, i, i % 2 ? 1 : 3, INSTANT_MIN};
    }
    struct catalogue *catalogue = catalogue_fixture_build(&rows);
    size_t count;
    for (int i = 4; i <= MANY; i++) {
        int length = snprintf(id, sizeof id, "tenant-%d", i);
        const struct tenant *tenant = catalogue_tenant(catalogue, (struct slice){id, (size_t)length});
        assert_non_null(tenant);
        assert_int_equal(tenant->number, i);
        assert_ptr_equal(tenant, catalogue_tenant_number(catalogue, i));
        assert_int_equal(catalogue_payer(catalogue, i, 0), i % 2 ? 1 : 3);
    }
    catalogue_members(catalogue, 1, &count);
    assert_int_equal(count, 2 + (MANY - 4) / 2); // t-1, t-2 and the odd numbers from 5
    catalogue_release(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(things_are_found_by_id_and_number, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_catalogue_answers_nothing, begin, end),
        cmocka_unit_test_setup_teardown(the_highest_version_of_a_key_is_in_force, begin, end),
        cmocka_unit_test_setup_teardown(meters_are_chosen_by_event_time, begin, end),
        cmocka_unit_test_setup_teardown(a_meter_does_not_exist_before_its_first_version, begin, end),
        cmocka_unit_test_setup_teardown(the_first_membership_reaches_back_without_limit, begin, end),
        cmocka_unit_test_setup_teardown(terms_are_chosen_by_period_start, begin, end),
        cmocka_unit_test_setup_teardown(contradictions_are_refused, begin, end),
        cmocka_unit_test_setup_teardown(many_tenants_are_found, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
