// SPDX-License-Identifier: Apache-2.0
// turnpike compact
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "common/http.h"
#include "common/setting_value.h"
#include "rating/compact.h"

const char compact_usage[] =
    "[--now] [--keep DURATION]\n\n"
    "  --now   up to the last settled cut (default: up to the first one after the last midnight, UTC)\n"
    "  --keep  remove deltas that were folded longer ago than this (default: bill.compact_keep)\n\n"
    "Folds settled usage into one row per tenant, meter and day, and removes the deltas that nobody can read any\n"
    "more; the same as a step of `turnpike bill`. Changes no figure. May be interrupted and run again";

static void say_progress(const struct compact_result *result)
{
    if (isatty(STDERR_FILENO) && result->cut_to && result->shards <= 1024)
        fprintf(stderr, "\rcompact: cut %lld, %lld of 1024 shards of %lld rows   ", (long long)result->cut_to,
                (long long)result->shards, (long long)result->delta_rows);
}

static void print_result(struct command_context *context, const struct compact_result *result)
{
    static const struct table_column columns[] = {{"cut", true},          {"compactions", true}, {"deltas", true},
                                                  {"rows", true},         {"released", true},    {"dropped", true},
                                                  {"dropped_rows", true}, {"waiting", false}};
    struct table *table = table_open(context, columns, 8);
    if (isatty(STDERR_FILENO) && result->cut_to) fprintf(stderr, "\n");
    table_int(table, result->cut_to);
    table_int(table, result->compactions);
    table_int(table, result->folded_rows);
    table_int(table, result->segment_rows);
    table_int(table, result->released);
    table_int(table, result->dropped);
    table_int(table, result->dropped_rows);
    table_bool(table, result->waiting);
    table_close(table);
}

int compact_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--now", .kind = FLAG_SWITCH}, {.name = "--keep", .kind = FLAG_TEXT}};
    struct compact_options options = {.chunk_rows = config_int(context->config, "bill.compact_rows"),
                                      .keep_ms = config_int(context->config, "bill.compact_keep")};
    struct compact_result result = {0};
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, flags, 2, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[1].given && duration_parse(slice_of(flags[1].text), &options.keep_ms))
        return command_wrong_use(context, "--keep: a duration like 0s or 24h is needed");
    options.through_all = flags[0].given;
    process_signals();
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = ERR_OK;
    for (bool more = true; more && !err && !process_stop;) {
        err = compact_step(db, &options, &result, &more, &fault);
        if (!err) say_progress(&result);
    }
    if (!err && process_stop) err = fault_set(&fault, ERR_RETRY, "", "interrupted: run it again to go on");
    if (err)
        code = command_fail(context, &fault);
    else
        print_result(context, &result);
    db_close(db);
    return code;
}
