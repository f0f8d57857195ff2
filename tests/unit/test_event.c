// SPDX-License-Identifier: Apache-2.0
// Reading of one event: what is taken and with which values, and what is refused, where and why (reliability.md
// I22-I48).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/event.h"

#define REST "\"source\":\"/c/1\",\"type\":\"api.call\",\"subject\":\"acme\",\"time\":\"2026-10-01T00:00:00Z\""
#define HEAD "{\"specversion\":\"1.0\",\"id\":\"e1\"," REST
#define WITH(members) HEAD "," members "}"
#define DATA(members) WITH("\"data\":{" members "}")
#define ID(id) "{\"specversion\":\"1.0\",\"id\":" id "," REST "}"
#define TIME(time)                                                                                                     \
    "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/c/1\",\"type\":\"t\",\"subject\":\"a\",\"time\":" time "}"
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define BYTES_256 FIFTY FIFTY FIFTY FIFTY FIFTY "abcdef"

static const struct hash_key content_key = {"content key 16b"};
static struct arena *arena;

static enum err decode_bytes(const char *data, size_t length, struct usage_event *event, struct event_faults *faults)
{
    // a copy of exact size, so that the sanitizer sees a step beyond the end
    char *copy = arena_alloc(arena, length);
    memcpy(copy, data, length);
    return event_decode((struct slice){copy, length}, &content_key, arena, event, faults);
}

static enum err decode(const char *json, struct usage_event *event, struct event_faults *faults)
{
    return decode_bytes(json, strlen(json), event, faults);
}

static struct usage_event decode_good(const char *json)
{
    struct usage_event event;
    struct event_faults faults;
    if (decode(json, &event, &faults) != ERR_OK)
        fail_msg("%s: %s: %s", json, faults.list[0].path, faults.list[0].reason);
    assert_int_equal(faults.count, 0);
    return event;
}

static void an_event_is_read_whole(void **state)
{
    (void)state;
    struct usage_event event =
        decode_good(" {\n\t\"data\" : "
                    "{\"value\":12.50,\"region\":\"eu-1\",\"spot\":true,\"note\":null,\"tags\":[1,{\"a\":{}}],"
                    "\"n\\u0061me\":\"x\"},"
                    "\"subject\":\"acme\",\"time\":\"2026-10-01T02:00:00.1234567+02:00\",\"type\":\"api.call\","
                    "\"source\":\"urn:x:1\","
                    "\"traceparent\":\"00-aa\",\"retries\":3,\"sampled\":false,\"gone\":null,\"id\":\"e\\\"1\","
                    "\"sequence\":\"17\",\"corrects\":\"e0\",\"datacontenttype\":\"Application/JSON; charset=utf-8\","
                    "\"dataschema\":\"https://x.test/s\",\"specversion\":\"1.0\"}\r\n");
    assert_true(slice_is(event.id, "e\"1"));
    assert_true(slice_is(event.source, "urn:x:1"));
    assert_true(slice_is(event.type, "api.call"));
    assert_true(slice_is(event.subject, "acme"));
    assert_true(event.event_time == INT64_C(1790812800123456)); // the tenth of a microsecond is cut off
    assert_true(slice_is(event.sequence, "17"));
    assert_true(event.has_corrects && slice_is(event.corrects, "e0"));
    static const struct {
        const char *name, *text;
        enum property_kind kind;
    } rows[] = {
        {"value", "12.50", PROPERTY_NUMBER},
        {"region", "eu-1", PROPERTY_STRING},
        {"spot", "true", PROPERTY_BOOL},
        {"note", "null", PROPERTY_NULL},
        {"tags", "[1,{\"a\":{}}]", PROPERTY_NESTED},
        {"name", "x", PROPERTY_STRING},
    };
    assert_int_equal(event.property_count, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct event_property *property = event_property(&event, rows[i].name);
        if (!property || property->kind != rows[i].kind || !slice_is(property->text, rows[i].text))
            fail_msg("row %zu", i);
    }
    assert_null(event_property(&event, "nam"));
    assert_null(event_property(&event, "names"));
    assert_null(event_property(&event, ""));
}

