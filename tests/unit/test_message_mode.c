// SPDX-License-Identifier: Apache-2.0
// Messages of other producers: what headers make of a message, that an event is the same in every mode, and that what
// cannot be read is kept whole.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/hash.h"
#include "ingest/message_mode.h"

#define S(text) {text, sizeof(text) - 1}
#define TYPE(text) {S("content-type"), S(text)}
#define H(name, value) {S(name), S(value)}
#define STRUCTURED "application/cloudevents+json"
#define LIST "application/cloudevents-batch+json"
#define JSON "application/json"
#define DATA ",\"datacontenttype\":\"application/json\",\"data\":"

static struct arena *arena;

struct row {
    struct bus_header headers[5];
    const char *value, *events; // the events, each with a blank behind it
    const char *problem;        // NULL: it opens
};

static struct bus_message message_of(const struct row *row)
{
    struct bus_message message = {.data = row->value, .length = strlen(row->value), .headers = row->headers};
    while (message.header_count < 5 && row->headers[message.header_count].name.data)
        message.header_count++;
    return message;
}

static void check_row(size_t number, const struct row *row)
{
    struct bus_message message = message_of(row);
    struct message_reader reader;
    struct fault fault = {0};
    struct slice event;
    struct text events = {0};
    enum err err = message_open_by_headers(&message, arena, &reader, &fault);
    if ((err == ERR_OK) != !row->problem || (err != ERR_OK && !strstr(fault.reason, row->problem)))
        fail_msg("row %zu: %d %s", number, (int)err, fault.reason);
    if (err != ERR_OK) return;
    while ((err = message_next(&reader, &event, &fault)) == ERR_OK) {
        text_add_slice(&events, event);
        text_add_char(&events, ' ');
    }
    assert_int_equal(err, ERR_NOT_FOUND);
    if (strcmp(events.data ? events.data : "", row->events) != 0) fail_msg("row %zu: %s", number, events.data);
    text_free(&events);
}

