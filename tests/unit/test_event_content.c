// SPDX-License-Identifier: Apache-2.0
// Content hash version 1: what makes two events the same content and what does not, and one value that an independent
// implementation of docs/event-form.md must reproduce.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/event.h"

#define ATTRIBUTES "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/c\",\"type\":\"t\",\"subject\":\"a\""
#define EVENT(data) "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00Z\",\"data\":" data "}"

static const struct hash_key key = {"0123456789abcdef"};
static struct arena *arena;

static struct hash128 content_of(const char *json)
{
    struct usage_event event;
    struct event_faults faults;
    if (event_decode(slice_of(json), &key, arena, &event, &faults) != ERR_OK)
        fail_msg("%s: %s: %s", json, faults.list[0].path, faults.list[0].reason);
    return event.content;
}

struct pair {
    const char *a, *b;
};

static void compare(const struct pair *rows, size_t count, bool equal)
{
    for (size_t i = 0; i < count; i++)
        if (hash128_equal(content_of(rows[i].a), content_of(rows[i].b)) != equal)
            fail_msg("%s\n%s", rows[i].a, rows[i].b);
}

static void the_same_content_in_other_words(void **state)
{
    (void)state;
    static const struct pair rows[] = {
        {EVENT("{\"a\":1,\"b\":2}"), EVENT("{\"b\":2,\"a\":1}")},
        {EVENT("{\"a\":1}"), EVENT(" { \"a\" :\n1\t} ")},
        {EVENT("{\"a\":1}"), EVENT("{\"\\u0061\":1}")},
        {EVENT("{\"a\":\"\xc3\xa9/\"}"), EVENT("{\"a\":\"\\u00e9\\/\"}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":1.0}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":1e0}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":10.000E-1}")},
        {EVENT("{\"a\":1500}"), EVENT("{\"a\":1.5e+3}")},
        {EVENT("{\"a\":-0.001}"), EVENT("{\"a\":-1e-03}")},
        {EVENT("{\"a\":0}"), EVENT("{\"a\":-0.0e5}")},
        {EVENT("{\"a\":12345678901234567890123456789.50}"), EVENT("{\"a\":123456789012345678901234567895e-1}")},
        {EVENT("{\"a\":{\"x\":[1,{\"p\":1,\"q\":2}],\"y\":3}}"),
         EVENT("{\"a\":{\"y\":3,\"x\":[1.0,{\"q\":2,\"p\":1}]}}")},
        // another spelling of the time; attributes of transport, tracing and identity
        {EVENT("{}"), "{" ATTRIBUTES ",\"time\":\"2026-10-01T02:00:00.0000001+02:00\",\"data\":{}}"},
        {EVENT("{}"), "{\"specversion\":\"1.0\",\"id\":\"e2\",\"source\":\"/"
                      "d\",\"type\":\"t\",\"subject\":\"a\",\"time\":\"2026-10-01T00:00:00Z\","
                      "\"traceparent\":\"00\",\"sequence\":\"4\",\"dataschema\":\"x:y\",\"datacontenttype\":"
                      "\"application/json\",\"data\":{}}"},
    };
    compare(rows, sizeof rows / sizeof *rows, true);
}

static void other_content(void **state)
{
    (void)state;
    static const struct pair rows[] = {
        {EVENT("{\"a\":1}"), EVENT("{\"a\":\"1\"}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":-1}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":10}")},
        {EVENT("{\"a\":1}"), EVENT("{\"a\":1.0000000000000000000000001}")},
        {EVENT("{\"a\":9007199254740993}"), EVENT("{\"a\":9007199254740992}")},
        {EVENT("{\"a\":1e400}"), EVENT("{\"a\":1e401}")},
        {EVENT("{\"a\":\"1\"}"), EVENT("{\"a\":\"1.0\"}")},
        {EVENT("{\"a\":true}"), EVENT("{\"a\":\"true\"}")},
        {EVENT("{\"a\":true}"), EVENT("{\"a\":false}")},
        {EVENT("{\"a\":null}"), EVENT("{}")},
        {EVENT("{\"a\":null}"), EVENT("{\"a\":false}")},
        {EVENT("{\"a\":[1,2]}"), EVENT("{\"a\":[2,1]}")},
        {EVENT("{\"a\":[1,[2]]}"), EVENT("{\"a\":[[1],2]}")},
        {EVENT("{\"a\":[]}"), EVENT("{\"a\":{}}")},
        {EVENT("{\"a\":{\"b\":1}}"), EVENT("{\"a\":{},\"b\":1}")},
        {EVENT("{\"a\":\"b\",\"c\":\"d\"}"), EVENT("{\"a\":\"d\",\"c\":\"b\"}")},
        {EVENT("{\"ab\":\"c\"}"), EVENT("{\"a\":\"bc\"}")},
        {EVENT("{\"a\":\"\xc3\xa9\"}"), EVENT("{\"a\":\"e\xcc\x81\"}")},
        {EVENT("{}"), "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00Z\"}"},
        {EVENT("{}"), "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00.000001Z\",\"data\":{}}"},
        {EVENT("{}"), "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00Z\",\"corrects\":\"e0\",\"data\":{}}"},
        {EVENT("{}"), "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"
                      "c\",\"type\":\"u\",\"subject\":\"a\",\"time\":\"2026-10-01T00:00:00Z\",\"data\":{}}"},
        {EVENT("{}"), "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"
                      "c\",\"type\":\"t\",\"subject\":\"b\",\"time\":\"2026-10-01T00:00:00Z\",\"data\":{}}"},
    };
    compare(rows, sizeof rows / sizeof *rows, false);
}

