// SPDX-License-Identifier: Apache-2.0
// The counters that raters keep in Redis (rating/counters.h), shown beside the usage of the running month. They add
// nothing to what PostgreSQL says: shown is whether they are as new. Redis being away or slow costs a request at most
// one timeout, and then nothing for some seconds.
#pragma once
#include "api/call.h"
#include "api/tenant_usage.h"

struct live_counter;
struct live_counter *live_counter_new(const struct config *config); // of one thread
void live_counter_free(struct live_counter *live);                  // NULL is fine
// Member "live_counters" of the object that is open: null when the query is not exactly the running month or Redis has
// no answer; else {"stale":false,"counters":[{"meter":...,"quantity":...}]}, of the meters in usage that Redis has.
enum err live_counter_write(struct api_call *call, const struct usage_query *query, const struct tenant_usage *usage,
                            struct json_writer *json) MUST_USE;

// --- pure part
// What a shard's mark says: "incarnation:batch_seq:head:partition". ERR_INVALID: another form (a resync is under way).
struct counter_position {
    int64_t incarnation, batch_seq, partition;
    char head[SHA256_HEX];
};
enum err counter_mark_read(struct slice mark, struct counter_position *position) MUST_USE;
// Is the mark behind what the database has of its partition, or of another history?
bool counter_is_stale(const struct counter_position *mark, const struct counter_position *database);
