// SPDX-License-Identifier: Apache-2.0
// What random terms deduct: discounts of all levels, reservations, savings plans, limits of periods and terms, stages
// in other orders.
#include <stdio.h>
#include <string.h>

#include "tests/support/random_catalogue.h"

static const instant_us february = INT64_C(1769904000) * SECOND_US; // 2026-02-01T00:00:00Z

// --- discounts

enum { TARGETS_OF_ONE_SERVICE = 2, TARGETS = 3 }; // all, the service s, a SKU; the service n

// "", "service: s, ", "sku: top, " ...; the text lies in `name`.
static const char *draw_target(struct dice *dice, int kinds, char name[32])
{
    const int kind = dice_between(dice, 0, kinds);
    name[0] = '\0';
    if (kind == 2) snprintf(name, 32, "sku: %s, ", DICE_PICK(dice, random_skus));
    return kind == 1 ? "service: s, " : kind == 3 ? "service: n, " : name;
}

// One more for a target that has none yet.
static void add_discount(struct text *out, struct dice *dice, int kinds, struct text *seen)
{
    char name[32], known[40];
    const int rate = dice_between(dice, 1, 999999);
    const char *target = draw_target(dice, kinds, name);
    snprintf(known, sizeof known, "[%s]", target);
    if (strstr(seen->data, known)) return;
    text_add_string(seen, known);
    text_print(out, "{rate: \"0.%06d\", %s}, ", rate, target);
}

static void add_discounts(struct text *out, struct dice *dice, struct dice *further)
{
    struct text seen = {0}, list = {0};
    text_clear(&seen);
    if (dice_percent(dice, 50)) add_discount(&list, dice, TARGETS_OF_ONE_SERVICE, &seen);
    if (dice_percent(further, 40))
        for (int more = dice_between(further, 1, 4); more > 0; more--)
            add_discount(&list, further, TARGETS, &seen);
    if (list.length) text_print(out, "discounts: [%s], ", list.data);
    text_free(&seen);
    text_free(&list);
}

// --- commitments

// What reservations and plans have in common. Returns for how many hours it is; 0: without end.
static int add_commitment(struct text *out, struct dice *dice, const char *id)
{
    static const int hours[] = {1, 100, 744, 0, 0};
    const instant_us from = random_instant(dice, SLOT_US) - dice_between(dice, 0, 2) * 20 * DAY_US;
    const int lasts = DICE_PICK(dice, hours);
    const char *sku = DICE_PICK(dice, random_skus);
    text_print(out, "id: %s, sku: %s, tenant: t-%d, ", id, sku, dice_between(dice, 1, RANDOM_TENANTS));
    random_at(out, "from", from);
    if (lasts) random_at(out, "to", from + lasts * HOUR_US);
    return lasts;
}

static void add_reservation(struct text *out, struct dice *dice, struct dice *further, const char *id)
{
    static const char *const units[] = {"1", "4", "0.5", "16"}, *const pers[] = {"1", "3600", "50"};
    text_add_string(out, "{");
    const bool ends = add_commitment(out, dice, id);
    random_decimal(out, dice, "hourly", 6, 3);
    if (ends) random_decimal(out, dice, "upfront", 6, 900);
    text_print(out, "instances: %d, ", dice_between(dice, 1, 3));
    text_print(out, "units: \"%s\", ", DICE_PICK(dice, units));
    text_print(out, "per: \"%s\", ", DICE_PICK(dice, pers));
    if (dice_percent(dice, 40)) text_add_string(out, "sizes: {dimension: size, units: {s: 1, m: \"0.25\", l: 7}}, ");
    if (dice_percent(further, 25)) text_print(out, "match: {region: %s}, ", DICE_PICK(further, random_regions));
    text_add_string(out, "}, ");
}

static void add_plan_prices(struct text *out, struct dice *dice, struct dice *further)
{
    static const char *const rates[] = {"0", "0.3", "0.123456", "1"};
    struct text seen = {0};
    char name[32], known[40];
    text_clear(&seen);
    text_add_string(out, "discounts: [");
    for (int more = dice_percent(further, 50) ? dice_between(further, 1, 3) : 0; more >= 0; more--) {
        struct dice *of = more ? further : dice;
        const char *rate = DICE_PICK(of, rates);
        const char *target = draw_target(of, more ? TARGETS : TARGETS_OF_ONE_SERVICE, name);
        snprintf(known, sizeof known, "[%s]", target);
        if (strstr(seen.data, known)) continue;
        text_add_string(&seen, known);
        text_print(out, "{rate: \"%s\", %s}, ", rate, target);
    }
    text_add_string(out, "], ");
    text_free(&seen);
}

