// SPDX-License-Identifier: Apache-2.0
// What went wrong in PostgreSQL, as a next action: one table from SQLSTATE to enum err, and the words for a person.
#include <ctype.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "common/db_connection.h"

// The first row whose prefix fits decides; longer prefixes stand before shorter ones.
static const struct {
    const char *prefix;
    enum err err;
} sqlstate_table[] = {
    {"08", ERR_RETRY},        // connection exceptions
    {"22", ERR_INVALID},      // data exceptions: number out of range, bad text, division by zero
    {"23505", ERR_DUPLICATE}, // unique_violation
    {"23503", ERR_CONFLICT},  // foreign_key_violation
    {"23514", ERR_CONFLICT},  // check_violation
    {"23P01", ERR_CONFLICT},  // exclusion_violation
    {"25P03", ERR_RETRY},     // idle in transaction too long: the server closed the connection
    {"28", ERR_INVALID},      // wrong role or password: an operator must act
    {"3D000", ERR_INVALID},   // no such database
    {"40", ERR_RETRY},        // serialization failure, deadlock: the transaction was rolled back
    {"53", ERR_RETRY},        // no room, memory or connections
    {"54", ERR_LIMIT},        // statement too complex, too many columns or arguments
    {"55P03", ERR_RETRY},     // lock not available
    {"57014", ERR_LIMIT},     // cancelled by a timeout or by order
    {"57P0", ERR_RETRY},      // shutting down, crashed, starting up
    {"P0001", ERR_CONFLICT},  // raised by our own functions
};

enum err db_err_of_sqlstate(const char *sqlstate)
{
    if (!sqlstate || !*sqlstate) return ERR_BUG;
    for (size_t i = 0; i < sizeof sqlstate_table / sizeof sqlstate_table[0]; i++) {
        const char *prefix = sqlstate_table[i].prefix;
        if (strncmp(sqlstate, prefix, strlen(prefix)) == 0) return sqlstate_table[i].err;
    }
    return ERR_BUG;
}

static const char *field(const PGresult *result, int code)
{
    const char *value = result ? PQresultErrorField(result, code) : NULL;
    return value ? value : "";
}

static void remember(struct db *db, const char *sqlstate)
{
    ENSURE(strlen(sqlstate) < sizeof db->sqlstate);
    memcpy(db->sqlstate, sqlstate, strlen(sqlstate) + 1);
}

// libpq's message without the trailing line end; further lines are joined by fault_set's caller as they are.
static int first_line(const char *message)
{
    size_t length = strcspn(message, "\n");
    return length < FAULT_TEXT_MAX ? (int)length : FAULT_TEXT_MAX;
}

static enum err fail_with_result(const PGresult *result, enum err err, struct fault *fault)
{
    const char *detail = field(result, PG_DIAG_MESSAGE_DETAIL), *constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
    const char *context = field(result, PG_DIAG_CONTEXT);
    return fault_set(fault, err, "postgres", "%s%s%s%s%s%s%.*s (SQLSTATE %s)",
                     field(result, PG_DIAG_MESSAGE_PRIMARY), *detail ? ": " : "", detail,
                     *constraint ? ", constraint " : "", constraint, *context ? ", " : "", first_line(context), context,
                     field(result, PG_DIAG_SQLSTATE));
}

enum err db_fail(struct db *db, struct pg_result *result, enum err lost, struct fault *fault)
{
    const char *sqlstate = field(result, PG_DIAG_SQLSTATE);
    enum err err = db_alive(db) ? db_err_of_sqlstate(sqlstate) : lost;
    remember(db, sqlstate);
    if (*sqlstate) {
        err = fail_with_result(result, err, fault);
    } else {
        const char *message = result ? PQresultErrorMessage(result) : "";
        if (!*message) message = db->farewell[0] ? db->farewell : PQerrorMessage(db->link);
        err = fault_set(fault, err, "postgres", "%.*s", first_line(message), message);
    }
    PQclear(result);
    return err;
}

// Before the connection is open libpq keeps no SQLSTATE; the verbose message has it: "FATAL:  28P01: password ...".
// Both separators are libpq's own and are the same in every language.
static const char *sqlstate_of_message(const char *message)
{
    const char *mark = strstr(message, ":  ");
    if (!mark) return NULL;
    const char *state = mark + 3;
    for (int i = 0; i < SQLSTATE_SIZE - 1; i++) {
        if (!isupper((unsigned char)state[i]) && !isdigit((unsigned char)state[i])) return NULL;
    }
    return state[SQLSTATE_SIZE - 1] == ':' ? state : NULL;
}

enum err db_fail_open(struct db *db, struct fault *fault)
{
    const char *message = PQerrorMessage(db->link), *state = sqlstate_of_message(message);
    char sqlstate[SQLSTATE_SIZE] = "";
    if (state) memcpy(sqlstate, state, SQLSTATE_SIZE - 1);
    remember(db, sqlstate);
    enum err err = db_err_of_sqlstate(sqlstate) == ERR_INVALID ? ERR_INVALID : ERR_RETRY;
    return fault_set(fault, err, "postgres", "%.*s", first_line(message), message);
}
