// SPDX-License-Identifier: Apache-2.0
// One request after the other: split, check, pack, produce, wait for every report. A producer that failed for good is
// made anew with the next request.
#include "ingest/collect_produce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/bus.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "catalogue/incarnation.h"
#include "ingest/packing.h"

enum {
    ARENA_BYTES = 1 << 20,
    POLL_MS = 100,
    CLOSE_MS = 1000,
    LOOK_US = 60000000,        // at whether there is a topic of a newer incarnation
    LOOK_FAILED_US = 10000000, // the same when a message was not delivered
    INCARNATIONS_AHEAD = 10
};

struct collect_produce {
    const struct config *config;
    char topic[TOPIC_MAX + 1];
    int64_t look_us; // monotonic time of the next look for a newer one
    struct bus_producer *producer; // NULL: to be opened (again)
    int partitions;
    struct arena *arena;
    struct text buffer;
    struct usage_event event;
    struct event_faults faults;
    // the request that is under way
    size_t waiting;
    enum err failed;
    char reason[160];
};

void collect_produce_open(const struct config *config, const char *topic, struct collect_produce **produce)
{
    struct collect_produce *made = heap_alloc(sizeof *made);
    made->config = config;
    snprintf(made->topic, sizeof made->topic, "%s", topic);
    made->arena = arena_new(ARENA_BYTES);
    *produce = made;
}

void collect_produce_close(struct collect_produce *produce)
{
    if (!produce) return;
    bus_producer_close(produce->producer, CLOSE_MS);
    arena_free(produce->arena);
    text_free(&produce->buffer);
    free(produce);
}

bool collect_produce_successor(const char *topic, int ahead, char *next)
{
    const char *dot = strrchr(topic, '.');
    size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
    if (digits < 1 || digits > 6 || dot[1 + digits] || dot[1] == '0') return false;
    int number = atoi(dot + 1), base = (int)(dot - topic);
    int length = snprintf(next, TOPIC_MAX + 1, "%.*s.%d", base, topic, number + ahead);
    return length <= TOPIC_MAX;
}

static void reported(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    struct collect_produce *produce = token;
    (void)partition;
    (void)offset;
    ENSURE(produce->waiting > 0);
    produce->waiting--;
    if (err == ERR_OK) return;
    produce->failed = err;
    snprintf(produce->reason, sizeof produce->reason, "%s", reason);
}

// --- the topic

static enum err check_topic(struct collect_produce *produce, struct fault *fault)
{
    struct bus_topic topic;
    enum err err = bus_topic_describe(produce->config, produce->topic, &topic, fault);
    if (err) return err;
    int partitions = topic.partitions;
    if (strcmp(topic.timestamp_type, "LogAppendTime") != 0)
        return fault_set(fault, ERR_INVALID, produce->topic,
                         "is no topic of usage events: its message.timestamp.type is %s, not LogAppendTime",
                         topic.timestamp_type);
    if (partitions < 1 || partitions > SHARD_COUNT || (partitions & (partitions - 1)) != 0)
        return fault_set(fault, ERR_INVALID, produce->topic, "is no topic of usage events: it has %d partitions",
                         partitions);
    produce->partitions = partitions;
    return ERR_OK;
}

// ERR_OK, ERR_NOT_FOUND, or why it cannot be told.
static enum err topic_look(const struct collect_produce *produce, const char *topic)
{
    struct bus_topic ignored;
    struct fault fault = {0};
    return bus_topic_describe(produce->config, topic, &ignored, &fault);
}

// Goes on with the topic of the newest incarnation: they follow one another without gaps, but older ones may be gone.
static void topic_follow(struct collect_produce *produce)
{
    char newest[sizeof produce->topic] = "", next[sizeof produce->topic];
    enum err err = topic_look(produce, produce->topic);
    bool there = err == ERR_OK;
    for (int ahead = 1; ahead <= INCARNATIONS_AHEAD && collect_produce_successor(produce->topic, ahead, next); ahead++) {
        if (!err || err == ERR_NOT_FOUND) err = topic_look(produce, next);
        if (err == ERR_NOT_FOUND && !there) continue;
        if (err) break; // brokers that are away are asked again later
        memcpy(newest, next, sizeof newest);
        there = true;
    }
    if (!newest[0]) return;
    log_info("collector_topic", LOG_TEXT("from", produce->topic), LOG_TEXT("to", newest));
    memcpy(produce->topic, newest, sizeof newest);
    bus_producer_close(produce->producer, CLOSE_MS);
    produce->producer = NULL;
}

