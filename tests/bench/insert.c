// SPDX-License-Identifier: Apache-2.0
// As fast as we can make it: a statement prepared once a connection, parameters as bare bytes, events made before the
// clock runs. fsync and synchronous_commit stay on: an event that was answered must be there.
#include "tests/bench/insert.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/db_connection.h"
#include "tests/bench/workload.h"

enum { CONNECTIONS_MAX = 256, TENANTS = 1000 };

struct inserter {
    pthread_t thread;
    struct db *db;
    struct text events; // each ends with a NUL
    int64_t from, count;
    bool failed;
};

static PGconn *link_of(const struct inserter *inserter)
{
    return (PGconn *)inserter->db->link;
}

static bool succeeded(struct inserter *inserter, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK) {
        fprintf(stderr, "insert: %s", PQerrorMessage(link_of(inserter)));
        inserter->failed = true;
    }
    PQclear(result);
    return !inserter->failed;
}

static void *insert_some(void *context)
{
    static const int formats[] = {1, 1};
    struct inserter *inserter = context;
    const char *event = inserter->events.data;
    for (int64_t i = 0; i < inserter->count && !inserter->failed; i++, event += strlen(event) + 1) {
        char id[32];
        const int lengths[] = {snprintf(id, sizeof id, "%lld", (long long)(inserter->from + i)), (int)strlen(event)};
        succeeded(inserter, PQexecPrepared(link_of(inserter), "insert_event", 2, (const char *const[]){id, event},
                                           lengths, formats, 1));
    }
    return NULL;
}

static bool table_make(const struct config *config, struct fault *fault)
{
    struct db *db = NULL;
    enum err err = db_open(config, "admin", NULL, &db, fault);
    if (!err)
        err = db_script(db,
                        "create schema if not exists bench; drop table if exists bench.event;"
                        " create table bench.event (id text primary key, body text not null)",
                        fault);
    db_close(db);
    return !err;
}

static bool inserter_open(struct inserter *inserter, const struct config *config, const struct workload *workload,
                          struct fault *fault)
{
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX];
    for (int64_t i = 0; i < inserter->count; i++) {
        size_t length = workload_event(workload, inserter->from + i, event, tenant);
        text_add(&inserter->events, event, length);
        text_add_char(&inserter->events, 0);
    }
    if (db_open(config, "admin", NULL, &inserter->db, fault)) return false;
    return succeeded(inserter,
                     PQprepare(link_of(inserter), "insert_event",
                               "insert into bench.event (id, body) values ($1, $2) on conflict do nothing", 2, NULL));
}

bool insert_all(const struct config *config, int64_t events, int connections)
{
    static struct inserter inserters[CONNECTIONS_MAX];
    struct fault fault = {0};
    if (connections < 1 || connections > CONNECTIONS_MAX) return false;
    struct workload *workload = workload_new(TENANTS, clock_now(clock_system()));
    bool fine = table_make(config, &fault);
    for (int i = 0; i < connections && fine; i++) {
        inserters[i].from = events * i / connections;
        inserters[i].count = events * (i + 1) / connections - inserters[i].from;
        fine = inserter_open(&inserters[i], config, workload, &fault);
    }
    if (!fine) fprintf(stderr, "insert: %s\n", fault.reason);
    int64_t begin_us = clock_monotonic_us();
    for (int i = 0; i < connections && fine; i++)
        ENSURE(pthread_create(&inserters[i].thread, NULL, insert_some, &inserters[i]) == 0);
    for (int i = 0; i < connections && inserters[i].thread; i++) {
        pthread_join(inserters[i].thread, NULL);
        fine = fine && !inserters[i].failed;
    }
    if (fine) printf("insert_seconds=%.6f\n", (double)(clock_monotonic_us() - begin_us) / 1e6);
    for (int i = 0; i < connections; i++) {
        db_close(inserters[i].db);
        text_free(&inserters[i].events);
    }
    workload_free(workload);
    return fine;
}
