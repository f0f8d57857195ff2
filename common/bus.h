// SPDX-License-Identifier: Apache-2.0
// Kafka (librdkafka underneath): producing with acks=all and idempotence, consuming from offsets that PostgreSQL names,
// and making topics. Kafka's own committed offsets are never used.
#pragma once
#include "common/config.h"
#include "common/instant.h"
#include "common/text.h"

// --- topics
// Makes the topic if missing (LogAppendTime, retention unlimited, delete policy, min.insync.replicas and replication of
// the config, max.message.bytes for messages of 8 MiB) and checks an existing one: ERR_CONFLICT names the setting that
// differs (partitions, message.timestamp.type, cleanup.policy, retention.ms, retention.bytes). Idempotent, also when two
// processes do it at once. ERR_INVALID: the broker refuses the name or the replication; ERR_RETRY: it is away.
enum err bus_topic_ensure(const struct config *config, const char *topic, int partitions,
                          struct fault *fault) MUST_USE;
// Settings and partition count of a topic as Kafka reports them (for doctor and for the check above).
struct bus_topic {
    int partitions;
    char timestamp_type[32];
    char cleanup_policy[32];
    int64_t retention_ms;
    int64_t retention_bytes;
    int min_insync_replicas;
    int replication;
};
// ERR_NOT_FOUND: no such topic; ERR_RETRY: the broker is away.
enum err bus_topic_describe(const struct config *config, const char *topic, struct bus_topic *description,
                            struct fault *fault) MUST_USE;
// Lets the brokers refuse every message that is written to the topic, or take them again. Its other settings are as
// `topic` has them. ERR_NOT_FOUND, ERR_RETRY as above; ERR_INVALID: not allowed.
enum err bus_topic_refuse(const struct config *config, const char *name, const struct bus_topic *topic, bool refuse,
                          struct fault *fault) MUST_USE;
// ERR_OK also if there is none.
enum err bus_topic_delete(const struct config *config, const char *name, struct fault *fault) MUST_USE;
const char *bus_library_version(void);

// --- producing
// A producer belongs to one thread. The topic must be there (bus_topic_ensure).
struct bus_producer;
// Called from bus_producer_poll() or bus_producer_close() (the caller's thread) once per message. err is ERR_OK (then
// offset is where it is, or -1 when the broker recognised a repetition and did not say), ERR_RETRY (not delivered within
// ingest.delivery_timeout, or unknown: it may still be in the log) or ERR_LIMIT (larger than the topic takes).
typedef void bus_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason);
enum err bus_producer_open(const struct config *config, const char *topic, bus_delivered *delivered,
                           struct bus_producer **producer, struct fault *fault) MUST_USE;
// The message is copied. ERR_RETRY: the queue is full (ingest.max_in_flight bytes or a million messages), there is no
// such partition, or the client must be rebuilt; ERR_LIMIT: larger than 8 MiB. On an error it is not reported again.
enum err bus_produce(struct bus_producer *producer, int partition, const void *data, size_t length, void *token,
                     struct fault *fault) MUST_USE;
int bus_producer_poll(struct bus_producer *producer, int timeout_ms); // serves delivery reports; returns how many
// Becomes readable when poll has work (for an event loop); poll empties it. Owned by the producer.
int bus_producer_descriptor(struct bus_producer *producer);
// Fatal, and every message in flight was reported ERR_RETRY: close and open again.
bool bus_producer_failed(const struct bus_producer *producer);
int64_t bus_producer_waiting(const struct bus_producer *producer); // messages not reported yet
// Flushes first, reports the rest as ERR_RETRY. NULL is fine.
void bus_producer_close(struct bus_producer *producer, int timeout_ms);

// --- consuming
// The group gives the partitions of a member to others when it has not heard of its process for so long.
enum { BUS_SESSION_MS = 8000 };
// A consumer belongs to one thread. Every message of it is freed before it is closed.
struct bus_consumer;
struct bus_header {
    struct slice name, value; // value.data NULL: the header is null
};
enum { BUS_HEADERS_MAX = 256 };
struct bus_message {
    int partition;
    int64_t offset;
    instant_us received_time; // LogAppendTime, in microseconds; INSTANT_NONE if the broker gave none or gave CreateTime
    const char *data;
    size_t length;
    const char *key;
    size_t key_length;
    const struct bus_header *headers; // the first BUS_HEADERS_MAX in their order; NULL without any, which costs nothing
    size_t header_count;              // of all, also of those beyond
    struct bus_consumer *consumer;
    void *handle;
};
// The last header of that name, as long as the message lives; empty if there is none.
struct slice bus_message_header(const struct bus_message *message, const char *name);

