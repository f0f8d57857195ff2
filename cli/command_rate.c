// SPDX-License-Identifier: Apache-2.0
// turnpike rate
#include "cli/commands.h"
#include "common/http.h"
#include "rating/rate_role.h"

const char rate_usage[] =
    "\n\nCounts events until TERM. Several share the partitions; give each a rate.instance of its own that it keeps";

int rate_run(struct command_context *context, int argc, char **argv)
{
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    process_signals();
    int code = command_wait_schema(context, "rate", &process_stop);
    if (code) return process_stop ? 0 : code;
    return rate_role_run(context->config, clock_system());
}
