// SPDX-License-Identifier: Apache-2.0
// The router's loop, in steps: start partitions that were assigned, read, write, wait for every acknowledgement, note
// how far. Whatever is away is waited for; what is not noted is read again.
#include "rating/router.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/incarnation.h"
#include "common/crash_point.h"
#include "common/file.h"
#include "common/log.h"
#include "rating/router_offset.h"

enum { MESSAGES_AT_ONCE = 2000, POLL_MS = 100, CLOSE_MS = 1000, PARTITIONS_MAX = 1024, LOOK_US = 1000000 };

struct router {
    const struct config *config;
    const char *intake;
    struct hash_key forward_key;
    struct db *db;
    struct bus_consumer *consumer;
    struct bus_producer *producer; // NULL: to be opened (again)
    struct incarnation incarnation;
    int64_t look_us;    // monotonic time of the next look at the newest incarnation
    enum { PART_NONE, PART_ASSIGNED, PART_READING } parts[PARTITIONS_MAX];
    struct routed routed;
    struct text buffer;
    int64_t waiting; // messages not reported yet
    bool failed;
    struct router_status status;
    struct bus_message messages[MESSAGES_AT_ONCE];
};

// --- group and producer

static int64_t on_assigned(void *context, int partition, int partition_count)
{
    struct router *router = context;
    (void)partition_count;
    ENSURE(partition >= 0 && partition < PARTITIONS_MAX);
    router->parts[partition] = PART_ASSIGNED; // its offset is read in the next step
    return -1;
}

static void on_revoked(void *context, int partition)
{
    struct router *router = context;
    router->parts[partition] = PART_NONE;
}

static void on_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    struct router *router = token;
    (void)offset;
    router->waiting--;
    if (!err) return;
    router->failed = true;
    log_debug("route_not_delivered", LOG_INT("partition", partition), LOG_TEXT("reason", reason));
}

static enum err database_ready(struct router *router, struct fault *fault)
{
    if (router->db && db_alive(router->db)) return ERR_OK;
    db_close(router->db);
    router->db = NULL;
    return db_open(router->config, "rate", NULL, &router->db, fault);
}

// A newer incarnation of the usage topic, or a producer that has failed for good: it is opened again.
static enum err producer_ready(struct router *router, struct fault *fault)
{
    struct incarnation newest;
    bool look = clock_monotonic_us() >= router->look_us;
    if (router->producer && !look && !bus_producer_failed(router->producer)) return ERR_OK;
    enum err err = incarnation_load(router->db, &newest, fault);
    if (err) return err;
    router->look_us = clock_monotonic_us() + LOOK_US;
    if (router->producer && newest.number == router->incarnation.number && !bus_producer_failed(router->producer))
        return ERR_OK;
    bus_producer_close(router->producer, 0);
    router->producer = NULL;
    router->incarnation = newest;
    return bus_producer_open(router->config, newest.topic, on_delivered, &router->producer, fault);
}

static enum err key_read(struct router *router, struct fault *fault)
{
    struct text secret = {0};
    const char *path = config_text(router->config, "secrets.identity_key_file");
    if (!path) return fault_set(fault, ERR_INVALID, "secrets.identity_key_file", "is not set");
    enum err err = secret_read(path, &secret, fault);
    if (!err) err = hash_key_derive(secret.data, "forward", &router->forward_key, fault);
    text_free(&secret);
    return err;
}

// Made as the usage topic is made, if it is not there; of one that is there only its clock matters.
static enum err topic_check(const struct router *router, struct fault *fault)
{
    struct bus_topic topic;
    if (!router->intake || !*router->intake)
        return fault_set(fault, ERR_INVALID, "kafka.intake_topic", "is not set: there is nothing to route");
    enum err err = bus_topic_describe(router->config, router->intake, &topic, fault);
    if (err == ERR_NOT_FOUND)
        return bus_topic_ensure(router->config, router->intake, (int)config_int(router->config, "kafka.partitions"),
                                fault);
    if (err || strcmp(topic.timestamp_type, "LogAppendTime") == 0) return err;
    return fault_set(fault, ERR_INVALID, router->intake, "its message.timestamp.type is %s, not LogAppendTime",
                     topic.timestamp_type);
}

enum err router_open(const struct config *config, const char *instance, struct router **opened, struct fault *fault)
{
    struct router *router = heap_alloc(sizeof *router);
    router->config = config;
    router->intake = config_text(config, "kafka.intake_topic");
    enum err err = topic_check(router, fault);
    if (!err) err = key_read(router, fault);
    if (!err)
        err = bus_consumer_open(config, router->intake, config_text(config, "route.group"), instance, on_assigned,
                                on_revoked, router, &router->consumer, fault);
    if (err) {
        router_close(router);
        return err;
    }
    *opened = router;
    return ERR_OK;
}

void router_close(struct router *router)
{
    if (!router) return;
    bus_consumer_close(router->consumer);
    bus_producer_close(router->producer, CLOSE_MS);
    db_close(router->db);
    routed_free(&router->routed);
    text_free(&router->buffer);
    free(router);
}

// --- where to read

