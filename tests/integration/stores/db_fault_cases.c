// SPDX-License-Identifier: Apache-2.0
// PostgreSQL that is not there, refuses, goes away between two statements, in the middle of one, or with the answer to
// COMMIT: what each is called, and whether that is the truth.
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/backoff.h"
#include "tests/integration/stores/database.h"
#include "tests/integration/stores/proxy.h"

enum { PATIENCE_S = 30 };

// A table that outlives connections, for looking at what was committed.
static struct db *witness_open(const struct config *config)
{
    struct db *witness = database_open(config);
    database_run(witness, "drop table if exists stores_witness");
    database_run(witness, "create table stores_witness (n int)");
    return witness;
}

static void witness_close(struct db *witness)
{
    database_run(witness, "drop table if exists stores_witness");
    db_close(witness);
}

struct victim {
    struct db *witness;
    int64_t pid;
};

static bool victim_is_gone(void *context)
{
    const struct victim *victim = context;
    char sql[96];
    snprintf(sql, sizeof sql, "select count(*) from pg_stat_activity where pid = %lld", (long long)victim->pid);
    return database_number(victim->witness, sql) == 0;
}

static void terminate(struct db *witness, int64_t pid)
{
    char sql[96];
    struct victim victim = {witness, pid};
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%lld)::int", (long long)pid);
    CHECK_INT(database_number(witness, sql), 1);
    check_wait("the end of the backend", PATIENCE_S, victim_is_gone, &victim);
}

// --- opening

static void refusals_are_told_from_absence(const struct config *config)
{
    struct db *db;
    struct config *own = check_config("postgres.port", "1");
    CHECK_ERR(db_open(own, "admin", NULL, &db, &fault), ERR_RETRY);
    CHECK(db == NULL && strstr(fault.reason, "refused"));
    config_free(own);
    CHECK_ERR(db_open(config, "admin", "no_such_database", &db, &fault), ERR_INVALID);
    CHECK(strstr(fault.reason, "3D000"));
    CHECK_ERR(db_open(config, "identity_key", NULL, &db, &fault), ERR_INVALID); // a file, but no such role
    CHECK(strstr(fault.reason, "28P01"));
    CHECK(db_open(config, "no_such_secret", NULL, &db, &fault) != ERR_OK && !db);
}

static void a_server_that_does_not_answer_is_given_up(const struct config *config)
{
    (void)config;
    char text[8];
    int port, silent = loopback_listen(&port); // the system accepts, nobody says anything
    snprintf(text, sizeof text, "%d", port);
    struct config *own = check_config("postgres.port", text);
    struct db *db;
    CHECK_ERR(config_set(own, "postgres.connect_timeout", "1s", &fault), ERR_OK);
    int64_t before_us = clock_monotonic_us();
    CHECK_ERR(db_open(own, "admin", NULL, &db, &fault), ERR_RETRY);
    int64_t waited_us = clock_monotonic_us() - before_us;
    CHECK(waited_us >= SECOND_US && waited_us < 5 * SECOND_US);
    CHECK(strstr(fault.reason, "no connection after 1000 ms"));
    close(silent);
    config_free(own);
}

static void waiting_ends_with_the_deadline_or_a_stop(const struct config *config)
{
    struct config *own = check_config("postgres.port", "1");
    struct db *db;
    volatile bool stop = true;
    int64_t before_us = clock_monotonic_us();
    CHECK_ERR(db_open_wait(own, "admin", 300, NULL, &db, &fault), ERR_RETRY);
    int64_t waited_us = clock_monotonic_us() - before_us;
    CHECK(waited_us >= 300000 && waited_us < 10 * SECOND_US);
    CHECK_ERR(db_open_wait(own, "admin", 0, &stop, &db, &fault), ERR_RETRY);
    config_free(own);
    CHECK_ERR(db_open_wait(config, "admin", 0, NULL, &db, &fault), ERR_OK);
    db_close(db);
    db_close(NULL);
}

// --- killed

