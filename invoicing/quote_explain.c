// SPDX-License-Identifier: Apache-2.0
// A charge in words and figures, for people who check a price list by hand. Pure.
#include <string.h>

#include "catalogue/contract_commitment.h"
#include "catalogue/contract_limit.h"
#include "catalogue/price_model.h"
#include "catalogue/price_times.h"
#include "invoicing/quote.h"
#include "rating/price.h"

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
    if (price_forms[price->model].money) {
        text_add_string(out, " as the events say");
        if (strcmp(digits, "1") != 0) text_print(out, " x %s", digits);
        return;
    }
    text_print(out, " x %s %s per %s", digits, quote->period.agreement->book->currency.code, price->unit);
}

// What units cost is divided by: the days of the period if the price is for all of them.
static int64_t days_of(const struct quote *quote, const struct price_version *price)
{
    const struct billing_period *period = &quote->period;
    if (price->daily != PRICE_DAILY_SHARE) return 1;
    return price_period_days(period->agreement->zone, period->start, period->end);
}

static void add_days(struct text *out, const struct quote *quote, const struct price_version *price)
{
    if (price->daily == PRICE_DAILY_SHARE) text_print(out, " and %lld days", (long long)days_of(quote, price));
}

bool quote_priced(const struct quote *quote, struct amount amount, struct amount *priced)
{
    return quote->exchange && amount_unconverted(amount, quote->exchange->rate, priced) == ERR_OK;
}

