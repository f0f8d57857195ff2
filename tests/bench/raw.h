// SPDX-License-Identifier: Apache-2.0
// What librdkafka alone can read: the baseline of tests/bench/run.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Reads a whole topic of so many partitions, all at once, in batches, and does nothing with it. False: *messages and
// *bytes are what came until it failed, which was said on stderr.
bool raw_consume(const char *brokers, const char *topic, int partitions, int64_t *messages, int64_t *bytes);
