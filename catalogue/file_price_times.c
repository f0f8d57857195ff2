// SPDX-License-Identifier: Apache-2.0
// Reads `times` of a price: a dimension, or a dimension with a table of its values.
#include <string.h>

#include "catalogue/file_price_terms.h"
#include "catalogue/price_times.h"

static void read_values(struct file_errors *errors, const struct yaml_node *values, struct price_times *times)
{
    if (values->kind != YAML_MAPPING || values->count == 0 || values->count > TIMES_VALUES_MAX) {
        file_error(errors, values, "values is a mapping of 1 to %d values: {value: decimal}", TIMES_VALUES_MAX);
        return;
    }
    struct price_factor *factors = ARENA_ARRAY(errors->arena, struct price_factor, values->count);
    for (size_t i = 0; i < values->count; i++) {
        const struct yaml_node *text = values->items[i];
        struct fault fault = {0};
        factors[i].value = values->keys[i]->text;
        if (text->kind != YAML_SCALAR || quantity_parse(text->text, text->length, &factors[i].factor, &fault))
            file_error(errors, text, "the value of %.64s is a decimal of up to 9 places", values->keys[i]->text);
        else if (factors[i].factor.nano < 0)
            file_error(errors, text, "the value of %.64s is negative", values->keys[i]->text);
    }
    price_factors_sort(factors, values->count);
    times->factors = factors;
    times->count = values->count;
}

const char *file_price_times_read(struct file_errors *errors, const struct file_field *field)
{
    enum { DIMENSION, VALUES };
    struct file_field fields[] = {[DIMENSION] = {.name = "dimension", .required = true},
                                  [VALUES] = {.name = "values", .required = true}};
    struct price_times times = {.dimension = NULL};
    struct text out = {0};
    size_t before = errors->count;
    if (!field->value) return "";
    if (field->value->kind == YAML_SCALAR) {
        times.dimension = file_text(errors, field, FILE_NAME_MAX);
    } else if (FILE_FIELDS(errors, field->value, "times", fields)) {
        times.dimension = file_text(errors, &fields[DIMENSION], FILE_NAME_MAX);
        if (fields[VALUES].value) read_values(errors, fields[VALUES].value, &times);
    }
    if (errors->count > before || !times.dimension) return "";
    price_times_print(&times, &out);
    const char *json = arena_text(errors->arena, out.data, out.length);
    text_free(&out);
    return json;
}
