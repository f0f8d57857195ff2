// SPDX-License-Identifier: Apache-2.0
// The gateway as a process: `turnpike ingest`.
#pragma once
#include "common/config.h"
#include "common/instant.h"

// Serves until TERM, then finishes the requests that have begun (at most 10 s). Returns an exit code
// (docs/exit-codes.md): 0 after TERM; the error's code when the address is taken, the schema is another one, or the
// topic has other settings. Waits for PostgreSQL and Kafka with bounded back-off; until then it answers 503. The caller
// has called log_open, process_signals and crash_point_init.
int ingest_role_run(struct config *config, struct clock *clock);
