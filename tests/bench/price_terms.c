// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/bench/price_terms.h"

#include <stdio.h>
#include <stdlib.h>

#define COMMITMENT                                                                                                     \
    "\"id\":\"c\",\"sku\":\"machine\",\"tenant\":\"t-1\",\"from\":\"1970-01-01T00:00:00Z\",\"upfront\":\"0\""
#define FROM_BEGIN "\"booked\":\"machine\",\"from\":\"1970-01-01T00:00:00Z\""
#define TIMES "{\"dimension\":\"flavour\",\"values\":{\"f-0\":\"1\",\"f-1\":\"2\",\"f-2\":\"4\",\"f-3\":\"0.5\"}}"

const struct price_terms price_terms[] = {
    {.name = "plain"},
    {.name = "when", .hours = "Europe/Berlin daily 20:00-08:00"},
    {.name = "times", .times = TIMES},
    {.name = "increments", .minimum_seconds = 60, .stage = STAGE_MINIMUM},
    {.name = "discounts", .deductions = "{\"discounts\":[{\"rate\":\"0.1\",\"sku\":\"machine\"},{\"rate\":\"0.05\"}]}"},
    {.name = "package",
     .stage = STAGE_PACKAGE,
     .offer = "{\"skus\":[\"machine\"],\"quantity\":\"20000000\",\"unit\":\"second\",\"per\":\"1\","
              "\"reset\":\"period\",\"price\":\"100\",\"booked\":\"machine\"}"},
    {.name = "reservations",
     .stage = STAGE_COVERED,
     .deductions = "{\"reservations\":[{" COMMITMENT ",\"hourly\":\"0.05\",\"instances\":10,"
                   "\"units\":\"1\",\"per\":\"3600\",\"match\":{\"flavour\":\"f-1\"}}]}"},
    {.name = "savings_plan",
     .stage = STAGE_COVERED,
     .deductions = "{\"savings_plans\":[{" COMMITMENT ",\"hourly\":\"1\",\"only_cheaper\":false,"
                   "\"rates\":[{\"rate\":\"0.3\"}]}]}"},
    {.name = "subscription",
     .stage = STAGE_FEE,
     .kind = OFFER_SUBSCRIPTION,
     .offer = "{\"price\":\"49\",\"every\":\"week\",\"due\":\"in_advance\",\"proration\":\"actual_days\","
              "\"started\":\"new\",\"refund\":true,\"booked\":\"machine\"}"},
    {.name = "coupon",
     .stage = STAGE_COUPON,
     .kind = OFFER_COUPON,
     .offer = "{\"rate\":\"0.2\",\"amount\":\"0\",\"minimum_spend\":\"0\",\"maximum\":\"0\","
              "\"skus\":[\"machine\"],\"services\":[]}"},
    {.name = "minimum",
     .stage = STAGE_ACCOUNT_MINIMUM,
     .deductions = "{\"limits\":[{\"minimum_spend\":\"1000000000\",\"services\":[]," FROM_BEGIN "}]}"},
    {.name = "maximum",
     .stage = STAGE_ACCOUNT_MAXIMUM,
     .deductions = "{\"limits\":[{\"minimum_spend\":\"0\",\"maximum_spend\":\"10\",\"services\":[\"bench\"]}]}"},
    {.name = "term",
     .stage = STAGE_TRUE_UP,
     .deductions = "{\"limits\":[{\"of\":\"term\",\"minimum_spend\":\"1000000000\",\"services\":[]," FROM_BEGIN
                   ",\"to\":\"1970-02-01T00:00:00Z\"}]}"},
    {.name = "together",
     .stage = STAGE_ACCOUNT_MAXIMUM,
     .deductions = "{\"discounts\":[{\"rate\":\"0.1\",\"sku\":\"machine\"},{\"rate\":\"0.05\"}],"
                   "\"reservations\":[{" COMMITMENT ",\"hourly\":\"0.05\",\"instances\":10,"
                   "\"units\":\"1\",\"per\":\"3600\",\"match\":{\"flavour\":\"f-1\"}}],"
                   "\"savings_plans\":[{" COMMITMENT ",\"hourly\":\"1\",\"only_cheaper\":false,"
                   "\"rates\":[{\"rate\":\"0.3\"}]}],"
                   "\"limits\":[{\"minimum_spend\":\"0\",\"maximum_spend\":\"10\",\"services\":[]}]}",
     .kind = OFFER_COUPON,
     .offer = "{\"rate\":\"0.2\",\"amount\":\"0\",\"minimum_spend\":\"0\",\"maximum\":\"0\","
              "\"skus\":[],\"services\":[]}"},
};
const size_t price_terms_count = sizeof price_terms / sizeof *price_terms;

