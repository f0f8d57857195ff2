// SPDX-License-Identifier: Apache-2.0
// Catalogue files: lists, items, services and meters; for what is refused, the exact place and reason. No database.
// '@' marks the place of an expected error, '$' a place that a reason names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalogue/focus.h"
#include "tests/support/catalogue_files.h"

// --- files, lists, items, values

#define ID_RULE ": 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit\n"
#define OTHER "category: Other, subcategory: Other (Other)"

static void every_value_is_checked_where_it_stands(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"unknown list", "@servces: []\n",
         "unknown list 'servces'; there are: services, meters, skus, price_books, sellers, partners, billing_accounts, offers, "
         "holdings, tenants, exchange_rates, virtual_currencies\n"},
        {"file is no mapping", "@- a\n", "a catalogue file is a mapping of lists: services, meters, ...\n"},
        {"no list", "services: @{id: a}\n", "services is a list\n"},
        {"empty list", "services:\nmeters: []\n", ""},
        {"item is no mapping", "services: [@ecs]\n", "a service is a mapping (key: value)\n"},
        {"malformed", "services:\n  - {id: a\n  b@: c\n",
         "did not find expected ',' or '}', while parsing a flow mapping\n"},
        {"repeated key", "services:\n  - {id: a, @id: b}\n", "the key \"id\" is there twice, first on line 2\n"},
        {"unknown key", "services:\n  - {id: a, name: A, " OTHER ", @colour: red}\n",
         "unknown key 'colour' of a service; there are: id, name, category, subcategory\n"},
        {"missing keys", "services:\n  - @{id: a, @name: , category: Other}\n",
         "a service needs subcategory\na service needs name\n"},
        {"three bad ids",
         "services:\n  - {id: @Ecs, name: A, " OTHER "}\n  - {id: @-a, name: A, " OTHER
         "}\n  - {id: @a b, name: A, " OTHER "}\n",
         "id 'Ecs'" ID_RULE "id '-a'" ID_RULE "id 'a b'" ID_RULE},
        {"id of 63",
         "services:\n  - {id: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123, name: A, " OTHER "}\n",
         ""},
        {"id of 64",
         "services:\n  - {id: @aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234, name: A, " OTHER "}\n",
         "id 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234'" ID_RULE},
        {"category", "services:\n  - {id: a, name: A, category: @Computing, subcategory: Containers}\n",
         "'Computing' is no FOCUS service category; there are: AI and Machine Learning, Analytics, Business "
         "Applications, "
         "Compute, Databases, Developer Tools, Identity, Integration, Internet of Things, Management and Governance, "
         "Media, Migration, Mobile, Multicloud, Networking, Security, Storage, Web, Other\n"},
        {"subcategory", "services:\n  - {id: a, name: A, category: Storage, subcategory: @Containers}\n",
         "'Containers' is no FOCUS subcategory of Storage; there are: Backup Storage, Block Storage, File Storage, "
         "Object Storage, Storage Platforms, Other (Storage)\n"},
        {"control character", "services:\n  - {id: a, name: @\"A\\u0007\", " OTHER "}\n",
         "name has a control character\n"},
        {"list as a value", "services:\n  - {id: a, name: @[A], " OTHER "}\n", "name is a single value\n"},
        {"twice", "services:\n  - ${id: a, name: A, " OTHER "}\n  - @{id: a, name: A, " OTHER "}\n",
         "service 'a' is declared twice, first at $\n"},
    };
    expect_each("", cases, COUNT(cases));
}

// --- meters

#define METER "meters:\n  - @{id: m, name: M, event_type: t, unit: u, aggregation: "
#define GOOD "meters:\n  - {id: m, name: M, event_type: t, unit: u, aggregation: "
#define STATES ", resource: r, state: s, running: [a, b], stopped: [c"

