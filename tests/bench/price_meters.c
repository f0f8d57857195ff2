// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/bench/price_meters.h"

#include <stdio.h>
#include <string.h>

#include "catalogue/event_worth.h"
#include "rating/usage_rows.h"
#include "tests/bench/price_world.h"

enum { EVENTS_AT_ONCE = 10000, SAMPLES = 31 * 24 * 12, SLOTS = SAMPLES * PRICE_TENANTS };

static uint64_t next(uint64_t *random)
{
    return *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
}

// --- the amount of an event

static void bench_worth(const char *name, bool fee, int64_t least_us)
{
    struct price_world world;
    struct catalogue_rows rows;
    price_world_begin(&rows);
    price_world_add_sku(&rows, 1, "USD");
    rows.meters.row[0].times_property = "price";
    rows.meters.row[0].has_fee = fee;
    if (fee)
        rows.meters.row[0].fee = (struct event_fee){
            .rate = {29000000000}, .fixed = {300000000}, .minimum = {500000000}, .maximum = {INT64_C(50000000000)}};
    price_world_build(&rows, &world);
    const struct meter *meter = catalogue_meter_newest(world.catalogue, 1);
    int64_t begin_us = price_processor_us(), spent_us, events = 0;
    uint64_t random = 12345;
    do {
        for (int i = 0; i < EVENTS_AT_ONCE; i++) {
            const struct quantity value = {(int64_t)(next(&random) >> 40) * 1000000};
            const struct quantity factor = {(int64_t)(next(&random) >> 50) * 10000000};
            struct quantity worth;
            ENSURE(event_worth(meter, value, factor, &worth, NULL) == ERR_OK && worth.nano >= 0);
        }
        events += EVENTS_AT_ONCE;
        spent_us = price_processor_us() - begin_us;
    } while (spent_us < least_us);
    printf("worth_%s_per_second=%.0f\n", name, (double)events * 1e6 / (double)spent_us);
    catalogue_release(world.catalogue);
}

// --- percentiles

static void fill(struct slot_value *slots)
{
    uint64_t random = 12345;
    for (int64_t tenant = 1; tenant <= PRICE_TENANTS; tenant++)
        for (int64_t sample = 0; sample < SAMPLES; sample++, slots++) {
            const struct quantity value = {(int64_t)(next(&random) >> 30)};
            *slots = (struct slot_value){.tenant = tenant,
                                         .meter = 1,
                                         .dimension_set = {0, 1},
                                         .slot = sample * 5 * MINUTE_US,
                                         .greatest = value,
                                         .least = value,
                                         .latest = value,
                                         .total = value,
                                         .events = 1};
        }
}

static void make_world(enum evaluation_window window, struct price_world *world)
{
    struct catalogue_rows rows;
    const bool days = window == WINDOW_PERCENTILE_DAYS;
    price_world_begin(&rows);
    price_world_add_sku(&rows, 1, "Mbit");
    rows.meters.row[0].aggregation = AGGREGATION_MAX;
    rows.meters.row[0].window = window;
    rows.meters.row[0].slot_minutes = 5;
    *ROW_NEW(&rows.prices) = (struct price_row){.version = 1,
                                                .number = 1,
                                                .book = 1,
                                                .sku = 1,
                                                .effective_from = INSTANT_MIN,
                                                .model = PRICE_GRADUATED,
                                                .unit = "Mbit",
                                                .per = {1000000000},
                                                .daily = days ? PRICE_DAILY_SHARE : PRICE_DAILY_NONE};
    *ROW_NEW(&rows.tiers) = (struct price_tier_row){.price = 1, .last = true, .unit_price = {2000000000000}};
    price_world_build(&rows, world);
}

// The samples of 20 tenants in any order, to the charges of the account.
static void bench_window(const char *name, enum evaluation_window window, int64_t least_us)
{
    struct arena *kept = arena_new(1 << 20);
    struct slot_value *slots = ARENA_ARRAY(kept, struct slot_value, SLOTS);
    struct slot_value *taken = ARENA_ARRAY(kept, struct slot_value, SLOTS);
    struct price_world world;
    int64_t spent_us = 0, runs = 0;
    make_world(window, &world);
    fill(slots);
    const struct agreement *terms = catalogue_agreement(world.catalogue, 1, 0);
    struct usage_request request = {.account = 1, .period_end = SAMPLES * 5 * MINUTE_US, .zone = terms->zone};
    struct account_usage named;
    instant_us *boundaries;
    price_world_sets(kept, 0, &named);
    request.boundary_count = charge_boundaries(world.catalogue, terms, 0, request.period_end, kept, &boundaries);
    request.boundaries = boundaries;
    do {
        struct arena *arena = arena_new(1 << 20);
        struct usage_rows rows = {.arena = arena};
        struct account_usage usage = {0};
        struct rated rated;
        memcpy(taken, slots, SLOTS * sizeof *slots);
        const int64_t begin_us = price_processor_us();
        ENSURE(usage_evaluate_windows(world.catalogue, &request, taken, SLOTS, &rows, NULL) == ERR_OK);
        ENSURE(usage_rows_finish(&rows, &request, 1, &usage, NULL) == ERR_OK);
        usage.dimensions = named.dimensions;
        usage.dimension_count = named.dimension_count;
        ENSURE(charge_rate(world.catalogue, terms, &usage, arena, &rated, NULL) == ERR_OK && rated.charge_count > 0);
        ENSURE(rated.total.pico > 0);
        spent_us += price_processor_us() - begin_us;
        runs++;
        arena_free(arena);
    } while (spent_us < least_us);
    printf("%s_slots_per_second=%.0f\n", name, (double)SLOTS * (double)runs * 1e6 / (double)spent_us);
    catalogue_release(world.catalogue);
    arena_free(kept);
}

void price_meters_bench(int64_t least_us)
{
    bench_worth("times", false, least_us);
    bench_worth("fee", true, least_us);
    bench_window("percentile", WINDOW_PERCENTILE, least_us);
    bench_window("percentile_daily", WINDOW_PERCENTILE_DAILY, least_us);
    bench_window("percentile_days", WINDOW_PERCENTILE_DAYS, least_us);
}
