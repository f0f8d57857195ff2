// SPDX-License-Identifier: Apache-2.0
// Reads members of items: one function per kind of value, each telling what it wants instead.
#include "catalogue/file_field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- members

static struct file_field *find_field(struct file_field *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].name, name) == 0) return &fields[i];
    return NULL;
}

static void tell_unknown(struct file_errors *errors, const struct yaml_node *key, const char *what,
                         const struct file_field *fields, size_t count)
{
    struct text known = {0};
    for (size_t i = 0; i < count; i++)
        text_print(&known, "%s%s", i > 0 ? ", " : "", fields[i].name);
    file_error(errors, key, "unknown key '%.64s' of a %s; there are: %s", key->text, what, known.data);
    text_free(&known);
}

bool file_fields(struct file_errors *errors, const struct yaml_node *item, const char *what, struct file_field *fields,
                 size_t count)
{
    if (item->kind != YAML_MAPPING) {
        file_error(errors, item, "a %s is a mapping (key: value)", what);
        return false;
    }
    for (size_t i = 0; i < item->count; i++) {
        struct file_field *field = find_field(fields, count, item->keys[i]->text);
        if (!field) {
            tell_unknown(errors, item->keys[i], what, fields, count);
            continue;
        }
        field->key = item->keys[i];
        if (!yaml_is_null(item->items[i])) field->value = item->items[i];
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].required && !fields[i].value)
            file_error(errors, fields[i].key ? fields[i].key : item, "a %s needs %s", what, fields[i].name);
    return true;
}

// --- texts

static bool is_scalar(struct file_errors *errors, const struct file_field *field)
{
    if (!field->value) return false;
    if (field->value->kind == YAML_SCALAR) return true;
    file_error(errors, field->value, "%s is a single value", field->name);
    return false;
}

static bool check_text(struct file_errors *errors, const struct yaml_node *node, const char *name, size_t most)
{
    if (node->kind != YAML_SCALAR) {
        file_error(errors, node, "%s is a single value", name);
        return false;
    }
    if (node->length == 0 || node->length > most) {
        file_error(errors, node, "%s has %zu bytes: 1 to %zu", name, node->length, most);
        return false;
    }
    for (size_t i = 0; i < node->length; i++) {
        if ((unsigned char)node->text[i] >= 0x20 && node->text[i] != 0x7f) continue;
        file_error(errors, node, "%s has a control character", name);
        return false;
    }
    return true;
}

const char *file_text(struct file_errors *errors, const struct file_field *field, size_t most)
{
    if (!field->value) return NULL;
    if (!field->required && field->value->kind == YAML_SCALAR && field->value->length == 0)
        return NULL; // written as ""
    return check_text(errors, field->value, field->name, most) ? field->value->text : NULL;
}

const char *file_id(struct file_errors *errors, const struct file_field *field)
{
    if (!is_scalar(errors, field)) return NULL;
    const char *id = field->value->text;
    size_t good = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    if (good > 0 && good <= FILE_ID_MAX && !id[good] && !strchr("._-", id[0])) return id;
    file_error(errors, field->value, "%s '%.64s': 1 to %d of a-z, 0-9, '.', '_', '-', beginning with a letter or digit",
               field->name, id, FILE_ID_MAX);
    return NULL;
}

struct file_reference file_reference(struct file_errors *errors, const struct file_field *field)
{
    return (struct file_reference){field->value, file_id(errors, field)};
}

const char **file_names(struct file_errors *errors, const struct file_field *field, size_t most, bool distinct,
                        size_t *count)
{
    const struct yaml_node *list = field->value;
    size_t before = errors->count;
    *count = 0;
    if (!list) return NULL;
    if (list->kind != YAML_SEQUENCE) {
        file_error(errors, list, "%s is a list: [first, second]", field->name);
        return NULL;
    }
    if (list->count > most) {
        file_error(errors, list, "%s has %zu entries, more than %zu", field->name, list->count, most);
        return NULL;
    }
    const char **names = ARENA_ARRAY(errors->arena, const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = list->items[i]->text;
        if (!check_text(errors, list->items[i], field->name, FILE_TEXT_MAX)) continue;
        for (size_t j = 0; distinct && j < i; j++)
            if (strcmp(names[j], names[i]) == 0)
                file_error(errors, list->items[i], "%s has '%.64s' twice", field->name, names[i]);
    }
    if (errors->count > before) return NULL;
    *count = list->count;
    return names;
}

int file_choice(struct file_errors *errors, const struct file_field *field, const char *const *words, size_t count,
                int otherwise)
{
    if (!is_scalar(errors, field)) return otherwise;
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], field->value->text) == 0) return (int)i;
    struct text known = {0};
    for (size_t i = 0; i < count; i++)
        text_print(&known, "%s%s", i > 0 ? ", " : "", words[i]);
    file_error(errors, field->value, "%s '%.64s' is unknown; there are: %s", field->name, field->value->text,
               known.data);
    text_free(&known);
    return otherwise;
}

// --- numbers and instants

int file_whole(struct file_errors *errors, const struct file_field *field, int least, int most, int otherwise)
{
    int128 value;
    if (!is_scalar(errors, field)) return otherwise;
    bool read = decimal_parse(field->value->text, field->value->length, 0, false, &value, NULL) == ERR_OK;
    if (read && value >= least && value <= most) return (int)value;
    file_error(errors, field->value, "%s '%.40s': a whole number from %d to %d", field->name, field->value->text, least,
               most);
    return otherwise;
}

instant_us file_instant(struct file_errors *errors, const struct file_field *field, instant_us otherwise)
{
    instant_us instant;
    struct fault fault = {0};
    if (!is_scalar(errors, field)) return otherwise;
    if (instant_parse_loose(field->value->text, field->value->length, &instant, &fault)) {
        file_error(errors, field->value, "%s '%.40s': %s", field->name, field->value->text, fault.reason);
        return otherwise;
    }
    if (instant_floor(instant, SLOT_US) == instant) return instant;
    file_error(errors, field->value, "%s %.40s is not on a 15-minute bound of UTC (:00, :15, :30, :45)", field->name,
               field->value->text);
    return otherwise;
}

struct price file_decimal_price(struct file_errors *errors, const struct file_field *field)
{
    struct price price = PRICE_ZERO;
    struct fault fault = {0};
    if (!is_scalar(errors, field)) return price;
    if (price_parse(field->value->text, field->value->length, &price, &fault)) {
        file_error(errors, field->value, "%s '%.48s': %s%s", field->name, field->value->text, fault.reason,
                   strchr(field->value->text, '.') ? "; a tiny price is given per a larger unit (per)" : "");
        return PRICE_ZERO;
    }
    if (price.pico >= 0) return price;
    file_error(errors, field->value, "%s %.48s is negative", field->name, field->value->text);
    return PRICE_ZERO;
}

struct quantity file_decimal_quantity(struct file_errors *errors, const struct file_field *field, int64_t otherwise)
{
    struct quantity quantity, fallback = {(int128)otherwise * 1000000000};
    struct fault fault = {0};
    if (!is_scalar(errors, field)) return fallback;
    if (quantity_parse(field->value->text, field->value->length, &quantity, &fault)) {
        file_error(errors, field->value, "%s '%.48s': %s", field->name, field->value->text, fault.reason);
        return fallback;
    }
    if (quantity.nano > 0) return quantity;
    file_error(errors, field->value, "%s %.48s must be above zero", field->name, field->value->text);
    return fallback;
}
