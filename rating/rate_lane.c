// SPDX-License-Identifier: Apache-2.0
// Puts a rater, its log and its counters together for one incarnation, and looks at lag and progress once a second.
#include "rating/rate_lane.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/metric.h"
#include "rating/counters.h"
#include "rating/kafka_source.h"

enum {
    FULL_WAIT_MS = 20,
    LOOK_US = 1000000,  // at lag and progress
    STUCK_US = 60000000 // lag without progress for so long is unhealthy
};

// What /healthz says of a partition.
struct progress {
    struct partition_status status;
    int64_t log_end;  // next offset of the log
    int64_t moved_us; // monotonic time when next_offset moved last, or there was no lag
    struct metric *lag, *watermark_age;
};

struct rate_lane {
    struct rate_common *common;
    struct incarnation incarnation;
    struct rater *rater;
    struct kafka_source *source;
    struct counters_feed *counters; // NULL: a newer incarnation counts
    struct progress *progress;
    bool connected;
    int64_t look_us;
    int look_partition; // whose lag is asked next
    bool brokers_away_said;
};

// --- health

static bool progress_healthy(const struct progress *progress, int64_t now)
{
    const struct partition_status *status = &progress->status;
    if (status->state == PARTITION_NONE) return true;
    if (status->state == PARTITION_PARKED) return false;
    return progress->log_end <= status->next_offset || now - progress->moved_us < STUCK_US;
}

bool rate_lane_health(const struct rate_lane *lane, struct text *details, int *printed)
{
    bool healthy = true;
    int64_t now = clock_monotonic_us();
    for (int i = 0; i < lane->incarnation.partitions; i++) {
        const struct progress *progress = &lane->progress[i];
        if (progress->status.state == PARTITION_NONE) continue;
        bool fine = progress_healthy(progress, now);
        healthy = healthy && fine;
        text_print(details,
                   "%s{\"incarnation\":%d,\"partition\":%d,\"state\":\"%s\",\"next_offset\":%lld,\"log_end\":%lld,"
                   "\"healthy\":%s",
                   (*printed)++ ? "," : "", lane->incarnation.number, i, partition_state_name(progress->status.state),
                   (long long)progress->status.next_offset, (long long)progress->log_end, fine ? "true" : "false");
        if (progress->status.state == PARTITION_PARKED) {
            text_add_string(details, ",\"parked_reason\":");
            struct slice reason = slice_of(progress->status.parked_reason);
            text_add_json_string(details, reason.data, reason.length);
        }
        text_add_char(details, '}');
    }
    return healthy;
}

bool rate_lane_connected(const struct rate_lane *lane)
{
    return lane->connected;
}

// Once a second: states of all partitions, and the log's end of one of them after the other.
static void look(struct rate_lane *lane)
{
    int64_t now = clock_monotonic_us(), end = -1;
    if (now < lane->look_us) return;
    lane->look_us = now + LOOK_US;
    struct fault fault = {0};
    struct partition_status status;
    int asked = lane->look_partition;
    lane->look_partition = (asked + 1) % lane->incarnation.partitions;
    rater_status(lane->rater, asked, &status);
    if (status.state == PARTITION_NONE || lane->brokers_away_said ||
        kafka_source_end(lane->source, asked, &end, &fault))
        end = -1;
    pthread_mutex_lock(&lane->common->lock);
    lane->connected = rater_connected(lane->rater);
    for (int i = 0; i < lane->incarnation.partitions; i++) {
        struct progress *progress = &lane->progress[i];
        rater_status(lane->rater, i, &status);
        if (status.next_offset != progress->status.next_offset || progress->log_end <= status.next_offset)
            progress->moved_us = now;
        progress->status = status;
        if (i == asked && end >= 0) progress->log_end = end;
        if (status.fed_offset > progress->log_end) progress->log_end = status.fed_offset;
        bool ours = status.state != PARTITION_NONE;
        metric_set(progress->lag, ours ? progress->log_end - status.next_offset : 0);
        metric_set(progress->watermark_age, ours && status.watermark != INSTANT_MIN
                                                ? (clock_now(clock_system()) - status.watermark) / SECOND_US
                                                : 0);
    }
    pthread_mutex_unlock(&lane->common->lock);
}

