// SPDX-License-Identifier: Apache-2.0
// RFC 4180 CSV, read as a stream with constant memory: quoted fields, CRLF or LF, a BOM at the start is skipped, the
// last line may lack its end. Ragged rows, stray quotes, a carriage return that ends no line, NUL, invalid UTF-8, more
// than 4096 fields and a record over 1 MiB are errors with line and column (in bytes; for UTF-8 the field's number).
#pragma once
#include "common/text.h"

enum { CSV_RECORD_MAX = 1024 * 1024, CSV_FIELDS_MAX = 4096 };

struct csv_reader;
// Reads from a file descriptor that stays the caller's; name is used in places ("pods.csv:12:3") and copied.
struct csv_reader *csv_open(int fd, const char *name);
// Continues behind a record that another reader of the same file has read: fd must stand at its csv_offset. columns: as
// many as the first record has; the other numbers are that reader's, so that counting goes on.
struct csv_place {
    int64_t record, line, offset; // csv_record, csv_next_line, csv_offset
    size_t columns;
};
struct csv_reader *csv_open_at(int fd, const char *name, const struct csv_place *place);
void csv_close(struct csv_reader *reader);
// Next record: *fields and *count are valid until the next call. Returns ERR_NOT_FOUND at the end of the file (the
// fault is not set). The first record sets the number of columns; others must have as many. Blank lines are skipped.
// ERR_INVALID, ERR_LIMIT (record or fields) and ERR_RETRY (the read failed) are final: the next call returns the same.
enum err csv_next(struct csv_reader *reader, const struct slice **fields, size_t *count, struct fault *fault) MUST_USE;
int64_t csv_record(const struct csv_reader *reader); // 1-based number of the record just read (the header is 1)
int64_t csv_line(const struct csv_reader *reader);   // line on which it began
int64_t csv_next_line(const struct csv_reader *reader); // line on which the bytes behind it begin
int64_t csv_offset(const struct csv_reader *reader); // bytes consumed so far, for progress
