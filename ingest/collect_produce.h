// SPDX-License-Identifier: Apache-2.0
// The way of a collector past the gateway: events straight into Kafka, packed and partitioned as the gateway does it, by
// an idempotent producer with acks=all. Checks the form of every event, like the gateway; what only the catalogue knows
// (tenant, type, accept window, values) is the raters' to judge: such events go to the quarantine. One thread.
#pragma once
#include "common/config.h"
#include "ingest/collect_post.h"

struct collect_produce;
// The topic as Kafka has it: ERR_INVALID if it is not one of ours (not LogAppendTime, or its partitions are not a power of
// two up to 1024); asked at the first sending, so that a broker that is away is waited for like a gateway.
// If its name ends in the number of an incarnation, topics of newer ones are looked for at the start, once a minute and after
// a failure, and the newest is written to.
void collect_produce_open(const struct config *config, const char *topic, struct collect_produce **produce);
// The topic's name with its number raised by `ahead`; next has room for TOPIC_MAX + 1 bytes. false: it ends in no number
// from 1, or would be too long.
bool collect_produce_successor(const char *topic, int ahead, char *next);
void collect_produce_close(struct collect_produce *produce); // NULL is fine
// Returns when every event is acknowledged (POST_TAKEN), or none was sent because some are malformed (POST_REFUSED), or
// it is not known of all of them (POST_AGAIN: sent again, they may be in the log twice, which ids decide).
enum post_outcome collect_produce_send(struct collect_produce *produce, struct slice body, size_t count,
                                       struct post_answer *answer);
