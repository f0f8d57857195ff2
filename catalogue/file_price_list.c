// SPDX-License-Identifier: Apache-2.0
// Prices from a CSV file: every row fills the columns into a template, which is a price as it would stand in a book,
// and that price is read as any other. Its places are the rows' and columns' of the CSV file.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "catalogue/file_field.h"
#include "common/csv.h"

enum { ERRORS_MOST = 100, TEMPLATE_DEPTH_MAX = 8, PRODUCT_PLACES = 30, FACTOR_DIGITS_MAX = 15 };

struct price_list {
    struct catalogue_files *files;
    struct arena *arena;
    const char *path;
    size_t book;
    const struct yaml_node *where, *template;
    int round_to; // decimal places of products; -1: as many as they have
    const char **columns;
    size_t column_count;
    const struct slice *fields; // of this row
    int line;
    struct text scratch;
};

// --- columns

// Index of a column; column_count, and an error at the node: there is none.
static size_t find_column(const struct price_list *list, const struct yaml_node *node, struct slice name)
{
    size_t index = 0;
    while (index < list->column_count && !slice_is(name, list->columns[index]))
        index++;
    if (index == list->column_count)
        file_error(&list->files->errors, node, "%.120s has no column '%.*s'", list->path, (int)name.length, name.data);
    return index;
}

// "$column" or "$column * 1000". false: an error was told.
struct expression {
    struct slice column;
    int64_t factor; // 0: none
};
static bool read_expression(const struct price_list *list, const struct yaml_node *node, struct expression *expression)
{
    const char *at = node->text + 1, *star = strchr(at, '*');
    *expression = (struct expression){.column = {at, star ? (size_t)(star - at) : node->length - 1}};
    while (expression->column.length && expression->column.data[expression->column.length - 1] == ' ')
        expression->column.length--;
    if (!star) return true;
    star += strspn(star, "* ");
    if (!*star || strlen(star) > FACTOR_DIGITS_MAX || strspn(star, "0123456789") != strlen(star) || *star == '0') {
        file_error(&list->files->errors, node, "'%.64s': after '*' comes a whole number of up to %d digits", node->text,
                   FACTOR_DIGITS_MAX);
        return false;
    }
    for (; *star; star++)
        expression->factor = expression->factor * 10 + (*star - '0');
    return true;
}

// --- filling in

static struct yaml_node *filled(const struct price_list *list, size_t column)
{
    struct yaml_node *node = ARENA_NEW(list->arena, struct yaml_node);
    node->kind = YAML_SCALAR;
    node->file = list->path;
    node->line = list->line;
    node->column = (int)column + 1;
    return node;
}

// The cell's decimal times the factor, exact; then rounded if the list says so.
static bool multiply(const struct price_list *list, const struct expression *expression, struct yaml_node *node)
{
    char digits[DECIMAL_TEXT_MAX];
    struct fault fault;
    int128 scaled, increment = 1;
    enum err err = decimal_parse(node->text, node->length, PRODUCT_PLACES, false, &scaled, &fault);
    if (err) return file_error(&list->files->errors, node, "'%.64s': %s", node->text, fault.reason), false;
    for (int place = list->round_to; place >= 0 && place < PRODUCT_PLACES; place++)
        increment *= 10;
    err = decimal_mul_div(scaled, expression->factor, 1, ROUND_DOWN, &scaled);
    if (!err) err = decimal_round_to(scaled, increment, ROUND_HALF_UP, &scaled);
    if (err)
        return file_error(&list->files->errors, node, "'%.64s' x %lld is beyond the range of prices", node->text,
                          (long long)expression->factor),
               false;
    node->length = decimal_print(scaled, PRODUCT_PLACES, digits);
    node->text = arena_text(list->arena, digits, node->length);
    return true;
}

// NULL: this row makes no price, because a cell is empty or an error was told.
static const struct yaml_node *fill(const struct price_list *list, const struct yaml_node *template, int depth);

static const struct yaml_node *fill_scalar(const struct price_list *list, const struct yaml_node *template)
{
    struct expression expression;
    if (template->text[0] != '$') return template;
    if (template->text[1] == '$') { // "$$" stands for a dollar sign
        struct yaml_node *node = ARENA_NEW(list->arena, struct yaml_node);
        *node = *template;
        node->text++;
        node->length--;
        return node;
    }
    if (!read_expression(list, template, &expression)) return NULL;
    size_t column = find_column(list, template, expression.column);
    if (column == list->column_count || !list->fields[column].length) return NULL;
    struct yaml_node *node = filled(list, column);
    node->text = arena_text(list->arena, list->fields[column].data, list->fields[column].length);
    node->length = list->fields[column].length;
    return !expression.factor || multiply(list, &expression, node) ? node : NULL;
}

static const struct yaml_node *fill_members(const struct price_list *list, const struct yaml_node *template, int depth)
{
    struct yaml_node *node = ARENA_NEW(list->arena, struct yaml_node);
    *node = *template;
    node->items = ARENA_ARRAY(list->arena, struct yaml_node *, template->count + 1);
    for (size_t i = 0; i < template->count; i++) {
        const struct yaml_node *item = fill(list, template->items[i], depth + 1);
        if (!item) return NULL;
        memcpy(&node->items[i], &item, sizeof item); // not written to any more
    }
    return node;
}

