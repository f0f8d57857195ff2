// SPDX-License-Identifier: Apache-2.0
// The database schema: numbered migrations that the binary carries (schema/NNNN_name.sql), applied once each and
// recorded in public.turnpike_migration. `turnpike migrate` applies; every role checks at its start.
#pragma once
#include "common/db.h"

// Called before a migration is applied (done false) and after its commit (done true).
typedef void schema_progress(void *context, int number, const char *name, bool done);

// Makes missing roles and applies the missing migrations in the order of their numbers, each in one transaction as role
// turnpike_owner. The connection is the administrator's, outside a transaction. Runs at the same time wait for each
// other (advisory lock). Idempotent: after an interruption or an error, run again; what was committed stays.
// ERR_CONFLICT: a recorded file differs from the binary's, or the schema is newer. ERR_UNCERTAIN: a commit's answer was
// lost: run again. Other errors name the file. progress may be NULL.
enum err schema_migrate(struct db *db, schema_progress *progress, void *context, struct fault *fault) MUST_USE;

// Reads only, any login role. ERR_CONFLICT: the schema is older ("run `turnpike migrate`"), newer, or differs.
enum err schema_check(struct db *db, struct fault *fault) MUST_USE;
// Exit code of a role that ended with this error: 78 if schema_check refused the database, so that a supervisor sees that
// trying again is of no use; else err_exit_code.
int schema_exit_code(enum err err, const struct fault *fault);

enum schema_state {
    SCHEMA_APPLIED, // recorded, and the same file as the binary's
    SCHEMA_MISSING, // the binary has it, the database does not
    SCHEMA_CHANGED, // recorded with other content
    SCHEMA_UNKNOWN  // recorded, but the binary does not have it: the binary is older
};
struct schema_migration {
    int number;
    const char *name;
    enum schema_state state;
    instant_us applied_time; // INSTANT_NONE if missing
};
// All migrations of the binary and of the database, sorted by number, in the arena.
enum err schema_list(struct db *db, struct arena *arena, struct schema_migration **list, size_t *count,
                     struct fault *fault) MUST_USE;
const char *schema_state_name(enum schema_state state);
