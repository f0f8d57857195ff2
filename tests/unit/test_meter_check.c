// SPDX-License-Identifier: Apache-2.0
// What a meter reads from an event, and quantities as senders write them (reliability.md I38-I45).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/meter_check.h"

#define EVENT(data)                                                                                                    \
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/c\",\"type\":\"t\",\"subject\":\"a\","                       \
    "\"time\":\"2026-10-01T00:00:00Z\",\"data\":" data "}"
#define TEXT_64 "0123456789012345678901234567890123456789012345678901234567890123"

static const char *dimension_names[] = {"flavour", "region"};
static const char *running[] = {"running", "resized"}, *stopped[] = {"stopped"};
static const struct meter sum = {.aggregation = AGGREGATION_SUM, .value_property = "value"};
static const struct meter count = {
    .aggregation = AGGREGATION_COUNT, .dimensions = dimension_names, .dimension_count = 2};
static const struct meter interval = {.aggregation = AGGREGATION_INTERVAL,
                                      .resource_property = "server",
                                      .state_property = "state",
                                      .running_states = running,
                                      .running_count = 2,
                                      .stopped_states = stopped,
                                      .stopped_count = 1};
static const struct meter sized = {.aggregation = AGGREGATION_INTERVAL,
                                   .value_property = "size",
                                   .resource_property = "server",
                                   .state_property = "state",
                                   .running_states = running,
                                   .running_count = 2,
                                   .stopped_states = stopped,
                                   .stopped_count = 1};
static struct arena *arena;

static enum err check(const struct meter *meter, const char *json, struct meter_reading *reading, struct fault *fault)
{
    static struct usage_event event;
    static const struct hash_key key;
    struct event_faults faults;
    if (event_decode(slice_of(json), &key, arena, &event, &faults) != ERR_OK)
        fail_msg("%s: %s: %s", json, faults.list[0].path, faults.list[0].reason);
    return meter_check(meter, &event, reading, fault);
}

static void quantities_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *json, *quantity;
    } rows[] = {
        {EVENT("{\"value\":0}"), "0"},
        {EVENT("{\"value\":-0}"), "0"},
        {EVENT("{\"value\":-0.0}"), "0"},
        {EVENT("{\"value\":\"0.1\"}"), "0.1"},
        {EVENT("{\"value\":0.2}"), "0.2"},
        {EVENT("{\"value\":900719925474099.3}"), "900719925474099.3"},
        {EVENT("{\"value\":9007199.254740993}"), "9007199.254740993"}, // 2^53 + 1: a double would lose the last digit
        {EVENT("{\"value\":0.000000001}"), "0.000000001"},
        {EVENT("{\"value\":0.00000000100000}"), "0.000000001"},
        {EVENT("{\"value\":1e15}"), "1000000000000000"},
        {EVENT("{\"value\":\"1e-9\"}"), "0.000000001"},
        {EVENT("{\"value\":1000000000000000}"), "1000000000000000"},
        {EVENT("{\"value\":999999999999999.999999999}"), "999999999999999.999999999"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct meter_reading reading;
        struct fault fault;
        char text[DECIMAL_TEXT_MAX];
        if (check(&sum, rows[i].json, &reading, &fault) != ERR_OK) fail_msg("%s: %s", rows[i].json, fault.reason);
        quantity_print(reading.quantity, text);
        assert_string_equal(text, rows[i].quantity);
        assert_int_equal(reading.dimension_count, 0);
    }
}

struct bad_row {
    const char *json, *place, *refusal;
};

static void refuse(const struct meter *meter, const struct bad_row *rows, size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        struct meter_reading reading;
        struct fault fault = {0};
        if (check(meter, rows[i].json, &reading, &fault) != ERR_INVALID) fail_msg("taken: %s", rows[i].json);
        if (strcmp(fault.place, rows[i].place) != 0 || strcmp(reading.refusal, rows[i].refusal) != 0 || !*fault.reason)
            fail_msg("%s: %s: %s (%s)", rows[i].json, fault.place, fault.reason, reading.refusal);
    }
}

