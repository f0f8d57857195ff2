// SPDX-License-Identifier: Apache-2.0
// Offers, and what accounts hold of them. Terms are built by the offer's kind (offer_kind.h).
#include <string.h>

#include "catalogue/offer_kind.h"

// --- offers

static int compare_offers(const void *a, const void *b)
{
    const struct offer_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_offer(const void *a, const void *b)
{
    return ((const struct offer_row *)a)->number == ((const struct offer_row *)b)->number;
}

static enum err build_terms(struct catalogue *catalogue, const struct offer_row *row, struct offer *offer,
                            struct fault *fault)
{
    const struct offer_form *form = &offer_forms[row->kind];
    struct json_document *document;
    struct fault inner = {0};
    if (!form->build) return row_fault(fault, "offer", row->id, "offers of kind %s are not known", form->name);
    if (json_read(row->terms, strlen(row->terms), &document, &inner))
        return row_fault(fault, "offer", row->id, "its terms: %s", inner.reason);
    enum err err = form->build(catalogue, json_root(document), offer, fault);
    json_free(document);
    return err;
}

static enum err build_offers(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct offer_row *row = rows->offers.row;
    struct lookup ids;
    rows_sort(row, rows->offers.count, sizeof *row, compare_offers);
    size_t count = rows->offers.count = rows_keep_newest(row, rows->offers.count, sizeof *row, same_offer);
    catalogue->offers = ARENA_ARRAY(catalogue->arena, struct offer, count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, count);
    lookup_init(&catalogue->offer_numbers, catalogue->arena, count);
    lookup_init(&ids, catalogue->arena, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = row_check_id("offer", row[i].id, row[i].number, fault);
        if (err) return err;
        if (!ids_add(&ids, id_list, i, row[i].id))
            return row_fault(fault, "offer", row[i].id, "two numbers have this id");
        catalogue->offers[i] = (struct offer){.number = row[i].number,
                                              .id = row[i].id,
                                              .name = text_or_empty(row[i].name),
                                              .kind = row[i].kind,
                                              .currency = row[i].currency};
        err = build_terms(catalogue, &row[i], &catalogue->offers[i], fault);
        if (err) return err;
        lookup_add(&catalogue->offer_numbers, lookup_hash_number(row[i].number), i);
    }
    catalogue->offer_count = count;
    return ERR_OK;
}

// --- holdings

static int compare_versions(const void *a, const void *b)
{
    const struct holding_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_holding(const void *a, const void *b)
{
    return ((const struct holding_row *)a)->number == ((const struct holding_row *)b)->number;
}

static int compare_holdings(const void *a, const void *b)
{
    const struct holding *x = a, *y = b;
    return x->account != y->account ? COMPARE(x->account, y->account) : COMPARE(x->number, y->number);
}

static const struct offer *offer_of_number(const struct catalogue *catalogue, int64_t number)
{
    const struct lookup *numbers = &catalogue->offer_numbers;
    for (struct lookup_walk walk = lookup_start(numbers, lookup_hash_number(number)); lookup_step(numbers, &walk);)
        if (catalogue->offers[walk.index].number == number) return &catalogue->offers[walk.index];
    return NULL;
}

static enum err check_holding(const struct catalogue *catalogue, const struct holding *holding, struct fault *fault)
{
    const struct agreement *terms = catalogue_agreement(catalogue, holding->account, holding->from);
    if (!terms) return row_fault(fault, "holding", holding->id, "its account has no agreement");
    if (holding->offer->currency && strcmp(holding->offer->currency, terms->currency.code) != 0)
        return row_fault(fault, "holding", holding->id, "its account is in %s, offer %s in %s", terms->currency.code,
                         holding->offer->id, holding->offer->currency);
    if (holding->quantity <= 0) return row_fault(fault, "holding", holding->id, "its quantity is not above 0");
    if (holding->to <= holding->from) return row_fault(fault, "holding", holding->id, "it ends before it begins");
    if (holding->anchor > holding->from)
        return row_fault(fault, "holding", holding->id, "its anchor is after its begin");
    if (!instant_on_slot_bound(holding->from) || !instant_on_slot_bound(holding->to))
        return row_fault(fault, "holding", holding->id, "it does not begin and end on 15-minute bounds");
    return ERR_OK;
}

static enum err build_holding(const struct catalogue *catalogue, const struct holding_row *row,
                              struct holding *holding, struct fault *fault)
{
    enum err err = row_check_id("holding", row->id, row->number, fault);
    if (err) return err;
    bool open = row->effective_to == INSTANT_NONE || row->effective_to == INSTANT_MAX;
    *holding = (struct holding){.number = row->number,
                                .id = row->id,
                                .version = row->version,
                                .account = row->account,
                                .offer = offer_of_number(catalogue, row->offer),
                                .quantity = row->quantity,
                                .from = row->effective_from,
                                .to = open ? INSTANT_MAX : row->effective_to,
                                .anchor = row->anchor == INSTANT_NONE ? row->effective_from : row->anchor};
    if (!holding->offer)
        return row_fault(fault, "holding", row->id, "offer number %lld does not exist", (long long)row->offer);
    return check_holding(catalogue, holding, fault);
}

static void index_holdings(struct catalogue *catalogue)
{
    size_t count = catalogue->holding_count;
    if (count == 0) return;
    rows_sort(catalogue->holdings, count, sizeof *catalogue->holdings, compare_holdings);
    catalogue->account_holdings = ARENA_ARRAY(catalogue->arena, struct span, catalogue->account_count);
    for (size_t i = 0; i < count; i++) {
        const struct holding *holding = &catalogue->holdings[i];
        struct span *span = &catalogue->account_holdings[catalogue_account_index(catalogue, holding->account)];
        if (span->count++ == 0) span->first = (uint32_t)i;
        lookup_add(&catalogue->holding_numbers, lookup_hash_number(holding->number), i);
    }
}

static enum err build_holdings(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct holding_row *row = rows->holdings.row;
    struct lookup ids;
    rows_sort(row, rows->holdings.count, sizeof *row, compare_versions);
    size_t count = rows->holdings.count = rows_keep_newest(row, rows->holdings.count, sizeof *row, same_holding);
    catalogue->holdings = ARENA_ARRAY(catalogue->arena, struct holding, count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, count);
    lookup_init(&catalogue->holding_numbers, catalogue->arena, count);
    lookup_init(&ids, catalogue->arena, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = build_holding(catalogue, &row[i], &catalogue->holdings[i], fault);
        if (err) return err;
        if (!ids_add(&ids, id_list, i, row[i].id))
            return row_fault(fault, "holding", row[i].id, "two numbers have this id");
    }
    catalogue->holding_count = count;
    index_holdings(catalogue);
    return ERR_OK;
}

enum err catalogue_build_offers(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    enum err err = build_offers(catalogue, rows, fault);
    return err ? err : build_holdings(catalogue, rows, fault);
}

// --- looking up

const struct holding *catalogue_holdings(const struct catalogue *catalogue, int64_t account, size_t *count)
{
    uint32_t index = catalogue->account_holdings ? catalogue_account_index(catalogue, account) : NO_INDEX;
    *count = index == NO_INDEX ? 0 : catalogue->account_holdings[index].count;
    return *count == 0 ? NULL : &catalogue->holdings[catalogue->account_holdings[index].first];
}

const struct holding *catalogue_holding_number(const struct catalogue *catalogue, int64_t number)
{
    const struct lookup *numbers = &catalogue->holding_numbers;
    for (struct lookup_walk walk = lookup_start(numbers, lookup_hash_number(number)); lookup_step(numbers, &walk);)
        if (catalogue->holdings[walk.index].number == number) return &catalogue->holdings[walk.index];
    return NULL;
}

const struct holding *catalogue_all_holdings(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->holding_count;
    return catalogue->holdings;
}
