// SPDX-License-Identifier: Apache-2.0
// Puts the rater together: schema, incarnations, a lane for each; then feeds and ticks them until TERM. A newer
// incarnation is heard of within a second (rules 2.3): it gets a lane, and the others send on to it.
#include "rating/rate_role.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/bus.h"
#include "common/hash.h"
#include "common/http.h"
#include "common/log.h"
#include "common/schema.h"
#include "rating/index_folder.h"
#include "rating/instance.h"
#include "rating/rate_lane.h"

enum {
    WATCH_US = 1000000,
    WATCH_AGAIN_US = 5000000,
    STOP_FLUSH_US = 8000000,
    // a loop that has not come round for so long hangs in a call. The group does not notice, since the library goes on
    // with its heartbeats; so it is two of the sessions after which the group would have noticed a dead process
    LOOP_LATE_US = 2 * BUS_SESSION_MS * 1000
};

struct rate_role {
    struct rate_common common; // its lock also guards lanes and lane_count
    char instance[INSTANCE_MAX];
    struct incarnations incarnations; // as read last, oldest first
    struct rate_lane *lanes[INCARNATIONS_MAX]; // oldest first
    int lane_count;
    struct db *db;    // of the watch; NULL: to be opened
    int64_t watch_us; // monotonic time of the next look at the incarnations
    bool watch_said;  // that it cannot look
    struct index_folder *index_folder;
    struct ops_server *ops;
    _Atomic int64_t loop_us; // monotonic time when the loop came round last; 0: it has not begun
};

// What the lanes say is as old as the loop's last look, so the loop's own age is told, too.
static bool health(void *context, struct text *details)
{
    struct rate_role *role = context;
    int64_t loop_us = atomic_load(&role->loop_us);
    int64_t age_us = loop_us ? clock_monotonic_us() - loop_us : 0;
    bool healthy = age_us < LOOP_LATE_US;
    int printed = 0;
    pthread_mutex_lock(&role->common.lock);
    bool connected = role->lane_count > 0;
    for (int i = 0; i < role->lane_count; i++)
        connected = connected && rate_lane_connected(role->lanes[i]);
    text_print(details, "{\"database\":%s,\"loop_age_ms\":%lld,\"partitions\":[", connected ? "true" : "false",
               (long long)(age_us > 0 ? age_us / 1000 : 0));
    for (int i = 0; i < role->lane_count; i++)
        healthy = rate_lane_health(role->lanes[i], details, &printed) && healthy;
    text_add_string(details, "]}");
    pthread_mutex_unlock(&role->common.lock);
    return healthy;
}

// --- incarnations and their lanes

static enum err incarnations_read(struct db *db, struct rate_role *role, struct fault *fault)
{
    enum err err = incarnations_load(db, &role->incarnations, fault);
    if (err || role->incarnations.count > 0) return err;
    return fault_set(fault, ERR_NOT_FOUND, "rating.incarnation", "no topic is recorded: run `turnpike topic ensure`");
}

