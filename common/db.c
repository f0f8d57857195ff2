// SPDX-License-Identifier: Apache-2.0
// PostgreSQL connections: opening, statements, transactions and notifications. What a lost connection means is decided
// here: nothing of a transaction block can have been committed before COMMIT was sent; afterwards the outcome is
// unknown. Nothing is retried here.
#include "common/db.h"

#include <ctype.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/crash_point.h"
#include "common/db_connection.h"
#include "common/log.h"

enum {
    ROLE_MAX = 64,
    WAIT_LEAST_MS = 100,
    WAIT_MOST_MS = 5000,
    WAIT_LOG_EVERY_US = 10 * 1000 * 1000,
    PARAMETERS_MAX = 200, // far above any statement of ours, far below the protocol's 65535
};

// --- opening

// The server's words outside of an answer: warnings, and a farewell when it ends an idle connection.
static void notice_take(void *context, const PGresult *notice)
{
    struct db *db = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    if (!message) message = "without a message";
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        snprintf(db->farewell, sizeof db->farewell, "%s", message);
    else
        log_warn("postgres_notice", LOG_TEXT("message", message));
}

// One row per connection parameter of libpq. Keepalives find a dead peer of an idle connection in 25 s,
// tcp_user_timeout one that does not take what we send.
static PGconn *link_start(const struct config *config, const char *user, const char *application, const char *database,
                          const char *password)
{
    char port[16];
    snprintf(port, sizeof port, "%lld", (long long)config_int(config, "postgres.port"));
    const char *parameters[][2] = {
        {"host", config_text(config, "postgres.host")},
        {"port", port},
        {"dbname", database},
        {"user", user},
        {"password", password},
        {"application_name", application},
        {"client_encoding", "UTF8"},
        {"options", "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c statement_timeout=0 "
                    "-c client_min_messages=warning"},
        {"keepalives", "1"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "10000"},
        {"sslmode", config_text(config, "postgres.sslmode")},
    };
    enum { COUNT = sizeof parameters / sizeof parameters[0] };
    const char *names[COUNT + 1] = {0}, *values[COUNT + 1] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = parameters[i][0];
        values[i] = parameters[i][1];
    }
    return PQconnectStartParams(names, values, 0);
}

// libpq's connect_timeout does not bind the non-blocking way, which is taken for the verbose messages.
static bool link_finish(PGconn *link, int64_t timeout_ms)
{
    int64_t end_us = clock_monotonic_us() + timeout_ms * 1000;
    PostgresPollingStatusType state = PQstatus(link) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
        int64_t left_ms = (end_us - clock_monotonic_us()) / 1000;
        if (left_ms <= 0) return false;
        struct pollfd descriptor = {.fd = PQsocket(link), .events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT};
        if (poll(&descriptor, 1, (int)left_ms) > 0) state = PQconnectPoll(link);
    }
    return true;
}

static enum err open_with_password(const struct config *config, const char *role, const char *database,
                                   const char *password, struct db *db, struct fault *fault)
{
    char user[ROLE_MAX], application[ROLE_MAX];
    ENSURE(snprintf(user, sizeof user, "turnpike_%s", role) < (int)sizeof user);
    ENSURE(snprintf(application, sizeof application, "turnpike %s", role) < (int)sizeof application);
    if (!database) database = config_text(config, "postgres.database");
    int64_t timeout_ms = config_int(config, "postgres.connect_timeout");
    db->link = link_start(config, user, application, database, password);
    ENSURE(db->link);
    PQsetNoticeReceiver(db->link, notice_take, db);
    PQsetErrorVerbosity(db->link, PQERRORS_VERBOSE);
    if (!link_finish(db->link, timeout_ms))
        return fault_set(fault, ERR_RETRY, "postgres", "no connection after %lld ms", (long long)timeout_ms);
    if (PQstatus(db->link) != CONNECTION_OK) return db_fail_open(db, fault);
    PQsetErrorVerbosity(db->link, PQERRORS_DEFAULT);
    return ERR_OK;
}

