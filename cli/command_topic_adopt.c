// SPDX-License-Identifier: Apache-2.0
// turnpike topic adopt
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "common/bus.h"
#include "rating/adoption.h"

const char topic_adopt_usage[] =
    " --dry-run [--partition N|all]\n"
    "       turnpike topic adopt --reason TEXT [--partition N|all]\n\n"
    "  --partition  only this one of the partitions whose log is not the one that was counted (default all of them)\n"
    "  --reason     why: kept with the record\n"
    "  --dry-run    show what is wrong and what is lost, change nothing\n\n"
    "For partitions that are parked because their topic was deleted or made anew, or the start or the end of their "
    "log\n"
    "is gone (docs/growth.md). They count on from what the log has now; what was counted stays, what was in the lost\n"
    "log and not counted is lost, unless it is sent again: what was counted is then a duplicate. Refused while "
    "nothing\n"
    "is wrong, and for partitions that are not parked while raters are connected. Runs as turnpike_admin";

// Which messages are known to be lost, or from where on it is unknown.
static const char *lost_print(struct arena *arena, const struct adopted_partition *partition)
{
    long long ended = partition->ended_offset, base = partition->base_offset, low = partition->log_start;
    if (low > ended) return arena_print(arena, "messages %lld to %lld", ended, low - 1);
    if (low == ended) return arena_print(arena, "none, if it is the same log");
    return arena_print(arena, "what the lost log had from %lld on, or behind %lld", ended, base);
}

static void print_adoption(struct command_context *context, const struct adoption *adoption)
{
    static const struct table_column columns[] = {
        {"partition", true},  {"found", false},          {"counted_to", true},  {"log_start", true}, {"log_end", true},
        {"goes_on_at", true}, {"watermark_time", false}, {"first_time", false}, {"lost", false}};
    struct table *table = table_open(context, columns, 9);
    for (int i = 0; i < adoption->count; i++) {
        const struct adopted_partition *partition = &adoption->partitions[i];
        table_int(table, partition->partition);
        table_text(table, partition->found);
        table_int(table, partition->ended_offset);
        table_int(table, partition->log_start);
        table_int(table, partition->log_end);
        table_int(table, partition->base_offset);
        table_instant(table, partition->ended_watermark);
        table_instant(table, partition->first_received);
        table_text(table, lost_print(context->arena, partition));
    }
    table_close(table);
}

static bool partition_read(const char *text, int *partition)
{
    int64_t number = 0;
    *partition = -1;
    if (strcmp(text, "all") == 0) return true;
    if (strcmp(text, "0") != 0 && (!reading_number(text, &number) || number >= SHARD_COUNT)) return false;
    *partition = (int)number;
    return true;
}

int topic_adopt_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--partition", .kind = FLAG_TEXT},
                           {.name = "--reason", .kind = FLAG_TEXT},
                           {.name = "--dry-run", .kind = FLAG_SWITCH}};
    struct adoption_wish wish = {.partition = -1, .adopted_by = reading_person(context->arena)};
    struct adoption adoption;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, flags, 3, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[0].given && !partition_read(flags[0].text, &wish.partition))
        return command_wrong_use(context, "--partition: a number from 0, or all");
    wish.dry_run = flags[2].given;
    wish.reason = flags[1].given ? flags[1].text : "";
    if (!wish.dry_run && !wish.reason[strspn(wish.reason, " \t\r\n")])
        return command_wrong_use(context, "--reason TEXT is needed, or --dry-run");
    if (!utf8_valid(wish.reason, strlen(wish.reason))) return command_wrong_use(context, "--reason: no UTF-8");
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = adoption_run(db, context->config, &wish, context->arena, &adoption, &fault);
    db_close(db);
    if (adoption.count > 0) print_adoption(context, &adoption);
    if (err) return command_fail(context, &fault);
    if (wish.dry_run)
        fprintf(stderr, "turnpike topic adopt: nothing was changed\n");
    else
        fprintf(stderr, "turnpike topic adopt: incarnation %d counts on, on topic %s\n", adoption.next.number,
                adoption.next.topic);
    return 0;
}
