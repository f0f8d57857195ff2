// SPDX-License-Identifier: Apache-2.0
// A queue of commits in the callers' memory, one lock, one thread. What is in the queue is bounded by the number of
// partitions: each has one commit.
#include "rating/committer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"

struct committer {
    const struct config *config;
    pthread_t thread;
    pthread_mutex_t lock; // of what follows, and of every commit's state
    pthread_cond_t work, done;
    struct commit *first, **last;
    int64_t ended, seen; // commits that were done, and how many of them a wait has seen
    bool stop;
    struct db *db; // the thread's own, like the next
    struct chain *chain;
};

static void commit_try(struct committer *committer, struct commit *commit)
{
    int64_t started_us = clock_monotonic_us();
    commit->fault = (struct fault){0};
    commit->err = ERR_OK;
    if (!committer->db) commit->err = db_open(committer->config, "rate", NULL, &committer->db, &commit->fault);
    if (commit->err)
        commit->err = ERR_RETRY; // whatever it was, nothing was written
    else
        commit->err = batch_commit(commit->batch, committer->db, committer->chain, &commit->before,
                                   commit->catalogue_version, &commit->after, &commit->fault);
    if (committer->db && (commit->err == ERR_UNCERTAIN || !db_alive(committer->db))) {
        db_close(committer->db);
        committer->db = NULL;
    }
    commit->took_us = clock_monotonic_us() - started_us;
}

static void *run(void *context)
{
    struct committer *committer = context;
    pthread_mutex_lock(&committer->lock);
    while (!committer->stop) {
        struct commit *commit = committer->first;
        if (!commit) {
            pthread_cond_wait(&committer->work, &committer->lock);
            continue;
        }
        committer->first = commit->next;
        if (!committer->first) committer->last = &committer->first;
        commit->state = COMMIT_RUNNING;
        pthread_mutex_unlock(&committer->lock);
        commit_try(committer, commit);
        pthread_mutex_lock(&committer->lock);
        commit->state = COMMIT_DONE;
        committer->ended++;
        pthread_cond_signal(&committer->done);
    }
    pthread_mutex_unlock(&committer->lock);
    return NULL;
}

enum err committer_open(const struct config *config, struct committer **opened, struct fault *fault)
{
    struct committer *committer = heap_alloc(sizeof *committer);
    pthread_condattr_t monotonic;
    committer->config = config;
    committer->last = &committer->first;
    committer->chain = chain_new();
    pthread_mutex_init(&committer->lock, NULL);
    pthread_cond_init(&committer->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&committer->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&committer->thread, NULL, run, committer) == 0) {
        *opened = committer;
        return ERR_OK;
    }
    chain_free(committer->chain);
    free(committer);
    return fault_set(fault, ERR_RETRY, "", "no thread for the commits");
}

void committer_close(struct committer *committer)
{
    if (!committer) return;
    pthread_mutex_lock(&committer->lock);
    ENSURE(!committer->first);
    committer->stop = true;
    pthread_cond_signal(&committer->work);
    pthread_mutex_unlock(&committer->lock);
    pthread_join(committer->thread, NULL);
    db_close(committer->db);
    chain_free(committer->chain);
    pthread_cond_destroy(&committer->work);
    pthread_cond_destroy(&committer->done);
    pthread_mutex_destroy(&committer->lock);
    free(committer);
}

void committer_submit(struct committer *committer, struct commit *commit)
{
    pthread_mutex_lock(&committer->lock);
    ENSURE(commit->state == COMMIT_IDLE && commit->batch);
    commit->state = COMMIT_QUEUED;
    commit->next = NULL;
    *committer->last = commit;
    committer->last = &commit->next;
    pthread_cond_signal(&committer->work);
    pthread_mutex_unlock(&committer->lock);
}

static bool is_busy(const struct commit *commit)
{
    return commit->state == COMMIT_QUEUED || commit->state == COMMIT_RUNNING;
}

bool committer_busy(struct committer *committer, const struct commit *commit)
{
    pthread_mutex_lock(&committer->lock);
    bool busy = is_busy(commit);
    pthread_mutex_unlock(&committer->lock);
    return busy;
}

bool committer_take(struct committer *committer, struct commit *commit)
{
    pthread_mutex_lock(&committer->lock);
    bool done = commit->state == COMMIT_DONE;
    if (done) commit->state = COMMIT_IDLE;
    pthread_mutex_unlock(&committer->lock);
    return done;
}

void committer_wait(struct committer *committer, const struct commit *commit)
{
    pthread_mutex_lock(&committer->lock);
    while (is_busy(commit))
        pthread_cond_wait(&committer->done, &committer->lock);
    pthread_mutex_unlock(&committer->lock);
}

void committer_wait_any(struct committer *committer, int timeout_ms)
{
    int64_t end_us = clock_monotonic_us() + timeout_ms * INT64_C(1000);
    const struct timespec end = {.tv_sec = end_us / SECOND_US, .tv_nsec = end_us % SECOND_US * 1000};
    pthread_mutex_lock(&committer->lock);
    while (committer->ended == committer->seen)
        if (pthread_cond_timedwait(&committer->done, &committer->lock, &end) == ETIMEDOUT) break;
    committer->seen = committer->ended;
    pthread_mutex_unlock(&committer->lock);
}
