// SPDX-License-Identifier: Apache-2.0
// The caller's side of the sender: filling requests, waiting for room, and the mark up to which all is acknowledged.
#include "ingest/collect_send.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/arena.h"
#include "ingest/collect_sender.h"

static const int64_t REPORT_US =
    200000; // a mark costs an fsync; what was sent since the last one only makes duplicates
enum { WAIT_MS = 100 };

static struct collect_batch *batch_of(struct collect_sender *sender, uint64_t number)
{
    return &sender->ring[number % COLLECT_RING];
}

static void *thread_start(void *worker)
{
    return collect_worker_run(worker);
}

static void start_locks(struct collect_sender *sender)
{
    pthread_condattr_t attributes;
    ENSURE(pthread_mutex_init(&sender->lock, NULL) == 0);
    ENSURE(pthread_condattr_init(&attributes) == 0);
    ENSURE(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ENSURE(pthread_cond_init(&sender->changed, &attributes) == 0);
    ENSURE(pthread_condattr_destroy(&attributes) == 0);
}

static enum err start_workers(struct collect_sender *sender, struct fault *fault)
{
    for (size_t i = 0; i < COLLECT_CONNECTIONS; i++) {
        struct collect_worker *worker = &sender->workers[i];
        worker->sender = sender;
        enum err err = collect_post_open(&sender->options.target, &worker->post, fault);
        if (err != ERR_OK) return err;
        if (pthread_create(&worker->thread, NULL, thread_start, worker) != 0) {
            collect_post_close(worker->post);
            return fault_set(fault, ERR_RETRY, "", "cannot start a thread");
        }
        sender->worker_count++;
    }
    return ERR_OK;
}

enum err collect_send_open(const struct collect_options *options, const struct collect_mark *from,
                           struct collect_sender **sender, struct fault *fault)
{
    struct collect_sender *made = heap_alloc(sizeof *made);
    made->options = *options;
    made->acknowledged = made->told = *from;
    made->refused_fd = -1;
    made->start_us = made->last_taken_us = made->reported_us = clock_monotonic_us();
    progress_open(&made->progress, options->quiet, from->offset, options->total, options->total_is_bytes);
    start_locks(made);
    enum err err = start_workers(made, fault);
    *sender = made;
    if (err != ERR_OK) {
        collect_send_close(made);
        *sender = NULL;
    }
    return err;
}

// --- what has been acknowledged

// With the lock: takes finished requests off the old end.
static void pop_done(struct collect_sender *sender)
{
    while (sender->oldest < sender->filling && batch_of(sender, sender->oldest)->state == BATCH_DONE) {
        struct collect_batch *batch = batch_of(sender, sender->oldest);
        if (batch->marked) {
            sender->acknowledged = batch->mark;
            sender->unreported = true;
        }
        batch->state = BATCH_FREE;
        sender->oldest++;
    }
}

// Without the lock: tells the caller's callback, but not more often than it is worth.
static void report(struct collect_sender *sender, bool now)
{
    int64_t now_us = clock_monotonic_us();
    if (!sender->unreported || (!now && now_us - sender->reported_us < REPORT_US)) return;
    struct fault fault = {0};
    sender->unreported = false;
    sender->reported_us = now_us;
    enum err err = ERR_OK;
    if (sender->options.acknowledged)
        err = sender->options.acknowledged(sender->options.context, &sender->acknowledged, &fault);
    if (err == ERR_OK) sender->told = sender->acknowledged;
    if (err != ERR_OK) (void)collect_sender_fail(sender, err, fault.place, "%s", fault.reason);
}

static void look_around(struct collect_sender *sender)
{
    ENSURE(pthread_mutex_lock(&sender->lock) == 0);
    pop_done(sender);
    struct progress_state state = {sender->counts.acknowledged, sender->acknowledged.offset};
    ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
    report(sender, false);
    progress_show(&sender->progress, &state);
    if (sender->options.stop && *sender->options.stop)
        (void)collect_sender_fail(sender, ERR_RETRY, "", "stopped; the same command goes on from here");
}

static enum err first_error(struct collect_sender *sender, struct fault *fault)
{
    ENSURE(pthread_mutex_lock(&sender->lock) == 0);
    enum err err = sender->err;
    if (err != ERR_OK && fault) *fault = sender->fault;
    ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
    return err;
}

static void wait_a_little(struct collect_sender *sender)
{
    struct timespec until;
    ENSURE(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_nsec += WAIT_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    int result = pthread_cond_timedwait(&sender->changed, &sender->lock, &until);
    ENSURE(result == 0 || result == ETIMEDOUT);
}

// Until at most `most` requests are on their way.
static enum err wait_for_room(struct collect_sender *sender, uint64_t most, struct fault *fault)
{
    for (;;) {
        look_around(sender);
        enum err err = first_error(sender, fault);
        if (err != ERR_OK) return err;
        ENSURE(pthread_mutex_lock(&sender->lock) == 0);
        pop_done(sender);
        bool room = sender->filling - sender->oldest <= most;
        if (!room && sender->err == ERR_OK) wait_a_little(sender);
        ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
        if (room) return ERR_OK;
    }
}

// --- filling

static void clear_batch(struct collect_batch *batch)
{
    text_clear(&batch->events);
    memset(batch->gone, 0, sizeof batch->gone);
    batch->count = 0;
    batch->marked = false;
    batch->starts[0] = 0;
}

// Hands the batch that is being filled to the threads and waits for an empty one.
static enum err close_batch(struct collect_sender *sender, struct fault *fault)
{
    struct collect_batch *batch = batch_of(sender, sender->filling);
    if (batch->count == 0 && !batch->marked) return ERR_OK;
    ENSURE(pthread_mutex_lock(&sender->lock) == 0);
    batch->state = batch->count > 0 ? BATCH_READY : BATCH_DONE;
    sender->filling++;
    ENSURE(pthread_cond_broadcast(&sender->changed) == 0);
    ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
    enum err err = wait_for_room(sender, COLLECT_RING - 1, fault);
    if (err == ERR_OK) clear_batch(batch_of(sender, sender->filling));
    return err;
}

static bool fits(const struct collect_batch *batch, size_t length)
{
    // brackets around, a comma before each but the first
    return batch->count < COLLECT_EVENTS_MAX && batch->events.length + batch->count + length + 2 <= COLLECT_BODY_MAX;
}

enum err collect_send_add(struct collect_sender *sender, struct slice event, int64_t line, struct fault *fault)
{
    enum err err = first_error(sender, fault);
    if (err != ERR_OK) return err;
    if (event.length + 2 > COLLECT_BODY_MAX)
        return collect_send_refuse(sender, event, line, "the event is larger than a request may be", fault);
    if (!fits(batch_of(sender, sender->filling), event.length)) {
        // the mark waits for the last event of its record, which is in the next request
        err = close_batch(sender, fault);
        if (err != ERR_OK) return err;
    }
    struct collect_batch *batch = batch_of(sender, sender->filling);
    text_add_slice(&batch->events, event);
    batch->lines[batch->count++] = line;
    batch->starts[batch->count] = batch->events.length;
    sender->counts.events++;
    return ERR_OK;
}

enum err collect_send_refuse(struct collect_sender *sender, struct slice event, int64_t line, const char *reason,
                             struct fault *fault)
{
    enum err err = collect_sender_refuse(sender, event, line, "", reason, false);
    if (err == ERR_OK) err = collect_sender_keep_refused(sender);
    return err == ERR_OK ? ERR_OK : first_error(sender, fault);
}

enum err collect_send_mark(struct collect_sender *sender, const struct collect_mark *mark, struct fault *fault)
{
    struct collect_batch *batch = batch_of(sender, sender->filling);
    batch->mark = *mark;
    batch->marked = true;
    int64_t now_us = clock_monotonic_us();
    if (now_us - sender->reported_us < REPORT_US && now_us - sender->progress.last_us < REPORT_US) return ERR_OK;
    look_around(sender);
    return first_error(sender, fault);
}

enum err collect_send_await(struct collect_sender *sender, int64_t record, struct fault *fault)
{
    enum err err = ERR_OK;
    while (err == ERR_OK && sender->told.record < record) {
        ENSURE(pthread_mutex_lock(&sender->lock) == 0);
        pop_done(sender);
        bool under_way = sender->oldest < sender->filling;
        if (under_way && sender->acknowledged.record < record && sender->err == ERR_OK) wait_a_little(sender);
        ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
        look_around(sender);
        if (sender->acknowledged.record >= record) report(sender, true);
        err = first_error(sender, fault);
        if (err == ERR_OK && !under_way && sender->told.record < record) err = close_batch(sender, fault);
    }
    return err;
}

enum err collect_send_idle(struct collect_sender *sender, struct fault *fault)
{
    look_around(sender);
    enum err err = first_error(sender, fault);
    return err == ERR_OK ? close_batch(sender, fault) : err;
}

// --- the end

static void join_workers(struct collect_sender *sender)
{
    ENSURE(pthread_mutex_lock(&sender->lock) == 0);
    sender->closing = true;
    ENSURE(pthread_cond_broadcast(&sender->changed) == 0);
    ENSURE(pthread_mutex_unlock(&sender->lock) == 0);
    for (size_t i = 0; i < sender->worker_count; i++) {
        ENSURE(pthread_join(sender->workers[i].thread, NULL) == 0);
        collect_post_close(sender->workers[i].post);
        text_free(&sender->workers[i].body);
    }
    sender->worker_count = 0;
}

enum err collect_send_finish(struct collect_sender *sender, struct collect_counts *counts, struct fault *fault)
{
    enum err err = first_error(sender, fault);
    if (err == ERR_OK) err = close_batch(sender, fault);
    if (err == ERR_OK) err = wait_for_room(sender, 0, fault);
    join_workers(sender);
    pop_done(sender);
    report(sender, true);
    progress_clear(&sender->progress);
    *counts = sender->counts;
    counts->elapsed_us = clock_monotonic_us() - sender->start_us;
    return first_error(sender, fault);
}

void collect_send_close(struct collect_sender *sender)
{
    if (!sender) return;
    sender->stop = true;
    join_workers(sender);
    progress_clear(&sender->progress);
    for (size_t i = 0; i < COLLECT_RING; i++)
        text_free(&sender->ring[i].events);
    if (sender->refused_fd >= 0) close(sender->refused_fd);
    ENSURE(pthread_cond_destroy(&sender->changed) == 0);
    ENSURE(pthread_mutex_destroy(&sender->lock) == 0);
    free(sender);
}