static void a_connection_killed_between_statements_is_retried(const struct config *config)
{
    struct db *witness = witness_open(config);
    static const char *const statements[] = {"select 1", "insert into stores_witness values (1)"};
    for (size_t i = 0; i < 2; i++) {
        struct db *db = database_open(config);
        terminate(witness, database_number(db, "select pg_backend_pid()"));
        CHECK_ERR(db_exec(db, statements[i], 0, NULL, NULL, &fault), ERR_RETRY); // known before it was sent
        CHECK(!db_alive(db));
        CHECK_ERR(db_begin(db, &fault), ERR_RETRY);
        CHECK_ERR(db_script(db, "select 1", &fault), ERR_RETRY);
        db_rollback(db);
        db_close(db);
    }
    struct db *db = database_open(config);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into stores_witness values (1)");
    terminate(witness, database_number(db, "select pg_backend_pid()"));
    CHECK_ERR(db_commit(db, &fault), ERR_RETRY); // COMMIT was never sent
    db_close(db);
    CHECK_INT(database_number(witness, "select count(*) from stores_witness"), 0);
    witness_close(witness);
}

// Kills another backend as soon as that sleeps in the function pg_sleep.
struct killer {
    const struct config *config;
    int64_t pid;
    bool done;
};

static void *kill_when_asleep(void *context)
{
    struct killer *killer = context;
    struct db *db;
    char sql[160];
    if (db_open(killer->config, "admin", "postgres", &db, NULL) != ERR_OK) return NULL;
    snprintf(sql, sizeof sql,
             "select pg_terminate_backend(pid) from pg_stat_activity where pid = %lld and wait_event = 'PgSleep'",
             (long long)killer->pid);
    int64_t end_us = clock_monotonic_us() + PATIENCE_S * SECOND_US;
    while (!killer->done && clock_monotonic_us() < end_us) {
        struct db_result *result = NULL;
        if (db_query(db, sql, 0, NULL, &result, NULL) == ERR_OK && db_rows(result) == 1) killer->done = true;
        db_result_free(result);
        backoff_sleep(5, NULL);
    }
    db_close(db);
    return NULL;
}

static enum err killed_in(const struct config *config, struct db *db, enum err (*act)(struct db *db))
{
    struct killer killer = {.config = config, .pid = database_number(db, "select pg_backend_pid()")};
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, kill_when_asleep, &killer) == 0);
    enum err err = act(db);
    pthread_join(thread, NULL);
    CHECK(killer.done && !db_alive(db));
    return err;
}

static enum err reading(struct db *db)
{
    return db_exec(db, "  SELECT pg_sleep(60)", 0, NULL, NULL, &fault);
}

static enum err writing(struct db *db)
{
    return db_exec(db, "insert into stores_witness select 1 from pg_sleep(60)", 0, NULL, NULL, &fault);
}

static enum err scripting(struct db *db)
{
    return db_script(db, "insert into stores_witness values (1); select pg_sleep(60)", &fault);
}

static enum err committing(struct db *db)
{
    return db_commit(db, &fault);
}

static void a_statement_killed_in_the_middle_is_called_by_what_it_may_have_done(const struct config *config)
{
    struct db *witness = witness_open(config), *db = database_open(config);
    CHECK_INT(killed_in(config, db, reading), ERR_RETRY);
    CHECK_TEXT(db_sqlstate(db), "57P01");
    db_close(db);
    db = database_open(config);
    CHECK_INT(killed_in(config, db, writing), ERR_UNCERTAIN); // it is its own COMMIT
    db_close(db);
    db = database_open(config);
    CHECK_INT(killed_in(config, db, scripting), ERR_UNCERTAIN);
    db_close(db);
    db = database_open(config);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_INT(killed_in(config, db, writing), ERR_RETRY); // COMMIT never came
    db_rollback(db);
    db_close(db);
    CHECK_INT(database_number(witness, "select count(*) from stores_witness"), 0);
    witness_close(witness);
}

