// SPDX-License-Identifier: Apache-2.0
// Private to common/db*.c: what a connection holds, and how its failures become errors.
#pragma once
#include "common/db.h"

struct pg_conn;
struct pg_result;

enum { SQLSTATE_SIZE = 6 };

struct db {
    struct pg_conn *link;
    char sqlstate[SQLSTATE_SIZE]; // of the last failure, "" if none or if the server said nothing
    char farewell[256];           // what an idle server said before it closed the connection; "" while it lives
};

// Takes the answer to what was sent: the first failed result, else the last one (in COPY IN: the result that says so).
// Always one; cleared by the caller. libpq's own loop would keep the last of two failures, which has no SQLSTATE.
struct pg_result *db_answer(struct db *db);

// What a caller should do about a SQLSTATE (the table is in db_error.c). A NULL or empty state is ERR_BUG.
enum err db_err_of_sqlstate(const char *sqlstate);

// Fills fault from a failed result (NULL: from the connection), remembers the SQLSTATE and clears the result.
// lost: what to return when the connection is gone (ERR_RETRY or ERR_UNCERTAIN, by what had been sent).
enum err db_fail(struct db *db, struct pg_result *result, enum err lost, struct fault *fault);

// The fault of a connection that failed before it was open; takes the SQLSTATE from the message. ERR_RETRY: not there
// (yet); ERR_INVALID: it is there and refuses this role, password or database.
enum err db_fail_open(struct db *db, struct fault *fault);
