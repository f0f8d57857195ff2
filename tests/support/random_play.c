// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "tests/support/random_play.h"

#include "catalogue/contract.h"
#include "catalogue/contract_limit.h"

static const char *const names[] = {
    [PLAY_DISCOUNT_ALL] = "discount on all",
    [PLAY_DISCOUNT_SERVICE] = "discount on a service",
    [PLAY_DISCOUNT_SKU] = "discount on a SKU",
    [PLAY_DISCOUNT_LEVELS] = "discount over another",
    [PLAY_PER_EVENT] = "price of every event",
    [PLAY_PACKAGE_FREE] = "package without a price",
    [PLAY_COUPON_AMOUNT] = "coupon of an amount",
    [PLAY_COUPON_RATE] = "coupon of a rate",
    [PLAY_COUPON_MAXIMUM] = "coupon with a maximum",
    [PLAY_COUPON_MINIMUM_SPEND] = "coupon with a minimum spend",
    [PLAY_COUPON_SKUS] = "coupon of SKUs",
    [PLAY_COUPON_SERVICES] = "coupon of services",
    [PLAY_COUPON_ENDED] = "coupon that ended",
    [PLAY_COUPON_OF_FEE] = "coupon of what has no price",
    [PLAY_COUPON_LIMITED] = "coupon after limits",
    [PLAY_MINIMUM_ALL] = "minimum of all",
    [PLAY_MINIMUM_SERVICE] = "minimum of services",
    [PLAY_MAXIMUM_ALL] = "maximum of all",
    [PLAY_MAXIMUM_SERVICE] = "maximum of services",
    [PLAY_TRUE_UP_ALL] = "term of all",
    [PLAY_TRUE_UP_SERVICE] = "term of services",
    [PLAY_TRUE_UP_MONTHS] = "term of months with usage",
    [PLAY_FEE_PERIOD] = "fee of a period",
    [PLAY_FEE_WEEK] = "fee of a week",
    [PLAY_FEE_MONTH] = "fee of a month",
    [PLAY_FEE_QUARTER] = "fee of a quarter",
    [PLAY_FEE_YEAR] = "fee of a year",
    [PLAY_FEE_IN_ADVANCE] = "fee in advance",
    [PLAY_FEE_IN_ARREARS] = "fee in arrears",
    [PLAY_FEE_EARLIER] = "fee paid earlier",
    [PLAY_FEE_IN_ADVANCE_PART] = "part of a fee in advance",
    [PLAY_FEE_IN_ARREARS_PART] = "part of a fee in arrears",
    [PLAY_FEE_PRORATION + FEE_ACTUAL_DAYS] = "fee by actual days",
    [PLAY_FEE_PRORATION + FEE_FIXED_30_DAYS] = "fee by 30 days",
    [PLAY_FEE_PRORATION + FEE_HOURS] = "fee by hours",
    [PLAY_FEE_PRORATION + FEE_SECONDS] = "fee by seconds",
    [PLAY_FEE_PRORATION + FEE_WHOLE] = "fee without proration",
    [PLAY_FEE_STARTED_OLD] = "fee with started: old",
    [PLAY_LASTING_PACKAGE] = "package used before",
    [PLAY_LASTING_COUPON] = "coupon used before",
    [PLAY_LASTING_PREPAYMENT] = "prepayment used before",
    [PLAY_RESERVATION] = "reservation",
    [PLAY_SAVINGS_PLAN] = "savings plan",
};

const char *random_play_name(int play)
{
    return play < STAGE_COUNT ? charge_stage_name((enum charge_stage)play) : names[play];
}

struct taking {
    const struct catalogue *catalogue;
    const struct agreement *terms;
    const struct account_usage *usage;
    bool seen[PLAY_COUNT];
};

static void see(struct taking *taking, int play, bool seen)
{
    if (seen) taking->seen[play] = true;
}

static void see_discount(struct taking *taking, const struct charge *charge)
{
    const struct contract *contract = taking->terms->contract;
    const struct sku *sku = catalogue_sku_number(taking->catalogue, charge->sku);
    const struct contract_discount *won = &contract->discounts[charge->deduction - 1];
    size_t fitting = 0;
    for (size_t i = 0; i < contract->discount_count; i++)
        fitting += contract_discount_of(&contract->discounts[i], 1, sku) == 1;
    see(taking, PLAY_DISCOUNT_SKU, won->sku != NULL);
    see(taking, PLAY_DISCOUNT_SERVICE, won->service != NULL);
    see(taking, PLAY_DISCOUNT_ALL, !won->sku && !won->service);
    see(taking, PLAY_DISCOUNT_LEVELS, fitting > 1);
}

static bool limits_before_coupons(const struct contract *contract)
{
    for (size_t i = 0; i < contract->stage_count; i++)
        if (contract->stages[i] == CONTRACT_LIMITS || contract->stages[i] == CONTRACT_COUPONS)
            return contract->stages[i] == CONTRACT_LIMITS;
    return false;
}