static void the_least_event_is_read(void **state)
{
    (void)state;
    struct usage_event event = decode_good(HEAD "}");
    assert_int_equal(event.property_count, 0);
    assert_false(event.has_corrects);
    assert_int_equal(event.sequence.length, 0);
    assert_int_equal(event.raw.length, strlen(HEAD "}"));
    decode_good(WITH("\"data\":{}"));
    decode_good(WITH("\"corrects\":null,\"sequence\":null,\"datacontenttype\":null,\"dataschema\":null"));
}

static void numbered(const char *json, int64_t number, const char *incarnation)
{
    struct usage_event event = decode_good(json);
    assert_int_equal(event.sequenced, number > 0);
    assert_int_equal(event.number, number);
    assert_true(slice_is(event.incarnation, incarnation));
}

static void an_incarnation_makes_the_sequence_a_number(void **state)
{
    (void)state;
    numbered(HEAD "}", 0, "");
    numbered(WITH("\"sequence\":\"17\""), 0, ""); // any text
    numbered(WITH("\"sequence\":\"x\",\"sequenceincarnation\":null"), 0, "");
    numbered(WITH("\"sequence\":\"1\",\"sequenceincarnation\":\"a\""), 1, "a");
    numbered(WITH("\"sequenceincarnation\":\"" FIFTY TEN "abcd\",\"sequence\":\"000000000017\""), 17,
             FIFTY TEN "abcd");
    numbered(WITH("\"sequence\":\"999999999999999999\",\"sequenceincarnation\":\"a\""),
             INT64_C(999999999999999999), "a");
}

static void a_numbered_event_is_known_by_its_number(void **state)
{
    (void)state;
    static const struct hash_key key = {"identity key 16b"};
#define NUMBERED(id, incarnation, number)                                                                              \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\"," REST ",\"sequenceincarnation\":\"" incarnation                          \
    "\",\"sequence\":\"" number "\"}"
    static const struct {
        const char *json;
        bool same;
    } rows[] = {{NUMBERED("e2", "a", "7"), true},   {NUMBERED("e1", "a", "007"), true}, {NUMBERED("e1", "a", "8"), false},
                {NUMBERED("e1", "a7", "7"), false}, {NUMBERED("e1", "b", "7"), false},  {HEAD "}", false}};
    struct usage_event event = decode_good(NUMBERED("e1", "a", "7"));
    struct hash128 identity = event_identity_of(&key, &event);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct usage_event other = decode_good(rows[i].json);
        assert_int_equal(hash128_equal(identity, event_identity_of(&key, &other)), rows[i].same);
    }
    event = decode_good(HEAD "}");
    assert_true(hash128_equal(event_identity_of(&key, &event),
                              event_identity(&key, SLICE("acme"), SLICE("/c/1"), SLICE("e1"))));
}

static void good_texts_are_kept_byte_exact(void **state)
{
    (void)state;
    static const struct {
        const char *json, *id;
    } rows[] = {
        {ID("\" \""), " "},
        {ID("\"\xe2\x80\xae\""), "\xe2\x80\xae"},         // right-to-left override
        {ID("\"\xf0\x9f\x98\x80\""), "\xf0\x9f\x98\x80"}, // emoji
        {ID("\"\\ud83d\\ude00\""), "\xf0\x9f\x98\x80"},   // the same, escaped
        {ID("\"\xc3\xa9\""), "\xc3\xa9"},                 // composed
        {ID("\"e\xcc\x81\""), "e\xcc\x81"},               // decomposed: another id
        {ID("\"\\u0041\\/\\\\\\u00E9\\u20ac\""), "A/\\\xc3\xa9\xe2\x82\xac"},
        {ID("\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\""), "\xef\xbf\xbf\xf4\x8f\xbf\xbf"},
        {ID("\"" BYTES_256 "\""), BYTES_256},
        {ID("\"\\u0061bcdefgh\\u0069jklmnopqrstuvwxyz\""), "abcdefghijklmnopqrstuvwxyz"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct usage_event event = decode_good(rows[i].json);
        if (!slice_is(event.id, rows[i].id)) fail_msg("row %zu", i);
    }
}

struct bad_row {
    const char *json, *path, *reason;
};

static void refuse_rows(const struct bad_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct usage_event event;
        struct event_faults faults;
        if (decode(rows[i].json, &event, &faults) != ERR_INVALID) fail_msg("taken: %s", rows[i].json);
        assert_true(faults.count >= 1);
        assert_false(faults.list[0].value);
        if (strcmp(faults.list[0].path, rows[i].path) != 0 || strcmp(faults.list[0].reason, rows[i].reason) != 0)
            fail_msg("%s: %s: %s", rows[i].json, faults.list[0].path, faults.list[0].reason);
    }
}
#define REFUSE(rows) refuse_rows(rows, sizeof(rows) / sizeof *(rows))

