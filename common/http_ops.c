// SPDX-License-Identifier: Apache-2.0
// The ops server: /metrics and /healthz of a role, on a thread and a loop of their own, so that they answer while the
// role is busy or drains. Stopped only by ops_server_close, not by a signal: the last thing a role does is to say how
// it is.
#include <stdlib.h>
#include <string.h>

#include "common/http_internal.h"
#include "common/metric.h"

enum { OPS_TIMEOUT_MS = 5000, OPS_CONNECTIONS = 64 };

struct ops_server {
    struct http_server *http;
    ops_health *health;
    void *context;
    pthread_t thread;
};

static void answer_metrics(struct http_request *request)
{
    struct text body = {0};
    metric_print_all(&body);
    http_answer(request, &(struct http_reply){.status = 200,
                                              .content_type = "text/plain; version=0.0.4",
                                              .body = {body.data, body.length}});
    text_free(&body);
}

static void answer_health(struct ops_server *server, struct http_request *request)
{
    struct text details = {0};
    bool well = !server->health || server->health(server->context, &details);
    if (details.length == 0) text_add_string(&details, "{}");
    http_answer(request, &(struct http_reply){.status = well ? 200 : 503,
                                              .content_type = "application/json",
                                              .body = {details.data, details.length},
                                              .extra = {"Cache-Control", "no-store"}});
    text_free(&details);
}

static void handle(void *context, struct http_request *request)
{
    bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    bool metrics = strcmp(request->path, "/metrics") == 0, health = strcmp(request->path, "/healthz") == 0;
    if (!metrics && !health)
        http_problem(request, 404, "not_found", "here are only /metrics and /healthz", NULL);
    else if (!reads)
        http_problem(request, 405, "method_not_allowed", "only GET", NULL);
    else if (metrics)
        answer_metrics(request);
    else
        answer_health(context, request);
}

static void *run(void *argument)
{
    struct ops_server *server = argument;
    http_server_run(server->http);
    return NULL;
}

enum err ops_server_open(const char *host, int port, ops_health *health, void *context, struct ops_server **server,
                         struct fault *fault)
{
    struct http_options options = {
        .host = host, .port = port, .request_timeout_ms = OPS_TIMEOUT_MS, .max_connections = OPS_CONNECTIONS};
    struct ops_server *made = heap_alloc(sizeof *made);
    made->health = health;
    made->context = context;
    enum err err = http_server_open(&options, handle, made, &made->http, fault);
    if (!err) {
        made->http->heeds_signals = false;
        err = thread_start(&made->thread, run, made, fault);
    }
    if (err) {
        http_server_free(made->http);
        free(made);
        return err;
    }
    *server = made;
    return ERR_OK;
}

int ops_server_port(const struct ops_server *server)
{
    return http_server_port(server->http);
}

void ops_server_close(struct ops_server *server)
{
    if (!server) return;
    http_server_stop(server->http);
    ENSURE(pthread_join(server->thread, NULL) == 0);
    http_server_free(server->http);
    free(server);
}
