// SPDX-License-Identifier: Apache-2.0
// Puts the gateway together, runs it and takes it apart. The ops server is first to start and last to end.
#include "ingest/ingest_role.h"

#include "common/log.h"
#include "common/schema.h"
#include "ingest/gateway.h"

enum { TICK_MS = 100, LAST_FLUSH_MS = 1000 };

static void gateway_init(struct gateway *gateway, const struct config *config, const struct clock *clock)
{
    *gateway = (struct gateway){
        .config = config,
        .clock = clock,
        .events_most = (size_t)config_int(config, "ingest.max_batch"),
        .event_bytes_most = (size_t)config_int(config, "ingest.max_event"),
        .in_flight_most = (size_t)config_int(config, "ingest.max_in_flight"),
        .watched = -1,
    };
    int64_t rate = config_int(config, "ingest.tenant_rate");
    if (rate > 0) gateway->rate = tenant_rate_new(rate, config_int(config, "ingest.tenant_burst"));
    random_bytes(&gateway->content_key, sizeof gateway->content_key);
    gateway_metrics_register(&gateway->metrics);
}

static enum err open_server(struct gateway *gateway, struct fault *fault)
{
    char host[64];
    struct http_options options = {
        .host = host,
        .max_body_bytes = (size_t)config_int(gateway->config, "ingest.max_body"),
        .request_timeout_ms = (int)config_int(gateway->config, "ingest.request_timeout"),
        .max_connections = (int)config_int(gateway->config, "ingest.max_connections"),
    };
    config_address(gateway->config, "ingest.listen", host, &options.port);
    enum err err = http_server_open(&options, gateway_handle, gateway, &gateway->server, fault);
    return err == ERR_OK ? http_server_every(gateway->server, TICK_MS, gateway_tick, gateway) : err;
}

static enum err open_ops(struct gateway *gateway, struct ops_server **ops, struct fault *fault)
{
    char host[64];
    int port;
    config_address(gateway->config, "ingest.ops_listen", host, &port);
    return ops_server_open(host, port, gateway_health, gateway, ops, fault);
}

// Runs until TERM or a failure of the knowledge; then the producer is emptied, so that late reports still find their
// requests.
static enum err serve(struct gateway *gateway, struct fault *fault)
{
    log_info("started", LOG_INT("port", http_server_port(gateway->server)));
    http_server_run(gateway->server);
    gateway_close_producer(gateway, LAST_FLUSH_MS);
    if (!knowledge_failed(gateway->knowledge, &gateway->failure)) return ERR_OK;
    *fault = gateway->failure;
    return fault->err;
}

int ingest_role_run(struct config *config, struct clock *clock)
{
    struct gateway gateway;
    struct ops_server *ops = NULL;
    struct fault fault = {.err = ERR_OK};
    hash_init();
    gateway_init(&gateway, config, clock);
    enum err err = knowledge_open(config, &gateway.knowledge, &fault);
    if (err == ERR_OK) err = open_ops(&gateway, &ops, &fault);
    if (err == ERR_OK) err = open_server(&gateway, &fault);
    if (err == ERR_OK) err = serve(&gateway, &fault);
    if (err != ERR_OK)
        log_error("stopped", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    else
        log_info("stopped", LOG_INT("events_accepted", metric_value(gateway.metrics.accepted)));
    http_server_free(gateway.server);
    ops_server_close(ops);
    knowledge_close(gateway.knowledge);
    text_free(&gateway.buffer);
    tenant_rate_free(gateway.rate);
    return schema_exit_code(err, &fault);
}
