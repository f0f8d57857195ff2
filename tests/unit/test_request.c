// SPDX-License-Identifier: Apache-2.0
// HTTP requests as lists of events: three modes, content types, and what binary mode makes of headers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ingest/request.h"

#define STRUCTURED "application/cloudevents+json"
#define BATCH "application/cloudevents-batch+json"
#define CE                                                                                                             \
    {"ce-specversion", "1.0"}, {"ce-id", "e1"}, {"ce-source", "/c"}, {"ce-type", "t"}, {"ce-subject", "a"},            \
    {                                                                                                                  \
        "ce-time", "2026-10-01T00:00:00Z"                                                                              \
    }
#define CE_JSON                                                                                                        \
    "\"specversion\":\"1.0\",\"id\":\"e1\",\"source\":\"/"                                                             \
    "c\",\"type\":\"t\",\"subject\":\"a\",\"time\":\"2026-10-01T00:00:00Z\""

static struct arena *arena;

struct row {
    const char *content_type;
    struct request_header headers[10];
    const char *body;
    int status;                // 0: taken
    const char *code, *detail; // detail: a part of it
};

static enum err read_row(const struct row *row, struct slice **events, size_t *count, struct request_problem *problem)
{
    struct request_input input = {.content_type = row->content_type,
                                  .headers = row->headers,
                                  .body = slice_of(row->body),
                                  .events_most = 3};
    while (input.header_count < 10 && row->headers[input.header_count].name)
        input.header_count++;
    return request_read(&input, arena, events, count, problem);
}

