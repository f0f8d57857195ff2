// SPDX-License-Identifier: Apache-2.0
// Partitions are taken unread (-1) and started when the rater has rebuilt their index: an assignment never blocks the
// others. Kafka's own offsets are never used (rules 3.4).
#include "rating/kafka_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/log.h"

enum { MESSAGES_AT_ONCE = 2000, RANGE_WAIT_MS = 100, CLOSE_MS = 2000, MARKERS_WAITING_MAX = 4096, FORWARD_WAIT_MS = 200, GROUP_MAX_BYTES = 256 };

struct kafka_source {
    const struct config *config;
    struct incarnation incarnation;
    struct incarnation counting; // that events are sent on to; ours while it counts
    struct rater *rater;
    struct bus_consumer *consumer;
    struct bus_producer *producer;  // of markers; NULL: to be opened (again)
    struct bus_producer *forwarder; // of what is sent on; likewise
    struct rater_source callbacks;
    struct bus_message messages[MESSAGES_AT_ONCE];
};

// --- callbacks of the rater

static enum err bounds(void *context, struct bus_watermark *bounds, int count, struct fault *fault)
{
    const struct kafka_source *source = context;
    enum err err = bus_watermarks_ask(source->consumer, bounds, count, fault);
    return err == ERR_NOT_FOUND ? ERR_CONFLICT : err; // a partition that Kafka does not have
}

static enum err range_open(void *context, int partition, int64_t offset, int64_t end, void **range, struct fault *fault)
{
    const struct kafka_source *source = context;
    struct bus_consumer *reader = NULL;
    enum err err =
        bus_consumer_open_range(source->config, source->incarnation.topic, partition, offset, end, &reader, fault);
    *range = reader;
    return err;
}

static enum err range_read(void *range, struct bus_message *messages, int most, int *count, struct fault *fault)
{
    enum err err = bus_consumer_poll(range, messages, most, count, RANGE_WAIT_MS, fault);
    if (err == ERR_BUG) return ERR_CONFLICT; // damaged in the log: the fault says where
    return err;
}

static void range_release(void *range, struct bus_message *messages, int count)
{
    (void)range;
    bus_messages_free(messages, count);
}

static void range_close(void *range)
{
    bus_consumer_close(range);
}

static enum err start(void *context, int partition, int64_t offset, struct fault *fault)
{
    const struct kafka_source *source = context;
    return bus_consumer_restart(source->consumer, partition, offset, fault);
}

// token: the ticket of a message that is sent on; NULL: a marker.
static void delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    (void)offset;
    if (err)
        log_debug(token ? "forward_not_delivered" : "marker_not_delivered", LOG_INT("partition", partition),
                  LOG_TEXT("reason", reason));
    if (token) forward_reported(token, err == ERR_OK);
}

static enum err producer_ready(const struct kafka_source *source, const struct incarnation *incarnation,
                               struct bus_producer **producer, struct fault *fault)
{
    if (*producer && bus_producer_failed(*producer)) {
        bus_producer_close(*producer, 0);
        *producer = NULL;
    }
    if (*producer) return ERR_OK;
    return bus_producer_open(source->config, incarnation->topic, delivered, producer, fault);
}

static enum err append(void *context, int partition, const void *data, size_t length, struct fault *fault)
{
    struct kafka_source *source = context;
    enum err err = producer_ready(source, &source->incarnation, &source->producer, fault);
    if (err) return err;
    if (bus_producer_waiting(source->producer) > MARKERS_WAITING_MAX)
        return fault_set(fault, ERR_RETRY, "kafka", "markers wait for their delivery");
    return bus_produce(source->producer, partition, data, length, NULL, fault);
}

// Waits a moment for room when the producer's queue is full.
static enum err forward(void *context, int partition, const void *data, size_t length, struct forward_ticket *ticket,
                        struct fault *fault)
{
    struct kafka_source *source = context;
    enum err err = producer_ready(source, &source->counting, &source->forwarder, fault);
    if (err) return err;
    err = bus_produce(source->forwarder, partition, data, length, ticket, fault);
    if (err == ERR_RETRY && bus_producer_poll(source->forwarder, FORWARD_WAIT_MS) > 0)
        err = bus_produce(source->forwarder, partition, data, length, ticket, fault);
    if (!err) ticket->waiting++;
    return err;
}

