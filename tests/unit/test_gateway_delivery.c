// SPDX-License-Identifier: Apache-2.0
// What the gateway answers for every way in which Kafka can report: all taken, one failed, none taken at once, a client
// that is broken for good, a topic that is replaced. Kafka's client, the server and PostgreSQL's news are played by
// this file, so that each case comes exactly when the row says; the real ones are in tests/integration/test_ingest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/gateway.h"
#include "tests/support/catalogue_fixture.h"

enum { MESSAGES_MAX = 16 };

// --- the parts that are played

struct bus_producer {
    bus_delivered *delivered;
    void *tokens[MESSAGES_MAX];
    size_t count, reported;
    size_t room; // messages that it takes
    bool failed, closed;
};
static struct bus_producer producers[4];
static size_t opened, watches, unwatches;
static int answered_status[MESSAGES_MAX];
static size_t answers;
static struct knowledge_snapshot known;

enum err bus_producer_open(const struct config *config, const char *topic, bus_delivered *delivered,
                           struct bus_producer **producer, struct fault *fault)
{
    (void)config;
    (void)topic;
    (void)fault;
    assert_true(opened < 4);
    *producer = &producers[opened++];
    **producer = (struct bus_producer){.delivered = delivered, .room = MESSAGES_MAX};
    return ERR_OK;
}

enum err bus_produce(struct bus_producer *producer, int partition, const void *data, size_t length, void *token,
                     struct fault *fault)
{
    (void)partition;
    assert_true(length > 32 && memcmp(data, "TP", 2) == 0 && !producer->closed);
    if (producer->count == producer->room) return fault_set(fault, ERR_RETRY, "kafka", "the queue is full");
    producer->tokens[producer->count++] = token;
    return ERR_OK;
}

static void report(struct bus_producer *producer, enum err err)
{
    assert_true(producer->reported < producer->count);
    producer->delivered(producer->tokens[producer->reported++], err, 0, err == ERR_OK ? 7 : -1, "a reason");
}

int bus_producer_poll(struct bus_producer *producer, int timeout_ms)
{
    (void)timeout_ms;
    int count = 0;
    for (; producer->failed && producer->reported < producer->count; count++)
        report(producer, ERR_RETRY); // a fatal client gives everything back
    return count;
}

int bus_producer_descriptor(struct bus_producer *producer)
{
    return 100 + (int)(producer - producers);
}

bool bus_producer_failed(const struct bus_producer *producer)
{
    return producer->failed && producer->reported == producer->count;
}

int64_t bus_producer_waiting(const struct bus_producer *producer)
{
    return (int64_t)(producer->count - producer->reported);
}

void bus_producer_close(struct bus_producer *producer, int timeout_ms)
{
    (void)timeout_ms;
    producer->closed = true;
    while (producer->reported < producer->count)
        report(producer, ERR_RETRY);
}

enum err http_server_watch(struct http_server *server, int descriptor, void (*readable)(void *context), void *context)
{
    (void)server;
    (void)readable;
    (void)context;
    assert_int_equal(descriptor, 99 + (int)opened);
    watches++;
    return ERR_OK;
}

void http_server_unwatch(struct http_server *server, int descriptor)
{
    (void)server;
    assert_int_equal(descriptor, 99 + (int)opened);
    assert_false(producers[opened - 1].closed); // before it is closed
    unwatches++;
}

void http_server_stop(struct http_server *server)
{
    (void)server;
}

void http_answer(struct http_request *request, const struct http_reply *reply)
{
    (void)request;
    assert_true(answers < MESSAGES_MAX);
    answered_status[answers++] = reply->status;
}

void gateway_problem(struct http_request *request, int status, const char *code, const char *detail,
                     const char *members)
{
    (void)request;
    (void)detail;
    (void)members;
    assert_true(answers < MESSAGES_MAX);
    assert_string_equal(code, "kafka_unavailable");
    answered_status[answers++] = status;
}

void gateway_count_answer(int status)
{
    (void)status;
}

void gateway_count_refusal(const char *reason, int64_t events)
{
    (void)events;
    assert_string_equal(reason, "kafka");
}

bool knowledge_failed(struct knowledge *knowledge, struct fault *fault)
{
    (void)knowledge;
    (void)fault;
    return false;
}

struct knowledge_snapshot *knowledge_retain(struct knowledge *knowledge)
{
    (void)knowledge;
    return &known;
}

void knowledge_release(struct knowledge *knowledge, struct knowledge_snapshot *snapshot)
{
    (void)knowledge;
    (void)snapshot;
}

// --- the tests

static struct arena *arena;
static struct gateway gateway;

static void set_metric(struct metric **metric)
{
    *metric = metric_register(METRIC_GAUGE, "test", "", "For the test.");
}

static int begin(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    arena = arena_new(4096);
    catalogue_fixture(&rows);
    known = (struct knowledge_snapshot){.catalogue = catalogue_fixture_build(&rows), .incarnation = {1, "topic.1", 4}};
    memset(producers, 0, sizeof producers);
    opened = watches = unwatches = answers = 0;
    gateway = (struct gateway){.watched = -1};
    struct gateway_metrics *metrics = &gateway.metrics;
    set_metric(&metrics->accepted);
    metrics->bytes = metrics->in_flight_bytes = metrics->in_flight_requests = metrics->deliveries =
        metrics->delivery_us = metrics->failed_messages = metrics->rebuilds = metrics->accepted;
    return 0;
}

