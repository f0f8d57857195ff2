// SPDX-License-Identifier: Apache-2.0
// Kafka: members that share, leave, come back and steal a name; restarts from other offsets; a broker that goes away.
#include <stdlib.h>
#include <string.h>

#include "tests/integration/stores/bus_reader.h"

static void two_members_share_and_one_inherits(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("share", topic), PARTITIONS, 3000);
    struct reader *a = reader_open(config, topic, "a");
    read_until(a, NULL, 1000, PARTITIONS); // alone it has everything
    struct reader *b = reader_open(config, topic, "b");
    memcpy(b->start, a->next, sizeof b->start);
    // the partitions that b gets begin where b thinks that a is; a's place at the revocation may be further
    read_until(a, b, 3000, 2);
    CHECK(a->revocations >= PARTITIONS);
    CHECK(a->holds[0] && a->holds[1] && b->holds[2] && b->holds[3]); // range assignor, members by name
    memcpy(a->start, b->next, sizeof a->start);
    reader_close(b);
    read_until(a, NULL, 3000, PARTITIONS); // after the session of b
    reader_close(a);
}

static void a_member_that_comes_back_has_its_partitions_again(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("static", topic), PARTITIONS, 100);
    struct reader *a = reader_open(config, topic, "a"), *b = reader_open(config, topic, "b");
    read_until(a, b, 100, 2);
    int assignments = a->assignments;
    reader_close(b);
    b = reader_open(config, topic, "b");
    read_until(a, b, 100, 2);
    CHECK(b->holds[2] && b->holds[3]);
    CHECK_INT(a->assignments, assignments); // nothing was moved
    reader_close(a);
    reader_close(b);
}

struct rivals {
    struct reader *one, *other, *stopped;
};

static bool one_is_stopped(void *context)
{
    struct rivals *rivals = context;
    reader_poll(rivals->one);
    reader_poll(rivals->other);
    if (rivals->one->last == ERR_CONFLICT) rivals->stopped = rivals->one;
    if (rivals->other->last == ERR_CONFLICT) rivals->stopped = rivals->other;
    return rivals->stopped != NULL;
}

static void of_two_members_of_one_name_one_survives(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("fence", topic), PARTITIONS, 10);
    struct rivals rivals = {.one = reader_open(config, topic, "same")};
    read_until(rivals.one, NULL, 10, PARTITIONS);
    rivals.other = reader_open(config, topic, "same");
    check_wait("fencing", PATIENCE_S, one_is_stopped, &rivals);
    struct reader *survivor = rivals.stopped == rivals.one ? rivals.other : rivals.one;
    CHECK_INT(rivals.stopped->batch[0].partition, -1);
    CHECK_INT(reader_holds(rivals.stopped), 0);
    reader_poll(rivals.stopped);
    CHECK_INT(rivals.stopped->last, ERR_CONFLICT);
    reader_close(rivals.stopped);
    read_until(survivor, NULL, 10, PARTITIONS);
    reader_close(survivor);
}

static bool reader_joins_again(void *context)
{
    struct reader *reader = context;
    reader_poll(reader);
    return reader->last == ERR_RETRY && strstr(fault.reason, "joining the group again");
}

// The library may wait for ever for an assignment; here nobody is there to give one.
static void a_member_without_an_assignment_joins_again(const struct config *config)
{
    (void)config;
    struct config *nowhere = check_config("kafka.brokers", "127.0.0.1:1");
    struct reader *reader = reader_open(nowhere, "nowhere", "one");
    check_wait("joining again", PATIENCE_S, reader_joins_again, reader);
    reader_poll(reader);
    CHECK_INT(reader->last == ERR_OK || reader->last == ERR_RETRY, true);
    reader_close(reader);
    config_free(nowhere);
}

// --- restarts

static void a_restart_gives_the_same_messages_again(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("restart", topic), PARTITIONS, 20000);
    struct reader *reader = reader_open(config, topic, "one");
    read_until(reader, NULL, 100, PARTITIONS);
    // while much more is prefetched, go back, forward and back again, to places of every partition
    for (int round = 0; round < 40; round++) {
        int partition = round % PARTITIONS;
        int64_t offset = (round * 7919) % 15000;
        CHECK_ERR(bus_consumer_restart(reader->consumer, partition, offset, &fault), ERR_OK);
        reader->next[partition] = offset;
        for (int i = 0; i < round % 5; i++) reader_poll(reader);
    }
    for (int i = 0; i < PARTITIONS; i++) {
        CHECK_ERR(bus_consumer_restart(reader->consumer, i, 5000 + i, &fault), ERR_OK);
        reader->next[i] = 5000 + i;
    }
    reader->messages = 0;
    read_until(reader, NULL, 20000, PARTITIONS);
    CHECK_INT(reader->messages, 4 * 15000 - 0 - 1 - 2 - 3);
    CHECK_ERR(bus_consumer_restart(reader->consumer, 9, 0, &fault), ERR_NOT_FOUND);
    reader_close(reader);
}

