// SPDX-License-Identifier: Apache-2.0
// turnpike collect csv
#include <unistd.h>

#include "cli/command_collect.h"

const char collect_csv_usage[] =
    "--map MAP.yaml FILE... [--begin INSTANT] [--limit N] [--dry-run] [--again] [--skip-refused]\n\n"
    "  --map MAP.yaml       how rows become events (docs/collectors.md)\n"
    "  --begin INSTANT      moves all times, so that the map's 'from' (or offset 0) becomes INSTANT\n"
    "  --limit N            at most N rows of each file in this run\n"
    "  --dry-run            print the events, one a line, and send nothing\n"
    "  --again              send from the start, whatever was sent before (what is the same is counted once)\n"
    "  --skip-refused       keep refused events in FILE.refused.ndjson and go on\n" COLLECT_FLAGS_USAGE
    "\nMay be killed and started again at any time: it goes on where it was, and nothing is counted twice";

struct csv_command {
    struct command_context *context;
    struct collect_run run;
    struct collect_map map;
    instant_us begin;
};

static int send_file(struct csv_command *command, const char *path)
{
    struct fault fault = {0};
    struct cursor_input input = {.map = command->map.digest, .begin = command->begin};
    struct collect_csv *csv;
    int fd, code = collect_open_file(command->context, path, &fd, &input);
    if (code != 0) return code;
    if (collect_csv_open(&command->map, fd, path, input.digest, &csv, &fault) == ERR_OK) {
        struct collect_feed feed = collect_csv_feed(csv);
        code = collect_run_and_say(command->context, &command->run, &feed, &input);
        collect_csv_close(csv);
    } else {
        code = command_fail(command->context, &fault);
    }
    close(fd);
    return code;
}

static int read_map(struct csv_command *command, const char *path)
{
    struct fault fault = {0};
    enum err err = map_read_file(command->context->arena, path, &command->map, &fault);
    if (err == ERR_OK) err = map_begin(&command->map, command->begin, &fault);
    return err == ERR_OK ? 0 : command_fail(command->context, &fault);
}

int collect_csv_run(struct command_context *context, int argc, char **argv)
{
    enum { MAP = COLLECT_FLAG_COUNT, BEGIN, LIMIT, DRY_RUN, AGAIN, SKIP_REFUSED, FLAG_COUNT };
    struct flag flags[FLAG_COUNT] = {
        COLLECT_FLAGS,
        [MAP] = {.name = "--map", .kind = FLAG_TEXT},
        [BEGIN] = {.name = "--begin", .kind = FLAG_TEXT},
        [LIMIT] = {.name = "--limit", .kind = FLAG_TEXT},
        [DRY_RUN] = {.name = "--dry-run", .kind = FLAG_SWITCH},
        [AGAIN] = {.name = "--again", .kind = FLAG_SWITCH},
        [SKIP_REFUSED] = {.name = "--skip-refused", .kind = FLAG_SWITCH},
    };
    struct csv_command *command = ARENA_NEW(context->arena, struct csv_command);
    command->context = context;
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 1, argc)) return EXIT_WRONG_USE;
    if (!flags[MAP].given) return command_wrong_use(context, "--map MAP.yaml is missing");
    command->run.out = flags[DRY_RUN].given ? stdout : NULL;
    command->run.again = flags[AGAIN].given;
    command->run.skip_refused = flags[SKIP_REFUSED].given;
    if (!collect_flag_instant(context, &flags[BEGIN], &command->begin) ||
        !collect_flag_number(context, &flags[LIMIT], 1, INT64_MAX, &command->run.limit))
        return EXIT_WRONG_USE;
    int code = collect_prepare(context, flags, !command->run.out, &command->run);
    if (code == 0) code = read_map(command, flags[MAP].text);
    for (int i = 1; code == 0 && i < argc; i++)
        code = send_file(command, argv[i]);
    return code;
}