static void headers_choose_the_mode(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{{{NULL, 0}, {NULL, 0}}}, "{\"a\":1}", "{\"a\":1} ", NULL},
        {{{{NULL, 0}, {NULL, 0}}}, "[{},{}]", "{} {} ", NULL},
        // others than those of CloudEvents leave it to the value
        {{H("traceparent", "00-1"), H("ce", "x"), H("ce_", "x"), H("CE_ID", "x")}, "[{},{}]", "{} {} ", NULL},
        {{TYPE(JSON)}, "[{},{}]", "{} {} ", NULL},
        {{TYPE("text/plain")}, "{}", "{} ", NULL},
        {{TYPE("")}, "{}", "{} ", NULL},
        {{H("Content-Type", STRUCTURED)}, "[{}]", "{} ", NULL},
        {{{S("ce_id"), {NULL, 0}}, {S("content-type"), {NULL, 0}}}, "[{}]", "{} ", NULL}, // nulls are absent
        // structured
        {{TYPE(STRUCTURED)}, "{\"a\":1}", "{\"a\":1} ", NULL},
        {{TYPE("Application/CloudEvents+JSON ; charset=\"UTF-8\"")}, " {} ", " {}  ", NULL},
        {{TYPE(STRUCTURED)}, "[{},{}]", "[{},{}] ", NULL}, // one event, which event_decode refuses
        {{TYPE(STRUCTURED)}, "", " ", NULL},
        {{TYPE(STRUCTURED), H("ce_id", "a")}, "{}", "{} ", NULL}, // a structured value wins
        {{TYPE(STRUCTURED "; charset=utf-16")}, "{}", "", "charset"},
        {{TYPE("application/cloudevents+avro")}, "{}", "", "only the JSON formats"},
        {{TYPE("application/cloudevents")}, "{}", "", "only the JSON formats"},
        {{TYPE(STRUCTURED), TYPE(STRUCTURED)}, "{}", "", "content-type is there twice"},
        {{{S("content-type"), {"a\0b", 3}}}, "{}", "", "content-type has a NUL"},
        // batch
        {{TYPE(LIST)}, "[{\"a\":1},{}]", "{\"a\":1} {} ", NULL},
        {{TYPE(LIST "; charset=utf-8"), H("ce_id", "a")}, "[]", "", NULL},
        {{TYPE(LIST)}, "{}", "", "a JSON array is expected"},
        {{TYPE(LIST)}, "", "", "a JSON array is expected"},
        // binary
        {{H("ce_id", "a"), TYPE(JSON)}, "{\"n\":1}", "{\"id\":\"a\"" DATA "{\"n\":1}} ", NULL},
        {{TYPE(JSON "; charset=utf-8"), H("ce_id", "a"), H("x", "y"), H("ce_source", "/s")},
         " {} ",
         "{\"id\":\"a\",\"source\":\"/s\"" DATA " {} } ",
         NULL},
        {{H("ce_id", "a")}, "", "{\"id\":\"a\"} ", NULL},                               // no data
        {{H("ce_id", "a%20\"\xe2\x82\xac\n")}, "", "{\"id\":\"a%20\\\"\xe2\x82\xac\\n\"} ", NULL}, // as it is
        {{H("ce_id", ""), {S("ce_subject"), {NULL, 0}}}, "", "{\"id\":\"\"} ", NULL},
        {{H("ce_id", "a")}, "{}", "", "in binary mode the value is data"},
        {{H("ce_id", "a"), TYPE("text/xml")}, "<a/>", "", "in binary mode the value is data"},
        {{H("ce_id", "a"), TYPE(JSON "; charset=latin1")}, "{}", "", "in binary mode the value is data"},
        {{H("ce_id", "a"), TYPE(JSON)}, "", "", "the data is not one JSON value"},
        {{H("ce_id", "a"), TYPE(JSON)}, "{},{}", "", "the data is not one JSON value"},
        {{H("ce_id", "a"), TYPE(JSON)}, "{},\"subject\":\"b\"", "", "the data is not one JSON value"},
        {{H("ce_id", "a"), TYPE(JSON)}, "{}}", "", "the data is not one JSON value"},
        {{H("ce_id", "a"), TYPE(JSON)}, "1],[2", "", "the data is not one JSON value"},
        {{H("ce_id", "a"), H("ce_id", "a")}, "", "", "the header ce_id is there twice"},
        {{H("ce_data", "{}")}, "", "", "the header ce_data is not an attribute"},
        {{H("ce_data_base64", "e30=")}, "", "", "the header ce_data_base64 is not an attribute"},
        {{H("ce_datacontenttype", JSON)}, "", "", "the header ce_datacontenttype is not an attribute"},
        {{H("ce_id", "\xff")}, "", "", "the header ce_id is not UTF-8"},
        {{{S("ce_id"), {"a\0b", 3}}}, "", "", "the header ce_id is not UTF-8"},
        {{H("ce_\xff", "a")}, "", "", "a header's name is not UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(i, &rows[i]);
}

static void packed_messages_may_have_headers_of_others(void **state)
{
    (void)state;
    struct text packed = {0};
    struct message_reader reader;
    struct fault fault;
    message_begin(&packed, MESSAGE_EVENTS, 1, 0);
    message_add(&packed, SLICE("{}"));
    message_finish(&packed);
    const struct bus_header headers[] = {H("traceparent", "00-1"), TYPE(STRUCTURED)};
    struct bus_message message = {
        .data = packed.data, .length = packed.length, .headers = headers, .header_count = 1};
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_OK);
    assert_int_equal(reader.kind, MESSAGE_EVENTS);
    message.header_count = 2; // says that it is JSON: then it is read as such
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_OK);
    assert_int_equal(reader.kind, MESSAGE_PLAIN);
    text_free(&packed);
}

static void limits_hold_before_anything_is_made(void **state)
{
    (void)state;
    struct bus_header many[BUS_HEADERS_MAX + 1];
    struct message_reader reader;
    struct fault fault;
    for (size_t i = 0; i <= BUS_HEADERS_MAX; i++)
        many[i] = (struct bus_header)H("x", "y");
    many[0] = (struct bus_header)H("ce_id", "a");
    struct bus_message message = {.data = "", .length = 0, .headers = many, .header_count = BUS_HEADERS_MAX};
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_OK);
    message.header_count++;
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.reason, "257 headers"));
    assert_true(message_evidence(&message, arena).length > 256 * 5);

    size_t length = EVENT_BYTES_MAX - 5 - 1 - 12 - 16; // ce_id=a, content-type=application/json
    char *data = arena_alloc(arena, length + 1);
    memset(data, ' ', length);
    memcpy(data, "{}", 2);
    const struct bus_header binary[] = {H("ce_id", "a"), TYPE(JSON)};
    message = (struct bus_message){.data = data, .length = length, .headers = binary, .header_count = 2};
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_OK);
    data[length] = ' ';
    message.length++;
    assert_int_equal(message_open_by_headers(&message, arena, &reader, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.reason, "65537 bytes"));
}

