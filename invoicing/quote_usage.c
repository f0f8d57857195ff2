// SPDX-License-Identifier: Apache-2.0
// The usage file of a quote: rows of CSV and items of YAML or JSON become the same named cells, which become records.
// Every mistake is told with its place.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/dimension_set.h"
#include "catalogue/event_worth.h"
#include "common/csv.h"
#include "common/yaml.h"
#include "invoicing/quote.h"
#include "rating/usage_rows.h"

enum { ERRORS_SHOWN = 100, CELLS_MAX = 64 };

struct cell {
    const char *name, *value, *place; // value NULL: not given
};
struct quote_reader {
    const struct catalogue *catalogue;
    struct arena *arena;
    struct text *errors;
    size_t error_count;
    struct quote_record *records;
    size_t record_count, record_capacity;
    struct usage_dimension *dimensions;
    size_t dimension_count, dimension_capacity, dimension_limit; // limit: when sets that are there twice are dropped
    struct cell cells[CELLS_MAX];
    size_t cell_count;
    const char *place; // of the row or item
};

// false, so that a reading function ends in one line.
static bool tell(struct quote_reader *reader, const char *place, const char *format, ...) PRINTF_LIKE(3, 4);
static bool tell(struct quote_reader *reader, const char *place, const char *format, ...)
{
    struct fault fault;
    va_list arguments;
    if (++reader->error_count > ERRORS_SHOWN) return false;
    va_start(arguments, format);
    vsnprintf(fault.reason, sizeof fault.reason, format, arguments);
    va_end(arguments);
    text_print(reader->errors, "%s: %s\n", place, fault.reason);
    return false;
}

// --- one record

// The cell of this name, taken out of the list: what is left are dimensions. NULL: not given.
static const struct cell *take_cell(struct quote_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->cell_count; i++) {
        struct cell *cell = &reader->cells[i];
        if (!cell->name || strcmp(cell->name, name) != 0) continue;
        cell->name = NULL;
        return cell->value && *cell->value ? cell : NULL;
    }
    return NULL;
}

static bool read_tenant(struct quote_reader *reader, struct quote_record *record)
{
    const struct cell *cell = take_cell(reader, "tenant");
    if (!cell) return tell(reader, reader->place, "tenant is missing");
    record->tenant = catalogue_tenant(reader->catalogue, slice_of(cell->value));
    if (!record->tenant) tell(reader, cell->place, "there is no tenant '%s' in the catalogue", cell->value);
    return record->tenant;
}

// The meter whose usage a SKU is: only if the meter has no other SKU, as usage counts for all that a meter has.
static const struct meter *meter_of_sku(struct quote_reader *reader, const struct cell *cell)
{
    const struct sku *sku = catalogue_sku_id(reader->catalogue, slice_of(cell->value));
    size_t count;
    if (!sku) {
        tell(reader, cell->place, "there is no SKU '%s' in the catalogue", cell->value);
        return NULL;
    }
    catalogue_skus_of_meter(reader->catalogue, sku->meter, &count);
    const struct meter *meter = catalogue_meter_newest(reader->catalogue, sku->meter);
    if (count == 1) return meter;
    tell(reader, cell->place, "meter %s is sold under %zu SKUs, and its usage counts for all: name the meter",
         meter->id, count);
    return NULL;
}

static bool read_meter(struct quote_reader *reader, struct quote_record *record)
{
    const struct cell *meter = take_cell(reader, "meter"), *sku = take_cell(reader, "sku");
    if (!meter == !sku) return tell(reader, reader->place, "give either meter or sku");
    if (sku) return (record->meter = meter_of_sku(reader, sku));
    record->meter = catalogue_meter_id(reader->catalogue, slice_of(meter->value));
    if (!record->meter) tell(reader, meter->place, "there is no meter '%s' in the catalogue", meter->value);
    return record->meter;
}

static bool read_instant(struct quote_reader *reader, const struct cell *cell, instant_us *instant)
{
    struct fault fault;
    if (instant_parse_loose(cell->value, strlen(cell->value), instant, &fault) == ERR_OK) return true;
    tell(reader, cell->place, "%s", fault.reason);
    return false;
}

