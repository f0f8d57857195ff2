// SPDX-License-Identifier: Apache-2.0
// Catalogue files: prices, tiers, versions and books; for what is refused, the exact place and reason. No database.
// '@' marks the place of an expected error, '$' a place that a reason names.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/catalogue_files.h"

// --- prices

#define BOOK FRAME "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - id: eur\n    prices:\n      - "

static void prices_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"both", "@{sku: call, unit: call, price: \"1\", tiers: [{price: \"1\"}]}\n",
         "a price has either price or tiers\n"},
        {"neither", "@{sku: call, unit: call}\n", "a price has either price or tiers\n"},
        {"zero", "{sku: call, unit: call, price: \"0\"}\n", ""},
        {"negative", "{sku: call, unit: call, price: @\"-0.01\"}\n", "price -0.01 is negative\n"},
        {"12 places", "{sku: call, unit: call, price: \"0.000000000001\"}\n", ""},
        {"per 0", "{sku: call, unit: call, price: \"1\", per: @0}\n", "per 0 must be above zero\n"},
        {"no tiers", "{sku: call, unit: call, tiers: @[]}\n", "tiers is a list of 1 to 64 tiers\n"},
        {"one tier", "{sku: call, unit: call, tiers: [{price: \"1\"}]}\n", ""},
        {"last tier with a bound",
         "{sku: call, unit: call, tiers: [{up_to: 1, price: \"0\"}, {up_to: @2, price: \"1\"}]}\n",
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
        {"tier without price", "{sku: call, unit: call, tiers: [@{up_to: 1}, {price: \"1\"}]}\n",
         "a tier needs price, flat or both\n"},
        {"unknown key of a tier", "{sku: call, unit: call, tiers: [{price: \"1\", @cap: 3}]}\n",
         "unknown key 'cap' of a tier; there are: up_to, block, price, flat\n"},
        {"bound x per not exact",
         "{sku: call, unit: call, per: 0.5, tiers: [{up_to: @0.000000001, price: \"0\"}, {price: \"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"bound x per beyond the range",
         "{sku: call, unit: call, per: 10000000000000000000, tiers: [{up_to: @10000000000, price: \"0\"}, {price: "
         "\"1\"}]}\n",
         "up_to x per is no quantity of up to 9 fraction digits in range\n"},
        {"minimum with tiers", "{sku: server, unit: hour, minimum_seconds: @60, tiers: [{price: \"1\"}]}\n",
         "minimum_seconds goes with a price per unit, without tiers, free, minimum_spend, maximum_spend, round and daily\n"},
        {"minimum of a count", "{sku: call, unit: call, price: \"1\", minimum_seconds: @60}\n",
         "minimum_seconds is for interval meters, and calls is none\n"},
        {"minimum 86400", "{sku: server, unit: hour, price: \"1\", minimum_seconds: 86400}\n", ""},
        {"minimum 86401", "{sku: server, unit: hour, price: \"1\", minimum_seconds: @86401}\n",
         "minimum_seconds '86401': a whole number from 0 to 86400\n"},
        {"increment", "{sku: server, unit: hour, price: \"1\", increment_seconds: \"0.000001\", minimum_seconds: 60}\n", ""},
        {"increment of a day", "{sku: server, unit: hour, price: \"1\", increment_seconds: 86400}\n", ""},
        {"increment of a day and more", "{sku: server, unit: hour, price: \"1\", increment_seconds: @\"86400.000001\"}\n",
         "increment_seconds '86400.000001': seconds above 0, up to 86400, with up to 6 places\n"},
        {"increment 0", "{sku: server, unit: hour, price: \"1\", increment_seconds: @0}\n",
         "increment_seconds '0': seconds above 0, up to 86400, with up to 6 places\n"},
        {"increment of 7 places", "{sku: server, unit: hour, price: \"1\", increment_seconds: @\"0.0000001\"}\n",
         "increment_seconds '0.0000001': seconds above 0, up to 86400, with up to 6 places\n"},
        {"increment of a count", "{sku: call, unit: call, price: \"1\", increment_seconds: @60}\n",
         "increment_seconds is for interval meters, and calls is none\n"},
        {"increment with tiers", "{sku: server, unit: hour, increment_seconds: @60, tiers: [{price: \"1\"}]}\n",
         "increment_seconds goes with a price per unit, without tiers, free, minimum_spend, maximum_spend, round and daily\n"},
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

#define TWO "tiers: [{up_to: 1, price: \"0\"}, {price: \"1\"}]"

static void models_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"each of them", "{sku: call, unit: u, model: per_unit, price: \"1\"}\n"
         "      - {sku: server, match: {os: a}, unit: u, model: graduated, " TWO "}\n"
         "      - {sku: server, match: {os: b}, unit: u, model: volume, " TWO "}\n"
         "      - {sku: server, match: {os: c}, unit: u, model: package, price: \"1\"}\n"
         "      - {sku: server, match: {os: d}, unit: u, model: stairstep, tiers: [{up_to: 1, flat: 0}, {flat: 1}]}\n"
         "      - {sku: server, match: {os: e}, unit: u, model: percentage, rate: \"0.1\", fixed: 1}\n"
         "      - {sku: server, match: {os: f}, unit: u, rate: \"0.1\"}\n"
         "      - {sku: server, match: {os: g}, unit: u, model: flat, price: \"1\"}\n", ""},
        {"dynamic of a meter in other units", "@{sku: call, unit: u, model: dynamic}\n",
         "a dynamic price is in the book's currency, EUR, but meter calls counts call\n"},
        {"dynamic with per", "@@{sku: call, unit: u, model: dynamic, per: 10}\n",
         "a dynamic price has no per: its meter counts money\n"
         "a dynamic price is in the book's currency, EUR, but meter calls counts call\n"},
        {"dynamic with a maximum", "@@{sku: call, unit: u, model: dynamic, maximum_spend: 5}\n",
         "a dynamic price has no free, minimum_spend, maximum_spend, round or daily: a price per unit of its meter may\n"
         "a dynamic price is in the book's currency, EUR, but meter calls counts call\n"},
        {"unknown", "{sku: call, unit: u, model: @slab, price: \"1\"}\n",
         "model 'slab' is unknown; there are: per_unit, graduated, volume, package, stairstep, percentage, flat, "
         "dynamic\n"},
        {"a list", "{sku: call, unit: u, model: @[volume], price: \"1\"}\n", "model is a single value\n"},
        {"volume without tiers", "@{sku: call, unit: u, model: volume}\n", "a volume price needs tiers\n"},
        {"volume with a price", "{sku: call, unit: u, model: volume, @price: \"1\", " TWO "}\n",
         "a volume price has no price\n"},
        {"package with tiers", "@{sku: call, unit: u, model: package, @" TWO "}\n",
         "a package price needs price\na package price has no tiers\n"},
        {"per_unit with tiers", "@{sku: call, unit: u, model: per_unit, @" TWO "}\n",
         "a per_unit price needs price\na per_unit price has no tiers\n"},
        {"percentage with a price", "@{sku: call, unit: u, model: percentage, @price: \"1\"}\n",
         "a percentage price needs rate\na percentage price has no price\n"},
        {"a fixed part of another model", "{sku: call, unit: u, price: \"1\", @fixed: \"1\"}\n",
         "a per_unit price has no fixed part\n"},
        {"negative rate", "{sku: call, unit: u, rate: @\"-0.1\"}\n", "rate -0.1 is negative\n"},
        {"negative fixed part", "{sku: call, unit: u, rate: \"0.1\", fixed: @\"-1\"}\n", "fixed -1 is negative\n"},
        {"negative flat amount", "{sku: call, unit: u, tiers: [{flat: @\"-1\"}]}\n", "flat -1 is negative\n"},
        {"a step with a price", "{sku: call, unit: u, model: stairstep, tiers: [{flat: 1, @price: \"1\"}]}\n",
         "a tier of a stairstep price has flat, not price\n"},
        {"a step of nothing", "{sku: call, unit: u, model: stairstep, tiers: [{up_to: 1, flat: 1}, @{}]}\n",
         "a tier of a stairstep price needs flat\n"},
        {"free, least and greatest", "{sku: call, unit: u, model: package, price: \"1\", free: 0.5, minimum_spend: 1, "
         "maximum_spend: 1}\n", ""},
        {"free 0", "{sku: call, unit: u, price: \"1\", free: @0}\n", "free 0 must be above zero\n"},
        {"free x per not exact", "{sku: call, unit: u, per: 0.5, price: \"1\", free: @0.000000001}\n",
         "free x per is no quantity of up to 9 fraction digits in range\n"},
        {"maximum 0", "{sku: call, unit: u, price: \"1\", maximum_spend: @0}\n", "maximum_spend must be above zero\n"},
        {"maximum below minimum", "{sku: call, unit: u, price: \"1\", minimum_spend: 2, maximum_spend: @1.99}\n",
         "maximum_spend 1.99 is below minimum_spend\n"},
        {"negative minimum", "{sku: call, unit: u, price: \"1\", minimum_spend: @\"-1\"}\n",
         "minimum_spend -1 is negative\n"},
        {"a minimum run that is shared", "{sku: server, unit: u, price: \"1\", free: 1, minimum_seconds: @60}\n",
         "minimum_seconds goes with a price per unit, without tiers, free, minimum_spend, maximum_spend, round and daily\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

static void blocks_and_roundings_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"blocks", "{sku: call, unit: u, tiers: [{up_to: 1000, block: 100, price: \"1\"}, {block: \"0.5\", price: 1, flat: 1}]}\n"
         "      - {sku: server, unit: u, model: volume, tiers: [{block: 10, price: \"1\"}]}\n", ""},
        {"block 0", "{sku: call, unit: u, tiers: [{block: @0, price: \"1\"}]}\n", "block 0 must be above zero\n"},
        {"negative block", "{sku: call, unit: u, tiers: [{block: @-1, price: \"1\"}]}\n", "block -1 must be above zero\n"},
        {"a block without a price", "{sku: call, unit: u, tiers: [{@block: 10, flat: 1}]}\n",
         "block goes with price: a tier's price is then that of a block\n"},
        {"a block of a step", "{sku: call, unit: u, model: stairstep, tiers: [{@block: 10, flat: 1}]}\n",
         "block goes with price: a tier's price is then that of a block\n"},
        {"block x per not exact", "{sku: call, unit: u, per: 0.5, tiers: [{block: @0.000000001, price: \"1\"}]}\n",
         "block x per is no quantity of up to 9 fraction digits in range\n"},
        {"round", "{sku: call, unit: u, price: \"1\", round: {places: 9, mode: up}}\n"
         "      - {sku: server, unit: u, model: package, price: 1, round: {places: -9, mode: half_even}}\n", ""},
        {"10 places", "{sku: call, unit: u, price: \"1\", round: {places: @10, mode: up}}\n",
         "places '10': a whole number from -9 to 9\n"},
        {"-10 places", "{sku: call, unit: u, price: \"1\", round: {places: @-10, mode: up}}\n",
         "places '-10': a whole number from -9 to 9\n"},
        {"no places", "{sku: call, unit: u, price: \"1\", round: @{mode: up}}\n", "a round needs places\n"},
        {"no mode", "{sku: call, unit: u, price: \"1\", round: @{places: 2}}\n", "a round needs mode\n"},
        {"an unknown mode", "{sku: call, unit: u, price: \"1\", round: {places: 2, mode: @ceil}}\n",
         "mode 'ceil' is unknown; there are: half_up, half_even, down, up, half_up_nonzero\n"},
        {"a number", "{sku: call, unit: u, price: \"1\", round: @2}\n", "a round is a mapping (key: value)\n"},
        {"places x per not exact", "{sku: call, unit: u, per: 0.5, price: \"1\", round: {places: @9, mode: up}}\n",
         "a place that is rounded to, x per, is no quantity of up to 9 fraction digits\n"},
        {"withdrawn", "{sku: call, @round: {places: 2, mode: up}, withdrawn: true, effective_from: 2026-02-01}\n",
         "a price that is withdrawn has no round\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

static void days_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"of each model that may", "{sku: call, unit: u, daily: full, tiers: [{price: \"1\"}]}\n"
         "      - {sku: server, match: {os: a}, unit: u, daily: share, model: volume, " TWO "}\n"
         "      - {sku: server, match: {os: b}, unit: u, daily: share, price: 1}\n", ""},
        {"an unknown word", "{sku: call, unit: u, price: \"1\", daily: @half}\n",
         "daily 'half' is unknown; there are: full, share\n"},
        {"a package", "{sku: call, unit: u, model: package, price: \"1\", @daily: full}\n",
         "a package price does not count days: per_unit, graduated and volume prices may\n"},
        {"withdrawn", "{sku: call, @daily: full, withdrawn: true, effective_from: 2026-02-01}\n",
         "a price that is withdrawn has no daily\n"},
    };
    static const struct bad_file periods[] = {
        {"one value a period", "@{sku: level, unit: u, price: \"1\", daily: share}\n",
         "daily goes with usage of slots or days, and meter level has one value a period\n"},
        {"one value a day", "{sku: peak, unit: u, price: \"1\", daily: share}\n", ""},
    };
    expect_each(BOOK, cases, COUNT(cases));
    expect_each("services: [{id: more, name: More, category: Compute, subcategory: Virtual Machines}]\n"
                "meters:\n"
                "  - {id: level, name: L, event_type: l, aggregation: max, value: n, window: period, unit: u}\n"
                "  - {id: peak, name: P, event_type: p, aggregation: max, value: n, window: day, unit: u}\n"
                "skus: [{id: level, service: more, meter: level, name: L}, {id: peak, service: more, meter: peak, name: P}]\n"
                "sellers: [{id: cloud, name: Cloud Ltd, series: C}]\n"
                "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - id: eur\n    prices:\n      - ",
                periods, COUNT(periods));
}

