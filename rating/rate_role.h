// SPDX-License-Identifier: Apache-2.0
// The role `turnpike rate`: a rater over Kafka, PostgreSQL and Redis. Stores that are away, at the start or later, are
// waited for.
#pragma once
#include "common/config.h"
#include "common/instant.h"

// Runs until process_stop; commits what it has and leaves the group. Returns the exit code.
int rate_role_run(struct config *config, const struct clock *clock);
