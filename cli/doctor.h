// SPDX-License-Identifier: Apache-2.0
// The checks of `turnpike doctor`: each adds rows. A check that cannot be made is a row, too.
#pragma once
#include "cli/command.h"
#include "cli/table.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };
struct doctor {
    struct command_context *context;
    struct table *table;
    int count[3]; // by level
};
// found: what is there; advice: what to do, shown unless it is well.
void doctor_row(struct doctor *doctor, const char *store, const char *check, enum doctor_level level, const char *found,
                const char *advice);
// A store's clock against this host's: `store_now` was read between before and after.
void doctor_clock(struct doctor *doctor, const char *store, instant_us before, instant_us store_now, instant_us after);

void doctor_postgres(struct doctor *doctor, struct db *db);
void doctor_postgres_roles(struct doctor *doctor, struct db *db);
void doctor_kafka(struct doctor *doctor, struct db *db_or_null); // the topic's name is in the database
void doctor_redis(struct doctor *doctor);
void doctor_host(struct doctor *doctor);
