// SPDX-License-Identifier: Apache-2.0
// CSV: what RFC 4180 allows, what is refused and where, and records over the bounds of the pieces that are read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/csv.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static int file_of(const void *data, size_t length)
{
    int fd = memfd_create("csv", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

// All records, as "(field|field)(field|field)", then "!place reason" if one is refused.
static void read_all(const char *data, size_t length, struct text *out)
{
    int fd = file_of(data, length);
    struct csv_reader *reader = csv_open(fd, "t.csv");
    const struct slice *fields;
    size_t count;
    struct fault fault = {0};
    enum err err;
    text_clear(out);
    while ((err = csv_next(reader, &fields, &count, &fault)) == ERR_OK) {
        for (size_t i = 0; i < count; i++) {
            text_add_char(out, i == 0 ? '(' : '|');
            text_add_slice(out, fields[i]);
        }
        text_add_char(out, ')');
    }
    if (err != ERR_NOT_FOUND) text_print(out, "!%s %s", fault.place, fault.reason);
    struct fault again = {0};
    assert_int_equal(csv_next(reader, &fields, &count, &again), err); // the end and an error are final
    assert_string_equal(again.reason, fault.reason);
    assert_int_equal(count, 0);
    csv_close(reader);
    close(fd);
}

static void forms_are_read_or_refused_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t length;
        const char *expected;
    } rows[] = {
        {BYTES(""), ""},
        {BYTES("\n\r\n\n"), ""},
        {BYTES("\xef\xbb\xbf"), ""},
        {BYTES("a"), "(a)"},
        {BYTES("a,b\n1,2\n"), "(a|b)(1|2)"},
        {BYTES("a,b\n1,2"), "(a|b)(1|2)"},
        {BYTES("a,b\r\n1,2\r\n"), "(a|b)(1|2)"},
        {BYTES("a,b\n1,2\r\n3,4\n"), "(a|b)(1|2)(3|4)"},
        {BYTES("\xef\xbb\xbf"
               "a,b\n1,2\n"),
         "(a|b)(1|2)"},
        {BYTES("\xef\xbb\xbf\"a\",b\n"), "(a|b)"},
        {BYTES("a\n\xef\xbb\xbf"
               "1\n"),
         "(a)(\xef\xbb\xbf"
         "1)"},
        {BYTES("a,b\n\n\r\n1,2\n\n"), "(a|b)(1|2)"},
        {BYTES(",\n,\n"), "(|)(|)"},
        {BYTES("a,\n,"), "(a|)(|)"},
        {BYTES("\"\"\n"), "()"},
        {BYTES("\"\""), "()"},
        {BYTES("\"a,b\",\"c\"\"d\"\n"), "(a,b|c\"d)"},
        {BYTES("\"\"\"\"\n"), "(\")"},
        {BYTES("\"a\r\nb\",c\nd,e"), "(a\r\nb|c)(d|e)"},
        {BYTES("\"a\rb\"\n"), "(a\rb)"},
        {BYTES(" a , b \n"), "( a | b )"},
        {BYTES("=1+1,@x\n"), "(=1+1|@x)"}, // formulas are text
        {BYTES("caf\xc3\xa9,\xf0\x9f\x98\x80\n"), "(caf\xc3\xa9|\xf0\x9f\x98\x80)"},
        // refused
        {BYTES("a,b\n1\n"), "(a|b)!t.csv:2:1 1 field, but the first record has 2"},
        {BYTES("a,b\n1,2,3\n"), "(a|b)!t.csv:2:1 3 fields, but the first record has 2"},
        {BYTES("a,b\n\n\"x\ny\",2\n1,2,3"), "(a|b)(x\ny|2)!t.csv:5:1 3 fields, but the first record has 2"},
        {BYTES("a\nb\"c\n"), "(a)!t.csv:2:2 a quote inside a field that has none at its start"},
        {BYTES("a, \"b\"\n"), "!t.csv:1:4 a quote inside a field that has none at its start"},
        {BYTES("a\n\"b\"c\n"), "(a)!t.csv:2:4 text behind a closing quote"},
        {BYTES("\"b\" ,c\n"), "!t.csv:1:4 text behind a closing quote"},
        {BYTES("\"b\"\"\n"), "!t.csv:1:1 this quote is never closed"},
        {BYTES("a,b\n1,\"x\n\n"), "(a|b)!t.csv:2:3 this quote is never closed"},
        {BYTES("\""), "!t.csv:1:1 this quote is never closed"},
        {BYTES("a\rb\n"), "!t.csv:1:2 a carriage return that ends no line"},
        {BYTES("a\r"), "!t.csv:1:2 a carriage return that ends no line"},
        {BYTES("a\r\r\n"), "!t.csv:1:2 a carriage return that ends no line"},
        {BYTES("\"a\"\rb\n"), "!t.csv:1:4 a carriage return that ends no line"},
        {BYTES("\rb\n"), "!t.csv:1:1 a carriage return that ends no line"},
        {BYTES("a\nb\0c\n"), "(a)!t.csv:2:2 a NUL byte"},
        {BYTES("\"a\0\"\n"), "!t.csv:1:3 a NUL byte"},
        {BYTES("\0"), "!t.csv:1:1 a NUL byte"},
        {BYTES("\xff\xfe"
               "a\0,\0"),
         "!t.csv:1:4 a NUL byte"}, // UTF-16
        {BYTES("a,b\n1,\xe9\n"), "(a|b)!t.csv:2:1 field 2 is not valid UTF-8"},
        {BYTES("\xc3,\xa9\n"), "!t.csv:1:1 field 1 is not valid UTF-8"}, // no character over a comma
        {BYTES("\xef\xbb"
               "a\n"),
         "!t.csv:1:3 not valid UTF-8"},
    };
    struct text out = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        read_all(rows[i].data, rows[i].length, &out);
        if (strcmp(out.data, rows[i].expected) != 0) fail_msg("row %zu: %s", i, out.data);
    }
    text_free(&out);
}