enum err db_open(const struct config *config, const char *role, const char *database, struct db **out,
                 struct fault *fault)
{
    *out = NULL;
    char path[4096];
    const char *folder = config_text(config, "postgres.secrets_dir");
    if (!folder || snprintf(path, sizeof path, "%s/%s", folder, role) >= (int)sizeof path)
        return fault_set(fault, ERR_INVALID, "postgres.secrets_dir", "is not set or too long");
    struct text password = {0};
    enum err err = secret_read(path, &password, fault);
    if (err == ERR_OK) {
        struct db *db = heap_alloc(sizeof *db);
        err = open_with_password(config, role, database, password.data, db, fault);
        if (err == ERR_OK)
            *out = db;
        else
            db_close(db);
    }
    if (password.data) explicit_bzero(password.data, password.length);
    text_free(&password);
    return err;
}

enum err db_open_wait(const struct config *config, const char *role, int64_t deadline_ms, const volatile bool *stop,
                      struct db **db, struct fault *fault)
{
    struct fault local;
    if (!fault) fault = &local;
    struct backoff backoff = BACKOFF(WAIT_LEAST_MS, WAIT_MOST_MS);
    int64_t start_us = clock_monotonic_us(), logged_us = 0;
    for (;;) {
        enum err err = db_open(config, role, NULL, db, fault);
        int64_t now_us = clock_monotonic_us(), waited_ms = (now_us - start_us) / 1000;
        if (err == ERR_OK && logged_us) log_info("postgres_back", LOG_INT("waited_ms", waited_ms));
        if (err != ERR_RETRY) return err;
        if (!logged_us || now_us - logged_us >= WAIT_LOG_EVERY_US) {
            log_warn("postgres_waiting", LOG_FAULT(fault), LOG_INT("waited_ms", waited_ms));
            logged_us = now_us;
        }
        int64_t step_ms = backoff_next_ms(&backoff);
        if (deadline_ms > 0 && waited_ms >= deadline_ms) return err;
        if (deadline_ms > 0 && step_ms > deadline_ms - waited_ms) step_ms = deadline_ms - waited_ms;
        if (!backoff_sleep(step_ms, stop)) return err;
    }
}

void db_close(struct db *db)
{
    if (!db) return;
    PQfinish(db->link);
    free(db);
}