static enum err ready(struct collect_produce *produce, struct fault *fault)
{
    int64_t now = clock_monotonic_us();
    if (now >= produce->look_us) {
        produce->look_us = now + LOOK_US;
        topic_follow(produce);
    }
    if (produce->producer && bus_producer_failed(produce->producer)) {
        bus_producer_close(produce->producer, 0);
        produce->producer = NULL;
    }
    if (produce->producer) return ERR_OK;
    enum err err = check_topic(produce, fault);
    return err ? err : bus_producer_open(produce->config, produce->topic, reported, &produce->producer, fault);
}

// --- the form of the events

static void refuse(struct post_answer *answer, size_t index, const struct event_faults *faults)
{
    for (size_t i = 0; i < faults->count && answer->refusal_count < POST_REFUSALS_MAX; i++) {
        struct post_refusal *refusal = &answer->refusals[answer->refusal_count++];
        refusal->index = index;
        memcpy(refusal->path, faults->list[i].path, sizeof refusal->path);
        memcpy(refusal->reason, faults->list[i].reason, sizeof refusal->reason);
    }
}

// The content hash is for those who compare contents: any key will do here.
static void check_events(struct collect_produce *produce, const struct slice *events, size_t count,
                         struct admitted_event *admitted, struct post_answer *answer)
{
    static const struct hash_key no_key;
    for (size_t i = 0; i < count; i++) {
        if (event_decode(events[i], &no_key, produce->arena, &produce->event, &produce->faults) == ERR_OK)
            admitted[i] = (struct admitted_event){events[i], shard_of_tenant(produce->event.subject)};
        else
            refuse(answer, i, &produce->faults);
    }
}

// --- sending

static enum err emit(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    struct collect_produce *produce = context;
    (void)events;
    CRASH_POINT("collect_before_produce");
    enum err err = bus_produce(produce->producer, partition, message.data, message.length, produce, fault);
    if (err == ERR_OK) produce->waiting++;
    return err;
}

// Every report comes, at the latest when ingest.delivery_timeout is over.
static enum err send(struct collect_produce *produce, const struct admitted_event *events, size_t count,
                     struct fault *fault)
{
    produce->failed = ERR_OK;
    // catalogue version 0: none is known here, raters judge by their newest
    enum err err = packing_run(events, count, produce->partitions, 0, produce->arena, &produce->buffer, emit, produce,
                               fault);
    while (produce->waiting > 0)
        bus_producer_poll(produce->producer, POLL_MS);
    if (err) return err;
    int64_t soon = clock_monotonic_us() + LOOK_FAILED_US;
    if (produce->failed && produce->look_us > soon) produce->look_us = soon; // the topic may have been retired
    return produce->failed ? fault_set(fault, produce->failed, "kafka", "%s", produce->reason) : ERR_OK;
}

static enum post_outcome outcome_of(enum err err, const struct fault *fault, struct post_answer *answer)
{
    if (err == ERR_OK) return POST_TAKEN;
    snprintf(answer->reason, sizeof answer->reason, "%.100s: %.*s", fault->place, FAULT_TEXT_MAX - 110, fault->reason);
    if (err == ERR_LIMIT) return POST_TOO_LARGE;
    return err == ERR_INVALID ? POST_DENIED : POST_AGAIN; // a topic that is not there yet is waited for
}

enum post_outcome collect_produce_send(struct collect_produce *produce, struct slice body, size_t count,
                                       struct post_answer *answer)
{
    struct fault fault = {0};
    size_t found = 0;
    arena_reset(produce->arena);
    struct slice *events = ARENA_ARRAY(produce->arena, struct slice, count);
    struct admitted_event *admitted = ARENA_ARRAY(produce->arena, struct admitted_event, count);
    enum err err = event_batch_split(body, events, count, &found, &fault);
    if (err) return outcome_of(ERR_INVALID, &fault, answer);
    check_events(produce, events, found, admitted, answer);
    if (answer->refusal_count > 0) {
        snprintf(answer->reason, sizeof answer->reason, "not all events are usage events; nothing was sent");
        return POST_REFUSED;
    }
    err = ready(produce, &fault);
    if (err == ERR_OK) err = send(produce, admitted, found, &fault);
    return outcome_of(err, &fault, answer);
}
