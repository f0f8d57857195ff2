// SPDX-License-Identifier: Apache-2.0
// CSV as a stream: bytes are copied from the input piece into one record, runs at a time, and never looked at twice.
// Memory is one input piece, one record of at most 1 MiB and its fields, whatever the size of the file.
#include "common/csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"

enum { CSV_PIECE = 256 * 1024, CSV_NAME_SHOWN = 100, CSV_END = -1 };

struct csv_reader {
    int fd;
    char *name;
    char *input; // one piece of the file
    size_t input_at, input_length;
    int64_t input_start;  // offset of the piece in the file
    struct text record;   // the fields one after the other, without quotes
    struct slice *fields; // while reading only the lengths are right: the record may still move
    size_t field_capacity, count, columns;
    int64_t number, line_begun, line;
    int64_t line_offset; // of the first byte of the line
    enum err err;        // final once it is not ERR_OK
    struct fault fault;
};

struct csv_reader *csv_open(int fd, const char *name)
{
    struct csv_reader *reader = heap_alloc(sizeof *reader);
    reader->fd = fd;
    reader->name = heap_text(name);
    reader->input = heap_alloc(CSV_PIECE);
    reader->line = 1;
    return reader;
}

struct csv_reader *csv_open_at(int fd, const char *name, const struct csv_place *place)
{
    ENSURE(place->record > 0 && place->line > 0 && place->offset > 0 && place->columns > 0);
    struct csv_reader *reader = csv_open(fd, name);
    reader->number = place->record;
    reader->line = place->line;
    reader->input_start = reader->line_offset = place->offset;
    reader->columns = place->columns;
    return reader;
}

void csv_close(struct csv_reader *reader)
{
    if (!reader) return;
    free(reader->name);
    free(reader->input);
    free(reader->fields);
    text_free(&reader->record);
    free(reader);
}

int64_t csv_record(const struct csv_reader *reader)
{
    return reader->number;
}

int64_t csv_line(const struct csv_reader *reader)
{
    return reader->line_begun;
}

int64_t csv_next_line(const struct csv_reader *reader)
{
    return reader->line;
}

int64_t csv_offset(const struct csv_reader *reader)
{
    return reader->input_start + (int64_t)reader->input_at;
}

static enum err refuse_at(struct csv_reader *reader, enum err err, int64_t line, int64_t column, const char *reason)
{
    char place[FAULT_PLACE_MAX];
    size_t length = strlen(reader->name);
    const char *name = length > CSV_NAME_SHOWN ? reader->name + length - CSV_NAME_SHOWN : reader->name;
    int written = snprintf(place, sizeof place, "%s:%lld:%lld", name, (long long)line, (long long)column);
    ENSURE(written > 0 && written < (int)sizeof place);
    reader->err = err;
    return fault_set(&reader->fault, err, place, "%s", reason);
}

// At the next byte of the input.
static enum err refuse(struct csv_reader *reader, enum err err, const char *reason)
{
    return refuse_at(reader, err, reader->line, csv_offset(reader) - reader->line_offset + 1, reason);
}

// Takes the next piece of the file when this one is used up. ERR_NOT_FOUND: the file is at its end.
static enum err fill(struct csv_reader *reader)
{
    if (reader->input_at < reader->input_length) return ERR_OK;
    reader->input_start += (int64_t)reader->input_length;
    reader->input_at = reader->input_length = 0;
    ssize_t count;
    do
        count = read(reader->fd, reader->input, CSV_PIECE);
    while (count < 0 && errno == EINTR);
    if (count == 0) return ERR_NOT_FOUND;
    if (count < 0) {
        char text[128];
        return refuse(reader, errno == EISDIR ? ERR_INVALID : ERR_RETRY, strerror_r(errno, text, sizeof text));
    }
    reader->input_length = (size_t)count;
    return ERR_OK;
}

// The next byte without taking it, CSV_END at the end, or an error.
static enum err peek(struct csv_reader *reader, int *byte)
{
    enum err err = fill(reader);
    if (err == ERR_NOT_FOUND) {
        *byte = CSV_END;
        return ERR_OK;
    }
    if (err == ERR_OK) *byte = (unsigned char)reader->input[reader->input_at];
    return err;
}