static bool read_times(struct quote_reader *reader, struct quote_record *record)
{
    const struct cell *start = take_cell(reader, "start"), *end = take_cell(reader, "end");
    const bool interval = record->meter->aggregation == AGGREGATION_INTERVAL;
    record->end = INSTANT_NONE;
    if (!start) return tell(reader, reader->place, "start is missing");
    if (!end && interval)
        return tell(reader, reader->place, "meter %s measures time: end is missing", record->meter->id);
    if (!read_instant(reader, start, &record->start) || (end && !read_instant(reader, end, &record->end))) return false;
    if (end && record->end < record->start) return tell(reader, end->place, "end is before start");
    const struct meter *then = catalogue_meter_at(reader->catalogue, record->meter->number, record->start);
    if (!then) return tell(reader, start->place, "meter %s did not exist then", record->meter->id);
    record->meter = then;
    return true;
}

// The record is one event: its quantity becomes what that counts.
static bool read_worth(struct quote_reader *reader, const struct cell *value, struct quote_record *record)
{
    const struct cell *cell = record->meter->times_property ? take_cell(reader, "times") : NULL;
    struct quantity factor = QUANTITY_ZERO;
    struct fault fault;
    if (record->meter->times_property && !cell)
        return tell(reader, reader->place, "meter %s multiplies by %s: times is missing", record->meter->id,
                    record->meter->times_property);
    if (cell && quantity_parse(cell->value, strlen(cell->value), &factor, &fault) != ERR_OK)
        return tell(reader, cell->place, "times: %s", fault.reason);
    if (factor.nano < 0) return tell(reader, cell->place, "times is negative");
    if (event_worth(record->meter, record->quantity, factor, &record->quantity, &fault) == ERR_OK) return true;
    return tell(reader, value->place, "%s", fault.reason);
}

// What a unique meter tells apart. A record is one event with it.
static bool read_distinct(struct quote_reader *reader, const struct cell *quantity, struct quote_record *record)
{
    static const struct hash_key no_secret = {{0}};
    const struct cell *cell = take_cell(reader, "value");
    if (quantity) return tell(reader, quantity->place, "meter %s counts distinct values: it has no quantity", record->meter->id);
    if (!cell) return tell(reader, reader->place, "meter %s counts distinct values: value is missing", record->meter->id);
    record->value = keyed_hash(&no_secret, cell->value, strlen(cell->value));
    return true;
}

// Absent: one event, or one resource of size 1.
static bool read_quantity(struct quote_reader *reader, struct quote_record *record)
{
    const enum aggregation aggregation = record->meter->aggregation;
    const struct cell *cell = take_cell(reader, "quantity");
    struct fault fault;
    record->quantity.nano = 1000000000;
    if (aggregation == AGGREGATION_UNIQUE) return read_distinct(reader, cell, record);
    if (!cell && (aggregation == AGGREGATION_COUNT || aggregation == AGGREGATION_INTERVAL)) return true;
    if (!cell) return tell(reader, reader->place, "quantity is missing");
    if (quantity_parse(cell->value, strlen(cell->value), &record->quantity, &fault) != ERR_OK)
        return tell(reader, cell->place, "quantity: %s", fault.reason);
    if (record->quantity.nano < 0) return tell(reader, cell->place, "quantity is negative");
    if (aggregation == AGGREGATION_COUNT && record->quantity.nano % 1000000000 != 0)
        return tell(reader, cell->place, "meter %s counts events: quantity is a whole number", record->meter->id);
    return !event_worth_differs(record->meter) || read_worth(reader, cell, record);
}

static bool has_dimension(const struct meter *meter, const char *name)
{
    for (size_t i = 0; i < meter->dimension_count; i++)
        if (strcmp(meter->dimensions[i], name) == 0) return true;
    return false;
}

static bool read_dimensions(struct quote_reader *reader, const struct meter *meter, struct dimension_set *set)
{
    struct fault fault;
    *set = (struct dimension_set){0};
    for (size_t i = 0; i < reader->cell_count; i++) {
        const struct cell *cell = &reader->cells[i];
        if (!cell->name || !cell->value || !*cell->value) continue;
        if (!has_dimension(meter, cell->name))
            return tell(reader, cell->place, "meter %s has no dimension '%s'", meter->id, cell->name);
        if (dimension_set_add(set, cell->name, cell->value, &fault) != ERR_OK)
            return tell(reader, cell->place, "%s", fault.reason);
    }
    return true;
}