// One record of `length` bytes in two fields, then a short one.
static void record_of(struct text *text, size_t length, bool quoted)
{
    text_clear(text);
    text_add_string(text, quoted ? "k,\"" : "k,");
    while (text->length < length + (quoted ? 2 : 1))
        text_add_char(text, quoted && text->length % 1000 == 0 ? '\n' : 'x');
    text_add_string(text, quoted ? "\"\n1,2\n" : "\n1,2\n");
}

static void a_record_has_a_limit(void **state)
{
    (void)state;
    struct text text = {0}, out = {0};
    for (int quoted = 0; quoted < 2; quoted++) {
        record_of(&text, CSV_RECORD_MAX - 1, quoted);
        read_all(text.data, text.length, &out);
        assert_int_equal(out.length, CSV_RECORD_MAX - 1 + 3 + 5);
        assert_string_equal(out.data + out.length - 6, ")(1|2)");
        record_of(&text, CSV_RECORD_MAX, quoted);
        read_all(text.data, text.length, &out);
        assert_int_equal(out.length, CSV_RECORD_MAX + 3 + 5);
        record_of(&text, CSV_RECORD_MAX + 1, quoted);
        read_all(text.data, text.length, &out);
        assert_string_equal(out.data, "!t.csv:1:1 the record is longer than 1 MiB: is a quote missing?");
    }
    text_free(&text);
    text_free(&out);
}

static void a_record_has_a_limit_of_fields(void **state)
{
    (void)state;
    struct text text = {0}, out = {0};
    for (int i = 1; i < CSV_FIELDS_MAX; i++)
        text_add_char(&text, ',');
    read_all(text.data, text.length, &out);
    assert_int_equal(out.length, CSV_FIELDS_MAX + 1);
    text_add_char(&text, ',');
    read_all(text.data, text.length, &out);
    assert_string_equal(out.data, "!t.csv:1:4097 more than 4096 fields");
    text_free(&text);
    text_free(&out);
}

// Reading on behind each record gives the rest, with its numbers; the mark is only skipped where a file begins.
static void a_reader_continues_where_another_stood(void **state)
{
    (void)state;
    static const char data[] = "\xef\xbb\xbf"
                               "a,b\r\n\n\"1\n\",2\n\xef\xbb\xbf"
                               "3,4\n5";
    static const struct {
        const char *first;
        int64_t line, offset, next_line;
    } rows[] = {{"a", 1, 8, 2}, {"1\n", 3, 16, 5}, {"\xef\xbb\xbf" "3", 5, 23, 6}};
    int fd = file_of(data, sizeof data - 1);
    struct csv_reader *reader = csv_open(fd, "t.csv");
    const struct slice *fields;
    size_t count;
    for (size_t i = 0; i < 3; i++) {
        struct fault fault = {0};
        assert_int_equal(csv_next(reader, &fields, &count, &fault), ERR_OK);
        assert_true(slice_is(fields[0], rows[i].first));
        assert_int_equal(csv_record(reader), i + 1);
        assert_int_equal(csv_line(reader), rows[i].line);
        assert_int_equal(csv_offset(reader), rows[i].offset);
        assert_int_equal(csv_next_line(reader), rows[i].next_line);
        struct csv_place place = {csv_record(reader), csv_next_line(reader), csv_offset(reader), count};
        csv_close(reader);
        assert_int_equal(lseek(fd, place.offset, SEEK_SET), place.offset);
        reader = csv_open_at(fd, "t.csv", &place);
    }
    struct fault fault = {0};
    assert_int_equal(csv_next(reader, &fields, &count, &fault), ERR_INVALID);
    assert_string_equal(fault.place, "t.csv:6:1");
    assert_string_equal(fault.reason, "1 field, but the first record has 2");
    csv_close(reader);
    close(fd);
}

