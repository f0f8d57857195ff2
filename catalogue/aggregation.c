// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/aggregation.h"

#include <string.h>

const struct aggregation_form aggregation_forms[AGGREGATIONS] = {
    [AGGREGATION_SUM] =
        {.name = "sum", .keeping = KEPT_ADDED, .value_needed = true, .value_allowed = true, .worth = true},
    [AGGREGATION_COUNT] = {.name = "count", .keeping = KEPT_ADDED},
    [AGGREGATION_MAX] =
        {.name = "max", .keeping = KEPT_MERGED, .value_needed = true, .value_allowed = true, .window = true},
    [AGGREGATION_LATEST] =
        {.name = "latest", .keeping = KEPT_MERGED, .value_needed = true, .value_allowed = true, .window = true},
    [AGGREGATION_MIN] =
        {.name = "min", .keeping = KEPT_MERGED, .value_needed = true, .value_allowed = true, .window = true},
    [AGGREGATION_AVERAGE] =
        {.name = "average", .keeping = KEPT_MERGED, .value_needed = true, .value_allowed = true, .window = true},
    [AGGREGATION_UNIQUE] =
        {.name = "unique", .keeping = KEPT_MERGED, .value_needed = true, .value_allowed = true, .window = true},
    [AGGREGATION_INTERVAL] =
        {.name = "interval", .keeping = KEPT_TRANSITIONS, .value_allowed = true, .states = true},
};

bool aggregation_find(const char *name, enum aggregation *aggregation)
{
    for (int i = 0; i < AGGREGATIONS; i++) {
        if (strcmp(aggregation_forms[i].name, name) != 0) continue;
        *aggregation = (enum aggregation)i;
        return true;
    }
    return false;
}
