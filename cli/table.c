// SPDX-License-Identifier: Apache-2.0
// Tables for people and rows for scripts. Texts come from outside: nothing in them can move a terminal's cursor.
#include "cli/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

enum { ROWS_BEFORE_WIDTHS = 1000, GAP = 2 };

struct table {
    bool json;
    const struct table_column *columns;
    size_t count;  // of columns
    size_t column; // of the next cell
    size_t *widths;
    struct text *cells; // rows that wait for the widths
    size_t rows;
    bool streaming; // the widths are fixed, the head is printed
    struct text line;
    struct json_writer writer;
};

struct table *table_open(const struct command_context *context, const struct table_column *columns, size_t count)
{
    struct table *table = heap_alloc(sizeof *table);
    table->json = context->json;
    table->columns = columns;
    table->count = count;
    if (table->json) return table;
    table->widths = heap_alloc(count * sizeof *table->widths);
    table->cells = heap_alloc(count * ROWS_BEFORE_WIDTHS * sizeof *table->cells);
    for (size_t i = 0; i < count; i++)
        table->widths[i] = strlen(columns[i].name);
    return table;
}

// --- for people

// Characters, not bytes; wide ones count once.
static size_t shown_width(const struct text *text)
{
    size_t width = 0;
    for (size_t i = 0; i < text->length; i++)
        width += ((unsigned char)text->data[i] & 0xc0) != 0x80;
    return width;
}

static void pad(struct text *line, size_t width, size_t shown)
{
    for (; shown < width; shown++)
        text_add_char(line, ' ');
}

static void add_cell(struct table *table, size_t column, const struct text *cell)
{
    size_t shown = shown_width(cell), width = table->widths[column];
    if (table->columns[column].right) pad(&table->line, width, shown);
    text_add(&table->line, cell->data, cell->length);
    if (column + 1 == table->count) return;
    if (!table->columns[column].right) pad(&table->line, width, shown);
    pad(&table->line, GAP, 0);
}

static void print_line(struct table *table)
{
    while (table->line.length > 0 && table->line.data[table->line.length - 1] == ' ')
        table->line.data[--table->line.length] = 0;
    text_add_char(&table->line, '\n');
    fwrite(table->line.data, 1, table->line.length, stdout);
    text_clear(&table->line);
}

static void print_head(struct table *table)
{
    struct text name = {0};
    for (size_t i = 0; i < table->count; i++) {
        text_clear(&name);
        for (const char *at = table->columns[i].name; *at; at++)
            text_add_char(&name, *at == '_' ? ' ' : *at);
        add_cell(table, i, &name);
    }
    print_line(table);
    text_free(&name);
}

static void print_waiting(struct table *table)
{
    print_head(table);
    for (size_t row = 0; row < table->rows; row++) {
        for (size_t i = 0; i < table->count; i++)
            add_cell(table, i, &table->cells[row * table->count + i]);
        print_line(table);
    }
    table->streaming = true;
}

static bool is_control(unsigned char first, unsigned char second)
{
    return first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0); // C0, DEL, C1 (U+0080 to U+009F)
}

static void make_harmless(struct text *cell, const char *text)
{
    text_clear(cell);
    for (const char *at = text; *at; at++) {
        unsigned char byte = (unsigned char)*at, next = (unsigned char)at[1];
        if (!is_control(byte, next)) {
            text_add_char(cell, *at);
        } else if (byte == 0xc2) {
            text_print(cell, "\\u%04x", next);
            at += next != 0;
        } else {
            text_print(cell, "\\u%04x", byte);
        }
    }
}

static void add_for_people(struct table *table, const char *text)
{
    struct text *cell = &table->cells[(table->streaming ? 0 : table->rows) * table->count + table->column];
    make_harmless(cell, text);
    if (table->streaming) {
        add_cell(table, table->column, cell);
    } else {
        size_t shown = shown_width(cell);
        if (shown > table->widths[table->column]) table->widths[table->column] = shown;
    }
    if (++table->column < table->count) return;
    table->column = 0;
    if (table->streaming)
        print_line(table);
    else if (++table->rows == ROWS_BEFORE_WIDTHS)
        print_waiting(table);
}

// --- for scripts

static struct json_writer *begin_member(struct table *table)
{
    if (table->column == 0) {
        text_clear(&table->line);
        json_begin(&table->writer, &table->line);
        json_object_open(&table->writer);
    }
    json_name(&table->writer, table->columns[table->column].name);
    return &table->writer;
}

static void end_member(struct table *table)
{
    if (++table->column < table->count) return;
    table->column = 0;
    json_object_close(&table->writer);
    print_line(table);
}

// --- cells

void table_text(struct table *table, const char *text)
{
    if (!table->json) {
        add_for_people(table, text ? text : "-");
        return;
    }
    json_write_text(begin_member(table), text);
    end_member(table);
}

void table_int(struct table *table, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    if (!table->json) {
        add_for_people(table, text);
        return;
    }
    json_write_int(begin_member(table), number);
    end_member(table);
}

void table_bool(struct table *table, bool value)
{
    if (!table->json) {
        add_for_people(table, value ? "yes" : "no");
        return;
    }
    json_write_bool(begin_member(table), value);
    end_member(table);
}

void table_instant(struct table *table, instant_us instant)
{
    char text[INSTANT_TEXT_MAX];
    bool open = instant == INSTANT_NONE || instant == INSTANT_MIN || instant == INSTANT_MAX;
    if (!open) instant_print(instant, text);
    table_text(table, open ? NULL : text);
}

void table_decimal(struct table *table, int128 scaled, int places)
{
    char text[DECIMAL_TEXT_MAX];
    decimal_print(scaled, places, text);
    table_text(table, text);
}

void table_list(struct table *table, const char *const *items, size_t count)
{
    if (table->json) {
        struct json_writer *writer = begin_member(table);
        json_array_open(writer);
        for (size_t i = 0; i < count; i++)
            json_write_text(writer, items[i]);
        json_array_close(writer);
        end_member(table);
        return;
    }
    struct text joined = {0};
    text_clear(&joined);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add_char(&joined, ',');
        text_add_string(&joined, items[i]);
    }
    add_for_people(table, count > 0 ? joined.data : "-");
    text_free(&joined);
}

void table_close(struct table *table)
{
    ENSURE(table->column == 0);
    if (!table->json) {
        if (!table->streaming) print_waiting(table);
        for (size_t i = 0; i < table->count * ROWS_BEFORE_WIDTHS; i++)
            text_free(&table->cells[i]);
    }
    free(table->cells);
    free(table->widths);
    text_free(&table->line);
    free(table);
}
