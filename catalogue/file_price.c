// SPDX-License-Identifier: Apache-2.0
// Reads price books and their prices. A catalogue may hold a hundred thousand of them: no price is copied twice.
#include <string.h>

#include "catalogue/dimension_set.h"
#include "catalogue/file_field.h"

enum { UNIT_MAX = 64, MINIMUM_SECONDS_MAX = 86400 };

// --- tiers

// The bound in meter units must be exact: a rounded one would move usage between tiers.
static bool bound_is_exact(struct quantity up_to, struct quantity per)
{
    int128 below, above;
    const int128 one = 1000000000;
    return decimal_mul_div(up_to.nano, per.nano, one, ROUND_DOWN, &below) == ERR_OK &&
           decimal_mul_div(up_to.nano, per.nano, one, ROUND_UP, &above) == ERR_OK && below == above;
}

static void read_tier(struct file_errors *errors, const struct yaml_node *list, size_t index, struct quantity per,
                      struct price_tier_row *tiers)
{
    enum { UP_TO, PRICE };
    struct file_field fields[] = {[UP_TO] = {.name = "up_to"}, [PRICE] = {.name = "price", .required = true}};
    const struct yaml_node *item = list->items[index];
    struct price_tier_row *tier = &tiers[index];
    if (!FILE_FIELDS(errors, item, "tier", fields)) return;
    bool last = index + 1 == list->count;
    tier->tier = (int)index;
    tier->last = !fields[UP_TO].value;
    tier->unit_price = file_decimal_price(errors, &fields[PRICE]);
    if (last && !tier->last)
        file_error(errors, fields[UP_TO].value, "the last tier has no up_to: what is above %.48s would have no price",
                   fields[UP_TO].value->text);
    if (!last && tier->last) file_error(errors, item, "only the last tier has no up_to");
    if (tier->last) return;
    size_t before = errors->count;
    tier->up_to = file_decimal_quantity(errors, &fields[UP_TO], 0);
    if (errors->count > before) return;
    if (index > 0 && tier->up_to.nano <= tiers[index - 1].up_to.nano)
        file_error(errors, fields[UP_TO].value, "up_to %.48s is not above the tier before", fields[UP_TO].value->text);
    if (!bound_is_exact(tier->up_to, per))
        file_error(errors, fields[UP_TO].value, "up_to x per is no quantity of up to 9 fraction digits in range");
}

static void read_tiers(struct file_errors *errors, const struct file_field *field, struct file_price *price)
{
    const struct yaml_node *list = field->value;
    price->row.model = PRICE_GRADUATED;
    if (list->kind != YAML_SEQUENCE || list->count == 0 || list->count > TIERS_MAX) {
        file_error(errors, list, "tiers is a list of 1 to %d tiers", TIERS_MAX);
        return;
    }
    struct price_tier_row *tiers = ARENA_ARRAY(errors->arena, struct price_tier_row, list->count);
    for (size_t i = 0; i < list->count; i++)
        read_tier(errors, list, i, price->row.per, tiers);
    price->tiers = tiers;
    price->tier_count = list->count;
}

// --- match

// The canonical text; "{}" if there is no match.
static const char *read_match(struct file_errors *errors, const struct yaml_node *match, struct text *scratch)
{
    struct dimension_set set = {.count = 0};
    struct fault fault = {0};
    if (!match) return "{}";
    if (match->kind != YAML_MAPPING) {
        file_error(errors, match, "match is a mapping: {dimension: value}");
        return "{}";
    }
    for (size_t i = 0; i < match->count; i++) {
        const struct yaml_node *value = match->items[i];
        if (value->kind != YAML_SCALAR || yaml_is_null(value))
            file_error(errors, value, "the value of %.64s is a single text; \"\" for an empty one",
                       match->keys[i]->text);
        else if (dimension_set_add(&set, match->keys[i]->text, value->text, &fault))
            file_error(errors, value, "%s", fault.reason);
    }
    text_clear(scratch);
    dimension_set_print(&set, scratch);
    return arena_text(errors->arena, scratch->data, scratch->length);
}

// --- prices

