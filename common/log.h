// SPDX-License-Identifier: Apache-2.0
// Structured logs: one JSON object a line on standard error, "time", "level", "role", "event", then the caller's fields.
// Thread-safe; a line is one write(2). Secrets are never passed in.
#pragma once
#include "common/instant.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

// role: "ingest", "rate", "bill", "api", or the command's name; copied. clock is used for "time". On a terminal without
// TURNPIKE_LOG=json the form is one readable line.
// Before log_open: role "turnpike", level info, the system's clock, JSON. May be called again, before threads start.
void log_open(const char *role, enum log_level least, const struct clock *clock);
enum err log_level_parse(const char *name, enum log_level *level) MUST_USE; // "debug", "info", "warn", "error"

// Fields are given as pairs: name (literal, snake_case, unit last) and value. A text may be anything, it is escaped and cut
// at 1024 bytes; NULL is null.
//   log_info("batch_committed", LOG_TEXT("tenant", id), LOG_INT("events", n));
struct log_field {
    const char *name;
    enum { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INT } kind;
    const char *text;
    int64_t number;
};
#define LOG_TEXT(name, value) ((struct log_field){(name), LOG_FIELD_TEXT, (value), 0})
#define LOG_INT(name, value) ((struct log_field){(name), LOG_FIELD_INT, 0, (int64_t)(value)})
#define LOG_FAULT(fault) LOG_TEXT("reason", (fault)->reason), LOG_TEXT("place", (fault)->place)
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count);
#define LOG_FIELDS(...)                                                                                                \
    ((const struct log_field[]){__VA_ARGS__}),                                                                         \
        sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field)
#define log_debug(event, ...) log_write(LOG_LEVEL_DEBUG, (event), LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_write(LOG_LEVEL_INFO, (event), LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...) log_write(LOG_LEVEL_WARN, (event), LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, (event), LOG_FIELDS(__VA_ARGS__))
#define LOG_NONE ((struct log_field){0, LOG_FIELD_END, 0, 0})
