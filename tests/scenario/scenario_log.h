// SPDX-License-Identifier: Apache-2.0
// An in-process log in place of Kafka: partitions of messages whose append time is the scenario's clock. What the rater
// sees is the same as on the real broker, so scenarios can set the time at which a message was received.
#pragma once
#include "rating/rater.h"

struct scenario_log;
struct scenario_log *scenario_log_new(int partitions, const struct clock *clock);
void scenario_log_free(struct scenario_log *log);
void scenario_log_append(struct scenario_log *log, int partition, const void *data, size_t length);
const struct rater_source *scenario_log_source(struct scenario_log *log);
// Feeds what the rater has not been fed yet, partition by partition, and ticks until everything is committed.
enum err scenario_log_drain(struct scenario_log *log, struct rater *rater, struct fault *fault) MUST_USE;
// Forgets how far the rater was fed: a rater that is made anew says from where it wants to read.
void scenario_log_detach(struct scenario_log *log);
