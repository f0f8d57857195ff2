// SPDX-License-Identifier: Apache-2.0
// turnpike version
#include <stdio.h>

#include "cli/commands.h"
#include "cli/table.h"

const char version_usage[] = "";

int version_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"program", false}, {"version", false}};
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!context->json) {
        puts("turnpike " TURNPIKE_VERSION);
        return 0;
    }
    struct table *table = table_open(context, columns, 2);
    table_text(table, "turnpike");
    table_text(table, TURNPIKE_VERSION);
    table_close(table);
    return 0;
}
