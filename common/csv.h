// SPDX-License-Identifier: Apache-2.0
// RFC 4180 CSV, read as a stream with constant memory: quoted fields, CRLF or LF, a BOM at the start is skipped, the last
// line may lack its end. Ragged rows, stray quotes, NUL and a record over 1 MiB are errors with line and column.
#pragma once
#include "common/text.h"

struct csv_reader;
// reads from a file descriptor that stays the caller's; name is used in places ("pods.csv:12").
struct csv_reader *csv_open(int fd, const char *name);
void csv_close(struct csv_reader *reader);
// Next record: *fields and *count are valid until the next call. Returns ERR_NOT_FOUND at the end of the file. The first
// record sets the number of columns; others must have as many. Blank lines are skipped.
enum err csv_next(struct csv_reader *reader, const struct slice **fields, size_t *count, struct fault *fault) MUST_USE;
int64_t csv_record(const struct csv_reader *reader); // 1-based number of the record just read (the header is 1)
int64_t csv_line(const struct csv_reader *reader);   // line on which it began
int64_t csv_offset(const struct csv_reader *reader); // bytes consumed so far, for progress
