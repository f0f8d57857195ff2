// SPDX-License-Identifier: Apache-2.0
// turnpike collect host
#include <stdio.h>

#include "cli/command_collect.h"
#include "common/http.h"
#include "common/json.h"
#include "common/setting_value.h"
#include "ingest/collect_host.h"
#include "ingest/collect_progress.h"

const char collect_host_usage[] =
    "[--tenant ID] [--interval DURATION] [--count N] [--cgroups | --whole-host]\n\n"
    "  --tenant ID          whose machine this is (default: host-fleet, a tenant of deploy/sample)\n"
    "  --interval DURATION  time between two samples (default 10s)\n"
    "  --count N            end when N intervals were measured and sent (default: run on)\n"
    "  --cgroups            an event per cgroup of the first level, and one for the network\n"
    "  --whole-host         one event for the machine (default: by cgroups where there are any)\n" COLLECT_FLAGS_USAGE
    "\nMeasures processor time, memory over time, disk and network bytes of this machine. May be killed and started\n"
    "again at any time: what was used meanwhile is in the next event, unless the machine was started anew";

enum { TENANT = COLLECT_FLAG_COUNT, INTERVAL, COUNT, CGROUPS, WHOLE_HOST, FLAG_COUNT };

static bool read_options(const struct command_context *context, const struct flag *flags,
                         struct collect_host_options *options)
{
    options->tenant = flags[TENANT].given ? flags[TENANT].text : "host-fleet";
    options->interval_ms = 10000;
    if (flags[INTERVAL].given && (duration_parse(slice_of(flags[INTERVAL].text), &options->interval_ms) != ERR_OK ||
                                  options->interval_ms < HOST_INTERVAL_LEAST_MS || options->interval_ms > 86400000))
        return command_wrong_use(context, "--interval is a duration from %dms to 1d", HOST_INTERVAL_LEAST_MS), false;
    if (flags[CGROUPS].given && flags[WHOLE_HOST].given)
        return command_wrong_use(context, "either --cgroups or --whole-host"), false;
    options->scope = flags[CGROUPS].given ? HOST_CGROUPS : flags[WHOLE_HOST].given ? HOST_WHOLE : HOST_AUTO;
    return collect_flag_number(context, &flags[COUNT], 1, INT64_MAX, &options->count);
}

static void say_result(const struct command_context *context, const struct collect_host_options *options,
                       const struct collect_host_result *result)
{
    struct text line = {0};
    struct json_writer writer;
    if (context->json) {
        json_begin(&writer, &line);
        json_object_open(&writer);
        json_put_int(&writer, "intervals", result->intervals);
        json_put_int(&writer, "events", result->events);
        json_put_int(&writer, "acknowledged", result->acknowledged);
        json_put_int(&writer, "samples_waiting", result->waiting);
        json_object_close(&writer);
        puts(line.data);
    } else if (!options->quiet) {
        collect_say("%lld intervals measured, %lld events sent, %lld samples wait for the next start",
                    (long long)result->intervals, (long long)result->acknowledged, (long long)result->waiting);
    }
    text_free(&line);
}

int collect_host_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[FLAG_COUNT] = {
        COLLECT_FLAGS,
        [TENANT] = {.name = "--tenant", .kind = FLAG_TEXT},
        [INTERVAL] = {.name = "--interval", .kind = FLAG_TEXT},
        [COUNT] = {.name = "--count", .kind = FLAG_TEXT},
        [CGROUPS] = {.name = "--cgroups", .kind = FLAG_SWITCH},
        [WHOLE_HOST] = {.name = "--whole-host", .kind = FLAG_SWITCH},
    };
    struct collect_run run = {0};
    struct collect_host_options options = {.root = "", .clock = clock_system()};
    struct collect_host_result result;
    struct fault fault = {0};
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 0, 0) || !read_options(context, flags, &options))
        return EXIT_WRONG_USE;
    int code = collect_prepare(context, flags, true, &run);
    if (code != 0) return code;
    options.target = run.send.target;
    options.give_up_ms = run.send.give_up_ms;
    options.quiet = run.send.quiet;
    options.stop = &process_stop;
    options.folder = arena_print(context->arena, "%s/host", run.folder);
    enum err err = host_collector_run(&options, &result, &fault);
    say_result(context, &options, &result);
    return err == ERR_OK ? 0 : command_fail(context, &fault);
}
