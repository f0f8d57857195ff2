// SPDX-License-Identifier: Apache-2.0
// Catalogue files: what is accepted, and for everything that is not, the exact place and reason. No database.
// '@' in a file's text marks the place of an expected error, '$' a place that a reason names (tests/support/marked_text.h).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "catalogue/apply.h"
#include "catalogue/focus.h"
#include "tests/support/folder.h"
#include "tests/support/marked_text.h"

struct bad_file { const char *name, *text, *reasons; };
#define COUNT(array) (sizeof(array) / sizeof *(array))

// Copies what was told without the folder's name.
static void without_folder(const char *told, const char *folder, struct text *out)
{
    for (const char *at = told; at && *at;) {
        const char *hit = strstr(at, folder), *end = hit ? hit : at + strlen(at);
        text_add(out, at, (size_t)(end - at));
        at = hit ? hit + strlen(folder) + 1 : end;
    }
}

// Reads the texts as f.yaml and g.yaml (NULL: none) of a folder.
static struct catalogue *read_files(const struct text *first, const struct text *second, struct text *told)
{
    struct test_folder folder;
    struct catalogue *catalogue = NULL;
    struct text raw = {0};
    assert_int_equal(test_folder_make(&folder), 0);
    assert_true(test_file(&folder, "f.yaml", first->data, first->length, 0644)[0]);
    if (second) assert_true(test_file(&folder, "g.yaml", second->data, second->length, 0644)[0]);
    const char *paths[] = {folder.path};
    enum err err = catalogue_from_files(paths, 1, &catalogue, &raw);
    assert_int_equal(err == ERR_OK, raw.length == 0);
    assert_int_equal(err == ERR_OK, catalogue != NULL);
    without_folder(raw.data, folder.path, told);
    text_free(&raw);
    test_folder_remove(&folder);
    return catalogue;
}

// `around` comes before the text of the first file.
static void expect(const char *name, const char *around, const char *first, const char *second, const char *reasons)
{
    struct marks marks = {0};
    struct text f = {0}, g = {0}, told = {0}, expected = {0}, whole = {0};
    text_print(&whole, "%s%s", around, first);
    marked_text_read("f.yaml", whole.data, &f, &marks);
    if (second) marked_text_read("g.yaml", second, &g, &marks);
    text_add_string(&told, "");
    text_add_string(&expected, "");
    marked_text_expect(&marks, reasons, &expected);
    catalogue_release(read_files(&f, second ? &g : NULL, &told));
    if (strcmp(told.data, expected.data) != 0) {
        print_error("%s: expected\n%sbut was told\n%s\n", name, expected.data, told.data);
        fail();
    }
    text_free(&f);
    text_free(&g);
    text_free(&told);
    text_free(&expected);
    text_free(&whole);
}

static void expect_each(const char *around, const struct bad_file *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect(cases[i].name, around, cases[i].text, NULL, cases[i].reasons);
}

// --- files, lists, items, values

#define ID_RULE ": 1 to 63 of a-z, 0-9, '.', '_', '-', beginning with a letter or digit\n"
#define OTHER "category: Other, subcategory: Other (Other)"

