// SPDX-License-Identifier: Apache-2.0
// Kafka (librdkafka underneath): producing with acks=all and idempotence, consuming from offsets that PostgreSQL names,
// and making topics. Kafka's own committed offsets are never used.
#pragma once
#include "common/config.h"
#include "common/instant.h"
#include "common/text.h"

// --- topics
// Makes the topic if missing (LogAppendTime, retention unlimited, delete policy, min.insync.replicas and replication of the config,
// max.message.bytes 8 MiB) and checks an existing one: ERR_CONFLICT names the setting that differs (partitions, message.timestamp.type, cleanup.policy, retention.ms).
enum err bus_topic_ensure(const struct config *config, const char *topic, int partitions, struct fault *fault) MUST_USE;
// Settings and partition count of a topic as Kafka reports them (for doctor and for the check above).
struct bus_topic { int partitions; char timestamp_type[32]; char cleanup_policy[32]; int64_t retention_ms; int64_t retention_bytes; int min_insync_replicas; int replication; };
enum err bus_topic_describe(const struct config *config, const char *topic, struct bus_topic *description, struct fault *fault) MUST_USE; // ERR_NOT_FOUND: no such topic
const char *bus_library_version(void);

// --- producing
struct bus_producer;
// Called from bus_producer_poll() (the caller's thread) once per message: offset >= 0 on success; err is ERR_OK, ERR_RETRY
// (not delivered within the timeout, or unknown: it may still be in the log) or ERR_LIMIT (too large).
typedef void bus_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason);
enum err bus_producer_open(const struct config *config, const char *topic, bus_delivered *delivered, struct bus_producer **producer, struct fault *fault) MUST_USE;
// The message is copied. ERR_RETRY: the queue is full or the client must be rebuilt; ERR_LIMIT: larger than 8 MiB.
enum err bus_produce(struct bus_producer *producer, int partition, const void *data, size_t length, void *token, struct fault *fault) MUST_USE;
int bus_producer_poll(struct bus_producer *producer, int timeout_ms); // serves delivery reports; returns how many
int bus_producer_descriptor(struct bus_producer *producer); // becomes readable when poll has work (for an event loop)
bool bus_producer_failed(const struct bus_producer *producer); // fatal: every message in flight was reported ERR_RETRY; close and open again
int64_t bus_producer_waiting(const struct bus_producer *producer); // messages not reported yet
void bus_producer_close(struct bus_producer *producer, int timeout_ms); // flushes first, reports the rest as ERR_RETRY

// --- consuming
struct bus_message {
    int partition;
    int64_t offset;
    instant_us received_time; // LogAppendTime, in microseconds; INSTANT_NONE if the broker gave none or gave CreateTime
    const char *data;
    size_t length;
    const char *key;
    size_t key_length;
    struct slice content_type; // of the header "content-type", empty if none (binary mode has "ce_" headers)
    void *handle;
};
struct bus_consumer;
// Group membership decides who reads what: on_assign is called (from bus_consumer_poll, caller's thread) per partition and answers from which offset to read
// (>= 0) or -1 to leave it unread (parked); on_revoke when it is taken away (after it returns no message of it comes).
typedef int64_t bus_assigned(void *context, int partition, int partition_count);
typedef void bus_revoked(void *context, int partition);
enum err bus_consumer_open(const struct config *config, const char *topic, const char *group, const char *instance, bus_assigned *assigned, bus_revoked *revoked, void *context, struct bus_consumer **consumer, struct fault *fault) MUST_USE;
// Without a group: reads one partition from `offset` up to (not including) `end`, for re-reading the log and for tests. end -1: the high watermark at opening.
enum err bus_consumer_open_range(const struct config *config, const char *topic, int partition, int64_t offset, int64_t end, struct bus_consumer **consumer, struct fault *fault) MUST_USE;
// Up to `most` messages, waiting at most timeout_ms for the first. They are valid until bus_messages_free. ERR_NOT_FOUND: a range is exhausted.
// ERR_RETRY: broker away (keep polling, it reconnects by itself), fault says so. ERR_CONFLICT: offset out of range (log start moved past it, or topic made anew).
enum err bus_consumer_poll(struct bus_consumer *consumer, struct bus_message *messages, int most, int *count, int timeout_ms, struct fault *fault) MUST_USE;
void bus_messages_free(struct bus_message *messages, int count);
// Reads a partition again from offset (after a failed batch): a fresh unassign and assign, stale messages never come.
enum err bus_consumer_restart(struct bus_consumer *consumer, int partition, int64_t offset, struct fault *fault) MUST_USE;
// First and next offset of a partition as the broker has them.
enum err bus_watermarks(struct bus_consumer *consumer, int partition, int64_t *low, int64_t *high, struct fault *fault) MUST_USE;
void bus_consumer_close(struct bus_consumer *consumer);
