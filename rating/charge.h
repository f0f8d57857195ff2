// SPDX-License-Identifier: Apache-2.0
// F(account, period, usage): all charges of an account's period to date (rules 6.1). Pure: values in, values out; the same
// for settlement, live spend, close and explanation. Which usage is "to date" was decided by the loader (a cut, or now).
#pragma once
#include "rating/usage.h"

// In the database. MINIMUM: what a minimum duration or whole increments add to runs; FREE: units that a price gives free; MINIMUM_SPEND and
// MAXIMUM_SPEND: what brings the period's charge of a price up or down to these (quantity zero). The others come from the stages of
// the contract (stage.h). COVERED: usage that a reservation or savings plan has paid for (billed 0, effective its amortized share);
// UNUSED: what the period's hours left of one (effective only; tier 0: a reservation, quantity in METER units of a machine of one unit
// of size; tier 1: a plan, quantity is the amount left); PURCHASE: what is paid for one (billed only), tier 0 upfront, 1 hourly.
// UNUSED and PURCHASE are at no price: price 0. PACKAGE: units that a usage package has paid for (billed 0); BOUGHT: what is paid for
// something that the account holds (billed only); LEFT: what of it was not used (effective only; tier 0: a package, tier 1: a prepayment, quantity is the amount left); the last two at no price and of no tenant.
// FEE: a subscription's; tier 0: what is charged in this period, tier 1: what of a fee charged before falls on it (effective only).
// FEE_REFUND: what of a fee is paid back (billed below 0). Both at no price and of no tenant, quantity: intervals of the fee, and parts of them.
// COUPON: what a coupon takes off a charge; ACCOUNT_MAXIMUM: what a limit of the terms does; both below 0 (effective and billed), quantity
// zero, with tenant, SKU, price, tier and dimension set of the charges that they lower. ACCOUNT_MINIMUM: what brings the period up to a
// limit of the terms, TRUE_UP: what the periods of a term are short of its minimum; at no price and of no tenant.
// PREPAYMENT: what is paid for spend before it happens (billed only; at no price and of no tenant), PREPAID: what of a charge was paid so
// (billed below 0; effective: its part of the prepayment's price less that), with the key of the charges that it lowers, as COUPON.
enum charge_stage { STAGE_USAGE = 0, STAGE_MINIMUM = 1, STAGE_FREE = 2, STAGE_MINIMUM_SPEND = 3, STAGE_MAXIMUM_SPEND = 4, STAGE_COVERED = 5, STAGE_UNUSED = 6, STAGE_PURCHASE = 7, STAGE_PACKAGE = 8, STAGE_BOUGHT = 9, STAGE_LEFT = 10,
    STAGE_FEE = 11, STAGE_FEE_REFUND = 12, STAGE_COUPON = 13, STAGE_ACCOUNT_MINIMUM = 14, STAGE_ACCOUNT_MAXIMUM = 15,
    STAGE_TRUE_UP = 16, STAGE_PREPAYMENT = 17, STAGE_PREPAID = 18,
    STAGE_COUNT };
const char *charge_stage_name(enum charge_stage stage); // on documents and in reports
bool charge_of_commitment(enum charge_stage stage);     // of a reservation or savings plan
bool charge_of_holding(enum charge_stage stage);        // of something that the account holds
bool charge_uses_holding(enum charge_stage stage);      // uses up what is held: it counts for later periods, if that lasts (struct used_before)
bool charge_of_limit(enum charge_stage stage);          // of a limit of the terms
bool charge_of_price(enum charge_stage stage);          // what a price charges, not a stage of the contract

// Key (rules 6.2): (agreement, account, period, currency, tenant or 0 = shared, sku, price, tier, dimension set or zero, stage, deduction).
// per_unit prices: one charge per tenant and dimension set, tier 0. All other models: shared by the account's tenants, no dimension
// set; with tiers one charge per tier that is charged, else tier 0.
struct charge {
    int64_t tenant; // 0: shared
    int32_t sku;
    int64_t price;  // price version number
    int tier;
    struct hash128 dimension_set;
    enum charge_stage stage;
    int64_t deduction; // of what a price charges: place of the discount among the contract's, from 1; 0: none. COVERED, UNUSED and
                       // PURCHASE: place of the reservation, or number of reservations + place of the plan (contract_commitment.h). PACKAGE, BOUGHT, LEFT, FEE, FEE_REFUND, COUPON, PREPAYMENT and PREPAID: number of the holding.
                       // ACCOUNT_MINIMUM, ACCOUNT_MAXIMUM and TRUE_UP: place of the limit among the contract's, from 1
    struct quantity quantity;  // meter units
    struct amount list_cost, contracted_cost, effective_cost, billed_cost; // at 1e-12, each product rounded half-up once
};

// What the charge's quantity is counted in.
const char *charge_unit(const struct charge *charge, const struct meter *meter, const struct agreement *agreement);

int charge_order(const void *left, const void *right); // by key, for qsort and merging

// Usage that no price takes, or whose price no rate converts: never dropped in silence. A close refuses while there is any.
struct unpriced { int64_t tenant; int32_t sku; struct hash128 dimension_set; instant_us segment; struct quantity quantity; };

struct rated {
    const struct charge *charges; size_t charge_count;   // sorted by key
    const struct unpriced *unpriced; size_t unpriced_count;
    struct amount total;                                  // sum of billed_cost
};

// Instants inside (start, end) at which the usage of an agreement's period must be split, sorted, so that a segment has one price and
// one set of deductions. Everybody who loads usage for charge_rate asks for them here.
size_t charge_boundaries(const struct catalogue *catalogue, const struct agreement *agreement, instant_us start, instant_us end, struct arena *arena, instant_us **boundaries);

// Rates the usage under the agreement's book and contract. The usage must have been loaded with the boundaries of charge_boundaries; most specific match, unit n in the tier with from < n <= to; shared
// prices run through the period in time order, over all tenants, per (book, sku, match): docs/pricing.md. list_cost: at the last parent of the book when it prices the
// SKU per unit, else the contracted cost. Prices in another currency are converted at the rate of the period's start (docs/currencies.md). ERR_LIMIT names tenant and meter: an amount leaves the range, or the kept events
// behind a price with per_event are not all that was used.
enum err charge_rate(const struct catalogue *catalogue, const struct agreement *agreement, const struct account_usage *usage, struct arena *arena, struct rated *rated, struct fault *fault) MUST_USE;

// Does what an earlier period was billed under this SKU and stage count for the minimum of a term?
struct contract_limit;
bool charge_counts_for_term(const struct contract_limit *limit, const struct sku *sku, enum charge_stage stage);

// The tenants' share of every charge: shared ones are split by the quantity that each tenant has under the same SKU and price match in the
// period to date, largest remainder at 1e-12, ties by tenant id order. Sums to the charges exactly; in the order of the charges. What has neither tenant nor price is nobody's share.
struct tenant_share { int64_t tenant; size_t charge; struct quantity quantity; struct amount billed_cost; };
enum err charge_share(const struct catalogue *catalogue, const struct agreement *agreement, const struct account_usage *usage, const struct rated *rated, struct arena *arena, const struct tenant_share **shares, size_t *count, struct fault *fault) MUST_USE;
// The shares of the charge with this key (as charge_order compares), which stand together; NULL and 0 if there is no such charge. O(log n).
const struct tenant_share *charge_shares_of(const struct rated *rated, const struct tenant_share *shares, size_t share_count, const struct charge *key, size_t *count);
