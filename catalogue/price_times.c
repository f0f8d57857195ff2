// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/price_times.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"

static int compare_factors(const void *a, const void *b)
{
    return strcmp(((const struct price_factor *)a)->value, ((const struct price_factor *)b)->value);
}

void price_factors_sort(struct price_factor *factors, size_t count)
{
    if (count) qsort(factors, count, sizeof *factors, compare_factors);
}

void price_times_print(const struct price_times *times, struct text *out)
{
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_put_text(&json, "dimension", times->dimension);
    if (times->count) {
        json_name(&json, "values");
        json_object_open(&json);
        for (size_t i = 0; i < times->count; i++)
            json_put_decimal(&json, times->factors[i].value, times->factors[i].factor.nano, QUANTITY_PLACES);
        json_object_close(&json);
    }
    json_object_close(&json);
}

// A factor as text; false: it is none.
static bool read_factor(const char *text, struct quantity *factor)
{
    return quantity_parse(text, strlen(text), factor, NULL) == ERR_OK && factor->nano >= 0;
}

static bool read_values(struct arena *arena, const struct json_value *values, struct price_times *times)
{
    size_t count = json_length(values);
    if (!json_is_object(values) || count == 0 || count > TIMES_VALUES_MAX) return false;
    struct price_factor *factors = ARENA_ARRAY(arena, struct price_factor, count);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_member_name(values, i), *text = json_text(json_member(values, name), "");
        factors[i].value = arena_text(arena, name, strlen(name));
        if (!read_factor(text, &factors[i].factor)) return false;
    }
    price_factors_sort(factors, count);
    times->factors = factors;
    times->count = count;
    return true;
}

enum err price_times_read(struct arena *arena, const char *json, struct price_times *times, struct fault *fault)
{
    struct json_document *document;
    struct text again = {0};
    *times = (struct price_times){.dimension = NULL};
    enum err err = json_read(json, strlen(json), &document, fault);
    if (err) return err;
    const struct json_value *root = json_root(document), *values = json_member(root, "values");
    const char *dimension = json_text(json_member(root, "dimension"), "");
    times->dimension = arena_text(arena, dimension, strlen(dimension));
    bool good = *dimension && (!values || read_values(arena, values, times));
    if (good) price_times_print(times, &again);
    good = good && strcmp(again.data, json) == 0;
    text_free(&again);
    json_free(document);
    return good ? ERR_OK : fault_set(fault, ERR_INVALID, "", "'%.200s' does not say what to multiply by", json);
}

static bool factor_of(const struct price_times *times, const struct dimension_set *dimensions, struct quantity *factor)
{
    const char *value = dimension_set_value(dimensions, times->dimension);
    if (!value || !times->count) return value && read_factor(value, factor);
    const struct price_factor wanted = {.value = value};
    const struct price_factor *found = bsearch(&wanted, times->factors, times->count, sizeof wanted, compare_factors);
    if (found) *factor = found->factor;
    return found != NULL;
}

static enum err product(struct quantity quantity, struct quantity factor, struct quantity *product)
{
    const int128 one = 1000000000;
    return decimal_mul_div(quantity.nano, factor.nano, one, ROUND_HALF_UP, &product->nano) ? ERR_LIMIT : ERR_OK;
}

enum err price_units(const struct price_version *price, const struct dimension_set *dimensions, struct quantity before,
                     struct quantity after, struct quantity *units)
{
    struct quantity factor;
    if (!price->times) return quantity_sub(after, before, units) ? ERR_LIMIT : ERR_OK;
    if (!factor_of(price->times, dimensions, &factor)) return ERR_NOT_FOUND;
    if (product(before, factor, &before) || product(after, factor, &after)) return ERR_LIMIT;
    return quantity_sub(after, before, units) ? ERR_LIMIT : ERR_OK;
}
