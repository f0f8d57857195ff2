// SPDX-License-Identifier: Apache-2.0
// What charge.c and the price models share: items (one usage line under one SKU and price version), the climb of a
// shared price, and the list of charges that the models append to. Pure.
#pragma once
#include "catalogue/price_model.h"
#include "catalogue/price_times.h"
#include "rating/charge.h"

struct price_item {
    int64_t tenant;
    int32_t sku;
    const struct price_version *price;
    const struct price_version *list; // list price of the same usage; NULL: none
    struct hash128 dimension_set;
    instant_us segment;
    struct quantity quantity; // as the price charges it (times)
    struct quantity open;     // of it, what stages of units may take
    struct quantity used;     // in meter units: the usage of this tenant, dimension set, price and stage up to here
    enum charge_stage stage;
};

struct charge_list {
    struct charge *charges;
    size_t count, capacity;
    const struct exchange_rate *exchange; // from the prices' currency to the charges'; NULL: they are the same
    struct arena *arena;
    const struct catalogue *catalogue;
    struct fault *fault;
};
struct charge *charge_list_add(struct charge_list *list); // zeroed; valid until the next call
// quantity x price / per + flat, prices' currency, as the charges' currency has it: converted before anything is
// divided, rounded half-up once. ERR_LIMIT.
enum err charge_list_cost(const struct charge_list *list, struct quantity quantity, struct price price,
                          struct quantity per, struct amount flat, struct amount *cost) MUST_USE;
enum err charge_list_flat(const struct charge_list *list, struct amount flat, struct amount *cost) MUST_USE;
// ERR_LIMIT that names tenant and meter.
enum err charge_limit_fault(const struct catalogue *catalogue, int64_t tenant, int32_t sku,
                            struct fault *fault) MUST_USE;

// --- prices that are not shared
// Takes the items whose price is per unit (it may reorder the array) and appends a charge for each key.
enum err price_per_unit_rate(struct price_item *items, size_t count, struct charge_list *list) MUST_USE;

// --- shared prices
// The usage of all tenants of the account under one (SKU, book, match) is a ladder: its versions climb it in time
// order.
// Positions are what was used in the period, in meter units, less the version's free units.
struct price_climb {
    const struct price_version *price;
    struct quantity from, to; // where this version began and ended, from <= to
    struct quantity reached;  // where the whole period has come to; > 0, >= to
    bool last;                // no later version was used: what is due once for the whole period is this one's
};
// A model's charges for what lies between the two positions. ERR_LIMIT: an amount leaves the range; the caller says whose.
typedef enum err price_climb_rate(const struct price_climb *climb, struct charge_list *list);
extern price_climb_rate *const price_climbs[PRICE_MODEL_COUNT]; // NULL: not shared
price_climb_rate price_graduated_climb, price_volume_climb, price_package_climb, price_stairstep_climb,
    price_percentage_climb, price_flat_climb;
// Appends a charge of the climb's price, unless quantity and cost are both zero.
void price_climb_charge(const struct price_climb *climb, size_t tier, struct quantity quantity, struct amount cost,
                        struct charge_list *list);
size_t price_climb_tier(const struct price_climb *climb); // the tier that the whole period has reached

// Takes the items of shared prices (it may reorder the array); each version's model charges its part of the climb.
enum err price_ladder_rate(struct price_item *items, size_t count, struct charge_list *list) MUST_USE;
// Items and weights of one ladder compare as 0.
int price_ladder_order(const struct price_version *a, const struct price_version *b);
