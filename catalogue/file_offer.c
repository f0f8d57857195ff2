// SPDX-License-Identifier: Apache-2.0
// Reads offers and holdings. The terms of an offer stand under the name of its kind and are read by that kind.
#include <string.h>

#include "catalogue/offer_kind.h"

enum { HOLDING_QUANTITY_MAX = 1000000 };

// --- offers

static void read_terms(struct file_errors *errors, const struct file_field *kind, struct file_offer *offer)
{
    struct text terms = {0};
    struct json_writer json;
    struct offer_reading reading = {
        .errors = errors, .terms = kind->value, .offer = offer, .json = &json};
    json_begin(&json, &terms);
    json_object_open(&json);
    offer_forms[offer->row.kind].read(&reading);
    json_object_close(&json);
    offer->row.terms = arena_text(errors->arena, terms.data, terms.length);
    offer->kind_node = kind->key;
    text_free(&terms);
}

static void read_kind(struct file_errors *errors, const struct yaml_node *item, const struct file_field *kinds,
                      struct file_offer *offer)
{
    const struct file_field *found = NULL;
    for (int i = 0; i < OFFER_KIND_COUNT; i++) {
        if (!kinds[i].key) continue;
        if (found)
            file_error(errors, kinds[i].key, "an offer is of one kind: it is a %s already", found->name);
        else if (!offer_forms[i].read)
            file_error(errors, kinds[i].key, "offers of the kind %s are not built yet", kinds[i].name);
        else if (!kinds[i].value)
            file_error(errors, kinds[i].key, "%s is a mapping of its terms", kinds[i].name);
        else
            offer->row.kind = (enum offer_kind)i, found = &kinds[i];
    }
    if (found)
        read_terms(errors, found, offer);
    else
        file_error(errors, item, "an offer needs its kind: package: {...}");
}

void file_offer_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, NAME, CURRENCY, KINDS };
    struct file_field fields[KINDS + OFFER_KIND_COUNT] = {
        [ID] = {.name = "id", .required = true}, [NAME] = {.name = "name", .required = true},
        [CURRENCY] = {.name = "currency"}};
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    for (int i = 0; i < OFFER_KIND_COUNT; i++)
        fields[KINDS + i].name = offer_forms[i].name;
    if (!FILE_FIELDS(errors, item, "offer", fields)) return;
    struct file_offer offer = {
        .node = item,
        .row.id = file_id(errors, &fields[ID]),
        .row.name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .row.currency = file_currency_code(errors, &fields[CURRENCY], "an offer"),
    };
    read_kind(errors, item, &fields[KINDS], &offer);
    offer.valid = errors->count == before;
    *ROW_NEW(&files->offers) = offer;
}

// --- holdings

void file_holding_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, ACCOUNT, OFFER, QUANTITY, FROM, TO, ANCHOR };
    struct file_field fields[] = {
        [ID] = {.name = "id", .required = true},       [ACCOUNT] = {.name = "billing_account", .required = true},
        [OFFER] = {.name = "offer", .required = true}, [QUANTITY] = {.name = "quantity"},
        [FROM] = {.name = "from", .required = true},   [TO] = {.name = "to"},
        [ANCHOR] = {.name = "anchor"}};
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "holding", fields)) return;
    struct file_holding holding = {
        .node = item,
        .from_node = fields[FROM].value ? fields[FROM].value : item,
        .to_node = fields[TO].value ? fields[TO].value : item,
        .anchor_node = fields[ANCHOR].value,
        .account = file_reference(errors, &fields[ACCOUNT]),
        .offer = file_reference(errors, &fields[OFFER]),
        .row.id = file_id(errors, &fields[ID]),
        .row.quantity = file_whole(errors, &fields[QUANTITY], 1, HOLDING_QUANTITY_MAX, 1),
        .row.effective_from = file_instant(errors, &fields[FROM], INSTANT_MIN),
        .row.effective_to = file_instant(errors, &fields[TO], INSTANT_NONE),
        .row.anchor = file_instant(errors, &fields[ANCHOR], INSTANT_NONE),
    };
    if (errors->count == before && fields[TO].value && holding.row.effective_to <= holding.row.effective_from)
        file_error(errors, fields[TO].value, "to is after from");
    if (errors->count == before && holding.row.anchor != INSTANT_NONE && holding.row.anchor > holding.row.effective_from)
        file_error(errors, fields[ANCHOR].value, "anchor is not after from");
    holding.valid = errors->count == before;
    *ROW_NEW(&files->holdings) = holding;
}
