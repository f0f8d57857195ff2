// SPDX-License-Identifier: Apache-2.0
// turnpike topic ensure
#include "cli/commands.h"
#include "cli/table.h"
#include "rating/incarnation.h"

const char topic_ensure_usage[] =
    "\n\nRuns as turnpike_admin; changes nothing when all is there, so it may always be run again";

int topic_ensure_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"incarnation", true}, {"topic", false}, {"partitions", true}};
    struct incarnation incarnation;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = incarnation_ensure(db, context->config, &incarnation, &fault);
    db_close(db);
    if (err) return command_fail(context, &fault);
    struct table *table = table_open(context, columns, 3);
    table_int(table, incarnation.number);
    table_text(table, incarnation.topic);
    table_int(table, incarnation.partitions);
    table_close(table);
    return 0;
}
