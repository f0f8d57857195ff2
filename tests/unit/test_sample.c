// SPDX-License-Identifier: Apache-2.0
// The sample catalogue: it loads, every SKU has a price in both lists, and what the demonstration and the traces rely
// on is there and priced as their documents say.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "catalogue/aggregation.h"
#include "catalogue/apply.h"
#include "catalogue/offer_form.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct catalogue *sample;

static int open_sample(void **state)
{
    (void)state;
    const char *paths[] = {TURNPIKE_SOURCE_DIR "/deploy/sample"};
    struct text errors = {0};
    enum err err = catalogue_from_files(paths, 1, &sample, &errors);
    if (err) print_error("%s", errors.data ? errors.data : "");
    text_free(&errors);
    return err != ERR_OK;
}

static int close_sample(void **state)
{
    (void)state;
    catalogue_release(sample);
    return 0;
}

// The book by which an account buys.
static const struct price_book *book_of(const char *account)
{
    const struct billing_account *found = catalogue_account(sample, slice_of(account));
    if (!found) fail_msg("there is no account %s", account);
    return catalogue_agreement(sample, found->number, 0)->book;
}

static const struct sku *sku_of(const char *id)
{
    for (int32_t number = 1; catalogue_sku_number(sample, number); number++)
        if (strcmp(catalogue_sku_number(sample, number)->id, id) == 0) return catalogue_sku_number(sample, number);
    fail_msg("there is no SKU %s", id);
    return NULL;
}

static void two_hundred_services_over_all_categories(void **state)
{
    (void)state;
    size_t count, categories = 0;
    const struct service *services = catalogue_all_services(sample, &count);
    assert_in_range(count, 200, 400);
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        while (strcmp(services[same].category, services[i].category) != 0)
            same++;
        categories += same == i;
    }
    assert_int_equal(categories, 19); // all that FOCUS has
}

// Every model, and every further part that a price may have, in both lists.
static void every_way_to_price_is_in_use(void **state)
{
    (void)state;
    const struct price_book *lists[] = {book_of("acct-orbit"), book_of("acct-lotus")};
    for (size_t l = 0; l < COUNT(lists); l++) {
        size_t models[PRICE_MODEL_COUNT] = {0}, nothing = 0, free_units = 0, minimum = 0, maximum = 0, seconds = 0;
        const struct price_version *version;
        for (int64_t number = 1; (version = catalogue_price_number(sample, number)); number++) {
            if (version->book != lists[l]->number) continue;
            models[version->model]++;
            nothing += version->model == PRICE_PER_UNIT && version->price.pico == 0;
            free_units += version->free.nano != 0;
            minimum += version->minimum_spend.pico != 0;
            maximum += version->maximum_spend.pico != 0;
            seconds += version->minimum_seconds != 0;
        }
        if (strcmp(lists[l]->currency.code, "USD") == 0) assert_true(models[PRICE_DYNAMIC] > 1);
        for (size_t model = PRICE_PER_UNIT; model <= PRICE_FLAT; model++)
            if (models[model] < 2) fail_msg("model %zu is used %zu times in %s", model, models[model], lists[l]->id);
        assert_true(nothing > 2 && free_units > 2 && minimum > 2 && maximum > 2 && seconds > 2);
    }
}

static void contracts_and_times_are_in_use(void **state)
{
    (void)state;
    size_t hours = 0, times = 0;
    const struct price_version *version;
    for (int64_t number = 1; (version = catalogue_price_number(sample, number)); number++) {
        hours += version->window != NULL;
        times += version->times != NULL;
    }
    const struct billing_account *campus = catalogue_account(sample, slice_of("acct-campus"));
    assert_non_null(campus);
    assert_int_equal(catalogue_agreement(sample, campus->number, 0)->contract->discount_count, 2);
    assert_true(hours > 1 && times > 1);
}

// Each aggregation, each kind of what can be held, and each deduction of terms.
static void every_way_to_count_and_to_deduct_is_in_use(void **state)
{
    (void)state;
    size_t aggregations[AGGREGATIONS] = {0}, offers[OFFER_KIND_COUNT] = {0}, kept = 0, count;
    for (int32_t number = 1; catalogue_meter_newest(sample, number); number++) {
        aggregations[catalogue_meter_newest(sample, number)->aggregation]++;
        kept += catalogue_meter_newest(sample, number)->keeps_events;
    }
    for (int i = 0; i < AGGREGATIONS; i++)
        if (!aggregations[i]) fail_msg("no meter is of aggregation %s", aggregation_forms[i].name);
    const struct holding *holdings = catalogue_all_holdings(sample, &count);
    for (size_t i = 0; i < count; i++)
        offers[holdings[i].offer->kind]++;
    for (int i = 0; i < OFFER_KIND_COUNT; i++)
        if (!offers[i] && offer_forms[i].read) fail_msg("nobody holds an offer of kind %s", offer_forms[i].name);
    const struct billing_account *account = catalogue_account(sample, slice_of("acct-uhrwerk"));
    const struct agreement *terms = catalogue_agreement(sample, account->number, 0);
    assert_string_not_equal(terms->currency.code, terms->book->currency.code);
    assert_int_equal(terms->contract->reservation_count + terms->contract->plan_count, 2);
    assert_true(kept && terms->contract->limit_count && terms->contract->tax_count);
}

