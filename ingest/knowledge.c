// SPDX-License-Identifier: Apache-2.0
// The thread that follows PostgreSQL for the gateway. It alone has the connection; snapshots go out under one lock.
#include "ingest/knowledge.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/catalogue_watch.h"
#include "common/arena.h"
#include "common/backoff.h"
#include "common/log.h"
#include "common/schema.h"

enum { STEP_MS = 500, BACKOFF_LEAST_MS = 100, BACKOFF_MOST_MS = 2000 };

struct knowledge {
    const struct config *config;
    pthread_t thread;
    volatile bool stop;
    // the thread's own
    struct db *db;
    struct catalogue *catalogue;
    struct api_key_table *keys;
    // shared, under the lock
    pthread_mutex_t lock;
    struct knowledge_snapshot *current;
    int64_t answered_us; // monotonic
    struct fault fault;  // of the last try; err ERR_OK if it worked
    bool failed;
};

static void snapshot_free(struct knowledge_snapshot *snapshot)
{
    catalogue_release(snapshot->catalogue);
    api_key_table_release(snapshot->keys);
    free(snapshot);
}

struct knowledge_snapshot *knowledge_retain(struct knowledge *knowledge)
{
    pthread_mutex_lock(&knowledge->lock);
    struct knowledge_snapshot *snapshot = knowledge->current;
    if (snapshot) snapshot->references++;
    pthread_mutex_unlock(&knowledge->lock);
    return snapshot;
}

void knowledge_release(struct knowledge *knowledge, struct knowledge_snapshot *snapshot)
{
    if (!snapshot) return;
    pthread_mutex_lock(&knowledge->lock);
    bool last = --snapshot->references == 0;
    pthread_mutex_unlock(&knowledge->lock);
    if (last) snapshot_free(snapshot);
}

static void publish(struct knowledge *knowledge, const struct incarnation *incarnation)
{
    struct knowledge_snapshot *snapshot = heap_alloc(sizeof *snapshot);
    *snapshot = (struct knowledge_snapshot){knowledge->catalogue, knowledge->keys, *incarnation, 1};
    catalogue_retain(snapshot->catalogue);
    api_key_table_retain(snapshot->keys);
    pthread_mutex_lock(&knowledge->lock);
    struct knowledge_snapshot *old = knowledge->current;
    knowledge->current = snapshot;
    pthread_mutex_unlock(&knowledge->lock);
    log_info("knowledge_loaded", LOG_INT("catalogue_version", catalogue_version(snapshot->catalogue)),
             LOG_INT("keys", api_key_table_count(snapshot->keys)), LOG_TEXT("topic", incarnation->topic),
             LOG_INT("partitions", incarnation->partitions));
    knowledge_release(knowledge, old);
}

// Is there anything that the snapshot handed out does not have?
static enum err look(struct knowledge *knowledge, struct incarnation *incarnation, bool *changed, struct fault *fault)
{
    // the thread is the only one that replaces current, so it may read it without the lock
    const struct knowledge_snapshot *current = knowledge->current;
    enum err err = catalogue_refresh(knowledge->db, &knowledge->catalogue, fault);
    if (err == ERR_OK) err = api_key_table_refresh(knowledge->db, &knowledge->keys, clock_monotonic_us(), fault);
    if (err == ERR_OK) err = incarnation_load(knowledge->db, incarnation, fault);
    if (err == ERR_NOT_FOUND) err = ERR_RETRY; // it is going to be made
    *changed = !current || current->catalogue != knowledge->catalogue || current->keys != knowledge->keys ||
               current->incarnation.number != incarnation->number;
    return err;
}

static enum err connect_and_look(struct knowledge *knowledge, struct fault *fault)
{
    struct incarnation incarnation = {0};
    bool changed = false;
    enum err err = ERR_OK;
    if (knowledge->db && !db_alive(knowledge->db)) {
        db_close(knowledge->db);
        knowledge->db = NULL;
    }
    if (!knowledge->db) {
        err = db_open(knowledge->config, "ingest", NULL, &knowledge->db, fault);
        if (err == ERR_OK) err = schema_check(knowledge->db, fault);
        if (err != ERR_OK) {
            db_close(knowledge->db);
            knowledge->db = NULL;
            return err;
        }
    }
    err = look(knowledge, &incarnation, &changed, fault);
    if (err == ERR_OK && changed) publish(knowledge, &incarnation);
    return err;
}

