// SPDX-License-Identifier: Apache-2.0
// What a naive engine does, for comparison: one INSERT per event with its own commit, over so many connections. Prints
// its seconds; false after a message on standard error.
#pragma once
#include "common/config.h"

bool insert_all(const struct config *config, int64_t events, int connections);