// Each set once.
static void drop_repeated(struct quote_reader *reader)
{
    size_t kept = 0;
    usage_dimensions_sort(reader->dimensions, reader->dimension_count);
    for (size_t i = 0; i < reader->dimension_count; i++)
        if (!kept || !hash128_equal(reader->dimensions[kept - 1].id, reader->dimensions[i].id))
            reader->dimensions[kept++] = reader->dimensions[i];
    reader->dimension_count = kept;
    reader->dimension_limit = 2 * kept + 1024;
}

static void keep_dimensions(struct quote_reader *reader, struct hash128 id, const struct text *text)
{
    struct usage_dimension dimension = {.id = id, .text = arena_text(reader->arena, text->data, text->length)};
    struct fault fault;
    enum err err = dimension_set_read(reader->arena, slice_of(dimension.text), &dimension.set, &fault);
    ENSURE(err == ERR_OK); // it was printed from a set
    if (reader->dimension_count >= reader->dimension_limit) drop_repeated(reader);
    reader->dimensions = arena_grow(reader->arena, reader->dimensions, sizeof dimension, reader->dimension_count,
                                    &reader->dimension_capacity);
    reader->dimensions[reader->dimension_count++] = dimension;
}

// The set's id: a hash of its canonical text. It need not be the one that an engine with a secret key would give.
static struct hash128 add_dimensions(struct quote_reader *reader, const struct dimension_set *set)
{
    static const struct hash_key no_secret = {{0}};
    struct text text = {0};
    dimension_set_print(set, &text);
    const struct hash128 id = keyed_hash(&no_secret, text.data, text.length);
    const struct quote_record *last = reader->record_count ? &reader->records[reader->record_count - 1] : NULL;
    if (!last || !hash128_equal(last->dimension_set, id)) keep_dimensions(reader, id, &text);
    text_free(&text);
    return id;
}

static bool read_record(struct quote_reader *reader)
{
    struct quote_record record = {.order = reader->record_count};
    struct dimension_set set;
    if (!read_tenant(reader, &record) || !read_meter(reader, &record) || !read_times(reader, &record) ||
        !read_quantity(reader, &record) || !read_dimensions(reader, record.meter, &set))
        return false;
    record.dimension_set = add_dimensions(reader, &set);
    reader->records =
        arena_grow(reader->arena, reader->records, sizeof record, reader->record_count, &reader->record_capacity);
    reader->records[reader->record_count++] = record;
    return true;
}

// --- CSV

static bool known_columns(struct quote_reader *reader, const char *path, const struct slice *fields, size_t count)
{
    if (count > CELLS_MAX) return tell(reader, path, "%zu columns; at most %d", count, CELLS_MAX);
    reader->cell_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *name = arena_text(reader->arena, fields[i].data, fields[i].length);
        for (size_t before = 0; before < i; before++)
            if (strcmp(reader->cells[before].name, name) == 0)
                return tell(reader, arena_print(reader->arena, "%s:1:%zu", path, i + 1), "column '%s' is there twice",
                            name);
        reader->cells[i].name = name;
    }
    return true;
}

static void read_csv_row(struct quote_reader *reader, const char *path, const char *const *names, int64_t line,
                         const struct slice *fields, struct arena *row)
{
    reader->place = arena_print(row, "%s:%lld", path, (long long)line);
    for (size_t i = 0; i < reader->cell_count; i++)
        reader->cells[i] = (struct cell){names[i], arena_text(row, fields[i].data, fields[i].length),
                                         arena_print(row, "%s:%lld:%zu", path, (long long)line, i + 1)};
    read_record(reader);
}

