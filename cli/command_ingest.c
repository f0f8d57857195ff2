// SPDX-License-Identifier: Apache-2.0
// turnpike ingest
#include "cli/commands.h"
#include "common/http.h"
#include "ingest/ingest_role.h"

const char ingest_usage[] =
    "\n\nTakes events at ingest.listen until TERM, and answers when Kafka has them. Several may run behind one address";

int ingest_run(struct command_context *context, int argc, char **argv)
{
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    process_signals();
    return ingest_role_run(context->config, clock_system());
}
