// SPDX-License-Identifier: Apache-2.0
// What the commands that only read share: one snapshot as turnpike_bill (an operator sees everything), the catalogue,
// the tenant that was named.
#pragma once
#include "catalogue/catalogue.h"
#include "cli/command.h"

struct reading {
    struct db *db; // inside a snapshot
    struct catalogue *catalogue;
};
// 0, or the exit code after saying what is wrong.
int reading_open(struct command_context *context, struct reading *reading);
void reading_close(struct reading *reading);
int reading_tenant(struct command_context *context, const struct reading *reading, const char *id,
                   const struct tenant **tenant);

// A row limit from the command line: 1 to READING_LIMIT_MOST.
enum { READING_LIMIT_MOST = 1000000 };
bool reading_limit(const char *text, int *limit);
const char *reading_person(struct arena *arena); // who runs the command, for the record
bool reading_number(const char *text, int64_t *number); // positive, at most 18 digits
