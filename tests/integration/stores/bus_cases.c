// SPDX-License-Identifier: Apache-2.0
// Kafka: topics made and compared, messages produced and read back in order, ranges, sizes, reports. Every case has a
// topic of its own. Groups, restarts and outages are in bus_group_cases.c.
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus_client.h"
#include "common/hash.h"
#include "tests/integration/stores/bus_reader.h"

enum { MANY = 50000 };

// --- topics

static void a_topic_is_made_once_and_found_again(const struct config *config)
{
    char topic[64];
    struct bus_topic found;
    check_new_name("topic", topic);
    CHECK_ERR(bus_topic_describe(config, topic, &found, &fault), ERR_NOT_FOUND);
    CHECK_ERR(bus_topic_ensure(config, topic, PARTITIONS, &fault), ERR_OK);
    CHECK_ERR(bus_topic_ensure(config, topic, PARTITIONS, &fault), ERR_OK);
    CHECK_ERR(bus_topic_describe(config, topic, &found, &fault), ERR_OK);
    CHECK_INT(found.partitions, PARTITIONS);
    CHECK_INT(found.replication, 1);
    CHECK_INT(found.min_insync_replicas, 1);
    CHECK_INT(found.retention_ms, -1);
    CHECK_INT(found.retention_bytes, -1);
    CHECK_TEXT(found.timestamp_type, "LogAppendTime");
    CHECK_TEXT(found.cleanup_policy, "delete");
}

static void another_number_of_partitions_is_refused(const struct config *config)
{
    char topic[64];
    check_new_name("partitions", topic);
    CHECK_ERR(bus_topic_ensure(config, topic, 2, &fault), ERR_OK);
    CHECK_ERR(bus_topic_ensure(config, topic, 4, &fault), ERR_CONFLICT);
    CHECK(strstr(fault.reason, "2 partitions"));
}

// Makes a topic that a careless administrator would make.
static void topic_with(const struct config *config, const char *topic, const char *setting, const char *value)
{
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(rd_kafka_conf_set(conf, "bootstrap.servers", config_text(config, "kafka.brokers"), reason, sizeof reason) == 0);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka);
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, 1, 1, reason, sizeof reason);
    CHECK(rd_kafka_NewTopic_set_config(made, setting, value) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_CreateTopics(kafka, &made, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 30000);
    CHECK(event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_event_destroy(event);
    rd_kafka_NewTopic_destroy(made);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(kafka);
}

static bool topic_is_there(void *arguments)
{
    struct bus_topic found;
    const void *const *pair = arguments;
    return bus_topic_describe(pair[0], pair[1], &found, NULL) == ERR_OK;
}

static void settings_that_would_lose_events_are_refused(const struct config *config)
{
    static const char *const wrong[][2] = {
        {"message.timestamp.type", "CreateTime"},
        {"cleanup.policy", "compact"},
        {"retention.ms", "604800000"},
        {"retention.bytes", "1073741824"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char topic[64];
        topic_with(config, check_new_name("wrong", topic), wrong[i][0], wrong[i][1]);
        const void *pair[] = {config, topic};
        check_wait("topic", PATIENCE_S, topic_is_there, pair);
        CHECK_ERR(bus_topic_ensure(config, topic, 1, &fault), ERR_CONFLICT);
        CHECK(strstr(fault.reason, wrong[i][0]));
    }
}

// --- producing and reading

static void many_messages_come_back_in_order(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("many", topic), PARTITIONS, MANY / PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++) CHECK_INT(delivery.highest[i], MANY / PARTITIONS - 1);
    struct reader *reader = reader_open(config, topic, "one");
    read_until(reader, NULL, MANY / PARTITIONS, PARTITIONS);
    CHECK_INT(reader->messages, MANY);
    CHECK_INT(reader->partition_count, PARTITIONS);
    CHECK_INT(reader->assignments, PARTITIONS);
    reader_close(reader);
}

static void reading_begins_where_it_is_told(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("middle", topic), PARTITIONS, 1000);
    struct reader *reader = reader_new();
    for (int i = 0; i < PARTITIONS; i++) reader->start[i] = 100 * (i + 1);
    reader_join(reader, config, topic, "one");
    read_until(reader, NULL, 1000, PARTITIONS);
    CHECK_INT(reader->messages, 4 * 1000 - 100 - 200 - 300 - 400);
    reader_close(reader);
}

