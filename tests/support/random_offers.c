// SPDX-License-Identifier: Apache-2.0
// What random accounts hold: usage packages, coupons, prepayments, subscriptions. A holding comes with any version, from any time of
// the 35 days or, of a subscription, before; some get their end from a later version.
#include <stdio.h>

#include "tests/support/random_catalogue.h"

enum { OFFER_ID_MOST = 24 };

// --- holdings

struct held {
    const char *id, *account, *offer;
    int quantity;
    instant_us from, to, anchor; // to 0: no end; anchor 0: none is said
};

static void print_holding(struct text *out, const struct held *held, bool ended)
{
    text_print(out, "  - {id: %s, billing_account: %s, offer: %s, quantity: %d, ", held->id, held->account, held->offer,
               held->quantity);
    random_at(out, "from", held->from);
    if (held->anchor) random_at(out, "anchor", held->anchor);
    if (ended) random_at(out, "to", held->to);
    text_add_string(out, "}\n");
}

static void add_holding(struct text *holdings, struct dice *dice, struct dice *further, struct held held)
{
    const int first = dice_between(dice, 0, RANDOM_VERSIONS - 1);
    const bool later = held.to && first + 1 < RANDOM_VERSIONS && dice_percent(further, 30);
    held.account = DICE_PICK(dice, random_accounts);
    held.quantity = dice_between(dice, 1, 3);
    print_holding(&holdings[first], &held, held.to && !later);
    if (later) print_holding(&holdings[dice_between(further, first + 1, RANDOM_VERSIONS - 1)], &held, true);
}

// Of an offer that has no intervals.
static void add_holdings(struct text *holdings, struct dice *dice, struct dice *further, const char *offer)
{
    char id[OFFER_ID_MOST + 12];
    for (int each = dice_between(dice, 0, 2); each > 0; each--) {
        struct held held = {.id = id, .offer = offer, .from = random_instant(dice, SLOT_US)};
        snprintf(id, sizeof id, "%s-%d", offer, each);
        if (dice_percent(dice, 60)) held.to = held.from + dice_between(dice, 1, 3000) * SLOT_US;
        add_holding(holdings, dice, further, held);
    }
}

// Different ones, at least one.
static void add_skus(struct text *out, struct dice *dice, int most)
{
    const int first = dice_between(dice, 0, RANDOM_SKUS - 1), step = dice_between(dice, 1, 4);
    const int count = dice_between(dice, 1, most);
    text_add_string(out, "skus: [");
    for (int i = 0; i < count; i++)
        text_print(out, "%s, ", random_skus[(first + i * step) % RANDOM_SKUS]);
    text_add_string(out, "], ");
}

// --- kinds

static void add_package(struct text *out, struct dice *dice, const char *id)
{
    static const char *const pers[] = {"1", "7", "1000", "3600"};
    static const int most[] = {9999, 99999, 9999999};
    text_print(out, "  - {id: %s, name: O, currency: EUR, package: {", id);
    add_skus(out, dice, 3);
    text_print(out, "unit: unit, per: \"%s\", ", DICE_PICK(dice, pers));
    text_print(out, "quantity: %d, ", dice_between(dice, 1, DICE_PICK(dice, most)));
    if (dice_percent(dice, 65)) text_add_string(out, "reset: never, ");
    if (dice_percent(dice, 60)) {
        random_decimal(out, dice, "price", 6, 40);
        text_print(out, "booked: %s, ", DICE_PICK(dice, random_skus));
    }
    text_add_string(out, "}}\n");
}

// An amount above 0 of up to 6 places.
static void add_amount(struct text *out, struct dice *dice, const char *name)
{
    static const int most[] = {10, 1000, 100000};
    const int whole = dice_between(dice, 0, DICE_PICK(dice, most));
    text_print(out, "%s: \"%d.%06d\", ", name, whole, dice_between(dice, 1, 999999));
}

