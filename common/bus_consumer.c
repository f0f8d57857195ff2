// SPDX-License-Identifier: Apache-2.0
// Who reads what: the group decides, the caller names the offsets, Kafka's own offsets are neither read nor written.
// A revocation is passed on at once; an assignment is only noted in the callback and answered between batches, so that
// nothing of a new assignment can be in a batch that saw an old one. A restart is an unassign and assign of everything:
// pause, resume and seek lose or repeat messages in librdkafka 2.0.2. That takes some 50 ms with 128 partitions and drops
// what was prefetched, so the next poll does it once for all that were restarted. How messages are handed out: bus_fetch.c.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/bus_reading.h"
#include "common/log.h"

enum {
    METADATA_TIMEOUT_MS = 2000,
    WATERMARK_TIMEOUT_MS = 2000,
    CLOSE_TIMEOUT_MS = 10000,
    CLOSE_BATCH = 64,
    END_TIMEOUT_MS = 3000,
    FENCED_AGAIN_S = 30,    // a second fencing within this time is not an echo of an outage
    ASSIGNMENT_WAIT_S = 20, // more than a session and the restart of a broker
};

// --- what is read

enum err bus_assign_all(struct bus_consumer *consumer, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++) {
        struct bus_part *part = &consumer->parts[i];
        part->doubted = false;
        if (part->owned && part->reading)
            rd_kafka_topic_partition_list_add(list, consumer->topic, i)->offset = part->next;
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(consumer->client.kafka, NULL);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && list->cnt) code = rd_kafka_assign(consumer->client.kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    consumer->unassigned = code != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!consumer->unassigned) return ERR_OK;
    return fault_set(fault, ERR_RETRY, consumer->topic, "assign: %s", rd_kafka_err2str(code));
}

static enum err ask_partition_count(struct bus_consumer *consumer, int *count, struct fault *fault)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(consumer->client.kafka, 0, consumer->handle, &metadata, METADATA_TIMEOUT_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        code = metadata->topics[0].err;
        *count = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && *count > 0) return ERR_OK;
    return fault_set(fault, ERR_RETRY, consumer->topic, "metadata: %s", rd_kafka_err2str(code));
}

// Asks the caller where to read what the group has given, and begins to. Runs between batches, outside of callbacks.
enum err bus_decide(struct bus_consumer *consumer, struct fault *fault)
{
    int count = 0;
    enum err err = ask_partition_count(consumer, &count, fault);
    if (err != ERR_OK) return err;
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++) {
        struct bus_part *part = &consumer->parts[i];
        if (!part->owned || part->announced) continue;
        part->announced = true;
        part->next = consumer->assigned(consumer->context, i, count);
        part->reading = part->next >= 0;
    }
    err = bus_assign_all(consumer, fault);
    if (err == ERR_OK) consumer->undecided = false;
    return err;
}

static void take_away(struct bus_consumer *consumer)
{
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++) {
        struct bus_part *part = &consumer->parts[i];
        if (part->owned && part->announced) consumer->revoked(consumer->context, i);
        *part = (struct bus_part){.next = BUS_NO_OFFSET, .gap = BUS_NO_OFFSET};
    }
    consumer->revocations++;
    consumer->undecided = consumer->unassigned = false;
}

// The eager protocol gives and takes everything at once. Served by the caller's poll or close.
static void on_rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
    struct bus_consumer *consumer = opaque;
    take_away(consumer);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        for (int i = 0; i < list->cnt; i++) {
            ENSURE(list->elems[i].partition >= 0 && list->elems[i].partition < BUS_PARTITIONS_MAX);
            consumer->parts[list->elems[i].partition].owned = true;
        }
        consumer->undecided = true;
        consumer->asked_us = 0;
        // Tells the library that the assignment is taken; fetching begins in bus_decide().
        rd_kafka_topic_partition_list_t *none = rd_kafka_topic_partition_list_new(0);
        rd_kafka_assign(kafka, none);
        rd_kafka_topic_partition_list_destroy(none);
    } else {
        consumer->asked_us = clock_monotonic_us();
        rd_kafka_assign(kafka, NULL);
    }
}

// --- opening

