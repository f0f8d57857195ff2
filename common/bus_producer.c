// SPDX-License-Identifier: Apache-2.0
// Producing: idempotent, acknowledged by all replicas that must have it. Every message is reported exactly once, in the
// owner's thread: delivered, or ERR_RETRY when it is not known to be in the log (it may be all the same).
#include <errno.h>
#include <fcntl.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/bus.h"
#include "common/bus_client.h"

enum { PURGE_WAIT_MS = 5000, OPTION_MAX = 24 };

struct bus_producer {
    struct bus_client client; // first: the callbacks' opaque pointer
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    bus_delivered *delivered;
    int64_t waiting;
    int64_t reported;
    int pipe[2]; // the library writes a byte when its queue has work
    bool purged;
};

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *opaque)
{
    (void)kafka;
    struct bus_producer *producer = opaque;
    producer->waiting--;
    producer->reported++;
    ENSURE(producer->waiting >= 0);
    enum err err = ERR_RETRY;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = ERR_OK;
        bus_client_up(&producer->client);
    } else if (message->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        err = ERR_LIMIT;
    }
    producer->delivered(message->_private, err, message->partition, err == ERR_OK ? message->offset : -1,
                        err == ERR_OK ? "" : rd_kafka_err2str(message->err));
}

static enum err pipe_open(struct bus_producer *producer, struct fault *fault)
{
    if (pipe2(producer->pipe, O_CLOEXEC | O_NONBLOCK) == 0) return ERR_OK;
    producer->pipe[0] = producer->pipe[1] = -1;
    return fault_set(fault, ERR_LIMIT, "kafka", "no descriptors left for a pipe");
}

static void dispose(struct bus_producer *producer)
{
    if (producer->queue) {
        rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(producer->queue);
    }
    if (producer->topic) rd_kafka_topic_destroy(producer->topic);
    if (producer->client.kafka) rd_kafka_destroy(producer->client.kafka);
    for (int i = 0; i < 2; i++)
        if (producer->pipe[i] >= 0) close(producer->pipe[i]);
    free(producer);
}

static enum err start(struct bus_producer *producer, const struct config *config, const char *topic,
                      struct fault *fault)
{
    char timeout[OPTION_MAX], queue_kib[OPTION_MAX], largest[OPTION_MAX];
    int64_t in_flight = config_int(config, "ingest.max_in_flight") / 1024;
    snprintf(timeout, sizeof timeout, "%lld", (long long)config_int(config, "ingest.delivery_timeout"));
    snprintf(queue_kib, sizeof queue_kib, "%lld", (long long)(in_flight < INT32_MAX ? in_flight : INT32_MAX));
    snprintf(largest, sizeof largest, "%d", BUS_BATCH_MAX);
    const struct bus_option options[] = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"linger.ms", "5"},
        {"compression.codec", "lz4"},
        {"delivery.timeout.ms", timeout},
        {"message.max.bytes", largest},
        {"queue.buffering.max.kbytes", queue_kib},
        {"queue.buffering.max.messages", "1000000"},
    };
    rd_kafka_conf_t *conf;
    enum err err = pipe_open(producer, fault);
    if (err == ERR_OK)
        err = bus_conf_new(config, options, sizeof options / sizeof options[0], &producer->client, &conf, fault);
    if (err != ERR_OK) return err;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    err = bus_client_start(&producer->client, false, conf, fault);
    if (err != ERR_OK) return err;
    producer->topic = rd_kafka_topic_new(producer->client.kafka, topic, NULL);
    if (!producer->topic)
        return fault_set(fault, ERR_INVALID, topic, "%s", rd_kafka_err2str(rd_kafka_last_error()));
    producer->queue = rd_kafka_queue_get_main(producer->client.kafka);
    rd_kafka_queue_io_event_enable(producer->queue, producer->pipe[1], "1", 1);
    return ERR_OK;
}

enum err bus_producer_open(const struct config *config, const char *topic, bus_delivered *delivered,
                           struct bus_producer **out, struct fault *fault)
{
    struct bus_producer *producer = heap_alloc(sizeof *producer);
    producer->delivered = delivered;
    producer->pipe[0] = producer->pipe[1] = -1;
    enum err err = start(producer, config, topic, fault);
    *out = err == ERR_OK ? producer : NULL;
    if (err != ERR_OK) dispose(producer);
    return err;
}

static enum err refuse(struct bus_producer *producer, rd_kafka_resp_err_t code, size_t length, struct fault *fault)
{
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        return fault_set(fault, ERR_LIMIT, "kafka", "a message of %zu bytes; at most %d", length, BUS_MESSAGE_MAX);
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return fault_set(fault, ERR_RETRY, rd_kafka_topic_name(producer->topic), "%s", rd_kafka_err2str(code));
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        return fault_set(fault, ERR_RETRY, "kafka", "the queue is full: %lld messages wait for the broker",
                         (long long)producer->waiting);
    return fault_set(fault, ERR_RETRY, "kafka", "%s", rd_kafka_err2str(code));
}

enum err bus_produce(struct bus_producer *producer, int partition, const void *data, size_t length, void *token,
                     struct fault *fault)
{
    ENSURE(partition >= 0);
    if (length > BUS_MESSAGE_MAX) return refuse(producer, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, length, fault);
    if (producer->client.fatal) return refuse(producer, RD_KAFKA_RESP_ERR__FATAL, length, fault);
    // The library wants to write to a copy that it owns; what it reads from is never changed.
    void *payload = (void *)(uintptr_t)data;
    if (rd_kafka_produce(producer->topic, partition, RD_KAFKA_MSG_F_COPY, payload, length, NULL, 0, token) != 0)
        return refuse(producer, rd_kafka_last_error(), length, fault);
    producer->waiting++;
    return ERR_OK;
}

static void pipe_drain(const struct bus_producer *producer)
{
    char bytes[64];
    while (read(producer->pipe[0], bytes, sizeof bytes) > 0) {
    }
}

static void purge(struct bus_producer *producer)
{
    if (!producer->purged)
        rd_kafka_purge(producer->client.kafka, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    producer->purged = true;
}

// The pipe is emptied first: what comes after that writes a new byte.
int bus_producer_poll(struct bus_producer *producer, int timeout_ms)
{
    int64_t before = producer->reported;
    pipe_drain(producer);
    rd_kafka_poll(producer->client.kafka, timeout_ms);
    if (producer->client.fatal && producer->waiting) {
        purge(producer);
        rd_kafka_poll(producer->client.kafka, 0);
    }
    return (int)(producer->reported - before);
}

int bus_producer_descriptor(struct bus_producer *producer)
{
    return producer->pipe[0];
}

bool bus_producer_failed(const struct bus_producer *producer)
{
    return producer->client.fatal && producer->waiting == 0;
}

int64_t bus_producer_waiting(const struct bus_producer *producer)
{
    return producer->waiting;
}

void bus_producer_close(struct bus_producer *producer, int timeout_ms)
{
    if (!producer) return;
    if (!producer->client.fatal) rd_kafka_flush(producer->client.kafka, timeout_ms);
    if (producer->waiting) purge(producer);
    int64_t end_us = clock_monotonic_us() + PURGE_WAIT_MS * INT64_C(1000);
    while (producer->waiting && clock_monotonic_us() < end_us) rd_kafka_poll(producer->client.kafka, 50);
    ENSURE(producer->waiting == 0);
    dispose(producer);
}
