// SPDX-License-Identifier: Apache-2.0
// Which events of a request may go to Kafka: catalogue, accept window and key (reliability.md I31, I32, I35, I43, I51),
// and how they are packed into messages.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/packing.h"
#include "tests/support/catalogue_fixture.h"

#define EVENT(subject, type, time, rest)                                                                               \
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/c\",\"type\":\"" type "\",\"subject\":\"" subject            \
    "\",\"time\":\"" time "\"" rest "}"
#define REQUESTS(time, data) EVENT("t-1", "cloud.storage.request", time, ",\"data\":" data)
#define SERVER(time, data) EVENT("t-1", "cloud.server.state", time, ",\"data\":" data)
#define NOW "2026-10-01T00:00:00Z"
#define GOOD REQUESTS(NOW, "{\"n\":1}")

static struct arena *arena;
static struct catalogue *catalogue;
static const struct hash_key key;
static const int64_t only_t1[] = {1};
static const struct api_key
    everybody = {.scopes = API_KEY_INGEST, .every_tenant = true},
    one_tenant = {.scopes = API_KEY_INGEST, .tenants = only_t1, .tenant_count = 1},
    account_acme = {.scopes = API_KEY_INGEST, .account = 1}, nobody = {.scopes = API_KEY_INGEST, .tenants = only_t1},
    only_reads = {.scopes = API_KEY_READ, .every_tenant = true}, operator= {.scopes = API_KEY_OPERATE};

static struct admission judge(const struct api_key *sender, const char *const *events, size_t count)
{
    struct slice *slices = ARENA_ARRAY(arena, struct slice, count);
    struct admission admission;
    struct admission_rules rules = {catalogue, &key, sender, catalogue_fixture_instant(NOW), EVENT_BYTES_MAX, NULL};
    for (size_t i = 0; i < count; i++)
        slices[i] = slice_of(events[i]);
    admission_judge(&rules, slices, count, arena, &admission);
    assert_int_equal(admission.admitted_count + admission.refused_count, count);
    return admission;
}

static void events_are_checked_against_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        const char *event, *reason, *path;
    } rows[] = {
        {GOOD, NULL, NULL},
        {EVENT("t-9", "cloud.storage.request", NOW, ",\"data\":{\"n\":1}"), "unknown_tenant", "$.subject"},
        {EVENT("T-1", "cloud.storage.request", NOW, ",\"data\":{\"n\":1}"), "unknown_tenant", "$.subject"},
        {EVENT("t-1", "cloud.storage.requests", NOW, ",\"data\":{\"n\":1}"), "unknown_type", "$.type"},
        // the storage meter: 35 days back, 300 s ahead; the server meter: 200 days, 60 s. Bounds are inside.
        {REQUESTS("2026-08-27T00:00:00Z", "{\"n\":1}"), NULL, NULL},
        {REQUESTS("2026-08-26T23:59:59.999999Z", "{\"n\":1}"), "late", "$.time"},
        {REQUESTS("1970-01-01T00:00:00Z", "{\"n\":1}"), "late", "$.time"},
        {REQUESTS("2026-10-01T00:05:00Z", "{\"n\":1}"), NULL, NULL},
        {REQUESTS("2026-10-01T00:05:00.000001Z", "{\"n\":1}"), "future", "$.time"},
        {REQUESTS("9999-12-31T23:59:59Z", "{\"n\":1}"), "future", "$.time"},
        {SERVER("2026-08-26T00:00:00Z", "{\"server\":\"a\",\"state\":\"running\"}"), NULL, NULL},
        {SERVER("2026-10-01T00:01:00.000001Z", "{\"server\":\"a\",\"state\":\"running\"}"), "future", "$.time"},
        {REQUESTS(NOW, "{}"), "bad_value", "$.data.n"},
        {REQUESTS(NOW, "{\"n\":\"NaN\"}"), "bad_value", "$.data.n"},
        {REQUESTS(NOW, "{\"n\":-1}"), "negative", "$.data.n"},
        {REQUESTS(NOW, "{\"n\":1,\"operation\":[]}"), "bad_value", "$.data.operation"},
        {EVENT("t-1", "cloud.storage.request", NOW, ""), "bad_value", "$.data.n"},
        {SERVER(NOW, "{\"server\":\"a\",\"state\":\"melted\"}"), "bad_value", "$.data.state"},
        {SERVER(NOW, "{\"state\":\"running\"}"), "bad_value", "$.data.server"},
        // a correction may be negative; the rater keeps it (rules 2.6)
        {EVENT("t-1", "cloud.storage.request", NOW, ",\"corrects\":\"e0\",\"data\":{\"n\":-1}"), NULL, NULL},
        {EVENT("t-1", "cloud.storage.request", NOW, ",\"corrects\":\"e0\",\"data\":{\"n\":\"x\"}"), "bad_value",
         "$.data.n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct admission admission = judge(&everybody, &rows[i].event, 1);
        assert_int_equal(admission.refused_count, rows[i].reason != NULL);
        if (!rows[i].reason) continue;
        if (strcmp(admission.refused[0].reason, rows[i].reason) != 0 ||
            strcmp(admission.refused[0].faults[0].path, rows[i].path) != 0)
            fail_msg("row %zu: %s %s", i, admission.refused[0].reason, admission.refused[0].faults[0].path);
        assert_int_equal(admission_status(admission.worst), 422);
    }
}