static void take_line_end(struct csv_reader *reader)
{
    reader->input_at++;
    reader->line++;
    reader->line_offset = csv_offset(reader);
}

static enum err take_run(struct csv_reader *reader, size_t length)
{
    if (reader->record.length + length > CSV_RECORD_MAX)
        return refuse_at(reader, ERR_LIMIT, reader->line_begun, 1,
                         "the record is longer than 1 MiB: is a quote missing?");
    text_add(&reader->record, reader->input + reader->input_at, length);
    reader->input_at += length;
    return ERR_OK;
}

static const bool ends_unquoted[256] = {[','] = true, ['\n'] = true, ['\r'] = true, ['"'] = true, [0] = true};
static const bool ends_quoted[256] = {['\n'] = true, ['"'] = true, [0] = true};

// Copies ordinary bytes up to one that may mean something.
static enum err copy_run(struct csv_reader *reader, const bool ends[256], int *byte)
{
    for (;;) {
        enum err err = peek(reader, byte);
        if (err != ERR_OK || *byte == CSV_END || ends[*byte]) return err;
        size_t end = reader->input_at + 1;
        while (end < reader->input_length && !ends[(unsigned char)reader->input[end]])
            end++;
        err = take_run(reader, end - reader->input_at);
        if (err != ERR_OK) return err;
    }
}

// Behind the opening quote: copies up to the closing one and takes that.
static enum err quoted_read(struct csv_reader *reader)
{
    int64_t line = reader->line, column = csv_offset(reader) - reader->line_offset; // of the opening quote
    for (;;) {
        int byte;
        enum err err = copy_run(reader, ends_quoted, &byte);
        if (err != ERR_OK) return err;
        if (byte == CSV_END) return refuse_at(reader, ERR_INVALID, line, column, "this quote is never closed");
        if (byte == 0) return refuse(reader, ERR_INVALID, "a NUL byte");
        if (byte == '\n') { // part of the value
            err = take_run(reader, 1);
            if (err != ERR_OK) return err;
            reader->line++;
            reader->line_offset = csv_offset(reader);
            continue;
        }
        reader->input_at++;
        err = peek(reader, &byte);
        if (err != ERR_OK || byte != '"') return err;
        err = take_run(reader, 1); // two quotes stand for one
        if (err != ERR_OK) return err;
    }
}

// Behind a carriage return that was seen, not taken: only a line feed may follow.
static enum err return_read(struct csv_reader *reader)
{
    int64_t column = csv_offset(reader) - reader->line_offset + 1;
    reader->input_at++;
    int byte;
    enum err err = peek(reader, &byte);
    if (err != ERR_OK || byte == '\n') return err;
    return refuse_at(reader, ERR_INVALID, reader->line, column, "a carriage return that ends no line");
}

static enum err field_add(struct csv_reader *reader, size_t start)
{
    if (reader->count == CSV_FIELDS_MAX) return refuse(reader, ERR_LIMIT, "more than 4096 fields");
    if (reader->count == reader->field_capacity) {
        reader->field_capacity = reader->field_capacity ? 2 * reader->field_capacity : 32;
        reader->fields = heap_grow(reader->fields, sizeof *reader->fields, reader->field_capacity);
    }
    reader->fields[reader->count++].length = reader->record.length - start;
    return ERR_OK;
}

// One field and what ends it, which is told but, a comma apart, not taken.
static enum err field_read(struct csv_reader *reader, int *end)
{
    size_t start = reader->record.length;
    enum err err = peek(reader, end);
    bool quoted = err == ERR_OK && *end == '"';
    if (quoted) {
        reader->input_at++;
        err = quoted_read(reader);
        if (err == ERR_OK) err = peek(reader, end);
    } else if (err == ERR_OK) {
        err = copy_run(reader, ends_unquoted, end);
    }
    if (err == ERR_OK && *end == '\r') {
        err = return_read(reader);
        *end = '\n';
    }
    if (err != ERR_OK) return err;
    if (*end == 0) return refuse(reader, ERR_INVALID, "a NUL byte");
    if (*end != ',' && *end != '\n' && *end != CSV_END)
        return refuse(reader, ERR_INVALID,
                      quoted ? "text behind a closing quote" : "a quote inside a field that has none at its start");
    err = field_add(reader, start);
    if (err == ERR_OK && *end == ',') reader->input_at++;
    return err;
}