// The canonical bytes written out by hand from docs/event-form.md.
static void the_canonical_form_is_the_documented_one(void **state)
{
    (void)state;
    static const char form[] = "\x01{"
                               "\"\x01\x00\x00\x00"
                               "a"
                               "#-15e-1;"
                               "\"\x02\x00\x00\x00"
                               "ab"
                               "[#0;tfn\"\x01\x00\x00\x00x{}]"
                               "\"\x01\x00\x00\x00"
                               "b"
                               "#12e3;"
                               "}"
                               "\"\x01\x00\x00\x00t"
                               "\"\x01\x00\x00\x00"
                               "a"
                               "@\x00\xa0\xcd\x18\xbc\x5c\x06\x00" // 1790812800000000 = 0x00065cbc18cda000
                               "0";
    struct hash128 expected = keyed_hash(&key, form, sizeof form - 1);
    assert_true(
        hash128_equal(content_of(EVENT("{\"b\":12000,\"ab\":[0.0,true,false,null,\"x\",{}],\"a\":-1.50}")), expected));
}

static void many_members_are_sorted(void **state)
{
    (void)state;
    struct text up = {0}, down = {0};
    text_add_string(&up, "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00Z\",\"data\":{\"x\":{\"m000\":0");
    text_add_string(&down, "{" ATTRIBUTES ",\"time\":\"2026-10-01T00:00:00Z\",\"data\":{\"x\":{\"m239\":239");
    for (int i = 1; i < 240; i++) {
        text_print(&up, ",\"m%03d\":%d", i, i);
        text_print(&down, ",\"m%03d\":%d", 239 - i, 239 - i);
    }
    text_add_string(&up, "}}}");
    text_add_string(&down, "}}}");
    assert_true(hash128_equal(content_of(up.data), content_of(down.data)));
    char *last = strstr(up.data, "\"m239\":239");
    memcpy(last, "\"m000\":239", 10);
    struct usage_event event;
    struct event_faults faults;
    assert_int_equal(event_decode(slice_of(up.data), &key, arena, &event, &faults), ERR_INVALID);
    assert_string_equal(faults.list[0].path, "$.data.x.m000");
    text_free(&up);
    text_free(&down);
}

static void the_key_decides(void **state)
{
    (void)state;
    struct usage_event event;
    struct event_faults faults;
    const struct hash_key other = {"0123456789abcdeF"};
    assert_int_equal(event_decode(SLICE(EVENT("{}")), &other, arena, &event, &faults), ERR_OK);
    assert_false(hash128_equal(event.content, content_of(EVENT("{}"))));
}

static void identity_keeps_its_parts_apart(void **state)
{
    (void)state;
    struct hash128 one = event_identity(&key, SLICE("a"), SLICE("bc"), SLICE("d"));
    assert_true(hash128_equal(one, event_identity(&key, SLICE("a"), SLICE("bc"), SLICE("d"))));
    assert_false(hash128_equal(one, event_identity(&key, SLICE("ab"), SLICE("c"), SLICE("d"))));
    assert_false(hash128_equal(one, event_identity(&key, SLICE("a"), SLICE("b"), SLICE("cd"))));
    assert_false(
        hash128_equal(one, event_identity(&key, SLICE("b"), SLICE("bc"), SLICE("d")))); // another tenant's source (I29)
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
        cmocka_unit_test(the_same_content_in_other_words),
        cmocka_unit_test(other_content),
        cmocka_unit_test(the_canonical_form_is_the_documented_one),
        cmocka_unit_test(many_members_are_sorted),
        cmocka_unit_test(the_key_decides),
        cmocka_unit_test(identity_keeps_its_parts_apart),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
