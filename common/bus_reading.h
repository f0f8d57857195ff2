// SPDX-License-Identifier: Apache-2.0
// Private to common/bus_consumer.c (who reads what) and common/bus_fetch.c (messages in turn): a consumer's state.
#pragma once
#include "common/bus.h"
#include "common/bus_client.h"

struct rd_kafka_topic_s;
struct rd_kafka_queue_s;

enum { BUS_PARTITIONS_MAX = 1024, BUS_NO_OFFSET = -1 };

struct bus_part {
    bool owned;     // the group gave it to us
    bool announced; // the caller was asked for its offset
    bool reading;   // false: parked
    bool doubted;   // an offset that was not expected came: nothing more of it until it is fetched afresh
    int64_t next;   // offset of the next message that may be handed out
    int64_t gap;    // offset that came instead of `next` before the last fresh fetch, or BUS_NO_OFFSET
    int error;      // the library's code of why it was parked, to be told by a poll; 0: none
};

struct bus_consumer {
    struct bus_client client; // first: the callbacks' opaque pointer
    const struct config *config;
    char *topic, *group, *instance; // no group: a range
    struct rd_kafka_topic_s *handle;
    struct rd_kafka_queue_s *queue;
    bus_assigned *assigned;
    bus_revoked *revoked;
    void *context;
    struct bus_part *parts; // BUS_PARTITIONS_MAX
    int64_t end;            // of a range, exclusive
    int64_t revocations;
    bool undecided; // an assignment waits for its offsets
    bool unassigned; // the library does not read what `parts` say: the next poll assigns them
    struct rd_kafka_message_s **batch;
    size_t batch_capacity;
    int64_t waited_us;   // in polls, for the first message
    int64_t outstanding; // messages in the caller's hands
    int64_t fenced_us;   // monotonic, when the group was last joined anew after being fenced; 0: never
    int64_t asked_us;    // monotonic, since when an assignment is awaited; 0: there is one
    bool stopped;        // fenced for good: another living member has our name
    bool abandoned;      // a client of ours did not end: it may still use this struct
    bool failed;         // the fault below is to be told by a poll without messages
    struct fault fault;
};

// Unassigns everything and assigns what is owned and read, each from its `next`.
enum err bus_assign_all(struct bus_consumer *consumer, struct fault *fault) MUST_USE;
// Asks the caller where to read what the group has given, and begins to. Between batches, outside of callbacks.
enum err bus_decide(struct bus_consumer *consumer, struct fault *fault) MUST_USE;
// False: all is well. True: the client has failed or hangs, so what was held is given back and the group is joined with
// a new one; *err is ERR_RETRY or, when it was fenced again too soon and somebody else must have our name, ERR_CONFLICT.
bool bus_join_again(struct bus_consumer *consumer, enum err *err, struct fault *fault) MUST_USE;