static void meters_have_what_their_aggregation_uses(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"aggregation", GOOD "@median}\n",
         "aggregation 'median' is unknown; there are: sum, count, max, latest, interval, min, average, unique\n"},
        {"sum without value", METER "sum}\n", "aggregation sum needs value\n"},
        {"count with value", GOOD "count, @value: v}\n", "aggregation count has no value\n"},
        {"sum with a window", GOOD "sum, value: v, @window: day}\n", "aggregation sum has no window\n"},
        {"min, average and unique", GOOD "min, value: v, window: day}\n"
                                    "  - {id: n, name: N, event_type: t, unit: u, aggregation: average, value: v, window: period}\n"
                                    "  - {id: o, name: O, event_type: t, unit: u, aggregation: unique, value: v, window: day}\n", ""},
        {"unique without a value", METER "unique}\n", "aggregation unique needs value\n"},
        {"a percentile of values", GOOD "unique, value: v, slot_minutes: 5, window: @percentile_95}\n",
         "aggregation unique counts values: it has no percentile_95\n"},
        {"latest with a window", GOOD "latest, value: v, window: day}\n", ""},
        {"a percentile of slots of 15 minutes", GOOD "max, value: v, window: @percentile_95}\n",
         "the samples of window percentile_95 are of 5 minutes: slot_minutes must be 5\n"},
        {"percentiles", GOOD "max, value: v, window: percentile_95_all, slot_minutes: 5}\n"
                             "  - {id: n, name: N, event_type: t, unit: u, aggregation: latest, value: v, window: percentile_95_daily,\n"
                             "     slot_minutes: 5}\n", ""},
        {"a percentile of a sum", GOOD "sum, value: v, @window: percentile_95, slot_minutes: 5}\n",
         "aggregation sum has no window\n"},
        {"an unknown window", GOOD "max, value: v, window: @week}\n",
         "window 'week' is unknown; there are: slot, day, period, percentile_95, percentile_95_all, percentile_95_daily, "
         "percentile_95_days\n"},
        {"a product and a fee of every event",
         GOOD "sum, value: v, value_times: p, per_event: {rate: 0.1, fixed: 0, minimum: 0, maximum: 1}}\n", ""},
        {"events that are kept", GOOD "sum, value: v, keep: events}\n", ""},
        {"something else that is kept", GOOD "sum, value: v, keep: @days}\n", "keep 'days' is unknown; there are: events\n"},
        {"kept events of a count", GOOD "count, @keep: events}\n", "aggregation count has no keep\n"},
        {"a product of a maximum", GOOD "max, value: v, @value_times: p}\n", "aggregation max has no value_times\n"},
        {"a fee of a count", GOOD "count, @per_event: {fixed: 1}}\n", "aggregation count has no per_event\n"},
        {"a fee of nothing", GOOD "sum, value: v, per_event: @{minimum: 1}}\n", "per_event needs rate, fixed or both\n"},
        {"a negative rate", GOOD "sum, value: v, per_event: {rate: @-0.1}}\n", "rate -0.1 is negative\n"},
        {"a negative minimum", GOOD "sum, value: v, per_event: {rate: 1, minimum: @-1}}\n", "minimum -1 must be above zero\n"},
        {"a maximum of nothing", GOOD "sum, value: v, per_event: {rate: 1, maximum: @0}}\n", "maximum 0 must be above zero\n"},
        {"maximum at minimum", GOOD "sum, value: v, per_event: {rate: 1, minimum: 2, maximum: 2}}\n", ""},
        {"maximum below minimum", GOOD "sum, value: v, per_event: {rate: 1, minimum: 2, maximum: @1.999999999}}\n",
         "the maximum per event is below the minimum\n"},
        {"a fee with something else", GOOD "sum, value: v, per_event: {rate: 1, @free: 2}}\n",
         "unknown key 'free' of a per_event; there are: rate, fixed, minimum, maximum\n"},
        {"max with states", GOOD "max, value: v, @running: [a]}\n", "aggregation max has no running\n"},
        {"interval without states",
         "meters:\n  - @@@@{id: m, name: M, event_type: t, unit: u, aggregation: interval}\n",
         "aggregation interval needs resource\naggregation interval needs running\naggregation interval needs state\n"
         "aggregation interval needs stopped\n"},
        {"state in both lists", GOOD "interval" STATES ", @b]}\n", "state 'b' is running and stopped\n"},
        {"interval with a value", GOOD "interval, value: v" STATES "]}\n", ""},
        {"repeated dimension", GOOD "count, dimensions: [a, b, @a]}\n", "dimensions has 'a' twice\n"},
        {"16 dimensions", GOOD "count, dimensions: [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]}\n", ""},
        {"17 dimensions", GOOD "count, dimensions: @[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q]}\n",
         "dimensions has 17 entries, more than 16\n"},
        {"slot", GOOD "count, slot_minutes: @10}\n", "slot_minutes '10' is unknown; there are: 1, 5, 15\n"},
        {"accept 0", GOOD "count, accept_days: @0}\n", "accept_days '0': a whole number from 1 to 400\n"},
        {"accept 400", GOOD "count, accept_days: 400}\n", ""},
        {"accept 401", GOOD "count, accept_days: @401}\n", "accept_days '401': a whole number from 1 to 400\n"},
        {"accept 3.5", GOOD "count, accept_days: @3.5}\n", "accept_days '3.5': a whole number from 1 to 400\n"},
        {"future 86401", GOOD "count, future_seconds: @86401}\n",
         "future_seconds '86401': a whole number from 0 to 86400\n"},
        {"off the grid", GOOD "count, effective_from: @2026-01-01T00:14:00Z}\n",
         "effective_from 2026-01-01T00:14:00Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
        {"half an hour of offset", GOOD "count, effective_from: 2026-01-01T00:00:00+05:30}\n", ""},
        {"two versions",
         GOOD "count}\n  - {id: m, name: M, event_type: t, unit: u, aggregation: count, dimensions: [d],\n"
              "     effective_from: 2026-01-01}\n",
         ""},
        {"two equal versions",
         "meters:\n  - ${id: m, name: M, event_type: t, unit: u, aggregation: count}\n"
         "  - @{id: m, name: M, event_type: t, unit: u, aggregation: count}\n",
         "meter 'm' is declared twice from the beginning, first at $\n"},
        {"versions with other units",
         GOOD "count}\n  - @{id: m, name: M, event_type: t, unit: v, aggregation: count,\n"
              "     effective_from: 2026-01-01}\n",
         "event_type, aggregation, unit, window and keep of meter m never change: make a new meter, unit: \"u\" -> \"v\"\n"},
        {"a version that keeps its events",
         GOOD "sum, value: v}\n  - @{id: m, name: M, event_type: t, unit: u, aggregation: sum, value: v, keep: events, "
              "effective_from: 2026-01-01}\n",
         "event_type, aggregation, unit, window and keep of meter m never change: make a new meter, keep: \"nothing\" -> "
         "\"events\"\n"},
    };
    expect_each("", cases, COUNT(cases));
}

