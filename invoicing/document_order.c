// SPDX-License-Identifier: Apache-2.0
// The order of a document's lines, which also decides who gets the last minor unit when remainders tie. Pure.
#include <stdlib.h>
#include <string.h>

#include "invoicing/document.h"

// A billable with the texts that order it.
struct sortable { struct billable billable; const char *service, *sku, *tenant, *holding; const struct price_version *price; };

static int sortable_order(const void *left, const void *right)
{
    const struct sortable *a = left, *b = right;
    int order = (a->billable.tax_group > b->billable.tax_group) - (a->billable.tax_group < b->billable.tax_group);
    if (!order) order = strcmp(a->service, b->service);
    if (!order) order = strcmp(a->sku, b->sku);
    if (!order) order = strcmp(a->tenant, b->tenant);
    if (!order) order = strcmp(a->price->match_text, b->price->match_text);
    if (!order) order = strcmp(a->price->hours, b->price->hours);
    if (!order) order = (a->price->effective_from > b->price->effective_from) - (a->price->effective_from < b->price->effective_from);
    if (!order) order = (a->billable.charge.tier > b->billable.charge.tier) - (a->billable.charge.tier < b->billable.charge.tier);
    if (!order) order = strcmp(a->billable.dimensions, b->billable.dimensions);
    if (!order) order = (a->billable.charge.stage > b->billable.charge.stage) - (a->billable.charge.stage < b->billable.charge.stage);
    if (!order) order = strcmp(a->holding, b->holding);
    if (!order) order = (a->billable.charge.deduction > b->billable.charge.deduction) - (a->billable.charge.deduction < b->billable.charge.deduction);
    return order ? order : (a->price->number > b->price->number) - (a->price->number < b->price->number);
}

enum err billables_sort(const struct catalogue *catalogue, struct billable *billables, size_t count, struct arena *arena, struct fault *fault)
{
    struct sortable *sortables = ARENA_ARRAY(arena, struct sortable, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct charge *charge = &billables[i].charge;
        const struct sku *sku = catalogue_sku_number(catalogue, charge->sku);
        const struct tenant *tenant = charge->tenant ? catalogue_tenant_number(catalogue, charge->tenant) : NULL;
        const struct price_version *price = catalogue_price_number(catalogue, charge->price);
        if (!sku || !price)
            return fault_set(fault, ERR_BUG, "", "a charge names SKU %d and price %lld, which the catalogue does not have",
                             charge->sku, (long long)charge->price);
        const struct holding *holding = charge_of_holding(charge->stage) ? catalogue_holding_number(catalogue, charge->deduction) : NULL;
        billables[i].tax_group = tax_group_of(billables[i].original->agreement, sku);
        sortables[i] = (struct sortable){billables[i], sku->service->id, sku->id, tenant ? tenant->id : "", holding ? holding->id : "", price};
    }
    if (count) qsort(sortables, count, sizeof *sortables, sortable_order);
    for (size_t i = 0; i < count; i++)
        billables[i] = sortables[i].billable;
    return ERR_OK;
}
