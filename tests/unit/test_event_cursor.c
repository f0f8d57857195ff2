// SPDX-License-Identifier: Apache-2.0
// The steps through a message: every form, and what is left when it is damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/hash.h"
#include "rating/event_cursor.h"

static struct arena *arena;

// The steps of a message as text: "r0={}" for an event, "d1=" with the rest for a damaged one, "m".
static void walk_message(const struct bus_message *message, struct text *steps)
{
    struct event_cursor cursor;
    text_clear(steps);
    event_cursor_open(&cursor, message, arena);
    for (;;) {
        enum event_step step = event_cursor_next(&cursor);
        if (step == EVENT_END) break;
        if (step == EVENT_MARKER) {
            text_add_string(steps, "m ");
            continue;
        }
        text_print(steps, "%c%d=", step == EVENT_RAW ? 'r' : 'd', cursor.index);
        if (step == EVENT_RAW) text_add_slice(steps, cursor.raw);
        if (step == EVENT_DAMAGED) assert_true(cursor.fault.reason[0]);
        if (step == EVENT_DAMAGED && message->header_count > 0) text_add_slice(steps, cursor.raw);
        text_add_char(steps, ' ');
    }
    assert_int_equal(event_cursor_next(&cursor), EVENT_END); // and stays there
}

static void walk(struct slice data, struct text *steps)
{
    walk_message(&(struct bus_message){.data = data.data, .length = data.length}, steps);
}

static void messages_of_every_form_are_walked(void **state)
{
    (void)state;
    static const struct {
        struct slice message;
        const char *steps;
    } rows[] = {
        {{"{\"a\":1}", 7}, "r0={\"a\":1} "},
        {{" [ {} , {\"a\":[1]} ] ", 20}, "r0={} r1={\"a\":[1]} "},
        {{"[]", 2}, ""},
        {{"", 0}, "d0= "},
        {{NULL, 0}, "d0= "},
        {{"no JSON", 7}, "d0= "},
        {{"[{},{\"a\":1}", 11}, "r0={} d1= "}, // cut before what ends the second
        {{"[{},x", 5}, "r0={} d1= "},
        {{"TP\x02\x01", 4}, "d0= "},
    };
    struct text steps = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        walk(rows[i].message, &steps);
        if (strcmp(steps.data ? steps.data : "", rows[i].steps) != 0) fail_msg("row %zu: '%s'", i, steps.data);
    }
    text_free(&steps);
}

static void packed_messages_are_walked(void **state)
{
    (void)state;
    struct text message = {0}, steps = {0};
    message_begin(&message, MESSAGE_EVENTS, 3, 0);
    message_add(&message, SLICE("{\"x\":1}"));
    message_add(&message, SLICE("not even JSON"));
    message_finish(&message);
    walk((struct slice){message.data, message.length}, &steps);
    assert_string_equal(steps.data, "r0={\"x\":1} r1=not even JSON ");
    message.data[message.length - 1] ^= 1; // one bit: the checksum covers all of it
    walk((struct slice){message.data, message.length}, &steps);
    assert_string_equal(steps.data, "d0= ");
    text_clear(&message);
    message_begin(&message, MESSAGE_MARKER, 3, 77);
    message_finish(&message);
    walk((struct slice){message.data, message.length}, &steps);
    assert_string_equal(steps.data, "m ");
    text_free(&message);
    text_free(&steps);
}

static void events_beyond_the_limit_are_one_damaged_event(void **state)
{
    (void)state;
    struct text message = {0};
    struct event_cursor cursor;
    text_add_char(&message, '[');
    for (int i = 0; i < MESSAGE_EVENTS_MAX + 10; i++)
        text_add_string(&message, i ? ",{}" : "{}");
    text_add_char(&message, ']');
    const struct bus_message in_log = {.data = message.data, .length = message.length};
    event_cursor_open(&cursor, &in_log, arena);
    for (int i = 0; i < MESSAGE_EVENTS_MAX; i++)
        assert_int_equal(event_cursor_next(&cursor), EVENT_RAW);
    assert_int_equal(event_cursor_next(&cursor), EVENT_DAMAGED);
    assert_int_equal(cursor.index, MESSAGE_EVENTS_MAX);
    assert_int_equal(event_cursor_next(&cursor), EVENT_END);
    text_free(&message);
}

static void a_message_is_what_its_headers_make_of_it(void **state)
{
    (void)state;
    struct text steps = {0};
    const struct bus_header binary[] = {{SLICE("ce_id"), SLICE("a")},
                                        {SLICE("content-type"), SLICE("application/json")}};
    struct bus_message message = {.data = "{\"n\":1}", .length = 7, .headers = binary, .header_count = 2};
    walk_message(&message, &steps);
    assert_string_equal(steps.data, "r0={\"id\":\"a\",\"datacontenttype\":\"application/json\",\"data\":{\"n\":1}} ");
    message.data = "{},{}";
    message.length = 5;
    walk_message(&message, &steps); // one damaged event, kept with its headers
    assert_string_equal(steps.data, "d0=ce_id: a\ncontent-type: application/json\n\n{},{} ");
    text_free(&steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_form_are_walked),
        cmocka_unit_test(packed_messages_are_walked),
        cmocka_unit_test(events_beyond_the_limit_are_one_damaged_event),
        cmocka_unit_test(a_message_is_what_its_headers_make_of_it),
    };
    hash_init();
    arena = arena_new(4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