static void what_is_no_quantity_is_refused(void **state)
{
    (void)state;
    static const struct bad_row rows[] = {
        {EVENT("{}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"NaN\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"Infinity\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1e400}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1e-400}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1e31}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"0x10\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"\xd9\xa1\xd9\xa2\"}"), "$.data.value", "bad_value"}, // Arabic digits
        {EVENT("{\"value\":0.0000000001}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1000000000000000.000000001}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1000000000000001}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":-1000000000000001}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":9007199254740993}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1e30}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\" 1\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"1 \"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"1,000\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"1_000\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"+1\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":\"01\"}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":true}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":null}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":[1]}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":{}}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":-1}"), "$.data.value", "negative"},
        {EVENT("{\"value\":\"-0.000000001\"}"), "$.data.value", "negative"},
    };
    refuse(&sum, rows, sizeof rows / sizeof *rows);
}

static void an_event_counts_what_it_is_worth(void **state)
{
    (void)state;
    static const struct event_fee fee = {.fixed = {2000000000}};
    static const struct meter spot = {.aggregation = AGGREGATION_SUM, .value_property = "value", .times_property = "price"};
    static const struct meter fees = {.aggregation = AGGREGATION_SUM, .value_property = "value", .fee = &fee};
    struct meter_reading reading;
    struct fault fault;
    assert_int_equal(check(&spot, EVENT("{\"value\":\"2.5\",\"price\":0.03}"), &reading, &fault), ERR_OK);
    assert_true(reading.quantity.nano == 75000000);
    assert_int_equal(check(&fees, EVENT("{\"value\":0}"), &reading, &fault), ERR_OK);
    assert_true(reading.quantity.nano == 2000000000);
    static const struct bad_row rows[] = {
        {EVENT("{\"value\":1}"), "$.data.price", "bad_value"},
        {EVENT("{\"price\":1}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1,\"price\":\"free\"}"), "$.data.price", "bad_value"},
        {EVENT("{\"value\":1,\"price\":-1}"), "$.data.price", "negative"},
        {EVENT("{\"value\":0.1,\"price\":0.000000001}"), "$.data.value", "bad_value"},
        {EVENT("{\"value\":1000000000,\"price\":1000000.1}"), "$.data.value", "bad_value"},
    };
    refuse(&spot, rows, sizeof rows / sizeof *rows);
}

static void dimensions_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *json, *printed;
    } rows[] = {
        {EVENT("{}"), "{}"},
        {EVENT("{\"region\":null,\"other\":\"x\"}"), "{}"},
        {EVENT("{\"region\":\"eu-1\"}"), "{\"region\":\"eu-1\"}"},
        {EVENT("{\"region\":\"eu-1\",\"flavour\":\"s \\\"6\\\"\"}"),
         "{\"flavour\":\"s \\\"6\\\"\",\"region\":\"eu-1\"}"},
        {EVENT("{\"region\":\"\",\"flavour\":true}"), "{\"flavour\":\"true\",\"region\":\"\"}"},
        {EVENT("{\"region\":1.50,\"flavour\":15e-1}"), "{\"flavour\":\"1.5\",\"region\":\"1.5\"}"},
        {EVENT("{\"region\":\"1.50\",\"flavour\":-0}"), "{\"flavour\":\"0\",\"region\":\"1.50\"}"},
        {EVENT("{\"region\":\"" TEXT_64 TEXT_64 TEXT_64 TEXT_64 "\"}"),
         "{\"region\":\"" TEXT_64 TEXT_64 TEXT_64 TEXT_64 "\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct meter_reading reading;
        struct fault fault;
        struct text text = {0};
        if (check(&count, rows[i].json, &reading, &fault) != ERR_OK) fail_msg("%s: %s", rows[i].json, fault.reason);
        assert_true(reading.quantity.nano == 1000000000);
        meter_reading_print(&reading, &text);
        assert_string_equal(text.data, rows[i].printed);
        text_free(&text);
    }
    static const struct bad_row bad[] = {
        {EVENT("{\"region\":[\"eu\"]}"), "$.data.region", "bad_value"},
        {EVENT("{\"region\":{}}"), "$.data.region", "bad_value"},
        {EVENT("{\"flavour\":\"a\\nb\"}"), "$.data.flavour", "bad_value"},
        {EVENT("{\"flavour\":1e300}"), "$.data.flavour", "bad_value"},
        {EVENT("{\"region\":\"" TEXT_64 TEXT_64 TEXT_64 TEXT_64 "x\"}"), "$.data.region", "bad_value"},
    };
    refuse(&count, bad, sizeof bad / sizeof *bad);
}

