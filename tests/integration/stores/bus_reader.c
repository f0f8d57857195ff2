// SPDX-License-Identifier: Apache-2.0
// Filling and reading of the Kafka cases.
#include "tests/integration/stores/bus_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

struct delivery delivery;

void on_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    (void)reason;
    if (err == ERR_OK) {
        delivery.ok++;
        if (token) *(int64_t *)token = offset;
        if (partition < PARTITIONS && offset > delivery.highest[partition]) delivery.highest[partition] = offset;
    } else if (err == ERR_LIMIT) {
        delivery.limit++;
    } else {
        delivery.retry++;
    }
}

struct bus_producer *producer_open(const struct config *config, const char *topic)
{
    struct bus_producer *producer;
    memset(&delivery, 0, sizeof delivery);
    CHECK_ERR(bus_producer_open(config, topic, on_delivered, &producer, &fault), ERR_OK);
    return producer;
}

bool nothing_waits(void *producer)
{
    bus_producer_poll(producer, 10);
    return bus_producer_waiting(producer) == 0;
}

void produce_numbers(struct bus_producer *producer, int partition, int64_t from, int64_t to)
{
    char message[MESSAGE_BYTES];
    memset(message, 'x', sizeof message);
    for (int64_t number = from; number < to; number++) {
        memcpy(message, &number, sizeof number);
        CHECK_ERR(bus_produce(producer, partition, message, sizeof message, NULL, &fault), ERR_OK);
        if (number % 1000 == 0) bus_producer_poll(producer, 0);
    }
}

void topic_filled(const struct config *config, const char *topic, int partitions, int64_t count)
{
    CHECK_ERR(bus_topic_ensure(config, topic, partitions, &fault), ERR_OK);
    if (!count) return;
    struct bus_producer *producer = producer_open(config, topic);
    for (int partition = 0; partition < partitions; partition++) produce_numbers(producer, partition, 0, count);
    check_wait("delivery", PATIENCE_S, nothing_waits, producer);
    CHECK_INT(delivery.ok, count * partitions);
    bus_producer_close(producer, 1000);
}

// --- reading

static int64_t on_assign(void *context, int partition, int partition_count)
{
    struct reader *reader = context;
    CHECK(partition < PARTITIONS && !reader->holds[partition]);
    reader->holds[partition] = true;
    reader->assignments++;
    reader->partition_count = partition_count;
    reader->next[partition] = reader->start[partition];
    return reader->start[partition];
}

static void on_revoke(void *context, int partition)
{
    struct reader *reader = context;
    CHECK(partition < PARTITIONS && reader->holds[partition]);
    reader->holds[partition] = false;
    reader->start[partition] = reader->next[partition];
    reader->revocations++;
}

struct reader *reader_new(void)
{
    return heap_alloc(sizeof(struct reader));
}

void reader_join(struct reader *reader, const struct config *config, const char *group, const char *instance)
{
    CHECK_ERR(bus_consumer_open(config, group, group, instance, on_assign, on_revoke, reader, &reader->consumer, &fault),
              ERR_OK);
}

struct reader *reader_open(const struct config *config, const char *group, const char *instance)
{
    struct reader *reader = reader_new();
    reader_join(reader, config, group, instance);
    return reader;
}

void reader_close(struct reader *reader)
{
    bus_consumer_close(reader->consumer);
    for (int i = 0; i < PARTITIONS; i++) CHECK(!reader->holds[i]);
    free(reader);
}

static void take_in_order(struct reader *reader, int count)
{
    for (int i = 0; i < count; i++) {
        const struct bus_message *message = &reader->batch[i];
        int64_t number;
        CHECK(reader->holds[message->partition]);
        CHECK_INT(message->offset, reader->next[message->partition]);
        CHECK_INT(message->length, MESSAGE_BYTES);
        memcpy(&number, message->data, sizeof number);
        CHECK_INT(number, message->offset);
        CHECK(message->received_time != INSTANT_NONE);
        reader->next[message->partition]++;
    }
    reader->messages += count;
}

void reader_poll(struct reader *reader)
{
    int count;
    reader->last = bus_consumer_poll(reader->consumer, reader->batch, BATCH, &count, POLL_MS, &fault);
    take_in_order(reader, count);
    bus_messages_free(reader->batch, count);
    if (count) CHECK_INT(reader->last, ERR_OK);
}

struct goal {
    struct reader *readers[2];
    int64_t next; // of every partition that is held
    int holds;    // by each reader, or -1: any
};

int reader_holds(const struct reader *reader)
{
    int count = 0;
    for (int i = 0; i < PARTITIONS; i++) count += reader->holds[i];
    return count;
}

static bool reached(void *context)
{
    struct goal *goal = context;
    int seen[PARTITIONS] = {0}, done = 0;
    bool right = true;
    for (int r = 0; r < 2; r++) {
        struct reader *reader = goal->readers[r];
        if (!reader) continue;
        reader_poll(reader);
        right = right && (goal->holds < 0 || reader_holds(reader) == goal->holds);
        for (int i = 0; i < PARTITIONS; i++) {
            seen[i] += reader->holds[i];
            done += reader->holds[i] && reader->next[i] >= goal->next;
        }
    }
    for (int i = 0; i < PARTITIONS; i++) right = right && seen[i] == 1;
    return right && done == PARTITIONS;
}

static void say_where(char *text, size_t size, const struct reader *reader)
{
    size_t at = 0;
    for (int i = 0; reader && i < PARTITIONS; i++)
        at += (size_t)snprintf(text + at, size - at, " [%d]%s%lld", i, reader->holds[i] ? "=" : "-",
                               (long long)reader->next[i]);
    if (reader)
        snprintf(text + at, size - at, " %s, given %d, taken %d", err_name(reader->last), reader->assignments,
                 reader->revocations);
}

void read_until(struct reader *a, struct reader *b, int64_t next, int holds)
{
    struct goal goal = {{a, b}, next, holds};
    int64_t end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    while (!reached(&goal)) {
        if (clock_monotonic_us() < end_us) continue;
        char where[2][256] = {"", ""};
        say_where(where[0], sizeof where[0], a);
        say_where(where[1], sizeof where[1], b);
        check_failed(__FILE__, __LINE__, "not at %lld within %d s:%s;%s; last fault %s: %s", (long long)next, PATIENCE_S,
                     where[0], where[1], fault.place, fault.reason);
    }
}
