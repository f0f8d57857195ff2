// SPDX-License-Identifier: Apache-2.0
// Making and recording topic incarnations (rules 2.3).
#pragma once
#include "catalogue/incarnation.h"

// Makes the topic "<kafka.topic>.1" with kafka.partitions partitions and records incarnation 1 and its partitions, each
// at offset 0 with a chain head of zeros; or checks what is recorded already. Idempotent; runs at once wait for each
// other. The connection is the administrator's, outside a transaction. ERR_CONFLICT: the recorded incarnation has
// another name or number of partitions than the settings, the topic differs, or it is gone although events of it were
// counted: nothing is made then. ERR_UNCERTAIN: run again.
enum err incarnation_ensure(struct db *db, const struct config *config, struct incarnation *incarnation,
                            struct fault *fault) MUST_USE;
