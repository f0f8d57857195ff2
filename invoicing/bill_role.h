// SPDX-License-Identifier: Apache-2.0
// The biller: settles every bill.settle_interval, and at once when the catalogue changed. Several may run: settling is a compare-and-set.
#pragma once
#include "common/config.h"
#include "common/instant.h"

// Runs until TERM. Returns an exit code (docs/exit-codes.md). Waits for PostgreSQL with bounded back-off and resumes by itself.
int bill_role_run(struct config *config, struct clock *clock);