static void add_price(struct catalogue_rows *rows, const char *hours, const char *times, int minimum_seconds)
{
    *ROW_NEW(&rows->prices) = (struct price_row){.version = 1,
                                                 .number = (int64_t)rows->prices.count,
                                                 .book = 1,
                                                 .sku = 1,
                                                 .effective_from = INSTANT_MIN,
                                                 .model = PRICE_PER_UNIT,
                                                 .unit = "hour",
                                                 .per = {INT64_C(3600000000000)},
                                                 .price = {123456789012345678},
                                                 .minimum_seconds = minimum_seconds,
                                                 .increment_us = minimum_seconds * SECOND_US,
                                                 .hours = hours,
                                                 .times = times};
}

static void add_machine(struct catalogue_rows *rows)
{
    static const char *dimensions[] = {"flavour"}, *on[] = {"on"}, *off[] = {"off"};
    *ROW_NEW(&rows->services) = (struct service_row){1, 1, "bench", "Bench", "Other", "Other (Other)"};
    *ROW_NEW(&rows->books) = (struct price_book_row){1, 1, 0, "bench", "Bench", "USD"};
    *ROW_NEW(&rows->meters) = (struct meter_row){.version = 1,
                                                 .number = 1,
                                                 .effective_from = INSTANT_MIN,
                                                 .id = "machine",
                                                 .name = "Bench",
                                                 .event_type = "machine",
                                                 .unit = "second",
                                                 .aggregation = AGGREGATION_INTERVAL,
                                                 .resource_property = "r",
                                                 .state_property = "s",
                                                 .running_states = on,
                                                 .running_count = 1,
                                                 .stopped_states = off,
                                                 .stopped_count = 1,
                                                 .dimensions = dimensions,
                                                 .dimension_count = 1,
                                                 .slot_minutes = 15,
                                                 .accept_days = 35,
                                                 .future_seconds = 300};
    *ROW_NEW(&rows->skus) = (struct sku_row){1, 1, 1, 1, "machine", "Bench"};
}

static void add_usage(struct arena *arena, struct account_usage *usage)
{
    struct usage_dimension *sets = ARENA_ARRAY(arena, struct usage_dimension, TERMS_FLAVOURS);
    struct usage_line *line = ARENA_ARRAY(arena, struct usage_line, TERMS_FLAVOURS * TERMS_TENANTS * TERMS_HOURS);
    *usage = (struct account_usage){.account = 1,
                                    .period_end = TERMS_HOURS * HOUR_US,
                                    .due = TERMS_HOURS * HOUR_US,
                                    .earlier = ARENA_ARRAY(arena, struct amount, 1), // of one limit at most: nothing
                                    .dimensions = sets,
                                    .dimension_count = TERMS_FLAVOURS,
                                    .lines = line};
    for (uint64_t set = 0; set < TERMS_FLAVOURS; set++) {
        sets[set] = (struct usage_dimension){.id = {0, set + 1}};
        sets[set].text = arena_print(arena, "{\"flavour\":\"f-%d\"}", (int)set);
        ENSURE(dimension_set_read(arena, slice_of(sets[set].text), &sets[set].set, NULL) == ERR_OK);
        for (int64_t tenant = 1; tenant <= TERMS_TENANTS; tenant++)
            for (int64_t hour = 0; hour < TERMS_HOURS; hour++, line++) {
                *line = (struct usage_line){.tenant = tenant,
                                            .meter = 1,
                                            .dimension_set = {0, set + 1},
                                            .segment = hour * HOUR_US,
                                            .quantity = {(3000 + hour) * INT64_C(1000000000)}};
                if (hour % 2)
                    *line = (struct usage_line){.kind = USAGE_RUN,
                                                .tenant = tenant,
                                                .meter = 1,
                                                .dimension_set = {0, set + 1},
                                                .segment = hour * HOUR_US,
                                                .run_us = (hour + 1) * 1234567,
                                                .run_value = {1000000000}};
                usage->line_count++;
            }
    }
}

const struct agreement *price_terms_world(const struct price_terms *kind, struct arena *arena,
                                          struct price_world *world, struct account_usage *usage)
{
    struct catalogue_rows rows;
    struct fault fault = {0};
    catalogue_rows_init(&rows, 1);
    add_machine(&rows);
    price_world_party(&rows);
    rows.agreements.row[0].deductions = kind->deductions;
    add_price(&rows, NULL, kind->times, kind->minimum_seconds);
    if (kind->hours) add_price(&rows, kind->hours, kind->times, kind->minimum_seconds);
    if (kind->offer) price_world_hold(&rows, kind->kind, kind->offer);
    if (catalogue_build(&rows, &world->catalogue, &fault)) {
        fprintf(stderr, "price_terms: %s: %s: %s\n", kind->name, fault.place, fault.reason);
        abort();
    }
    catalogue_rows_fini(&rows);
    add_usage(arena, usage);
    return catalogue_agreement(world->catalogue, 1, 0);
}