static void progress_open(struct rate_lane *lane)
{
    lane->progress = heap_alloc((size_t)lane->incarnation.partitions * sizeof *lane->progress);
    for (int i = 0; i < lane->incarnation.partitions; i++) {
        char labels[64];
        snprintf(labels, sizeof labels, "incarnation=\"%d\",partition=\"%d\"", lane->incarnation.number, i);
        lane->progress[i].lag = metric_register(METRIC_GAUGE, "turnpike_rate_lag_messages", labels,
                                                "Messages in the log that are not committed yet.");
        lane->progress[i].watermark_age = metric_register(METRIC_GAUGE, "turnpike_rate_watermark_age_seconds", labels,
                                                          "Seconds between the committed watermark and now.");
    }
}

static void progress_close(struct rate_lane *lane)
{
    for (int i = 0; lane->progress && i < lane->incarnation.partitions; i++) {
        metric_set(lane->progress[i].lag, 0);
        metric_set(lane->progress[i].watermark_age, 0);
    }
    free(lane->progress);
}

// --- opening and closing

enum err rate_lane_open(struct rate_common *common, const struct incarnation *incarnation,
                        const struct incarnation *counting, struct rate_lane **opened, struct fault *fault)
{
    struct rate_lane *lane = heap_alloc(sizeof *lane);
    enum err err = ERR_OK;
    lane->common = common;
    lane->incarnation = *incarnation;
    progress_open(lane);
    if (incarnation->number == counting->number)
        err = counters_feed_open(common->config, incarnation->partitions, &lane->counters, fault);
    if (!err) err = kafka_source_open(common->config, incarnation, common->instance, &lane->source, fault);
    if (!err) {
        const struct rater_options options = {
            .config = common->config,
            .clock = common->clock,
            .database_clock = true,
            .source = kafka_source_callbacks(lane->source),
            .counters = lane->counters,
            .incarnation = incarnation->number,
            .partitions = incarnation->partitions,
            .budget = &common->budget,
            .instance = common->instance,
        };
        err = rater_new(&options, &lane->rater, fault);
    }
    if (err) {
        rate_lane_close(lane);
        return err;
    }
    kafka_source_bind(lane->source, lane->rater);
    rate_lane_send_on(lane, counting);
    log_info("incarnation_opened", LOG_INT("incarnation", incarnation->number), LOG_TEXT("topic", incarnation->topic),
             LOG_INT("partitions", incarnation->partitions),
             LOG_TEXT("does", incarnation->number == counting->number ? "counts" : "sends on"));
    *opened = lane;
    return ERR_OK;
}

void rate_lane_close(struct rate_lane *lane)
{
    if (!lane) return;
    kafka_source_close(lane->source); // revokes and commits on the way
    counters_feed_close(lane->counters);
    rater_free(lane->rater);
    progress_close(lane);
    free(lane);
}

const struct incarnation *rate_lane_incarnation(const struct rate_lane *lane)
{
    return &lane->incarnation;
}

void rate_lane_send_on(struct rate_lane *lane, const struct incarnation *counting)
{
    if (counting->number == lane->incarnation.number) return;
    kafka_source_send_on(lane->source, counting);
    rater_send_on(lane->rater, counting->partitions);
    counters_feed_close(lane->counters); // its last marks are those from which the newer incarnation goes on
    lane->counters = NULL;
}

bool rate_lane_is_outdated(const struct rate_lane *lane)
{
    return rater_is_outdated(lane->rater);
}

// --- running

static void brokers_say(struct rate_lane *lane, enum err err, const struct fault *fault)
{
    if (err && !lane->brokers_away_said)
        log_warn("brokers_away", LOG_TEXT("action", "rating waits and goes on by itself"), LOG_FAULT(fault));
    if (!err && lane->brokers_away_said) log_info("brokers_back", LOG_NONE);
    lane->brokers_away_said = err != ERR_OK;
}

enum err rate_lane_step(struct rate_lane *lane, int wait_ms, int *fed, int *wake_ms, struct fault *fault)
{
    *fed = 0;
    if (rater_full(lane->rater)) {
        rater_wait(lane->rater, wait_ms < FULL_WAIT_MS ? wait_ms : FULL_WAIT_MS); // PostgreSQL does not take the batch
    } else {
        enum err err = kafka_source_feed(lane->source, wait_ms, fed, fault);
        if (err == ERR_CONFLICT) return err;
        brokers_say(lane, err, fault);
    }
    *wake_ms = rater_tick(lane->rater);
    look(lane);
    return ERR_OK;
}

bool rate_lane_pending(const struct rate_lane *lane)
{
    return rater_pending(lane->rater);
}

enum err rate_lane_flush(struct rate_lane *lane, struct fault *fault)
{
    return rater_flush(lane->rater, fault);
}
