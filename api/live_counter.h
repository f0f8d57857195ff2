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
// usage is of the call's snapshot: a counter that is missing or differs makes all of them stale.
enum err live_counter_write(struct api_call *call, const struct usage_query *query, const struct tenant_usage *usage,
                            struct json_writer *json) MUST_USE;
