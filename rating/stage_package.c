// SPDX-License-Identifier: Apache-2.0
// Usage packages: units that were paid for before are taken out of the usage before it is priced, in time order, from
// the package that ends soonest. They are charges that bill nothing; what the package cost falls on them by quantity,
// and what was not used stays visible. A quota is of a period, or of all the time that the package is held: then what
// earlier periods used of it is gone. Pure.
#include <stdlib.h>
#include <string.h>

#include "rating/stage.h"

struct pack {
    const struct holding *holding;
    const struct package_terms *terms;
    struct quantity quota, left;
    struct amount price, spread; // of all that are held, and what of it fell on usage (of earlier periods, too, if it lasts)
};

// Some units of one item that a package paid for.
struct cover {
    const struct pack *pack;
    struct price_item item; // tenant and dimension set are zero if its price is shared
};

struct packing {
    struct stage_work *work;
    struct pack *packs;
    size_t pack_count;
    struct cover *covers;
    size_t cover_count, cover_capacity;
};

// --- which packages

static int pack_order(const void *left, const void *right)
{
    const struct holding *a = ((const struct pack *)left)->holding, *b = ((const struct pack *)right)->holding;
    if (a->to != b->to) return a->to < b->to ? -1 : 1;
    return strcmp(a->id, b->id);
}

static enum err add_pack(struct packing *packing, const struct holding *holding)
{
    struct pack *pack = &packing->packs[packing->pack_count++];
    const struct package_terms *terms = holding->offer->package;
    *pack = (struct pack){.holding = holding, .terms = terms};
    if (decimal_mul_div(terms->quantity.nano, holding->quantity, 1, ROUND_DOWN, &pack->quota.nano) ||
        decimal_mul_div(terms->price.pico, holding->quantity, 1, ROUND_DOWN, &pack->price.pico))
        return fault_set(packing->work->fault, ERR_LIMIT, "", "holding %s: its packages leave the range of exact numbers",
                         holding->id);
    pack->left = pack->quota;
    if (!terms->lasts) return ERR_OK;
    const struct used_before *before = usage_used_before(packing->work->usage, holding->number);
    pack->left.nano = before->units.nano < pack->quota.nano ? pack->quota.nano - before->units.nano : 0;
    pack->spread = before->effective;
    return ERR_OK;
}

static enum err find_packs(struct packing *packing)
{
    const struct stage_work *work = packing->work;
    size_t count;
    const struct holding *holdings = catalogue_holdings(work->catalogue, work->usage->account, &count);
    enum err err = ERR_OK;
    packing->packs = ARENA_ARRAY(work->arena, struct pack, count + 1);
    for (size_t i = 0; i < count && !err; i++)
        if (holdings[i].offer->kind == OFFER_PACKAGE && holdings[i].from < work->usage->period_end &&
            holdings[i].to > work->usage->period_start)
            err = add_pack(packing, &holdings[i]);
    if (packing->pack_count > 1) qsort(packing->packs, packing->pack_count, sizeof *packing->packs, pack_order);
    return err;
}

// --- taking units, in an order that no internal number decides

struct usable {
    struct price_item *item;
    const char *sku, *tenant, *dimensions;
};

static int usable_order(const void *left, const void *right)
{
    const struct usable *a = left, *b = right;
    if (a->item->segment != b->item->segment) return a->item->segment < b->item->segment ? -1 : 1;
    int order = strcmp(a->sku, b->sku);
    if (!order) order = strcmp(a->tenant, b->tenant);
    return order ? order : strcmp(a->dimensions, b->dimensions);
}

static bool fits(const struct pack *pack, const struct price_item *item)
{
    if (item->price->times) return false; // its units are not those of the meter
    if (item->segment < pack->holding->from || item->segment >= pack->holding->to) return false;
    for (size_t i = 0; i < pack->terms->sku_count; i++)
        if (pack->terms->skus[i]->number == item->sku) return true;
    return false;
}

