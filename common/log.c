// SPDX-License-Identifier: Apache-2.0
// Structured logs on standard error. Every program part calls it; it calls nobody back.
// Texts come from outside (tenant and event ids, reasons): they are escaped in both forms, so that no input can forge a
// line, move a terminal's cursor or make a line that is not JSON, and cut, so that none can fill the disk with one
// line.
#include "common/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"

enum { LOG_ROLE_MAX = 32, LOG_VALUE_MAX = 1024 };

static const char *const level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_ERROR] = "error"};

// Set by log_open before threads start.
static struct {
    char role[LOG_ROLE_MAX];
    const struct clock *clock; // NULL: the system's
    bool readable;
} log_state = {.role = "turnpike"};
static atomic_int log_least = LOG_LEVEL_INFO;

void log_open(const char *role, enum log_level least, const struct clock *clock)
{
    size_t length = strnlen(role, sizeof log_state.role - 1);
    memcpy(log_state.role, role, length);
    log_state.role[length] = 0;
    log_state.clock = clock;
    const char *form = getenv("TURNPIKE_LOG");
    log_state.readable = !(form && strcmp(form, "json") == 0) && isatty(STDERR_FILENO);
    atomic_store(&log_least, (int)least);
}

enum err log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (strcmp(name, level_names[i]) != 0) continue;
        *level = (enum log_level)i;
        return ERR_OK;
    }
    return ERR_INVALID;
}

// The start of a value that is shown: whole characters, at most LOG_VALUE_MAX bytes.
static size_t value_length(const char *value)
{
    size_t length = strnlen(value, LOG_VALUE_MAX + 1);
    if (length <= LOG_VALUE_MAX) return length;
    length = LOG_VALUE_MAX;
    while (length > LOG_VALUE_MAX - 4 && ((unsigned char)value[length] & 0xc0) == 0x80)
        length--;
    return length;
}

static void put_json(struct text *line, const char *name, const char *value)
{
    text_add_char(line, line->length == 0 ? '{' : ',');
    text_add_json_string(line, name, strlen(name));
    text_add_char(line, ':');
    if (value)
        text_add_json_string(line, value, value_length(value));
    else
        text_add_string(line, "null");
}

static void print_json(struct text *line, enum log_level level, const char *event, const char *time,
                       const struct log_field *fields, size_t count)
{
    put_json(line, "time", time);
    put_json(line, "level", level_names[level]);
    put_json(line, "role", log_state.role);
    put_json(line, "event", event);
    for (size_t i = 0; i < count; i++) {
        switch (fields[i].kind) {
        case LOG_FIELD_END:
            break;
        case LOG_FIELD_TEXT:
            put_json(line, fields[i].name, fields[i].text);
            break;
        case LOG_FIELD_INT:
            text_add_char(line, ',');
            text_add_json_string(line, fields[i].name, strlen(fields[i].name));
            text_print(line, ":%lld", (long long)fields[i].number);
            break;
        }
    }
    text_add_string(line, "}\n");
}

static bool is_plain(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '\\' || value[i] == '=') return false;
    return length > 0;
}

// For a terminal: bare when harmless, else quoted, with every byte beyond printable ASCII but UTF-8 letters escaped.
static void put_readable(struct text *line, const char *value)
{
    if (!value) {
        text_add_string(line, "-");
        return;
    }
    size_t length = value_length(value);
    if (is_plain(value, length)) {
        text_add(line, value, length);
        return;
    }
    size_t start = line->length;
    text_add_json_string(line, value, length);
    // DEL and the C1 controls (U+0080 to U+009F) are valid in JSON, yet terminals obey them
    for (size_t i = start; i < line->length; i++) {
        unsigned char byte = (unsigned char)line->data[i];
        if (byte == 0x7f) line->data[i] = '?';
        if (byte == 0xc2 && (unsigned char)line->data[i + 1] < 0xa0) line->data[i] = line->data[i + 1] = '?';
    }
}

static void print_readable(struct text *line, enum log_level level, const char *event, const char *time,
                           const struct log_field *fields, size_t count)
{
    text_print(line, "%s %-5s %s %s", time, level_names[level], log_state.role, event);
    for (size_t i = 0; i < count; i++) {
        switch (fields[i].kind) {
        case LOG_FIELD_END:
            break;
        case LOG_FIELD_TEXT:
            text_print(line, " %s=", fields[i].name);
            put_readable(line, fields[i].text);
            break;
        case LOG_FIELD_INT:
            text_print(line, " %s=%lld", fields[i].name, (long long)fields[i].number);
            break;
        }
    }
    text_add_char(line, '\n');
}

// A log that cannot be written is lost: there is nobody left to tell. The lock keeps lines whole where the system's
// writes to one file are not, and when a write was cut short.
static void write_line(const struct text *line)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t written = 0;
    pthread_mutex_lock(&lock);
    while (written < line->length) {
        ssize_t count = write(STDERR_FILENO, line->data + written, line->length - written);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        written += (size_t)count;
    }
    pthread_mutex_unlock(&lock);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t count)
{
    if ((int)level < atomic_load_explicit(&log_least, memory_order_relaxed)) return;
    int saved_errno = errno;
    char time[INSTANT_TEXT_MAX];
    instant_print(clock_now(log_state.clock ? log_state.clock : clock_system()), time);
    struct text line = {0};
    (log_state.readable ? print_readable : print_json)(&line, level, event, time, fields, count);
    write_line(&line);
    text_free(&line);
    errno = saved_errno;
}
