// SPDX-License-Identifier: Apache-2.0
// turnpike migrate
#include <stdio.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "common/schema.h"

const char migrate_usage[] =
    "[--status]\n\n"
    "  --status  only list the migrations of this binary and of the database\n\n"
    "Runs as turnpike_admin; what is done already is left alone, so it may always be run again";

// A row per migration: applied now, or as it is.
static struct table *open_list(const struct command_context *context)
{
    static const struct table_column columns[] = {
        {"number", true}, {"name", false}, {"state", false}, {"applied_time", false}};
    return table_open(context, columns, 4);
}

static int print_status(struct command_context *context, struct db *db)
{
    struct schema_migration *list;
    size_t count;
    struct fault fault = {0};
    if (schema_list(db, context->arena, &list, &count, &fault)) return command_fail(context, &fault);
    struct table *table = open_list(context);
    for (size_t i = 0; i < count; i++) {
        table_int(table, list[i].number);
        table_text(table, list[i].name);
        table_text(table, schema_state_name(list[i].state));
        table_instant(table, list[i].applied_time);
    }
    table_close(table);
    if (!schema_check(db, &fault)) return 0;
    int code = command_fail(context, &fault);
    return fault.err == ERR_CONFLICT ? EXIT_SCHEMA : code;
}

static void say_progress(void *counter, int number, const char *name, bool done)
{
    if (!done) {
        fprintf(stderr, "migrate: %04d_%s\n", number, name);
        return;
    }
    ++*(int *)counter;
}

static int apply(struct command_context *context, struct db *db)
{
    static const struct table_column columns[] = {{"applied", true}};
    struct fault fault = {0};
    int applied = 0;
    enum err err = schema_migrate(db, say_progress, &applied, &fault);
    if (err) {
        int code = command_fail(context, &fault);
        return err == ERR_CONFLICT ? EXIT_SCHEMA : code;
    }
    if (context->json) {
        struct table *table = table_open(context, columns, 1);
        table_int(table, applied);
        table_close(table);
    } else {
        printf("%d migration%s applied\n", applied, applied == 1 ? "" : "s");
    }
    return 0;
}

int migrate_run(struct command_context *context, int argc, char **argv)
{
    struct flag status = {.name = "--status", .kind = FLAG_SWITCH};
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, &status, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (db_open(context->config, "admin", NULL, &db, &fault)) return command_fail(context, &fault);
    int code = status.given ? print_status(context, db) : apply(context, db);
    db_close(db);
    return code;
}
