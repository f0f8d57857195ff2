// SPDX-License-Identifier: Apache-2.0
// Rows on standard output: an aligned table for people, one JSON object a line with --json. Every list command uses it.
// Rows stream: widths are those of the first thousand rows, so memory is bounded.
//   struct table *table = table_open(context, columns, COUNT(columns));
//   table_text(table, "acme"); table_int(table, 3);   // the last cell of a row ends it
//   table_close(table);
#pragma once
#include "cli/command.h"

struct table_column {
    const char *name; // snake_case: the member's name with --json; people see blanks for '_'
    bool right;       // numbers are aligned to the right
};
struct table;
struct table *table_open(const struct command_context *context, const struct table_column *columns, size_t count);
void table_text(struct table *table, const char *text); // NULL: null, shown as "-"; control characters are escaped
void table_int(struct table *table, int64_t number);
void table_bool(struct table *table, bool value);            // yes and no; true and false with --json
void table_instant(struct table *table, instant_us instant); // RFC 3339; none and the open ends: null, shown as "-"
void table_decimal(struct table *table, int128 scaled, int places);           // exact; a string with --json
void table_list(struct table *table, const char *const *items, size_t count); // joined by ","; an array with --json
void table_close(struct table *table);                                        // prints what is left, and frees
