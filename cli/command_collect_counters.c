// SPDX-License-Identifier: Apache-2.0
// turnpike collect counters
#include "cli/command_collect_poll.h"
#include "ingest/collect_counters.h"

const char collect_counters_usage[] =
    "--map MAP.yaml [--tenant ID] [--interval DURATION] [--count N]\n\n"
    "  --map MAP.yaml       which counters (docs/collectors.md)\n"
    "  --tenant ID          whose they are, where the map does not say it\n" POLL_FLAGS_USAGE COLLECT_FLAGS_USAGE
    "\nReads cumulative counters (bytes of network interfaces, a file, a program's output) and sends every reading, "
    "for\n"
    "counter meters. May be killed and started again at any time";

enum { MAP = POLL_FLAG_COUNT, FLAG_COUNT };

int collect_counters_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[FLAG_COUNT] = {COLLECT_FLAGS, POLL_FLAGS, [MAP] = {.name = "--map", .kind = FLAG_TEXT}};
    struct counter_map map;
    struct collect_counters counters = {.root = "", .clock = clock_system(), .map = &map};
    struct collect_poll poll = {.take = collect_counters_take, .context = &counters};
    struct fault fault = {0};
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!flags[MAP].given) return command_wrong_use(context, "--map MAP.yaml says which counters");
    const char *tenant = flags[POLL_TENANT].given ? flags[POLL_TENANT].text : NULL;
    if (counter_map_read(context->arena, flags[MAP].text, tenant, &map, &fault) != ERR_OK)
        return command_fail(context, &fault);
    host_identify("", "counters", tenant, &counters.identity);
    return collect_poll_run_and_say(context, flags, "counters", &poll);
}