static void take(struct packing *packing, struct pack *pack, struct price_item *item)
{
    struct quantity open = quantity_compare(item->open, item->quantity) < 0 ? item->open : item->quantity;
    struct quantity part = quantity_compare(open, pack->left) < 0 ? open : pack->left;
    if (part.nano == 0) return;
    item->open.nano -= part.nano;
    item->quantity.nano -= part.nano;
    pack->left.nano -= part.nano;
    packing->covers = arena_grow(packing->work->arena, packing->covers, sizeof *packing->covers, packing->cover_count,
                                 &packing->cover_capacity);
    struct cover *cover = &packing->covers[packing->cover_count++];
    *cover = (struct cover){pack, *item};
    cover->item.quantity = part;
    cover->item.segment = 0;
    if (!price_forms[item->price->model].shared) return;
    cover->item.tenant = 0;
    cover->item.dimension_set = (struct hash128){0, 0};
    cover->item.list = NULL;
}

static void take_units(struct packing *packing)
{
    const struct stage_work *work = packing->work;
    struct usable *usables = ARENA_ARRAY(work->arena, struct usable, work->item_count + 1);
    size_t count = 0;
    for (size_t i = 0; i < work->item_count; i++) {
        struct price_item *item = &work->items[i];
        if (item->open.nano == 0) continue;
        const struct tenant *tenant = catalogue_tenant_number(work->catalogue, item->tenant);
        const struct usage_dimension *set = usage_dimension_find(work->usage, item->dimension_set);
        usables[count++] = (struct usable){item, catalogue_sku_number(work->catalogue, item->sku)->id,
                                           tenant ? tenant->id : "", set && set->text ? set->text : ""};
    }
    if (count) qsort(usables, count, sizeof *usables, usable_order);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < packing->pack_count && usables[i].item->open.nano != 0; p++)
            if (fits(&packing->packs[p], usables[i].item)) take(packing, &packing->packs[p], usables[i].item);
}

// --- charges

static int64_t number_of(const struct price_version *price)
{
    return price ? price->number : 0;
}

static int key_order(const struct cover *a, const struct cover *b)
{
    if (a->pack != b->pack) return a->pack < b->pack ? -1 : 1;
    if (a->item.tenant != b->item.tenant) return a->item.tenant < b->item.tenant ? -1 : 1;
    if (a->item.sku != b->item.sku) return a->item.sku < b->item.sku ? -1 : 1;
    if (a->item.price != b->item.price) return number_of(a->item.price) < number_of(b->item.price) ? -1 : 1;
    return hash128_compare(a->item.dimension_set, b->item.dimension_set);
}

static int cover_order(const void *left, const void *right)
{
    const struct cover *a = left, *b = right;
    int order = key_order(a, b);
    if (order) return order;
    return (number_of(a->item.list) > number_of(b->item.list)) - (number_of(a->item.list) < number_of(b->item.list));
}

// What the units would have cost at list prices: added per list price version, each product rounded once. False: one has none.
static enum err list_cost(const struct charge_list *charges, const struct cover *covers, size_t count,
                          struct amount *cost, bool *listed)
{
    *cost = AMOUNT_ZERO;
    *listed = true;
    for (size_t i = 0; i < count;) {
        const struct price_version *list = covers[i].item.list;
        struct quantity part = QUANTITY_ZERO;
        struct amount product;
        for (; i < count && covers[i].item.list == list; i++)
            if (quantity_add(part, covers[i].item.quantity, &part)) return ERR_LIMIT;
        if (!list || price_climbs[list->model]) {
            *listed = false;
            return ERR_OK;
        }
        if (charge_list_cost(charges, part, list->price, list->per, AMOUNT_ZERO, &product)) return ERR_LIMIT;
        if (amount_add(*cost, product, cost)) return ERR_LIMIT;
    }
    return ERR_OK;
}

