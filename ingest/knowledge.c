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
#include "common/bus.h"
#include "common/log.h"
#include "common/schema.h"

enum { STEP_MS = 500, KEYS_EVERY_STEPS = 4, BACKOFF_LEAST_MS = 100, BACKOFF_MOST_MS = 5000 };

struct knowledge {
    const struct config *config;
    pthread_t thread;
    volatile bool stop;
    // the thread's own
    struct db *db;
    struct catalogue *catalogue;
    struct text key_stamp, next_stamp;
    unsigned step;
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
    key_ring_free(snapshot->keys);
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

static void publish(struct knowledge *knowledge, struct knowledge_snapshot *snapshot)
{
    snapshot->references = 1;
    pthread_mutex_lock(&knowledge->lock);
    struct knowledge_snapshot *old = knowledge->current;
    knowledge->current = snapshot;
    pthread_mutex_unlock(&knowledge->lock);
    log_info("knowledge_loaded", LOG_INT("catalogue_version", catalogue_version(snapshot->catalogue)),
             LOG_INT("keys", key_ring_count(snapshot->keys)), LOG_TEXT("topic", snapshot->topic),
             LOG_INT("partitions", snapshot->partitions));
    knowledge_release(knowledge, old);
}

// ERR_RETRY while nobody has recorded an incarnation yet.
static enum err load_topic(struct knowledge *knowledge, struct knowledge_snapshot *snapshot, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(knowledge->db,
                            "select incarnation, topic, partitions from rating.incarnation"
                            " order by incarnation desc limit 1",
                            0, NULL, &result, fault);
    if (err != ERR_OK) return err;
    if (db_rows(result) == 0 || db_length(result, 0, 1) >= sizeof snapshot->topic) {
        db_result_free(result);
        return fault_set(fault, ERR_RETRY, "rating.incarnation", "no topic is recorded yet");
    }
    snapshot->incarnation = (int)db_get_int(result, 0, 0);
    snprintf(snapshot->topic, sizeof snapshot->topic, "%s", db_text(result, 0, 1));
    snapshot->partitions = (int)db_get_int(result, 0, 2);
    db_result_free(result);
    return ERR_OK;
}

// Is there anything that the snapshot handed out does not have? Keys are asked for on every KEYS_EVERY_STEPS-th step.
static enum err look(struct knowledge *knowledge, bool *changed, struct fault *fault)
{
    const struct catalogue *before = knowledge->catalogue;
    enum err err = catalogue_refresh(knowledge->db, &knowledge->catalogue, fault);
    if (err != ERR_OK) return err;
    *changed = knowledge->catalogue != before || !knowledge->current;
    if (knowledge->step++ % KEYS_EVERY_STEPS != 0 && !*changed) return ERR_OK;
    err = key_ring_stamp(knowledge->db, &knowledge->next_stamp, fault);
    if (err != ERR_OK) return err;
    if (!knowledge->key_stamp.data || strcmp(knowledge->key_stamp.data, knowledge->next_stamp.data) != 0)
        *changed = true;
    struct knowledge_snapshot topic;
    err = load_topic(knowledge, &topic, fault);
    // the thread is the only one that replaces current, so it may read it without the lock
    if (err == ERR_OK && knowledge->current && topic.incarnation != knowledge->current->incarnation) *changed = true;
    return err;
}

static enum err renew(struct knowledge *knowledge, struct fault *fault)
{
    struct knowledge_snapshot *snapshot = heap_alloc(sizeof *snapshot);
    enum err err = load_topic(knowledge, snapshot, fault);
    if (err == ERR_OK && (!knowledge->current || knowledge->current->incarnation != snapshot->incarnation))
        err = bus_topic_ensure(knowledge->config, snapshot->topic, snapshot->partitions, fault);
    if (err == ERR_OK) err = key_ring_load(knowledge->db, &snapshot->keys, fault);
    if (err != ERR_OK) {
        snapshot_free(snapshot);
        return err;
    }
    snapshot->catalogue = knowledge->catalogue;
    catalogue_retain(snapshot->catalogue);
    text_clear(&knowledge->key_stamp);
    text_add(&knowledge->key_stamp, knowledge->next_stamp.data, knowledge->next_stamp.length);
    publish(knowledge, snapshot);
    return ERR_OK;
}

static enum err connect_and_look(struct knowledge *knowledge, struct fault *fault)
{
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
    err = look(knowledge, &changed, fault);
    if (err == ERR_OK && changed) err = renew(knowledge, fault);
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
    db_close(knowledge->db);
    text_free(&knowledge->key_stamp);
    text_free(&knowledge->next_stamp);
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
