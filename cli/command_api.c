// SPDX-License-Identifier: Apache-2.0
// turnpike api
#include "api/api.h"
#include "cli/commands.h"
#include "common/http.h"

const char api_command_usage[] = "\n\nServes the tenant billing API at api.listen until TERM (docs/api.md)";

int api_command_run(struct command_context *context, int argc, char **argv)
{
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    process_signals();
    return api_role_run(context->config, clock_system());
}
