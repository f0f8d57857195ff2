// SPDX-License-Identifier: Apache-2.0
// Messages in turn. Each owned partition knows the offset that it hands out next, and hands out nothing else: another
// offset is dropped with all that follows and the partition is fetched afresh; only the same gap seen twice is taken
// for a real one (compaction, transaction marks). A revocation in the middle of a batch voids the whole batch.
// Runs in the thread of the consumer's owner.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/bus_reading.h"
#include "common/log.h"

static void failure_keep(struct bus_consumer *consumer, const char *reason)
{
    consumer->failed = true;
    fault_set(&consumer->fault, ERR_RETRY, consumer->topic, "%s", reason);
}

// A partition that cannot go on stays unread until bus_consumer_restart names an offset for it.
static void park(struct bus_consumer *consumer, const rd_kafka_message_t *message)
{
    ENSURE(message->partition >= 0 && message->partition < BUS_PARTITIONS_MAX);
    struct bus_part *part = &consumer->parts[message->partition];
    if (!part->reading) return;
    part->reading = false;
    part->error = (int)message->err;
}

static void take_error(struct bus_consumer *consumer, const rd_kafka_message_t *message)
{
    switch ((int)message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!consumer->group && message->offset >= consumer->end)
            consumer->parts[message->partition].next = consumer->end;
        break;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
        park(consumer, message);
        break;
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__FATAL:
        consumer->client.fatal = true;
        snprintf(consumer->client.reason, sizeof consumer->client.reason, "%s", rd_kafka_message_errstr(message));
        break;
    default:
        failure_keep(consumer, rd_kafka_message_errstr(message));
        break;
    }
}

// May this message be handed out? Afterwards `next` is behind it.
static bool in_turn(struct bus_consumer *consumer, const rd_kafka_message_t *message)
{
    ENSURE(message->partition >= 0 && message->partition < BUS_PARTITIONS_MAX);
    struct bus_part *part = &consumer->parts[message->partition];
    if (!part->owned || !part->reading || part->doubted) return false;
    if (!consumer->group && message->offset >= consumer->end) {
        part->next = consumer->end;
        return false;
    }
    if (message->offset != part->next) {
        bool confirmed = message->offset > part->next && message->offset == part->gap;
        log_warn(confirmed ? "kafka_gap" : "kafka_offset_unexpected", LOG_TEXT("topic", consumer->topic),
                 LOG_INT("partition", message->partition), LOG_INT("expected", part->next),
                 LOG_INT("offset", message->offset));
        if (!confirmed) {
            part->gap = message->offset;
            part->doubted = consumer->unassigned = true;
            return false;
        }
    }
    ENSURE(message->offset >= part->next);
    part->next = message->offset + 1;
    part->gap = BUS_NO_OFFSET;
    return true;
}

