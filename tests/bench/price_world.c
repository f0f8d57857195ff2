// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/bench/price_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rating/usage_event.h"

static const char *dimensions[] = {"flavour", "region"};

int64_t price_processor_us(void)
{
    struct timespec time;
    ENSURE(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
    return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

void price_world_party(struct catalogue_rows *rows)
{
    *ROW_NEW(&rows->sellers) = (struct seller_row){1, 1, "bench", "Bench", "", "", "B", 0};
    *ROW_NEW(&rows->accounts) = (struct account_row){1, 1, "bench", "Bench", "", "", ""};
    *ROW_NEW(&rows->agreements) = (struct agreement_row){.version = 1, .number = 1, .effective_from = INSTANT_MIN,
                                                         .seller = 1, .account = 1, .book = 1, .currency = "USD",
                                                         .zone = "UTC"};
    for (int i = 1; i <= PRICE_TENANTS; i++) {
        char id[16];
        int length = snprintf(id, sizeof id, "t-%d", i);
        *ROW_NEW(&rows->tenants) = (struct tenant_row){1, i, rows_text(rows, id, (size_t)length), "T"};
        *ROW_NEW(&rows->memberships) = (struct membership_row){1, i, 1, INSTANT_MIN};
    }
}

void price_world_hold(struct catalogue_rows *rows, enum offer_kind kind, const char *offer)
{
    *ROW_NEW(&rows->offers) = (struct offer_row){.version = 1,
                                                 .number = 1,
                                                 .id = "o",
                                                 .name = "Bench",
                                                 .kind = kind,
                                                 .currency = "USD",
                                                 .terms = offer};
    *ROW_NEW(&rows->holdings) = (struct holding_row){
        .version = 1, .number = 1, .id = "h", .account = 1, .offer = 1, .quantity = 1, .effective_to = INSTANT_NONE,
        .anchor = INSTANT_NONE};
}

void price_world_begin(struct catalogue_rows *rows)
{
    catalogue_rows_init(rows, 1);
    *ROW_NEW(&rows->services) = (struct service_row){1, 1, "bench", "Bench", "Other", "Other (Other)"};
    *ROW_NEW(&rows->books) = (struct price_book_row){1, 1, 0, "bench", "Bench", "USD"};
    price_world_party(rows);
}

void price_world_add_sku(struct catalogue_rows *rows, int number, const char *unit)
{
    char text[32];
    int length = snprintf(text, sizeof text, "meter-%d", number);
    const char *id = rows_text(rows, text, (size_t)length);
    *ROW_NEW(&rows->meters) = (struct meter_row){.version = 1, .number = number, .effective_from = INSTANT_MIN,
                                                 .id = id, .name = "Bench", .event_type = id, .unit = unit,
                                                 .aggregation = AGGREGATION_SUM, .value_property = "n",
                                                 .dimensions = dimensions, .dimension_count = 2, .slot_minutes = 15,
                                                 .accept_days = 35, .future_seconds = 300};
    *ROW_NEW(&rows->skus) = (struct sku_row){1, number, 1, number, id, "Bench"};
}

// A price of the model, by what the model has: three tiers, or a price.
static void add_price(struct catalogue_rows *rows, int32_t sku, enum price_model model, const char *match)
{
    const struct price_form *form = &price_forms[model];
    int64_t number = (int64_t)rows->prices.count + 1;
    struct price_row *row = ROW_NEW(&rows->prices);
    *row = (struct price_row){.version = 1, .number = number, .book = 1, .sku = sku, .match = match,
                              .effective_from = INSTANT_MIN, .model = model, .unit = "thousand",
                              .per = {INT64_C(1000000000) * (form->money ? 1 : 1000)}};
    if (form->price) row->price.pico = 123456789;
    for (int tier = 0; form->tiers && tier < 3; tier++)
        *ROW_NEW(&rows->tiers) = (struct price_tier_row){
            .price = number, .tier = tier, .last = tier == 2, .up_to = {tier == 2 ? 0 : (tier + 1) * INT64_C(500000000000)},
            .unit_price = {form->tier_prices ? 123456789 : 0}, .flat = {INT64_C(1000000000000) * (tier + 1)}};
}

void price_world_build(struct catalogue_rows *rows, struct price_world *world)
{
    struct fault fault = {0};
    if (catalogue_build(rows, &world->catalogue, &fault)) {
        fprintf(stderr, "price_world: %s: %s\n", fault.place, fault.reason);
        abort();
    }
    catalogue_rows_fini(rows);
}

struct usage_line *price_world_sets(struct arena *arena, size_t lines, struct account_usage *usage)
{
    struct usage_line *list = ARENA_ARRAY(arena, struct usage_line, lines + 1);
    struct usage_dimension *sets = ARENA_ARRAY(arena, struct usage_dimension, PRICE_SETS);
    for (uint64_t i = 0; i < PRICE_SETS; i++) {
        sets[i] = (struct usage_dimension){.id = {0, i + 1}};
        sets[i].text = arena_print(arena, "{\"flavour\":\"f-%d\",\"region\":\"r-%d\"}", (int)i / PRICE_REGIONS,
                                   (int)i % PRICE_REGIONS);
        ENSURE(dimension_set_read(arena, slice_of(sets[i].text), &sets[i].set, NULL) == ERR_OK);
    }
    *usage = (struct account_usage){.account = 1, .period_end = 31 * DAY_US, .dimensions = sets,
                                    .dimension_count = PRICE_SETS, .lines = list, .line_count = lines};
    return list;
}

static void set_line(struct usage_line *line, int64_t tenant, int32_t meter, uint64_t set)
{
    *line = (struct usage_line){.tenant = tenant, .meter = meter, .dimension_set = {0, set},
                                .quantity = {INT64_C(123456789) * (int64_t)(set + (uint64_t)tenant)}};
}

// --- every model

void price_world_models(struct price_world *world)
{
    struct catalogue_rows rows;
    price_world_begin(&rows);
    for (int model = 0; model < PRICE_MODEL_COUNT; model++) {
        if (!price_world_has((enum price_model)model)) continue;
        price_world_add_sku(&rows, model + 1, price_forms[model].money ? "USD" : "unit");
        for (int flavour = 0; flavour < PRICE_FLAVOURS; flavour++) {
            char match[32];
            int length = snprintf(match, sizeof match, "{\"flavour\":\"f-%d\"}", flavour);
            add_price(&rows, model + 1, (enum price_model)model, rows_text(&rows, match, (size_t)length));
        }
    }
    price_world_build(&rows, world);
}

const struct agreement *price_world_usage(const struct price_world *world, enum price_model model, struct arena *arena,
                                          struct account_usage *usage)
{
    struct usage_line *line = price_world_sets(arena, (size_t)PRICE_SETS * PRICE_TENANTS, usage);
    for (uint64_t set = 1; set <= PRICE_SETS; set++)
        for (int64_t tenant = 1; tenant <= PRICE_TENANTS; tenant++) set_line(line++, tenant, (int32_t)model + 1, set);
    return catalogue_agreement(world->catalogue, 1, usage->period_start);
}

// --- every event

void price_world_of_events(struct price_world *world)
{
    struct catalogue_rows rows;
    price_world_begin(&rows);
    price_world_add_sku(&rows, 1, "USD");
    rows.meters.row[0].keeps_events = true;
    *ROW_NEW(&rows.prices) = (struct price_row){
        .version = 1, .number = 1, .book = 1, .sku = 1, .effective_from = INSTANT_MIN, .model = PRICE_PERCENTAGE,
        .unit = "USD", .per = {1000000000}, .price = {12345678901}, .per_event = true,
        .event_fee = {.fixed = {INT64_C(100000000000)}, .minimum = {INT64_C(200000000000)},
                      .maximum = {INT64_C(9000000000000)}, .free_events = 1000, .free_amount = {INT64_C(50000000000000)}}};
    price_world_build(&rows, world);
}

const struct agreement *price_world_events(const struct price_world *world, struct arena *arena,
                                           struct account_usage *usage)
{
    struct usage_line *line = price_world_sets(arena, (size_t)PRICE_SETS * PRICE_TENANTS, usage);
    struct usage_request request = {.account = 1, .period_end = usage->period_end, .events = true};
    struct usage_events events = {0};
    uint64_t each = PRICE_EVENTS / PRICE_SETS / PRICE_TENANTS, random = 12345;
    for (uint64_t set = 1; set <= PRICE_SETS; set++)
        for (int64_t tenant = 1; tenant <= PRICE_TENANTS; tenant++, line++) {
            set_line(line, tenant, 1, set);
            line->quantity.nano *= each;
            for (uint64_t i = 0; i < each; i++) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                const struct kept_event event = {.tenant = tenant, .meter = 1, .dimension_set = line->dimension_set,
                                                 .time = (int64_t)((random >> 11) % (uint64_t)usage->period_end),
                                                 .id = {random, i}, .value = {line->quantity.nano / (int64_t)each}};
                usage_events_add(&events, 0, &event);
            }
        }
    usage_events_finish(&events, &request, 1, arena, usage);
    usage_events_free(&events);
    return catalogue_agreement(world->catalogue, 1, usage->period_start);
}

// --- many prices

// Of the first SKUs, each with a rate of its own.
static void add_taxes(struct catalogue_rows *rows, int taxes)
{
    struct text out = {0};
    for (int i = 0; i < taxes; i++)
        text_print(&out, "%s{\"name\":\"VAT\",\"rate\":\"0.%02d\",\"sku\":\"meter-%d\"}",
                   i ? "," : "{\"taxes\":[", i + 1, i + 1);
    text_add_string(&out, "]}");
    rows->agreements.row[0].deductions = rows_text(rows, out.data, out.length);
    text_free(&out);
}

void price_world_wide(struct price_world *world, int prices, int taxes)
{
    struct catalogue_rows rows;
    price_world_begin(&rows);
    for (int i = 0; i < prices; i++) {
        price_world_add_sku(&rows, i + 1, "unit");
        add_price(&rows, i + 1, i % 2 ? PRICE_GRADUATED : PRICE_PER_UNIT, NULL);
    }
    if (taxes) add_taxes(&rows, taxes);
    price_world_build(&rows, world);
}

const struct agreement *price_world_wide_usage(const struct price_world *world, int used, struct arena *arena,
                                               struct account_usage *usage)
{
    struct usage_line *lines = price_world_sets(arena, (size_t)used, usage);
    for (int i = 0; i < used; i++) set_line(&lines[i], i % PRICE_TENANTS + 1, i + 1, (uint64_t)(i % PRICE_SETS) + 1);
    return catalogue_agreement(world->catalogue, 1, usage->period_start);
}