static void a_key_speaks_for_its_tenants(void **state)
{
    (void)state;
    static const struct {
        const struct api_key *sender;
        const char *subject;
        int status;
    } rows[] = {
        {&everybody, "t-1", 204},    {&everybody, "t-3", 204},
        {&everybody, "t-9", 422},    {&one_tenant, "t-1", 204},
        {&one_tenant, "t-2", 403},   {&one_tenant, "t-9", 403}, // the same for what is not there
        {&account_acme, "t-1", 204}, {&account_acme, "t-2", 204},
        {&account_acme, "t-3", 403}, {&nobody, "t-1", 403},
        {&only_reads, "t-1", 403},   {&operator, "t-3", 204},
        {&operator, "t-9", 422},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char event[512];
        const char *events = event;
        snprintf(event, sizeof event, EVENT("%s", "cloud.storage.request", NOW, ",\"data\":{\"n\":1}"),
                 rows[i].subject);
        struct admission admission = judge(rows[i].sender, &events, 1);
        if (admission_status(admission.worst) != rows[i].status) fail_msg("row %zu", i);
    }
}

static void every_bad_event_is_named_and_the_worst_decides(void **state)
{
    (void)state;
    const char *const events[] = {GOOD, REQUESTS(NOW, "{}"), EVENT("t-2", "x", NOW, ""), GOOD, "{\"id\":1", "{}"};
    struct admission admission = judge(&one_tenant, events, 6);
    struct text errors = {0};
    assert_int_equal(admission.admitted_count, 2);
    assert_int_equal(admission.worst, REFUSAL_MALFORMED);
    assert_int_equal(admission_status(admission.worst), 400);
    assert_string_equal(admission_code(admission.worst), "malformed_event");
    admission_print_errors(&admission, &errors);
    assert_string_equal(
        errors.data,
        "\"errors\":["
        "{\"index\":1,\"path\":\"$.data.n\",\"reason\":\"the meter's value is missing\",\"code\":\"bad_value\"},"
        "{\"index\":2,\"path\":\"$.subject\",\"reason\":\"the key does not speak for this "
        "tenant\",\"code\":\"forbidden_tenant\"},"
        "{\"index\":4,\"path\":\"$\",\"reason\":\"byte 7: the text ends too early\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.specversion\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.id\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.type\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.subject\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.source\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"},"
        "{\"index\":5,\"path\":\"$.time\",\"reason\":\"the attribute is missing\",\"code\":\"malformed\"}"
        "],\"error_count\":9");
    text_free(&errors);
    // an order of severity, not of the events
    const char *const value_and_key[] = {REQUESTS(NOW, "{}"), EVENT("t-2", "x", NOW, ""), REQUESTS(NOW, "{}")};
    assert_int_equal(admission_status(judge(&one_tenant, value_and_key, 3).worst), 403);
}

static void a_large_event_is_refused_like_any_other(void **state)
{
    (void)state;
    const struct slice events[] = {slice_of(GOOD), slice_of(GOOD " "), slice_of(GOOD)};
    const struct admission_rules rules = {catalogue, &key, &everybody, catalogue_fixture_instant(NOW),
                                          events[0].length, NULL};
    struct admission admission;
    struct text errors = {0};
    admission_judge(&rules, events, 3, arena, &admission);
    assert_int_equal(admission.admitted_count, 2);
    assert_int_equal(admission_status(admission.worst), 413);
    assert_string_equal(admission_code(admission.worst), "event_too_large");
    admission_print_errors(&admission, &errors);
    char expected[256];
    snprintf(expected, sizeof expected,
             "\"errors\":[{\"index\":1,\"path\":\"$\",\"reason\":\"the event has %zu bytes, at most %zu are taken\","
             "\"code\":\"event_too_large\"}],\"error_count\":1",
             events[1].length, events[0].length);
    assert_string_equal(errors.data, expected);
    text_free(&errors);
}

// --- packing

struct packed {
    int messages;
    size_t events;
    int partition[64];
    size_t held[64];
    size_t largest;
    struct text ids; // of all events in order
};