static void forward_poll(void *context)
{
    struct kafka_source *source = context;
    if (source->forwarder) bus_producer_poll(source->forwarder, 0);
}

// --- callbacks of the group

static int64_t on_assigned(void *context, int partition, int partition_count)
{
    const struct kafka_source *source = context;
    rater_assign(source->rater, partition, partition_count);
    return -1;
}

static void on_revoked(void *context, int partition)
{
    const struct kafka_source *source = context;
    rater_revoke(source->rater, partition);
}

// --- opening, feeding, closing

enum err kafka_source_open(const struct config *config, const struct incarnation *incarnation, const char *instance,
                           struct kafka_source **opened, struct fault *fault)
{
    struct kafka_source *source = heap_alloc(sizeof *source);
    source->config = config;
    source->incarnation = source->counting = *incarnation;
    source->callbacks = (struct rater_source){
        .context = source,
        .bounds = bounds,
        .range_open = range_open,
        .range_read = range_read,
        .range_release = range_release,
        .range_close = range_close,
        .start = start,
        .append = append,
        .forward = forward,
        .forward_poll = forward_poll,
    };
    // a group of its own per incarnation: who does not know of a newer one yet takes no part in sharing it
    char group[GROUP_MAX_BYTES];
    int length = incarnation->number == 1
                     ? snprintf(group, sizeof group, "%s", config_text(config, "rate.group"))
                     : snprintf(group, sizeof group, "%s.%d", config_text(config, "rate.group"), incarnation->number);
    enum err err = length >= (int)sizeof group ? fault_set(fault, ERR_INVALID, "rate.group", "is too long") : ERR_OK;
    if (!err)
        err = bus_consumer_open(config, incarnation->topic, group, instance, on_assigned, on_revoked, source,
                                &source->consumer, fault);
    if (err) {
        kafka_source_close(source);
        return err;
    }
    *opened = source;
    return ERR_OK;
}

const struct rater_source *kafka_source_callbacks(struct kafka_source *source)
{
    return &source->callbacks;
}

void kafka_source_send_on(struct kafka_source *source, const struct incarnation *counting)
{
    if (source->counting.number == counting->number) return;
    source->counting = *counting;
    if (source->forwarder) bus_producer_close(source->forwarder, CLOSE_MS);
    source->forwarder = NULL;
}

void kafka_source_bind(struct kafka_source *source, struct rater *rater)
{
    source->rater = rater;
}

enum err kafka_source_feed(struct kafka_source *source, int timeout_ms, int *fed, struct fault *fault)
{
    int count = 0;
    *fed = 0;
    if (source->producer) bus_producer_poll(source->producer, 0);
    if (source->forwarder) bus_producer_poll(source->forwarder, 0);
    int64_t waited_us = bus_consumer_waited_us(source->consumer);
    enum err err = bus_consumer_poll(source->consumer, source->messages, MESSAGES_AT_ONCE, &count, timeout_ms, fault);
    rater_waited(source->rater, bus_consumer_waited_us(source->consumer) - waited_us);
    if ((err == ERR_CONFLICT || err == ERR_BUG) && source->messages[0].partition >= 0) {
        rater_stop(source->rater, source->messages[0].partition, fault->reason);
        return ERR_OK;
    }
    if (err) return err;
    *fed = count;
    if (count > 0) rater_feed(source->rater, source->messages, count);
    bus_messages_free(source->messages, count);
    return ERR_OK;
}

enum err kafka_source_end(struct kafka_source *source, int partition, int64_t *next_offset, struct fault *fault)
{
    int64_t low = 0;
    return bus_watermarks(source->consumer, partition, &low, next_offset, fault);
}

void kafka_source_close(struct kafka_source *source)
{
    if (!source) return;
    bus_consumer_close(source->consumer);
    if (source->producer) bus_producer_close(source->producer, CLOSE_MS);
    if (source->forwarder) bus_producer_close(source->forwarder, CLOSE_MS);
    free(source);
}
