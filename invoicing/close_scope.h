// SPDX-License-Identifier: Apache-2.0
// Whose tenants an account's month is computed from, and so which parts of the log its close waits for (rules 1.4).
// Decides, no I/O.
#pragma once
#include "invoicing/complete.h"
#include "invoicing/period.h"

// Adds the shards of the tenants whose usage is in F of the period: members of the account and of those that buy from
// it, at any time of the period. shards: [SHARD_COUNT], not cleared.
void close_scope_add(const struct catalogue *catalogue, const struct billing_period *period, bool *shards);

// Why the period must wait: what is missing of the first such shard that is not complete, with the tenant; NULL: all is
// there.
const char *close_scope_missing(const struct catalogue *catalogue, const struct billing_period *period,
                                const struct completeness *complete, struct arena *arena);