static void every_value_is_checked_where_it_stands(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"unknown list", "@servces: []\n",
         "unknown list 'servces'; there are: services, meters, skus, price_books, sellers, partners, billing_accounts, "
         "tenants\n"},
        {"file is no mapping", "@- a\n", "a catalogue file is a mapping of lists: services, meters, ...\n"},
        {"no list", "services: @{id: a}\n", "services is a list\n"},
        {"empty list", "services:\nmeters: []\n", ""},
        {"item is no mapping", "services: [@ecs]\n", "a service is a mapping (key: value)\n"},
        {"malformed", "services:\n  - {id: a\n  b@: c\n", "did not find expected ',' or '}', while parsing a flow mapping\n"},
        {"repeated key", "services:\n  - {id: a, @id: b}\n", "the key \"id\" is there twice, first on line 2\n"},
        {"unknown key", "services:\n  - {id: a, name: A, " OTHER ", @colour: red}\n",
         "unknown key 'colour' of a service; there are: id, name, category, subcategory\n"},
        {"missing keys", "services:\n  - @{id: a, @name: , category: Other}\n",
         "a service needs subcategory\na service needs name\n"},
        {"three bad ids",
         "services:\n  - {id: @Ecs, name: A, " OTHER "}\n  - {id: @-a, name: A, " OTHER "}\n  - {id: @a b, name: A, " OTHER "}\n",
         "id 'Ecs'" ID_RULE "id '-a'" ID_RULE "id 'a b'" ID_RULE},
        {"id of 63", "services:\n  - {id: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123, name: A, " OTHER "}\n", ""},
        {"id of 64", "services:\n  - {id: @aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234, name: A, " OTHER "}\n",
         "id 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234'" ID_RULE},
        {"category", "services:\n  - {id: a, name: A, category: @Computing, subcategory: Containers}\n",
         "'Computing' is no FOCUS service category; there are: AI and Machine Learning, Analytics, Business Applications, "
         "Compute, Databases, Developer Tools, Identity, Integration, Internet of Things, Management and Governance, Media, "
         "Migration, Mobile, Multicloud, Networking, Security, Storage, Web, Other\n"},
        {"subcategory", "services:\n  - {id: a, name: A, category: Storage, subcategory: @Containers}\n",
         "'Containers' is no FOCUS subcategory of Storage; there are: Backup Storage, Block Storage, File Storage, Object "
         "Storage, Storage Platforms, Other (Storage)\n"},
        {"control character", "services:\n  - {id: a, name: @\"A\\u0007\", " OTHER "}\n", "name has a control character\n"},
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
        {"aggregation", GOOD "@median}\n", "aggregation 'median' is unknown; there are: sum, count, max, latest, interval\n"},
        {"sum without value", METER "sum}\n", "aggregation sum needs value\n"},
        {"count with value", GOOD "count, @value: v}\n", "aggregation count has no value\n"},
        {"sum with a window", GOOD "sum, value: v, @window: day}\n", "aggregation sum has no window\n"},
        {"latest with a window", GOOD "latest, value: v, window: day}\n", ""},
        {"max with states", GOOD "max, value: v, @running: [a]}\n", "aggregation max has no running\n"},
        {"interval without states", "meters:\n  - @@@@{id: m, name: M, event_type: t, unit: u, aggregation: interval}\n",
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
        {"future 86401", GOOD "count, future_seconds: @86401}\n", "future_seconds '86401': a whole number from 0 to 86400\n"},
        {"off the grid", GOOD "count, effective_from: @2026-01-01T00:14:00Z}\n",
         "effective_from 2026-01-01T00:14:00Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
        {"half an hour of offset", GOOD "count, effective_from: 2026-01-01T00:00:00+05:30}\n", ""},
        {"two versions", GOOD "count}\n  - {id: m, name: M, event_type: t, unit: u, aggregation: count, dimensions: [d],\n"
                              "     effective_from: 2026-01-01}\n", ""},
        {"two equal versions", "meters:\n  - ${id: m, name: M, event_type: t, unit: u, aggregation: count}\n"
                               "  - @{id: m, name: M, event_type: t, unit: u, aggregation: count}\n",
         "meter 'm' is declared twice from the beginning, first at $\n"},
        {"versions with other units", GOOD "count}\n  - @{id: m, name: M, event_type: t, unit: v, aggregation: count,\n"
                                           "     effective_from: 2026-01-01}\n",
         "event_type, aggregation, unit and window of meter m never change: make a new meter, unit: \"u\" -> \"v\"\n"},
    };
    expect_each("", cases, COUNT(cases));
}

// --- prices

