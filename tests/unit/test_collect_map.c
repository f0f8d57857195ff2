// SPDX-License-Identifier: Apache-2.0
// Maps: what a row becomes, what is refused in a row, and what is refused in a map, each with its place.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "catalogue/apply.h"
#include "common/file.h"
#include "common/hash.h"
#include "ingest/collect_feed.h"
#include "tests/support/sample_check.h"

static struct arena *arena;

static int open_arena(void **state)
{
    (void)state;
    hash_init();
    arena = arena_new(4096);
    return 0;
}

static int close_arena(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static int file_of(const char *data, size_t length)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static instant_us instant(const char *text)
{
    instant_us at;
    if (!text) return INSTANT_NONE;
    assert_int_equal(instant_parse_loose(text, strlen(text), &at, NULL), ERR_OK);
    return at;
}

static enum err open_feed(struct collect_map *map, const char *yaml, const char *begin, int fd,
                          struct collect_csv **csv, struct fault *fault)
{
    *csv = NULL;
    enum err err = map_read(arena, "m.yaml", yaml, strlen(yaml), map, fault);
    if (err == ERR_OK) err = map_begin(map, instant(begin), fault);
    return err == ERR_OK ? collect_csv_open(map, fd, "t.csv", "d1", csv, fault) : err;
}

// All events of the file, one a line, then "!place reason" if something is refused.
static const char *events_of(const char *yaml, const char *begin, const char *data, size_t length)
{
    struct collect_map *map = heap_alloc(sizeof *map);
    struct collect_record *record = heap_alloc(sizeof *record);
    struct collect_csv *csv;
    struct fault fault = {0};
    struct text out = {0};
    text_add_string(&out, "");
    int fd = file_of(data, length);
    enum err err = open_feed(map, yaml, begin, fd, &csv, &fault);
    if (err == ERR_OK) {
        struct collect_feed feed = collect_csv_feed(csv);
        err = feed.seek(feed.self, &(struct collect_mark){0}, &fault);
        while (err == ERR_OK && (err = feed.next(feed.self, record, &fault)) == ERR_OK) {
            for (size_t i = 0; i < record->count; i++) {
                text_add_slice(&out, record->events[i]);
                text_add_char(&out, '\n');
            }
        }
    }
    if (err != ERR_NOT_FOUND) text_print(&out, "!%s %s", fault.place, fault.reason);
    const char *copy = arena_text(arena, out.data, out.length);
    collect_csv_close(csv);
    text_free(&out);
    close(fd);
    free(record);
    free(map);
    return copy;
}

#define HEAD "{\"specversion\":\"1.0\",\"id\":\"d1-1\",\"source\":\"/s\",\"type\":\"t\",\"subject\":\"u\",\"time\":"
#define SEQUENCE ",\"sequence\":\"000000000001\",\"data\":{"

// One event whose time has this format.
static const char *time_of(const char *format, const char *shift, const char *begin, const char *field)
{
    const char *yaml = arena_print(arena,
                                   "source: /s\nevents:\n- type: t\n  subject: u\n  time: {column: at, format: %s}\n"
                                   "  data: {}\n%s",
                                   format, shift);
    const char *data = arena_print(arena, "at,x\n%s,\n", field), *out = events_of(yaml, begin, data, strlen(data));
    if (*out == '!') return out;
    size_t head = strlen(HEAD), tail = strlen(SEQUENCE "}}\n");
    assert_memory_equal(out, HEAD, head);
    assert_string_equal(out + strlen(out) - tail, SEQUENCE "}}\n");
    return arena_text(arena, out + head + 1, strlen(out) - head - tail - 2);
}

static void times_are_read_exactly(void **state)
{
    (void)state;
    static const char to[] = "shift: {from: 2023-11-16T18:00:00Z, to: 2026-10-01T00:00:00Z}\n",
                      civil[] = "yyyy-mm-dd hh:mm:ss";
    static const struct {
        const char *format, *shift, *begin, *field, *expected;
    } rows[] = {
        {"rfc3339", "", NULL, "2026-10-01T02:00:00.25+02:00", "2026-10-01T00:00:00.25Z"},
        {"rfc3339", "", NULL, "2026-10-01 00:00:00Z", "!t.csv:2:1 "},
        {civil, "", NULL, "2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.97996Z"},
        {civil, "", NULL, "2023-11-16 18:17:03", "2023-11-16T18:17:03Z"},
        {civil, "", NULL, "2023-11-16T18:17:03", "!t.csv:2:1 column 'at': not of the form yyyy-mm-dd hh:mm:ss"},
        {civil, "", NULL, "2023-02-30 18:17:03", "!t.csv:2:1 column 'at': "},
        {civil, "", NULL, "2023-11-16 18:17:03Z", "!t.csv:2:1 column 'at': "},
        {civil, "", NULL, "", "!t.csv:2:1 column 'at': "},
        {"epoch_s", "", NULL, "0", "1970-01-01T00:00:00Z"},
        {"epoch_s", "", NULL, "1700000000.1234567", "2023-11-14T22:13:20.123456Z"}, // cut off
        {"epoch_s", "", NULL, "-0.0000001", "1969-12-31T23:59:59.999999Z"},         // towards the past
        {"epoch_s", "", NULL, "1e9", "!t.csv:2:1 column 'at': "},
        {"epoch_s", "", NULL, "253402300799.999999", "9999-12-31T23:59:59.999999Z"},
        {"epoch_s", "", NULL, "253402300800", "!t.csv:2:1 column 'at': beyond the years 1 to 9999"},
        {"epoch_ms", "", NULL, "1700000000123.4", "2023-11-14T22:13:20.1234Z"},
        {"offset_s", "", "2026-10-01", "90.5", "2026-10-01T00:01:30.5Z"},
        {"offset_s", "", "2026-10-01", "-1", "2026-09-30T23:59:59Z"},
        {"offset_s", "shift: {to: 2026-09-01T00:00:00Z}\n", NULL, "1", "2026-09-01T00:00:01Z"},
        {"offset_s", "shift: {to: 2026-09-01T00:00:00Z}\n", "2026-10-01", "1", "2026-10-01T00:00:01Z"},
        {"offset_s", "", NULL, "1", "!m.yaml:1:1 times count from a begin"},
        {civil, to, NULL, "2023-11-16 18:00:00.5", "2026-10-01T00:00:00.5Z"},
        {civil, to, NULL, "2023-11-16 17:59:59", "2026-09-30T23:59:59Z"},
        {civil, to, "2020-01-01", "2023-11-16 18:00:00", "2020-01-01T00:00:00Z"},
        {civil, "shift: {from: 2023-11-16}\n", NULL, "2023-11-16 18:00:00", "!m.yaml:1:1 the map moves times"},
        {civil, "", "2026-10-01", "2023-11-16 18:00:00", "!m.yaml:1:1 to move times, the map needs"},
        {"epoch_s", "shift: {from: 1970-01-01}\n", "9999-12-31T23:59:59Z", "1", "!t.csv:2:1 column 'at': moved beyond"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *out = time_of(rows[i].format, rows[i].shift, rows[i].begin, rows[i].field);
        bool same = rows[i].expected[0] == '!' ? strncmp(out, rows[i].expected, strlen(rows[i].expected)) == 0
                                               : strcmp(out, rows[i].expected) == 0;
        if (!same) fail_msg("row %zu: %s", i, out);
    }
}

// The data of one event with one member v.
static const char *member_of(const char *member, const char *field)
{
    const char *yaml = arena_print(arena,
                                   "source: /s\nevents:\n- type: t\n  subject: u\n"
                                   "  time: {column: at, format: epoch_s}\n  data: {v: {%s}}\n",
                                   member);
    const char *data = arena_print(arena, "at,f\n0,%s\n", field), *out = events_of(yaml, NULL, data, strlen(data));
    if (*out == '!') return out;
    static const char head[] = HEAD "\"1970-01-01T00:00:00Z\"" SEQUENCE;
    assert_memory_equal(out, head, sizeof head - 1);
    return arena_text(arena, out + sizeof head - 1, strlen(out) - sizeof head + 1 - 3);
}

static void members_are_scaled_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *member, *field, *expected;
    } rows[] = {
        {"column: f", "x y", "\"v\":\"x y\""},
        {"column: f", "", ""}, // a text that is not there is left out
        {"column: f, default: none", "", "\"v\":\"none\""},
        {"column: f, default: none", "x", "\"v\":\"x\""},
        {"column: f", "\"a\"\"b\"", "\"v\":\"a\\\"b\""},
        {"column: f, type: number", "007", "!t.csv:2:2 column 'f': "},
        {"column: f, type: number", "7.50", "\"v\":7.5"},
        {"column: f, type: number", "", "!t.csv:2:2 column 'f': is empty"},
        {"column: f, type: number, default: 0", "", "\"v\":0"},
        {"column: f, type: number", "1e3", "!t.csv:2:2 column 'f': "},
        {"column: f, type: number", "NaN", "!t.csv:2:2 column 'f': "},
        {"column: f, type: number", "0.0000000001", "!t.csv:2:2 column 'f': "},
        {"column: f, scale: 0.001", "12000", "\"v\":\"12\""},
        {"column: f, scale: 0.001", "1", "\"v\":\"0.001\""},
        {"column: f, scale: 0.001, type: number", "460", "\"v\":0.46"},
        {"column: f, scale: 0.001", "0.000001", "\"v\":\"0.000000001\""},
        {"column: f, scale: 0.001", "0.0000001", "!t.csv:2:2 column 'f': scaled, it needs more than 9"},
        {"column: f, scale: 1024", "9007199254740993", "\"v\":\"9223372036854776832\""}, // beyond a double
        {"column: f, scale: 1000000000", "99999999999999999999", "\"v\":\"99999999999999999999000000000\""},
        {"column: f, scale: 1000000000", "999999999999999999999", "!t.csv:2:2 column 'f': scaled, it needs"},
        {"column: f, scale: 0.001, default: 5", "", "\"v\":\"5\""}, // a default is what the member shall be
        {"column: f, scale: -1", "3", "\"v\":\"-3\""},
        {"value: code", "x", "\"v\":\"code\""},
        {"value: 1.50, type: number", "x", "\"v\":1.5"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *out = member_of(rows[i].member, rows[i].field);
        bool same = rows[i].expected[0] == '!' ? strncmp(out, rows[i].expected, strlen(rows[i].expected)) == 0
                                               : strcmp(out, rows[i].expected) == 0;
        if (!same) fail_msg("row %zu: %s", i, out);
    }
}

static const char pods[] = "source: /pods\n"
                           "events:\n"
                           "- type: pod.state\n"
                           "  subject: tenant-{who}\n"
                           "  time: {column: created, format: offset_s}\n"
                           "  data: {pod: {column: name}, state: {value: running}}\n"
                           "- type: pod.state\n"
                           "  subject: tenant-{who}\n"
                           "  time: {column: deleted, format: offset_s}\n"
                           "  when: {column: deleted, not_empty: true}\n"
                           "  data: {pod: {column: name}, state: {value: deleted}}\n"
                           "- type: pod.batch\n"
                           "  subject: batch\n"
                           "  id: b-{name}-{record}\n"
                           "  time: {column: created, format: offset_s}\n"
                           "  when: {column: kind, equals: batch}\n"
                           "  data: {}\n";

static void a_row_gives_the_events_whose_conditions_hold(void **state)
{
    (void)state;
    static const char csv[] = "\xef\xbb\xbfname,who,kind,created,deleted\r\np0,a,,0,60\r\n\"p,1\",b,batch,5,";
    const char *out = events_of(pods, "2026-10-01", csv, sizeof csv - 1);
    assert_string_equal(
        out,
        "{\"specversion\":\"1.0\",\"id\":\"d1-1-a\",\"source\":\"/"
        "pods\",\"type\":\"pod.state\",\"subject\":\"tenant-a\","
        "\"time\":\"2026-10-01T00:00:00Z\",\"sequence\":\"000000000001\",\"data\":{\"pod\":\"p0\",\"state\":"
        "\"running\"}}\n"
        "{\"specversion\":\"1.0\",\"id\":\"d1-1-b\",\"source\":\"/"
        "pods\",\"type\":\"pod.state\",\"subject\":\"tenant-a\","
        "\"time\":\"2026-10-01T00:01:00Z\",\"sequence\":\"000000000002\",\"data\":{\"pod\":\"p0\",\"state\":"
        "\"deleted\"}}\n"
        "{\"specversion\":\"1.0\",\"id\":\"d1-2-a\",\"source\":\"/"
        "pods\",\"type\":\"pod.state\",\"subject\":\"tenant-b\","
        "\"time\":\"2026-10-01T00:00:05Z\",\"sequence\":\"000000000004\",\"data\":{\"pod\":\"p,1\",\"state\":"
        "\"running\"}}\n"
        "{\"specversion\":\"1.0\",\"id\":\"b-p,1-2\",\"source\":\"/pods\",\"type\":\"pod.batch\",\"subject\":\"batch\","
        "\"time\":\"2026-10-01T00:00:05Z\",\"sequence\":\"000000000006\",\"data\":{}}\n");
}

// Each file, and each event of a row, is a source of its own, numbered by the record.
static void a_sequenced_map_numbers_by_record(void **state)
{
    (void)state;
    static const char map[] = "source: /s\nsequenced: true\nevents:\n"
                              "- {type: t, subject: u, time: {column: at, format: epoch_s}, data: {}}\n",
                      two[] = "- {type: t, subject: u, time: {column: at, format: epoch_s}, data: {},"
                              " when: {column: at, equals: \"7\"}}\n";
#define EVENT_OF(id, source, time, number)                                                                             \
    "{\"specversion\":\"1.0\",\"id\":\"d1-" id "\",\"source\":\"/s/d1" source "\",\"type\":\"t\",\"subject\":\"u\",\"time\":\"" time  \
    "\",\"sequence\":\"00000000000" number "\",\"sequenceincarnation\":\"d1\",\"data\":{}}\n"
    assert_string_equal(events_of(map, NULL, "at\n5\n7\n", 7),
                        EVENT_OF("1", "", "1970-01-01T00:00:05Z", "1") EVENT_OF("2", "", "1970-01-01T00:00:07Z", "2"));
    assert_string_equal(events_of(arena_print(arena, "%s%s", map, two), NULL, "at\n5\n7\n", 7),
                        EVENT_OF("1-a", "/a", "1970-01-01T00:00:05Z", "1")
                            EVENT_OF("2-a", "/a", "1970-01-01T00:00:07Z", "2")
                                EVENT_OF("2-b", "/b", "1970-01-01T00:00:07Z", "2"));
}

static void wrong_files_are_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *data, *expected;
    } rows[] = {
        {"", "!t.csv is empty: there is no header"},
        {"name,who,kind,created\n", "!m.yaml:9:18 t.csv has no column 'deleted'; it has: name, who, kind, created"},
        {"name,name,who,kind,created,deleted\n", "!m.yaml:6:24 t.csv has 2 columns 'name'"},
        {"name,who,kind,created,deleted\np,a,,1\n", "!t.csv:2:1 4 fields, but the first record has 5"},
        {"name,who,kind,created,deleted\n\n\np,,,1,\n", "!t.csv:4:2 column 'who': is empty, but names something"},
        {"name,who,kind,created,deleted\np,a,,x,\n", "!t.csv:2:4 column 'created': "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *out = events_of(pods, "2026-10-01", rows[i].data, strlen(rows[i].data));
        if (strncmp(out, rows[i].expected, strlen(rows[i].expected)) != 0) fail_msg("row %zu: %s", i, out);
    }
}