// Takes down how the try went; says on the log when that changes.
static void note_outcome(struct knowledge *knowledge, enum err err, const struct fault *fault)
{
    pthread_mutex_lock(&knowledge->lock);
    bool was_good = knowledge->fault.err == ERR_OK;
    bool same = !was_good && err != ERR_OK && strcmp(knowledge->fault.reason, fault->reason) == 0;
    bool hopeless = !knowledge->current && (err == ERR_CONFLICT || err == ERR_INVALID || err == ERR_BUG);
    if (err == ERR_OK) {
        knowledge->fault = (struct fault){.err = ERR_OK};
        knowledge->answered_us = clock_monotonic_us();
    } else {
        knowledge->fault = *fault;
        knowledge->fault.err = err;
    }
    if (hopeless) knowledge->failed = true;
    pthread_mutex_unlock(&knowledge->lock);
    if (err != ERR_OK && !same) log_warn("knowledge_stale", LOG_TEXT("error", err_name(err)), LOG_FAULT(fault));
    if (err == ERR_OK && !was_good) log_info("knowledge_fresh", LOG_NONE);
}

static void *follow(void *argument)
{
    struct knowledge *knowledge = argument;
    struct backoff trouble = BACKOFF(BACKOFF_LEAST_MS, BACKOFF_MOST_MS);
    while (!knowledge->stop && !knowledge->failed) {
        struct fault fault = {.err = ERR_OK};
        struct backoff calm = BACKOFF(STEP_MS, STEP_MS);
        enum err err = connect_and_look(knowledge, &fault);
        note_outcome(knowledge, err, &fault);
        if (err == ERR_OK) backoff_reset(&trouble);
        backoff_wait(err == ERR_OK ? &calm : &trouble, &knowledge->stop);
    }
    return NULL;
}

enum err knowledge_open(const struct config *config, struct knowledge **out, struct fault *fault)
{
    struct knowledge *knowledge = heap_alloc(sizeof *knowledge);
    knowledge->config = config;
    ENSURE(pthread_mutex_init(&knowledge->lock, NULL) == 0);
    if (pthread_create(&knowledge->thread, NULL, follow, knowledge) != 0) {
        pthread_mutex_destroy(&knowledge->lock);
        free(knowledge);
        return fault_set(fault, ERR_RETRY, "", "no thread could be started");
    }
    *out = knowledge;
    return ERR_OK;
}

void knowledge_close(struct knowledge *knowledge)
{
    if (!knowledge) return;
    knowledge->stop = true;
    ENSURE(pthread_join(knowledge->thread, NULL) == 0);
    knowledge_release(knowledge, knowledge->current);
    catalogue_release(knowledge->catalogue);
    api_key_table_release(knowledge->keys);
    db_close(knowledge->db);
    pthread_mutex_destroy(&knowledge->lock);
    free(knowledge);
}

bool knowledge_failed(struct knowledge *knowledge, struct fault *fault)
{
    pthread_mutex_lock(&knowledge->lock);
    bool failed = knowledge->failed;
    if (failed) *fault = knowledge->fault;
    pthread_mutex_unlock(&knowledge->lock);
    return failed;
}

int64_t knowledge_age_us(struct knowledge *knowledge, char reason[FAULT_TEXT_MAX])
{
    pthread_mutex_lock(&knowledge->lock);
    int64_t age = knowledge->current ? clock_monotonic_us() - knowledge->answered_us : -1;
    snprintf(reason, FAULT_TEXT_MAX, "%s", knowledge->fault.err == ERR_OK ? "" : knowledge->fault.reason);
    pthread_mutex_unlock(&knowledge->lock);
    return age;
}