static void broken_json_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct bad_row rows[] = {
        // I22
        {"", "$", "byte 0: an event is a JSON object"},
        {" ", "$", "byte 1: an event is a JSON object"},
        {"null", "$", "byte 0: an event is a JSON object"},
        {"[]", "$", "byte 0: an event is a JSON object"},
        {"1", "$", "byte 0: an event is a JSON object"},
        {"\"x\"", "$", "byte 0: an event is a JSON object"},
        // I24
        {"{", "$", "byte 1: the text ends too early"},
        {"{\"a", "$", "byte 3: the text ends too early"},
        {"{\"a\"", "$", "byte 4: the text ends too early"},
        {"{\"a\":", "$", "byte 5: the text ends too early"},
        {"{\"a\":1", "$", "byte 6: the text ends too early"},
        {"{\"a\":\"\\", "$", "byte 7: the text ends too early"},
        {"{\"a\":[1", "$.a", "byte 7: the text ends too early"},
        {"{\"a\":tru", "$", "byte 5: a JSON value is expected"},
        {"{}x", "$", "byte 2: more text follows the object"},
        {"{}{}", "$", "byte 2: more text follows the object"},
        {"\xef\xbb\xbf{}", "$", "byte 0: an event is a JSON object"},
        {"{/**/}", "$", "byte 1: a member's name in quotes is expected"},
        {"{\"a\":1,}", "$", "byte 7: a member's name in quotes is expected"},
        {"{,}", "$", "byte 1: a member's name in quotes is expected"},
        {"{\"a\":[1,]}", "$.a", "byte 8: a JSON value is expected"},
        {"{\"a\":[,1]}", "$.a", "byte 6: a JSON value is expected"},
        {"{\"a\":[1 2]}", "$.a", "byte 8: a comma or the end of the array is expected"},
        {"{\"a\" 1}", "$", "byte 5: a colon is expected after a member's name"},
        {"{\"a\":1 \"b\":2}", "$", "byte 7: a comma or the end of the object is expected"},
        {"{\"a\":[}]}", "$.a", "byte 6: a JSON value is expected"},
        {"{\"a\":{]}", "$.a", "byte 6: a member's name in quotes is expected"},
        {"{'a':1}", "$", "byte 1: a member's name in quotes is expected"},
        {"{\"a\":1\f}", "$", "byte 6: a comma or the end of the object is expected"},
        {"{\"a\":{\"b\":[0,{\"c d\":nul}]}}", "$.a.b[1]", "byte 20: a JSON value is expected"},
        {"{\"a b\":{\"it's\":[[x]]}}", "$['a b']['it\\'s'][0]", "byte 17: a JSON value is expected"},
        // numbers
        {"{\"a\":01}", "$", "byte 6: a number has no leading zero"},
        {"{\"a\":-01}", "$", "byte 7: a number has no leading zero"},
        {"{\"a\":-}", "$", "byte 6: a digit is expected"},
        {"{\"a\":+1}", "$", "byte 5: a JSON value is expected"},
        {"{\"a\":.5}", "$", "byte 5: a JSON value is expected"},
        {"{\"a\":1.}", "$", "byte 7: a digit is expected"},
        {"{\"a\":1e}", "$", "byte 7: a digit is expected"},
        {"{\"a\":1e+}", "$", "byte 8: a digit is expected"},
        {"{\"a\":0x10}", "$", "byte 6: a comma or the end of the object is expected"},
        {"{\"a\":NaN}", "$", "byte 5: a JSON value is expected"},
        {"{\"a\":-Infinity}", "$", "byte 6: a digit is expected"},
        {"{\"a\":1_000}", "$", "byte 6: a comma or the end of the object is expected"},
        // strings (I26)
        {"{\"a\":\"\n\"}", "$", "byte 6: a control character stands in a string"},
        {"{\"a\":\"12345678\x01\"}", "$", "byte 14: a control character stands in a string"},
        {"{\"a\":\"12345\x1f 7890\"}", "$", "byte 11: a control character stands in a string"},
        {"{\"a\":\"\\x\"}", "$", "byte 6: unknown escape"},
        {"{\"a\":\"\\u12g4\"}", "$", "byte 6: \\u needs four hexadecimal digits"},
        {"{\"a\":\"\\u12\"}", "$", "byte 6: \\u needs four hexadecimal digits"},
        {"{\"a\":\"x\\u0000\"}", "$", "byte 7: the character NUL is not allowed"},
        {"{\"a\":\"\\ud800\"}", "$", "byte 6: half of a surrogate pair stands alone"},
        {"{\"a\":\"\\ud800\\u0041\"}", "$", "byte 6: half of a surrogate pair stands alone"},
        {"{\"a\":\"\\ud800\\ud800\"}", "$", "byte 6: half of a surrogate pair stands alone"},
        {"{\"a\":\"\\udc00\"}", "$", "byte 6: half of a surrogate pair stands alone"},
        {"{\"a\":\"\xff\"}", "$", "byte 6: not valid UTF-8"},
        {"{\"a\":\"\xc0\xaf\"}", "$", "byte 6: not valid UTF-8"},         // overlong
        {"{\"a\":\"\xed\xa0\x80\"}", "$", "byte 6: not valid UTF-8"},     // a surrogate
        {"{\"a\":\"\xf4\x90\x80\x80\"}", "$", "byte 6: not valid UTF-8"}, // above U+10FFFF
        {"{\"a\":\"\xc3", "$", "byte 6: not valid UTF-8"},
    };
    REFUSE(rows);
}

