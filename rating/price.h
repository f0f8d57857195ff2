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
    const struct kept_event *events; // of a price with per_event, in time order
    size_t event_count;
};

struct charge_list {
    struct charge *charges;
    size_t count, capacity;
    const struct zone *zone; int64_t days; // of the period: where its days begin, and how many there are
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
// Positions are what was used, in meter units, rounded as the version says, less its free units: in the period, or, if the
// price counts days, on a day.
struct price_way { struct quantity from, to; };
struct price_climb {
    const struct price_version *price;
    struct quantity from, to; // where this version began and ended, from <= to; by days: the greatest day up to there
    struct quantity reached;  // where the whole period (the greatest of its days) has come to; > 0, >= to
    const struct price_way *ways; size_t way_count; // from .. to, or each day's way
    int64_t days;             // what units cost is divided by: the days of the period if the price is for all of them; else 1
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
// What of a climb belongs to a tier: units in METER units, and what its price is multiplied by: the same, or, as a
// number, the blocks that are started.
struct price_part { struct quantity units, charged; };
// Adds a way between two positions, counted from where the tier begins. ERR_LIMIT.
enum err price_part_add(const struct price_tier *tier, struct quantity from, struct quantity to,
                        struct price_part *part) MUST_USE;
// charged x price / per / days of the climb, + flat. ERR_LIMIT.
enum err price_part_cost(const struct price_climb *climb, const struct price_tier *tier, const struct price_part *part,
                         struct amount flat, const struct charge_list *list, struct amount *cost) MUST_USE;
// How many civil days a billing period has.
int64_t price_period_days(const struct zone *zone, instant_us start, instant_us end);
int64_t price_day(const struct zone *zone, instant_us instant); // days since 1970-01-01 on the zone's calendar
// As a number, not at 1e-9: blocks that are started when a climb ends, less those that were when it began. ERR_LIMIT.
enum err price_blocks_started(struct quantity from, struct quantity to, struct quantity block,
                              struct quantity *started) MUST_USE;
size_t price_climb_tier(const struct price_climb *climb); // the tier that the whole period has reached

// How much of the allowance of a price with per_event the events of the period have used so far.
struct price_allowance {
    int64_t events;
    struct quantity amount; // meter units
};
// What the events of some items come to.
struct price_event_sum {
    struct quantity paid, free; // meter units
    struct amount due;          // prices' currency: each event's fee is rounded half-up at 1e-12
};
// Prices the events of items of one version with per_event, none of which is before those that *used counts, in the order
// of (time, id), and goes on counting. ERR_LIMIT.
enum err price_events_rate(const struct price_item *items, size_t count, struct price_allowance *used,
                           struct price_event_sum *sum) MUST_USE;

// Takes the items of shared prices (it may reorder the array); each version's model charges its part of the climb.
enum err price_ladder_rate(struct price_item *items, size_t count, struct charge_list *list) MUST_USE;
// Items and weights of one ladder compare as 0.
int price_ladder_order(const struct price_version *a, const struct price_version *b);