static enum err take(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    struct packed *packed = context;
    struct message_reader reader;
    struct slice event;
    assert_true(packed->messages < 64);
    packed->partition[packed->messages] = partition;
    packed->held[packed->messages++] = events;
    if (message.length > packed->largest) packed->largest = message.length;
    assert_int_equal(message_open(message, &reader, fault), ERR_OK);
    assert_int_equal(reader.count, events);
    assert_true(reader.catalogue_version == 42);
    while (message_next(&reader, &event, fault) == ERR_OK) {
        text_add(&packed->ids, event.data, event.length < 3 ? event.length : 3);
        text_add_char(&packed->ids, ' ');
        packed->events++;
    }
    return ERR_OK;
}

static void one_message_per_partition_in_order(void **state)
{
    (void)state;
    const struct admitted_event events[] = {{SLICE("a0"), 5}, {SLICE("b0"), 2}, {SLICE("a1"), 1}, {SLICE("a2"), 1021},
                                            {SLICE("b1"), 6}, {SLICE("c0"), 0}, {SLICE("a3"), 5}};
    struct packed packed = {0};
    struct text buffer = {0};
    assert_int_equal(packing_run(events, 7, 4, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    assert_int_equal(packed.messages, 3); // nothing for partition 3
    assert_int_equal(packed.partition[0], 0);
    assert_int_equal(packed.partition[1], 1);
    assert_int_equal(packed.partition[2], 2);
    assert_string_equal(packed.ids.data, "c0 a0 a1 a2 a3 b0 b1 ");
    packed.messages = 0;
    assert_int_equal(packing_run(events, 7, 1, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    assert_int_equal(packed.messages, 1);
    packed.messages = 0;
    assert_int_equal(packing_run(events, 7, 1024, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    assert_int_equal(packed.messages, 6);
    packed.messages = 0;
    assert_int_equal(packing_run(events, 0, 4, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    assert_int_equal(packed.messages, 0);
    text_free(&packed.ids);
    text_free(&buffer);
}

static void a_message_stays_below_its_limit(void **state)
{
    (void)state;
    enum { COUNT = 64 };
    char *body = heap_alloc(EVENT_BYTES_MAX);
    memset(body, 'x', EVENT_BYTES_MAX);
    struct admitted_event events[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        events[i] = (struct admitted_event){{body, EVENT_BYTES_MAX}, 7};
    struct packed packed = {0};
    struct text buffer = {0};
    assert_int_equal(packing_run(events, COUNT, 4, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    // (1048576 - 32) / 65540 = 15.99: 15 events a message
    assert_int_equal(packed.messages, 5);
    assert_int_equal(packed.held[0], 15);
    assert_int_equal(packed.held[4], 4);
    assert_int_equal(packed.events, COUNT);
    assert_true(packed.largest <= MESSAGE_BYTES_MAX);
    // exactly full: 16 events of 65530 bytes make 32 + 16 * 65534 = 1048576
    for (size_t i = 0; i < COUNT; i++)
        events[i].raw.length = 65530;
    packed.messages = 0;
    assert_int_equal(packing_run(events, 17, 4, 42, arena, &buffer, take, &packed, NULL), ERR_OK);
    assert_int_equal(packed.messages, 2);
    assert_int_equal(packed.held[0], 16);
    text_free(&packed.ids);
    text_free(&buffer);
    free(body);
}

static enum err refuse_second(void *context, int partition, struct slice message, size_t events, struct fault *fault)
{
    (void)partition;
    (void)message;
    (void)events;
    return ++*(int *)context == 2 ? fault_set(fault, ERR_RETRY, "", "full") : ERR_OK;
}

static void packing_stops_when_a_message_is_not_taken(void **state)
{
    (void)state;
    const struct admitted_event events[] = {{SLICE("a"), 0}, {SLICE("b"), 1}, {SLICE("c"), 2}};
    int calls = 0;
    struct text buffer = {0};
    struct fault fault;
    assert_int_equal(packing_run(events, 3, 4, 42, arena, &buffer, refuse_second, &calls, &fault), ERR_RETRY);
    assert_int_equal(calls, 2);
    text_free(&buffer);
}

static int setup(void **state)
{
    (void)state;
    struct catalogue_rows rows;
    arena = arena_new(4096);
    catalogue_fixture(&rows);
    catalogue = catalogue_fixture_build(&rows);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    catalogue_release(catalogue);
    return 0;
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_checked_against_the_catalogue),
        cmocka_unit_test(a_key_speaks_for_its_tenants),
        cmocka_unit_test(every_bad_event_is_named_and_the_worst_decides),
        cmocka_unit_test(a_large_event_is_refused_like_any_other),
        cmocka_unit_test(one_message_per_partition_in_order),
        cmocka_unit_test(a_message_stays_below_its_limit),
        cmocka_unit_test(packing_stops_when_a_message_is_not_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
