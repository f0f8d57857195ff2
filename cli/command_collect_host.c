// SPDX-License-Identifier: Apache-2.0
// turnpike collect host
#include "cli/command_collect_poll.h"
#include "ingest/collect_host.h"
#include "ingest/collect_machines.h"

const char collect_host_usage[] =
    "[--tenant ID] [--interval DURATION] [--count N] [--cgroups | --whole-host | --machines [--under GROUP]]\n\n"
    "  --tenant ID          whose machine this is (default: host-fleet, a tenant of deploy/sample)\n" POLL_FLAGS_USAGE
    "  --cgroups            an event per cgroup of the first level, and one for the network\n"
    "  --whole-host         one event for the machine (default: by cgroups where there are any)\n"
    "  --machines           instead of what was used: which machines (cgroups) run, how large, from when to when\n"
    "  --under GROUP        with --machines: the cgroup whose groups are machines (default: machine.slice if there is\n"
    "                       one, else those of the first level)\n" COLLECT_FLAGS_USAGE
    "\nMeasures processor time, memory over time, disk and network bytes of this machine. May be killed and started\n"
    "again at any time: what was used meanwhile is in the next event, unless the machine was started anew";

enum { CGROUPS = POLL_FLAG_COUNT, WHOLE_HOST, MACHINES, UNDER, FLAG_COUNT };

static int run_machines(struct command_context *context, const struct flag *flags, const char *tenant)
{
    struct collect_machines machines = {
        .root = "", .under = flags[UNDER].given ? flags[UNDER].text : NULL, .clock = clock_system()};
    struct collect_poll poll = {.take = collect_machines_take, .context = &machines};
    host_identify("", "machines", tenant, &machines.identity);
    return collect_poll_run_and_say(context, flags, "machines", &poll);
}

static int run_usage(struct command_context *context, const struct flag *flags, const char *tenant)
{
    static struct collect_host host; // large
    struct collect_poll poll = {.take = collect_host_take, .context = &host};
    host.root = "";
    host.clock = clock_system();
    host.scope = flags[CGROUPS].given ? HOST_CGROUPS : flags[WHOLE_HOST].given ? HOST_WHOLE : HOST_AUTO;
    host_identify("", "host", tenant, &host.identity);
    return collect_poll_run_and_say(context, flags, "host", &poll);
}

int collect_host_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[FLAG_COUNT] = {
        COLLECT_FLAGS,
        POLL_FLAGS,
        [CGROUPS] = {.name = "--cgroups", .kind = FLAG_SWITCH},
        [WHOLE_HOST] = {.name = "--whole-host", .kind = FLAG_SWITCH},
        [MACHINES] = {.name = "--machines", .kind = FLAG_SWITCH},
        [UNDER] = {.name = "--under", .kind = FLAG_TEXT},
    };
    if (!command_flags(context, flags, FLAG_COUNT, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[CGROUPS].given + flags[WHOLE_HOST].given + flags[MACHINES].given > 1)
        return command_wrong_use(context, "one of --cgroups, --whole-host and --machines");
    if (flags[UNDER].given && !flags[MACHINES].given) return command_wrong_use(context, "--under goes with --machines");
    const char *tenant = flags[POLL_TENANT].given ? flags[POLL_TENANT].text : "host-fleet";
    return flags[MACHINES].given ? run_machines(context, flags, tenant) : run_usage(context, flags, tenant);
}