#define FRAME                                                                                                          \
    "services: [{id: ecs, name: Servers, category: Compute, subcategory: Virtual Machines}]\n"                         \
    "meters:\n"                                                                                                        \
    "  - {id: running, name: Time, event_type: s, aggregation: interval, resource: r, state: s, running: [a],\n"       \
    "     stopped: [b], dimensions: [flavour, os], unit: second}\n"                                                    \
    "  - {id: calls, name: Calls, event_type: c, aggregation: count, unit: call}\n"                                    \
    "skus:\n"                                                                                                          \
    "  - {id: server, service: ecs, meter: running, name: Server}\n"                                                   \
    "  - {id: call, service: ecs, meter: calls, name: Call}\n"                                                         \
    "sellers: [{id: cloud, name: Cloud Ltd, series: C}]\n"
#define BOOK FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - id: eur\n    prices:\n      - "

static void prices_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"both", "@{sku: call, unit: call, price: \"1\", tiers: [{price: \"1\"}]}\n", "a price has either price or tiers\n"},
        {"neither", "@{sku: call, unit: call}\n", "a price has either price or tiers\n"},
        {"zero", "{sku: call, unit: call, price: \"0\"}\n", ""},
        {"negative", "{sku: call, unit: call, price: @\"-0.01\"}\n", "price -0.01 is negative\n"},
        {"12 places", "{sku: call, unit: call, price: \"0.000000000001\"}\n", ""},
        {"per 0", "{sku: call, unit: call, price: \"1\", per: @0}\n", "per 0 must be above zero\n"},
        {"no tiers", "{sku: call, unit: call, tiers: @[]}\n", "tiers is a list of 1 to 64 tiers\n"},
        {"one tier", "{sku: call, unit: call, tiers: [{price: \"1\"}]}\n", ""},
        {"last tier with a bound", "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, {up_to: @2, price: \"1\"}]}\n",
         "the last tier has no up_to: what is above 2 would have no price\n"},
        {"gap", "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, @{price: \"1\"}, {price: \"2\"}]}\n",
         "only the last tier has no up_to\n"},
        {"equal bounds",
         "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, {up_to: @1, price: \"1\"}, {price: \"2\"}]}\n",
         "up_to 1 is not above the tier before\n"},
        {"decreasing bounds",
         "{sku: call, unit: call, tiers: [{up_to: 5, price: \"0\"}, {up_to: @4.9, price: \"1\"}, {price: \"2\"}]}\n",
         "up_to 4.9 is not above the tier before\n"},
        {"bound 0", "{sku: call, unit: call, tiers: [{up_to: @0, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to 0 must be above zero\n"},
        {"negative tier", "{sku: call, unit: call, tiers: [{up_to: 1, price: @\"-1\"}, {price: \"1\"}]}\n",
         "price -1 is negative\n"},
        {"tier without price", "{sku: call, unit: call, tiers: [@{up_to: 1}, {price: \"1\"}]}\n", "a tier needs price\n"},
        {"unknown key of a tier", "{sku: call, unit: call, tiers: [{price: \"1\", @flat: 3}]}\n",
         "unknown key 'flat' of a tier; there are: up_to, price\n"},
        {"bound x per not exact",
         "{sku: call, unit: call, per: 0.5, tiers: [{up_to: @0.000000001, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"bound x per beyond the range",
         "{sku: call, unit: call, per: 10000000000000000000, tiers: [{up_to: @10000000000, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"minimum with tiers", "{sku: server, unit: hour, minimum_seconds: @60, tiers: [{price: \"1\"}]}\n",
         "minimum_seconds goes with price, not with tiers\n"},
        {"minimum of a count", "{sku: call, unit: call, price: \"1\", minimum_seconds: @60}\n",
         "minimum_seconds is for interval meters, and calls is none\n"},
        {"minimum 86400", "{sku: server, unit: hour, price: \"1\", minimum_seconds: 86400}\n", ""},
        {"minimum 86401", "{sku: server, unit: hour, price: \"1\", minimum_seconds: @86401}\n",
         "minimum_seconds '86401': a whole number from 0 to 86400\n"},
        {"unknown dimension", "{sku: server, match: {@colour: red, os: linux}, unit: hour, price: \"1\"}\n",
         "'colour' is no dimension of meter running, which SKU server prices\n"},
        {"null in a match", "{sku: server, match: {os: @~}, unit: hour, price: \"1\"}\n",
         "the value of os is a single text; \"\" for an empty one\n"},
        {"empty text in a match", "{sku: server, match: {os: \"\"}, unit: hour, price: \"1\"}\n", ""},
        {"unknown SKU", "{sku: @servr, unit: hour, price: \"1\"}\n", "there is no SKU 'servr'\n"},
        {"ends as it begins",
         "{sku: call, unit: call, price: \"1\", effective_from: 2026-02-01, effective_to: @2026-02-01}\n",
         "effective_to is not after effective_from\n"},
        {"ends off the grid", "{sku: call, unit: call, price: \"1\", effective_to: @2026-02-01T00:00:01Z}\n",
         "effective_to 2026-02-01T00:00:01Z is not on a 15-minute bound of UTC (:00, :15, :30, :45)\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

// What decimals may be is the decimals' own affair (test_decimal_text.c); here, that they are asked.
static void prices_are_exact_decimals_in_range(void **state)
{
    (void)state;
    static const char *const prices[] = {"0.0000000000001", "1e3", "1,5", "+1", "0x10", "01", "NaN", "12345678901234567890123456789"};
    for (size_t i = 0; i < COUNT(prices); i++) {
        struct text file = {0}, told = {0};
        text_print(&file, "%s{sku: call, unit: call, price: \"%s\"}\n", BOOK, prices[i]);
        assert_null(read_files(&file, NULL, &told));
        text_clear(&file);
        text_print(&file, "f.yaml:14:40: price '%s': ", prices[i]);
        if (strncmp(told.data, file.data, file.length) != 0) fail_msg("%s: %s", prices[i], told.data);
        assert_ptr_equal(strchr(told.data, '\n'), told.data + told.length - 1); // one error
        text_free(&file);
        text_free(&told);
    }
}

#define CALL "sku: call, unit: call, price: \"1\""

static void versions_of_a_price_do_not_overlap(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"one after another", "{" CALL "}\n      - {" CALL ", effective_from: 2026-02-01}\n", ""},
        {"in any order", "{" CALL ", effective_from: 2026-02-01}\n      - {" CALL "}\n", ""},
        {"touching", "{" CALL ", effective_to: 2026-02-01}\n      - {" CALL ", effective_from: 2026-02-01}\n", ""},
        {"a gap", "{" CALL ", effective_to: 2026-02-01}\n      - {" CALL ", effective_from: 2026-03-01}\n", ""},
        {"another match", "{sku: server, unit: h, price: \"1\"}\n      - {sku: server, match: {os: a}, unit: h, price: \"1\"}\n", ""},
        {"the same again", "${" CALL "}\n      - @{" CALL "}\n",
         "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n"},
        {"the same match, written otherwise",
         "${sku: server, match: {os: a, flavour: b}, unit: h, price: \"1\"}\n"
         "      - @{sku: server, match: {flavour: \"b\", os: a}, unit: h, price: \"2\"}\n",
         "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n"},
        {"overlap", "${" CALL ", effective_to: 2026-03-01}\n      - @{" CALL ", effective_from: 2026-02-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
        {"overlap, the later one first",
         "${" CALL ", effective_from: 2026-02-01}\n      - @{" CALL ", effective_to: 2026-03-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
    expect("in another file", BOOK "${" CALL "}\n", "", "price_books:\n  - id: eur\n    prices: [@{" CALL "}]\n",
           "this price is there twice: the same book, SKU, match and effective_from (the beginning) at $\n");
}

static void books_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"new without currency", "  - @{id: b, name: B}\n", "price book 'b' is new: it needs name and currency\n"},
        {"unknown parent", "  - {id: b, name: B, currency: EUR, parent: @c}\n", "there is no price book 'c'\n"},
        {"parent in another currency", "  - {id: b, name: B, currency: USD, parent: @eur}\n",
         "price book 'b' is in USD, its parent 'eur' in EUR\n"},
        {"own parent", "  - {id: b, name: B, currency: EUR, parent: @b}\n", "the parents of price book 'b' lead in a circle\n"},
        {"circle",
         "  - {id: b, name: B, currency: EUR, parent: @c}\n  - {id: c, name: C, currency: EUR, parent: @b}\n",
         "the parents of price book 'b' lead in a circle\nthe parents of price book 'c' lead in a circle\n"},
        {"two currencies", "  - ${id: b, name: B, currency: EUR}\n  - @{id: b, currency: USD}\n",
         "price book 'b' has the currency 'USD' here and 'EUR' at $\n"},
        {"name elsewhere", "  - {id: b, currency: EUR}\n  - {id: b, name: B}\n", ""},
        {"a parent that comes later", "  - {id: b, name: B, currency: EUR, parent: c}\n  - {id: c, name: C, currency: EUR}\n", ""},
    };
    expect_each(FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n", cases, COUNT(cases));
    for (size_t i = 0; i < 3; i++) {
        static const char *const codes[] = {"ZZZ", "eur", "XXX"};
        struct text file = {0}, told = {0}, expected = {0};
        text_print(&file, "price_books: [{id: b, name: B, currency: %s}]\n", codes[i]);
        text_print(&expected, "f.yaml:1:42: currency '%s': ", codes[i]);
        assert_null(read_files(&file, NULL, &told));
        assert_memory_equal(told.data, expected.data, expected.length);
        text_free(&file);
        text_free(&told);
        text_free(&expected);
    }
    expect("KWD and CLF", "", "price_books: [{id: b, name: B, currency: KWD}, {id: c, name: C, currency: CLF}]\n", NULL, "");
}

// --- references, sellers, accounts, tenants

#define MONEY FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - {id: usd, name: Dollar, currency: USD}\n"
#define ACME "{id: acme, name: Acme, currency: EUR, zone: Europe/Berlin, price_book: eur"

static void accounts_and_tenants_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"good", "billing_accounts: [" ACME "}]\ntenants: [{id: \"Tenant No 1\", name: T, billing_account: acme}]\n", ""},
        {"unknown ids", "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @e, seller: @s}]\n"
                        "tenants: [{id: t, name: T, billing_account: @b}]\n",
         "there is no price book 'e'\nthere is no seller or partner 's'\nthere is no billing account 'b'\n"},
        {"book in another currency", "billing_accounts: [{id: a, name: A, currency: EUR, zone: UTC, price_book: @usd}]\n",
         "account 'a' is in EUR, price book 'usd' in USD\n"},
        {"tax above 1", "billing_accounts: [" ACME ", tax: {name: VAT, rate: @\"19\"}}]\n",
         "rate 19 is above 1: 19 % is written \"0.19\"\n"},
        {"tax of 1", "billing_accounts: [" ACME ", tax: {name: VAT, rate: \"1\"}}]\n", ""},
        {"tax without rate", "billing_accounts: [" ACME ", tax: @{name: VAT}}]\n", "a tax needs rate\n"},
        {"rounding", "billing_accounts: [" ACME ", rounding: @nearest}]\n",
         "rounding 'nearest' is unknown; there are: half_up, half_even, down, up\n"},
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
         "  - {id: acme, name: A, currency: EUR, zone: Europe/Paris, price_book: eur, effective_from: 2025-12-31T23:00:00Z}\n", ""},
        {"a zone whose months begin elsewhere",
         "billing_accounts:\n  - " ACME "}\n"
         "  - {id: acme, name: A, currency: EUR, zone: UTC, price_book: eur, effective_from: @2026-01-01}\n",
         "a change of zone needs an instant at which a period begins in Europe/Berlin and in UTC; else make a new account and "
         "move its tenants\n"},
        {"another currency later",
         "billing_accounts:\n  - " ACME "}\n  - @{id: acme, name: A, currency: USD, zone: Europe/Berlin, price_book: usd,\n"
         "     effective_from: 2025-12-31T23:00:00Z}\n",
         "the currency of account 'acme' is EUR and never changes: make a new account\n"},
        {"twice", "billing_accounts:\n  - $" ACME "}\n  - @" ACME "}\n",
         "account 'acme' is declared twice from the beginning, first at $\n"},
        {"first membership with a date",
         "billing_accounts: [" ACME "}]\ntenants: [{id: t, name: T, billing_account: acme, member_from: @2026-01-01}]\n",
         "the first membership of tenant 't' reaches back without limit: leave member_from out\n"},
        {"two memberships",
         "billing_accounts: [" ACME "}]\ntenants:\n  - {id: t, name: T, billing_account: acme}\n"
         "  - {id: t, name: T, billing_account: acme, member_from: 2026-01-01T00:15:00Z}\n", ""},
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

#define SKY "{id: sky, name: Sky, series: SKY, currency: EUR, zone: UTC, price_book: eur"

static void there_is_one_operator_and_partners_resell(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"partner with a customer",
         "partners: [" SKY "}]\nbilling_accounts: [" ACME ", seller: sky}]\ntenants: [{id: t, name: T, billing_account: sky}]\n", ""},
        {"partner is the operator",
         "partners: [@{id: cloud, name: C, series: CC, currency: EUR, zone: UTC, price_book: eur}]\n", "'cloud' is the operator\n"},
        {"partner and account", "partners: [$" SKY "}]\nbilling_accounts: [@@{id: sky, name: S, currency: EUR, zone: UTC, price_book: eur}]\n",
         "'sky' is a partner and a billing account: also at $\naccount 'sky' is declared twice from the beginning, first at f.yaml:13:12\n"},
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
    expect("no operator", "price_books: [{id: eur, name: Euro, currency: EUR}]\nbilling_accounts: [" ACME "}]\n", "", NULL,
           "no seller is declared or in force: accounts buy from exactly one operator\n");
}