bool db_alive(const struct db *db)
{
    return PQstatus(db->link) == CONNECTION_OK && !db->farewell[0];
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

// --- statements

// Outside a transaction block a statement is its own COMMIT, so its outcome is unknown when the answer is lost;
// one that only reads may simply be asked again.
static enum err err_when_lost(const struct db *db, const char *sql)
{
    static const char *const reading[] = {"select", "show", "table", "values"};
    if (PQtransactionStatus(db->link) != PQTRANS_IDLE) return ERR_RETRY;
    while (isspace((unsigned char)*sql)) sql++;
    for (size_t i = 0; i < sizeof reading / sizeof reading[0]; i++) {
        if (strncasecmp(sql, reading[i], strlen(reading[i])) == 0) return ERR_RETRY;
    }
    return ERR_UNCERTAIN;
}

// Takes what the server said while we were silent, so that a connection known to be dead is told from one that dies
// with a statement on its way. Two reads: the farewell, then the end of the stream.
static bool link_alive(struct db *db)
{
    for (int i = 0; i < 2 && db_alive(db); i++) {
        struct pollfd descriptor = {.fd = PQsocket(db->link), .events = POLLIN};
        if (poll(&descriptor, 1, 0) <= 0 || !PQconsumeInput(db->link)) break;
        PQisBusy(db->link);
    }
    return db_alive(db);
}

struct pg_result *db_answer(struct db *db)
{
    PGresult *kept = NULL;
    bool failed = false;
    for (PGresult *next; (next = PQgetResult(db->link));) {
        ExecStatusType status = PQresultStatus(next);
        if (failed) {
            PQclear(next);
        } else {
            PQclear(kept);
            kept = next;
            failed = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        }
        if (status == PGRES_COPY_IN || PQstatus(db->link) != CONNECTION_OK) break;
    }
    return kept ? kept : PQmakeEmptyPGresult(db->link, PGRES_FATAL_ERROR);
}

static enum err run(struct db *db, const char *sql, int count, const char *const *values, bool binary, PGresult **out,
                    struct fault *fault)
{
    ENSURE(count >= 0 && count <= PARAMETERS_MAX);
    *out = NULL;
    db->sqlstate[0] = 0;
    if (!link_alive(db)) return db_fail(db, NULL, ERR_RETRY, fault);
    enum err lost = err_when_lost(db, sql);
    if (!PQsendQueryParams(db->link, sql, count, NULL, values, NULL, NULL, binary)) return db_fail(db, NULL, lost, fault);
    PGresult *result = db_answer(db);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return db_fail(db, result, lost, fault);
    *out = result;
    return ERR_OK;
}

enum err db_query(struct db *db, const char *sql, int count, const char *const *values, struct db_result **result,
                  struct fault *fault)
{
    PGresult *answer;
    enum err err = run(db, sql, count, values, false, &answer, fault);
    *result = (struct db_result *)answer;
    return err;
}

enum err db_query_binary(struct db *db, const char *sql, int count, const char *const *values,
                         struct db_result **result, struct fault *fault)
{
    PGresult *answer;
    enum err err = run(db, sql, count, values, true, &answer, fault);
    *result = (struct db_result *)answer;
    return err;
}

enum err db_exec(struct db *db, const char *sql, int count, const char *const *values, int64_t *affected,
                 struct fault *fault)
{
    PGresult *answer;
    enum err err = run(db, sql, count, values, false, &answer, fault);
    if (err == ERR_OK && affected) *affected = strtoll(PQcmdTuples(answer), NULL, 10);
    PQclear(answer);
    return err;
}

enum err db_script(struct db *db, const char *sql, struct fault *fault)
{
    db->sqlstate[0] = 0;
    if (!link_alive(db)) return db_fail(db, NULL, ERR_RETRY, fault);
    enum err lost = PQtransactionStatus(db->link) == PQTRANS_IDLE ? ERR_UNCERTAIN : ERR_RETRY;
    if (!PQsendQuery(db->link, sql)) return db_fail(db, NULL, lost, fault);
    PGresult *result = db_answer(db);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
        return db_fail(db, result, lost, fault);
    PQclear(result);
    return ERR_OK;
}

// --- transactions

enum err db_begin(struct db *db, struct fault *fault)
{
    ENSURE(PQtransactionStatus(db->link) == PQTRANS_IDLE || !db_alive(db));
    enum err err = db_exec(db, "begin isolation level read committed", 0, NULL, NULL, fault);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // an empty transaction has nothing to commit
}

enum err db_begin_snapshot(struct db *db, struct fault *fault)
{
    ENSURE(PQtransactionStatus(db->link) == PQTRANS_IDLE || !db_alive(db));
    enum err err = db_exec(db, "begin isolation level repeatable read read only", 0, NULL, NULL, fault);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err;
}

enum err db_commit(struct db *db, struct fault *fault)
{
    db->sqlstate[0] = 0;
    if (!link_alive(db)) return db_fail(db, NULL, ERR_RETRY, fault);
    if (PQtransactionStatus(db->link) == PQTRANS_IDLE)
        return fault_set(fault, ERR_BUG, "postgres", "commit without a transaction");
    if (!PQsendQuery(db->link, "commit")) return db_fail(db, NULL, ERR_UNCERTAIN, fault);
    CRASH_POINT("db.after_commit_sent"); // COMMIT is on its way, nobody hears the answer
    PGresult *result = db_answer(db);
    // The server may have committed and then said something else before it went: whatever is heard, a lost
    // connection leaves the outcome open.
    if (!db_alive(db) || PQresultStatus(result) != PGRES_COMMAND_OK) return db_fail(db, result, ERR_UNCERTAIN, fault);
    bool committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
    PQclear(result);
    if (!committed)
        return fault_set(fault, ERR_BUG, "postgres",
                         "nothing was committed: a statement of the transaction had failed and was not minded");
    return ERR_OK;
}

bool db_in_transaction(const struct db *db)
{
    PGTransactionStatusType status = PQtransactionStatus(db->link);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

void db_rollback(struct db *db)
{
    if (!db || !link_alive(db) || PQtransactionStatus(db->link) == PQTRANS_IDLE) return;
    if (PQsendQuery(db->link, "rollback")) PQclear(db_answer(db));
}

// --- notifications

bool db_notified(struct db *db)
{
    bool arrived = false;
    if (!PQconsumeInput(db->link)) return false;
    for (PGnotify *notice; (notice = PQnotifies(db->link));) {
        arrived = true;
        PQfreemem(notice);
    }
    return arrived;
}

int db_socket(const struct db *db)
{
    return PQsocket(db->link);
}

const char *db_library_version(struct arena *arena)
{
    int version = PQlibVersion();
    return arena_print(arena, "%d.%d", version / 10000, version % 10000);
}
