// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/bench/price_kinds.h"

#include <stdio.h>
#include <string.h>

#define UNITS(count) {INT64_C(1000000000) * (count)}

const struct price_kind price_kinds[] = {
    {.name = "unit", .model = PRICE_PER_UNIT},
    {.name = "discounts",
     .model = PRICE_PER_UNIT,
     .deductions = "{\"discounts\":[{\"rate\":\"0.1\",\"sku\":\"meter-1\"},{\"rate\":\"0.05\"}]}"},
    {.name = "coupon",
     .model = PRICE_PER_UNIT,
     .stage = STAGE_COUPON,
     .coupon = "{\"rate\":\"0.2\",\"amount\":\"0\",\"minimum_spend\":\"0\",\"maximum\":\"0\","
               "\"skus\":[],\"services\":[\"bench\"]}"},
    {.name = "maximum",
     .model = PRICE_PER_UNIT,
     .stage = STAGE_ACCOUNT_MAXIMUM,
     .deductions = "{\"limits\":[{\"minimum_spend\":\"0\",\"maximum_spend\":\"1\",\"services\":[]}]}"},
    {.name = "matrix", .model = PRICE_PER_UNIT, .matrix = true},
    {.name = "tiers", .model = PRICE_GRADUATED},
    {.name = "blocks", .model = PRICE_GRADUATED, .block = UNITS(3)},
    {.name = "round", .model = PRICE_GRADUATED, .round_to = UNITS(1)},
    {.name = "daily_full", .model = PRICE_GRADUATED, .daily = PRICE_DAILY_FULL},
    {.name = "daily_share", .model = PRICE_GRADUATED, .daily = PRICE_DAILY_SHARE},
};
const size_t price_kinds_count = sizeof price_kinds / sizeof *price_kinds;

static void add_price(struct catalogue_rows *rows, const struct price_kind *kind, const char *match)
{
    const bool tiers = price_forms[kind->model].tiers;
    const int64_t number = (int64_t)rows->prices.count + 1;
    *ROW_NEW(&rows->prices) = (struct price_row){.version = 1,
                                                 .number = number,
                                                 .book = 1,
                                                 .sku = 1,
                                                 .match = rows_text(rows, match, strlen(match)),
                                                 .effective_from = INSTANT_MIN,
                                                 .model = kind->model,
                                                 .unit = "thousand",
                                                 .per = UNITS(1000),
                                                 .price = {tiers ? 0 : 123456789 + number},
                                                 .round_to = kind->round_to,
                                                 .round_mode = kind->round_to.nano ? ROUND_UP : ROUND_HALF_UP,
                                                 .daily = kind->daily};
    for (int tier = 0; tiers && tier < 3; tier++)
        *ROW_NEW(&rows->tiers) = (struct price_tier_row){.price = number,
                                                         .tier = tier,
                                                         .last = tier == 2,
                                                         .up_to = UNITS(tier == 2 ? 0 : (tier + 1) * 500),
                                                         .unit_price = {123456789},
                                                         .block = kind->block};
}

static void add_flavours(struct catalogue_rows *rows, const struct price_kind *kind)
{
    char match[64];
    for (int flavour = 0; flavour < PRICE_FLAVOURS; flavour++) {
        snprintf(match, sizeof match, "{\"flavour\":\"f-%d\"}", flavour);
        if (!kind->matrix || flavour % 2) add_price(rows, kind, match);
        for (int region = 0; kind->matrix && flavour % 4 == 0 && region < PRICE_REGIONS; region++) {
            snprintf(match, sizeof match, "{\"flavour\":\"f-%d\",\"region\":\"r-%d\"}", flavour, region);
            add_price(rows, kind, match);
        }
    }
}

static void add_rest(struct catalogue_rows *rows, const struct price_kind *kind)
{
    char match[64];
    add_price(rows, kind, "{}");
    for (int region = 0; region < PRICE_REGIONS - 1; region++) {
        snprintf(match, sizeof match, "{\"region\":\"r-%d\"}", region);
        add_price(rows, kind, match);
    }
}

static void add_usage(struct arena *arena, struct account_usage *usage)
{
    struct usage_line *line =
        price_world_sets(arena, (size_t)PRICE_SETS * KIND_TENANTS * KIND_DAYS, usage);
    usage->due = usage->period_end;
    for (uint64_t set = 1; set <= PRICE_SETS; set++)
        for (int64_t tenant = 1; tenant <= KIND_TENANTS; tenant++)
            for (int64_t day = 0; day < KIND_DAYS; day++)
                *line++ = (struct usage_line){.tenant = tenant,
                                              .meter = 1,
                                              .dimension_set = {0, set},
                                              .segment = day * DAY_US,
                                              .quantity = {INT64_C(123456789) * (int64_t)set * (tenant + day) * 100}};
}

const struct agreement *price_kinds_world(const struct price_kind *kind, struct arena *arena, struct price_world *world,
                                          struct account_usage *usage)
{
    struct catalogue_rows rows;
    price_world_begin(&rows);
    price_world_add_sku(&rows, 1, "unit");
    add_flavours(&rows, kind);
    if (kind->matrix) add_rest(&rows, kind);
    rows.agreements.row[0].deductions = kind->deductions;
    if (kind->coupon) price_world_hold(&rows, OFFER_COUPON, kind->coupon);
    price_world_build(&rows, world);
    add_usage(arena, usage);
    return catalogue_agreement(world->catalogue, 1, usage->period_start);
}
