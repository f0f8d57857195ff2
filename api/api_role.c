// SPDX-License-Identifier: Apache-2.0
// The API's process: waits for its stores, checks what its promises rest on, serves, drains.
#include "api/api.h"
#include "api/worker.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/schema.h"

enum { EXIT_CODE_SCHEMA = 78 }; // docs/exit-codes.md
#define CATALOGUE_OLD_US (30 * SECOND_US)

static bool health(void *context, struct text *details)
{
    struct catalogue_follower *follower = context;
    struct catalogue *catalogue = catalogue_follower_take(follower);
    int64_t age_us = catalogue_follower_age_us(follower);
    bool good = catalogue && age_us >= 0 && age_us < CATALOGUE_OLD_US;
    text_print(details, "{\"catalogue_version\":%lld,\"catalogue_confirmed_seconds_ago\":%lld}",
               (long long)(catalogue ? catalogue_version(catalogue) : 0),
               (long long)(age_us < 0 ? -1 : age_us / SECOND_US));
    catalogue_release(catalogue);
    return good;
}

static enum err check_store(struct config *config, bool *schema, struct fault *fault)
{
    struct db *db;
    enum err err = db_open_wait(config, "api", 0, &process_stop, &db, fault);
    if (err) return err;
    err = schema_check(db, fault);
    *schema = err == ERR_CONFLICT;
    if (!err) err = worker_check_role(db, fault);
    db_close(db);
    return err;
}

static enum err follow_catalogue(struct config *config, struct catalogue_follower **follower, struct fault *fault)
{
    struct db *db;
    enum err err = db_open_wait(config, "catalogue", 0, &process_stop, &db, fault);
    return err ? err : catalogue_follower_open(config, db, follower, fault);
}

static enum err serve(struct config *config, const struct worker_shared *shared, struct fault *fault)
{
    char host[64];
    int port;
    struct http_server *server = NULL;
    struct ops_server *ops = NULL;
    config_address(config, "api.ops_listen", host, &port);
    enum err err = ops_server_open(host, port, health, shared->catalogue, &ops, fault);
    if (err) return err;
    config_address(config, "api.listen", host, &port);
    const struct http_options options = {.host = host,
                                         .port = port,
                                         .request_timeout_ms = (int)config_int(config, "api.request_timeout"),
                                         .max_connections = (int)config_int(config, "api.max_connections"),
                                         .workers = (int)config_int(config, "api.workers"),
                                         .worker_open = worker_open,
                                         .worker_close = worker_close};
    err = http_server_open(&options, worker_handle, (void *)(uintptr_t)shared, &server, fault);
    if (!err) {
        log_info("started", LOG_TEXT("host", host), LOG_INT("port", http_server_port(server)),
                 LOG_INT("workers", options.workers));
        http_server_run(server);
    }
    http_server_free(server);
    ops_server_close(ops);
    return err;
}

int api_role_run(struct config *config, struct clock *clock)
{
    struct worker_shared shared = {.config = config, .clock = clock};
    struct fault fault = {0};
    worker_register_metrics();
    bool schema = false;
    enum err err = check_store(config, &schema, &fault);
    if (!err) err = follow_catalogue(config, &shared.catalogue, &fault);
    if (!err) err = serve(config, &shared, &fault);
    catalogue_follower_close(shared.catalogue);
    if (err && !process_stop)
        log_error("stopped", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    else
        log_info("stopped", LOG_NONE);
    if (process_stop) return 0;
    return schema ? EXIT_CODE_SCHEMA : err_exit_code(err);
}
