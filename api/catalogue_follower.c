// SPDX-License-Identifier: Apache-2.0
// Follows catalog.version by asking once a second; one row, so there is nothing to gain from notices.
#include "api/catalogue_follower.h"

#include <pthread.h>
#include <stdlib.h>

#include "catalogue/catalogue_watch.h"
#include "common/backoff.h"
#include "common/log.h"

enum { LOOK_EVERY_MS = 1000 };

struct catalogue_follower {
    const struct config *config;
    pthread_t thread;
    volatile bool stop;
    struct db *db;               // the thread's own
    struct catalogue *catalogue; // the thread's own
    pthread_mutex_t lock;        // guards what follows
    struct catalogue *current;
    int64_t confirmed_us; // monotonic; 0: never
};

static void publish(struct catalogue_follower *follower)
{
    pthread_mutex_lock(&follower->lock);
    struct catalogue *old = follower->current;
    if (old != follower->catalogue) {
        catalogue_retain(follower->catalogue);
        follower->current = follower->catalogue;
    } else {
        old = NULL;
    }
    follower->confirmed_us = clock_monotonic_us();
    pthread_mutex_unlock(&follower->lock);
    catalogue_release(old);
}

static enum err look(struct catalogue_follower *follower, struct fault *fault)
{
    enum err err = ERR_OK;
    const struct catalogue *before = follower->catalogue;
    if (follower->db && !db_alive(follower->db)) {
        db_close(follower->db);
        follower->db = NULL;
    }
    if (!follower->db) err = db_open_wait(follower->config, "catalogue", 0, &follower->stop, &follower->db, fault);
    if (!err) err = catalogue_refresh(follower->db, &follower->catalogue, fault);
    if (err) return err;
    publish(follower);
    if (before != follower->catalogue)
        log_info("catalogue_loaded", LOG_INT("version", catalogue_version(follower->catalogue)));
    return ERR_OK;
}

static void *follow(void *argument)
{
    struct catalogue_follower *follower = argument;
    struct backoff backoff = BACKOFF(100, 5000);
    while (!follower->stop) {
        struct fault fault = {0};
        enum err err = look(follower, &fault);
        if (!err) {
            backoff_reset(&backoff);
            backoff_sleep(LOOK_EVERY_MS, &follower->stop);
        } else if (!follower->stop) {
            log_warn("catalogue_not_followed", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
            backoff_wait(&backoff, &follower->stop);
        }
    }
    return NULL;
}

enum err catalogue_follower_open(const struct config *config, struct db *db, struct catalogue_follower **out,
                                 struct fault *fault)
{
    struct catalogue_follower *follower = heap_alloc(sizeof *follower);
    follower->config = config;
    follower->db = db;
    ENSURE(pthread_mutex_init(&follower->lock, NULL) == 0);
    if (pthread_create(&follower->thread, NULL, follow, follower) != 0) {
        db_close(db);
        pthread_mutex_destroy(&follower->lock);
        free(follower);
        return fault_set(fault, ERR_RETRY, "threads", "cannot start a thread");
    }
    *out = follower;
    return ERR_OK;
}

void catalogue_follower_close(struct catalogue_follower *follower)
{
    if (!follower) return;
    follower->stop = true;
    ENSURE(pthread_join(follower->thread, NULL) == 0);
    db_close(follower->db);
    catalogue_release(follower->catalogue);
    catalogue_release(follower->current);
    pthread_mutex_destroy(&follower->lock);
    free(follower);
}

struct catalogue *catalogue_follower_take(struct catalogue_follower *follower)
{
    pthread_mutex_lock(&follower->lock);
    struct catalogue *current = follower->current;
    if (current) catalogue_retain(current);
    pthread_mutex_unlock(&follower->lock);
    return current;
}

int64_t catalogue_follower_age_us(struct catalogue_follower *follower)
{
    pthread_mutex_lock(&follower->lock);
    int64_t age = follower->confirmed_us ? clock_monotonic_us() - follower->confirmed_us : -1;
    pthread_mutex_unlock(&follower->lock);
    return age;
}
