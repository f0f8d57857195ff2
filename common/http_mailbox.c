// SPDX-License-Identifier: Apache-2.0
// Answers from other threads on their way to the loop. The mailbox outlives its server while calls are out, so a late
// http_answer (a delivery report during shutdown) finds a closed box instead of freed memory.
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/http_internal.h"

struct http_mailbox {
    pthread_mutex_t lock; // guards first, last, closed and the use of wake_descriptor
    struct http_call *first, *last;
    bool closed;
    int wake_descriptor; // the server's eventfd
    atomic_int holds;    // calls handed out, and the server
};

struct http_mailbox *http_mailbox_new(int wake_descriptor)
{
    struct http_mailbox *mailbox = heap_alloc(sizeof *mailbox);
    ENSURE(pthread_mutex_init(&mailbox->lock, NULL) == 0);
    mailbox->wake_descriptor = wake_descriptor;
    atomic_init(&mailbox->holds, 1);
    return mailbox;
}

void http_mailbox_hold(struct http_mailbox *mailbox)
{
    atomic_fetch_add(&mailbox->holds, 1);
}

void http_mailbox_drop(struct http_mailbox *mailbox)
{
    if (atomic_fetch_sub(&mailbox->holds, 1) > 1) return;
    ENSURE(mailbox->first == NULL);
    ENSURE(pthread_mutex_destroy(&mailbox->lock) == 0);
    free(mailbox);
}

void http_mailbox_post(struct http_mailbox *mailbox, struct http_call *call)
{
    uint64_t one = 1;
    ENSURE(pthread_mutex_lock(&mailbox->lock) == 0);
    bool closed = mailbox->closed;
    if (!closed) {
        bool was_empty = mailbox->first == NULL;
        call->next_queued = NULL;
        if (was_empty)
            mailbox->first = call;
        else
            mailbox->last->next_queued = call;
        mailbox->last = call;
        // Under the lock, so that the descriptor cannot be closed meanwhile. EAGAIN: it is readable already.
        if (was_empty) ENSURE(write(mailbox->wake_descriptor, &one, sizeof one) > 0 || errno == EAGAIN);
    }
    ENSURE(pthread_mutex_unlock(&mailbox->lock) == 0);
    if (closed) http_call_free(call);
}

struct http_call *http_mailbox_take(struct http_mailbox *mailbox)
{
    ENSURE(pthread_mutex_lock(&mailbox->lock) == 0);
    struct http_call *first = mailbox->first;
    mailbox->first = mailbox->last = NULL;
    ENSURE(pthread_mutex_unlock(&mailbox->lock) == 0);
    return first;
}

void http_mailbox_close(struct http_mailbox *mailbox)
{
    ENSURE(pthread_mutex_lock(&mailbox->lock) == 0);
    mailbox->closed = true;
    struct http_call *call = mailbox->first;
    mailbox->first = mailbox->last = NULL;
    ENSURE(pthread_mutex_unlock(&mailbox->lock) == 0);
    while (call) {
        struct http_call *next = call->next_queued;
        http_call_free(call);
        call = next;
    }
    http_mailbox_drop(mailbox);
}
