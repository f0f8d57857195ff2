// SPDX-License-Identifier: Apache-2.0
// PostgreSQL connections (libpq underneath): parameters instead of pasted strings, typed results, binary COPY in, and
// errors that name the next action. A connection belongs to one thread at a time.
#pragma once
#include "common/arena.h"
#include "common/config.h"
#include "common/decimal.h"
#include "common/hash.h"
#include "common/instant.h"

struct db;
struct db_result;

// Connects as the login role `turnpike_<role>` ("ingest", "rate", "bill", "api", "report", "admin") with the password in
// postgres.secrets_dir/<role>. Session settings: UTC, application_name "turnpike <role>", statement_timeout 0,
// tcp keepalive, client_encoding UTF8. Waits postgres.connect_timeout at most. ERR_RETRY: the server is not there (yet) or has no free
// connection. ERR_INVALID: it refuses this role, password or database, or the password's file is unusable.
enum err db_open(const struct config *config, const char *role, const char *database_or_null, struct db **db,
                 struct fault *fault) MUST_USE;
// db_open with bounded exponential back-off and jitter until it works, *stop becomes true (ERR_RETRY), or deadline_ms passed
// (<= 0: no deadline; a duration, counted from the call). stop may be NULL. What is not ERR_RETRY is returned at once.
// Says on the log that it waits, once when it starts and every 10 s.
enum err db_open_wait(const struct config *config, const char *role, int64_t deadline_ms, const volatile bool *stop,
                      struct db **db, struct fault *fault) MUST_USE;
void db_close(struct db *db); // NULL is fine
bool db_alive(const struct db *db);
const char *db_sqlstate(const struct db *db); // of the last failure, "" if none

// Parameters are sent in text form; NULL is SQL NULL. Results come in text form.
// Errors: ERR_RETRY (connection lost before the statement was sent, while a transaction block was open, or while
// reading; or class 08, 40, 53, 55P03, 57P0x), ERR_UNCERTAIN (connection lost after a statement was sent that is its own
// COMMIT: outside a transaction block, and not beginning with select, show, table or values; a function that writes is
// called inside a block), ERR_DUPLICATE (23505), ERR_CONFLICT (23503, 23514, 23P01, P0001 raised by our functions),
// ERR_INVALID (class 22), ERR_LIMIT (57014 statement timeout, 54), ERR_BUG (the rest). The reason holds the server's
// message, detail, constraint and SQLSTATE. After any error inside a block: db_rollback. After a lost connection
// (db_alive is false): db_close and open again; a connection does not heal.
enum err db_query(struct db *db, const char *sql, int count, const char *const *values, struct db_result **result,
                  struct fault *fault) MUST_USE;
enum err db_exec(struct db *db, const char *sql, int count, const char *const *values, int64_t *affected_or_null,
                 struct fault *fault) MUST_USE;
enum err db_script(struct db *db, const char *sql, struct fault *fault) MUST_USE; // several statements, no parameters
// Text of a parameter, in an arena.
const char *db_int(struct arena *arena, int64_t value);
const char *db_instant(struct arena *arena, instant_us instant); // INSTANT_NONE -> NULL
const char *db_decimal(struct arena *arena, int128 scaled, int places);
const char *db_bytes(struct arena *arena, const void *data, size_t length); // bytea hex form
const char *db_uuid(struct arena *arena, struct hash128 hash);
const char *db_bool(bool value);

int db_rows(const struct db_result *result);
bool db_is_null(const struct db_result *result, int row, int column);
const char *db_text(const struct db_result *result, int row, int column); // "" for NULL; lives as long as the result
size_t db_length(const struct db_result *result, int row, int column); // of the text form
int64_t db_get_int(const struct db_result *result, int row, int column);    // ENSUREs a whole number; 0 for NULL
bool db_get_bool(const struct db_result *result, int row, int column);
// timestamptz; INSTANT_NONE for NULL, INSTANT_MIN and INSTANT_MAX for the infinities
instant_us db_get_instant(const struct db_result *result, int row, int column);
// numeric, scaled to `places`; ENSUREs that it fits without rounding; 0 for NULL
int128 db_get_decimal(const struct db_result *result, int row, int column, int places);
struct hash128 db_get_uuid(const struct db_result *result, int row, int column); // zero for NULL
// bytea, copied into the arena; returns its length (0 for NULL)
size_t db_get_bytes(const struct db_result *result, struct arena *arena, int row, int column, unsigned char **data);
void db_result_free(struct db_result *result); // NULL is fine

