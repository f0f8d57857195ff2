// SPDX-License-Identifier: Apache-2.0
// Compares the migrations of the binary with those of the database, and applies what is missing. Called by
// `turnpike migrate` and by every role at its start. A file is recorded in the transaction that applied it, so a kill
// at any instruction leaves it either applied and recorded or neither. Migrations are never undone or applied twice.
#include "common/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/schema_file.h"

static const char schema_table[] = "public.turnpike_migration"; // place of what schema_check refuses
static const char lock_sql[] = "select pg_advisory_lock(hashtextextended('turnpike.migrate', 0))";
static const char unlock_sql[] = "select pg_advisory_unlock(hashtextextended('turnpike.migrate', 0))";
static const char exists_sql[] = "select to_regclass('public.turnpike_migration') is not null";
static const char list_sql[] = "select number, name, encode(sha256, 'hex'), applied_time\n"
                               "  from public.turnpike_migration\n"
                               " order by number";
static const char record_sql[] = "insert into public.turnpike_migration (number, name, sha256) values ($1, $2, $3)";

const char *schema_state_name(enum schema_state state)
{
    switch (state) {
    case SCHEMA_APPLIED:
        return "applied";
    case SCHEMA_MISSING:
        return "missing";
    case SCHEMA_CHANGED:
        return "changed";
    case SCHEMA_UNKNOWN:
        return "unknown";
    }
    return "?";
}

// --- comparing

static bool file_has_hash(const struct schema_file *file, const char *recorded_hex)
{
    unsigned char hash[SHA256_BYTES];
    char hex[SHA256_HEX];
    sha256_of(file->text, file->length, hash);
    hex_print(hash, sizeof hash, hex);
    return strcmp(hex, recorded_hex) == 0;
}

static struct schema_migration missing_migration(const struct schema_file *file)
{
    return (struct schema_migration){file->number, file->name, SCHEMA_MISSING, INSTANT_NONE};
}

// Merges the binary's files with the recorded rows; both are sorted. recorded NULL: nothing was ever recorded.
static size_t merge(const struct db_result *recorded, struct arena *arena, struct schema_migration *list)
{
    size_t count = 0, file = 0;
    int rows = recorded ? db_rows(recorded) : 0;
    for (int row = 0; row < rows; row++) {
        int number = (int)db_get_int(recorded, row, 0);
        while (file < schema_file_count && schema_files[file].number < number)
            list[count++] = missing_migration(&schema_files[file++]);
        struct schema_migration *migration = &list[count++];
        *migration = (struct schema_migration){number, arena_print(arena, "%s", db_text(recorded, row, 1)),
                                               SCHEMA_UNKNOWN, db_get_instant(recorded, row, 3)};
        if (file < schema_file_count && schema_files[file].number == number) {
            bool same = file_has_hash(&schema_files[file++], db_text(recorded, row, 2));
            migration->state = same ? SCHEMA_APPLIED : SCHEMA_CHANGED;
        }
    }
    while (file < schema_file_count)
        list[count++] = missing_migration(&schema_files[file++]);
    return count;
}

enum err schema_list(struct db *db, struct arena *arena, struct schema_migration **list, size_t *count,
                     struct fault *fault)
{
    struct db_result *exists = NULL, *recorded = NULL;
    enum err err = db_query(db, exists_sql, 0, NULL, &exists, fault);
    if (!err && db_get_bool(exists, 0, 0)) err = db_query(db, list_sql, 0, NULL, &recorded, fault);
    if (!err) {
        hash_init();
        size_t rows = recorded ? (size_t)db_rows(recorded) : 0;
        *list = ARENA_ARRAY(arena, struct schema_migration, rows + schema_file_count);
        *count = merge(recorded, arena, *list);
    }
    db_result_free(recorded);
    db_result_free(exists);
    return err;
}

// --- checking

static int newest_file(void)
{
    return schema_files[schema_file_count - 1].number;
}

// What must never be: a recorded file that this binary does not have or has otherwise.
static enum err check_recorded(const struct schema_migration *list, size_t count, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].state == SCHEMA_CHANGED)
            return fault_set(fault, ERR_CONFLICT, schema_table,
                             "migration %d (%s) was applied with other content than this binary's: a landed file was "
                             "edited, or the database belongs to another build",
                             list[i].number, list[i].name);
        if (list[i].state == SCHEMA_UNKNOWN && list[i].number > newest_file())
            return fault_set(fault, ERR_CONFLICT, schema_table,
                             "the schema is at %d, this binary needs %d: install the newer binary",
                             list[count - 1].number, newest_file());
        if (list[i].state == SCHEMA_UNKNOWN)
            return fault_set(fault, ERR_CONFLICT, schema_table,
                             "migration %d (%s) was applied, but this binary does not have it", list[i].number,
                             list[i].name);
    }
    return ERR_OK;
}

