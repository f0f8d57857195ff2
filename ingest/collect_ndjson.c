// SPDX-License-Identifier: Apache-2.0
// Lines of JSON as a feed: one CloudEvent a line, LF or CRLF, blank lines are passed over, the last line may lack its
// end. Each line is checked as the gateway would check its form; what its meters say only the gateway knows.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ingest/collect_feed.h"

enum { NDJSON_PIECE = 256 * 1024, NDJSON_LINE_MAX = 1024 * 1024, IDLE_MS = 200 };

struct collect_ndjson {
    int fd;
    const char *path;
    char *input;
    size_t at, length;         // of the piece
    struct collect_mark place; // behind the last line
    struct text line;
    struct arena *arena;
    struct usage_event *event;
    struct event_faults *faults;
    const volatile bool *stop;
};

struct collect_ndjson *collect_ndjson_open(int fd, const char *path, const volatile bool *stop)
{
    struct collect_ndjson *ndjson = heap_alloc(sizeof *ndjson);
    ndjson->fd = fd;
    ndjson->path = path;
    ndjson->stop = stop;
    ndjson->input = heap_alloc(NDJSON_PIECE);
    ndjson->arena = arena_new(EVENT_BYTES_MAX);
    ndjson->event = heap_alloc(sizeof *ndjson->event);
    ndjson->faults = heap_alloc(sizeof *ndjson->faults);
    ndjson->place.line = 1;
    return ndjson;
}

void collect_ndjson_close(struct collect_ndjson *ndjson)
{
    if (!ndjson) return;
    arena_free(ndjson->arena);
    text_free(&ndjson->line);
    free(ndjson->event);
    free(ndjson->faults);
    free(ndjson->input);
    free(ndjson);
}

static enum err ndjson_seek(void *self, const struct collect_mark *mark, struct fault *fault)
{
    struct collect_ndjson *ndjson = self;
    ndjson->at = ndjson->length = 0;
    ndjson->place = mark->record == 0 ? (struct collect_mark){0, 1, 0} : *mark;
    if (lseek(ndjson->fd, ndjson->place.offset, SEEK_SET) == ndjson->place.offset) return ERR_OK;
    return fault_set(fault, ERR_RETRY, ndjson->path, "cannot go to byte %lld: %s", (long long)ndjson->place.offset,
                     strerrordesc_np(errno));
}

// In pieces of time, so that a stop is noticed also when it comes just before the wait.
static bool wait_readable(const struct collect_ndjson *ndjson)
{
    struct pollfd input = {.fd = ndjson->fd, .events = POLLIN};
    do {
        if (ndjson->stop && *ndjson->stop) return false;
    } while (poll(&input, 1, IDLE_MS) <= 0);
    return true;
}

static enum err fill(struct collect_ndjson *ndjson, struct fault *fault)
{
    if (!wait_readable(ndjson)) return fault_set(fault, ERR_RETRY, ndjson->path, "stopped");
    ssize_t count = read(ndjson->fd, ndjson->input, NDJSON_PIECE);
    ndjson->at = ndjson->length = 0;
    if (count == 0) return ERR_NOT_FOUND;
    if (count < 0 && errno == EINTR) return ERR_OK; // nothing yet
    if (count < 0)
        return fault_set(fault, errno == EISDIR ? ERR_INVALID : ERR_RETRY, ndjson->path, "cannot read: %s",
                         strerrordesc_np(errno));
    ndjson->length = (size_t)count;
    return ERR_OK;
}

// One line without its end. ERR_NOT_FOUND: nothing is left.
static enum err read_line(struct collect_ndjson *ndjson, struct fault *fault)
{
    text_clear(&ndjson->line);
    for (;;) {
        char *start = ndjson->input + ndjson->at, *end;
        size_t left = ndjson->length - ndjson->at;
        end = memchr(start, '\n', left);
        size_t taken = end ? (size_t)(end - start) : left;
        text_add(&ndjson->line, start, taken);
        ndjson->at += taken + (end ? 1 : 0);
        ndjson->place.offset += (int64_t)taken + (end ? 1 : 0);
        if (end) break;
        if (ndjson->line.length > NDJSON_LINE_MAX) {
            char place[FAULT_PLACE_MAX];
            snprintf(place, sizeof place, "%.*s:%lld", FAULT_PLACE_MAX - 24, ndjson->path,
                     (long long)ndjson->place.line);
            return fault_set(fault, ERR_LIMIT, place, "the line is longer than 1 MiB");
        }
        enum err err = fill(ndjson, fault);
        if (err == ERR_NOT_FOUND && ndjson->line.length > 0) break;
        if (err != ERR_OK) return err;
    }
    ndjson->place.line++;
    return ERR_OK;
}

// The event in the line: white space around it is not part of it.
static struct slice trim(const struct text *line)
{
    struct slice slice = {line->data, line->length};
    while (slice.length > 0 && strchr(" \t\r", slice.data[slice.length - 1]) && slice.data[slice.length - 1])
        slice.length--;
    while (slice.length > 0 && strchr(" \t\r", slice.data[0]) && slice.data[0]) {
        slice.data++;
        slice.length--;
    }
    return slice;
}

static void check_event(struct collect_ndjson *ndjson, struct collect_record *record)
{
    static const struct hash_key no_key; // the content's hash is not used
    struct event_faults *faults = ndjson->faults;
    int length = 0;
    record->refusal[0] = 0;
    record->sequenced = false;
    arena_reset(ndjson->arena);
    if (record->events[0].length > EVENT_BYTES_MAX)
        snprintf(record->refusal, sizeof record->refusal, "the event has more than %d bytes", EVENT_BYTES_MAX);
    else if (event_decode(record->events[0], &no_key, ndjson->arena, ndjson->event, faults) == ERR_OK) {
        record->sequenced = ndjson->event->sequenced;
        return;
    }
    for (size_t i = 0; record->events[0].length <= EVENT_BYTES_MAX && i < faults->count; i++) {
        size_t room = sizeof record->refusal - (size_t)length;
        int more = snprintf(record->refusal + length, room, "%s%s: %s", i ? "; " : "", faults->list[i].path,
                            faults->list[i].reason);
        if (more < 0 || (size_t)more >= room) return;
        length += more;
    }
}

static enum err ndjson_read(void *self, struct collect_record *record, struct fault *fault)
{
    struct collect_ndjson *ndjson = self;
    struct slice event;
    do {
        record->line = ndjson->place.line;
        enum err err = read_line(ndjson, fault);
        if (err != ERR_OK) return err;
        event = trim(&ndjson->line);
    } while (event.length == 0);
    ndjson->place.record++;
    record->mark = ndjson->place;
    record->count = 1;
    record->events[0] = event;
    check_event(ndjson, record);
    return ERR_OK;
}

static bool ndjson_idle(void *self)
{
    struct collect_ndjson *ndjson = self;
    if (memchr(ndjson->input + ndjson->at, '\n', ndjson->length - ndjson->at)) return false;
    struct pollfd poll_input = {.fd = ndjson->fd, .events = POLLIN};
    return poll(&poll_input, 1, IDLE_MS) == 0;
}

struct collect_feed collect_ndjson_feed(struct collect_ndjson *ndjson)
{
    return (struct collect_feed){ndjson, ndjson_seek, ndjson_read, ndjson_idle};
}