// Group membership decides who reads what (eager range assignor, static members). on_assign is called (from
// bus_consumer_poll, caller's thread, outside of the library, so it may take its time and use bus_watermarks or a range)
// per partition and answers from which offset to read (>= 0) or -1 to leave it unread (parked). on_revoke is called
// when it is taken away, from bus_consumer_poll or bus_consumer_close; after it returns no message of it comes, and the
// messages in the caller's hands are the caller's affair. partition_count is what Kafka reports for the topic.
typedef int64_t bus_assigned(void *context, int partition, int partition_count);
typedef void bus_revoked(void *context, int partition);
// instance is the member's name over restarts: of two living members with one name one is stopped (ERR_CONFLICT). After
// a member has gone its partitions stay with its name for 8 s. config must outlive the consumer; the names are copied.
enum err bus_consumer_open(const struct config *config, const char *topic, const char *group, const char *instance,
                           bus_assigned *assigned, bus_revoked *revoked, void *context,
                           struct bus_consumer **consumer, struct fault *fault) MUST_USE;
// Without a group: reads one partition from `offset` up to (not including) `end`, for re-reading the log and for tests.
// end -1: the high watermark at opening, which then checks offset as well (ERR_CONFLICT, or ERR_RETRY without a broker).
enum err bus_consumer_open_range(const struct config *config, const char *topic, int partition, int64_t offset,
                                 int64_t end, struct bus_consumer **consumer, struct fault *fault) MUST_USE;
// Up to `most` messages, waiting at most timeout_ms for the first (longer while an assignment is answered). Offsets of a
// partition follow one another without gap or repetition, but for gaps that the log itself has (confirmed by a second
// fetch). They are valid until bus_messages_free. Without messages:
//   ERR_OK         none came in time
//   ERR_NOT_FOUND  a range is exhausted
//   ERR_RETRY      broker away (keep polling, it reconnects by itself, after on_revoke if that took long), or messages of
//                  a former session must be freed first; fault says so
//   ERR_CONFLICT   messages[0].partition >= 0: messages[0].offset is out of range (log start moved past it, or topic made
//                  anew), the partition is parked until bus_consumer_restart; -1: another living member has our name,
//                  which was told apart from an outage by joining again once: close and leave
//   ERR_BUG        messages[0].partition is damaged in the log (checksum) and parked
enum err bus_consumer_poll(struct bus_consumer *consumer, struct bus_message *messages, int most, int *count,
                           int timeout_ms, struct fault *fault) MUST_USE;
int64_t bus_consumer_waited_us(const struct bus_consumer *consumer); // all polls' waiting for a message so far
void bus_messages_free(struct bus_message *messages, int count);
// Reads a partition again from offset (after a failed batch), from the next poll on, which does a fresh unassign and
// assign for all that were named since the last: stale messages never come; those in the caller's hands are the caller's
// to drop. ERR_NOT_FOUND: it is not ours (any more).
enum err bus_consumer_restart(struct bus_consumer *consumer, int partition, int64_t offset,
                              struct fault *fault) MUST_USE;
// First and next offset of partitions as the brokers have them, all asked at once. ERR_NOT_FOUND: one of them is not there.
struct bus_watermark {
    int partition;
    int64_t low, high;
};
enum err bus_watermarks_ask(struct bus_consumer *consumer, struct bus_watermark *watermarks, int count,
                            struct fault *fault) MUST_USE;
// The same for one partition.
enum err bus_watermarks(struct bus_consumer *consumer, int partition, int64_t *low, int64_t *high,
                        struct fault *fault) MUST_USE;
// Takes at most 10 s; calls on_revoke for what is held. NULL is fine.
void bus_consumer_close(struct bus_consumer *consumer);
