// SPDX-License-Identifier: Apache-2.0
// What a price multiplies a quantity by: the decimal in one dimension of the usage (vCPUs of a machine), or the one that
// a table has for the dimension's value (licence units of a flavour). Pure.
#pragma once
#include "catalogue/catalogue.h"

enum { TIMES_VALUES_MAX = 1000 };

struct price_factor { const char *value; struct quantity factor; };
struct price_times {
    const char *dimension;
    const struct price_factor *factors; size_t count; // sorted by value; none: the dimension's value is the factor
};

// Reads the canonical JSON: {"dimension":"d"} or {"dimension":"d","values":{"a":"2"}}, values sorted, plain decimals.
// ERR_INVALID with the reason.
enum err price_times_read(struct arena *arena, const char *json, struct price_times *times, struct fault *fault) MUST_USE;
void price_times_print(const struct price_times *times, struct text *out);
// Sorts factors by value, as `price_times` has them.
void price_factors_sort(struct price_factor *factors, size_t count);

// What a price charges of the usage between two totals of one tenant and dimension set: their difference without
// `times`, else that of the products, each rounded half-up at 1e-9. So over any split the parts add up to the product of
// the whole. ERR_NOT_FOUND: the usage's dimensions give no factor of 0 or more, so it has no price; ERR_LIMIT.
enum err price_units(const struct price_version *price, const struct dimension_set *dimensions, struct quantity before,
                     struct quantity after, struct quantity *units) MUST_USE;