static enum err part_start(struct router *router, int partition, struct fault *fault)
{
    int64_t offset = 0;
    enum err err = router_offset_find(router->db, router->config, router->consumer, router->intake, partition, &offset,
                                      fault);
    if (!err) err = bus_consumer_restart(router->consumer, partition, offset, fault);
    if (err == ERR_NOT_FOUND) return ERR_OK; // not ours any more: the revocation is on its way
    if (err) return err;
    router->parts[partition] = PART_READING;
    log_info("intake_started", LOG_INT("partition", partition), LOG_INT("offset", offset));
    return ERR_OK;
}

static enum err parts_start(struct router *router, struct fault *fault)
{
    enum err first = ERR_OK;
    router->status.partitions = 0;
    for (int i = 0; i < PARTITIONS_MAX; i++) {
        if (router->parts[i] == PART_ASSIGNED && !first) first = part_start(router, i, fault);
        router->status.partitions += router->parts[i] == PART_READING;
    }
    return first;
}

// --- writing

static enum err emit(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    struct router *router = context;
    (void)events;
    enum err err;
    CRASH_POINT("route.before_produce");
    while ((err = bus_produce(router->producer, partition, message.data, message.length, router, fault)) == ERR_RETRY)
        if (bus_producer_poll(router->producer, POLL_MS) == 0) return err; // full, and nothing moves
    if (!err) router->waiting++;
    return err;
}

// All events of the messages are in the log of all replicas, or none of it is noted.
static enum err write_all(struct router *router, struct fault *fault)
{
    const struct routed *routed = &router->routed;
    enum err err = ERR_OK;
    router->failed = false;
    for (size_t i = 0; !err && i < routed->run_count; i++) {
        const struct routed_run *run = &routed->runs[i];
        const struct packing_mark mark = {run->received_time, &router->forward_key};
        err = packing_run_marked(routed->events + run->from, run->count, router->incarnation.partitions, 0, &mark,
                                 routed->arena, &router->buffer, emit, router, fault);
    }
    while (router->waiting > 0)
        bus_producer_poll(router->producer, POLL_MS);
    if (err) return err == ERR_LIMIT ? ERR_BUG : ERR_RETRY;
    return router->failed ? fault_set(fault, ERR_RETRY, "kafka", "not all messages were acknowledged") : ERR_OK;
}

// The last message of every partition that is still ours; the others' next owner reads them again.
static enum err note_all(struct router *router, int count, struct fault *fault)
{
    bool noted[PARTITIONS_MAX] = {false};
    enum err err = ERR_OK;
    for (int i = count; !err && i-- > 0;) {
        const struct bus_message *message = &router->messages[i];
        if (noted[message->partition] || router->parts[message->partition] != PART_READING) continue;
        noted[message->partition] = true;
        err = router_offset_note(router->db, router->intake, message, fault);
    }
    return err;
}

static enum err route(struct router *router, int count, struct fault *fault)
{
    CRASH_POINT("route.after_poll");
    routed_split(&router->routed, router->messages, count, &router->forward_key);
    enum err err = write_all(router, fault);
    if (err) return err;
    CRASH_POINT("route.after_produce");
    err = note_all(router, count, fault);
    if (err) return err;
    CRASH_POINT("route.after_note");
    router->status.messages += count;
    router->status.events += (int64_t)router->routed.count;
    router->status.unreadable += router->routed.unreadable;
    return ERR_OK;
}

// Reads again from what is noted: nothing of a step that failed is.
static void parts_again(struct router *router)
{
    for (int i = 0; i < PARTITIONS_MAX; i++)
        if (router->parts[i] == PART_READING) router->parts[i] = PART_ASSIGNED;
}

// Everything that writing needs.
static enum err ready(struct router *router, struct fault *fault)
{
    enum err err = database_ready(router, fault);
    if (!err) err = producer_ready(router, fault);
    if (!err) err = parts_start(router, fault);
    return err == ERR_NOT_FOUND ? ERR_RETRY : err;
}

// Messages, or none in time. A partition that cannot be read on does not stop the others.
static enum err read(struct router *router, int *count, struct fault *fault)
{
    enum err err = bus_consumer_poll(router->consumer, router->messages, MESSAGES_AT_ONCE, count, POLL_MS, fault);
    int partition = router->messages[0].partition;
    if ((err != ERR_CONFLICT && err != ERR_BUG) || partition < 0) return err;
    log_error("intake_unreadable", LOG_INT("partition", partition), LOG_FAULT(fault));
    router->parts[partition] = err == ERR_CONFLICT ? PART_ASSIGNED : PART_NONE; // a damaged log waits for a person
    return ERR_RETRY;
}

static enum err check_times(const struct router *router, int count, struct fault *fault)
{
    for (int i = 0; i < count; i++)
        if (router->messages[i].received_time == INSTANT_NONE)
            return fault_set(fault, ERR_INVALID, router->intake,
                             "has no LogAppendTime: the topic's message.timestamp.type is wrong");
    return ERR_OK;
}

// The group is served whatever is away: what was read meanwhile is read again.
enum err router_step(struct router *router, struct fault *fault)
{
    struct fault unready = {0};
    int count = 0;
    enum err not_ready = ready(router, &unready), err = read(router, &count, fault);
    if (err) return err;
    if (!not_ready && count > 0) {
        err = check_times(router, count, fault);
        if (!err) err = route(router, count, fault);
    }
    if (err || (not_ready && count > 0)) parts_again(router);
    bus_messages_free(router->messages, count);
    if (!not_ready) return err;
    *fault = unready;
    return not_ready;
}

void router_status(const struct router *router, struct router_status *status)
{
    *status = router->status;
}
