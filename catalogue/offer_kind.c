// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/offer_kind.h"

#include <string.h>

enum { OFFER_IDS_MAX = 1000 };

const struct offer_form offer_forms[OFFER_KIND_COUNT] = {
    [OFFER_PACKAGE] = {"package", CONTRACT_PACKAGES, false, offer_package_read, offer_package_build},
    [OFFER_RESERVATION] = {"reservation", CONTRACT_RESERVATIONS, true, NULL, NULL},
    [OFFER_SAVINGS_PLAN] = {"savings_plan", CONTRACT_SAVINGS_PLANS, true, NULL, NULL},
    [OFFER_COUPON] = {"coupon", CONTRACT_COUPONS, false, offer_coupon_read, offer_coupon_build},
    [OFFER_SUBSCRIPTION] = {"subscription", CONTRACT_STAGE_COUNT, false, offer_subscription_read, offer_subscription_build},
    [OFFER_PREPAYMENT] = {"prepayment", CONTRACT_PREPAYMENTS, false, offer_prepayment_read, offer_prepayment_build},
};

bool offer_lasts(const struct offer *offer)
{
    if (offer->kind == OFFER_PACKAGE) return offer->package->lasts;
    if (offer->kind == OFFER_COUPON) return offer->coupon->lasts;
    return offer->kind == OFFER_PREPAYMENT;
}

bool offer_kind_find(const char *name, enum offer_kind *kind)
{
    for (int i = 0; i < OFFER_KIND_COUNT; i++) {
        if (strcmp(offer_forms[i].name, name) != 0) continue;
        *kind = (enum offer_kind)i;
        return true;
    }
    return false;
}

// --- files

void offer_refer(struct offer_reading *reading, enum offer_refers to, const struct yaml_node *node, const char *id)
{
    struct file_offer *offer = reading->offer;
    if (!id) return;
    offer->references = arena_grow(reading->errors->arena, offer->references, sizeof *offer->references,
                                   offer->reference_count, &offer->reference_capacity);
    offer->references[offer->reference_count++] = (struct file_offer_reference){(int)to, {node, id}};
}

static void read_ids(struct offer_reading *reading, const struct file_field *field, enum offer_refers to,
                     const char *thing)
{
    size_t count;
    const char **ids = file_names(reading->errors, field, OFFER_IDS_MAX, true, &count);
    if (field->value && field->value->kind == YAML_SEQUENCE && field->value->count == 0)
        file_error(reading->errors, field->value, "%s names at least one %s", field->name, thing);
    json_name(reading->json, field->name);
    json_array_open(reading->json);
    for (size_t i = 0; i < count; i++) {
        json_write_text(reading->json, ids[i]);
        offer_refer(reading, to, field->value->items[i], ids[i]);
    }
    json_array_close(reading->json);
}

void offer_read_skus(struct offer_reading *reading, const struct file_field *field)
{
    read_ids(reading, field, OFFER_REFERS_SKU, "SKU");
}

void offer_read_services(struct offer_reading *reading, const struct file_field *field)
{
    read_ids(reading, field, OFFER_REFERS_SERVICE, "service");
}

// --- stored form

static enum err wrong(const struct offer *offer, const char *member, struct fault *fault)
{
    return row_fault(fault, "offer", offer->id, "its %s cannot be read", member);
}

enum err offer_get_amount(const struct json_value *terms, const char *member, const struct offer *offer,
                          struct amount *amount, struct fault *fault)
{
    const char *text = json_text(json_member(terms, member), "");
    struct fault inner = {0};
    if (amount_parse(text, strlen(text), amount, &inner)) return wrong(offer, member, fault);
    return amount->pico < 0 ? wrong(offer, member, fault) : ERR_OK;
}

enum err offer_get_quantity(const struct json_value *terms, const char *member, const struct offer *offer,
                            struct quantity *quantity, struct fault *fault)
{
    const char *text = json_text(json_member(terms, member), "");
    struct fault inner = {0};
    if (quantity_parse(text, strlen(text), quantity, &inner)) return wrong(offer, member, fault);
    return quantity->nano < 0 ? wrong(offer, member, fault) : ERR_OK;
}

static enum err find_sku(const struct catalogue *catalogue, const char *id, const struct offer *offer,
                         const struct sku **sku, struct fault *fault)
{
    *sku = id ? catalogue_sku_id(catalogue, slice_of(id)) : NULL;
    return *sku ? ERR_OK : row_fault(fault, "offer", offer->id, "SKU %s does not exist", text_or_empty(id));
}

enum err offer_get_sku(const struct catalogue *catalogue, const struct json_value *terms, const char *member,
                       const struct offer *offer, const struct sku **sku, struct fault *fault)
{
    const char *id = json_text(json_member(terms, member), NULL);
    *sku = NULL;
    return id ? find_sku(catalogue, id, offer, sku, fault) : ERR_OK;
}

enum err offer_get_skus(struct catalogue *catalogue, const struct json_value *terms, const char *member,
                        const struct offer *offer, const struct sku *const **skus, size_t *count, struct fault *fault)
{
    const struct json_value *list = json_member(terms, member);
    const struct sku **found = ARENA_ARRAY(catalogue->arena, const struct sku *, json_length(list) + 1);
    enum err err = ERR_OK;
    *count = json_length(list);
    for (size_t i = 0; i < *count && !err; i++)
        err = find_sku(catalogue, json_text(json_item(list, i), NULL), offer, &found[i], fault);
    *skus = found;
    return err;
}

enum err offer_get_services(struct catalogue *catalogue, const struct json_value *terms, const char *member,
                            const struct offer *offer, const struct service *const **services, size_t *count,
                            struct fault *fault)
{
    const struct json_value *list = json_member(terms, member);
    const struct service **found = ARENA_ARRAY(catalogue->arena, const struct service *, json_length(list) + 1);
    *count = json_length(list);
    for (size_t i = 0; i < *count; i++) {
        const char *id = json_text(json_item(list, i), "");
        if (!(found[i] = catalogue_service_id(catalogue, slice_of(id))))
            return row_fault(fault, "offer", offer->id, "service %s does not exist", id);
    }
    *services = found;
    return ERR_OK;
}
