// SPDX-License-Identifier: Apache-2.0
// What the router makes of intake messages: every event with its tenant's shard, by the time of its first position; nothing
// is left out but markers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rating/router.h"

#define EVENT(tenant)                                                                                                  \
    "{\"specversion\":\"1.0\",\"id\":\"a\",\"source\":\"/s\",\"type\":\"x\",\"subject\":\"" tenant                     \
    "\",\"time\":\"2026-10-01T00:00:00Z\"}"

static const struct hash_key key = {"0123456789abcde"}, other = {"0123456789abcdf"};

static struct bus_message plain(const char *text, instant_us received_time)
{
    return (struct bus_message){.data = text, .length = strlen(text), .received_time = received_time};
}

static void events_get_the_shard_of_their_tenant(void **state)
{
    (void)state;
    struct routed routed = {0};
    const struct bus_header headers[] = {{SLICE("ce_specversion"), SLICE("1.0")},
                                         {SLICE("ce_id"), SLICE("a")},
                                         {SLICE("ce_source"), SLICE("/s")},
                                         {SLICE("ce_type"), SLICE("x")},
                                         {SLICE("ce_subject"), SLICE("t-4")},
                                         {SLICE("ce_time"), SLICE("2026-10-01T00:00:00Z")}};
    struct bus_message messages[] = {plain(EVENT("t-1"), 5), plain("[" EVENT("t-2") "," EVENT("t-3") "]", 5),
                                     plain("", 6)};
    messages[2].headers = headers; // binary mode
    messages[2].header_count = 6;
    routed_split(&routed, messages, 3, &key);
    assert_int_equal(routed.count, 4);
    assert_int_equal(routed.unreadable, 0);
    const struct slice tenants[] = {SLICE("t-1"), SLICE("t-2"), SLICE("t-3"), SLICE("t-4")};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(routed.events[i].shard, shard_of_tenant(tenants[i]));
    assert_true(slice_is(routed.events[1].raw, EVENT("t-2")));
    assert_int_equal(routed.run_count, 2); // one time, one run
    assert_true(routed.runs[0].received_time == 5 && routed.runs[0].from == 0 && routed.runs[0].count == 3);
    assert_true(routed.runs[1].received_time == 6 && routed.runs[1].from == 3 && routed.runs[1].count == 1);
    routed_split(&routed, messages, 1, &key); // anew
    assert_int_equal(routed.count, 1);
    assert_int_equal(routed.run_count, 1);
    routed_free(&routed);
}

static void what_nobody_can_read_goes_on_as_it_came(void **state)
{
    (void)state;
    struct routed routed = {0};
    struct text marker = {0};
    char *large = calloc(1, EVENT_BYTES_MAX + 2);
    memset(large, 'x', EVENT_BYTES_MAX + 1);
    message_begin(&marker, MESSAGE_MARKER, 0, 1);
    message_finish(&marker);
    const struct bus_message messages[] = {
        plain("", 1), plain("no JSON", 1), plain("{}", 1), plain("[" EVENT("t-1") ",{", 1), plain("[]", 2),
        {.data = marker.data, .length = marker.length, .received_time = 3}, plain(large, 4)};
    static const char *const raws[] = {"", "no JSON", "{}", EVENT("t-1"), "[" EVENT("t-1") ",{"};
    routed_split(&routed, messages, 7, &key);
    assert_int_equal(routed.count, 6);
    assert_int_equal(routed.unreadable, 5);
    for (size_t i = 0; i < 5; i++) {
        if (!slice_is(routed.events[i].raw, raws[i])) fail_msg("%zu: %.*s", i, (int)routed.events[i].raw.length, routed.events[i].raw.data);
        if (i != 3) assert_int_equal(routed.events[i].shard, 0);
    }
    assert_int_equal(routed.events[5].raw.length, EVENT_BYTES_MAX);
    size_t in_runs = 0;
    for (size_t i = 0; i < routed.run_count; i++)
        in_runs += routed.runs[i].count;
    assert_int_equal(in_runs, 6);
    routed_free(&routed);
    text_free(&marker);
    free(large);
}

static void a_mark_of_ours_keeps_the_first_time(void **state)
{
    (void)state;
    struct routed routed = {0};
    struct text data = {0};
    message_begin_forwarded(&data, 0, 77);
    message_add(&data, SLICE(EVENT("t-1")));
    message_mark(&data, &key);
    message_finish(&data);
    const struct bus_message message = {.data = data.data, .length = data.length, .received_time = 99};
    routed_split(&routed, &message, 1, &key);
    assert_true(routed.run_count == 1 && routed.runs[0].received_time == 77);
    routed_split(&routed, &message, 1, &other); // anybody's word
    assert_true(routed.run_count == 1 && routed.runs[0].received_time == 99);
    routed_free(&routed);
    text_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_get_the_shard_of_their_tenant),
        cmocka_unit_test(what_nobody_can_read_goes_on_as_it_came),
        cmocka_unit_test(a_mark_of_ours_keeps_the_first_time),
    };
    hash_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
