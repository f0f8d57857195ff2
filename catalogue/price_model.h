// SPDX-License-Identifier: Apache-2.0
// What the catalogue knows of each price model: one row per model. Reading, checking, loading and writing prices look
// here; how a model computes is one file each in rating/ (price_table.c lists them).
#pragma once
#include "catalogue/catalogue.h"

struct price_form {
    const char *name; // in files, in the database and on documents
    bool shared;      // the account's tenants move through it together; false: each tenant and dimension set for itself
    bool price, tiers;     // which of the two it has
    const char *price_key; // how files call that price
    bool tier_prices;      // its tiers may have unit prices; else only flat amounts
    bool fixed;            // it may have a fixed part
    bool once;             // its price is for the period, not for a unit
    bool money;            // its meter counts money of the book's currency, and price, a factor, is 1 if not given
};
extern const struct price_form price_forms[PRICE_MODEL_COUNT];

// Whether usage under the window is told by day, so that a price may count days.
bool price_daily_window(enum evaluation_window window) MUST_USE;
// The model of that name; false: there is none. Pure.
bool price_model_find(const char *name, enum price_model *model) MUST_USE;