static bool read_csv(struct quote_reader *reader, const char *path)
{
    const char *names[CELLS_MAX];
    const struct slice *fields;
    struct fault fault = {0};
    size_t count;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tell(reader, path, "cannot be opened: %s", strerror(errno));
    struct csv_reader *csv = csv_open(fd, path);
    struct arena *row = arena_new(8192);
    enum err err = csv_next(csv, &fields, &count, &fault);
    if (err == ERR_OK && known_columns(reader, path, fields, count)) {
        for (size_t i = 0; i < count; i++)
            names[i] = reader->cells[i].name;
        while ((err = csv_next(csv, &fields, &count, &fault)) == ERR_OK) {
            read_csv_row(reader, path, names, csv_line(csv), fields, row);
            arena_reset(row);
        }
    }
    if (err && err != ERR_NOT_FOUND) tell(reader, fault.place, "%s", fault.reason);
    arena_free(row);
    csv_close(csv);
    close(fd);
    return !err || err == ERR_NOT_FOUND;
}

// --- YAML and JSON

static const char *node_place(struct quote_reader *reader, const struct yaml_node *node)
{
    char place[FAULT_PLACE_MAX];
    yaml_place(node, place);
    return arena_text(reader->arena, place, strlen(place));
}

static bool add_cell(struct quote_reader *reader, const char *name, const struct yaml_node *value)
{
    if (value->kind != YAML_SCALAR) return tell(reader, node_place(reader, value), "'%s' is a text or a number", name);
    if (reader->cell_count == CELLS_MAX)
        return tell(reader, node_place(reader, value), "more than %d members", CELLS_MAX);
    reader->cells[reader->cell_count++] =
        (struct cell){name, yaml_is_null(value) ? NULL : value->text, node_place(reader, value)};
    return true;
}

static bool read_item(struct quote_reader *reader, const struct yaml_node *item)
{
    static const char *const own[] = {"tenant", "meter", "sku", "start", "end", "quantity", "times", "value"};
    reader->place = node_place(reader, item);
    reader->cell_count = 0;
    if (item->kind != YAML_MAPPING) return tell(reader, reader->place, "a record of usage is a mapping");
    for (size_t i = 0; i < item->count; i++) {
        const char *name = item->keys[i]->text;
        const struct yaml_node *value = item->items[i];
        bool known = false;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++)
            known = known || strcmp(own[k], name) == 0;
        if (known) {
            if (!add_cell(reader, name, value)) return false;
        } else if (strcmp(name, "dimensions") != 0 || value->kind != YAML_MAPPING) {
            return tell(
                reader, node_place(reader, item->keys[i]),
                "unknown member '%s'; there are tenant, meter, sku, dimensions (a mapping), start, end, quantity, times, value",
                name);
        } else {
            for (size_t d = 0; d < value->count; d++)
                if (!add_cell(reader, value->keys[d]->text, value->items[d])) return false;
        }
    }
    return read_record(reader);
}

static bool read_yaml(struct quote_reader *reader, const char *path)
{
    struct yaml_node **documents;
    struct fault fault = {0};
    size_t count;
    if (yaml_read_file(reader->arena, path, &documents, &count, &fault) != ERR_OK)
        return tell(reader, fault.place[0] ? fault.place : path, "%s", fault.reason);
    for (size_t d = 0; d < count; d++) {
        const struct yaml_node *list =
            documents[d]->kind == YAML_SEQUENCE ? documents[d] : yaml_member(documents[d], "usage");
        if (!list || list->kind != YAML_SEQUENCE || (list != documents[d] && documents[d]->count != 1))
            tell(reader, node_place(reader, documents[d]),
                 "a usage file is a list of records, or has one under 'usage'");
        else
            for (size_t i = 0; i < list->count; i++)
                read_item(reader, list->items[i]);
    }
    return true;
}

// --- all of it

enum err quote_usage_read(const struct catalogue *catalogue, const char *path, struct arena *arena,
                          struct quote_usage *usage, struct text *errors)
{
    struct quote_reader *reader = ARENA_NEW(arena, struct quote_reader);
    const char *dot = strrchr(path, '.');
    reader->catalogue = catalogue;
    reader->arena = arena;
    reader->errors = errors;
    if (dot && strcmp(dot, ".csv") == 0)
        read_csv(reader, path);
    else
        read_yaml(reader, path);
    if (reader->error_count > ERRORS_SHOWN)
        text_print(errors, "and %zu more errors\n", reader->error_count - ERRORS_SHOWN);
    drop_repeated(reader);
    *usage = (struct quote_usage){reader->records, reader->record_count, reader->dimensions, reader->dimension_count};
    return reader->error_count ? ERR_INVALID : ERR_OK;
}