// Prefetch: up to 96 MiB of messages, three times that in memory when they have 283 bytes (the library's own part of each,
// and the answers that are unpacked beyond the bound). The number of messages is not the bound. Both must be large: a
// full queue makes this version look again only after a second or so, and what is in it must last that long. Every
// batch's checksum is verified.
static const struct bus_option consumer_options[] = {
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "error"},
    {"check.crcs", "true"},
    {"allow.auto.create.topics", "false"},
    {"queued.min.messages", "2000000"},
    {"queued.max.messages.kbytes", "98304"},
    {"fetch.max.bytes", "16777216"},
    {"fetch.message.max.bytes", "1048576"},
    {"fetch.wait.max.ms", "100"},
    {"fetch.error.backoff.ms", "50"},
    {"topic.metadata.refresh.interval.ms", "30000"},
};
enum { CONSUMER_OPTIONS = sizeof consumer_options / sizeof consumer_options[0], OPTIONS_MAX = CONSUMER_OPTIONS + 8 };

static struct bus_consumer *consumer_new(const struct config *config, const char *topic)
{
    struct bus_consumer *consumer = heap_alloc(sizeof *consumer);
    consumer->config = config;
    consumer->topic = heap_text(topic);
    consumer->parts = heap_alloc(BUS_PARTITIONS_MAX * sizeof *consumer->parts);
    for (int i = 0; i < BUS_PARTITIONS_MAX; i++)
        consumer->parts[i] = (struct bus_part){.next = BUS_NO_OFFSET, .gap = BUS_NO_OFFSET};
    return consumer;
}

static void client_release(struct bus_consumer *consumer, int destroy_flags)
{
    if (consumer->queue) rd_kafka_queue_destroy(consumer->queue);
    if (consumer->handle) rd_kafka_topic_destroy(consumer->handle);
    consumer->queue = NULL;
    consumer->handle = NULL;
    if (!bus_client_end(&consumer->client, destroy_flags, END_TIMEOUT_MS)) {
        consumer->abandoned = true;
        log_warn("kafka_client_abandoned", LOG_TEXT("topic", consumer->topic));
    }
    consumer->client.down = consumer->client.told = consumer->client.fatal = false;
    consumer->client.reason[0] = '\0';
}

static void dispose(struct bus_consumer *consumer, int destroy_flags)
{
    client_release(consumer, destroy_flags);
    free(consumer->batch);
    free(consumer->parts);
    free(consumer->topic);
    free(consumer->group);
    free(consumer->instance);
    if (!consumer->abandoned) free(consumer);
}

static enum err start(struct bus_consumer *consumer, const struct bus_option *extra, size_t count, struct fault *fault)
{
    struct bus_option options[OPTIONS_MAX];
    ENSURE(CONSUMER_OPTIONS + count <= OPTIONS_MAX);
    memcpy(options, consumer_options, sizeof consumer_options);
    memcpy(options + CONSUMER_OPTIONS, extra, count * sizeof *extra);
    rd_kafka_conf_t *conf;
    enum err err = bus_conf_new(consumer->config, options, CONSUMER_OPTIONS + count, &consumer->client, &conf, fault);
    if (err != ERR_OK) return err;
    if (consumer->group) rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    err = bus_client_start(&consumer->client, true, conf, fault);
    if (err != ERR_OK) return err;
    rd_kafka_poll_set_consumer(consumer->client.kafka);
    consumer->queue = rd_kafka_queue_get_consumer(consumer->client.kafka);
    consumer->handle = rd_kafka_topic_new(consumer->client.kafka, consumer->topic, NULL);
    if (!consumer->handle)
        return fault_set(fault, ERR_INVALID, consumer->topic, "%s", rd_kafka_err2str(rd_kafka_last_error()));
    return ERR_OK;
}

