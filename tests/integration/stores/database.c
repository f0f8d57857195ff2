// SPDX-License-Identifier: Apache-2.0
// Statements of the PostgreSQL cases that must succeed.
#include "tests/integration/stores/database.h"

struct db *database_open(const struct config *config)
{
    struct db *db;
    CHECK_ERR(db_open(config, "admin", "postgres", &db, &fault), ERR_OK);
    return db;
}

struct db_result *database_query(struct db *db, const char *sql, int count, const char *const *values)
{
    struct db_result *result;
    CHECK_ERR(db_query(db, sql, count, values, &result, &fault), ERR_OK);
    return result;
}

void database_run(struct db *db, const char *sql)
{
    CHECK_ERR(db_exec(db, sql, 0, NULL, NULL, &fault), ERR_OK);
}

int64_t database_number(struct db *db, const char *sql)
{
    struct db_result *result = database_query(db, sql, 0, NULL);
    CHECK_INT(db_rows(result), 1);
    int64_t number = db_get_int(result, 0, 0);
    db_result_free(result);
    return number;
}
