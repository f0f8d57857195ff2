// SPDX-License-Identifier: Apache-2.0
// Messages out, reports in. Invariant: every delivery is on its way until its last message was reported, and is
// answered exactly once, after that: 204 (or 200) only if all of them are in the log with acks=all.
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "ingest/gateway.h"
#include "ingest/packing.h"

enum { REOPEN_MS = 1000, CLOSE_MS = 1000 };

static void answer_accepted(struct delivery *delivery)
{
    int status = delivery->reply.length ? 200 : 204;
    CRASH_POINT("ingest.before_answer");
    gateway_count_answer(status);
    metric_add(delivery->gateway->metrics.accepted, (int64_t)delivery->events);
    if (delivery->reply.length)
        http_answer(delivery->request, &(struct http_reply){.status = 200,
                                                            .content_type = "application/json",
                                                            .body = {delivery->reply.data, delivery->reply.length}});
    else
        http_answer(delivery->request, &(struct http_reply){.status = 204});
}

static void finish(struct delivery *delivery)
{
    struct gateway *gateway = delivery->gateway;
    gateway->in_flight_bytes -= delivery->bytes;
    gateway->in_flight_requests--;
    metric_set(gateway->metrics.in_flight_bytes, (int64_t)gateway->in_flight_bytes);
    metric_set(gateway->metrics.in_flight_requests, (int64_t)gateway->in_flight_requests);
    if (delivery->failed) {
        gateway_count_refusal("kafka", (int64_t)delivery->events);
        gateway_problem(delivery->request, 503, "kafka_unavailable",
                        "Kafka has not taken all events; send the same again", NULL);
    } else {
        metric_add(gateway->metrics.deliveries, 1);
        metric_add(gateway->metrics.delivery_us, clock_monotonic_us() - delivery->started_us);
        answer_accepted(delivery);
    }
    text_free(&delivery->reply);
    free(delivery);
}

static void note_kafka(struct gateway *gateway, enum err err, const char *reason)
{
    if (err == ERR_OK) {
        gateway->last_ack_us = clock_monotonic_us();
        if (gateway->kafka_down) log_info("kafka_takes_events_again", LOG_NONE);
    } else {
        gateway->last_failure_us = clock_monotonic_us();
        metric_add(gateway->metrics.failed_messages, 1);
        if (!gateway->kafka_down)
            log_warn("kafka_does_not_take_events", LOG_TEXT("error", err_name(err)), LOG_TEXT("reason", reason));
    }
    gateway->kafka_down = err != ERR_OK;
}

// One message's report (bus_delivered).
static void message_reported(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    struct delivery *delivery = token;
    (void)partition;
    (void)offset;
    ENSURE(delivery->waiting > 0);
    note_kafka(delivery->gateway, err, reason);
    if (err != ERR_OK) delivery->failed = true;
    if (--delivery->waiting == 0) finish(delivery);
}

static enum err produce(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    struct delivery *delivery = context;
    (void)events;
    CRASH_POINT("ingest.before_produce");
    enum err err = bus_produce(delivery->gateway->producer, partition, message.data, message.length, delivery, fault);
    if (err != ERR_OK) return err;
    delivery->waiting++;
    metric_add(delivery->gateway->metrics.bytes, (int64_t)message.length);
    return ERR_OK;
}

void gateway_deliver(struct gateway *gateway, const struct knowledge_snapshot *known, struct http_request *request,
                     const struct admission *admission, struct text *reply)
{
    if (!gateway->producer || gateway->incarnation != known->incarnation.number) {
        text_free(reply);
        gateway_problem(request, 503, "kafka_unavailable", "the connection to Kafka is being made", NULL);
        return;
    }
    struct fault fault;
    struct delivery *delivery = heap_alloc(sizeof *delivery);
    *delivery = (struct delivery){.gateway = gateway,
                                  .request = request,
                                  .events = admission->admitted_count,
                                  .bytes = request->body.length,
                                  .reply = *reply,
                                  .started_us = clock_monotonic_us()};
    gateway->in_flight_bytes += delivery->bytes;
    gateway->in_flight_requests++;
    metric_set(gateway->metrics.in_flight_bytes, (int64_t)gateway->in_flight_bytes);
    metric_set(gateway->metrics.in_flight_requests, (int64_t)gateway->in_flight_requests);
    // reports come from bus_producer_poll only, so none can arrive before the last message was handed over
    enum err err = packing_run(admission->admitted, admission->admitted_count, gateway->partitions,
                               (uint64_t)catalogue_version(known->catalogue), request->arena, &gateway->buffer, produce,
                               delivery, &fault);
    if (err != ERR_OK) {
        delivery->failed = true;
        note_kafka(gateway, err, fault.reason);
    }
    if (delivery->waiting == 0) finish(delivery);
}

static void serve_reports(void *context)
{
    struct gateway *gateway = context;
    if (gateway->producer) (void)bus_producer_poll(gateway->producer, 0);
}

void gateway_close_producer(struct gateway *gateway, int timeout_ms)
{
    if (!gateway->producer) return;
    struct bus_producer *producer = gateway->producer;
    gateway->producer_ready = false;
    gateway->producer = NULL; // nothing new goes in while the rest is reported
    if (gateway->watched >= 0) http_server_unwatch(gateway->server, gateway->watched);
    gateway->watched = -1;
    bus_producer_close(producer, timeout_ms);
}

static void open_producer(struct gateway *gateway, const struct knowledge_snapshot *known)
{
    struct fault fault;
    gateway->open_again_us = clock_monotonic_us() + REOPEN_MS * 1000;
    enum err err =
        bus_producer_open(gateway->config, known->incarnation.topic, message_reported, &gateway->producer, &fault);
    if (err == ERR_OK) {
        gateway->watched = bus_producer_descriptor(gateway->producer);
        gateway->incarnation = known->incarnation.number;
        gateway->partitions = known->incarnation.partitions;
        err = http_server_watch(gateway->server, gateway->watched, serve_reports, gateway);
        if (err != ERR_OK) {
            gateway->watched = -1;
            gateway_close_producer(gateway, 0);
        }
    }
    gateway->producer_ready = err == ERR_OK;
    if (err == ERR_OK)
        log_info("producer_opened", LOG_TEXT("topic", known->incarnation.topic),
                 LOG_INT("partitions", known->incarnation.partitions));
    else
        log_warn("producer_not_opened", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
}

// A producer that failed for good, or whose topic is no longer the newest, goes; the next tick makes a new one.
static void retire_producer(struct gateway *gateway, const struct knowledge_snapshot *known)
{
    if (bus_producer_failed(gateway->producer)) {
        log_error("producer_failed", LOG_TEXT("topic", known->incarnation.topic));
        metric_add(gateway->metrics.rebuilds, 1);
        gateway_close_producer(gateway, 0);
    } else if (gateway->incarnation != known->incarnation.number && bus_producer_waiting(gateway->producer) == 0) {
        gateway_close_producer(gateway, CLOSE_MS);
    }
}

void gateway_tick(void *context)
{
    struct gateway *gateway = context;
    if (knowledge_failed(gateway->knowledge, &gateway->failure)) http_server_stop(gateway->server);
    serve_reports(gateway);
    struct knowledge_snapshot *known = knowledge_retain(gateway->knowledge);
    if (known && gateway->producer) retire_producer(gateway, known);
    if (known && !gateway->producer && clock_monotonic_us() >= gateway->open_again_us) open_producer(gateway, known);
    knowledge_release(gateway->knowledge, known);
}