static void a_copy_that_loses_its_connection_is_retried(const struct config *config)
{
    struct db *witness = witness_open(config), *db = database_open(config);
    struct db_copy copy;
    char filling[1000] = {0};
    int64_t pid = database_number(db, "select pg_backend_pid()");
    database_run(db, "create temporary table big (x bytea)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "big (x)", 1, &copy, &fault), ERR_OK);
    for (int i = 0; i < 20000; i++) {
        db_copy_row(&copy);
        db_copy_bytes(&copy, filling, sizeof filling);
        if (i == 5000) terminate(witness, pid);
    }
    CHECK_ERR(db_copy_close(&copy, &fault), ERR_RETRY);
    CHECK(!db_alive(db));
    db_rollback(db);
    db_close(db);
    witness_close(witness);
}

// --- COMMIT

// Killed while a deferred trigger of the COMMIT runs: the client cannot know that it did not get further.
static void a_backend_killed_in_commit_leaves_uncertainty(const struct config *config)
{
    struct db *witness = witness_open(config), *db = database_open(config);
    CHECK_ERR(db_script(witness,
                        "create or replace function stores_slow() returns trigger language plpgsql as "
                        "$$ begin perform pg_sleep(60); return null; end $$;"
                        "create constraint trigger slow after insert on stores_witness deferrable initially deferred "
                        "for each row execute function stores_slow()",
                        &fault),
              ERR_OK);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into stores_witness values (1)");
    CHECK_INT(killed_in(config, db, committing), ERR_UNCERTAIN);
    db_close(db);
    CHECK_INT(database_number(witness, "select count(*) from stores_witness"), 0);
    CHECK_ERR(db_script(witness, "drop function stores_slow() cascade", &fault), ERR_OK);
    witness_close(witness);
}

struct awaited {
    struct db *witness;
    int64_t rows;
};

static bool rows_are_there(void *context)
{
    const struct awaited *awaited = context;
    return database_number(awaited->witness, "select count(*) from stores_witness") == awaited->rows;
}

// One COMMIT was carried out and its answer lost, one was lost itself: to the client they are the same.
static void a_lost_commit_and_a_lost_answer_look_alike(const struct config *config)
{
    static const struct {
        enum proxy_fault what;
        int rows;
    } ways[] = {{PROXY_LOSE_ANSWER, 1}, {PROXY_LOSE_COMMIT, 0}};
    for (size_t i = 0; i < 2; i++) {
        struct db *witness = witness_open(config);
        struct proxy *proxy = proxy_start(config, ways[i].what);
        char port[8];
        snprintf(port, sizeof port, "%d", proxy_port(proxy));
        struct config *own = check_config("postgres.port", port);
        CHECK_ERR(config_set(own, "postgres.sslmode", "disable", &fault), ERR_OK); // the relay reads along
        struct db *db = database_open(own);
        CHECK_ERR(db_begin(db, &fault), ERR_OK);
        database_run(db, "insert into stores_witness values (1)");
        CHECK_ERR(db_commit(db, &fault), ERR_UNCERTAIN);
        CHECK(!db_alive(db));
        CHECK(proxy_end(proxy));
        db_close(db);
        struct awaited awaited = {witness, ways[i].rows};
        check_wait("the outcome", PATIENCE_S, rows_are_there, &awaited);
        witness_close(witness);
        config_free(own);
    }
}

static void a_relay_without_fault_changes_nothing(const struct config *config)
{
    struct db *witness = witness_open(config);
    struct proxy *proxy = proxy_start(config, PROXY_NONE);
    char port[8];
    snprintf(port, sizeof port, "%d", proxy_port(proxy));
    struct config *own = check_config("postgres.port", port);
    struct db *db = database_open(own);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into stores_witness values (1)");
    CHECK_ERR(db_commit(db, &fault), ERR_OK);
    db_close(db);
    CHECK(!proxy_end(proxy));
    CHECK_INT(database_number(witness, "select count(*) from stores_witness"), 1);
    witness_close(witness);
    config_free(own);
}

static void a_killed_server_comes_back_under_waiting_clients(const struct config *config)
{
    struct db *db = database_open(config), *again;
    check_control("kill postgres");
    CHECK_ERR(db_exec(db, "select 1", 0, NULL, NULL, &fault), ERR_RETRY);
    db_close(db);
    CHECK_ERR(db_open(config, "admin", "postgres", &again, &fault), ERR_RETRY);
    check_control("up");
    CHECK_ERR(db_open_wait(config, "admin", PATIENCE_S * 1000, NULL, &again, &fault), ERR_OK);
    database_run(again, "select 1");
    db_close(again);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(refusals_are_told_from_absence),
        CASE(a_server_that_does_not_answer_is_given_up),
        CASE(waiting_ends_with_the_deadline_or_a_stop),
        CASE(a_connection_killed_between_statements_is_retried),
        CASE(a_statement_killed_in_the_middle_is_called_by_what_it_may_have_done),
        CASE(a_copy_that_loses_its_connection_is_retried),
        CASE(a_backend_killed_in_commit_leaves_uncertainty),
        CASE(a_relay_without_fault_changes_nothing),
        CASE(a_lost_commit_and_a_lost_answer_look_alike),
        CASE(a_killed_server_comes_back_under_waiting_clients),
    };
    return check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
