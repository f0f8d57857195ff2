// SPDX-License-Identifier: Apache-2.0
// The gateway: POST /api/v1/events in, acknowledged Kafka messages out. One loop thread does everything: it reads
// requests, judges their events, hands messages to the producer, and answers when all of a request's messages have been
// reported. Nothing in it waits: PostgreSQL is followed by another thread (knowledge.h), Kafka by the producer's own.
//   gateway.c           routes, authentication, verdict, answers
//   gateway_delivery.c  the producer: messages out, reports in, rebuilding it, what is in flight
//   gateway_metric.c    counters for /metrics, and /healthz
#pragma once
#include "common/bus.h"
#include "common/hash.h"
#include "common/http.h"
#include "common/instant.h"
#include "common/metric.h"
#include "ingest/admission.h"
#include "ingest/knowledge.h"
#include "ingest/request.h"

// One request whose messages are with Kafka. Freed with its answer.
struct delivery {
    struct gateway *gateway;
    struct http_request *request;
    size_t waiting; // messages not reported yet
    size_t events, bytes;
    bool failed;       // a message was not taken, or is not known to be in the log
    struct text reply; // a part was refused: answer 200 with this; empty: 204
    int64_t started_us;
};

struct gateway_metrics {
    struct metric *accepted, *bytes, *in_flight_bytes, *in_flight_requests, *deliveries, *delivery_us, *failed_messages;
    struct metric *rebuilds;
};

struct gateway {
    const struct config *config;
    const struct clock *clock;
    struct http_server *server;
    struct knowledge *knowledge;
    struct hash_key content_key; // random: contents are compared by raters, who alone have the secret
    size_t events_most, event_bytes_most, in_flight_most;
    struct tenant_rate *rate; // NULL: no limit
    // the producer: NULL until there is a topic, or when it must be made anew
    struct bus_producer *producer;
    int watched; // its descriptor, -1: none
    int incarnation, partitions;
    int64_t open_again_us; // monotonic: not before
    bool kafka_down;       // the last report was a failure
    size_t in_flight_bytes, in_flight_requests;
    struct text buffer; // a message while it is packed
    struct gateway_metrics metrics;
    size_t keys_refused; // since the last line about it
    int64_t keys_refused_logged_us;
    struct fault failure; // why the gateway had to stop by itself
    // read by the ops thread
    _Atomic bool producer_ready;
    _Atomic int64_t last_ack_us, last_failure_us; // monotonic, 0: never
};

// --- gateway.c: http_handler with the gateway as context
void gateway_handle(void *context, struct http_request *request);
void gateway_problem(struct http_request *request, int status, const char *code, const char *detail,
                     const char *members_or_null); // counted

// --- gateway_delivery.c
// Timer: opens or rebuilds the producer when it must, serves reports. Loop thread.
void gateway_tick(void *context);
// Sends the admitted events of a request and answers it, now or when the reports have come. reply: body of the answer
// if a part was refused, else empty; taken over.
void gateway_deliver(struct gateway *gateway, const struct knowledge_snapshot *known, struct http_request *request,
                     const struct admission *admission, struct text *reply);
void gateway_close_producer(struct gateway *gateway, int timeout_ms);

// --- gateway_metric.c
void gateway_metrics_register(struct gateway_metrics *metrics);
void gateway_count_answer(int status);
void gateway_count_refusal(const char *reason, int64_t events);
bool gateway_health(void *context, struct text *details); // ops_health with the gateway as context