static void attributes_are_checked(void **state)
{
    (void)state;
    static const struct bad_row rows[] = {
        // I25
        {HEAD ",\"id\":\"e2\"}", "$.id", "the member is there twice"},
        {HEAD ",\"\\u0069d\":\"e2\"}", "$.id", "the member is there twice"},
        {WITH("\"x\":1,\"x\":1"), "$.x", "the member is there twice"},
        {DATA("\"a\":1,\"b\":2,\"a\":1"), "$.data.a", "the member is there twice"},
        {DATA("\"a\":[{\"b\":{\"c\":1,\"d\":2,\"c\":3}}]"), "$.data.a[0].b.c", "the member is there twice"},
        {WITH("\"corrects\":null,\"corrects\":\"e0\""), "$.corrects", "the member is there twice"},
        // I27
        {ID("\"\""), "$.id", "the attribute is empty"},
        {ID("\"" BYTES_256 "g\""), "$.id", "the attribute is longer than 256 bytes"},
        {ID("\"a\\nb\""), "$.id", "the attribute has a control character"},
        {ID("\"a\x7f\""), "$.id", "the attribute has a control character"},
        {ID("\"a\xc2\x85\""), "$.id", "the attribute has a control character"},
        {ID("7"), "$.id", "the attribute is a string"},
        {ID("null"), "$.id", "the attribute is missing"},
        {ID("{}"), "$.id", "the attribute is a string"},
        // I30
        {"{\"id\":\"e1\"," REST "}", "$.specversion", "the attribute is missing"},
        {"{\"specversion\":\"0.3\",\"id\":\"e1\"," REST "}", "$.specversion", "specversion must be \"1.0\""},
        {"{\"specversion\":1.0,\"id\":\"e1\"," REST "}", "$.specversion", "the attribute is a string"},
        // I33
        {WITH("\"data\":{},\"data_base64\":\"e30=\""), "$.data_base64",
         "binary data is not taken, data must be a JSON object"},
        {WITH("\"data_base64\":\"!\""), "$.data_base64", "binary data is not taken, data must be a JSON object"},
        {WITH("\"datacontenttype\":\"application/xml\""), "$.datacontenttype",
         "only data of type application/json is taken"},
        {WITH("\"datacontenttype\":\"application/jsonx\""), "$.datacontenttype",
         "only data of type application/json is taken"},
        {WITH("\"data\":[]"), "$.data", "data is a JSON object"},
        {WITH("\"data\":\"{}\""), "$.data", "data is a JSON object"},
        {WITH("\"data\":null"), "$.data", "data is a JSON object"},
        // I34
        {WITH("\"Trace\":\"x\""), "$.Trace", "an attribute's name is 1 to 20 lower-case letters and digits"},
        {WITH("\"\":\"x\""), "$['']", "an attribute's name is 1 to 20 lower-case letters and digits"},
        {WITH("\"a_b\":\"x\""), "$.a_b", "an attribute's name is 1 to 20 lower-case letters and digits"},
        {WITH("\"abcdefghijklmnopqrstu\":1"), "$.abcdefghijklmnopqrstu",
         "an attribute's name is 1 to 20 lower-case letters and digits"},
        {WITH("\"x\":{}"), "$.x", "an attribute is text, a number or a boolean"},
        {WITH("\"sequence\":1"), "$.sequence", "the attribute is a string"},
        {WITH("\"sequenceincarnation\":\"a\""), "$.sequence", "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"},
        {WITH("\"sequenceincarnation\":\"a\",\"sequence\":\"0\""), "$.sequence", "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"},
        {WITH("\"sequenceincarnation\":\"a\",\"sequence\":\"000\""), "$.sequence", "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"},
        {WITH("\"sequenceincarnation\":\"a\",\"sequence\":\"-1\""), "$.sequence", "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"},
        {WITH("\"sequenceincarnation\":\"a\",\"sequence\":\"1.0\""), "$.sequence", "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"},
        {WITH("\"sequenceincarnation\":\"a\",\"sequence\":\"0000000000000000001\""), "$.sequence",
         "with sequenceincarnation it is the event's number: 1 to 18 digits, from 1"}, // 19 digits
        {WITH("\"sequenceincarnation\":\"\",\"sequence\":\"1\""), "$.sequenceincarnation", "the attribute is empty"},
        {WITH("\"sequenceincarnation\":\"" FIFTY TEN "abcde\",\"sequence\":\"1\""), "$.sequenceincarnation",
         "the attribute is longer than 64 bytes"},
        {WITH("\"sequenceincarnation\":7,\"sequence\":\"1\""), "$.sequenceincarnation", "the attribute is a string"},
        {WITH("\"corrects\":\"\""), "$.corrects", "the attribute is empty"},
        {DATA("\"a\":1e10000"), "$.data.a", "the number's exponent is beyond +-9999"},
        {DATA("\"a\":[0.1e-9999]"), "$.data.a[0]", "the number's exponent is beyond +-9999"},
        {DATA("\"a\":1e99999999999999999999999999"), "$.data.a", "the number's exponent is beyond +-9999"},
    };
    REFUSE(rows);
    decode_good(WITH("\"abcdefghijklmnopqrst\":1"));
    decode_good(DATA("\"a\":1e9999,\"b\":-1.5e-9998,\"c\":0e99999999999999"));
}

