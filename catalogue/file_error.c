// SPDX-License-Identifier: Apache-2.0
// Collects errors in an arena and ranks them by place.
#include "catalogue/file_error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void file_errors_file(struct file_errors *errors, const char *name)
{
    errors->files =
        arena_grow(errors->arena, errors->files, sizeof *errors->files, errors->file_count, &errors->file_capacity);
    errors->files[errors->file_count++] = name;
}

static size_t rank_of(const struct file_errors *errors, const char *file)
{
    size_t rank = 0;
    while (rank < errors->file_count && strcmp(errors->files[rank], file) != 0)
        rank++;
    return rank;
}

static void add(struct file_errors *errors, struct file_error error)
{
    errors->list = arena_grow(errors->arena, errors->list, sizeof *errors->list, errors->count, &errors->capacity);
    errors->list[errors->count++] = error;
    errors->sorted = false;
}

static void add_at(struct file_errors *errors, enum err err, const struct yaml_node *node, const char *reason)
{
    char place[FAULT_PLACE_MAX] = "";
    struct file_error error = {
        .err = err, .file = SIZE_MAX, .reason = arena_text(errors->arena, reason, strlen(reason))};
    if (node) {
        yaml_place(node, place);
        error.file = rank_of(errors, node->file);
        error.line = node->line;
        error.column = node->column;
    }
    error.place = arena_text(errors->arena, place, strlen(place));
    add(errors, error);
}

void file_error(struct file_errors *errors, const struct yaml_node *node, const char *format, ...)
{
    char reason[FAULT_TEXT_MAX]; // cut if too long: it is for people
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, sizeof reason, format, arguments) < 0) reason[0] = 0;
    va_end(arguments);
    add_at(errors, ERR_INVALID, node, reason);
}

void file_conflict(struct file_errors *errors, const struct yaml_node *node, const char *format, ...)
{
    char reason[FAULT_TEXT_MAX]; // cut if too long: it is for people
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(reason, sizeof reason, format, arguments) < 0) reason[0] = 0;
    va_end(arguments);
    add_at(errors, ERR_CONFLICT, node, reason);
}

void file_error_fault(struct file_errors *errors, const char *file, const struct fault *fault)
{
    const char *place = fault->place[0] ? fault->place : file;
    add(errors, (struct file_error){
                    .err = ERR_INVALID,
                    .file = rank_of(errors, file),
                    .place = arena_text(errors->arena, place, strlen(place)),
                    .reason = arena_text(errors->arena, fault->reason, strlen(fault->reason)),
                });
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_errors(const void *a, const void *b)
{
    const struct file_error *x = a, *y = b;
    if (x->file != y->file) return COMPARE(x->file, y->file);
    if (x->line != y->line) return COMPARE(x->line, y->line);
    if (x->column != y->column) return COMPARE(x->column, y->column);
    return strcmp(x->reason, y->reason);
}

const struct file_error *file_errors_sorted(struct file_errors *errors)
{
    if (!errors->sorted && errors->count > 1) qsort(errors->list, errors->count, sizeof *errors->list, compare_errors);
    errors->sorted = true;
    return errors->list;
}

void file_errors_print(struct file_errors *errors, struct text *out)
{
    const struct file_error *list = file_errors_sorted(errors);
    for (size_t i = 0; i < errors->count; i++)
        text_print(out, "%s%s%s\n", list[i].place, list[i].place[0] ? ": " : "", list[i].reason);
}

enum err file_errors_result(const struct file_errors *errors)
{
    if (errors->count == 0) return ERR_OK;
    for (size_t i = 0; i < errors->count; i++)
        if (errors->list[i].err != ERR_CONFLICT) return ERR_INVALID;
    return ERR_CONFLICT;
}
