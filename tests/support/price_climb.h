// SPDX-License-Identifier: Apache-2.0
// One climb of a shared price in a test: terms and positions as texts in, charges out. To be included behind cmocka.
#pragma once
#include <stdio.h>
#include <string.h>

#include "rating/price.h"

struct climb_case {
    const char *name;
    const char *per, *price, *fixed, *tiers; // tiers: "BOUND@PRICE+FLAT BOUND@PRICE/BLOCK *@PRICE+FLAT/BLOCK", in METER units
    const char *from, *to, *reached;         // positions in meter units; reached NULL: the same as to
    bool earlier;                            // a later version was used
    const char *charges;                     // "TIER=QUANTITY:COST "; "limit": ERR_LIMIT
};

static inline int128 climb_number(const char *text, int places)
{
    int128 value = 0;
    if (text && decimal_parse(text, strlen(text), places, false, &value, NULL)) fail_msg("'%s' is no number", text);
    return value;
}

static inline size_t climb_tiers(const char *text, struct price_tier *tiers)
{
    size_t count = 0;
    while (text && *text) {
        char bound[40], price[40], *flat, *block;
        int used = 0;
        assert_int_equal(sscanf(text, "%39[^@]@%39[^ ]%n", bound, price, &used), 2);
        if ((block = strchr(price, '/'))) *block++ = '\0';
        if ((flat = strchr(price, '+'))) *flat++ = '\0';
        struct price_tier *tier = &tiers[count++];
        *tier = (struct price_tier){.last = bound[0] == '*', .flat = {climb_number(flat, AMOUNT_PLACES)}};
        tier->price.pico = climb_number(price, PRICE_PLACES);
        tier->block.nano = climb_number(block, QUANTITY_PLACES);
        if (!tier->last) tier->up_to.nano = climb_number(bound, QUANTITY_PLACES);
        text += used;
        text += strspn(text, " ");
    }
    return count;
}

static inline void expect_climbs(price_climb_rate *rate, const struct climb_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct climb_case *row = &cases[i];
        struct arena *arena = arena_new(4096);
        struct price_tier tiers[8];
        const struct price_version price = {.number = 7,
                                            .sku = 3,
                                            .per = {climb_number(row->per ? row->per : "1", QUANTITY_PLACES)},
                                            .price = {climb_number(row->price, PRICE_PLACES)},
                                            .fixed = {climb_number(row->fixed, AMOUNT_PLACES)},
                                            .tiers = tiers,
                                            .tier_count = climb_tiers(row->tiers, tiers)};
        const char *reached = row->reached ? row->reached : row->to;
        const struct price_way way = {{climb_number(row->from, QUANTITY_PLACES)}, {climb_number(row->to, QUANTITY_PLACES)}};
        const struct price_climb climb = {.price = &price,
                                          .from = {climb_number(row->from, QUANTITY_PLACES)},
                                          .to = {climb_number(row->to, QUANTITY_PLACES)},
                                          .reached = {climb_number(reached, QUANTITY_PLACES)},
                                          .ways = &way,
                                          .way_count = 1,
                                          .days = 1,
                                          .last = !row->earlier};
        struct charge_list list = {.arena = arena};
        struct text out = {0};
        text_add_string(&out, "");
        enum err err = rate(&climb, &list);
        if (err) text_add_string(&out, err_name(err));
        for (size_t c = 0; c < list.count && !err; c++) {
            const struct charge *charge = &list.charges[c];
            char quantity[DECIMAL_TEXT_MAX], cost[DECIMAL_TEXT_MAX];
            quantity_print(charge->quantity, quantity);
            amount_print(charge->billed_cost, cost);
            text_print(&out, "%d=%s:%s ", charge->tier, quantity, cost);
            assert_int_equal(charge->tenant, 0);
            assert_int_equal(charge->sku, 3);
            assert_int_equal(charge->price, 7);
            assert_int_equal(charge->stage, STAGE_USAGE);
            assert_true(charge->list_cost.pico == charge->billed_cost.pico);
            assert_true(charge->contracted_cost.pico == charge->billed_cost.pico);
            assert_true(charge->effective_cost.pico == charge->billed_cost.pico);
        }
        if (strcmp(out.data, row->charges) != 0)
            fail_msg("%s: got '%s', expected '%s'", row->name, out.data, row->charges);
        text_free(&out);
        arena_free(arena);
    }
}
