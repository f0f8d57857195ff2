// SPDX-License-Identifier: Apache-2.0
// The rater's log over Kafka: a group consumer that feeds, ranges that read again, a producer for markers and for
// what is sent on to other partitions. One thread.
#pragma once
#include "catalogue/incarnation.h"
#include "rating/rater.h"

struct kafka_source;
// Joins the group; partitions are announced to the rater by polls. instance: name of this member over restarts.
enum err kafka_source_open(const struct config *config, const struct incarnation *incarnation, const char *instance,
                           struct kafka_source **source, struct fault *fault) MUST_USE;
// Callbacks for rater_options; valid before a rater is bound.
const struct rater_source *kafka_source_callbacks(struct kafka_source *source);
void kafka_source_bind(struct kafka_source *source, struct rater *rater);
// A newer incarnation counts: events are sent on to its topic. With rater_send_on, and before anything is fed.
void kafka_source_send_on(struct kafka_source *source, const struct incarnation *counting);
// Polls and feeds the rater once. *fed: messages that came. ERR_RETRY: the brokers are away (goes on by itself); ERR_CONFLICT: another member has
// our name: end.
enum err kafka_source_feed(struct kafka_source *source, int timeout_ms, int *fed, struct fault *fault) MUST_USE;
// Next offset of a partition as the broker has it; for the lag.
enum err kafka_source_end(struct kafka_source *source, int partition, int64_t *next_offset,
                          struct fault *fault) MUST_USE;
// Leaves the group: the rater's partitions are revoked (and flushed) on the way. NULL is fine.
void kafka_source_close(struct kafka_source *source);
