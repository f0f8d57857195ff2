// SPDX-License-Identifier: Apache-2.0
// What the commands of collectors that sample share: their flags, their loop, their summary.
#pragma once
#include "cli/command_collect.h"
#include "ingest/collect_poll.h"

// In a table of flags after COLLECT_FLAGS.
enum { POLL_TENANT = COLLECT_FLAG_COUNT, POLL_INTERVAL, POLL_COUNT, POLL_FLAG_COUNT };
#define POLL_FLAGS                                                                                                     \
    [POLL_TENANT] = {.name = "--tenant", .kind = FLAG_TEXT}, [POLL_INTERVAL] = {.name = "--interval", .kind = FLAG_TEXT}, \
    [POLL_COUNT] = {.name = "--count", .kind = FLAG_TEXT}
#define POLL_FLAGS_USAGE                                                                                               \
    "  --interval DURATION  time between two samples (default 10s)\n"                                                  \
    "  --count N            end when N intervals were measured and sent (default: run on)\n"

// Samples until it is told to stop: take and context are set in *poll; `name` is the folder's in that of the state. The
// exit code.
int collect_poll_run_and_say(struct command_context *context, const struct flag *flags, const char *name,
                             struct collect_poll *poll);
