// SPDX-License-Identifier: Apache-2.0
// One topic incarnation as `turnpike rate` reads it: its log, its rater, and what /healthz and /metrics say of it. The
// newest counts; the others send on to it. One thread but for rate_lane_health.
#pragma once
#include <pthread.h>

#include "catalogue/incarnation.h"
#include "common/text.h"
#include "rating/dedup_index.h"

// What all lanes of a process share.
struct rate_common {
    const struct config *config;
    const struct clock *clock;
    const char *instance;
    struct dedup_budget budget;
    pthread_mutex_t lock; // of what rate_lane_health reads
};

struct rate_lane;
// Joins the group of the incarnation. counting: the newest one. ERR_INVALID: the settings; ERR_RETRY: a broker is away.
enum err rate_lane_open(struct rate_common *common, const struct incarnation *incarnation,
                        const struct incarnation *counting, struct rate_lane **lane, struct fault *fault) MUST_USE;
void rate_lane_close(struct rate_lane *lane); // leaves the group; what is held is committed on the way. NULL is fine
const struct incarnation *rate_lane_incarnation(const struct rate_lane *lane);
// A newer incarnation counts. Again with a newer one does no harm.
void rate_lane_send_on(struct rate_lane *lane, const struct incarnation *counting);
// Has an older incarnation ended, or a partition's epoch gone, before the lane was told?
bool rate_lane_is_outdated(const struct rate_lane *lane);

// Feeds what comes within wait_ms (waits less when PostgreSQL does not keep up), does what is due and looks around.
// *fed: messages; *wake_ms: when it wants to be called again. ERR_CONFLICT: another member has our name.
enum err rate_lane_step(struct rate_lane *lane, int wait_ms, int *fed, int *wake_ms, struct fault *fault) MUST_USE;
bool rate_lane_pending(const struct rate_lane *lane); // something is fed that is not committed
enum err rate_lane_flush(struct rate_lane *lane, struct fault *fault) MUST_USE;

// Adds the partitions that are held as JSON objects, behind `printed` others. Any thread, under common->lock.
bool rate_lane_health(const struct rate_lane *lane, struct text *details, int *printed);
bool rate_lane_connected(const struct rate_lane *lane); // to PostgreSQL; under common->lock