static bool reader_conflicts(void *context)
{
    struct reader *reader = context;
    reader_poll(reader);
    return reader->last == ERR_CONFLICT;
}

static void an_offset_out_of_range_parks_its_partition(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("outside", topic), PARTITIONS, 200);
    struct reader *reader = reader_new();
    reader->start[1] = 201; // one behind the next offset
    reader_join(reader, config, topic, "one");
    check_wait("conflict", PATIENCE_S, reader_conflicts, reader);
    CHECK_INT(reader->batch[0].partition, 1);
    CHECK_INT(reader->batch[0].offset, 201);
    CHECK(strstr(fault.place, "[1]"));
    // the others go on, and a restart at a right offset heals it
    reader->next[1] = 150;
    CHECK_ERR(bus_consumer_restart(reader->consumer, 1, 150, &fault), ERR_OK);
    read_until(reader, NULL, 200, PARTITIONS);
    CHECK_INT(reader->messages, 3 * 200 + 50);
    int64_t low, high;
    CHECK_ERR(bus_watermarks(reader->consumer, 1, &low, &high, &fault), ERR_OK);
    CHECK_INT(low, 0);
    CHECK_INT(high, 200);
    CHECK_ERR(bus_watermarks(reader->consumer, 9, &low, &high, &fault), ERR_NOT_FOUND);
    reader_close(reader);
}

// The library's client never ends then; whoever reads other topics must be able to go on.
static void a_reader_of_a_deleted_topic_closes_in_time(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("deleted", topic), PARTITIONS, 100);
    struct reader *reader = reader_open(config, topic, "one");
    read_until(reader, NULL, 100, PARTITIONS);
    CHECK_ERR(bus_topic_delete(config, topic, &fault), ERR_OK);
    int64_t begin_us = clock_monotonic_us();
    reader_poll(reader);
    reader_close(reader);
    CHECK(clock_monotonic_us() - begin_us < 60 * INT64_C(1000000));
}

// --- the broker goes and comes

static bool reader_is_told(void *context)
{
    struct reader *reader = context;
    reader_poll(reader);
    return reader->last == ERR_RETRY;
}

// Two members, since after an outage they come back one by one and share anew.
static void producer_and_consumers_outlive_the_broker(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("outage", topic), PARTITIONS, 1000);
    struct reader *a = reader_open(config, topic, "a"), *b = reader_open(config, topic, "b");
    read_until(a, b, 1000, 2);
    struct config *patient = check_config("ingest.delivery_timeout", "5m");
    struct bus_producer *producer = producer_open(patient, topic);
    produce_numbers(producer, 0, 1000, 2000);
    check_control("kill kafka");
    for (int partition = 1; partition < PARTITIONS; partition++) produce_numbers(producer, partition, 1000, 2000);
    check_wait("told that the broker is away", PATIENCE_S, reader_is_told, a);
    struct bus_topic unseen;
    struct bus_producer *second;
    CHECK_ERR(bus_topic_describe(config, topic, &unseen, &fault), ERR_RETRY);
    CHECK_ERR(bus_producer_open(config, topic, on_delivered, &second, &fault), ERR_OK); // waits by itself
    bus_producer_close(second, 0);
    check_control("up");
    check_wait("delivery", PATIENCE_S, nothing_waits, producer);
    CHECK_INT(delivery.ok, PARTITIONS * 1000);
    CHECK_INT(delivery.retry, 0);
    bus_producer_close(producer, 1000);
    read_until(a, b, 2000, 2);
    reader_close(a);
    reader_close(b);
    config_free(patient);
}

static void undelivered_messages_are_reported_at_closing(const struct config *config)
{
    char topic[64];
    topic_filled(config, check_new_name("unsent", topic), 1, 0);
    struct bus_producer *producer = producer_open(config, topic);
    check_control("kill kafka");
    for (int i = 0; i < 10; i++) CHECK_ERR(bus_produce(producer, 0, "x", 1, NULL, &fault), ERR_OK);
    bus_producer_close(producer, 100);
    int64_t reported = delivery.retry;
    check_control("up");
    CHECK_INT(reported, 10);
    CHECK_INT(delivery.ok, 0);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(two_members_share_and_one_inherits),
        CASE(a_member_that_comes_back_has_its_partitions_again),
        CASE(of_two_members_of_one_name_one_survives),
        CASE(a_member_without_an_assignment_joins_again),
        CASE(a_restart_gives_the_same_messages_again),
        CASE(an_offset_out_of_range_parks_its_partition),
        CASE(a_reader_of_a_deleted_topic_closes_in_time),
        CASE(producer_and_consumers_outlive_the_broker),
        CASE(undelivered_messages_are_reported_at_closing),
    };
    return check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
