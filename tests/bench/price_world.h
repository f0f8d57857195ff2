// SPDX-License-Identifier: Apache-2.0
// Catalogues and usage that bench_price rates, without a database. One account, PRICE_TENANTS tenants.
#pragma once
#include "catalogue/catalogue_build.h"
#include "catalogue/price_model.h"
#include "rating/charge.h"

enum { PRICE_TENANTS = 20, PRICE_FLAVOURS = 50, PRICE_REGIONS = 4, PRICE_SETS = PRICE_FLAVOURS * PRICE_REGIONS };

struct price_world {
    struct catalogue *catalogue; // catalogue_release
};

// Models that are made here by what their form says: tiers, or one price.
static inline bool price_world_has(enum price_model model)
{
    return price_forms[model].price || price_forms[model].tiers;
}
// A meter and a SKU for each of these, priced by flavour: PRICE_FLAVOURS prices each.
void price_world_models(struct price_world *world);
// Usage of the model's meter: a line for each tenant and dimension set (4,000). Returns the terms.
const struct agreement *price_world_usage(const struct price_world *world, enum price_model model, struct arena *arena,
                                          struct account_usage *usage);
// One price of every event with an allowance, and a million events of all tenants and dimension sets at any time of the
// month.
enum { PRICE_EVENTS = 1000000 };
void price_world_of_events(struct price_world *world);
const struct agreement *price_world_events(const struct price_world *world, struct arena *arena,
                                           struct account_usage *usage);
// So many meters, SKUs and prices, every other one graduated, and so many taxes of SKUs (at most 99); usage of the
// first `used` of them, a line each.
void price_world_wide(struct price_world *world, int prices, int taxes);
const struct agreement *price_world_wide_usage(const struct price_world *world, int used, struct arena *arena,
                                               struct account_usage *usage);
// --- for other worlds
// Rows with a service, book 1 and the party.
void price_world_begin(struct catalogue_rows *rows);
// A sum meter of two dimensions and its SKU, both of this number.
void price_world_add_sku(struct catalogue_rows *rows, int number, const char *unit);
// The account holds one of an offer in USD, from 1970 on.
void price_world_hold(struct catalogue_rows *rows, enum offer_kind kind, const char *offer);
// Makes the catalogue, frees the rows; aborts, with the reason, if they are wrong.
void price_world_build(struct catalogue_rows *rows, struct price_world *world);
// Usage of January 1970 with all dimension sets and room for lines, which are returned.
struct usage_line *price_world_sets(struct arena *arena, size_t lines, struct account_usage *usage);
// Adds the seller, account, terms (book 1) and tenants to rows.
void price_world_party(struct catalogue_rows *rows);
int64_t price_processor_us(void); // of this thread
