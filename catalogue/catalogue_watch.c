// SPDX-License-Identifier: Apache-2.0
// Following the catalogue, and the lock between those who change it and those who bill by it. See the header.
#include "catalogue/catalogue_watch.h"

enum err catalogue_refresh(struct db *db, struct catalogue **current, struct fault *fault)
{
    int64_t newest;
    enum err err = catalogue_newest(db, &newest, fault);
    // "differs", not "is newer": a database that was restored to an earlier point has the truth
    if (err || (*current && catalogue_version(*current) == newest)) return err;
    struct catalogue *loaded;
    err = catalogue_load(db, 0, &loaded, fault);
    if (err) return err;
    catalogue_release(*current);
    *current = loaded;
    return ERR_OK;
}

enum err catalogue_listen(struct db *db, struct fault *fault)
{
    ENSURE(!db_in_transaction(db));
    enum err err = db_exec(db, "listen turnpike_catalogue", 0, NULL, NULL, fault);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err;
}

enum err catalogue_notify(struct db *db, struct fault *fault)
{
    ENSURE(db_in_transaction(db));
    return db_exec(db, "notify turnpike_catalogue", 0, NULL, NULL, fault);
}

enum err catalogue_lock(struct db *db, bool exclusive, struct fault *fault)
{
    ENSURE(db_in_transaction(db));
    struct db_result *ignored = NULL;
    const char *sql = exclusive ? "select pg_advisory_xact_lock(hashtextextended('turnpike.catalogue', 0))"
                                : "select pg_advisory_xact_lock_shared(hashtextextended('turnpike.catalogue', 0))";
    enum err err = db_query(db, sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    return err;
}
