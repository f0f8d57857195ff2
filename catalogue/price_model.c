// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/price_model.h"

#include <string.h>

const struct price_form price_forms[PRICE_MODEL_COUNT] = {
    [PRICE_PER_UNIT] = {.name = "per_unit", .price = true, .price_key = "price"},
    [PRICE_GRADUATED] = {.name = "graduated", .shared = true, .tiers = true, .tier_prices = true},
    [PRICE_VOLUME] = {.name = "volume", .shared = true, .tiers = true, .tier_prices = true},
    [PRICE_PACKAGE] = {.name = "package", .shared = true, .price = true, .price_key = "price"},
    [PRICE_STAIRSTEP] = {.name = "stairstep", .shared = true, .tiers = true},
    [PRICE_PERCENTAGE] = {.name = "percentage", .shared = true, .price = true, .price_key = "rate", .fixed = true},
    [PRICE_FLAT] = {.name = "flat", .shared = true, .price = true, .once = true, .price_key = "price"},
    [PRICE_DYNAMIC] = {.name = "dynamic", .price = true, .price_key = "price", .money = true},
};

const char *const price_daily_names[PRICE_DAILY_COUNT] = {
    [PRICE_DAILY_NONE] = "", [PRICE_DAILY_FULL] = "full", [PRICE_DAILY_SHARE] = "share"};

bool price_daily_window(enum evaluation_window window)
{
    return window == WINDOW_SLOT || window == WINDOW_DAY || window == WINDOW_PERCENTILE_DAYS;
}

bool price_model_find(const char *name, enum price_model *model)
{
    for (int i = 0; i < PRICE_MODEL_COUNT; i++) {
        if (strcmp(price_forms[i].name, name) != 0) continue;
        *model = (enum price_model)i;
        return true;
    }
    return false;
}