static enum err subscribe(struct bus_consumer *consumer, struct fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, consumer->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(consumer->client.kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return ERR_OK;
    return fault_set(fault, ERR_INVALID, consumer->topic, "subscribe: %s", rd_kafka_err2str(code));
}

// Fencing is the database's: a session that ends too early costs a rebalance, never an event. max.poll.interval is what
// a commit that waits for PostgreSQL may take before the group goes on without us.
static enum err join(struct bus_consumer *consumer, struct fault *fault)
{
    char session_ms[16];
    snprintf(session_ms, sizeof session_ms, "%d", BUS_SESSION_MS);
    const struct bus_option options[] = {
        {"group.id", consumer->group},
        {"group.instance.id", consumer->instance},
        {"partition.assignment.strategy", "range"},
        {"session.timeout.ms", session_ms},
        {"heartbeat.interval.ms", "2000"},
        {"max.poll.interval.ms", "300000"},
    };
    consumer->asked_us = clock_monotonic_us();
    enum err err = start(consumer, options, sizeof options / sizeof options[0], fault);
    return err == ERR_OK ? subscribe(consumer, fault) : err;
}

enum err bus_consumer_open(const struct config *config, const char *topic, const char *group, const char *instance,
                           bus_assigned *assigned, bus_revoked *revoked, void *context, struct bus_consumer **out,
                           struct fault *fault)
{
    ENSURE(group && instance && assigned && revoked);
    struct bus_consumer *consumer = consumer_new(config, topic);
    consumer->group = heap_text(group);
    consumer->instance = heap_text(instance);
    consumer->assigned = assigned;
    consumer->revoked = revoked;
    consumer->context = context;
    enum err err = join(consumer, fault);
    *out = err == ERR_OK ? consumer : NULL;
    if (err != ERR_OK) dispose(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return err;
}

static enum err rebuild(struct bus_consumer *consumer, const char *reason, struct fault *fault)
{
    if (consumer->outstanding)
        return fault_set(fault, ERR_RETRY, consumer->topic, "%lld messages of the former session are still in use",
                         (long long)consumer->outstanding);
    log_warn("kafka_joins_again", LOG_TEXT("instance", consumer->instance), LOG_TEXT("reason", reason));
    fault_set(fault, ERR_RETRY, consumer->topic, "joining the group again: %s", reason);
    client_release(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    enum err err = join(consumer, fault);
    if (err != ERR_OK) consumer->stopped = true; // what could be made before cannot be made any more
    return err == ERR_OK ? ERR_RETRY : ERR_CONFLICT;
}

static enum err rebuild_fenced(struct bus_consumer *consumer, struct fault *fault)
{
    int64_t now_us = clock_monotonic_us();
    char reason[sizeof consumer->client.reason];
    memcpy(reason, consumer->client.reason, sizeof reason);
    if (consumer->fenced_us && now_us - consumer->fenced_us < FENCED_AGAIN_S * SECOND_US) consumer->stopped = true;
    if (consumer->stopped)
        return fault_set(fault, ERR_CONFLICT, consumer->topic, "member %s of group %s: %s", consumer->instance,
                         consumer->group, reason);
    enum err err = rebuild(consumer, reason, fault);
    if (!consumer->client.fatal) consumer->fenced_us = now_us;
    return err;
}

// Static members are fenced by a second member of their name, and by themselves: after an outage this version of the
// library may still send a heartbeat of the session that it has just replaced, or wait for ever to be let in again.
// The first two look alike, so the first time the group is joined anew; of two living members the one that is fenced
// twice gives up. A member that the group leaves without an answer for long is joined anew as often as it takes.
bool bus_join_again(struct bus_consumer *consumer, enum err *err, struct fault *fault)
{
    if (!consumer->group) return false;
    if (consumer->client.fatal || consumer->stopped) {
        take_away(consumer);
        *err = rebuild_fenced(consumer, fault);
        return true;
    }
    if (!consumer->asked_us || clock_monotonic_us() - consumer->asked_us < ASSIGNMENT_WAIT_S * SECOND_US) return false;
    *err = rebuild(consumer, "no assignment came", fault);
    return true;
}

static enum err range_begin(struct bus_consumer *consumer, int partition, int64_t offset, int64_t end,
                            struct fault *fault)
{
    int64_t low = 0, high = end;
    enum err err = ERR_OK;
    if (end < 0) {
        err = bus_watermarks(consumer, partition, &low, &high, fault);
        if (err == ERR_OK && (offset < low || offset > high))
            err = fault_set(fault, ERR_CONFLICT, consumer->topic, "partition %d has offsets %lld to %lld, not %lld",
                            partition, (long long)low, (long long)high, (long long)offset);
    }
    if (err != ERR_OK) return err;
    consumer->end = high;
    consumer->parts[partition] =
        (struct bus_part){.owned = true, .announced = true, .reading = true, .next = offset, .gap = BUS_NO_OFFSET};
    return offset < high ? bus_assign_all(consumer, fault) : ERR_OK;
}

// The library asks for a group's name even where no group is joined.
enum err bus_consumer_open_range(const struct config *config, const char *topic, int partition, int64_t offset,
                                 int64_t end, struct bus_consumer **out, struct fault *fault)
{
    ENSURE(partition >= 0 && partition < BUS_PARTITIONS_MAX && offset >= 0);
    const struct bus_option options[] = {{"group.id", "turnpike-range"}, {"enable.partition.eof", "true"}};
    struct bus_consumer *consumer = consumer_new(config, topic);
    enum err err = start(consumer, options, sizeof options / sizeof options[0], fault);
    if (err == ERR_OK) err = range_begin(consumer, partition, offset, end, fault);
    *out = err == ERR_OK ? consumer : NULL;
    if (err != ERR_OK) dispose(consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return err;
}

// --- restarting, asking, closing

enum err bus_consumer_restart(struct bus_consumer *consumer, int partition, int64_t offset, struct fault *fault)
{
    ENSURE(partition >= 0 && partition < BUS_PARTITIONS_MAX && offset >= 0);
    struct bus_part *part = &consumer->parts[partition];
    if (!part->owned || !part->announced)
        return fault_set(fault, ERR_NOT_FOUND, consumer->topic, "partition %d is not assigned to this reader",
                         partition);
    part->next = offset;
    part->gap = BUS_NO_OFFSET;
    part->reading = true;
    part->error = 0;
    consumer->unassigned = true;
    return ERR_OK;
}

// One end of partitions. Not the library's own question for both: that one waits without a bound for a broker that is gone.
static rd_kafka_resp_err_t ask_ends(struct bus_consumer *consumer, struct bus_watermark *watermarks, int count,
                                    int64_t which, int *failed)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(list, consumer->topic, watermarks[i].partition)->offset = which;
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(consumer->client.kafka, list, WATERMARK_TIMEOUT_MS);
    for (int i = 0; i < count && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        const rd_kafka_topic_partition_t *row =
            rd_kafka_topic_partition_list_find(list, consumer->topic, watermarks[i].partition);
        code = row->err;
        *failed = watermarks[i].partition;
        *(which == RD_KAFKA_OFFSET_END ? &watermarks[i].high : &watermarks[i].low) = row->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

enum err bus_watermarks_ask(struct bus_consumer *consumer, struct bus_watermark *watermarks, int count,
                            struct fault *fault)
{
    if (count == 0) return ERR_OK;
    int known = 0, failed = watermarks[0].partition;
    rd_kafka_resp_err_t code = ask_ends(consumer, watermarks, count, RD_KAFKA_OFFSET_BEGINNING, &failed);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = ask_ends(consumer, watermarks, count, RD_KAFKA_OFFSET_END, &failed);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return ERR_OK;
    bool missing = code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                   code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (!missing) (void)ask_partition_count(consumer, &known, NULL); // who leads it now? the next question goes there
    return fault_set(fault, missing ? ERR_NOT_FOUND : ERR_RETRY, consumer->topic, "watermarks of partition %d: %s",
                     failed, rd_kafka_err2str(code));
}

enum err bus_watermarks(struct bus_consumer *consumer, int partition, int64_t *low, int64_t *high,
                        struct fault *fault)
{
    struct bus_watermark watermark = {.partition = partition};
    enum err err = bus_watermarks_ask(consumer, &watermark, 1, fault);
    *low = watermark.low;
    *high = watermark.high;
    return err;
}

// False: the library has not finished in time, or has failed before.
static bool close_in_time(struct bus_consumer *consumer)
{
    rd_kafka_message_t *dropped[CLOSE_BATCH];
    rd_kafka_t *kafka = consumer->client.kafka;
    if (!kafka || consumer->client.fatal) return false;
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(kafka, consumer->queue);
    if (error) {
        rd_kafka_error_destroy(error);
        return false;
    }
    int64_t end_us = clock_monotonic_us() + CLOSE_TIMEOUT_MS * INT64_C(1000);
    while (!rd_kafka_consumer_closed(kafka) && clock_monotonic_us() < end_us) {
        ssize_t count = rd_kafka_consume_batch_queue(consumer->queue, 50, dropped, CLOSE_BATCH);
        for (ssize_t i = 0; i < count; i++) rd_kafka_message_destroy(dropped[i]);
    }
    return rd_kafka_consumer_closed(kafka);
}

// A static member does not say good-bye: its partitions stay with its name until the session ends. Closing may hang in
// this version of the library, so it gets a bound and is then left out; so may ending the client (bus_client_end).
void bus_consumer_close(struct bus_consumer *consumer)
{
    if (!consumer) return;
    ENSURE(consumer->outstanding == 0);
    bool closed = close_in_time(consumer);
    if (!closed && !consumer->client.fatal) log_warn("kafka_close_abandoned", LOG_TEXT("topic", consumer->topic));
    if (consumer->group) take_away(consumer); // whatever the library did not take
    dispose(consumer, closed ? 0 : RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