// I29
static void a_source_is_a_uri_reference(void **state)
{
    (void)state;
    static const char *const good[] = {"/c/1",
                                       "c",
                                       ".",
                                       "urn:uuid:1",
                                       "https://a.test:80/x?y=/?#z",
                                       "//host",
                                       "//[::1]:80/p",
                                       "a%20b",
                                       "mailto:x@y.test",
                                       "./a:b",
                                       "?q",
                                       "#f",
                                       "x+y-z.1:a",
                                       "/a:b",
                                       "(*)!'$&,;=@~_"};
    static const char *const bad[] = {"a b",   "\xc3\xa9", "%",    "%2",  "%zz",    "1:a", ":a",
                                      "a_b:c", "#a#b",     "/[x]", "a<b", "a\\\\b", "{x}", "//[::1]/[",
                                      "a|b",   "a^b",      "`",    "x?[", "\\u0020"};
    char json[512];
    struct usage_event event;
    struct event_faults faults;
    static const char form[] = "{\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"%s\",\"type\":\"t\",\"subject\":"
                               "\"a\",\"time\":\"2026-10-01T00:00:00Z\"}";
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(json, sizeof json, form, good[i]);
        if (!slice_is(decode_good(json).source, good[i])) fail_msg("%s", good[i]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(json, sizeof json, form, bad[i]);
        if (decode(json, &event, &faults) != ERR_INVALID) fail_msg("taken: %s", bad[i]);
        assert_string_equal(faults.list[0].path, "$.source");
        assert_memory_equal(faults.list[0].reason, "source is not a URI reference: ", 31);
    }
}

