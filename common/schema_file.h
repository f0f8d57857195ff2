// SPDX-License-Identifier: Apache-2.0
// The migrations inside the binary: a generated file (cmake/schema.cmake) defines these. Private to common/schema.c.
#pragma once
#include <stddef.h>

struct schema_file {
    int number;       // of the file name, from 1
    const char *name; // rest of the file name, without .sql
    const char *text; // NUL-terminated
    size_t length;
};
extern const struct schema_file schema_files[]; // sorted by number
extern const size_t schema_file_count;
extern const char *const schema_bootstrap; // schema/bootstrap.sql