static void intervals_name_a_resource_and_a_state(void **state)
{
    (void)state;
    static const struct {
        const struct meter *meter;
        const char *json;
        bool running;
        int quantity;
    } rows[] = {
        {&interval, EVENT("{\"server\":\"vm-1\",\"state\":\"running\"}"), true, 1},
        {&interval, EVENT("{\"server\":\"vm-1\",\"state\":\"resized\",\"size\":7}"), true, 1},
        {&interval, EVENT("{\"server\":\"vm-1\",\"state\":\"stopped\"}"), false, 0},
        {&sized, EVENT("{\"server\":\"vm-1\",\"state\":\"running\",\"size\":7}"), true, 7},
        {&sized, EVENT("{\"server\":\"vm-1\",\"state\":\"running\",\"size\":0}"), true, 0},
        {&sized, EVENT("{\"server\":\"vm-1\",\"state\":\"stopped\",\"size\":7}"), false, 0},
        {&sized, EVENT("{\"server\":\"vm-1\",\"state\":\"stopped\"}"), false, 0},
        {&interval, EVENT("{\"server\":\"" TEXT_64 TEXT_64 "\",\"state\":\"stopped\"}"), false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct meter_reading reading;
        struct fault fault;
        if (check(rows[i].meter, rows[i].json, &reading, &fault) != ERR_OK) fail_msg("row %zu: %s", i, fault.reason);
        assert_int_equal(reading.running, rows[i].running);
        assert_true(reading.quantity.nano == (int128)rows[i].quantity * 1000000000);
        assert_true(reading.resource.length > 0);
    }
    static const struct bad_row bad[] = {
        {EVENT("{\"state\":\"running\",\"size\":1}"), "$.data.server", "bad_value"},
        {EVENT("{\"server\":1,\"state\":\"running\",\"size\":1}"), "$.data.server", "bad_value"},
        {EVENT("{\"server\":\"\",\"state\":\"running\",\"size\":1}"), "$.data.server", "bad_value"},
        {EVENT("{\"server\":\"a\\u0001\",\"state\":\"running\",\"size\":1}"), "$.data.server", "bad_value"},
        {EVENT("{\"server\":\"" TEXT_64 TEXT_64 "x\",\"state\":\"running\",\"size\":1}"), "$.data.server", "bad_value"},
        {EVENT("{\"server\":\"a\",\"size\":1}"), "$.data.state", "bad_value"},
        {EVENT("{\"server\":\"a\",\"state\":true,\"size\":1}"), "$.data.state", "bad_value"},
        {EVENT("{\"server\":\"a\",\"state\":\"Running\",\"size\":1}"), "$.data.state", "bad_value"},
        {EVENT("{\"server\":\"a\",\"state\":\"running\"}"), "$.data.size", "bad_value"},
        {EVENT("{\"server\":\"a\",\"state\":\"running\",\"size\":-1}"), "$.data.size", "negative"},
    };
    refuse(&sized, bad, sizeof bad / sizeof *bad);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_new(4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

int main(void)
{
    hash_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantities_are_exact),
        cmocka_unit_test(what_is_no_quantity_is_refused),
        cmocka_unit_test(an_event_counts_what_it_is_worth),
        cmocka_unit_test(dimensions_are_read),
        cmocka_unit_test(intervals_name_a_resource_and_a_state),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
