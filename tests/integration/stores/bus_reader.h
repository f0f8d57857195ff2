// SPDX-License-Identifier: Apache-2.0
// What the Kafka cases share: filling topics with numbered messages, and readers that check every message to be the
// next one. A message is its number in eight bytes and some filling; in each partition the number is the offset.
#pragma once
#include "common/bus.h"
#include "tests/integration/stores/check.h"

enum { PARTITIONS = 4, BATCH = 2000, POLL_MS = 100, PATIENCE_S = 60, MESSAGE_BYTES = 280 };

struct delivery {
    int64_t ok, retry, limit;
    int64_t highest[PARTITIONS];
};
extern struct delivery delivery; // reports since producer_open

// Counts a report; a token is where the offset is put.
void on_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason);
struct bus_producer *producer_open(const struct config *config, const char *topic);
bool nothing_waits(void *producer); // for check_wait
void produce_numbers(struct bus_producer *producer, int partition, int64_t from, int64_t to);
// A topic with `count` numbered messages in each of its partitions.
void topic_filled(const struct config *config, const char *topic, int partitions, int64_t count);

struct reader {
    struct bus_consumer *consumer;
    int64_t start[PARTITIONS]; // answered when a partition is assigned; < 0: parked
    int64_t next[PARTITIONS];  // expected; checked to be the message's offset and number
    bool holds[PARTITIONS];
    int assignments, revocations, partition_count;
    int64_t messages;
    enum err last;
    struct bus_message batch[BATCH];
};
struct reader *reader_new(void);
void reader_join(struct reader *reader, const struct config *config, const char *group, const char *instance); // topic = group
struct reader *reader_open(const struct config *config, const char *group, const char *instance); // both of these
void reader_close(struct reader *reader);
void reader_poll(struct reader *reader); // one poll; its messages must be the next ones
int reader_holds(const struct reader *reader);
// Until every partition is held by one of the readers (the second may be NULL) and read up to `next`, and each reader
// holds `holds` partitions (-1: any number).
void read_until(struct reader *a, struct reader *b, int64_t next, int holds);
