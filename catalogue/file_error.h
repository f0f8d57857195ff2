// SPDX-License-Identifier: Apache-2.0
// The errors of catalogue files: all of them, each with its place, told in the order of the files. Private to
// catalogue/.
#pragma once
#include "common/arena.h"
#include "common/text.h"
#include "common/yaml.h"

struct file_error {
    const char *place; // "file:line:column"; "" for what is wrong with the whole
    const char *reason;
    enum err err; // ERR_INVALID: the files are wrong; ERR_CONFLICT: they contradict what is in force
    size_t file;  // index of file_errors.files
    int line, column;
};
struct file_errors {
    struct arena *arena;
    const char **files; // in the order in which they were read
    size_t file_count, file_capacity;
    struct file_error *list;
    size_t count, capacity;
    bool sorted;
};
// Tells where the errors of a file rank; name is borrowed.
void file_errors_file(struct file_errors *errors, const char *name);
// node NULL: no place, ranks last.
void file_error(struct file_errors *errors, const struct yaml_node *node, const char *format, ...) PRINTF_LIKE(3, 4);
void file_conflict(struct file_errors *errors, const struct yaml_node *node, const char *format, ...) PRINTF_LIKE(3, 4);
// A fault of reading the file named `file` (of file_errors_file).
void file_error_fault(struct file_errors *errors, const char *file, const struct fault *fault);
// Sorts the list by file, line and column.
const struct file_error *file_errors_sorted(struct file_errors *errors);
// Adds them in this order, one a line: "place: reason".
void file_errors_print(struct file_errors *errors, struct text *out);
// What a command should return: ERR_OK, ERR_CONFLICT if nothing but conflicts was found, else ERR_INVALID.
enum err file_errors_result(const struct file_errors *errors) MUST_USE;