static void content_types_choose_the_mode(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum media_match match;
    } rows[] = {
        {STRUCTURED, MEDIA_SAME},
        {"Application/CloudEvents+JSON", MEDIA_SAME},
        {STRUCTURED ";charset=utf-8", MEDIA_SAME},
        {STRUCTURED " ; Charset=\"UTF-8\" ; x=y", MEDIA_SAME},
        {STRUCTURED "; x=y", MEDIA_SAME},
        {STRUCTURED ";", MEDIA_SAME},
        {STRUCTURED "; charset=utf-16", MEDIA_OTHER_CHARSET},
        {STRUCTURED "; charset=", MEDIA_OTHER_CHARSET},
        {STRUCTURED "; charset=\"", MEDIA_OTHER_CHARSET},
        {STRUCTURED "; x=y; charset=latin1", MEDIA_OTHER_CHARSET},
        {STRUCTURED "x", MEDIA_OTHER},
        {STRUCTURED ", text/plain", MEDIA_OTHER},
        {"application/cloudevents", MEDIA_OTHER},
        {BATCH, MEDIA_OTHER},
        {"", MEDIA_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (media_match(rows[i].type, STRUCTURED) != rows[i].match) fail_msg("%s", rows[i].type);
}

static void requests_are_taken_or_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {STRUCTURED, {{0}}, "{\"id\":1}", 0, "", "{\"id\":1}"},
        {STRUCTURED, {{0}}, "[]", 0, "", "[]"}, // event_decode refuses it
        {STRUCTURED, {{0}}, "", 400, "malformed", "the body is empty"},
        {BATCH, {{0}}, "[{\"id\":1},{\"id\":2}]", 0, "", "{\"id\":1}"},
        {BATCH, {{0}}, "[1,2,3]", 0, "", "1"},
        {BATCH, {{0}}, "", 400, "malformed", "the body is empty"},
        {BATCH, {{0}}, "[]", 400, "malformed", "the array has no events"},
        {BATCH, {{0}}, "{}", 400, "malformed", "not a JSON array of events: byte 0"},
        {BATCH, {{0}}, "[{}", 400, "malformed", "byte 3: the text ends too early"},
        {BATCH, {{0}}, "[1,2,3,4]", 413, "too_many_events", "at most 3 events"},
        {NULL, {{0}}, "{}", 415, "unsupported_media_type", "send application/cloudevents+json"},
        {"application/json", {{0}}, "{}", 415, "unsupported_media_type", "send application/cloudevents+json"},
        {"text/plain", {{0}}, "{}", 415, "unsupported_media_type", "send application/cloudevents+json"},
        {STRUCTURED "; charset=utf-16", {{0}}, "{}", 415, "unsupported_media_type", "the charset must be utf-8"},
        {STRUCTURED, {{"content-encoding", "gzip"}}, "{}", 415, "unsupported_media_type", "must not be compressed"},
        {STRUCTURED, {{"content-encoding", "identity"}}, "{}", 0, "", "{}"},
        // binary
        {"application/json",
         {CE},
         "{\"v\":1}",
         0,
         "",
         "{" CE_JSON ",\"datacontenttype\":\"application/json\",\"data\":{\"v\":1}}"},
        {"application/json; charset=utf-8",
         {CE, {"ce-sequence", "7"}},
         " {} ",
         0,
         "",
         "{" CE_JSON ",\"sequence\":\"7\",\"datacontenttype\":\"application/json\",\"data\": {} }"},
        {NULL, {CE, {"accept", "*/*"}}, "", 0, "", "{" CE_JSON "}"},
        {NULL, {{"ce-id", "a%20%E2%82%AC%25 %22"}}, "", 0, "", "{\"id\":\"a \xe2\x82\xac% \\\"\"}"},
        {STRUCTURED, {CE}, "{}", 0, "", "{}"}, // a structured body wins
        {"text/xml", {CE}, "<a/>", 415, "unsupported_media_type", "application/json"},
        {"application/json; charset=latin1", {CE}, "{}", 415, "unsupported_media_type", "application/json"},
        {NULL, {CE}, "{}", 415, "unsupported_media_type", "application/json"},
        {"application/json", {CE}, "", 400, "malformed", "the data is not one JSON value"},
        {"application/json", {CE}, "{},{}", 400, "malformed", "the data is not one JSON value"},
        {"application/json", {CE}, "{\"v\":1},\"subject\":\"b\"", 400, "malformed", "the data is not one JSON value"},
        {"application/json", {CE}, "{}}", 400, "malformed", "the data is not one JSON value"},
        {"application/json", {CE}, "1],[2", 400, "malformed", "the data is not one JSON value"},
        {"application/json", {CE}, "\"", 400, "malformed", "the data is not one JSON value"},
        {NULL, {CE, {"ce-id", "e2"}}, "", 400, "malformed", "the header ce-id is there twice"},
        {NULL, {CE, {"ce-data", "{}"}}, "", 400, "malformed", "the header ce-data is not an attribute"},
        {NULL, {CE, {"ce-datacontenttype", "x"}}, "", 400, "malformed", "the header ce-datacontenttype is not"},
        {NULL, {CE, {"ce-x", "%2"}}, "", 400, "malformed", "the header ce-x is not percent-encoded UTF-8"},
        {NULL, {CE, {"ce-x", "%00"}}, "", 400, "malformed", "the header ce-x is not percent-encoded UTF-8"},
        {NULL, {CE, {"ce-x", "%ff"}}, "", 400, "malformed", "the header ce-x is not percent-encoded UTF-8"},
        {NULL, {CE, {"ce-x", "%"}}, "", 400, "malformed", "the header ce-x is not percent-encoded UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice *events;
        size_t count;
        struct request_problem problem = {0};
        enum err err = read_row(&rows[i], &events, &count, &problem);
        if ((err == ERR_OK) != (rows[i].status == 0)) fail_msg("row %zu: %d %s", i, problem.status, problem.detail);
        if (err == ERR_OK) {
            assert_true(count >= 1);
            if (!slice_is(events[0], rows[i].detail))
                fail_msg("row %zu: %.*s", i, (int)events[0].length, events[0].data);
        } else if (problem.status != rows[i].status || strcmp(problem.code, rows[i].code) != 0 ||
                   !strstr(problem.detail, rows[i].detail)) {
            fail_msg("row %zu: %d %s %s", i, problem.status, problem.code, problem.detail);
        }
    }
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_choose_the_mode),
        cmocka_unit_test(requests_are_taken_or_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
