// SPDX-License-Identifier: Apache-2.0
// Puts the rater together: schema, incarnation, group, counters; then poll, feed, tick until TERM.
#include "rating/rate_role.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/hash.h"
#include "common/http.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/schema.h"
#include "rating/counters.h"
#include "rating/index_folder.h"
#include "rating/instance.h"
#include "rating/kafka_source.h"

enum {
    FULL_WAIT_MS = 20,
    LOOK_US = 1000000,   // at lag and progress
    STUCK_US = 60000000, // lag without progress for so long is unhealthy
    STOP_FLUSH_US = 8000000
};

// What /healthz says of a partition; written by the rater's thread.
struct progress {
    struct partition_status status;
    int64_t log_end;  // next offset of the log
    int64_t moved_us; // monotonic time when next_offset moved last, or there was no lag
    struct metric *lag, *watermark_age;
};

struct rate_role {
    const struct config *config;
    struct incarnation incarnation;
    char instance[INSTANCE_MAX];
    struct rater *rater;
    struct kafka_source *source;
    struct counters_feed *counters;
    struct index_folder *index_folder;
    struct ops_server *ops;
    pthread_mutex_t lock; // of progress
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

static bool health(void *context, struct text *details)
{
    struct rate_role *role = context;
    bool healthy = true;
    int64_t now = clock_monotonic_us();
    pthread_mutex_lock(&role->lock);
    text_print(details, "{\"database\":%s,\"partitions\":[", role->connected ? "true" : "false");
    for (int i = 0, printed = 0; role->progress && i < role->incarnation.partitions; i++) {
        const struct progress *progress = &role->progress[i];
        if (progress->status.state == PARTITION_NONE) continue;
        bool fine = progress_healthy(progress, now);
        healthy = healthy && fine;
        text_print(details, "%s{\"partition\":%d,\"state\":\"%s\",\"next_offset\":%lld,\"log_end\":%lld,\"healthy\":%s",
                   printed++ ? "," : "", i, partition_state_name(progress->status.state),
                   (long long)progress->status.next_offset, (long long)progress->log_end, fine ? "true" : "false");
        if (progress->status.state == PARTITION_PARKED) {
            text_add_string(details, ",\"parked_reason\":");
            struct slice reason = slice_of(progress->status.parked_reason);
            text_add_json_string(details, reason.data, reason.length);
        }
        text_add_char(details, '}');
    }
    text_add_string(details, "]}");
    pthread_mutex_unlock(&role->lock);
    return healthy;
}

// Once a second: states of all partitions, and the log's end of one of them after the other.
static void look(struct rate_role *role)
{
    int64_t now = clock_monotonic_us(), end = -1;
    if (now < role->look_us) return;
    role->look_us = now + LOOK_US;
    struct fault fault = {0};
    struct partition_status status;
    int asked = role->look_partition;
    role->look_partition = (asked + 1) % role->incarnation.partitions;
    rater_status(role->rater, asked, &status);
    if (status.state == PARTITION_NONE || role->brokers_away_said ||
        kafka_source_end(role->source, asked, &end, &fault))
        end = -1;
    pthread_mutex_lock(&role->lock);
    role->connected = rater_connected(role->rater);
    for (int i = 0; i < role->incarnation.partitions; i++) {
        struct progress *progress = &role->progress[i];
        rater_status(role->rater, i, &status);
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
    pthread_mutex_unlock(&role->lock);
}

static void progress_open(struct rate_role *role)
{
    struct progress *progress = heap_alloc((size_t)role->incarnation.partitions * sizeof *progress);
    for (int i = 0; i < role->incarnation.partitions; i++) {
        char labels[32];
        snprintf(labels, sizeof labels, "partition=\"%d\"", i);
        progress[i].lag = metric_register(METRIC_GAUGE, "turnpike_rate_lag_messages", labels,
                                          "Messages in the log that are not committed yet.");
        progress[i].watermark_age = metric_register(METRIC_GAUGE, "turnpike_rate_watermark_age_seconds", labels,
                                                    "Seconds between the committed watermark and now.");
    }
    pthread_mutex_lock(&role->lock);
    role->progress = progress;
    pthread_mutex_unlock(&role->lock);
}

// --- putting together

// Waits until an incarnation is recorded.
static enum err incarnation_wait(struct rate_role *role, struct fault *fault)
{
    struct db *db = NULL;
    struct backoff backoff = BACKOFF(200, 5000);
    bool said = false;
    enum err err = db_open_wait(role->config, "rate", 0, &process_stop, &db, fault);
    while (!err || err == ERR_RETRY) {
        if (err == ERR_RETRY) {
            db_close(db);
            db = NULL;
            err = db_open_wait(role->config, "rate", 0, &process_stop, &db, fault);
            if (err) break;
        }
        err = incarnation_load(db, &role->incarnation, fault);
        if (!err) break;
        if (err != ERR_NOT_FOUND && err != ERR_RETRY) break;
        if (!said) log_warn("topic_unknown", LOG_TEXT("action", "waits; run turnpike topic ensure"), LOG_FAULT(fault));
        said = true;
        if (!backoff_wait(&backoff, &process_stop)) break;
        if (err == ERR_NOT_FOUND) err = ERR_OK;
    }
    db_close(db);
    return err;
}

// Without a usable folder rating goes on in memory alone.
static void folder_open(struct rate_role *role)
{
    struct fault fault = {0};
    const char *folder = config_text(role->config, "rate.index_dir");
    if (!folder || strcmp(folder, "none") == 0) return;
    if (index_folder_open(folder, &role->index_folder, &fault))
        log_error("index_dir_unusable", LOG_FAULT(&fault),
                  LOG_TEXT("action", "rating goes on; beyond rate.index_memory partitions will park"));
}

static enum err role_open(struct rate_role *role, const struct clock *clock, struct fault *fault)
{
    char host[64];
    int port = 0;
    config_address(role->config, "rate.ops_listen", host, &port);
    enum err err = ops_server_open(host, port, health, role, &role->ops, fault);
    if (!err) err = incarnation_wait(role, fault);
    if (err || process_stop) return err;
    progress_open(role);
    err = counters_feed_open(role->config, role->incarnation.partitions, &role->counters, fault);
    if (!err) err = kafka_source_open(role->config, &role->incarnation, role->instance, &role->source, fault);
    if (err) return err;
    folder_open(role);
    const struct rater_options options = {
        .config = role->config,
        .clock = clock,
        .database_clock = true,
        .source = kafka_source_callbacks(role->source),
        .counters = role->counters,
        .incarnation = role->incarnation.number,
        .partitions = role->incarnation.partitions,
        .instance = role->instance,
        .index_folder = role->index_folder ? index_folder_path(role->index_folder) : NULL,
    };
    err = rater_new(&options, &role->rater, fault);
    if (!err) kafka_source_bind(role->source, role->rater);
    return err;
}

// --- running

static void brokers_say(struct rate_role *role, enum err err, const struct fault *fault)
{
    if (err && !role->brokers_away_said)
        log_warn("brokers_away", LOG_TEXT("action", "rating waits and goes on by itself"), LOG_FAULT(fault));
    if (!err && role->brokers_away_said) log_info("brokers_back", LOG_NONE);
    role->brokers_away_said = err != ERR_OK;
}

static enum err role_loop(struct rate_role *role, struct fault *fault)
{
    int wake_ms = 0;
    while (!process_stop) {
        if (rater_full(role->rater)) {
            rater_wait(role->rater, FULL_WAIT_MS); // PostgreSQL does not take the batch: the log waits
        } else {
            enum err err = kafka_source_feed(role->source, wake_ms, fault);
            if (err == ERR_CONFLICT) return err;
            brokers_say(role, err, fault);
        }
        wake_ms = rater_tick(role->rater);
        look(role);
    }
    return ERR_OK;
}

// Commits what was fed, as long as that may take; what is left is read again by the next owner.
static void role_finish(struct rate_role *role)
{
    struct fault fault = {0};
    int64_t deadline = clock_monotonic_us() + STOP_FLUSH_US;
    struct backoff backoff = BACKOFF(50, 500);
    while (rater_pending(role->rater) && clock_monotonic_us() < deadline && !process_stop_now) {
        if (rater_flush(role->rater, &fault) == ERR_OK) continue;
        if (!backoff_wait(&backoff, &process_stop_now)) break;
    }
}

static void role_close(struct rate_role *role)
{
    kafka_source_close(role->source); // revokes and commits on the way
    counters_feed_close(role->counters);
    rater_free(role->rater);
    index_folder_close(role->index_folder);
    ops_server_close(role->ops);
    free(role->progress);
    pthread_mutex_destroy(&role->lock);
}

int rate_role_run(struct config *config, const struct clock *clock)
{
    struct rate_role role = {.config = config};
    struct fault fault = {0};
    hash_init();
    pthread_mutex_init(&role.lock, NULL);
    instance_name(config, "rate.instance", role.instance);
    enum err err = role_open(&role, clock, &fault);
    if (!err && role.rater) {
        log_info("started", LOG_TEXT("instance", role.instance), LOG_TEXT("topic", role.incarnation.topic),
                 LOG_INT("partitions", role.incarnation.partitions));
        err = role_loop(&role, &fault);
        role_finish(&role);
    }
    if (process_stop && err == ERR_RETRY) err = ERR_OK; // told to stop while it waited
    if (err)
        log_error("stopped", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    else
        log_info("stopped", LOG_TEXT("instance", role.instance));
    role_close(&role);
    return schema_exit_code(err, &fault);
}
