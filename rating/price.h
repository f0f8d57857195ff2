// SPDX-License-Identifier: Apache-2.0
// What charge.c and the price models share: items (one usage line under one SKU and price version) and the list of
// charges that the models append to. Pure.
#pragma once
#include "rating/charge.h"

struct price_item {
    int64_t tenant;
    int32_t sku;
    const struct price_version *price;
    const struct price_version *list; // list price of the same usage; NULL: none
    struct hash128 dimension_set;
    instant_us segment;
    struct quantity quantity;
    enum charge_stage stage;
};

struct charge_list {
    struct charge *charges;
    size_t count, capacity;
    struct arena *arena;
    const struct catalogue *catalogue;
    struct fault *fault;
};
struct charge *charge_list_add(struct charge_list *list); // zeroed; valid until the next call
// ERR_LIMIT that names tenant and meter.
enum err charge_limit_fault(const struct catalogue *catalogue, int64_t tenant, int32_t sku, struct fault *fault) MUST_USE;

// Each model takes the items whose price is of its kind (it may reorder the array) and appends charges.
enum err price_per_unit_rate(struct price_item *items, size_t count, struct charge_list *list) MUST_USE;
enum err price_graduated_rate(struct price_item *items, size_t count, struct charge_list *list) MUST_USE;