// Prices in a virtual currency lead to an account's.
static void prices_in_a_virtual_currency_are_converted(void **state)
{
    (void)state;
    const struct billing_account *account = catalogue_account(sample, slice_of("acct-kotoba"));
    const struct agreement *terms = catalogue_agreement(sample, account->number, 0);
    assert_string_equal(terms->book->currency.code, "NIMBUSCREDIT");
    assert_int_equal(terms->book->currency.minor_places, 0);
    assert_true(agreement_converts(terms));
    const struct exchange_rate *rate = catalogue_exchange(sample, terms, 0);
    assert_string_equal(rate->to, "JPY");
    assert_true(rate->rate.pico == 120000000000);
}

static bool has_price(const struct price_book *book, int32_t sku)
{
    const struct price_version *version;
    for (int64_t number = 1; (version = catalogue_price_number(sample, number)); number++)
        if (version->book == book->number && version->sku == sku) return true;
    return false;
}

static void every_sku_is_priced_in_both_lists(void **state)
{
    (void)state;
    const struct price_book *lists[] = {book_of("acct-orbit"), book_of("acct-lotus")};
    assert_string_equal(lists[0]->currency.code, "EUR");
    assert_string_equal(lists[1]->currency.code, "USD");
    for (int32_t number = 1; catalogue_sku_number(sample, number); number++)
        for (size_t l = 0; l < COUNT(lists); l++)
            if (!has_price(lists[l], number))
                fail_msg("%s has no price in %s", catalogue_sku_number(sample, number)->id, lists[l]->id);
}

static void every_meter_accepts_200_days_and_is_sold(void **state)
{
    (void)state;
    for (int32_t number = 1; catalogue_meter_newest(sample, number); number++) {
        const struct meter *meter = catalogue_meter_newest(sample, number);
        size_t skus;
        if (meter->accept_us != 200 * DAY_US) fail_msg("%s accepts other than 200 days", meter->id);
        catalogue_skus_of_meter(sample, number, &skus);
        if (skus == 0) fail_msg("%s is priced by no SKU", meter->id);
    }
}

// Price of one pricing unit of a per-unit price, and how many meter units it holds.
static void prices_are_what_their_documents_say(void **state)
{
    (void)state;
    static const struct {
        const char *sku, *account, *dimension, *value, *price;
        int64_t per;
        int minimum_seconds;
    } cases[] = {
        {"ecs.server", "acct-nordwind", "flavour", "s6.large.2", "0.0523", 3600, 60},
        {"ecs.server", "acct-fjord", "flavour", "s6.large.2", "0.055", 3600, 60},
        {"ecs.server", "acct-fjord", "flavour", "c7.xlarge.2", "0.1385", 3600, 60}, // from the parent
        {"ecs.licence", "acct-nordwind", "os", "linux", "0", 3600, 60},
        {"ecs.licence", "acct-nordwind", "os", "windows", "0.0421", 3600, 60},
        {"ecs.licence", "acct-nordwind", "os", "plan9", "0", 3600, 60}, // a system that is not named
        {"evs.capacity", "acct-nordwind", "volume_type", "ssd", "0.088", 30 * 24 * 3600, 0},
        {"obs.capacity", "acct-nordwind", "storage_class", "archive", "0.0036", 30 * 24, 0},
        {"llm.tokens-in", "acct-trace-llm", "model", "nimbus-code", "0.55", 1000000, 0},
        {"llm.tokens-out", "acct-trace-llm", "model", "another", "3", 1000000, 0},
        {"aicluster.vcpu", "acct-trace-pods", "qos", "BE", "0.0129", 3600, 0},
        {"aicluster.vcpu", "acct-trace-pods", "qos", "LS", "0.032", 3600, 0},
        {"aicluster.memory", "acct-trace-pods", NULL, NULL, "0.00403", 1024 * 3600, 0},
        {"aicluster.gpu", "acct-trace-pods", "gpu_spec", "", "1.31", 3600, 0},
        {"host.cpu", "acct-host-fleet", "host", "any", "0.0145", 3600, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dimension_set set = {.members = {{cases[i].dimension, cases[i].value}},
                                    .count = cases[i].dimension != NULL};
        char price[DECIMAL_TEXT_MAX];
        const struct price_version *version =
            catalogue_price(sample, book_of(cases[i].account), sku_of(cases[i].sku)->number, &set, 0);
        if (!version) fail_msg("%s %s is unpriced", cases[i].sku, cases[i].value);
        assert_int_equal(version->model, PRICE_PER_UNIT);
        price_print(version->price, price);
        assert_string_equal(price, cases[i].price);
        assert_true(version->per.nano == (int128)cases[i].per * 1000000000);
        assert_int_equal(version->minimum_seconds, cases[i].minimum_seconds);
    }
}

static void free_tiers_end_where_their_documents_say(void **state)
{
    (void)state;
    static const struct {
        const char *sku, *account;
        int64_t free_units;
    } cases[] = {
        // of the meter
        {"function.requests", "acct-nordwind", 1000000},
        {"function.compute", "acct-nordwind", 400000},
        {"build.minutes", "acct-nordwind", 500 * 60},
        {"traffic.egress", "acct-nordwind", INT64_C(100000000000)}, // 100 GB of 1000^3 bytes
        {"traffic.egress", "acct-lotus", INT64_C(100000000000)},
        {"llm.calls", "acct-trace-llm", 1000},
    };
    const struct dimension_set set = {.members = {{"destination", "internet"}, {"machine", "small"}}, .count = 2};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct price_version *version =
            catalogue_price(sample, book_of(cases[i].account), sku_of(cases[i].sku)->number, &set, 0);
        assert_non_null(version);
        assert_int_equal(version->model, PRICE_GRADUATED);
        assert_true(version->tiers[0].price.pico == 0);
        assert_true(version->tiers[0].up_to.nano == (int128)cases[i].free_units * 1000000000);
        assert_true(version->tiers[1].price.pico > 0);
    }
}

