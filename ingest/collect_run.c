// SPDX-License-Identifier: Apache-2.0
// Sends a feed. In steps: find the cursor; read a file once without sending, so that a mistake in its middle is found
// before its first event is sent; then send from the cursor on, and move the cursor behind what was acknowledged.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ingest/collect_feed.h"
#include "ingest/collect_progress.h"

struct running {
    const struct collect_run *run;
    const struct collect_feed *feed;
    struct cursor *cursor; // NULL: none
    struct collect_record record;
    int64_t records;
};

static enum err refusal_fault(const struct cursor_input *input, const struct collect_record *record,
                              struct fault *fault)
{
    char place[FAULT_PLACE_MAX];
    snprintf(place, sizeof place, "%.*s:%lld", FAULT_PLACE_MAX - 24, input->path, (long long)record->line);
    return fault_set(fault, ERR_INVALID, place, "%s", record->refusal);
}

// The next record within the limit. ERR_NOT_FOUND: the end of the input, or of what this run is to do.
static enum err next_record(struct running *running, bool *end, struct fault *fault)
{
    if (running->run->limit > 0 && running->records == running->run->limit) return ERR_NOT_FOUND;
    enum err err = running->feed->next(running->feed->self, &running->record, fault);
    if (err == ERR_NOT_FOUND) *end = true;
    if (err == ERR_OK) running->records++;
    return err;
}

static bool stopped(const struct collect_run *run)
{
    return run->send.stop && *run->send.stop;
}

// Reads all that this run would send. The feed is left anywhere.
static enum err check_feed(struct running *running, const struct cursor_input *input, struct fault *fault)
{
    static const struct collect_mark begin;
    bool end = false;
    running->records = 0;
    enum err err = running->feed->seek(running->feed->self, &begin, fault);
    while (err == ERR_OK) {
        err = next_record(running, &end, fault);
        if (err == ERR_OK && running->record.refusal[0] && !running->run->skip_refused)
            return refusal_fault(input, &running->record, fault);
        if (err == ERR_OK && stopped(running->run)) return fault_set(fault, ERR_RETRY, input->path, "stopped");
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err print_feed(struct running *running, const struct cursor_input *input, struct collect_result *result,
                           struct fault *fault)
{
    FILE *out = running->run->out;
    enum err err = ERR_OK;
    while (err == ERR_OK && !ferror(out)) {
        err = next_record(running, &result->finished, fault);
        if (err == ERR_OK && running->record.refusal[0]) return refusal_fault(input, &running->record, fault);
        for (size_t i = 0; err == ERR_OK && i < running->record.count; i++) {
            fwrite(running->record.events[i].data, 1, running->record.events[i].length, out);
            putc('\n', out);
            result->counts.events++;
        }
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err save_mark(void *context, const struct collect_mark *mark, struct fault *fault)
{
    struct running *running = context;
    return running->cursor ? cursor_save(running->cursor, mark, false, fault) : ERR_OK;
}

static enum err send_record(struct running *running, struct collect_sender *sender, struct fault *fault)
{
    const struct collect_record *record = &running->record;
    enum err err = ERR_OK;
    if (record->sequenced) err = collect_send_await(sender, record->mark.record - EVENT_SEQUENCE_WINDOW, fault);
    if (err == ERR_OK && record->refusal[0]) err = collect_send_refuse(sender, record->events[0], record->line, record->refusal, fault);
    for (size_t i = 0; err == ERR_OK && !record->refusal[0] && i < record->count; i++)
        err = collect_send_add(sender, record->events[i], record->line, fault);
    return err == ERR_OK ? collect_send_mark(sender, &record->mark, fault) : err;
}

static enum err send_all(struct running *running, struct collect_sender *sender, bool *end, struct fault *fault)
{
    enum err err = ERR_OK;
    while (err == ERR_OK) {
        while (err == ERR_OK && running->feed->idle && running->feed->idle(running->feed->self))
            err = collect_send_idle(sender, fault);
        if (err == ERR_OK) err = next_record(running, end, fault);
        if (err == ERR_OK) err = send_record(running, sender, fault);
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err send_feed(struct running *running, const struct cursor_input *input, struct collect_result *result,
                          struct fault *fault)
{
    struct collect_sender *sender;
    struct collect_options options = running->run->send;
    struct text refused = {0};
    struct fault late = {0};
    text_print(&refused, "%s.refused.ndjson", input->path);
    options.input = input->path;
    options.refused_path = running->run->skip_refused ? refused.data : NULL;
    options.total = input->size;
    options.total_is_bytes = input->fd >= 0;
    options.acknowledged = save_mark;
    options.context = running;
    running->records = 0;
    enum err err = collect_send_open(&options, &result->from, &sender, fault);
    if (err == ERR_OK) {
        err = send_all(running, sender, &result->finished, fault);
        // also after a mistake in the input: what was before it is acknowledged first
        enum err sent = collect_send_finish(sender, &result->counts, err == ERR_OK ? fault : &late);
        if (err == ERR_OK) err = sent;
        collect_send_close(sender);
    }
    if (running->cursor) result->mark = running->cursor->mark;
    text_free(&refused);
    return err;
}

// The input is done: the cursor says so, behind its last record.
static enum err finish(struct running *running, struct collect_result *result, struct fault *fault)
{
    if (!running->cursor || !result->finished) return ERR_OK;
    if (running->records > 0) result->mark = running->record.mark;
    return cursor_save(running->cursor, &result->mark, true, fault);
}

static enum err run_with_cursor(struct running *running, const struct cursor_input *input,
                                struct collect_result *result, struct fault *fault)
{
    result->from = result->mark = running->cursor->mark;
    if (running->cursor->finished) {
        result->nothing_to_do = result->finished = true;
        return ERR_OK;
    }
    enum err err = ERR_OK;
    if (input->fd >= 0 && result->from.record == 0) err = check_feed(running, input, fault);
    if (err == ERR_OK) err = running->feed->seek(running->feed->self, &result->from, fault);
    if (err == ERR_OK) err = send_feed(running, input, result, fault);
    return err == ERR_OK ? finish(running, result, fault) : err;
}

enum err collect_run_feed(const struct collect_run *run, const struct collect_feed *feed,
                          const struct cursor_input *input, struct collect_result *result, struct fault *fault)
{
    static const struct collect_mark begin;
    struct cursor cursor;
    struct running *running = heap_alloc(sizeof *running);
    running->run = run;
    running->feed = feed;
    memset(result, 0, sizeof *result);
    enum err err = ERR_OK;
    if (run->out) {
        if (input->map) err = feed->seek(feed->self, &begin, fault);
        if (err == ERR_OK) err = print_feed(running, input, result, fault);
    } else if (!input->map) {
        err = send_feed(running, input, result, fault);
    } else {
        err = cursor_open(run->folder, input, run->again, &cursor, fault);
        running->cursor = &cursor;
        if (err == ERR_OK) err = run_with_cursor(running, input, result, fault);
        cursor_close(&cursor);
    }
    free(running);
    return err;
}
