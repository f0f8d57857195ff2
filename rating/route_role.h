// SPDX-License-Identifier: Apache-2.0
// The router as a process: turnpike route, until TERM.
#pragma once
#include "common/config.h"

// Exit code (docs/exit-codes.md). The schema must have been checked.
int route_role_run(struct config *config);