#define TIMED "sku: call, unit: call, price: \"1\", when: "

static void windows_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"hours", "{" TIMED "{zone: UTC, from: \"18:00\", to: \"08:00\"}}\n", ""},
        {"days", "{" TIMED "{zone: UTC, days: [sat, mon]}}\n", ""},
        {"dates", "{" TIMED "{zone: Europe/Berlin, dates: [2026-12-26, 2026-12-25], to: \"12:00\"}}\n", ""},
        {"to midnight", "{" TIMED "{zone: UTC, from: \"18:00\", to: \"00:00\"}}\n", ""},
        {"no mapping", "{" TIMED "@night}\n", "a when is a mapping (key: value)\n"},
        {"no zone", "{" TIMED "@{from: \"18:00\"}}\n", "a when needs zone\n"},
        {"unknown zone", "{" TIMED "{zone: @Mars/Olympus, from: \"18:00\"}}\n",
         "zone 'Mars/Olympus': no such time zone (is the time zone data installed?)\n"},
        {"unknown key", "{" TIMED "{zone: UTC, @until: \"18:00\"}}\n",
         "unknown key 'until' of a when; there are: zone, days, dates, from, to\n"},
        {"always", "{" TIMED "@{zone: UTC}}\n", "this window is always: leave out when\n"},
        {"all days", "{" TIMED "@{zone: UTC, days: [mon, tue, wed, thu, fri, sat, sun]}}\n",
         "this window is always: leave out when\n"},
        {"no day", "{" TIMED "{zone: UTC, days: @[]}}\n", "days is empty\n"},
        {"unknown day", "{" TIMED "{zone: UTC, days: [@monday]}}\n",
         "'monday' is no day: mon, tue, wed, thu, fri, sat, sun\n"},
        {"a day twice", "{" TIMED "{zone: UTC, days: [mon, @mon]}}\n", "days has 'mon' twice\n"},
        {"days and dates", "{" TIMED "{zone: UTC, days: [mon], @dates: [2026-12-25]}}\n",
         "a window has days or dates, not both\n"},
        {"no date", "{" TIMED "{zone: UTC, dates: [@2026-02-29]}}\n", "'2026-02-29' is no date: YYYY-MM-DD\n"},
        {"an instant", "{" TIMED "{zone: UTC, dates: [@2026-02-28T00:00:00Z]}}\n",
         "'2026-02-28T00:00:00Z' is no date: YYYY-MM-DD\n"},
        {"off the quarters", "{" TIMED "{zone: UTC, from: @\"18:10\"}}\n",
         "from '18:10': a time of day on a quarter of an hour, \"00:00\" to \"24:00\"\n"},
        {"after midnight", "{" TIMED "{zone: UTC, to: @\"24:15\"}}\n",
         "to '24:15': a time of day on a quarter of an hour, \"00:00\" to \"24:00\"\n"},
        {"from the end", "{" TIMED "{zone: UTC, from: @\"24:00\", to: \"01:00\"}}\n", "from is before \"24:00\"\n"},
        {"empty", "{" TIMED "{zone: UTC, from: \"01:00\", to: @\"01:00\"}}\n",
         "from and to are equal: a whole day is from \"00:00\" to \"24:00\"\n"},
        {"withdrawn", "{sku: call, withdrawn: true, effective_from: 2026-02-01}\n", ""},
        {"withdrawn ever", "{sku: call, @withdrawn: true}\n", "a price is withdrawn with effective_from\n"},
        {"withdrawn or not", "{sku: call, withdrawn: @no, effective_from: 2026-02-01}\n",
         "withdrawn 'no' is unknown; there are: true\n"},
        {"withdrawn with a price", "{sku: call, withdrawn: true, effective_from: 2026-02-01, @price: \"1\"}\n",
         "a price that is withdrawn has no price\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

static void windows_of_a_match_do_not_overlap(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"day and night",
         "{" TIMED "{zone: UTC, from: \"08:00\", to: \"18:00\"}}\n      - {" TIMED
         "{zone: UTC, from: \"18:00\", to: \"08:00\"}}\n      - {sku: call, unit: call, price: \"2\"}\n", ""},
        {"a quarter too much",
         "${" TIMED "{zone: UTC, from: \"08:00\", to: \"18:15\"}}\n      - @{" TIMED
         "{zone: UTC, from: \"18:00\", to: \"08:00\"}}\n",
         "the window of this price overlaps that of one that is at $ (UTC daily 08:00-18:15)\n"},
        {"two zones",
         "${" TIMED "{zone: UTC, from: \"08:00\", to: \"09:00\"}}\n      - @{" TIMED
         "{zone: Europe/Berlin, from: \"18:00\", to: \"20:00\"}}\n",
         "the windows of one match are in one zone: the other one is at $ (UTC daily 08:00-09:00)\n"},
        {"a holiday in the week",
         "{" TIMED "{zone: UTC, days: [fri]}}\n      - {" TIMED "{zone: UTC, dates: [2026-12-25]}}\n", ""},
        {"one after the other",
         "{" TIMED "{zone: UTC, days: [fri]}, effective_to: 2026-02-01}\n      - {" TIMED
         "{zone: UTC, days: [thu, fri]}, effective_from: 2026-02-01}\n", ""},
        {"a withdrawn one",
         "{" TIMED "{zone: UTC, days: [fri]}}\n      - {sku: call, when: {zone: UTC, days: [fri]}, withdrawn: true, "
         "effective_from: 2026-02-01}\n      - {" TIMED "{zone: UTC, days: [thu, fri]}, effective_from: 2026-02-01}\n", ""},
        {"twice",
         "${" TIMED "{zone: UTC, days: [fri]}}\n      - @{" TIMED "{zone: UTC, days: [fri]}}\n",
         "this price is there twice: the same book, SKU, match, when and effective_from (the beginning) at $\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

#define RUN "sku: server, unit: hour, price: \"1\", times: "

static void factors_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"a dimension", "{" RUN "os}\n", ""},
        {"a table", "{" RUN "{dimension: os, values: {linux: 0, windows: \"1.5\"}}}\n", ""},
        {"no dimension of the meter", "{" RUN "@colour}\n", "'colour' is no dimension of meter running, which SKU server prices\n"},
        {"no dimension of the meter in a table", "{" RUN "{dimension: @colour, values: {red: 1}}}\n",
         "'colour' is no dimension of meter running, which SKU server prices\n"},
        {"no values", "{" RUN "@{dimension: os}}\n", "a times needs values\n"},
        {"an empty table", "{" RUN "{dimension: os, values: @{}}}\n",
         "values is a mapping of 1 to 1000 values: {value: decimal}\n"},
        {"negative", "{" RUN "{dimension: os, values: {linux: @-1}}}\n", "the value of linux is negative\n"},
        {"10 places", "{" RUN "{dimension: os, values: {linux: @\"0.0000000001\"}}}\n",
         "the value of linux is a decimal of up to 9 places\n"},
        {"a list", "{" RUN "@[os]}\n", "a times is a mapping (key: value)\n"},
        {"withdrawn", "{sku: server, @times: os, withdrawn: true, effective_from: 2026-02-01}\n",
         "a price that is withdrawn has no times\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
}

// A price per unit with free units is a graduated one of one tier: its units are shared.
static void free_units_make_a_price_shared(void **state)
{
    (void)state;
    struct text file = {0}, told = {0};
    text_add_string(&file, BOOK "{sku: call, unit: u, per: 10, price: \"3\", free: 2, maximum_spend: 9}\n");
    struct catalogue *catalogue = read_files(&file, NULL, &told);
    assert_non_null(catalogue);
    const struct price_version *price = catalogue_price_number(catalogue, 1);
    assert_int_equal(price->model, PRICE_GRADUATED);
    assert_int_equal(price->tier_count, 1);
    assert_true(price->tiers[0].price.pico == (int128)3000000000000);
    assert_true(price->free.nano == (int128)20000000000); // in meter units
    assert_true(price->maximum_spend.pico == (int128)9000000000000);
    assert_true(price->minimum_spend.pico == 0);
    catalogue_release(catalogue);
    text_free(&file);
    text_free(&told);
}

// What decimals may be is the decimals' own affair (test_decimal_text.c); here, that they are asked.
static void prices_are_exact_decimals_in_range(void **state)
{
    (void)state;
    static const char *const prices[] = {
        "0.0000000000001", "1e3", "1,5", "+1", "0x10", "01", "NaN", "12345678901234567890123456789"};
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
        {"another match",
         "{sku: server, unit: h, price: \"1\"}\n      - {sku: server, match: {os: a}, unit: h, price: \"1\"}\n", ""},
        {"the same again", "${" CALL "}\n      - @{" CALL "}\n",
         "this price is there twice: the same book, SKU, match, when and effective_from (the beginning) at $\n"},
        {"the same match, written otherwise",
         "${sku: server, match: {os: a, flavour: b}, unit: h, price: \"1\"}\n"
         "      - @{sku: server, match: {flavour: \"b\", os: a}, unit: h, price: \"2\"}\n",
         "this price is there twice: the same book, SKU, match, when and effective_from (the beginning) at $\n"},
        {"overlap", "${" CALL ", effective_to: 2026-03-01}\n      - @{" CALL ", effective_from: 2026-02-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
        {"overlap, the later one first",
         "${" CALL ", effective_from: 2026-02-01}\n      - @{" CALL ", effective_to: 2026-03-01}\n",
         "two versions of this price overlap from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z: the other is at $\n"},
    };
    expect_each(BOOK, cases, COUNT(cases));
    expect("in another file", BOOK "${" CALL "}\n", "", "price_books:\n  - id: eur\n    prices: [@{" CALL "}]\n",
           "this price is there twice: the same book, SKU, match, when and effective_from (the beginning) at $\n");
}

static void books_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"new without currency", "  - @{id: b, name: B}\n", "price book 'b' is new: it needs name and currency\n"},
        {"unknown parent", "  - {id: b, name: B, currency: EUR, parent: @c}\n", "there is no price book 'c'\n"},
        {"parent in another currency", "  - {id: b, name: B, currency: USD, parent: @eur}\n",
         "price book 'b' is in USD, its parent 'eur' in EUR\n"},
        {"own parent", "  - {id: b, name: B, currency: EUR, parent: @b}\n",
         "the parents of price book 'b' lead in a circle\n"},
        {"circle", "  - {id: b, name: B, currency: EUR, parent: @c}\n  - {id: c, name: C, currency: EUR, parent: @b}\n",
         "the parents of price book 'b' lead in a circle\nthe parents of price book 'c' lead in a circle\n"},
        {"two currencies", "  - ${id: b, name: B, currency: EUR}\n  - @{id: b, currency: USD}\n",
         "price book 'b' has the currency 'USD' here and 'EUR' at $\n"},
        {"name elsewhere", "  - {id: b, currency: EUR}\n  - {id: b, name: B}\n", ""},
        {"a parent that comes later",
         "  - {id: b, name: B, currency: EUR, parent: c}\n  - {id: c, name: C, currency: EUR}\n", ""},
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
    expect("KWD and CLF", "", "price_books: [{id: b, name: B, currency: KWD}, {id: c, name: C, currency: CLF}]\n", NULL,
           "");
}