// rules 2.1: binary for structured mode is a duplicate, not a conflict.
static void an_event_has_the_same_content_in_every_mode(void **state)
{
    (void)state;
    static const struct hash_key key = {"0123456789abcdef"};
    static const char structured[] =
        "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/s\",\"type\":\"cloud.call\",\"subject\":\"t-1\","
        "\"time\":\"2026-10-01T02:00:00+02:00\",\"corrects\":\"e0\",\"data\":{\"n\":1.50,\"a\":[1,{\"b\":null}]}}";
    static const struct row rows[] = {
        {{{{NULL, 0}, {NULL, 0}}}, structured, NULL, NULL},
        {{TYPE(STRUCTURED)}, structured, NULL, NULL},
    };
    const struct bus_header binary[] = {H("ce_time", "2026-10-01T00:00:00.000Z"),
                                        H("ce_subject", "t-1"),
                                        H("ce_type", "cloud.call"),
                                        H("ce_corrects", "e0"),
                                        H("ce_source", "/s"),
                                        H("ce_id", "e1"),
                                        H("ce_specversion", "1.0"),
                                        H("ce_traceparent", "00-1"),
                                        TYPE(JSON)};
    static const char data[] = "{\"a\":[1,{\"b\":null}],\"n\":15e-1}";
    struct bus_message messages[3] = {message_of(&rows[0]), message_of(&rows[1]),
                                      {.data = data, .length = sizeof data - 1, .headers = binary, .header_count = 9}};
    struct usage_event events[3];
    for (size_t i = 0; i < 3; i++) {
        struct message_reader reader;
        struct event_faults faults;
        struct fault fault;
        struct slice raw;
        assert_int_equal(message_open_by_headers(&messages[i], arena, &reader, &fault), ERR_OK);
        assert_int_equal(message_next(&reader, &raw, &fault), ERR_OK);
        assert_int_equal(event_decode(raw, &key, arena, &events[i], &faults), ERR_OK);
        assert_true(hash128_equal(events[i].content, events[0].content));
        struct hash128 identity = event_identity(&key, events[i].subject, events[i].source, events[i].id);
        assert_true(hash128_equal(identity, event_identity(&key, SLICE("t-1"), SLICE("/s"), SLICE("e1"))));
        assert_int_equal(message_next(&reader, &raw, &fault), ERR_NOT_FOUND);
    }
}

static void evidence_holds_all_of_a_message(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *evidence;
    } rows[] = {
        {{{{{NULL, 0}, {NULL, 0}}}, "x", NULL, NULL}, "x"},
        {{{H("traceparent", "00-1")}, "x", NULL, NULL}, "x"},
        {{{H("ce_id", "a\xff\n%:b"), {S("ce_x"), {NULL, 0}}, H("k", "v")}, "{}\n", NULL, NULL},
         "ce_id: a%FF%0A%25%3Ab\nce_x: \nk: v\n\n{}\n"},
        {{{TYPE("application/x y")}, "", NULL, NULL}, "content-type: application/x%20y\n\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bus_message message = message_of(&rows[i].row);
        if (!slice_is(message_evidence(&message, arena), rows[i].evidence)) fail_msg("row %zu", i);
    }
    // far too much is cut, as every quarantined event is
    size_t length = 8 << 20;
    char *large = arena_alloc(arena, length);
    const struct bus_header header = {S("ce_id"), {large, length}};
    struct bus_message message = {.data = large, .length = length, .headers = &header, .header_count = 1};
    assert_true(message_evidence(&message, arena).length < 5 * EVENT_BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_choose_the_mode),
        cmocka_unit_test(packed_messages_may_have_headers_of_others),
        cmocka_unit_test(limits_hold_before_anything_is_made),
        cmocka_unit_test(an_event_has_the_same_content_in_every_mode),
        cmocka_unit_test(evidence_holds_all_of_a_message),
    };
    hash_init();
    arena = arena_new(4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