// All covers of one key. Units of a shared price have no price of their own: they are shown at what the package cost.
static enum err charge_covers(struct packing *packing, const struct cover *covers, size_t count)
{
    struct pack *pack = &packing->packs[covers->pack - packing->packs];
    const struct price_item *item = &covers->item;
    struct charge_list *charges = packing->work->charges;
    struct charge charge = {.tenant = item->tenant, .sku = item->sku, .price = item->price->number,
                            .dimension_set = item->dimension_set, .stage = STAGE_PACKAGE,
                            .deduction = pack->holding->number};
    bool listed;
    for (size_t i = 0; i < count; i++)
        if (quantity_add(charge.quantity, covers[i].item.quantity, &charge.quantity)) return ERR_LIMIT;
    if (decimal_mul_div(pack->price.pico, charge.quantity.nano, pack->quota.nano, ROUND_DOWN,
                        &charge.effective_cost.pico))
        return ERR_LIMIT;
    pack->spread.pico += charge.effective_cost.pico;
    charge.list_cost = charge.contracted_cost = charge.effective_cost;
    if (!price_forms[item->price->model].shared) {
        const struct price_version *price = item->price;
        if (charge_list_cost(charges, charge.quantity, price->price, price->per, AMOUNT_ZERO, &charge.contracted_cost))
            return ERR_LIMIT;
        if (list_cost(charges, covers, count, &charge.list_cost, &listed)) return ERR_LIMIT;
        if (!listed) charge.list_cost = charge.contracted_cost;
    }
    *charge_list_add(charges) = charge;
    return ERR_OK;
}

static enum err charge_units(struct packing *packing)
{
    struct cover *covers = packing->covers;
    if (packing->cover_count) qsort(covers, packing->cover_count, sizeof *covers, cover_order);
    for (size_t from = 0, to; from < packing->cover_count; from = to) {
        for (to = from + 1; to < packing->cover_count && key_order(&covers[from], &covers[to]) == 0;)
            to++;
        const struct price_item *item = &covers[from].item;
        if (charge_covers(packing, &covers[from], to - from))
            return charge_limit_fault(packing->work->catalogue, item->tenant, item->sku, packing->work->fault);
    }
    return ERR_OK;
}

// Is its price paid in this period, and does its quota end in it?
static void paid_and_over(const struct pack *pack, const struct account_usage *usage, bool *paid, bool *over)
{
    const struct holding *holding = pack->holding;
    instant_us begins = holding->from > usage->period_start ? holding->from : usage->period_start;
    bool lasts = pack->terms->lasts;
    *paid = begins < usage->due && (!lasts || holding->from >= usage->period_start);
    *over = lasts ? holding->to <= usage->due : *paid;
}

// What the packages cost in this period, and what of it fell on no usage.
static void charge_prices(struct packing *packing)
{
    const struct account_usage *usage = packing->work->usage;
    for (size_t i = 0; i < packing->pack_count; i++) {
        const struct pack *pack = &packing->packs[i];
        bool paid, over;
        paid_and_over(pack, usage, &paid, &over);
        if (pack->price.pico == 0) continue;
        struct charge charge = {.sku = pack->terms->booked->number, .stage = STAGE_BOUGHT,
                                .deduction = pack->holding->number};
        charge.quantity.nano = (int128)pack->holding->quantity * 1000000000;
        charge.list_cost = charge.contracted_cost = charge.billed_cost = pack->price;
        if (paid) *charge_list_add(packing->work->charges) = charge;
        if (!over || (pack->left.nano == 0 && pack->spread.pico == pack->price.pico)) continue;
        charge.stage = STAGE_LEFT;
        charge.quantity = pack->left;
        charge.list_cost = charge.contracted_cost = charge.billed_cost = AMOUNT_ZERO;
        charge.effective_cost.pico = pack->price.pico - pack->spread.pico;
        *charge_list_add(packing->work->charges) = charge;
    }
}

enum err stage_package_run(struct stage_work *work)
{
    struct packing packing = {.work = work};
    enum err err = find_packs(&packing);
    if (err || packing.pack_count == 0) return err;
    take_units(&packing);
    err = charge_units(&packing);
    if (!err) charge_prices(&packing);
    return err;
}