static void see_coupon(struct taking *taking, const struct charge *charge, const struct holding *holding)
{
    const struct coupon_terms *coupon = holding->offer->coupon;
    see(taking, PLAY_COUPON_AMOUNT, coupon->amount.pico != 0);
    see(taking, PLAY_COUPON_RATE, coupon->rate.pico != 0);
    see(taking, PLAY_COUPON_MAXIMUM, coupon->maximum.pico != 0);
    see(taking, PLAY_COUPON_MINIMUM_SPEND, coupon->minimum_spend.pico != 0);
    see(taking, PLAY_COUPON_SKUS, coupon->sku_count != 0);
    see(taking, PLAY_COUPON_SERVICES, coupon->service_count != 0);
    see(taking, PLAY_COUPON_ENDED, holding->to < taking->usage->period_end);
    see(taking, PLAY_COUPON_OF_FEE, charge->price == 0);
    see(taking, PLAY_COUPON_LIMITED, limits_before_coupons(taking->terms->contract));
}

static void see_fee(struct taking *taking, const struct charge *charge, const struct holding *holding)
{
    const struct subscription_terms *fee = holding->offer->subscription;
    const int128 whole = (int128)holding->quantity * fee->price.pico;
    const bool part = charge->tier == 0 && whole && charge->billed_cost.pico % whole != 0;
    see(taking, PLAY_FEE_PERIOD, !fee->months && !fee->days);
    see(taking, PLAY_FEE_WEEK, fee->days == 7);
    see(taking, PLAY_FEE_MONTH, fee->months == 1);
    see(taking, PLAY_FEE_QUARTER, fee->months == 3);
    see(taking, PLAY_FEE_YEAR, fee->months == 12);
    see(taking, fee->in_arrears ? PLAY_FEE_IN_ARREARS : PLAY_FEE_IN_ADVANCE, true);
    see(taking, fee->in_arrears ? PLAY_FEE_IN_ARREARS_PART : PLAY_FEE_IN_ADVANCE_PART, part);
    see(taking, PLAY_FEE_EARLIER, charge->tier == 1);
    see(taking, PLAY_FEE_PRORATION + (int)fee->proration, fee->proration == FEE_WHOLE || part);
    see(taking, PLAY_FEE_STARTED_OLD, fee->started_is_old && part);
}

static void see_limit(struct taking *taking, const struct charge *charge)
{
    const size_t place = (size_t)charge->deduction - 1;
    const struct contract_limit *limit = &taking->terms->contract->limits[place];
    const bool all = limit->service_count == 0;
    if (charge->stage == STAGE_ACCOUNT_MINIMUM) see(taking, all ? PLAY_MINIMUM_ALL : PLAY_MINIMUM_SERVICE, true);
    if (charge->stage == STAGE_ACCOUNT_MAXIMUM) see(taking, all ? PLAY_MAXIMUM_ALL : PLAY_MAXIMUM_SERVICE, true);
    if (charge->stage != STAGE_TRUE_UP) return;
    see(taking, all ? PLAY_TRUE_UP_ALL : PLAY_TRUE_UP_SERVICE, true);
    see(taking, PLAY_TRUE_UP_MONTHS, taking->usage->earlier[place].pico != 0);
}

// Uses what earlier periods left.
static void see_lasting(struct taking *taking, const struct charge *charge)
{
    const struct used_before *before = usage_used_before(taking->usage, charge->deduction);
    const bool used = before->units.nano || before->billed.pico;
    see(taking, PLAY_LASTING_PACKAGE, used && charge->stage == STAGE_PACKAGE);
    see(taking, PLAY_LASTING_COUPON, used && charge->stage == STAGE_COUPON);
    see(taking, PLAY_LASTING_PREPAYMENT, used && charge->stage == STAGE_PREPAID);
}

static void see_charge(struct taking *taking, const struct charge *charge)
{
    const struct holding *holding =
        charge_of_holding(charge->stage) ? catalogue_holding_number(taking->catalogue, charge->deduction) : NULL;
    taking->seen[charge->stage] = true;
    if (charge_of_price(charge->stage) && charge->deduction) see_discount(taking, charge);
    see(taking, PLAY_PER_EVENT, catalogue_price_number(taking->catalogue, charge->price)->per_event);
    if (charge->stage == STAGE_PACKAGE) see(taking, PLAY_PACKAGE_FREE, holding->offer->package->price.pico == 0);
    if (charge->stage == STAGE_COUPON) see_coupon(taking, charge, holding);
    if (charge->stage == STAGE_FEE || charge->stage == STAGE_FEE_REFUND) see_fee(taking, charge, holding);
    if (charge_uses_holding(charge->stage)) see_lasting(taking, charge);
    if (charge_of_limit(charge->stage)) see_limit(taking, charge);
    if (charge->stage != STAGE_COVERED) return;
    const bool plan = (size_t)charge->deduction > taking->terms->contract->reservation_count;
    see(taking, plan ? PLAY_SAVINGS_PLAN : PLAY_RESERVATION, true);
}

void random_play_take(struct random_plays *plays, const struct catalogue *catalogue, const struct agreement *terms,
                      const struct account_usage *usage, const struct rated *rated)
{
    struct taking taking = {.catalogue = catalogue, .terms = terms, .usage = usage};
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        if (charge->quantity.nano || charge->billed_cost.pico || charge->effective_cost.pico)
            see_charge(&taking, charge);
    }
    for (int play = 0; play < PLAY_COUNT; play++)
        plays->months[play] += taking.seen[play];
}