#define SALES_BOOK                                                                                                     \
    FRAME "---\nmeters: [{id: sales, name: S, event_type: s, aggregation: sum, value: n, unit: EUR, keep: events}]\n"    \
          "skus: [{id: sales, service: ecs, meter: sales, name: S}]\n"                                                \
          "price_books:\n  - {id: eur, name: Euro, currency: EUR}\n  - id: eur\n    prices:\n      - "

static void percentages_of_every_event_are_checked(void **state)
{
    (void)state;
    static const struct bad_file cases[] = {
        {"a percentage of every event", "{sku: sales, unit: u, rate: 0.1, per_event: {fixed: 0.1, minimum: 1, maximum: 1, free_events: 1, free_amount: 0.5}}\n", ""},
        {"of every event without anything else", "{sku: sales, unit: u, rate: 0.1, per_event: {}, minimum_spend: 1}\n", ""},
        {"a ladder of every event", "{sku: sales, unit: u, @per_event: {fixed: 1}, tiers: [{price: 1}]}\n",
         "a graduated price has no per_event: a percentage has\n"},
        {"something beside every event", "{sku: sales, unit: u, rate: 0.1, per_event: {fixed: 1}, @free: 1}\n",
         "a price with per_event has no free beside it\n"},
        {"no event is free", "{sku: sales, unit: u, rate: 0.1, per_event: {free_events: @0}}\n",
         "free_events '0': a whole number from 1 to 1000000000\n"},
        {"nothing is free", "{sku: sales, unit: u, rate: 0.1, per_event: {free_amount: @0}}\n",
         "free_amount 0 must be above zero\n"},
        {"a maximum of nothing", "{sku: sales, unit: u, rate: 0.1, per_event: {maximum: @0}}\n", "maximum must be above zero\n"},
        {"a maximum below the minimum", "{sku: sales, unit: u, rate: 0.1, per_event: {minimum: 2, maximum: @1.999}}\n",
         "the maximum per event is below the minimum\n"},
        {"a meter that does not keep its events", "{sku: call, unit: u, rate: 0.1, per_event: @{fixed: 1}}\n",
         "per_event of a price needs every event, and meter calls does not keep them: a meter with keep: events does; a fee that "
         "depends on no other event is per_event of a meter\n"},
    };
    expect_each(SALES_BOOK, cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_are_checked),
        cmocka_unit_test(factors_are_checked),
        cmocka_unit_test(windows_of_a_match_do_not_overlap),
        cmocka_unit_test(prices_are_checked),
        cmocka_unit_test(models_are_checked), cmocka_unit_test(blocks_and_roundings_are_checked),
        cmocka_unit_test(percentages_of_every_event_are_checked),
        cmocka_unit_test(days_are_checked),
        cmocka_unit_test(free_units_make_a_price_shared),
        cmocka_unit_test(prices_are_exact_decimals_in_range),
        cmocka_unit_test(versions_of_a_price_do_not_overlap),
        cmocka_unit_test(books_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
