// SPDX-License-Identifier: Apache-2.0
// Used by oracle/test_commitments: reservations and savings plans over usage lines. Spaces separate fields, instants
// are microseconds, tenants numbers.
//   reservation FROM TO UPFRONT HOURLY OWNER INSTANCES UNITS PER
//   plan FROM TO UPFRONT HOURLY OWNER ONLY_CHEAPER
//   use START END TENANT QUANTITY UNITS                     of a reservation
//   use START END TENANT QUANTITY PRICE PER PRICE PER       of a plan: its own price, the plan's
//   rest START END   prints what each use was covered with, then what is left of the range
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rating/reservation.h"
#include "rating/savings_plan.h"

enum { FIELDS_MAX = 10, USES_MAX = 256 };

struct world {
    struct reservation reservation;
    struct savings_plan plan;
    bool reserved;
    struct reservation_use covered[USES_MAX];
    struct savings_plan_use drawn[USES_MAX];
    size_t count;
};

static int128 number(const char *text, int places)
{
    int128 value;
    ENSURE(text && decimal_parse(text, strlen(text), places, false, &value, NULL) == ERR_OK);
    return value;
}

static int64_t whole(const char *text)
{
    return (int64_t)number(text, 0);
}

static void begin(struct world *world, char *const field[FIELDS_MAX])
{
    const struct commitment_fee fee = {whole(field[1]),
                                       whole(field[2]),
                                       {number(field[3], AMOUNT_PLACES)},
                                       {number(field[4], AMOUNT_PLACES)},
                                       field[0][0] == 'p'};
    world->count = 0;
    world->reserved = field[0][0] == 'r';
    if (world->reserved)
        world->reservation = (struct reservation){.fee = fee,
                                                  .owner = whole(field[5]),
                                                  .instances = whole(field[6]),
                                                  .units = {number(field[7], QUANTITY_PLACES)},
                                                  .per = {number(field[8], QUANTITY_PLACES)}};
    else
        world->plan = (struct savings_plan){.fee = fee, .owner = whole(field[5]), .only_cheaper = whole(field[6]) != 0};
}

static void use(struct world *world, char *const field[FIELDS_MAX])
{
    size_t i = world->count++;
    ENSURE(i < USES_MAX);
    const struct quantity quantity = {number(field[4], QUANTITY_PLACES)};
    if (world->reserved)
        world->covered[i] = (struct reservation_use){.item = i,
                                                     .rank = i,
                                                     .start = whole(field[1]),
                                                     .end = whole(field[2]),
                                                     .tenant = whole(field[3]),
                                                     .quantity = quantity,
                                                     .units = {number(field[5], QUANTITY_PLACES)}};
    else
        world->drawn[i] =
            (struct savings_plan_use){.item = i,
                                      .rank = i,
                                      .start = whole(field[1]),
                                      .end = whole(field[2]),
                                      .tenant = whole(field[3]),
                                      .quantity = quantity,
                                      .own = {{number(field[5], PRICE_PLACES)}, {number(field[6], QUANTITY_PLACES)}},
                                      .plan = {{number(field[7], PRICE_PLACES)}, {number(field[8], QUANTITY_PLACES)}}};
}

static void print_use(size_t item, struct quantity quantity, struct amount cost)
{
    char covered[DECIMAL_TEXT_MAX], share[DECIMAL_TEXT_MAX];
    quantity_print(quantity, covered);
    amount_print(cost, share);
    printf("use %zu %s %s\n", item, covered, share);
}

static void print_amount(const char *name, struct amount amount)
{
    char text[DECIMAL_TEXT_MAX];
    amount_print(amount, text);
    printf(" %s %s", name, text);
}

static enum err print_reserved(struct world *world, instant_us start, instant_us end)
{
    struct reservation_sum sum;
    struct reservation_rest rest;
    char used[DECIMAL_TEXT_MAX], unused[DECIMAL_TEXT_MAX];
    size_t item;
    enum err err = reservation_cover(&world->reservation, world->covered, world->count, &sum, &item);
    if (!err) err = reservation_rest_of(&world->reservation, start, end, &sum, &rest);
    if (err) return err;
    for (size_t i = 0; i < world->count; i++)
        print_use(world->covered[i].item, world->covered[i].covered, world->covered[i].cost);
    quantity_print(rest.used, used);
    quantity_print(rest.unused, unused);
    printf("rest used %s unused %s", used, unused);
    print_amount("cost", sum.cost);
    print_amount("unused_cost", rest.unused_cost);
    return ERR_OK;
}

static enum err print_drawn(struct world *world)
{
    struct amount spent;
    size_t item;
    enum err err = savings_plan_draw(&world->plan, world->drawn, world->count, &spent, &item);
    if (err) return err;
    for (size_t i = 0; i < world->count; i++)
        print_use(world->drawn[i].item, world->drawn[i].covered, world->drawn[i].cost);
    printf("rest");
    print_amount("cost", spent);
    return ERR_OK;
}

static void rest(struct world *world, char *const field[FIELDS_MAX])
{
    instant_us start = whole(field[1]), end = whole(field[2]);
    struct commitment_share share;
    enum err err = world->reserved ? print_reserved(world, start, end) : print_drawn(world);
    if (!err)
        err = commitment_share_of(world->reserved ? &world->reservation.fee : &world->plan.fee, start, end, &share);
    if (err) {
        printf("%s\n", err_name(err));
        return;
    }
    print_amount("once", share.billed_once);
    print_amount("hourly", share.billed_hourly);
    print_amount("whole", share.cost);
    printf("\n");
}

int main(void)
{
    static struct world world;
    char line[1024];
    while (fgets(line, sizeof line, stdin)) {
        char *field[FIELDS_MAX] = {0}, *left = line;
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < FIELDS_MAX && left; i++)
            field[i] = strsep(&left, " ");
        if (strcmp(field[0], "use") == 0)
            use(&world, field);
        else if (strcmp(field[0], "rest") == 0)
            rest(&world, field);
        else
            begin(&world, field);
    }
    return 0;
}
