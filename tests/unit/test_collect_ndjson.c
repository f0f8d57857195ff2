// SPDX-License-Identifier: Apache-2.0
// Lines of JSON: which lines are events, where they are, and what is wrong with those that are none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/hash.h"
#include "ingest/collect_feed.h"

#define EVENT(id)                                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\","                   \
    "\"time\":\"2026-10-01T00:00:00Z\",\"data\":{}}"

static int file_of(const char *data, size_t length)
{
    int fd = memfd_create("ndjson", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

// "line-nextline-offset:ok" or ":refusal" of every record, then how it ended.
static void read_all(const char *data, size_t length, struct text *out)
{
    int fd = file_of(data, length);
    struct collect_ndjson *ndjson = collect_ndjson_open(fd, "t.ndjson", NULL);
    struct collect_feed feed = collect_ndjson_feed(ndjson);
    struct collect_record *record = heap_alloc(sizeof *record);
    struct fault fault = {0};
    enum err err;
    text_clear(out);
    while ((err = feed.next(feed.self, record, &fault)) == ERR_OK) {
        assert_int_equal(record->count, 1);
        text_print(out, "%lld-%lld-%lld:%s ", (long long)record->line, (long long)record->mark.line,
                   (long long)record->mark.offset, record->refusal[0] ? record->refusal : "ok");
    }
    text_print(out, "%s", err == ERR_NOT_FOUND ? "end" : fault.place);
    collect_ndjson_close(ndjson);
    free(record);
    close(fd);
}

static void lines_are_events(void **state)
{
    (void)state;
    static const struct {
        const char *data, *expected;
    } rows[] = {
        {"", "end"},
        {"\n\r\n \t\n", "end"},
        {EVENT("1"), "1-2-109:ok end"},
        {EVENT("1") "\n", "1-2-110:ok end"},
        {EVENT("1") "\r\n\r\n\n" EVENT("2") "\r\n", "1-2-111:ok 4-5-225:ok end"},
        {"  " EVENT("1") " \n", "1-2-113:ok end"},
        {"x\n" EVENT("1"), "1-2-2:$: byte 0: an event is a JSON object 2-3-111:ok end"},
        {"{}\n", "1-2-3:$.specversion: the attribute is missing; $.id: the attribute is missing; $.type: the attribute "
                 "is missing; $.subject: the attribute is missing; $.source: the attribute is missing; $.time: the "
                 "attribute is missing end"},
        {EVENT("1") EVENT("2") "\n", "1-2-219:$: byte 109: more text follows the object end"},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_all(rows[i].data, strlen(rows[i].data), &out);
        if (strcmp(out.data, rows[i].expected) != 0) fail_msg("row %zu: %s", i, out.data);
    }
    text_free(&out);
}

// One event with white space in front, so that it is as long as wanted.
static void long_line(struct text *text, size_t length, bool inside)
{
    text_clear(text);
    size_t rest = strlen(EVENT("1")) - 1;
    if (inside) text_add_char(text, '{');
    while (text->length + rest + (inside ? 0 : 1) < length)
        text_add_char(text, ' ');
    text_add_string(text, inside ? &EVENT("1")[1] : EVENT("1"));
    text_add_string(text, "\n");
}

static void a_line_has_a_limit(void **state)
{
    (void)state;
    struct text text = {0}, out = {0};
    long_line(&text, EVENT_BYTES_MAX, true);
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "1-2-65537:ok end");
    long_line(&text, EVENT_BYTES_MAX + 1, true);
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "1-2-65538:the event has more than 65536 bytes end");
    long_line(&text, 1024 * 1024, false); // over several pieces of the file
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "1-2-1048577:ok end");
    while (text.length < 3 * 1024 * 1024)
        text_add_char(&text, 'x');
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "1-2-1048577:ok t.ndjson:2");
    text_free(&text);
    text_free(&out);
}

static void a_feed_goes_on_behind_a_line(void **state)
{
    (void)state;
    static const char data[] = EVENT("1") "\n\n" EVENT("2") "\r\n" EVENT("3");
    int fd = file_of(data, sizeof data - 1);
    struct collect_ndjson *ndjson = collect_ndjson_open(fd, "t.ndjson", NULL);
    struct collect_feed feed = collect_ndjson_feed(ndjson);
    struct collect_record *record = heap_alloc(sizeof *record);
    struct collect_mark second;
    assert_int_equal(feed.next(feed.self, record, NULL), ERR_OK);
    assert_int_equal(feed.next(feed.self, record, NULL), ERR_OK);
    second = record->mark;
    assert_int_equal(feed.next(feed.self, record, NULL), ERR_OK);
    assert_int_equal(feed.next(feed.self, record, NULL), ERR_NOT_FOUND);
    assert_int_equal(feed.seek(feed.self, &second, NULL), ERR_OK);
    assert_int_equal(feed.next(feed.self, record, NULL), ERR_OK);
    assert_int_equal(record->mark.record, 3);
    assert_int_equal(record->line, 4);
    assert_true(slice_is(record->events[0], EVENT("3")));
    collect_ndjson_close(ndjson);
    free(record);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_events),
        cmocka_unit_test(a_line_has_a_limit),
        cmocka_unit_test(a_feed_goes_on_behind_a_line),
    };
    hash_init();
    return cmocka_run_group_tests_name("collect_ndjson", tests, NULL, NULL);
}