static int end(void **state)
{
    (void)state;
    gateway_close_producer(&gateway, 0);
    text_free(&gateway.buffer);
    catalogue_release(known.catalogue);
    arena_free(arena);
    return 0;
}

// A request of 100 bytes with one event for each of three partitions.
static void send_request(bool partial)
{
    struct admitted_event events[] = {{SLICE("{}"), 0}, {SLICE("{}"), 1}, {SLICE("{}"), 2}};
    static struct http_request request;
    struct text reply = {0};
    request = (struct http_request){.arena = arena, .body = {"", 100}};
    const struct admission admission = {.admitted = events, .admitted_count = 3};
    if (partial) text_add_string(&reply, "{}");
    gateway_deliver(&gateway, &known, &request, &admission, &reply);
}

static void expect_answers(size_t count, const int *statuses)
{
    assert_int_equal(answers, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(answered_status[i], statuses[i]);
}
#define EXPECT(...) expect_answers(sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})

static void the_answer_waits_for_the_last_report(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    assert_int_equal(opened, 1);
    assert_int_equal(watches, 1);
    send_request(false);
    send_request(true);
    assert_int_equal(gateway.in_flight_requests, 2);
    assert_int_equal(gateway.in_flight_bytes, 200);
    report(&producers[0], ERR_OK);
    report(&producers[0], ERR_OK);
    assert_int_equal(answers, 0);
    report(&producers[0], ERR_OK);
    EXPECT(204);
    report(&producers[0], ERR_OK);
    report(&producers[0], ERR_OK);
    report(&producers[0], ERR_OK);
    EXPECT(204, 200);
    assert_int_equal(gateway.in_flight_requests, 0);
    assert_int_equal(gateway.in_flight_bytes, 0);
}

static void one_failed_message_fails_its_request_alone(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    send_request(false);
    send_request(false);
    report(&producers[0], ERR_OK);
    report(&producers[0], ERR_RETRY);
    assert_int_equal(answers, 0); // not before all is known
    report(&producers[0], ERR_OK);
    EXPECT(503);
    for (int i = 0; i < 3; i++)
        report(&producers[0], ERR_OK);
    EXPECT(503, 204);
}

static void a_full_queue_is_answered_after_what_went_in(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    producers[0].room = 2;
    send_request(false);
    assert_int_equal(answers, 0);
    report(&producers[0], ERR_OK);
    report(&producers[0], ERR_OK);
    EXPECT(503);
    send_request(false); // nothing goes in at all: answered at once
    EXPECT(503, 503);
    assert_int_equal(gateway.in_flight_requests, 0);
}

static void without_a_producer_nothing_is_taken(void **state)
{
    (void)state;
    send_request(false);
    EXPECT(503);
    assert_int_equal(gateway.in_flight_requests, 0);
}

static void a_broken_producer_is_rebuilt(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    send_request(false);
    report(&producers[0], ERR_OK);
    producers[0].failed = true;
    gateway.open_again_us = 0; // the time to wait has passed
    gateway_tick(&gateway);
    EXPECT(503); // in flight: not known to be in the log
    assert_true(producers[0].closed);
    assert_int_equal(unwatches, 1);
    assert_int_equal(opened, 2);
    send_request(false);
    for (int i = 0; i < 3; i++)
        report(&producers[1], ERR_OK);
    EXPECT(503, 204);
}

static void a_rebuild_waits_between_tries(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    producers[0].failed = true;
    gateway_tick(&gateway);
    gateway_tick(&gateway);
    assert_int_equal(opened, 1); // within the second after the first
    send_request(false);
    EXPECT(503);
}

static void a_new_topic_waits_for_what_is_in_flight(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    send_request(false);
    known.incarnation = (struct incarnation){2, "topic.2", 8};
    gateway.open_again_us = 0;
    gateway_tick(&gateway);
    assert_int_equal(opened, 1);
    send_request(false); // would go into the old topic
    EXPECT(503);
    for (int i = 0; i < 3; i++)
        report(&producers[0], ERR_OK);
    EXPECT(503, 204);
    gateway_tick(&gateway);
    assert_int_equal(opened, 2);
    assert_int_equal(gateway.partitions, 8);
    send_request(false);
    assert_int_equal(producers[1].count, 3);
}

static void closing_reports_the_rest(void **state)
{
    (void)state;
    gateway_tick(&gateway);
    send_request(false);
    gateway_close_producer(&gateway, 0);
    EXPECT(503);
    assert_null(gateway.producer);
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_answer_waits_for_the_last_report, begin, end),
        cmocka_unit_test_setup_teardown(one_failed_message_fails_its_request_alone, begin, end),
        cmocka_unit_test_setup_teardown(a_full_queue_is_answered_after_what_went_in, begin, end),
        cmocka_unit_test_setup_teardown(without_a_producer_nothing_is_taken, begin, end),
        cmocka_unit_test_setup_teardown(a_broken_producer_is_rebuilt, begin, end),
        cmocka_unit_test_setup_teardown(a_rebuild_waits_between_tries, begin, end),
        cmocka_unit_test_setup_teardown(a_new_topic_waits_for_what_is_in_flight, begin, end),
        cmocka_unit_test_setup_teardown(closing_reports_the_rest, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
