// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/price_model.h"

#include <string.h>

const struct price_form price_forms[PRICE_MODEL_COUNT] = {
    [PRICE_PER_UNIT] = {.name = "per_unit", .price = true},
    [PRICE_GRADUATED] = {.name = "graduated", .shared = true, .tiers = true},
};

bool price_model_find(const char *name, enum price_model *model)
{
    for (int i = 0; i < PRICE_MODEL_COUNT; i++) {
        if (strcmp(price_forms[i].name, name) != 0) continue;
        *model = (enum price_model)i;
        return true;
    }
    return false;
}