static void *write_slowly(void *context)
{
    static const char data[] = "\xef\xbb\xbf\"a\"\"\",b\r\n\"1\r\n\",\"\"\r\n3,\xc3\xa9\r\n";
    int fd = *(int *)context;
    for (size_t i = 0; i < sizeof data - 1; i++)
        if (write(fd, data + i, 1) != 1) break;
    close(fd);
    return NULL;
}

// Each byte may arrive alone: the state between two bytes is never lost.
static void a_pipe_gives_what_a_file_gives(void **state)
{
    (void)state;
    int ends[2];
    pthread_t writer;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0); // packets: a read gives one write
    assert_int_equal(pthread_create(&writer, NULL, write_slowly, &ends[1]), 0);
    struct csv_reader *reader = csv_open(ends[0], "pipe");
    const struct slice *fields;
    size_t count;
    static const struct {
        const char *first, *second;
        int64_t line, offset;
    } rows[] = {{"a\"", "b", 1, 12}, {"1\r\n", "", 2, 22}, {"3", "\xc3\xa9", 4, 28}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(csv_next(reader, &fields, &count, NULL), ERR_OK);
        assert_int_equal(count, 2);
        assert_true(slice_is(fields[0], rows[i].first));
        assert_true(slice_is(fields[1], rows[i].second));
        assert_int_equal(csv_record(reader), i + 1);
        assert_int_equal(csv_line(reader), rows[i].line);
        assert_int_equal(csv_offset(reader), rows[i].offset);
    }
    assert_int_equal(csv_next(reader, &fields, &count, NULL), ERR_NOT_FOUND);
    assert_int_equal(pthread_join(writer, NULL), 0);
    csv_close(reader);
    close(ends[0]);
}

// Shifts every kind of byte over the bound between two pieces of 256 KiB.
static void pieces_of_the_file_may_end_anywhere(void **state)
{
    (void)state;
    static const char tail[] = "\"q\"\"r\",\"s\r\nt\"\r\nu,v\n";
    struct text text = {0}, out = {0};
    for (size_t shift = 0; shift < sizeof tail + 2; shift++) {
        text_clear(&text);
        text_add_string(&text, "a,b\n");
        while (text.length + shift < 256 * 1024)
            text_add_char(&text, '\n'); // blank lines change nothing
        text_add_string(&text, tail);
        read_all(text.data, text.length, &out);
        if (strcmp(out.data, "(a|b)(q\"r|s\r\nt)(u|v)") != 0) fail_msg("shift %zu: %s", shift, out.data);
    }
    text_free(&text);
    text_free(&out);
}

static void many_records_need_no_more_memory(void **state)
{
    (void)state;
    int fd = memfd_create("csv", MFD_CLOEXEC);
    struct text text = {0};
    for (int i = 0; i < 10000; i++)
        text_print(&text, "%05d,\"value, quoted\",plain\n", i);
    for (int i = 0; i < 20; i++)
        assert_int_equal(write(fd, text.data, text.length), text.length);
    lseek(fd, 0, SEEK_SET);
    struct csv_reader *reader = csv_open(fd, "many");
    const struct slice *fields;
    size_t count;
    int64_t records = 0;
    enum err err;
    while ((err = csv_next(reader, &fields, &count, NULL)) == ERR_OK) {
        assert_int_equal(atoll(fields[0].data), records % 10000);
        assert_true(slice_is(fields[1], "value, quoted"));
        records++;
    }
    assert_int_equal(err, ERR_NOT_FOUND);
    assert_int_equal(records, 200000);
    assert_int_equal(csv_offset(reader), 20 * (int64_t)text.length);
    csv_close(reader);
    close(fd);
    text_free(&text);
}

static void a_failed_read_is_told(void **state)
{
    (void)state;
    const struct slice *fields;
    size_t count;
    struct fault fault;
    struct csv_reader *reader = csv_open(-1, "closed.csv");
    assert_int_equal(csv_next(reader, &fields, &count, &fault), ERR_RETRY);
    assert_string_equal(fault.place, "closed.csv:1:1");
    assert_string_equal(fault.reason, "Bad file descriptor");
    csv_close(reader);
    int folder = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    reader = csv_open(folder, "/");
    assert_int_equal(csv_next(reader, &fields, &count, &fault), ERR_INVALID);
    csv_close(reader);
    close(folder);
    csv_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_are_read_or_refused_with_their_place),
        cmocka_unit_test(a_record_has_a_limit),
        cmocka_unit_test(a_record_has_a_limit_of_fields),
        cmocka_unit_test(a_reader_continues_where_another_stood),
        cmocka_unit_test(a_pipe_gives_what_a_file_gives),
        cmocka_unit_test(pieces_of_the_file_may_end_anywhere),
        cmocka_unit_test(many_records_need_no_more_memory),
        cmocka_unit_test(a_failed_read_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
