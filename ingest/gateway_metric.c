// SPDX-License-Identifier: Apache-2.0
// What the gateway tells about itself: one table per kind of number, and its health.
#include <stdio.h>

#include "ingest/gateway.h"

void gateway_metrics_register(struct gateway_metrics *metrics)
{
    const struct {
        struct metric **metric;
        enum metric_kind kind;
        const char *name, *help;
    } table[] = {
        {&metrics->accepted, METRIC_COUNTER, "turnpike_ingest_events_accepted_total",
         "Events that were acknowledged: they are in Kafka."},
        {&metrics->bytes, METRIC_COUNTER, "turnpike_ingest_message_bytes_total",
         "Bytes of messages handed to Kafka's client."},
        {&metrics->in_flight_bytes, METRIC_GAUGE, "turnpike_ingest_in_flight_bytes",
         "Bytes of requests whose events wait for Kafka."},
        {&metrics->in_flight_requests, METRIC_GAUGE, "turnpike_ingest_in_flight_requests",
         "Requests whose events wait for Kafka."},
        {&metrics->deliveries, METRIC_COUNTER, "turnpike_ingest_deliveries_total",
         "Requests all of whose messages Kafka has taken."},
        {&metrics->delivery_us, METRIC_COUNTER, "turnpike_ingest_delivery_microseconds_total",
         "Time from handing a request's messages over to the last report, summed over deliveries, in microseconds."},
        {&metrics->failed_messages, METRIC_COUNTER, "turnpike_ingest_messages_failed_total",
         "Messages that Kafka did not take, or of which it is not known."},
        {&metrics->rebuilds, METRIC_COUNTER, "turnpike_ingest_producer_rebuilds_total",
         "Times the Kafka client was made anew after a fatal error."},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        *table[i].metric = metric_register(table[i].kind, table[i].name, "", table[i].help);
}

void gateway_count_answer(int status)
{
    char labels[32];
    snprintf(labels, sizeof labels, "status=\"%d\"", status);
    metric_add(
        metric_register(METRIC_COUNTER, "turnpike_ingest_requests_total", labels, "Requests by answered status."), 1);
}

// Reasons are literals of ours, so that their number is bounded.
void gateway_count_refusal(const char *reason, int64_t events)
{
    char labels[64];
    snprintf(labels, sizeof labels, "reason=\"%s\"", reason);
    metric_add(metric_register(METRIC_COUNTER, "turnpike_ingest_events_refused_total", labels,
                               "Events that were not taken, by reason."),
               events);
}

// A failure that nothing followed is no longer held against Kafka after so long: who is told that we are unwell sends
// us nothing, and without a request we would never learn that it is over.
#define KAFKA_DOUBT_US (15 * SECOND_US)

static bool kafka_takes(const struct gateway *gateway)
{
    int64_t failure_us = gateway->last_failure_us;
    if (!gateway->producer_ready) return false;
    return failure_us <= gateway->last_ack_us || clock_monotonic_us() - failure_us > KAFKA_DOUBT_US;
}

// Well = knows what to take, and Kafka takes it. What PostgreSQL said last is good enough to go on with: that it is
// away is told, not held against us.
bool gateway_health(void *context, struct text *details)
{
    struct gateway *gateway = context;
    char reason[FAULT_TEXT_MAX];
    int64_t age_us = knowledge_age_us(gateway->knowledge, reason);
    bool kafka = kafka_takes(gateway);
    bool draining = process_stop, well = age_us >= 0 && kafka && !draining;
    text_print(details, "{\"ready\":%s,\"draining\":%s,\"knowledge_age_seconds\":%lld,\"knowledge_problem\":",
               well ? "true" : "false", draining ? "true" : "false", (long long)(age_us < 0 ? -1 : age_us / SECOND_US));
    text_add_json_string(details, reason, slice_of(reason).length);
    struct knowledge_snapshot *known = knowledge_retain(gateway->knowledge);
    text_print(details, ",\"catalogue_version\":%lld,\"keys\":%zu,\"kafka\":%s,\"in_flight_requests\":%lld}",
               known ? (long long)catalogue_version(known->catalogue) : -1LL,
               known ? api_key_table_count(known->keys) : 0, kafka ? "true" : "false",
               (long long)metric_value(gateway->metrics.in_flight_requests));
    knowledge_release(gateway->knowledge, known);
    return well;
}