// What was said so far is in the prices' currency.
static void add_conversion(struct text *out, const struct quote *quote)
{
    char digits[DECIMAL_TEXT_MAX];
    if (!quote->exchange) return;
    price_print(quote->exchange->rate, digits);
    text_print(out, ", converted at %s %s per %s", digits, quote->exchange->to, quote->exchange->from);
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

static void add_money(struct text *out, const struct quote *quote, struct amount amount)
{
    char digits[DECIMAL_TEXT_MAX];
    amount_print(amount, digits);
    text_print(out, "%s %s", digits, quote->period.agreement->currency.code);
}

// An amount of a price.
static void add_priced(struct text *out, const struct quote *quote, struct amount amount)
{
    char digits[DECIMAL_TEXT_MAX];
    amount_print(amount, digits);
    text_print(out, "%s %s", digits, quote->period.agreement->book->currency.code);
}

// quantity x unit + flat as the charges have it; false: beyond the range.
static bool cost_of(const struct quote *quote, struct quantity quantity, struct price unit, struct quantity per,
                    struct amount flat, struct amount *cost)
{
    const struct charge_list list = {.exchange = quote->exchange};
    return charge_list_cost(&list, quantity, unit, per, flat, cost) == ERR_OK;
}

// What the price charges, before a negotiated discount. Shared prices have no other list price than their own.
static struct amount before_discount(const struct quote *quote, const struct price_version *price,
                                     const struct charge *charge)
{
    struct amount cost;
    if (price_forms[price->model].shared) return charge->list_cost;
    return cost_of(quote, charge->quantity, price->price, price->per, AMOUNT_ZERO, &cost) ? cost : charge->billed_cost;
}

// What the price charges beside its units, in its currency, if the charge has it.
static struct amount flat_of(const struct price_version *price, const struct charge *charge)
{
    const struct price_form *form = &price_forms[price->model];
    if (form->tiers) return price->tiers[charge->tier].flat;
    return form->once ? (struct amount){price->price.pico} : price->fixed;
}

static void add_discount(struct text *out, const struct quote *quote, const struct price_version *price,
                         const struct charge *charge)
{
    const struct contract *contract = quote->period.agreement->contract;
    char digits[DECIMAL_TEXT_MAX];
    if (!charge->deduction || !charge_of_price(charge->stage)) return;
    ENSURE((size_t)charge->deduction <= contract->discount_count);
    decimal_print(contract->discounts[charge->deduction - 1].rate.pico, PRICE_PLACES - 2, digits);
    text_print(out, ", less %s %% of ", digits);
    add_money(out, quote, before_discount(quote, price, charge));
}

// What the charge has beside quantity x unit price.
static void add_rest(struct text *out, const struct quote *quote, const struct price_version *price, struct price unit,
                     const struct charge *charge)
{
    const struct amount flat = flat_of(price, charge), whole = before_discount(quote, price, charge);
    struct amount cost;
    const struct quantity per = {price->per.nano * days_of(quote, price)};
    if (!cost_of(quote, charge->quantity, unit, per, AMOUNT_ZERO, &cost) || cost.pico == whole.pico) return;
    text_add_string(out, " + ");
    add_priced(out, quote, flat);
}

// Started units of a package that the charge pays.
static void add_started(struct text *out, const struct quote *quote, const struct price_version *price,
                        const struct charge *charge)
{
    const struct quantity one = {1};
    char digits[DECIMAL_TEXT_MAX];
    struct quantity started;
    if (price->price.pico == 0) return;
    const struct price rate = quote->exchange ? quote->exchange->rate : (struct price){INT64_C(1000000000000)};
    if (quantity_for(charge->list_cost, price->price, one, rate, &started)) return;
    decimal_print(started.nano, 0, digits);
    text_print(out, ", %s started", digits);
}

// Blocks of a tier: how many the charge pays, and the tier's flat amount if it has that, too.
static void add_blocks(struct text *out, const struct quote *quote, const struct price_version *price,
                       const struct price_tier *tier, const struct meter *meter, const struct charge *charge)
{
    const struct amount whole = before_discount(quote, price, charge);
    const struct quantity one = {days_of(quote, price)};
    char digits[DECIMAL_TEXT_MAX];
    int128 started;
    struct amount cost;
    bool flat = false, found = false;
    if (decimal_mul_div(charge->quantity.nano, 1, tier->block.nano, ROUND_DOWN, &started)) return;
    for (int more = 0; more < 4 && !found; more++) { // a block that an earlier version started is not paid again
        const struct quantity blocks = {started + more / 2};
        flat = more % 2;
        found = cost_of(quote, blocks, tier->price, one, flat ? tier->flat : AMOUNT_ZERO, &cost) && cost.pico == whole.pico;
        decimal_print(blocks.nano, 0, digits);
    }
    add_quantity(out, charge->quantity);
    text_print(out, " %s, %s started x ", meter->unit, found ? digits : "?");
    add_priced(out, quote, (struct amount){tier->price.pico});
    text_add_string(out, " per ");
    add_quantity(out, tier->block);
    text_print(out, " %s", meter->unit);
    add_days(out, quote, price);
    if (!flat || !tier->flat.pico) return;
    text_add_string(out, " + ");
    add_priced(out, quote, tier->flat);
}

// What units come to in the prices' currency, and the conversion.
static void add_sum(struct text *out, const struct quote *quote, const struct price_version *price,
                    const struct charge *charge)
{
    struct amount priced;
    if (quote_priced(quote, before_discount(quote, price, charge), &priced)) {
        text_add_string(out, " = ");
        add_priced(out, quote, priced);
    }
    add_conversion(out, quote);
}

static void explain_usage(const struct quote *quote, const struct price_version *price, const struct meter *meter,
                          const struct charge *charge, struct text *out)
{
    const struct price_form *form = &price_forms[price->model];
    bool once = form->once || (form->tiers && !form->tier_prices);
    struct price unit = form->tiers ? price->tiers[charge->tier].price : price->price;
    if (price->window) text_print(out, "%s: ", price->hours);
    if (price->times) text_print(out, "times %s: ", price->times->dimension);
    if (price->daily) text_add_string(out, "day by day, ");
    if (price->round_to.nano) {
        text_print(out, "rounded %s to ", rounding_names[price->round_mode]);
        add_quantity(out, price->round_to);
        text_print(out, " %s: ", meter->unit);
    }
    if (form->tiers) add_tier(out, price, charge->tier, meter);
    if (once) {
        add_quantity(out, charge->quantity);
        text_print(out, " %s, ", meter->unit);
        add_priced(out, quote, before_discount(quote, price, charge).pico ? flat_of(price, charge) : AMOUNT_ZERO);
        text_add_string(out, " for the period");
        add_conversion(out, quote);
        return;
    }
    if (form->tiers && price->tiers[charge->tier].block.nano) {
        add_blocks(out, quote, price, &price->tiers[charge->tier], meter, charge);
        add_sum(out, quote, price, charge);
        return;
    }
    add_units(out, meter, charge->quantity, price->per);
    if (price->model == PRICE_PACKAGE) add_started(out, quote, price, charge);
    add_price(out, quote, price, unit);
    add_days(out, quote, price);
    if (price->per_event)
        text_add_string(out, ", and the fixed parts and limits of its events");
    else if (form->shared && price->model != PRICE_PACKAGE)
        add_rest(out, quote, price, unit, charge);
    add_sum(out, quote, price, charge);
}

static void explain_commitment(const struct quote *quote, const struct meter *meter, const struct charge *charge,
                               struct text *out)
{
    const struct contract *contract = quote->period.agreement->contract;
    bool plan;
    const struct contract_commitment *commitment = contract_commitment_of(contract, charge->deduction, &plan);
    text_print(out, "%s %s: ", plan ? "savings plan" : "reservation", commitment->id);
    if (charge->stage == STAGE_PURCHASE) {
        text_add_string(out, charge->tier == 0 ? "paid upfront" : "hours of the period, ");
        if (charge->tier == 0) return;
        add_money(out, quote, commitment->hourly);
        text_add_string(out, plan ? " an hour" : " an hour and instance");
        return;
    }
    if (charge->stage == STAGE_UNUSED) text_add_string(out, charge->tier == 1 ? "not used, " : "not used: ");
    if (charge->quantity.nano && !(plan && charge->stage == STAGE_UNUSED)) {
        add_quantity(out, charge->quantity);
        text_print(out, " %s%s, ", meter->unit, charge->stage == STAGE_COVERED ? "" : " of one unit of size");
    }
    text_add_string(out, "effective ");
    add_money(out, quote, charge->effective_cost);
}

static void explain_run(const struct price_version *price, struct text *out)
{
    char seconds[DECIMAL_TEXT_MAX];
    text_add_string(out, "added by ");
    if (price->increment_us) {
        decimal_print(price->increment_us, 6, seconds);
        text_print(out, "increments of %s s", seconds);
    }
    if (price->minimum_seconds)
        text_print(out, "%sthe minimum duration of %d s", price->increment_us ? " and " : "", price->minimum_seconds);
    text_add_string(out, ": ");
}

// What a subscription costs in the period, or what of it is paid back or was paid before.
static void explain_fee(const struct quote *quote, const struct holding *holding, const struct charge *charge,
                        struct text *out)
{
    const struct subscription_terms *terms = holding->offer->subscription;
    if (charge->tier == 1) {
        add_quantity(out, charge->quantity);
        text_print(out, " of %s (%s), paid before: ", holding->offer->id, holding->id);
        add_money(out, quote, charge->effective_cost);
        return;
    }
    text_add_string(out, charge->stage == STAGE_FEE_REFUND ? "paid back: " : "");
    add_quantity(out, charge->quantity);
    text_print(out, " of %s (%s) x ", holding->offer->id, holding->id);
    add_money(out, quote, terms->price);
    text_print(out, ", %s", terms->in_arrears ? "in arrears" : "in advance");
    if (charge->stage == STAGE_FEE_REFUND || charge->effective_cost.pico == charge->billed_cost.pico) return;
    text_add_string(out, "; of it ");
    add_money(out, quote, charge->effective_cost);
    text_add_string(out, " for this period");
}

// What comes of something that the account holds.
static void explain_holding(const struct quote *quote, const struct holding *holding, const struct meter *meter,
                            const struct charge *charge, struct text *out)
{
    ENSURE(holding);
    if (charge->stage == STAGE_FEE || charge->stage == STAGE_FEE_REFUND) {
        explain_fee(quote, holding, charge, out);
        return;
    }
    if (charge->stage == STAGE_COUPON) {
        text_print(out, "coupon %s (%s)", holding->offer->id, holding->id);
        return;
    }
    if (charge->stage == STAGE_PREPAID) {
        text_print(out, "paid before, by %s (%s)", holding->offer->id, holding->id);
        text_add_string(out, "; its part of the price: ");
        add_money(out, quote, (struct amount){charge->effective_cost.pico - charge->billed_cost.pico});
        return;
    }
    if (charge->stage == STAGE_LEFT && holding->offer->kind == OFFER_PREPAYMENT) {
        text_print(out, "not used of %s (%s): ", holding->offer->id, holding->id);
        add_money(out, quote, charge->effective_cost);
        return;
    }
    if (charge->stage == STAGE_BOUGHT || charge->stage == STAGE_PREPAYMENT) {
        add_quantity(out, charge->quantity);
        text_print(out, " of %s (%s)", holding->offer->id, holding->id);
        return;
    }
    text_add_string(out, charge->stage == STAGE_LEFT ? "not used: " : "");
    add_quantity(out, charge->quantity);
    text_print(out, " %s, paid by %s", meter->unit, holding->id);
    if (charge->effective_cost.pico == 0) return;
    text_add_string(out, " at ");
    add_money(out, quote, charge->effective_cost);
}

static void explain_limit(const struct quote *quote, const struct charge *charge, struct text *out)
{
    const struct contract_limit *limit = &quote->period.agreement->contract->limits[charge->deduction - 1];
    bool least = charge->stage != STAGE_ACCOUNT_MAXIMUM;
    text_print(out, "%s of the account's %s, ", least ? "up to the minimum" : "down to the maximum",
               limit->term ? "term" : "period");
    add_money(out, quote, least ? limit->minimum_spend : limit->maximum_spend);
}

void quote_explain(const struct catalogue *catalogue, const struct quote *quote, const struct charge *charge,
                   struct text *out)
{
    const struct price_version *price = catalogue_price_number(catalogue, charge->price);
    const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
    const struct meter *meter = catalogue_meter_newest(catalogue, sku->meter);
    switch (charge->stage) {
    case STAGE_MINIMUM:
        explain_run(price, out);
        explain_usage(quote, price, meter, charge, out);
        break;
    case STAGE_USAGE:
        explain_usage(quote, price, meter, charge, out);
        break;
    case STAGE_FREE:
        text_add_string(out, "free: ");
        add_quantity(out, charge->quantity);
        text_print(out, " %s", meter->unit);
        break;
    case STAGE_MINIMUM_SPEND:
        text_add_string(out, "up to the minimum of the period, ");
        add_priced(out, quote, price->minimum_spend);
        add_conversion(out, quote);
        break;
    case STAGE_MAXIMUM_SPEND:
        text_add_string(out, "down to the maximum of the period, ");
        add_priced(out, quote, price->maximum_spend);
        add_conversion(out, quote);
        break;
    case STAGE_COVERED:
    case STAGE_UNUSED:
    case STAGE_PURCHASE:
        explain_commitment(quote, meter, charge, out);
        break;
    case STAGE_PACKAGE:
    case STAGE_BOUGHT:
    case STAGE_LEFT:
    case STAGE_FEE:
    case STAGE_FEE_REFUND:
    case STAGE_COUPON:
    case STAGE_PREPAYMENT:
    case STAGE_PREPAID:
        explain_holding(quote, catalogue_holding_number(catalogue, charge->deduction), meter, charge, out);
        break;
    case STAGE_ACCOUNT_MINIMUM:
    case STAGE_ACCOUNT_MAXIMUM:
    case STAGE_TRUE_UP:
        explain_limit(quote, charge, out);
        break;
    case STAGE_COUNT:
        break;
    }
    add_discount(out, quote, price, charge);
}