// Waits until an incarnation is recorded.
static enum err incarnation_wait(struct rate_role *role, struct fault *fault)
{
    struct db *db = NULL;
    struct backoff backoff = BACKOFF(200, 5000);
    bool said = false;
    enum err err = db_open_wait(role->common.config, "rate", 0, &process_stop, &db, fault);
    while (!err || err == ERR_RETRY) {
        if (err == ERR_RETRY) {
            db_close(db);
            db = NULL;
            err = db_open_wait(role->common.config, "rate", 0, &process_stop, &db, fault);
            if (err) break;
        }
        err = incarnations_read(db, role, fault);
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

static const struct incarnation *counting(const struct rate_role *role)
{
    return &role->incarnations.list[role->incarnations.count - 1];
}

static void lane_remove(struct rate_role *role, int at)
{
    struct rate_lane *lane = role->lanes[at];
    pthread_mutex_lock(&role->common.lock);
    memmove(role->lanes + at, role->lanes + at + 1, (size_t)(role->lane_count - at - 1) * sizeof *role->lanes);
    role->lane_count--;
    pthread_mutex_unlock(&role->common.lock);
    log_info("incarnation_closed", LOG_INT("incarnation", rate_lane_incarnation(lane)->number));
    rate_lane_close(lane);
}

static enum err lane_add(struct rate_role *role, const struct incarnation *incarnation, struct fault *fault)
{
    struct rate_lane *lane = NULL;
    enum err err = rate_lane_open(&role->common, incarnation, counting(role), &lane, fault);
    if (err) return err;
    pthread_mutex_lock(&role->common.lock);
    role->lanes[role->lane_count++] = lane;
    pthread_mutex_unlock(&role->common.lock);
    return ERR_OK;
}

static bool is_wanted(const struct incarnations *wanted, int number)
{
    for (int i = 0; i < wanted->count; i++)
        if (wanted->list[i].number == number) return true;
    return false;
}

// A lane for every incarnation that is read. Both lists are in order; an incarnation is only ever added at the end.
static enum err lanes_follow(struct rate_role *role, struct fault *fault)
{
    const struct incarnations *wanted = &role->incarnations;
    for (int i = 0; i < role->lane_count;) {
        if (!is_wanted(wanted, rate_lane_incarnation(role->lanes[i])->number)) {
            lane_remove(role, i);
            continue;
        }
        rate_lane_send_on(role->lanes[i++], counting(role));
    }
    int newest = role->lane_count ? rate_lane_incarnation(role->lanes[role->lane_count - 1])->number : 0;
    for (int i = 0; i < wanted->count; i++) {
        if (wanted->list[i].number <= newest) continue;
        enum err err = lane_add(role, &wanted->list[i], fault);
        if (err) return err;
    }
    return ERR_OK;
}

static bool is_outdated(const struct rate_role *role)
{
    for (int i = 0; i < role->lane_count; i++)
        if (rate_lane_is_outdated(role->lanes[i])) return true;
    return false;
}

// Once a second, and at once when a partition turns out to have ended. What cannot be asked or opened is tried again.
static void watch(struct rate_role *role)
{
    struct fault fault = {0};
    int64_t now = clock_monotonic_us();
    if (now < role->watch_us - (is_outdated(role) ? WATCH_US * 9 / 10 : 0)) return;
    role->watch_us = now + WATCH_US;
    enum err err = role->db ? ERR_OK : db_open(role->common.config, "rate", NULL, &role->db, &fault);
    if (!err) err = incarnations_read(role->db, role, &fault);
    if (!err) err = lanes_follow(role, &fault);
    if (err && !role->watch_said) log_warn("incarnations_not_followed", LOG_FAULT(&fault));
    if (!err && role->watch_said) log_info("incarnations_followed", LOG_NONE);
    role->watch_said = err != ERR_OK;
    if (err) role->watch_us = now + WATCH_AGAIN_US; // connecting may take its time
    if (role->db && !db_alive(role->db)) {
        db_close(role->db);
        role->db = NULL;
    }
}

// Without a usable folder rating goes on in memory alone.
static void folder_open(struct rate_role *role)
{
    struct fault fault = {0};
    const char *folder = config_text(role->common.config, "rate.index_dir");
    if (!folder || strcmp(folder, "none") == 0) return;
    if (index_folder_open(folder, &role->index_folder, &fault))
        log_error("index_dir_unusable", LOG_FAULT(&fault),
                  LOG_TEXT("action", "rating goes on; beyond rate.index_memory partitions will park"));
}

static enum err role_open(struct rate_role *role, struct fault *fault)
{
    const struct config *config = role->common.config;
    char host[64];
    int port = 0;
    config_address(config, "rate.ops_listen", host, &port);
    enum err err = ops_server_open(host, port, health, role, &role->ops, fault);
    if (!err) err = incarnation_wait(role, fault);
    if (err || process_stop) return err;
    folder_open(role);
    role->common.budget.limit_bytes = config_int(config, "rate.index_memory");
    role->common.budget.folder = role->index_folder ? index_folder_path(role->index_folder) : NULL;
    return lanes_follow(role, fault);
}

// --- running

// Only the newest lane waits for messages, and not while an older one has some.
static enum err role_loop(struct rate_role *role, struct fault *fault)
{
    int wake_ms = 0;
    bool busy = false;
    while (!process_stop) {
        atomic_store(&role->loop_us, clock_monotonic_us());
        int wait_ms = busy ? 0 : wake_ms;
        wake_ms = WATCH_US / 1000;
        busy = false;
        for (int i = 0; i < role->lane_count; i++) {
            int fed = 0, wanted_ms = 0;
            bool last = i + 1 == role->lane_count;
            enum err err = rate_lane_step(role->lanes[i], last ? wait_ms : 0, &fed, &wanted_ms, fault);
            if (err) return err;
            if (wanted_ms < wake_ms) wake_ms = wanted_ms;
            busy = busy || (!last && fed > 0);
        }
        watch(role);
    }
    return ERR_OK;
}

// Commits what was fed, as long as that may take; what is left is read again by the next owner.
static void role_finish(struct rate_role *role)
{
    struct fault fault = {0};
    int64_t deadline = clock_monotonic_us() + STOP_FLUSH_US;
    struct backoff backoff = BACKOFF(50, 500);
    for (int i = 0; i < role->lane_count; i++)
        while (rate_lane_pending(role->lanes[i]) && clock_monotonic_us() < deadline && !process_stop_now) {
            if (rate_lane_flush(role->lanes[i], &fault) == ERR_OK) continue;
            if (!backoff_wait(&backoff, &process_stop_now)) break;
        }
}

static void role_close(struct rate_role *role)
{
    while (role->lane_count > 0)
        lane_remove(role, 0);
    db_close(role->db);
    index_folder_close(role->index_folder);
    ops_server_close(role->ops);
    pthread_mutex_destroy(&role->common.lock);
}

int rate_role_run(struct config *config, const struct clock *clock)
{
    struct rate_role role = {.common = {.config = config, .clock = clock}};
    struct fault fault = {0};
    hash_init();
    pthread_mutex_init(&role.common.lock, NULL);
    instance_name(config, "rate.instance", role.instance);
    role.common.instance = role.instance;
    enum err err = role_open(&role, &fault);
    if (!err && role.lane_count > 0) {
        log_info("started", LOG_TEXT("instance", role.instance), LOG_TEXT("topic", counting(&role)->topic),
                 LOG_INT("partitions", counting(&role)->partitions));
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