static void a_parked_partition_stays_unread(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("parked", topic), PARTITIONS, 500);
    struct reader *reader = reader_new();
    reader->start[2] = -1;
    reader_join(reader, config, topic, "one");
    int64_t end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    while (reader->messages < 3 * 500 && clock_monotonic_us() < end_us) reader_poll(reader);
    for (int i = 0; i < 5; i++) reader_poll(reader);
    CHECK_INT(reader->messages, 3 * 500);
    CHECK_INT(reader->next[2], -1);
    CHECK(reader->holds[2]);
    reader->next[2] = 200; // the operator has unparked it
    CHECK_ERR(bus_consumer_restart(reader->consumer, 2, 200, &fault), ERR_OK);
    read_until(reader, NULL, 500, PARTITIONS);
    CHECK_INT(reader->messages, 3 * 500 + 300);
    reader_close(reader);
}

static int64_t range_count(const struct config *config, const char *topic, int partition, int64_t from, int64_t to,
                           int64_t first)
{
    struct bus_consumer *consumer;
    struct bus_message batch[100];
    int64_t expected = first, end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    CHECK_ERR(bus_consumer_open_range(config, topic, partition, from, to, &consumer, &fault), ERR_OK);
    for (;;) {
        int count;
        enum err err = bus_consumer_poll(consumer, batch, 100, &count, POLL_MS, &fault);
        for (int i = 0; i < count; i++) CHECK_INT(batch[i].offset, expected++);
        bus_messages_free(batch, count);
        if (err == ERR_NOT_FOUND) break;
        CHECK_INT(err, ERR_OK);
        CHECK(clock_monotonic_us() < end_us);
    }
    bus_consumer_close(consumer);
    return expected - first;
}

static void a_range_ends_where_it_is_told(const struct config *config)
{
    char topic[64];
    struct bus_consumer *consumer;
    topic_filled(config, check_new_name("range", topic), 2, 1000);
    CHECK_INT(range_count(config, topic, 1, 0, -1, 0), 1000);
    CHECK_INT(range_count(config, topic, 1, 999, -1, 999), 1);
    CHECK_INT(range_count(config, topic, 0, 250, 750, 250), 500);
    CHECK_INT(range_count(config, topic, 0, 998, 999, 998), 1);
    CHECK_INT(range_count(config, topic, 0, 1000, -1, 1000), 0);
    CHECK_INT(range_count(config, topic, 0, 5, 5, 5), 0);
    CHECK_ERR(bus_consumer_open_range(config, topic, 0, 1001, -1, &consumer, &fault), ERR_CONFLICT);
    CHECK_ERR(bus_consumer_open_range(config, topic, 7, 0, -1, &consumer, &fault), ERR_NOT_FOUND);
}

static void sizes_up_to_the_limit_pass_and_no_more(const struct config *config)
{
    char topic[64];
    CHECK_ERR(bus_topic_ensure(config, check_new_name("sizes", topic), 1, &fault), ERR_OK);
    struct bus_producer *producer = producer_open(config, topic);
    char *data = malloc(BUS_MESSAGE_MAX + 1);
    CHECK(data);
    random_bytes(data, BUS_MESSAGE_MAX + 1); // does not compress
    CHECK_ERR(bus_produce(producer, 0, data, 0, NULL, &fault), ERR_OK);
    CHECK_ERR(bus_produce(producer, 0, data, BUS_MESSAGE_MAX, NULL, &fault), ERR_OK);
    CHECK_ERR(bus_produce(producer, 0, data, BUS_MESSAGE_MAX + 1, NULL, &fault), ERR_LIMIT);
    check_wait("delivery", PATIENCE_S, nothing_waits, producer);
    CHECK_INT(delivery.ok, 2);
    bus_producer_close(producer, 1000);

    struct bus_consumer *consumer;
    struct bus_message messages[2];
    int64_t end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    CHECK_ERR(bus_consumer_open_range(config, topic, 0, 0, -1, &consumer, &fault), ERR_OK);
    for (int seen = 0; seen < 2;) {
        int count;
        CHECK_ERR(bus_consumer_poll(consumer, messages, 2, &count, POLL_MS, &fault), ERR_OK);
        for (int i = 0; i < count; i++, seen++) {
            CHECK_INT(messages[i].length, seen ? BUS_MESSAGE_MAX : 0);
            CHECK(memcmp(messages[i].data, data, messages[i].length) == 0);
        }
        bus_messages_free(messages, count);
        CHECK(clock_monotonic_us() < end_us);
    }
    bus_consumer_close(consumer);
    free(data);
}

