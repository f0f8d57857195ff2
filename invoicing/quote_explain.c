// SPDX-License-Identifier: Apache-2.0
// A charge in words and figures, for people who check a price list by hand. Pure.
#include <string.h>

#include "invoicing/quote.h"

static void add_quantity(struct text *out, struct quantity quantity)
{
    char digits[DECIMAL_TEXT_MAX];
    text_add(out, digits, quantity_print(quantity, digits));
}

// "1500000 request", and " / 1000000" where a pricing unit holds more than one.
static void add_units(struct text *out, const struct meter *meter, struct quantity quantity, struct quantity per)
{
    add_quantity(out, quantity);
    text_print(out, " %s", meter->unit);
    if (per.nano == 1000000000) return;
    text_add_string(out, " / ");
    add_quantity(out, per);
}

static void add_price(struct text *out, const struct quote *quote, const struct price_version *price, struct price unit)
{
    char digits[DECIMAL_TEXT_MAX];
    price_print(unit, digits);
    text_print(out, " x %s %s per %s", digits, quote->period.agreement->currency.code, price->unit);
}

static void add_tier(struct text *out, const struct price_version *price, int tier, const struct meter *meter)
{
    const struct price_tier *step = &price->tiers[tier];
    text_print(out, "tier %d (", tier + 1);
    if (tier > 0) {
        text_add_string(out, "above ");
        add_quantity(out, price->tiers[tier - 1].up_to);
        if (!step->last) text_add_string(out, ", ");
    }
    if (!step->last) {
        text_add_string(out, "up to ");
        add_quantity(out, step->up_to);
    }
    text_print(out, "%s%s): ", tier > 0 || !step->last ? " " : "", tier > 0 || !step->last ? meter->unit : "all");
}

void quote_explain(const struct catalogue *catalogue, const struct quote *quote, const struct charge *charge,
                   struct text *out)
{
    const struct price_version *price = catalogue_price_number(catalogue, charge->price);
    const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
    const struct meter *meter = catalogue_meter_newest(catalogue, sku->meter);
    struct price unit = price->price;
    if (charge->stage == STAGE_MINIMUM)
        text_print(out, "added by the minimum duration of %d s: ", price->minimum_seconds);
    if (price->model == PRICE_GRADUATED) {
        add_tier(out, price, charge->tier, meter);
        unit = price->tiers[charge->tier].price;
    }
    add_units(out, meter, charge->quantity, price->per);
    add_price(out, quote, price, unit);
}
