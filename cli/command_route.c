// SPDX-License-Identifier: Apache-2.0
// turnpike route
#include "cli/commands.h"
#include "common/http.h"
#include "rating/route_role.h"

const char route_usage[] =
    "\n\nReads kafka.intake_topic, into which producers may write with any key and into any partition, and writes every\n"
    "event into the partition of its tenant, until TERM. Several share the intake's partitions; give each a\n"
    "route.instance of its own that it keeps";

int route_run(struct command_context *context, int argc, char **argv)
{
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    process_signals();
    int code = command_wait_schema(context, "rate", &process_stop);
    if (code) return process_stop ? 0 : code;
    return route_role_run(context->config);
}
