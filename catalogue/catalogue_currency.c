// SPDX-License-Identifier: Apache-2.0
// Virtual currencies of a catalogue: tokens and credits that price books may be in. Their places never change.
#include <stdio.h>
#include <string.h>

#include "catalogue/catalogue_internal.h"

int virtual_currency_order(const void *a, const void *b)
{
    const struct virtual_currency_row *x = a, *y = b;
    int order = strcmp(text_or_empty(x->code), text_or_empty(y->code));
    return order ? order : COMPARE(x->version, y->version);
}

static enum err check_row(const struct virtual_currency_row *row, struct fault *fault)
{
    if (!row->code || !currency_virtual_code(row->code))
        return row_fault(fault, "virtual_currency", row->code, "not a code of a virtual currency");
    if (row->places < 0 || row->places > AMOUNT_PLACES)
        return row_fault(fault, "virtual_currency", row->code, "it has %d places", row->places);
    return ERR_OK;
}

static uint32_t currency_index(const struct catalogue *catalogue, const char *code)
{
    const struct lookup *codes = &catalogue->currency_codes;
    for (struct lookup_walk walk = lookup_start(codes, lookup_hash_text(slice_of(code))); lookup_step(codes, &walk);)
        if (strcmp(catalogue->currencies[walk.index].code, code) == 0) return walk.index;
    return NO_INDEX;
}

// A further row of a code only gives it another name.
static enum err take_row(struct catalogue *catalogue, const struct virtual_currency_row *row, struct fault *fault)
{
    const uint32_t before = currency_index(catalogue, row->code);
    if (before != NO_INDEX && catalogue->currencies[before].minor_places != row->places)
        return row_fault(fault, "virtual_currency", row->code, "its places never change");
    if (before != NO_INDEX) return ERR_OK;
    struct currency *currency = &catalogue->currencies[catalogue->currency_count];
    *currency = (struct currency){.minor_places = row->places};
    snprintf(currency->code, sizeof currency->code, "%s", row->code);
    lookup_add(&catalogue->currency_codes, lookup_hash_text(slice_of(row->code)), catalogue->currency_count++);
    return ERR_OK;
}

enum err catalogue_build_currencies(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct virtual_currency_row *row = rows->currencies.row;
    const size_t count = rows->currencies.count;
    rows_sort(row, count, sizeof *row, virtual_currency_order);
    catalogue->currencies = ARENA_ARRAY(catalogue->arena, struct currency, count);
    lookup_init(&catalogue->currency_codes, catalogue->arena, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = check_row(&row[i], fault);
        if (!err) err = take_row(catalogue, &row[i], fault);
        if (err) return err;
    }
    return ERR_OK;
}

enum err catalogue_currency(const struct catalogue *catalogue, const char *code, struct currency *currency,
                            struct fault *fault)
{
    if (!currency_virtual_code(code)) return currency_find(code, currency, fault);
    const uint32_t index = currency_index(catalogue, code);
    if (index == NO_INDEX)
        return fault_set(fault, ERR_INVALID, NULL, "virtual_currencies has none of this code");
    *currency = catalogue->currencies[index];
    return ERR_OK;
}