static enum err check_complete(const struct schema_migration *list, size_t count, struct fault *fault)
{
    int applied = 0, missing = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i].state == SCHEMA_APPLIED) applied = list[i].number;
        if (list[i].state == SCHEMA_MISSING && missing == 0) missing = list[i].number;
    }
    if (missing == 0) return ERR_OK;
    if (missing < applied)
        return fault_set(fault, ERR_CONFLICT, schema_table,
                         "the schema is at %d, but without migration %d: run `turnpike migrate`", applied, missing);
    return fault_set(fault, ERR_CONFLICT, schema_table,
                     "the schema is at %d, this binary needs %d: run `turnpike migrate`", applied, newest_file());
}

int schema_exit_code(enum err err, const struct fault *fault)
{
    enum { EXIT_CODE_SCHEMA = 78 }; // docs/exit-codes.md
    return err == ERR_CONFLICT && strcmp(fault->place, schema_table) == 0 ? EXIT_CODE_SCHEMA : err_exit_code(err);
}

enum err schema_check(struct db *db, struct fault *fault)
{
    struct arena *arena = arena_new(4096);
    struct schema_migration *list;
    size_t count;
    enum err err = schema_list(db, arena, &list, &count, fault);
    if (!err) err = check_recorded(list, count, fault);
    if (!err) err = check_complete(list, count, fault);
    arena_free(arena);
    return err;
}

// --- applying

// Runs the script and what records it in one transaction; as the owner unless it is the bootstrap, which makes the
// owner.
static enum err run_file(struct db *db, const struct schema_file *file, struct fault *fault)
{
    enum err err = db_begin(db, fault);
    if (err) return err;
    if (file->number > 0) err = db_exec(db, "set local role turnpike_owner", 0, NULL, NULL, fault);
    if (!err) err = db_script(db, file->text, fault);
    if (!err && file->number > 0) {
        struct arena *arena = arena_new(256);
        unsigned char hash[SHA256_BYTES];
        sha256_of(file->text, file->length, hash);
        const char *values[] = {db_int(arena, file->number), file->name, db_bytes(arena, hash, sizeof hash)};
        err = db_exec(db, record_sql, 3, values, NULL, fault);
        arena_free(arena);
    }
    if (!err) err = db_commit(db, fault);
    if (err) db_rollback(db);
    return err;
}

static enum err apply_file(struct db *db, const struct schema_file *file, struct fault *fault)
{
    enum err err = run_file(db, file, fault);
    if (err && fault) snprintf(fault->place, sizeof fault->place, "schema/%04d_%s.sql", file->number, file->name);
    return err;
}

static const struct schema_file *find_file(int number)
{
    for (size_t i = 0; i < schema_file_count; i++)
        if (schema_files[i].number == number) return &schema_files[i];
    return NULL;
}

static enum err apply_missing(struct db *db, struct arena *arena, schema_progress *progress, void *context,
                              struct fault *fault)
{
    struct schema_migration *list;
    size_t count;
    enum err err = schema_list(db, arena, &list, &count, fault);
    if (!err) err = check_recorded(list, count, fault);
    for (size_t i = 0; i < count && !err; i++) {
        if (list[i].state != SCHEMA_MISSING) continue;
        if (progress) progress(context, list[i].number, list[i].name, false);
        err = apply_file(db, find_file(list[i].number), fault);
        if (!err && progress) progress(context, list[i].number, list[i].name, true);
    }
    return err;
}

enum err schema_migrate(struct db *db, schema_progress *progress, void *context, struct fault *fault)
{
    const struct schema_file bootstrap = {0, "bootstrap", schema_bootstrap, strlen(schema_bootstrap)};
    struct arena *arena = arena_new(4096);
    struct db_result *ignored = NULL;
    hash_init();
    enum err err = db_query(db, lock_sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    if (err) goto out;
    err = apply_file(db, &bootstrap, fault);
    if (!err) err = apply_missing(db, arena, progress, context, fault);
    // after an error the lock goes with the connection, should this fail, too
    struct fault unlock_fault;
    if (db_query(db, unlock_sql, 0, NULL, &ignored, &unlock_fault) == ERR_OK) db_result_free(ignored);
out:
    arena_free(arena);
    return err;
}
