// SPDX-License-Identifier: Apache-2.0
// Reads price books and their prices. A catalogue may hold a hundred thousand of them: no price is copied twice.
#include <string.h>

#include "catalogue/dimension_set.h"
#include "catalogue/file_price_terms.h"

enum { UNIT_MAX = 64, MINIMUM_SECONDS_MAX = 86400, MICROSECOND_PLACES = 6 };

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

// Microseconds; 0 if it is not given.
static int64_t read_increment(struct file_errors *errors, const struct file_field *field)
{
    int128 value = 0;
    if (!field->value) return 0;
    bool good = field->value->kind == YAML_SCALAR &&
                decimal_parse(field->value->text, field->value->length, MICROSECOND_PLACES, false, &value, NULL) == ERR_OK;
    if (good && value > 0 && value <= DAY_US) return (int64_t)value;
    file_error(errors, field->value, "%s '%.40s': seconds above 0, up to 86400, with up to %d places", field->name,
               field->value->kind == YAML_SCALAR ? field->value->text : "", MICROSECOND_PLACES);
    return 0;
}

// The end of a price without another one: it has nothing but what names the price, and the instant.
static void read_withdrawn(struct file_errors *errors, const struct file_field *fields, size_t withdrawn, size_t from,
                           struct price_row *row)
{
    static const char *const words[] = {"true"};
    static const char *const allowed[] = {"sku", "match", "when", "effective_from", "withdrawn"};
    row->withdrawn = true;
    row->unit = "";
    (void)file_choice(errors, &fields[withdrawn], words, 1, 0);
    if (!fields[from].value) file_error(errors, fields[withdrawn].key, "a price is withdrawn with effective_from");
    for (size_t i = 0; i <= withdrawn; i++) {
        bool good = !fields[i].value;
        for (size_t a = 0; a < sizeof allowed / sizeof *allowed; a++)
            good = good || strcmp(fields[i].name, allowed[a]) == 0;
        if (!good) file_error(errors, fields[i].key, "a price that is withdrawn has no %s", fields[i].name);
    }
}

void file_price_read(struct catalogue_files *files, size_t book, const struct yaml_node *item, struct text *scratch)
{
    enum {
        SKU,
        MATCH,
        WHEN,
        MODEL,
        UNIT,
        PER,
        TIMES,
        PRICE,
        RATE,
        FIXED,
        TIERS,
        FREE,
        MINIMUM_SPEND,
        MAXIMUM_SPEND,
        ROUND,
        DAILY,
        MINIMUM_SECONDS,
        INCREMENT_SECONDS,
        PER_EVENT,
        EFFECTIVE_FROM,
        EFFECTIVE_TO,
        WITHDRAWN
    };
    struct file_field fields[] = {
        [SKU] = {.name = "sku", .required = true},
        [MATCH] = {.name = "match"},
        [WHEN] = {.name = "when"},
        [MODEL] = {.name = "model"},
        [UNIT] = {.name = "unit"},
        [PER] = {.name = "per"},
        [TIMES] = {.name = "times"},
        [PRICE] = {.name = "price"},
        [RATE] = {.name = "rate"},
        [FIXED] = {.name = "fixed"},
        [TIERS] = {.name = "tiers"},
        [FREE] = {.name = "free"},
        [MINIMUM_SPEND] = {.name = "minimum_spend"},
        [MAXIMUM_SPEND] = {.name = "maximum_spend"},
        [ROUND] = {.name = "round"},
        [DAILY] = {.name = "daily"},
        [MINIMUM_SECONDS] = {.name = "minimum_seconds"},
        [INCREMENT_SECONDS] = {.name = "increment_seconds"},
        [PER_EVENT] = {.name = "per_event"},
        [EFFECTIVE_FROM] = {.name = "effective_from"},
        [EFFECTIVE_TO] = {.name = "effective_to"},
        [WITHDRAWN] = {.name = "withdrawn"},
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
        .increment = fields[INCREMENT_SECONDS].value,
        .per_event = fields[PER_EVENT].value,
        .row.match = read_match(errors, fields[MATCH].value, scratch),
        .times = fields[TIMES].value,
        .row.times = file_price_times_read(errors, &fields[TIMES]),
        .row.hours = file_price_window_read(errors, &fields[WHEN]),
        .row.unit = file_text(errors, &fields[UNIT], UNIT_MAX),
        .row.per = file_decimal_quantity(errors, &fields[PER], 1),
        .row.minimum_seconds = file_whole(errors, &fields[MINIMUM_SECONDS], 0, MINIMUM_SECONDS_MAX, 0),
        .row.increment_us = read_increment(errors, &fields[INCREMENT_SECONDS]),
        .row.effective_from = file_instant(errors, &fields[EFFECTIVE_FROM], INSTANT_MIN),
        .row.effective_to = file_instant(errors, &fields[EFFECTIVE_TO], INSTANT_NONE),
    };
    const struct file_price_terms terms = {
        .model = &fields[MODEL],
        .price = &fields[PRICE],
        .rate = &fields[RATE],
        .fixed = &fields[FIXED],
        .tiers = &fields[TIERS],
        .free = &fields[FREE],
        .minimum_spend = &fields[MINIMUM_SPEND],
        .maximum_spend = &fields[MAXIMUM_SPEND],
        .round = &fields[ROUND],
        .daily = &fields[DAILY],
        .minimum_seconds = &fields[MINIMUM_SECONDS],
        .increment_seconds = &fields[INCREMENT_SECONDS],
        .times = &fields[TIMES],
        .per_event = &fields[PER_EVENT],
    };
    if (fields[WITHDRAWN].value)
        read_withdrawn(errors, fields, WITHDRAWN, EFFECTIVE_FROM, &price.row);
    else if (!fields[UNIT].value)
        file_error(errors, fields[UNIT].key ? fields[UNIT].key : item, "a price needs unit");
    else
        file_price_terms_read(errors, item, &terms, &price);
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
    if (!FILE_FIELDS(errors, item, "price book", fields)) return;
    struct file_book book = {
        .node = item,
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .currency = file_currency_code(errors, &fields[CURRENCY], NULL),
        .parent_given = fields[PARENT].key != NULL,
        .parent = file_reference(errors, &fields[PARENT]),
    };
    book.valid = errors->count == before;
    size_t index = files->books.count;
    *ROW_NEW(&files->books) = book;
    read_prices(files, index, &fields[PRICES]);
    file_price_lists_read(files, index, &fields[PRICES_FROM]);
}