static const struct yaml_node *fill(const struct price_list *list, const struct yaml_node *template, int depth)
{
    if (template->kind == YAML_SCALAR) return fill_scalar(list, template);
    if (depth < TEMPLATE_DEPTH_MAX) return fill_members(list, template, depth);
    file_error(&list->files->errors, template, "a price is not that deep");
    return NULL;
}

// Does the row have the values that are asked for?
static bool wanted(const struct price_list *list)
{
    for (size_t i = 0; list->where && i < list->where->count; i++) {
        const struct yaml_node *key = list->where->keys[i], *value = list->where->items[i];
        size_t column = find_column(list, key, slice_of(key->text));
        if (column == list->column_count || value->kind != YAML_SCALAR || !slice_is(list->fields[column], value->text))
            return false;
    }
    return true;
}

static void read_row(struct price_list *list)
{
    if (!wanted(list)) return;
    const struct yaml_node *price = fill(list, list->template, 0);
    if (!price) return;
    struct yaml_node *item = filled(list, 0);
    item->kind = YAML_MAPPING;
    item->count = price->count;
    item->keys = price->keys;
    item->items = price->items;
    file_price_read(list->files, list->book, item, &list->scratch);
}

static void read_columns(struct price_list *list, const struct slice *fields, size_t count)
{
    list->columns = ARENA_ARRAY(list->arena, const char *, count + 1);
    list->column_count = count;
    for (size_t i = 0; i < count; i++)
        list->columns[i] = arena_text(list->arena, fields[i].data, fields[i].length);
}

static void read_rows(struct price_list *list, struct csv_reader *csv)
{
    struct file_errors *errors = &list->files->errors;
    const size_t before = errors->count;
    struct fault fault = {0};
    size_t count;
    enum err err = csv_next(csv, &list->fields, &count, &fault);
    if (err == ERR_OK) read_columns(list, list->fields, count);
    while (err == ERR_OK && (err = csv_next(csv, &list->fields, &count, &fault)) == ERR_OK) {
        list->line = (int)csv_line(csv);
        read_row(list);
        if (errors->count - before < ERRORS_MOST) continue;
        file_error(errors, filled(list, 0), "%d errors: the rest of the file was not read", ERRORS_MOST);
        return;
    }
    if (err != ERR_NOT_FOUND) file_error_fault(errors, list->path, &fault);
}

// --- one list

// Beside the file that names it, unless the path is absolute.
static const char *path_of(const struct catalogue_files *files, const struct yaml_node *node, const char *name)
{
    const char *slash = strrchr(node->file, '/');
    if (*name == '/' || !slash) return arena_text(files->arena, name, strlen(name));
    return arena_print(files->arena, "%.*s%s", (int)(slash + 1 - node->file), node->file, name);
}

static void read_file(struct price_list *list, const struct yaml_node *node)
{
    int fd = open(list->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        file_error(&list->files->errors, node, "%.200s cannot be opened: %s", list->path, strerror(errno));
        return;
    }
    struct csv_reader *csv = csv_open(fd, list->path);
    file_errors_file(&list->files->errors, list->path);
    read_rows(list, csv);
    csv_close(csv);
    close(fd);
}

static bool is_mapping(struct file_errors *errors, const struct file_field *field)
{
    if (!field->value || field->value->kind == YAML_MAPPING) return true;
    file_error(errors, field->value, "%s is a mapping", field->name);
    return false;
}

static void read_list(struct catalogue_files *files, size_t book, const struct yaml_node *item)
{
    enum { FILE_NAME, WHERE, ROUND_TO, PRICE };
    struct file_field fields[] = {
        [FILE_NAME] = {.name = "file", .required = true},
        [WHERE] = {.name = "where"},
        [ROUND_TO] = {.name = "round_to"},
        [PRICE] = {.name = "price", .required = true},
    };
    struct file_errors *errors = &files->errors;
    if (!FILE_FIELDS(errors, item, "price list", fields)) return;
    const char *name = file_text(errors, &fields[FILE_NAME], FILE_TEXT_MAX);
    struct price_list list = {.files = files,
                              .arena = files->arena,
                              .book = book,
                              .where = fields[WHERE].value,
                              .template = fields[PRICE].value,
                              .round_to = file_whole(errors, &fields[ROUND_TO], 0, PRICE_PLACES, -1)};
    if (!is_mapping(errors, &fields[WHERE]) || !is_mapping(errors, &fields[PRICE]) || !name || !list.template) return;
    list.path = path_of(files, item, name);
    read_file(&list, fields[FILE_NAME].value);
    text_free(&list.scratch);
}

void file_price_lists_read(struct catalogue_files *files, size_t book, const struct file_field *field)
{
    if (!field->value) return;
    if (field->value->kind != YAML_SEQUENCE) {
        file_error(&files->errors, field->value, "%s is a list", field->name);
        return;
    }
    for (size_t i = 0; i < field->value->count; i++)
        read_list(files, book, field->value->items[i]);
}
