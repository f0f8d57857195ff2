// SPDX-License-Identifier: Apache-2.0
// Threads that run the handler of a server whose work blocks (queries). One queue; its bound is the connection limit,
// because with workers a connection has at most one request at work and is not read meanwhile.
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_internal.h"

enum { WORKERS_MAX = 256 };

struct http_workers {
    pthread_mutex_t lock; // guards first, last and stopping
    pthread_cond_t filled;
    struct http_call *first, *last;
    bool stopping;
    struct http_options options;
    http_handler *handler;
    void *context;
    int count;
    pthread_t threads[WORKERS_MAX];
};

enum err thread_start(pthread_t *thread, void *(*body)(void *), void *context, struct fault *fault)
{
    sigset_t all, before;
    sigfillset(&all);
    ENSURE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0); // signals go to the main thread
    int failed = pthread_create(thread, NULL, body, context);
    ENSURE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (failed) return fault_set(fault, ERR_RETRY, "threads", "cannot start a thread: %s", strerror(failed));
    return ERR_OK;
}

// NULL: stop.
static struct http_call *next_call(struct http_workers *workers)
{
    ENSURE(pthread_mutex_lock(&workers->lock) == 0);
    while (!workers->first && !workers->stopping)
        ENSURE(pthread_cond_wait(&workers->filled, &workers->lock) == 0);
    struct http_call *call = workers->stopping ? NULL : workers->first;
    if (call) workers->first = call->next_queued;
    ENSURE(pthread_mutex_unlock(&workers->lock) == 0);
    return call;
}

static void *worker_run(void *argument)
{
    struct http_workers *workers = argument;
    const struct http_options *options = &workers->options;
    void *state = options->worker_open ? options->worker_open(workers->context) : workers->context;
    for (struct http_call *call = next_call(workers); call; call = next_call(workers))
        workers->handler(state, &call->request);
    if (options->worker_close) options->worker_close(state);
    return NULL;
}

enum err http_workers_open(const struct http_options *options, http_handler *handler, void *context,
                           struct http_workers **workers, struct fault *fault)
{
    ENSURE(options->workers > 0 && options->workers <= WORKERS_MAX);
    struct http_workers *made = heap_alloc(sizeof *made);
    ENSURE(pthread_mutex_init(&made->lock, NULL) == 0 && pthread_cond_init(&made->filled, NULL) == 0);
    made->options = *options;
    made->handler = handler;
    made->context = context;
    for (; made->count < options->workers; made->count++) {
        enum err err = thread_start(&made->threads[made->count], worker_run, made, fault);
        if (err) {
            http_workers_close(made);
            return err;
        }
    }
    *workers = made;
    return ERR_OK;
}

void http_workers_push(struct http_workers *workers, struct http_call *call)
{
    ENSURE(pthread_mutex_lock(&workers->lock) == 0);
    call->next_queued = NULL;
    if (workers->first)
        workers->last->next_queued = call;
    else
        workers->first = call;
    workers->last = call;
    ENSURE(pthread_cond_signal(&workers->filled) == 0);
    ENSURE(pthread_mutex_unlock(&workers->lock) == 0);
}

void http_workers_close(struct http_workers *workers)
{
    if (!workers) return;
    ENSURE(pthread_mutex_lock(&workers->lock) == 0);
    workers->stopping = true;
    ENSURE(pthread_cond_broadcast(&workers->filled) == 0);
    ENSURE(pthread_mutex_unlock(&workers->lock) == 0);
    for (int i = 0; i < workers->count; i++)
        ENSURE(pthread_join(workers->threads[i], NULL) == 0);
    while (workers->first) {
        struct http_call *call = workers->first;
        workers->first = call->next_queued;
        http_call_free(call);
    }
    ENSURE(pthread_cond_destroy(&workers->filled) == 0 && pthread_mutex_destroy(&workers->lock) == 0);
    free(workers);
}
