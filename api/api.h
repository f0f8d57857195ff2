// SPDX-License-Identifier: Apache-2.0
// Reading: the tenant billing API (api_role_run) and what it shares with the command line: usage of a tenant
// (tenant_usage.h), live spend (tenant_spend.h), documents (invoice_read.h). Nothing here writes to a store.
#pragma once
#include "common/config.h"
#include "common/instant.h"

// The process of `turnpike api`: serves until TERM. Returns an exit code (docs/exit-codes.md). Waits for PostgreSQL
// with bounded back-off; while it is away requests are answered 503. Refuses to start when row-level security does not
// hold for its role.
int api_role_run(struct config *config, struct clock *clock);
