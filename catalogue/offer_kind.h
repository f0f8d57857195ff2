// SPDX-License-Identifier: Apache-2.0
// What the catalogue knows of each kind of offer: one row per kind. Reading, storing and building offers look here; each
// kind has one file for its terms (offer_package.c ...), and what it does is a stage in rating/.
#pragma once
#include "catalogue/catalogue_internal.h"
#include "catalogue/file_field.h"
#include "catalogue/offer_form.h"
#include "common/json.h"

// The terms of one offer while a file is read: the kind's mapping goes in, members of a JSON object come out. That text
// is what is stored and hashed, so its members have a fixed order and no defaults are left out.
struct offer_reading {
    struct file_errors *errors;
    const struct yaml_node *terms;
    struct file_offer *offer;  // currency; references are added
    struct json_writer *json;  // inside of the object
};
enum offer_refers { OFFER_REFERS_SKU, OFFER_REFERS_SERVICE, OFFER_REFERS_BOOK };

// --- for the kinds
// Remembers that the terms name another thing, for the plan to look for; NULL is fine.
void offer_refer(struct offer_reading *reading, enum offer_refers to, const struct yaml_node *node, const char *id);
// A list of ids as the member of the field's name, all of them references; empty if it is absent.
void offer_read_skus(struct offer_reading *reading, const struct file_field *field);
void offer_read_services(struct offer_reading *reading, const struct file_field *field);
// The stored forms. A text that cannot be read is ERR_INVALID at "offer ID".
enum err offer_get_amount(const struct json_value *terms, const char *member, const struct offer *offer,
                          struct amount *amount, struct fault *fault) MUST_USE;
enum err offer_get_quantity(const struct json_value *terms, const char *member, const struct offer *offer,
                            struct quantity *quantity, struct fault *fault) MUST_USE;
// NULL where the member is absent or null.
enum err offer_get_sku(const struct catalogue *catalogue, const struct json_value *terms, const char *member,
                       const struct offer *offer, const struct sku **sku, struct fault *fault) MUST_USE;
enum err offer_get_skus(struct catalogue *catalogue, const struct json_value *terms, const char *member,
                        const struct offer *offer, const struct sku *const **skus, size_t *count,
                        struct fault *fault) MUST_USE;
enum err offer_get_services(struct catalogue *catalogue, const struct json_value *terms, const char *member,
                            const struct offer *offer, const struct service *const **services, size_t *count,
                            struct fault *fault) MUST_USE;

void offer_coupon_read(struct offer_reading *reading);
enum err offer_coupon_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                            struct fault *fault) MUST_USE;
void offer_package_read(struct offer_reading *reading);
enum err offer_package_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                             struct fault *fault) MUST_USE;

void offer_prepayment_read(struct offer_reading *reading);
enum err offer_prepayment_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                                struct fault *fault) MUST_USE;

void offer_subscription_read(struct offer_reading *reading);
enum err offer_subscription_build(struct catalogue *catalogue, const struct json_value *terms, struct offer *offer,
                                  struct fault *fault) MUST_USE;
