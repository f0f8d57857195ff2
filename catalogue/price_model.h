// SPDX-License-Identifier: Apache-2.0
// What the catalogue knows of each price model: one row per model. Reading, checking, loading and writing prices look here;
// how a model computes is one file each in rating/ (price_table.c lists them).
#pragma once
#include "catalogue/catalogue.h"

struct price_form {
    const char *name;  // in files, in the database and on documents
    bool shared;       // the account's tenants move through it together; false: each tenant and dimension set for itself
    bool price, tiers; // which of the two it has
};
extern const struct price_form price_forms[PRICE_MODEL_COUNT];

// The model of that name; false: there is none. Pure.
bool price_model_find(const char *name, enum price_model *model) MUST_USE;