static void without_a_header_columns_have_numbers(void **state)
{
    (void)state;
    static const char yaml[] = "source: /s\nheader: false\nevents:\n- type: t\n  subject: u\n"
                               "  time: {column: 2, format: epoch_s}\n  data: {v: {column: 1}}\n";
    static const char three[] = "source: /s\nheader: false\nevents:\n- type: t\n  subject: u\n"
                                "  time: {column: 3, format: epoch_s}\n  data: {}\n";
    assert_string_equal(events_of(yaml, NULL, "x,0", 3), HEAD "\"1970-01-01T00:00:00Z\"" SEQUENCE "\"v\":\"x\"}}\n");
    assert_string_equal(events_of(three, NULL, "x,0", 3),
                        "!m.yaml:6:18 a file without a header has columns 1 to 2 (t.csv)");
}

static void wrong_maps_are_refused_with_their_place(void **state)
{
    (void)state;
#define EVENT "events:\n- {type: t, subject: u, time: {column: at}, data: {"
    static const struct {
        const char *yaml, *expected;
    } rows[] = {
        {"", "m.yaml a map is one YAML document, not 0"},
        {"source: [", "m.yaml:"},
        {"- x", "m.yaml:1:1 a map is a mapping of keys and values"},
        {"source: /s\nevent: []", "m.yaml:2:1 unknown key 'event' of a map"},
        {"events: []", "m.yaml:1:1 'source' is missing"},
        {"source: 'a b'\nevents: []", "m.yaml:1:9 'source' is no URI reference: "},
        {"source: /s\nheader: yes", "m.yaml:2:9 'header' is one of: false, true"},
        {"source: /s\nsequenced: 1", "m.yaml:2:12 'sequenced' is one of: false, true"},
        {"source: /s\nsequenced: true\nevents:\n- {type: t, id: x, subject: u, time: {column: a, format: epoch_s}, data: {}}",
         "m.yaml:4:17 the events of a sequenced map are known by their records: leave 'id' out"},
        {"source: /s\nevents: []", "m.yaml:2:9 'events' is a list of 1 to 26 events"},
        {"source: /s\nevents: [{type: t}]", "m.yaml:2:10 'subject' is missing"},
        {"source: /s\nevents: [{type: t, subject: u}]", "m.yaml:2:10 'time' is missing"},
        {"source: /s\nevents: [{type: t, subject: u, time: {column: a, format: iso}}]",
         "m.yaml:2:58 'format' is one of: "},
        {"source: /s\nevents: [{type: t, subject: 'u{', time: {column: a}}]", "m.yaml:2:29 'subject': braces enclose"},
        {"source: /s\nevents: [{type: t, subject: 'u{}', time: {column: a}}]", "m.yaml:2:29 'subject': braces enclose"},
        {"source: /s\nevents: [{type: t, subject: u, time: {column: a}}]", "m.yaml:2:10 'data' is missing"},
        {"source: /s\n" EVENT "v: {}}}", "m.yaml:3:55 a member of data has either a 'column' or a constant 'value'"},
        {"source: /s\n" EVENT "v: {column: a, value: b}}}", "m.yaml:3:55 a member of data has either"},
        {"source: /s\n" EVENT "v: {value: b, default: c}}}", "m.yaml:3:55 'default' goes with a 'column'"},
        {"source: /s\n" EVENT "v: {value: 1, scale: 2}}}", "m.yaml:3:55 'scale' goes with a 'column'"},
        {"source: /s\n" EVENT "v: {column: a, scale: 1e3}}}", "m.yaml:3:74 'scale' is no exact decimal: "},
        {"source: /s\n" EVENT "v: {column: a, scale: 2, default: x}}}", "m.yaml:3:86 'default' is no exact decimal: "},
        {"source: /s\n" EVENT "v: {value: x, type: number}}}", "m.yaml:3:63 'value' is no exact decimal: "},
        {"source: /s\n" EVENT "}, when: {column: a}}", "m.yaml:3:61 'when' has either"},
        {"source: /s\n" EVENT "}, when: {column: a, not_empty: true, equals: x}}", "m.yaml:3:61 'when' has either"},
        {"source: /s\n" EVENT "}}\nshift: {from: yesterday}", "m.yaml:4:15 'from' is no instant: "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct collect_map *map = heap_alloc(sizeof *map);
        struct fault fault = {0};
        assert_int_equal(map_read(arena, "m.yaml", rows[i].yaml, strlen(rows[i].yaml), map, &fault), ERR_INVALID);
        const char *out = arena_print(arena, "%s %s", fault.place, fault.reason);
        if (strncmp(out, rows[i].expected, strlen(rows[i].expected)) != 0) fail_msg("row %zu: %s", i, out);
        free(map);
    }
}

// Going on behind any record gives what reading through gives.
static void a_feed_goes_on_behind_every_record(void **state)
{
    (void)state;
    static const char csv[] =
        "\xef\xbb\xbfname,who,kind,created,deleted\n\np0,a,,0,60\n\n\"p\n1\",b,batch,5,\r\np2,c,,1,2\n\n";
    struct collect_map *map = heap_alloc(sizeof *map);
    struct collect_record *record = heap_alloc(sizeof *record), *again = heap_alloc(sizeof *again);
    struct collect_csv *csv_a, *csv_b;
    int fd_a = file_of(csv, sizeof csv - 1), fd_b = file_of(csv, sizeof csv - 1), records = 0;
    assert_int_equal(open_feed(map, pods, "2026-10-01", fd_a, &csv_a, NULL), ERR_OK);
    assert_int_equal(collect_csv_open(map, fd_b, "t.csv", "d1", &csv_b, NULL), ERR_OK);
    struct collect_feed a = collect_csv_feed(csv_a), b = collect_csv_feed(csv_b);
    struct collect_mark mark = {0};
    assert_int_equal(a.seek(a.self, &mark, NULL), ERR_OK);
    enum err err;
    do {
        err = a.next(a.self, record, NULL);
        assert_int_equal(b.seek(b.self, &mark, NULL), ERR_OK);
        assert_int_equal(b.next(b.self, again, NULL), err);
        if (err == ERR_NOT_FOUND) break;
        assert_int_equal(err, ERR_OK);
        assert_int_equal(record->line, again->line);
        assert_int_equal(record->count, again->count);
        assert_memory_equal(&record->mark, &again->mark, sizeof mark);
        for (size_t i = 0; i < record->count; i++)
            assert_true(slice_equal(record->events[i], again->events[i]));
        mark = record->mark;
        records++;
    } while (records < 10);
    assert_int_equal(records, 3);
    assert_int_equal(mark.record, 3);
    collect_csv_close(csv_a);
    collect_csv_close(csv_b);
    close(fd_a);
    close(fd_b);
    free(record);
    free(again);
    free(map);
}

// The shipped maps, on rows as the traces have them: no newline at the end, a zero-length pod, no GPU model.
static void the_sample_maps_fit_the_sample_catalogue(void **state)
{
    (void)state;
    static const struct {
        const char *map, *csv;
        size_t events;
    } rows[] = {
        {"azure-llm.yaml",
         "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 "
         "18:17:04.0319600,0,8",
         2},
        {"alibaba-pods.yaml",
         "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_"
         "time\n"
         "openb-pod-0000,12000,16384,1,1000,,LS,Running,0,12537496,0\n"
         "openb-pod-0001,3152,12288,0,0,,BE,Failed,427061,427061,\n"
         "openb-pod-0002,1000,512,8,1000,V100M32|V100M16,Burstable,Running,5,,5\n",
         5},
    };
    static const char *const sample = TURNPIKE_SOURCE_DIR "/deploy/sample";
    struct catalogue *catalogue;
    struct text errors = {0}, yaml = {0};
    if (catalogue_from_files(&sample, 1, &catalogue, &errors) != ERR_OK) fail_msg("%s", errors.data);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *path = arena_print(arena, "%s/maps/%s", sample, rows[i].map);
        assert_int_equal(file_read(path, MAP_BYTES_MAX, &yaml, NULL), ERR_OK);
        const char *at = events_of(yaml.data, "2026-06-01", rows[i].csv, strlen(rows[i].csv));
        size_t events = 0;
        for (; *at && *at != '!'; at += strcspn(at, "\n") + 1, events++)
            sample_check_event(catalogue, (struct slice){at, strcspn(at, "\n")}, instant("2026-12-01"), arena);
        if (*at) fail_msg("%s: %s", rows[i].map, at);
        assert_int_equal(events, rows[i].events);
    }
    catalogue_release(catalogue);
    text_free(&yaml);
    text_free(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_exactly),
        cmocka_unit_test(members_are_scaled_exactly),
        cmocka_unit_test(a_row_gives_the_events_whose_conditions_hold),
        cmocka_unit_test(a_sequenced_map_numbers_by_record),
        cmocka_unit_test(wrong_files_are_refused_with_their_place),
        cmocka_unit_test(without_a_header_columns_have_numbers),
        cmocka_unit_test(wrong_maps_are_refused_with_their_place),
        cmocka_unit_test(a_feed_goes_on_behind_every_record),
        cmocka_unit_test(the_sample_maps_fit_the_sample_catalogue),
    };
    return cmocka_run_group_tests_name("collect_map", tests, open_arena, close_arena);
}
