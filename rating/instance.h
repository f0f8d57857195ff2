// SPDX-License-Identifier: Apache-2.0
// What a process of a role calls itself: in its group, in the database, in the log.
#pragma once
#include "common/config.h"

enum { INSTANCE_MAX = 200 };

// The text of `setting` ("rate.instance", "route.instance"); where that is empty "HOST-PID", which no other process of
// the machine has at the same time, and which does not outlive the process.
void instance_name(const struct config *config, const char *setting, char name[INSTANCE_MAX]);
