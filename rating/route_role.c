// SPDX-License-Identifier: Apache-2.0
// Runs the router and says how it is. What is away is said once, and when it is back.
#include "rating/route_role.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/backoff.h"
#include "common/http.h"
#include "common/json.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/schema.h"
#include "rating/instance.h"
#include "rating/router.h"

enum { AWAY_LEAST_MS = 100, AWAY_MOST_MS = 5000 };

struct route_role {
    struct config *config;
    struct router *router;
    struct ops_server *ops;
    char instance[INSTANCE_MAX];
    struct metric *messages, *events, *unreadable;
    pthread_mutex_t lock; // of what follows, which the ops thread reads
    struct router_status status;
    bool away;
    char reason[FAULT_TEXT_MAX];
};

static bool health(void *context, struct text *details)
{
    struct route_role *role = context;
    struct json_writer writer;
    pthread_mutex_lock(&role->lock);
    bool well = role->router && !role->away;
    json_begin(&writer, details);
    json_object_open(&writer);
    json_put_int(&writer, "partitions", role->status.partitions);
    json_put_int(&writer, "messages", role->status.messages);
    if (!well) json_put_text(&writer, "reason", role->router ? role->reason : "starting");
    json_object_close(&writer);
    pthread_mutex_unlock(&role->lock);
    return well;
}

static void look(struct route_role *role, enum err err, const struct fault *fault)
{
    struct router_status now;
    router_status(role->router, &now);
    metric_add(role->messages, now.messages - role->status.messages);
    metric_add(role->events, now.events - role->status.events);
    metric_add(role->unreadable, now.unreadable - role->status.unreadable);
    if (err && !role->away)
        log_warn("routing_waits", LOG_TEXT("action", "goes on by itself, nothing is lost"), LOG_FAULT(fault));
    if (!err && role->away) log_info("routing_again", LOG_NONE);
    pthread_mutex_lock(&role->lock);
    role->status = now;
    role->away = err != ERR_OK;
    if (err) snprintf(role->reason, sizeof role->reason, "%s", fault->reason);
    pthread_mutex_unlock(&role->lock);
}

static enum err role_open(struct route_role *role, struct fault *fault)
{
    char host[64];
    int port = 0;
    struct backoff backoff = BACKOFF(AWAY_LEAST_MS, AWAY_MOST_MS);
    struct router *router = NULL;
    config_address(role->config, "route.ops_listen", host, &port);
    enum err err = ops_server_open(host, port, health, role, &role->ops, fault);
    while (!err && (err = router_open(role->config, role->instance, &router, fault)) == ERR_RETRY) {
        log_warn("route_not_opened", LOG_FAULT(fault));
        if (!backoff_wait(&backoff, &process_stop)) break;
        err = ERR_OK;
    }
    pthread_mutex_lock(&role->lock);
    role->router = router;
    pthread_mutex_unlock(&role->lock);
    return err;
}

static enum err role_loop(struct route_role *role, struct fault *fault)
{
    struct backoff backoff = BACKOFF(AWAY_LEAST_MS, AWAY_MOST_MS);
    enum err err = ERR_OK;
    while (!process_stop) {
        err = router_step(role->router, fault);
        look(role, err, fault);
        if (err && err != ERR_RETRY && err != ERR_UNCERTAIN) return err;
        if (!err)
            backoff_reset(&backoff);
        else if (!backoff_wait(&backoff, &process_stop))
            break;
    }
    return ERR_OK;
}

int route_role_run(struct config *config)
{
    struct route_role role = {.config = config};
    struct fault fault = {0};
    hash_init();
    pthread_mutex_init(&role.lock, NULL);
    role.messages = metric_register(METRIC_COUNTER, "turnpike_route_messages_total", "", "Intake messages that were routed.");
    role.events = metric_register(METRIC_COUNTER, "turnpike_route_events_total", "", "Events that were routed.");
    role.unreadable = metric_register(METRIC_COUNTER, "turnpike_route_unreadable_total", "",
                                      "Events without a readable tenant: they went to partition 0.");
    instance_name(config, "route.instance", role.instance);
    enum err err = role_open(&role, &fault);
    if (!err && role.router) {
        log_info("started", LOG_TEXT("instance", role.instance),
                 LOG_TEXT("topic", config_text(config, "kafka.intake_topic")));
        err = role_loop(&role, &fault);
    }
    if (process_stop && err == ERR_RETRY) err = ERR_OK; // told to stop while it waited
    if (err)
        log_error("stopped", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    else
        log_info("stopped", LOG_TEXT("instance", role.instance));
    ops_server_close(role.ops);
    router_close(role.router);
    pthread_mutex_destroy(&role.lock);
    return schema_exit_code(err, &fault);
}