// An error in one item does not hide those of others, nor make up new ones: the id of a wrong item is known.
static void all_errors_are_told_in_the_order_of_the_files(void **state)
{
    (void)state;
    expect("many", "",
           "skus:\n"
           "  - {id: s, service: a, meter: m, name: S}\n"
           "  - {id: s2, service: @none, meter: @nothing, name: S}\n"
           "services:\n"
           "  - {id: a, name: A, category: Storage, subcategory: @Containers}\n"
           "meters:\n"
           "  - @{id: m, name: M, event_type: t, aggregation: sum, unit: u}\n",
           "tenants:\n"
           "  - {id: t, name: T, billing_account: @acct}\n"
           "price_books:\n"
           "  - {id: b, name: B, currency: EUR, prices: [{sku: s, unit: u, price: @\"-1\"}, {sku: @s3, unit: u, price: "
           "\"1\"}]}\n",
           "there is no service 'none'\n"
           "there is no meter 'nothing'\n"
           "'Containers' is no FOCUS subcategory of Storage; there are: Backup Storage, Block Storage, File Storage, "
           "Object Storage, Storage Platforms, Other (Storage)\n"
           "aggregation sum needs value\n"
           "there is no billing account 'acct'\n"
           "price -1 is negative\n"
           "there is no SKU 's3'\n");
}

static void paths_that_cannot_be_read_are_told(void **state)
{
    (void)state;
    struct test_folder folder;
    struct catalogue *catalogue = NULL;
    struct text told = {0};
    assert_int_equal(test_folder_make(&folder), 0);
    const char *missing = heap_text(test_path(&folder, "missing.yaml"));
    const char *paths[] = {folder.path, missing};
    assert_int_equal(catalogue_from_files(paths, 2, &catalogue, &told), ERR_INVALID);
    assert_non_null(strstr(told.data, "the folder has 0 files named *.yaml or *.yml"));
    assert_non_null(strstr(told.data, "missing.yaml: "));
    free((void *)(uintptr_t)missing);
    text_free(&told);
    test_folder_remove(&folder);
}

// --- FOCUS categories

static void focus_has_19_categories_each_with_its_other(void **state)
{
    (void)state;
    struct text list = {0}, other = {0};
    size_t count = 0;
    focus_category_list(&list);
    for (char *at = strtok(list.data, ","); at; at = strtok(NULL, ",")) {
        const char *name = at + (*at == ' ');
        text_clear(&other);
        text_print(&other, "Other (%s)", name);
        assert_true(focus_category_known(name));
        assert_true(focus_subcategory_known(name, other.data));
        assert_false(focus_subcategory_known(name, "Other"));
        assert_false(focus_subcategory_known(name, "Other ()"));
        count++;
    }
    assert_int_equal(count, 19);
    assert_false(focus_category_known("compute"));
    assert_false(focus_subcategory_known("Compute", "Other (Storage)"));
    assert_false(focus_subcategory_known("Nothing", "Other (Nothing)"));
    text_free(&list);
    text_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_checked_where_it_stands),
        cmocka_unit_test(meters_have_what_their_aggregation_uses),
        cmocka_unit_test(all_errors_are_told_in_the_order_of_the_files),
        cmocka_unit_test(paths_that_cannot_be_read_are_told),
        cmocka_unit_test(focus_has_19_categories_each_with_its_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