// Most messages have none: for these the library answers from a length, and nothing is made.
static void present_headers(const rd_kafka_message_t *from, struct bus_message *to)
{
    rd_kafka_headers_t *headers;
    if (rd_kafka_message_headers(from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
    size_t count = rd_kafka_header_cnt(headers), kept = count < BUS_HEADERS_MAX ? count : BUS_HEADERS_MAX;
    struct bus_header *list = heap_grow(NULL, sizeof *list, kept > 0 ? kept : 1);
    for (size_t i = 0; i < kept; i++) {
        const char *name;
        const void *value;
        size_t length;
        ENSURE(rd_kafka_header_get_all(headers, i, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR);
        list[i] = (struct bus_header){{name, strlen(name)}, {value, length}};
    }
    to->headers = list;
    to->header_count = count;
}

static void present(struct bus_consumer *consumer, rd_kafka_message_t *from, struct bus_message *to)
{
    rd_kafka_timestamp_type_t kind;
    int64_t milliseconds = rd_kafka_message_timestamp(from, &kind);
    bool appended = kind == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME && milliseconds >= 0;
    *to = (struct bus_message){
        .partition = from->partition,
        .offset = from->offset,
        .received_time = appended ? milliseconds * 1000 : INSTANT_NONE,
        .data = from->payload ? from->payload : "",
        .length = from->len,
        .key = from->key ? from->key : "",
        .key_length = from->key_len,
        .consumer = consumer,
        .handle = from,
    };
    present_headers(from, to);
    consumer->outstanding++;
}

struct slice bus_message_header(const struct bus_message *message, const char *name)
{
    size_t kept = message->header_count < BUS_HEADERS_MAX ? message->header_count : BUS_HEADERS_MAX;
    for (size_t i = kept; i-- > 0;) {
        const struct bus_header *header = &message->headers[i];
        if (header->value.data && slice_equal(header->name, slice_of(name))) return header->value;
    }
    return (struct slice){"", 0};
}

// Waits for the first message only; what else is there already comes with it. Callbacks run in here.
static size_t fetch(struct bus_consumer *consumer, int most, int timeout_ms)
{
    if ((size_t)most > consumer->batch_capacity) {
        consumer->batch = heap_grow(consumer->batch, sizeof(rd_kafka_message_t *), (size_t)most);
        consumer->batch_capacity = (size_t)most;
    }
    int64_t before = consumer->revocations;
    int64_t begin_us = clock_monotonic_us();
    ssize_t first = rd_kafka_consume_batch_queue(consumer->queue, timeout_ms, consumer->batch, 1);
    consumer->waited_us += clock_monotonic_us() - begin_us;
    if (first <= 0) return 0;
    ssize_t more = 0;
    if (most > 1) more = rd_kafka_consume_batch_queue(consumer->queue, 0, consumer->batch + 1, (size_t)most - 1);
    size_t count = 1 + (size_t)(more > 0 ? more : 0);
    if (consumer->revocations == before) return count;
    for (size_t i = 0; i < count; i++) rd_kafka_message_destroy(consumer->batch[i]);
    return 0;
}

static int hand_out(struct bus_consumer *consumer, size_t fetched, struct bus_message *messages)
{
    int count = 0;
    for (size_t i = 0; i < fetched; i++) {
        rd_kafka_message_t *message = consumer->batch[i];
        if (message->err) take_error(consumer, message);
        if (!message->err && in_turn(consumer, message))
            present(consumer, message, &messages[count++]);
        else
            rd_kafka_message_destroy(message);
    }
    return count;
}

static bool range_exhausted(const struct bus_consumer *consumer)
{
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++) {
        if (consumer->parts[i].owned) return consumer->parts[i].next >= consumer->end;
    }
    return true;
}

static enum err explain_parked(struct bus_consumer *consumer, int partition, struct fault *fault)
{
    struct bus_part *part = &consumer->parts[partition];
    char place[FAULT_PLACE_MAX];
    snprintf(place, sizeof place, "%.120s[%d]", consumer->topic, partition);
    bool damaged = part->error == RD_KAFKA_RESP_ERR__BAD_MSG;
    part->error = 0;
    if (damaged) return fault_set(fault, ERR_BUG, place, "the log is damaged at or after offset %lld", (long long)part->next);
    return fault_set(fault, ERR_CONFLICT, place, "offset %lld is not in the log: it was cut, or the topic was made anew",
                     (long long)part->next);
}

// What a poll without messages has to say; one thing at a time.
static enum err explain(struct bus_consumer *consumer, struct bus_message *messages, struct fault *fault)
{
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++) {
        if (!consumer->parts[i].error) continue;
        messages[0].partition = i;
        messages[0].offset = consumer->parts[i].next;
        return explain_parked(consumer, i, fault);
    }
    if (consumer->client.fatal) return fault_set(fault, ERR_RETRY, consumer->topic, "%s", consumer->client.reason);
    if (consumer->failed) {
        consumer->failed = false;
        if (fault) *fault = consumer->fault;
        return ERR_RETRY;
    }
    if (consumer->client.told) {
        consumer->client.told = false;
        return fault_set(fault, ERR_RETRY, consumer->topic, "%s", consumer->client.reason);
    }
    return ERR_OK;
}

enum err bus_consumer_poll(struct bus_consumer *consumer, struct bus_message *messages, int most, int *count,
                           int timeout_ms, struct fault *fault)
{
    ENSURE(most > 0);
    *count = 0;
    if (!consumer->group && range_exhausted(consumer))
        return fault_set(fault, ERR_NOT_FOUND, consumer->topic, "the range is exhausted");
    messages[0] = (struct bus_message){.partition = -1, .offset = BUS_NO_OFFSET};
    enum err err;
    if (bus_join_again(consumer, &err, fault)) return err;
    struct fault undecided, unassigned;
    if (consumer->undecided && bus_decide(consumer, &undecided) != ERR_OK)
        failure_keep(consumer, undecided.reason);
    if (consumer->unassigned && !consumer->undecided && bus_assign_all(consumer, &unassigned) != ERR_OK)
        failure_keep(consumer, unassigned.reason);
    *count = hand_out(consumer, fetch(consumer, most, timeout_ms), messages);
    if (*count) {
        bus_client_up(&consumer->client);
        return ERR_OK;
    }
    return explain(consumer, messages, fault);
}

int64_t bus_consumer_waited_us(const struct bus_consumer *consumer)
{
    return consumer->waited_us;
}

void bus_messages_free(struct bus_message *messages, int count)
{
    for (int i = 0; i < count; i++) {
        free((void *)(uintptr_t)messages[i].headers);
        messages[i].headers = NULL;
        rd_kafka_message_destroy(messages[i].handle);
        messages[i].handle = NULL;
        messages[i].consumer->outstanding--;
    }
}

