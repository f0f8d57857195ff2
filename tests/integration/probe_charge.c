// SPDX-License-Identifier: Apache-2.0
// Used by oracle/test_prices: F over a catalogue file and usage lines, without a database. Tabs separate fields.
//   probe_charge CATALOGUE < LINES
//   use   TENANT METER DIMENSIONS INSTANT QUANTITY   adds usage to the account that is rated next
//   rate  ACCOUNT START END   prints its charges, shares and unpriced usage, then "end"; usage starts anew
#include <stdio.h>
#include <string.h>

#include "catalogue/apply.h"
#include "catalogue/price_model.h"
#include "rating/charge.h"

enum { FIELDS_MAX = 6 };

struct world {
    struct catalogue *catalogue;
    struct arena *arena; // of one account
    struct usage_line *lines;
    instant_us *times;
    struct usage_dimension *sets;
    size_t line_count, line_capacity, time_capacity, set_count, set_capacity;
};

static void start_anew(struct world *world)
{
    arena_free(world->arena);
    *world = (struct world){.catalogue = world->catalogue, .arena = arena_new(1 << 16)};
}

static struct hash128 set_of(struct world *world, const char *text, int64_t tenant)
{
    for (size_t i = 0; i < world->set_count; i++)
        if (world->sets[i].tenant == tenant && strcmp(world->sets[i].text, text) == 0) return world->sets[i].id;
    world->sets =
        arena_grow(world->arena, world->sets, sizeof *world->sets, world->set_count, &world->set_capacity);
    struct usage_dimension *set = &world->sets[world->set_count++];
    *set = (struct usage_dimension){
        .id = {0, world->set_count}, .tenant = tenant, .text = arena_text(world->arena, text, strlen(text))};
    ENSURE(dimension_set_read(world->arena, slice_of(set->text), &set->set, NULL) == ERR_OK);
    return set->id;
}

static void use(struct world *world, char *const field[FIELDS_MAX])
{
    const struct tenant *tenant = catalogue_tenant(world->catalogue, slice_of(field[1]));
    const struct meter *meter = catalogue_meter_id(world->catalogue, slice_of(field[2]));
    struct quantity quantity;
    instant_us time;
    ENSURE(tenant && meter);
    ENSURE(instant_parse_loose(field[4], strlen(field[4]), &time, NULL) == ERR_OK);
    ENSURE(quantity_parse(field[5], strlen(field[5]), &quantity, NULL) == ERR_OK);
    struct hash128 set = set_of(world, field[3], tenant->number);
    world->lines =
        arena_grow(world->arena, world->lines, sizeof *world->lines, world->line_count, &world->line_capacity);
    world->times =
        arena_grow(world->arena, world->times, sizeof *world->times, world->line_count, &world->time_capacity);
    world->times[world->line_count] = time;
    world->lines[world->line_count++] = (struct usage_line){
        .tenant = tenant->number, .meter = meter->number, .dimension_set = set, .quantity = quantity};
}

static const char *text_of(const struct world *world, struct hash128 id)
{
    for (size_t i = 0; i < world->set_count; i++)
        if (hash128_compare(world->sets[i].id, id) == 0) return world->sets[i].text;
    return "-";
}

static const char *tenant_of(const struct world *world, int64_t number)
{
    const struct tenant *tenant = number ? catalogue_tenant_number(world->catalogue, number) : NULL;
    return tenant ? tenant->id : "-";
}

static void print_rated(const struct world *world, const struct rated *rated, const struct tenant_share *shares,
                        size_t share_count)
{
    char quantity[DECIMAL_TEXT_MAX], cost[DECIMAL_TEXT_MAX], from[INSTANT_TEXT_MAX];
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        const struct price_version *price = catalogue_price_number(world->catalogue, charge->price);
        quantity_print(charge->quantity, quantity);
        amount_print(charge->billed_cost, cost);
        instant_print(price->effective_from, from);
        printf("charge\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", tenant_of(world, charge->tenant),
               catalogue_sku_number(world->catalogue, charge->sku)->id, price->match_text,
               price->effective_from == INSTANT_MIN ? "-" : from, price_forms[price->model].name, charge->tier,
               charge_stage_name(charge->stage), text_of(world, charge->dimension_set), quantity, cost,
               *price->hours ? price->hours : "-");
    }
    for (size_t i = 0; i < share_count; i++) {
        quantity_print(shares[i].quantity, quantity);
        amount_print(shares[i].billed_cost, cost);
        printf("share\t%zu\t%s\t%s\t%s\n", shares[i].charge, tenant_of(world, shares[i].tenant), quantity, cost);
    }
    for (size_t i = 0; i < rated->unpriced_count; i++)
        printf("unpriced\t%s\n", tenant_of(world, rated->unpriced[i].tenant));
    amount_print(rated->total, cost);
    printf("total\t%s\n", cost);
}

static void rate(struct world *world, char *const field[FIELDS_MAX])
{
    const struct billing_account *account = catalogue_account(world->catalogue, slice_of(field[1]));
    instant_us start, end, *changes;
    ENSURE(account && instant_parse_loose(field[2], strlen(field[2]), &start, NULL) == ERR_OK);
    ENSURE(instant_parse_loose(field[3], strlen(field[3]), &end, NULL) == ERR_OK);
    const struct agreement *terms = catalogue_agreement(world->catalogue, account->number, start);
    size_t count = charge_boundaries(world->catalogue, terms, start, end, world->arena, &changes);
    for (size_t i = 0; i < world->line_count; i++) {
        world->lines[i].segment = start;
        for (size_t c = 0; c < count && changes[c] <= world->times[i]; c++)
            world->lines[i].segment = changes[c];
    }
    ENSURE(usage_lines_merge(world->lines, &world->line_count) == ERR_OK);
    struct account_usage usage = {.account = account->number,
                                  .period_start = start,
                                  .period_end = end,
                                  .due = end,
                                  .lines = world->lines,
                                  .line_count = world->line_count,
                                  .dimensions = world->sets,
                                  .dimension_count = world->set_count};
    struct rated rated;
    const struct tenant_share *shares;
    struct fault fault = {0};
    size_t share_count;
    if (charge_rate(world->catalogue, terms, &usage, world->arena, &rated, &fault) ||
        charge_share(world->catalogue, terms, &usage, &rated, world->arena, &shares, &share_count, &fault))
        printf("error\t%s\t%s\n", err_name(fault.err), fault.reason);
    else
        print_rated(world, &rated, shares, share_count);
    printf("end\n");
    start_anew(world);
}

int main(int argc, char **argv)
{
    struct world world = {.arena = arena_new(1 << 16)};
    struct text errors = {0};
    char line[4096];
    const char *paths[] = {argc > 1 ? argv[1] : ""};
    hash_init();
    if (catalogue_from_files(paths, 1, &world.catalogue, &errors)) fputs(errors.data, stderr);
    while (world.catalogue && fgets(line, sizeof line, stdin)) {
        char *field[FIELDS_MAX] = {0}, *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < FIELDS_MAX && rest; i++)
            field[i] = strsep(&rest, "\t");
        strcmp(field[0], "use") == 0 ? use(&world, field) : rate(&world, field);
    }
    text_free(&errors);
    arena_free(world.arena);
    catalogue_release(world.catalogue);
    return world.catalogue ? 0 : 2;
}