static void add_plan(struct text *out, struct dice *dice, struct dice *further, const char *id)
{
    static const int hourly[] = {1, 20, 3000};
    text_add_string(out, "{");
    const int hours = add_commitment(out, dice, id), promised = DICE_PICK(dice, hourly);
    text_print(out, "hourly: %d, ", promised);
    if (hours && dice_percent(further, 50))
        text_print(out, "upfront: %d, ", dice_between(further, 0, hours * promised));
    if (dice_percent(dice, 30))
        text_add_string(out, "price_book: low, ");
    else
        add_plan_prices(out, dice, further);
    if (dice_percent(dice, 40)) text_add_string(out, "only_cheaper: true, ");
    text_add_string(out, "}, ");
}

static void add_commitments(struct text *out, struct dice *dice, struct dice *further)
{
    struct text reservations = {0}, plans = {0};
    if (dice_percent(dice, 15)) add_reservation(&reservations, dice, further, "r");
    if (dice_percent(further, 30)) add_reservation(&reservations, further, further, "r-2");
    if (dice_percent(dice, 15)) add_plan(&plans, dice, further, "p");
    if (dice_percent(further, 10)) add_plan(&plans, further, further, "p-2");
    if (reservations.length) text_print(out, "reservations: [%s], ", reservations.data);
    if (plans.length) text_print(out, "savings_plans: [%s], ", plans.data);
    text_free(&reservations);
    text_free(&plans);
}

// --- limits

static int draw_amount(struct dice *dice)
{
    static const int most[] = {50, 2000, 100000, 10000000};
    return dice_between(dice, 1, DICE_PICK(dice, most));
}

static void add_minimum(struct text *out, struct dice *dice, int least)
{
    text_print(out, "minimum_spend: %d, ", least);
    text_print(out, "booked: %s, ", DICE_PICK(dice, random_skus));
    random_at(out, "from", february + dice_between(dice, -10, 3) * 10 * DAY_US);
}

// The least or the most of a period or both, or the least of a term that ends in March or April.
static void add_limit(struct text *out, struct dice *dice)
{
    static const char *const services[] = {"services: [s], ", "services: [n], ", "services: [n, s], "};
    const int kind = dice_between(dice, 0, 9), least = draw_amount(dice);
    text_add_string(out, "{");
    if (kind > 6) text_add_string(out, "of: term, ");
    if (kind < 4 || kind > 6) add_minimum(out, dice, least);
    if (kind == 3) text_print(out, "maximum_spend: %d, ", least + draw_amount(dice));
    if (kind > 3 && kind < 7) text_print(out, "maximum_spend: %d, ", dice_percent(dice, 5) ? 0 : least);
    if (kind > 6 || dice_percent(dice, 25)) random_at(out, "to", february + dice_between(dice, 4, 8) * 10 * DAY_US);
    if (dice_percent(dice, 50)) text_add_string(out, DICE_PICK(dice, services));
    text_add_string(out, "}, ");
}

static bool add_limits(struct text *out, struct dice *dice)
{
    if (!dice_percent(dice, 45)) return false;
    text_add_string(out, "limits: [");
    for (int more = dice_between(dice, 1, 3); more > 0; more--)
        add_limit(out, dice);
    text_add_string(out, "], ");
    return true;
}

// --- stages

static void add_stages(struct text *out, struct dice *dice, bool limited)
{
    static const char *const last[] = {", coupons, limits", ", limits, coupons", ", limits", ", coupons", ""};
    const int count = (int)(sizeof last / sizeof *last);
    text_print(out, "stages: [packages, free, discounts%s], ", last[dice_between(dice, 0, limited ? 2 : count - 1)]);
}

void random_contract(struct text *out, struct dice *dice, struct dice *further)
{
    add_discounts(out, dice, further);
    const bool limited = add_limits(out, further), swapped = dice_percent(further, 10);
    if (dice_percent(dice, 10)) {
        add_stages(out, further, limited);
        return;
    }
    if (swapped)
        text_add_string(out, "stages: [free, packages, reservations, savings_plans, discounts, limits, coupons], ");
    add_commitments(out, dice, further);
}