// The licence rides on the machine: one event, two meters; a pod's event has three.
static void one_event_feeds_several_meters(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t meters;
    } cases[] = {
        {"cloud.ecs.server.state", 2}, {"cloud.llm.call", 3},       {"cloud.pod.state", 3},
        {"cloud.host.usage", 6},       {"cloud.function.usage", 2}, {"cloud.nothing", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t count;
        catalogue_meters_of_type(sample, slice_of(cases[i].type), &count);
        assert_int_equal(count, cases[i].meters);
    }
}

static void accounts_have_the_zones_currencies_and_taxes_of_the_demonstration(void **state)
{
    (void)state;
    static const struct {
        const char *tenant, *account, *currency, *zone, *tax;
        int level;
    } cases[] = {
        {"nordwind-prod", "acct-nordwind", "EUR", "Europe/Berlin", "0.19", 0},
        {"nordwind-lab", "acct-nordwind", "EUR", "Europe/Berlin", "0.19", 0},
        {"lotus-games", "acct-lotus", "USD", "Asia/Shanghai", "0.06", 0},
        {"banyan-data", "acct-banyan", "USD", "Asia/Kolkata", "0.18", 0},
        {"orbit-archive", "acct-orbit", "EUR", "UTC", "0", 0},
        {"fjord-shop", "acct-fjord", "EUR", "Europe/Oslo", "0.25", 1},
        {"host-fleet", "acct-host-fleet", "EUR", "Europe/Berlin", "0", 0},
        {"trace-llm", "acct-trace-llm", "EUR", "UTC", "0.19", 0},
        {"trace-pods", "acct-trace-pods", "USD", "Asia/Shanghai", "0.06", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct tenant *tenant = catalogue_tenant(sample, slice_of(cases[i].tenant));
        const struct billing_account *account = catalogue_account(sample, slice_of(cases[i].account));
        char tax[DECIMAL_TEXT_MAX];
        assert_non_null(tenant);
        assert_non_null(account);
        assert_int_equal(catalogue_payer(sample, tenant->number, 0), account->number);
        const struct agreement *terms = catalogue_agreement(sample, account->number, 0);
        assert_string_equal(terms->currency.code, cases[i].currency);
        assert_string_equal(zone_name(terms->zone), cases[i].zone);
        price_print(terms->tax_rate, tax);
        assert_string_equal(tax, cases[i].tax);
        assert_int_equal(terms->level, cases[i].level);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_services_over_all_categories),
        cmocka_unit_test(every_way_to_price_is_in_use),
        cmocka_unit_test(contracts_and_times_are_in_use),
        cmocka_unit_test(every_way_to_count_and_to_deduct_is_in_use),
        cmocka_unit_test(prices_in_a_virtual_currency_are_converted),
        cmocka_unit_test(every_sku_is_priced_in_both_lists),
        cmocka_unit_test(every_meter_accepts_200_days_and_is_sold),
        cmocka_unit_test(prices_are_what_their_documents_say),
        cmocka_unit_test(free_tiers_end_where_their_documents_say),
        cmocka_unit_test(one_event_feeds_several_meters),
        cmocka_unit_test(accounts_have_the_zones_currencies_and_taxes_of_the_demonstration),
    };
    return cmocka_run_group_tests(tests, open_sample, close_sample);
}
