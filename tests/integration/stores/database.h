// SPDX-License-Identifier: Apache-2.0
// What the PostgreSQL cases share: connections to the maintenance database and statements that must succeed.
#pragma once
#include "common/db.h"
#include "tests/integration/stores/check.h"

struct db *database_open(const struct config *config);
struct db_result *database_query(struct db *db, const char *sql, int count, const char *const *values);
void database_run(struct db *db, const char *sql);
int64_t database_number(struct db *db, const char *sql); // of a query with one row