// I46-I48
static void time_is_rfc_3339(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"\"",
                                      "\"2026-10-01\"",
                                      "\"2026-10-01T00:00:00\"",
                                      "\"2026-10-01T24:00:00Z\"",
                                      "\"2026-02-30T00:00:00Z\"",
                                      "\"0000-01-01T00:00:00Z\"",
                                      "\"2026-10-01T00:00:00+25:00\"",
                                      "\"2026-10-01 00:00:00Z\"",
                                      "1790812800",
                                      "null",
                                      "\"2026-10-01T00:00:00Z \"",
                                      "\"2026-13-01T00:00:00Z\"",
                                      "\"2026-10-01T00:60:00Z\"",
                                      "\"2026-10-01T00:00:00.Z\""};
    static const struct {
        const char *json;
        instant_us time;
    } good[] = {
        {TIME("\"2026-10-01T00:00:00Z\""), INT64_C(1790812800000000)},
        {TIME("\"2026-10-01t05:45:00.000001999+05:45\""), INT64_C(1790812800000001)}, // truncated
        {TIME("\"2016-12-31T23:59:60Z\""), INT64_C(1483228799999999)},                // leap second, clamped
        {TIME("\"1969-12-31T23:59:59.999999Z\""), -1},
        {TIME("\"2026-10-01T00:00:00.1234567891234Z\""), INT64_C(1790812800123456)},
    };
    struct usage_event event;
    struct event_faults faults;
    char json[512];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(json, sizeof json, TIME("%s"), bad[i]);
        if (decode(json, &event, &faults) != ERR_INVALID) fail_msg("taken: %s", bad[i]);
        assert_string_equal(faults.list[0].path, "$.time");
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (decode_good(good[i].json).event_time != good[i].time) fail_msg("row %zu", i);
}

static void every_fault_is_named(void **state)
{
    (void)state;
    struct usage_event event;
    struct event_faults faults;
    assert_int_equal(
        decode("{\"id\":\"\",\"source\":\"a b\",\"time\":\"x\",\"B\":1,\"data\":{\"a\":1,\"a\":2}}", &event, &faults),
        ERR_INVALID);
    static const char *const paths[] = {"$.B",       "$.specversion", "$.id",   "$.type",
                                        "$.subject", "$.source",      "$.time", "$.data.a"};
    assert_int_equal(faults.count, sizeof paths / sizeof *paths);
    for (size_t i = 0; i < faults.count; i++)
        assert_string_equal(faults.list[i].path, paths[i]);

    // more than can be kept, and a path longer than can be kept: the list is full, nothing is overrun
    struct text json = {0};
    text_add_string(&json, "{");
    for (int i = 0; i < 40; i++)
        text_print(&json, "\"A" BYTES_256 "%d\":1,", i);
    text_add_string(&json, "\"id\":1}");
    assert_int_equal(decode(json.data, &event, &faults), ERR_INVALID);
    assert_int_equal(faults.count, EVENT_FAULTS_MAX);
    assert_int_equal(strlen(faults.list[3].path), sizeof faults.list[3].path - 1);
    text_free(&json);
}