// The same as db_query, but the result comes in binary form, for values that would be costly as text. Its values are
// read with these alone.
enum err db_query_binary(struct db *db, const char *sql, int count, const char *const *values,
                         struct db_result **result, struct fault *fault) MUST_USE;
int64_t db_binary_int(const struct db_result *result, int row, int column); // int2, int4 or int8, not null (ENSUREd)
const void *db_binary_data(const struct db_result *result, int row, int column); // lives as long as the result
size_t db_binary_length(const struct db_result *result, int row, int column);    // 0 for NULL

// Transactions. db_commit returns ERR_UNCERTAIN when the answer was lost: read, then decide, never retry blindly;
// ERR_RETRY when the connection was gone before COMMIT was sent; ERR_BUG when PostgreSQL answered ROLLBACK, because an
// earlier error was not minded. COMMIT is never sent through db_exec or db_script.
enum err db_begin(struct db *db, struct fault *fault) MUST_USE;          // READ COMMITTED
enum err db_begin_snapshot(struct db *db, struct fault *fault) MUST_USE; // REPEATABLE READ, READ ONLY
enum err db_commit(struct db *db, struct fault *fault) MUST_USE;
bool db_in_transaction(const struct db *db); // a block is open, failed or not
void db_rollback(struct db *db); // also when the connection is gone or no transaction is open; NULL is fine

// COPY ... FROM STDIN BINARY, inside a transaction. table is "schema.table (column, ...)", a literal of ours. Rows are
// built in a buffer that is sent in pieces of 64 KiB or more, between rows: until the next db_copy_row the current row
// is whole in the buffer from row_start on, so that its bytes may also be hashed for a chain.
// The functions that add fields cannot fail: a lost connection or a refused row shows at db_copy_close.
struct db_copy {
    struct db *db;
    struct text buffer;
    size_t row_start;
    int columns;
    int column;
    int64_t rows;
    bool lost;
};
enum err db_copy_open(struct db *db, const char *table_and_columns, int columns, struct db_copy *copy,
                      struct fault *fault) MUST_USE;
void db_copy_row(struct db_copy *copy); // begins a row; the one before must be complete (ENSUREd)
void db_copy_null(struct db_copy *copy);
void db_copy_int2(struct db_copy *copy, int16_t value);
void db_copy_int4(struct db_copy *copy, int32_t value);
void db_copy_int8(struct db_copy *copy, int64_t value);
void db_copy_bool(struct db_copy *copy, bool value);
void db_copy_instant(struct db_copy *copy, instant_us instant); // timestamptz; INSTANT_NONE is NULL
void db_copy_numeric(struct db_copy *copy, int128 scaled, int places);
void db_copy_uuid(struct db_copy *copy, struct hash128 hash);
void db_copy_text(struct db_copy *copy, const char *data, size_t length); // UTF-8 without NUL; the server checks
void db_copy_bytes(struct db_copy *copy, const void *data, size_t length);
// Sends the rest, waits for the answer and frees the buffer, also on failure. Errors as db_query inside a block.
enum err db_copy_close(struct db_copy *copy, struct fault *fault) MUST_USE;
// Instead of db_copy_close after a failure of the caller's; the transaction must be rolled back.
void db_copy_abort(struct db_copy *copy);

// LISTEN/NOTIFY: true if a notification arrived since the last call (drains the socket, does not block).
bool db_notified(struct db *db);
int db_socket(const struct db *db);
const char *db_library_version(struct arena *arena); // of libpq: "15.20"