void file_price_read(struct catalogue_files *files, size_t book, const struct yaml_node *item, struct text *scratch)
{
    enum { SKU, MATCH, UNIT, PER, PRICE, TIERS, MINIMUM_SECONDS, EFFECTIVE_FROM, EFFECTIVE_TO };
    struct file_field fields[] = {
        [SKU] = {.name = "sku", .required = true},
        [MATCH] = {.name = "match"},
        [UNIT] = {.name = "unit", .required = true},
        [PER] = {.name = "per"},
        [PRICE] = {.name = "price"},
        [TIERS] = {.name = "tiers"},
        [MINIMUM_SECONDS] = {.name = "minimum_seconds"},
        [EFFECTIVE_FROM] = {.name = "effective_from"},
        [EFFECTIVE_TO] = {.name = "effective_to"},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "price", fields)) return;
    struct file_price price = {
        .node = item,
        .book = book,
        .sku = file_reference(errors, &fields[SKU]),
        .match = fields[MATCH].value,
        .minimum = fields[MINIMUM_SECONDS].value,
        .row.match = read_match(errors, fields[MATCH].value, scratch),
        .row.unit = file_text(errors, &fields[UNIT], UNIT_MAX),
        .row.per = file_decimal_quantity(errors, &fields[PER], 1),
        .row.price = file_decimal_price(errors, &fields[PRICE]),
        .row.minimum_seconds = file_whole(errors, &fields[MINIMUM_SECONDS], 0, MINIMUM_SECONDS_MAX, 0),
        .row.effective_from = file_instant(errors, &fields[EFFECTIVE_FROM], INSTANT_MIN),
        .row.effective_to = file_instant(errors, &fields[EFFECTIVE_TO], INSTANT_NONE),
    };
    if (!fields[PRICE].value == !fields[TIERS].value) file_error(errors, item, "a price has either price or tiers");
    if (fields[TIERS].value) read_tiers(errors, &fields[TIERS], &price);
    if (fields[TIERS].value && fields[MINIMUM_SECONDS].value)
        file_error(errors, fields[MINIMUM_SECONDS].value, "minimum_seconds goes with price, not with tiers");
    if (price.row.effective_to != INSTANT_NONE && price.row.effective_to <= price.row.effective_from)
        file_error(errors, fields[EFFECTIVE_TO].value, "effective_to is not after effective_from");
    price.valid = errors->count == before;
    *ROW_NEW(&files->prices) = price;
}

static void read_prices(struct catalogue_files *files, size_t book, const struct file_field *field)
{
    struct text scratch = {0};
    if (!field->value) return;
    if (field->value->kind != YAML_SEQUENCE) {
        file_error(&files->errors, field->value, "prices is a list");
        return;
    }
    for (size_t i = 0; i < field->value->count; i++)
        file_price_read(files, book, field->value->items[i], &scratch);
    text_free(&scratch);
}

// --- books

void file_book_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, NAME, CURRENCY, PARENT, PRICES, PRICES_FROM };
    struct file_field fields[] = {
        [ID] = {.name = "id", .required = true}, [NAME] = {.name = "name"},     [CURRENCY] = {.name = "currency"},
        [PARENT] = {.name = "parent"},           [PRICES] = {.name = "prices"}, [PRICES_FROM] = {.name = "prices_from"},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    struct currency currency;
    struct fault fault = {0};
    if (!FILE_FIELDS(errors, item, "price book", fields)) return;
    struct file_book book = {
        .node = item,
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .currency = file_text(errors, &fields[CURRENCY], FILE_NAME_MAX),
        .parent_given = fields[PARENT].key != NULL,
        .parent = file_reference(errors, &fields[PARENT]),
    };
    if (book.currency && currency_find(book.currency, &currency, &fault))
        file_error(errors, fields[CURRENCY].value, "currency '%.16s': %s", book.currency, fault.reason);
    book.valid = errors->count == before;
    size_t index = files->books.count;
    *ROW_NEW(&files->books) = book;
    read_prices(files, index, &fields[PRICES]);
    file_price_lists_read(files, index, &fields[PRICES_FROM]);
}