static void headers_key_and_append_time_are_presented(const struct config *config)
{
    char topic[64], reason[256], body[] = "{}", key[] = "acme";
    CHECK_ERR(bus_topic_ensure(config, check_new_name("headers", topic), 1, &fault), ERR_OK);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(rd_kafka_conf_set(conf, "bootstrap.servers", config_text(config, "kafka.brokers"), reason, sizeof reason) == 0);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    instant_us before = clock_now(clock_system());
    const rd_kafka_vu_t message_parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key, 4}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {body, 2}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = 1000},
        {.vtype = RD_KAFKA_VTYPE_HEADER, .u.header = {"content-type", "application/json", -1}},
        {.vtype = RD_KAFKA_VTYPE_HEADER, .u.header = {"ce_id", "16", -1}},
        {.vtype = RD_KAFKA_VTYPE_HEADER, .u.header = {"ce_id", "17", -1}},
    };
    CHECK(!rd_kafka_produceva(kafka, message_parts, sizeof message_parts / sizeof message_parts[0]));
    CHECK(rd_kafka_flush(kafka, 30000) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(kafka);

    struct bus_consumer *consumer;
    struct bus_message message;
    int count = 0;
    int64_t end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    CHECK_ERR(bus_consumer_open_range(config, topic, 0, 0, -1, &consumer, &fault), ERR_OK);
    while (!count) {
        CHECK_ERR(bus_consumer_poll(consumer, &message, 1, &count, POLL_MS, &fault), ERR_OK);
        CHECK(clock_monotonic_us() < end_us);
    }
    CHECK(slice_is((struct slice){message.key, message.key_length}, "acme"));
    CHECK(slice_is((struct slice){message.data, message.length}, "{}"));
    CHECK_INT(message.header_count, 3);
    CHECK(slice_is(message.headers[0].name, "content-type") && slice_is(message.headers[1].name, "ce_id"));
    CHECK(slice_is(bus_message_header(&message, "content-type"), "application/json"));
    CHECK(slice_is(bus_message_header(&message, "ce_id"), "17"));
    CHECK_INT(bus_message_header(&message, "ce_source").length, 0);
    // the broker's clock, not the producer's: 1 s after 1970
    CHECK(message.received_time >= before - SECOND_US && message.received_time <= clock_now(clock_system()) + SECOND_US);
    bus_messages_free(&message, 1);
    bus_consumer_close(consumer);
}

static bool descriptor_readable(void *producer)
{
    struct pollfd descriptor = {.fd = bus_producer_descriptor(producer), .events = POLLIN};
    return poll(&descriptor, 1, 0) == 1;
}

// An event loop that polls only when the descriptor says so must miss nothing.
static void the_descriptor_tells_of_every_report(const struct config *config)
{
    char topic[64];
    CHECK_ERR(bus_topic_ensure(config, check_new_name("descriptor", topic), 1, &fault), ERR_OK);
    struct bus_producer *producer = producer_open(config, topic);
    for (int round = 0; round < 200; round++) {
        int64_t offset = -1;
        CHECK_ERR(bus_produce(producer, 0, "x", 1, &offset, &fault), ERR_OK);
        while (offset < 0) {
            check_wait("descriptor", PATIENCE_S, descriptor_readable, producer);
            bus_producer_poll(producer, 0);
        }
        CHECK_INT(offset, round);
    }
    CHECK_INT(bus_producer_waiting(producer), 0);
    bus_producer_close(producer, 1000);
}

static bool producer_has_failed(void *producer)
{
    bus_producer_poll(producer, 10);
    return bus_producer_failed(producer);
}

static void a_fatal_error_reports_everything_and_refuses_more(const struct config *config)
{
    char topic[64];
    CHECK_ERR(bus_topic_ensure(config, check_new_name("fatal", topic), 1, &fault), ERR_OK);
    struct bus_producer *producer = producer_open(config, topic);
    for (int i = 0; i < 1000; i++) CHECK_ERR(bus_produce(producer, 0, "x", 1, NULL, &fault), ERR_OK);
    CHECK(!bus_producer_failed(producer));
    rd_kafka_test_fatal_error(((struct bus_client *)producer)->kafka, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                              "a test");
    check_wait("failed", PATIENCE_S, producer_has_failed, producer);
    CHECK_INT(bus_producer_waiting(producer), 0);
    CHECK_INT(delivery.ok + delivery.retry, 1000);
    CHECK_ERR(bus_produce(producer, 0, "x", 1, NULL, &fault), ERR_RETRY);
    bus_producer_close(producer, 1000);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(a_topic_is_made_once_and_found_again),
        CASE(another_number_of_partitions_is_refused),
        CASE(settings_that_would_lose_events_are_refused),
        CASE(many_messages_come_back_in_order),
        CASE(reading_begins_where_it_is_told),
        CASE(a_parked_partition_stays_unread),
        CASE(a_range_ends_where_it_is_told),
        CASE(sizes_up_to_the_limit_pass_and_no_more),
        CASE(headers_key_and_append_time_are_presented),
        CASE(the_descriptor_tells_of_every_report),
        CASE(a_fatal_error_reports_everything_and_refuses_more),
    };
    return check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