static void add_coupon(struct text *out, struct dice *dice, const char *id)
{
    static const char *const services[] = {"services: [s], ", "services: [n], ", "services: [n, s], "};
    text_print(out, "  - {id: %s, name: O, currency: EUR, coupon: {", id);
    if (dice_percent(dice, 50)) {
        add_amount(out, dice, "amount");
        if (dice_percent(dice, 40)) text_add_string(out, "reset: never, ");
    } else {
        const int rate = dice_percent(dice, 10) ? 1000000 : dice_between(dice, 1, 999999);
        text_print(out, "rate: \"%d.%06d\", ", rate / 1000000, rate % 1000000);
        if (dice_percent(dice, 40)) {
            add_amount(out, dice, "maximum");
            if (dice_percent(dice, 40)) text_add_string(out, "reset: never, ");
        }
    }
    if (dice_percent(dice, 35)) add_amount(out, dice, "minimum_spend");
    if (dice_percent(dice, 45)) add_skus(out, dice, 4);
    if (dice_percent(dice, 35)) text_add_string(out, DICE_PICK(dice, services));
    text_add_string(out, "}}\n");
}

static void add_prepayment(struct text *out, struct dice *dice, const char *id)
{
    text_print(out, "  - {id: %s, name: O, currency: EUR, prepayment: {", id);
    add_amount(out, dice, "amount");
    if (dice_percent(dice, 60)) add_amount(out, dice, "price");
    if (dice_percent(dice, 30)) add_skus(out, dice, 4);
    if (dice_percent(dice, 30)) text_add_string(out, "services: [s], ");
    text_print(out, "booked: %s, ", DICE_PICK(dice, random_skus));
    text_add_string(out, "}}\n");
}

static void add_subscription(struct text *out, struct dice *dice, const char *id)
{
    static const char *const everies[] = {"week", "period", "month", "quarter", "year"};
    static const char *const prorations[] = {"fixed_30_days", "actual_days", "hours", "seconds", "none"};
    const int every = dice_between(dice, 0, 4), proration = dice_between(dice, every ? 0 : 1, 4);
    const bool in_advance = dice_percent(dice, 65);
    text_print(out, "  - {id: %s, name: O, currency: EUR, subscription: {", id);
    random_decimal(out, dice, "price", 6, 400);
    text_print(out, "every: %s, due: %s, proration: %s, ", everies[every], in_advance ? "in_advance" : "in_arrears",
               prorations[proration]);
    text_print(out, "booked: %s, ", DICE_PICK(dice, random_skus));
    if (proration < 3 && dice_percent(dice, 50)) text_add_string(out, "started: old, ");
    if (in_advance && proration < 4 && dice_percent(dice, 30)) text_add_string(out, "refund: false, ");
    text_add_string(out, "}}\n");
}

// Intervals begin with the holding or before; it may begin long before the 35 days.
static void add_subscribed(struct text *holdings, struct dice *dice, const char *offer)
{
    static const int days[] = {0, 0, 30, 100, 400};
    char id[OFFER_ID_MOST + 12];
    for (int each = dice_between(dice, 0, 3); each > 0; each--) {
        struct held held = {.id = id, .offer = offer, .from = random_instant(dice, SLOT_US)};
        snprintf(id, sizeof id, "%s-%d", offer, each);
        held.from -= DICE_PICK(dice, days) * DAY_US;
        if (dice_percent(dice, 50)) held.anchor = held.from - dice_between(dice, 0, 9000) * SLOT_US;
        if (dice_percent(dice, 70)) held.to = held.from + dice_between(dice, 1, 6000) * SLOT_US;
        if (held.to && dice_percent(dice, 30)) held.to = instant_floor(held.to, DAY_US) + DAY_US;
        add_holding(holdings, dice, dice, held);
    }
}

void random_offers(struct text *offers, struct text *holdings, struct dice *dice, struct dice *further)
{
    static const char *const names[] = {"package", "bundle", "coupon", "spend", "plan"};
    char id[OFFER_ID_MOST];
    for (int kind = 0; kind < 5; kind++) {
        struct dice *of = kind ? further : dice;
        const int most = kind == 0 ? 2 : kind == 1 ? 1 : kind == 3 ? 2 : 4;
        for (int offer = dice_between(of, 0, most); offer > 0; offer--) {
            snprintf(id, sizeof id, "%s-%d", names[kind], offer);
            if (kind < 2) add_package(offers, of, id);
            if (kind == 2) add_coupon(offers, of, id);
            if (kind == 3) add_prepayment(offers, of, id);
            if (kind == 4) add_subscription(offers, of, id);
            if (kind < 4) add_holdings(holdings, of, further, id);
            else add_subscribed(holdings, of, id);
        }
    }
}
