// SPDX-License-Identifier: Apache-2.0
// What the catalogue knows of each aggregation: one row per way in which a meter merges events. Reading, checking,
// loading and writing meters look here, and so does everybody who only needs to know how usage is kept. How values
// merge is said in rating/accumulate.c, rating/interval.c and schema/.
#pragma once
#include "catalogue/catalogue.h"

enum usage_keeping {
    KEPT_ADDED,      // by slot, quantities that are added
    KEPT_MERGED,     // by slot, a value each, evaluated over the meter's window
    KEPT_TRANSITIONS // one by one, by resource: usage is derived from them
};

struct aggregation_form {
    const char *name; // in files and in the database
    enum usage_keeping keeping;
    bool value_needed, value_allowed; // the member of data that holds a quantity
    bool states;                      // resource, state, running and stopped
    bool window;                      // evaluated over a window other than the slot, if the meter says so
    bool worth;                       // value_times, per_event and keep
};
extern const struct aggregation_form aggregation_forms[AGGREGATIONS];

static inline enum usage_keeping meter_keeping(const struct meter *meter)
{
    return aggregation_forms[meter->aggregation].keeping;
}

// The aggregation of that name; false: there is none. Pure.
bool aggregation_find(const char *name, enum aggregation *aggregation) MUST_USE;
