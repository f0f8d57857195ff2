// SPDX-License-Identifier: Apache-2.0
// turnpike topic ensure|grow|retire
#include <stdio.h>

#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "common/hash.h"
#include "common/http.h"
#include "common/setting_value.h"
#include "rating/incarnation.h"

enum { RETIRE_WAIT_MS = 60000 };

const char topic_ensure_usage[] =
    "\n\nRuns as turnpike_admin; changes nothing when all is there, so it may always be run again";

static void print_incarnation(struct command_context *context, const struct incarnation *incarnation)
{
    static const struct table_column columns[] = {{"incarnation", true}, {"topic", false}, {"partitions", true}};
    struct table *table = table_open(context, columns, 3);
    table_int(table, incarnation->number);
    table_text(table, incarnation->topic);
    table_int(table, incarnation->partitions);
    table_close(table);
}

int topic_ensure_run(struct command_context *context, int argc, char **argv)
{
    struct incarnation incarnation;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = incarnation_ensure(db, context->config, &incarnation, &fault);
    db_close(db);
    if (err) return command_fail(context, &fault);
    print_incarnation(context, &incarnation);
    return 0;
}

const char topic_grow_usage[] =
    " --partitions N [--reason TEXT]\n\n"
    "Lets a new topic with more partitions count instead of the present one. Raters, gateways and routers follow by\n"
    "themselves; what is still written to the old topic is sent on (docs/growth.md). Runs as turnpike_admin; changes\n"
    "nothing when there are so many, so it may be run again";

int topic_grow_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--partitions", .kind = FLAG_TEXT}, {.name = "--reason", .kind = FLAG_TEXT}};
    struct incarnation incarnation;
    struct fault fault = {0};
    struct db *db;
    int64_t partitions = 0;
    bool made = false;
    if (!command_flags(context, flags, 2, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!flags[0].given || !reading_number(flags[0].text, &partitions) || partitions > SHARD_COUNT)
        return command_wrong_use(context, "--partitions: a power of two from 1 to %d", SHARD_COUNT);
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = incarnation_grow(db, context->config, (int)partitions, flags[1].given ? flags[1].text : "",
                                    &incarnation, &made, &fault);
    db_close(db);
    if (err) return command_fail(context, &fault);
    if (!made) fprintf(stderr, "turnpike topic grow: there are %d partitions\n", incarnation.partitions);
    print_incarnation(context, &incarnation);
    return 0;
}

const char topic_retire_usage[] =
    " --incarnation N [--wait DURATION]\n"
    "       turnpike topic retire --incarnation N --lost --reason TEXT\n\n"
    "Gives up the oldest topic: refused while something in it is not sent on (after --wait, 1m), and until its retention is over\n"
    "since its last event. It refuses messages first and is deleted at the end. --lost: it cannot be read any more; what was in it\n"
    "and not sent on is given up. Runs as turnpike_admin; may be run again";

int topic_retire_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--incarnation", .kind = FLAG_TEXT},
                           {.name = "--wait", .kind = FLAG_TEXT},
                           {.name = "--lost", .kind = FLAG_SWITCH},
                           {.name = "--reason", .kind = FLAG_TEXT}};
    struct incarnation_retirement wish = {.wait_ms = RETIRE_WAIT_MS, .stop = &process_stop};
    struct fault fault = {0};
    struct db *db;
    int64_t number = 0;
    if (!command_flags(context, flags, 4, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!flags[0].given || !reading_number(flags[0].text, &number) || number > INT32_MAX)
        return command_wrong_use(context, "--incarnation: its number, as turnpike status has it");
    if (flags[1].given && (duration_parse(slice_of(flags[1].text), &wish.wait_ms) != ERR_OK || wish.wait_ms <= 0))
        return command_wrong_use(context, "--wait: a duration such as 1m");
    if (flags[2].given != flags[3].given) return command_wrong_use(context, "--lost and --reason go together");
    wish.number = (int)number;
    wish.lost = flags[2].given;
    wish.reason = flags[3].text;
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = incarnation_retire(db, context->config, &wish, &fault);
    db_close(db);
    if (err) return command_fail(context, &fault);
    printf("incarnation %d is retired\n", wish.number);
    return 0;
}