static void repeat(struct text *text, const char *piece, size_t times)
{
    for (size_t i = 0; i < times; i++)
        text_add_string(text, piece);
}

// Head, then `count` times piece, then tail: at the limit taken, one above refused.
static void check_limit(const char *head, const char *piece, size_t count, const char *tail, const char *reason)
{
    struct usage_event event;
    struct event_faults faults;
    for (size_t more = 0; more < 2; more++) {
        struct text json = {0};
        text_add_string(&json, head);
        repeat(&json, piece, count + more);
        text_add_string(&json, tail);
        enum err err = decode(json.data, &event, &faults);
        if (err != (more ? ERR_INVALID : ERR_OK))
            fail_msg("%zu times %s: %s", count + more, piece, faults.count ? faults.list[0].reason : "");
        if (more && !strstr(faults.list[0].reason, reason)) fail_msg("%s", faults.list[0].reason);
        text_free(&json);
    }
}

// I23
static void limits_hold_at_and_one_above(void **state)
{
    (void)state;
    // 6 attributes, data and a are 8 values; the last element closes the list
    check_limit(HEAD ",\"data\":{\"a\":[", "1,", 247, "1]}}", "more than 256 members and elements");
    // the event, data and a are 3 levels
    struct text json = {0};
    text_add_string(&json, HEAD ",\"data\":{\"a\":[");
    repeat(&json, "[", 13);
    repeat(&json, "]", 13);
    text_add_string(&json, "]}}");
    decode_good(json.data);
    text_clear(&json);
    text_add_string(&json, HEAD ",\"data\":{\"a\":[");
    repeat(&json, "[", 14);
    repeat(&json, "]", 14);
    text_add_string(&json, "]}}");
    struct usage_event event;
    struct event_faults faults;
    assert_int_equal(decode(json.data, &event, &faults), ERR_INVALID);
    assert_non_null(strstr(faults.list[0].reason, "nested deeper than 16 levels"));
    text_clear(&json);
    repeat(&json, "{\"a\":", 10000);
    assert_int_equal(decode(json.data, &event, &faults), ERR_INVALID);
    assert_non_null(strstr(faults.list[0].reason, "nested deeper than 16 levels"));

    size_t head = strlen(HEAD ",\"data\":{\"a\":\"\"}}");
    check_limit(HEAD ",\"data\":{\"a\":\"", "x", EVENT_BYTES_MAX - head, "\"}}",
                "the event is longer than 65536 bytes");
    check_limit(HEAD ",\"data\":{\"a\":1", "0", 127, "}}", "the number is longer than 128 bytes");
    text_clear(&json);
    text_add_string(&json, HEAD ",\"data\":{");
    for (int i = 0; i < EVENT_PROPERTIES_MAX - 1; i++)
        text_print(&json, "\"m%d\":1,", i);
    text_add_string(&json, "\"last\":1");
    check_limit(json.data, ",\"more\":1", 0, "}}", "data has more than 64 members");
    text_free(&json);
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
        cmocka_unit_test(an_event_is_read_whole),
        cmocka_unit_test(the_least_event_is_read),
        cmocka_unit_test(an_incarnation_makes_the_sequence_a_number),
        cmocka_unit_test(a_numbered_event_is_known_by_its_number),
        cmocka_unit_test(good_texts_are_kept_byte_exact),
        cmocka_unit_test(broken_json_is_refused_with_its_place),
        cmocka_unit_test(attributes_are_checked),
        cmocka_unit_test(a_source_is_a_uri_reference),
        cmocka_unit_test(time_is_rfc_3339),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(limits_hold_at_and_one_above),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
