// SPDX-License-Identifier: Apache-2.0
// Who of the account's tenants owes which part of a shared charge (rules 6.1): by the quantity each has under the same SKU and price
// match in the period to date, largest remainder, ties by tenant id. Pure; frozen only in documents.
#include <stdlib.h>
#include <string.h>

#include "rating/price.h"

// What one tenant used under one ladder (book, SKU, match).
struct weight {
    const struct price_version *price;
    int64_t tenant;
    const char *tenant_id;
    struct hash128 dimension_set;
    struct quantity quantity; // as the price charges it
    struct quantity used;     // in meter units: of this tenant, dimension set and price up to here
};

static int weight_order(const void *left, const void *right)
{
    const struct weight *a = left, *b = right;
    int order = price_ladder_order(a->price, b->price);
    return order ? order : strcmp(a->tenant_id, b->tenant_id);
}

// What a price counts of a line's quantity, after the weights before it of the same tenant, dimension set and price.
static enum err weigh(const struct weight *weights, size_t count, const struct dimension_set *dimensions, struct quantity quantity, struct weight *weight)
{
    struct quantity before = QUANTITY_ZERO;
    for (size_t i = count; weights && weight->price->times && i-- > 0;) {
        if (weights[i].tenant != weight->tenant || !hash128_equal(weights[i].dimension_set, weight->dimension_set)) break;
        if (weights[i].price != weight->price) continue;
        before = weights[i].used;
        break;
    }
    enum err err = quantity_add(before, quantity, &weight->used);
    return err ? err : price_units(weight->price, dimensions, before, weight->used, &weight->quantity);
}

// One weight per line and SKU with a shared price.
static size_t collect(const struct catalogue *catalogue, const struct agreement *agreement, const struct account_usage *usage, struct weight *weights)
{
    size_t count = 0;
    for (size_t i = 0; i < usage->line_count; i++) {
        const struct usage_line *line = &usage->lines[i];
        const struct usage_dimension *dimension = usage_dimension_find(usage, line->dimension_set);
        const struct tenant *tenant = catalogue_tenant_number(catalogue, line->tenant);
        size_t sku_count;
        const struct sku *const *skus = catalogue_skus_of_meter(catalogue, line->meter, &sku_count);
        for (size_t s = 0; s < sku_count && dimension && tenant && line->kind == USAGE_QUANTITY; s++) {
            const struct price_version *price = catalogue_price(catalogue, agreement->book, skus[s]->number, &dimension->set, line->segment);
            struct weight weight = {.price = price, .tenant = line->tenant, .tenant_id = tenant->id, .dimension_set = line->dimension_set};
            if (!price || !price_forms[price->model].shared || weigh(weights, count, &dimension->set, line->quantity, &weight)) continue;
            if (weights) weights[count] = weight;
            count++;
        }
    }
    return count;
}

static enum err merge(struct weight *weights, size_t *count)
{
    size_t kept = 0;
    if (*count) qsort(weights, *count, sizeof *weights, weight_order);
    for (size_t i = 0; i < *count; i++) {
        if (kept && weight_order(&weights[kept - 1], &weights[i]) == 0) {
            if (quantity_add(weights[kept - 1].quantity, weights[i].quantity, &weights[kept - 1].quantity)) return ERR_LIMIT;
        } else {
            weights[kept++] = weights[i];
        }
    }
    *count = kept;
    return ERR_OK;
}

struct share_list { struct tenant_share *shares; size_t count, capacity; struct arena *arena; };

static void add_share(struct share_list *list, struct tenant_share share)
{
    list->shares = arena_grow(list->arena, list->shares, sizeof share, list->count, &list->capacity);
    list->shares[list->count++] = share;
}

static enum err split(const struct charge *charge, size_t index, const struct weight *weights, size_t count, struct share_list *list)
{
    int128 *parts = ARENA_ARRAY(list->arena, int128, count * 3);
    int128 *quantities = parts + count, *costs = quantities + count;
    int128 whole = 0;
    for (size_t i = 0; i < count; i++) whole |= parts[i] = weights[i].quantity.nano;
    for (size_t i = 0; i < count && !whole; i++) parts[i] = 1; // events of nothing owe their fees, in equal parts
    enum err err = decimal_allocate(charge->quantity.nano, 1, parts, count, quantities);
    if (!err) err = decimal_allocate(charge->billed_cost.pico, 1, parts, count, costs);
    for (size_t i = 0; i < count && !err; i++)
        add_share(list, (struct tenant_share){weights[i].tenant, index, {quantities[i]}, {costs[i]}});
    return err;
}

// The weights of the price's ladder, which stand together.
static const struct weight *ladder_weights(const struct weight *weights, size_t count, const struct price_version *price, size_t *found)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (price_ladder_order(weights[middle].price, price) < 0) low = middle + 1;
        else high = middle;
    }
    for (high = low; high < count && price_ladder_order(weights[high].price, price) == 0;) high++;
    *found = high - low;
    return weights + low;
}

enum err charge_share(const struct catalogue *catalogue, const struct agreement *agreement, const struct account_usage *usage, const struct rated *rated,
                      struct arena *arena, const struct tenant_share **shares, size_t *count, struct fault *fault)
{
    size_t weight_count = collect(catalogue, agreement, usage, NULL);
    struct weight *weights = ARENA_ARRAY(arena, struct weight, weight_count + 1);
    struct share_list list = {.arena = arena};
    collect(catalogue, agreement, usage, weights);
    if (merge(weights, &weight_count)) return fault_set(fault, ERR_LIMIT, "", "the quantities of a shared price leave the range of exact numbers");
    for (size_t i = 0; i < rated->charge_count; i++) {
        const struct charge *charge = &rated->charges[i];
        const struct price_version *price = catalogue_price_number(catalogue, charge->price);
        if (charge->tenant != 0) {
            add_share(&list, (struct tenant_share){charge->tenant, i, charge->quantity, charge->billed_cost});
            continue;
        }
        if (charge->price == 0) continue; // bought for the account as a whole
        size_t found = 0;
        const struct weight *mine = price ? ladder_weights(weights, weight_count, price, &found) : NULL;
        if (!found) return fault_set(fault, ERR_BUG, "", "shared charge of price %lld has no usage behind it", (long long)charge->price);
        enum err err = split(charge, i, mine, found, &list);
        if (err) return fault_set(fault, err, "", "a shared charge of price %lld cannot be split", (long long)charge->price);
    }
    *shares = list.shares;
    *count = list.count;
    return ERR_OK;
}

const struct tenant_share *charge_shares_of(const struct rated *rated, const struct tenant_share *shares, size_t share_count, const struct charge *key, size_t *count)
{
    *count = 0;
    const struct charge *charge = rated->charge_count ? bsearch(key, rated->charges, rated->charge_count, sizeof *charge, charge_order) : NULL;
    if (!charge) return NULL;
    size_t wanted = (size_t)(charge - rated->charges), low = 0, high = share_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (shares[middle].charge < wanted) low = middle + 1;
        else high = middle;
    }
    while (low + *count < share_count && shares[low + *count].charge == wanted) (*count)++;
    return *count ? shares + low : NULL;
}