// Passes empty lines and, at the start of the file, the byte order mark. ERR_NOT_FOUND at the end.
static enum err record_find(struct csv_reader *reader)
{
    int byte;
    for (;;) {
        enum err err = peek(reader, &byte);
        if (err != ERR_OK) return err;
        if (byte == CSV_END) return ERR_NOT_FOUND;
        if (byte == '\r') {
            err = return_read(reader);
            if (err != ERR_OK) return err;
            byte = '\n';
        }
        if (byte != '\n') return ERR_OK;
        take_line_end(reader);
    }
}

// The first record has it in front of its first field; a field that begins with U+FEFF otherwise keeps it.
static enum err mark_skip(struct csv_reader *reader)
{
    static const unsigned char mark[] = {0xef, 0xbb, 0xbf};
    for (size_t i = 0; i < sizeof mark; i++) {
        int byte;
        enum err err = peek(reader, &byte);
        if (err != ERR_OK) return err;
        if (byte != mark[i]) return i == 0 ? ERR_OK : refuse(reader, ERR_INVALID, "not valid UTF-8");
        reader->input_at++;
    }
    reader->line_offset = csv_offset(reader);
    return ERR_OK;
}

// Now the record does not move any more: the fields get their places. Each is checked alone, since two halves of a
// character could meet in the record. Quotes are gone, so the field's number is said instead of a column.
static enum err fields_place(struct csv_reader *reader)
{
    const char *at = reader->record.data;
    for (size_t i = 0; i < reader->count; i++) {
        reader->fields[i].data = at;
        at += reader->fields[i].length;
        if (utf8_valid(reader->fields[i].data, reader->fields[i].length)) continue;
        char reason[64];
        int written = snprintf(reason, sizeof reason, "field %zu is not valid UTF-8", i + 1);
        ENSURE(written > 0 && written < (int)sizeof reason);
        return refuse_at(reader, ERR_INVALID, reader->line_begun, 1, reason);
    }
    return ERR_OK;
}

static enum err columns_check(struct csv_reader *reader)
{
    if (reader->number == 1) reader->columns = reader->count;
    if (reader->count == reader->columns) return ERR_OK;
    char reason[96];
    int written = snprintf(reason, sizeof reason, "%zu field%s, but the first record has %zu", reader->count,
                           reader->count == 1 ? "" : "s", reader->columns);
    ENSURE(written > 0 && written < (int)sizeof reason);
    return refuse_at(reader, ERR_INVALID, reader->line_begun, 1, reason);
}

static enum err record_read(struct csv_reader *reader)
{
    int end = ',';
    enum err err = csv_offset(reader) == 0 ? mark_skip(reader) : ERR_OK;
    if (err == ERR_OK) err = record_find(reader);
    if (err != ERR_OK) return err;
    text_clear(&reader->record);
    reader->count = 0;
    reader->line_begun = reader->line;
    while (err == ERR_OK && end == ',')
        err = field_read(reader, &end);
    if (err != ERR_OK) return err;
    if (end == '\n') take_line_end(reader);
    reader->number++;
    err = columns_check(reader);
    return err == ERR_OK ? fields_place(reader) : err;
}

enum err csv_next(struct csv_reader *reader, const struct slice **fields, size_t *count, struct fault *fault)
{
    *fields = NULL;
    *count = 0;
    enum err err = reader->err == ERR_OK ? record_read(reader) : reader->err;
    if (err == ERR_OK) {
        *fields = reader->fields;
        *count = reader->count;
    } else if (err != ERR_NOT_FOUND && fault) {
        *fault = reader->fault;
    }
    return err;
}
