// SPDX-License-Identifier: Apache-2.0
// Opening and closing what a reading command reads from.
#include "cli/reading.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int reading_open(struct command_context *context, struct reading *reading)
{
    struct fault fault = {0};
    *reading = (struct reading){0};
    int code = command_open_db(context, "bill", &reading->db);
    if (code) return code;
    enum err err = db_begin_snapshot(reading->db, &fault);
    if (!err) err = catalogue_load(reading->db, 0, &reading->catalogue, &fault);
    if (!err) return 0;
    reading_close(reading);
    return command_fail(context, &fault);
}

void reading_close(struct reading *reading)
{
    db_rollback(reading->db);
    db_close(reading->db);
    catalogue_release(reading->catalogue);
}

int reading_tenant(struct command_context *context, const struct reading *reading, const char *id,
                   const struct tenant **tenant)
{
    struct fault fault = {0};
    *tenant = catalogue_tenant(reading->catalogue, slice_of(id));
    if (*tenant) return 0;
    fault_set(&fault, ERR_NOT_FOUND, id, "there is no such tenant");
    return command_fail(context, &fault);
}

bool reading_limit(const char *text, int *limit)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 7 || text[digits]) return false;
    *limit = atoi(text);
    return *limit >= 1 && *limit <= READING_LIMIT_MOST;
}

bool reading_number(const char *text, int64_t *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 18 || text[digits]) return false;
    *number = strtoll(text, NULL, 10);
    return *number > 0;
}

const char *reading_person(struct arena *arena)
{
    const struct passwd *user = getpwuid(getuid());
    return user ? arena_text(arena, user->pw_name, strlen(user->pw_name))
                : arena_print(arena, "uid %ld", (long)getuid());
}
