// SPDX-License-Identifier: Apache-2.0
// Inside of the sender: the ring of requests that the caller fills (collect_send.c) and the threads empty
// (collect_deliver.c). Everything is under `lock`, but a batch that is filled belongs to the caller, and one that is
// being sent to its thread.
#pragma once
#include <pthread.h>

#include "ingest/collect_post.h"
#include "ingest/collect_progress.h"
#include "ingest/collect_send.h"

enum { COLLECT_RING = 8 };

enum batch_state { BATCH_FREE, BATCH_READY, BATCH_SENDING, BATCH_DONE };
struct collect_batch {
    enum batch_state state;
    struct text events; // one after the other, no separators
    size_t starts[COLLECT_EVENTS_MAX + 1];
    int64_t lines[COLLECT_EVENTS_MAX];
    bool gone[COLLECT_EVENTS_MAX]; // taken, or refused and kept elsewhere
    size_t count;
    struct collect_mark mark;
    bool marked;
};

struct collect_worker {
    struct collect_sender *sender;
    struct collect_post *post;
    struct text body;
    size_t order[COLLECT_EVENTS_MAX]; // place in the request -> place in the batch
    pthread_t thread;
};

struct collect_sender {
    struct collect_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct collect_batch ring[COLLECT_RING];
    uint64_t oldest, next, filling; // oldest <= next <= filling; filling - oldest < COLLECT_RING
    struct collect_worker workers[COLLECT_CONNECTIONS];
    size_t worker_count;
    bool closing;       // no more batches come
    volatile bool stop; // nothing more is sent
    enum err err;       // the first one
    struct fault fault;
    int refused_fd;
    struct collect_counts counts;
    int64_t last_taken_us, said_us; // monotonic; said_us: when it was last said that the gateway is away
    bool away;                      // that was said and is still so
    // the caller's
    struct collect_mark acknowledged, told;
    bool unreported;
    int64_t reported_us, start_us;
    struct collect_progress progress;
};

// --- collect_deliver.c
void *collect_worker_run(void *worker);
// Sets the error that ends the sending, if it is the first; returns it. Takes the lock.
enum err collect_sender_fail(struct collect_sender *sender, enum err err, const char *place, const char *format, ...)
    PRINTF_LIKE(4, 5);
// Says why an event is refused and keeps it, durably when `last`; an error if refused events are not to be kept.
enum err collect_sender_refuse(struct collect_sender *sender, struct slice event, int64_t line, const char *path,
                               const char *reason, bool said_before) MUST_USE;
enum err collect_sender_keep_refused(struct collect_sender *sender) MUST_USE; // makes them durable
