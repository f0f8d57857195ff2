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
#include "ingest/packing.h"

enum { ARENA_BYTES = 1 << 20, POLL_MS = 100, CLOSE_MS = 1000 };

struct collect_produce {
    const struct config *config;
    const char *topic;
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
    made->topic = topic;
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

static enum err ready(struct collect_produce *produce, struct fault *fault)
{
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