static void zones_are_checked(void **state)
{
    (void)state;
    static const char *const zones[] = {"Mars/Olympus", "../etc/passwd", "europe/berlin"};
    for (size_t i = 0; i < COUNT(zones); i++) {
        struct text file = {0}, told = {0};
        text_print(&file, "%sbilling_accounts: [{id: a, name: A, currency: EUR, price_book: eur, zone: %s}]\n", MONEY, zones[i]);
        assert_null(read_files(&file, NULL, &told));
        text_clear(&file);
        text_print(&file, "f.yaml:13:75: zone '%s': ", zones[i]);
        if (strncmp(told.data, file.data, file.length) != 0) fail_msg("%s: %s", zones[i], told.data);
        text_free(&file);
        text_free(&told);
    }
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
           "  - {id: b, name: B, currency: EUR, prices: [{sku: s, unit: u, price: @\"-1\"}, {sku: @s3, unit: u, price: \"1\"}]}\n",
           "there is no service 'none'\n"
           "there is no meter 'nothing'\n"
           "'Containers' is no FOCUS subcategory of Storage; there are: Backup Storage, Block Storage, File Storage, Object "
           "Storage, Storage Platforms, Other (Storage)\n"
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
        cmocka_unit_test(prices_are_checked),
        cmocka_unit_test(prices_are_exact_decimals_in_range),
        cmocka_unit_test(versions_of_a_price_do_not_overlap),
        cmocka_unit_test(books_are_checked),
        cmocka_unit_test(accounts_and_tenants_are_checked),
        cmocka_unit_test(there_is_one_operator_and_partners_resell),
        cmocka_unit_test(zones_are_checked),
        cmocka_unit_test(all_errors_are_told_in_the_order_of_the_files),
        cmocka_unit_test(paths_that_cannot_be_read_are_told),
        cmocka_unit_test(focus_has_19_categories_each_with_its_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
