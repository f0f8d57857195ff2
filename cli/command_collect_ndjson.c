// SPDX-License-Identifier: Apache-2.0
// turnpike collect ndjson
#include <string.h>
#include <unistd.h>

#include "cli/command_collect.h"
#include "common/http.h"

const char collect_ndjson_usage[] =
    "FILE... | - [--limit N] [--dry-run] [--again] [--skip-refused]\n\n"
    "  FILE                 CloudEvents, one JSON object a line; -: standard input\n"
    "  --limit N            at most N lines of each file in this run\n"
    "  --dry-run            check the events and print them, and send nothing\n"
    "  --again              send from the start, whatever was sent before (what is the same is counted once)\n"
    "  --skip-refused       keep refused events in FILE.refused.ndjson and go on\n" COLLECT_FLAGS_USAGE
    "\nA file goes on where it was when the command is started again. Standard input has no memory: if it was cut "
    "off,\n"
    "give all of it again; ids decide what is new";

static int send_lines(struct command_context *context, const struct collect_run *run, const char *path)
{
    bool piped = strcmp(path, "-") == 0;
    struct cursor_input input = {.path = "stdin", .begin = INSTANT_NONE, .fd = -1};
    int fd = STDIN_FILENO, code = 0;
    if (!piped) {
        code = collect_open_file(context, path, &fd, &input);
        input.map = "ndjson";
    }
    if (code != 0) return code;
    struct collect_ndjson *ndjson = collect_ndjson_open(fd, input.path, &process_stop);
    struct collect_feed feed = collect_ndjson_feed(ndjson);
    code = collect_run_and_say(context, run, &feed, &input);
    collect_ndjson_close(ndjson);
    if (!piped) close(fd);
    return code;
}

int collect_ndjson_run(struct command_context *context, int argc, char **argv)
{
    enum { LIMIT = COLLECT_FLAG_COUNT, DRY_RUN, AGAIN, SKIP_REFUSED, FLAG_COUNT };
    struct flag flags[FLAG_COUNT] = {
        COLLECT_FLAGS,
        [LIMIT] = {.name = "--limit", .kind = FLAG_TEXT},
        [DRY_RUN] = {.name = "--dry-run", .kind = FLAG_SWITCH},
        [AGAIN] = {.name = "--again", .kind = FLAG_SWITCH},
        [SKIP_REFUSED] = {.name = "--skip-refused", .kind = FLAG_SWITCH},
    };
    struct collect_run run = {0};
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 1, argc)) return EXIT_WRONG_USE;
    if (!collect_flag_number(context, &flags[LIMIT], 1, INT64_MAX, &run.limit)) return EXIT_WRONG_USE;
    run.out = flags[DRY_RUN].given ? stdout : NULL;
    run.again = flags[AGAIN].given;
    run.skip_refused = flags[SKIP_REFUSED].given;
    int code = collect_prepare(context, flags, !run.out, &run);
    for (int i = 1; code == 0 && i < argc; i++)
        code = send_lines(context, &run, argv[i]);
    return code;
}
