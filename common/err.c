// SPDX-License-Identifier: Apache-2.0
// Names and exit codes of enum err, and the text beside a failure.
#include "common/err.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    int exit_code;
} err_table[] = {
    [ERR_OK] = {"ok", 0},           [ERR_INVALID] = {"invalid", 2},      [ERR_DUPLICATE] = {"duplicate", 0},
    [ERR_CONFLICT] = {"conflict", 5}, [ERR_NOT_FOUND] = {"not_found", 4}, [ERR_LIMIT] = {"limit", 6},
    [ERR_RETRY] = {"retry", 75},    [ERR_UNCERTAIN] = {"uncertain", 76}, [ERR_BUG] = {"bug", 70},
};

enum err fault_set(struct fault *fault, enum err err, const char *place, const char *format, ...)
{
    if (!fault) return err;
    fault->err = err;
    if (snprintf(fault->place, sizeof fault->place, "%s", place ? place : "") < 0) fault->place[0] = 0;
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(fault->reason, sizeof fault->reason, format, arguments) < 0) fault->reason[0] = 0;
    va_end(arguments);
    return err;
}

const char *err_name(enum err err)
{
    return err_table[err].name;
}

int err_exit_code(enum err err)
{
    return err_table[err].exit_code;
}

void err_abort(const char *file, int line, const char *condition)
{
    fprintf(stderr, "turnpike: %s:%d: broken invariant: %s\n", file, line, condition);
    abort();
}
