// SPDX-License-Identifier: Apache-2.0
// turnpike doctor: one row per check; says what to do about each that is not well.
#include <stdio.h>

#include "cli/commands.h"
#include "cli/doctor.h"

enum { CLOCK_MOST_US = 1000000 };

const char doctor_usage[] =
    "\n\nChecks what the promises rest on: settings of Kafka, PostgreSQL and Redis, roles and grants, schema, clocks, "
    "disks,\n"
    "versions. Each row is ok, warn (works, but promises less) or FAIL. Exit code 1 if there is a FAIL, else 0.";

void doctor_row(struct doctor *doctor, const char *store, const char *check, enum doctor_level level, const char *found,
                const char *advice)
{
    static const char *const names[] = {"ok", "warn", "FAIL"};
    doctor->count[level]++;
    table_text(doctor->table, store);
    table_text(doctor->table, check);
    table_text(doctor->table, names[level]);
    table_text(doctor->table, found);
    table_text(doctor->table, level == DOCTOR_OK ? "" : advice);
}

void doctor_clock(struct doctor *doctor, const char *store, instant_us before, instant_us store_now, instant_us after)
{
    // the answer took a while: only what lies outside of it is a difference
    int64_t off = store_now < before ? before - store_now : store_now > after ? store_now - after : 0;
    const char *found = arena_print(doctor->context->arena, "%lld.%03lld s apart", (long long)(off / SECOND_US),
                                    (long long)(off % SECOND_US / 1000));
    doctor_row(doctor, store, "clock", off > CLOCK_MOST_US ? DOCTOR_FAIL : DOCTOR_OK, found,
               "set both clocks by NTP: received times and expiry of keys follow them");
}

static struct db *open_postgres(struct doctor *doctor)
{
    struct fault fault = {0};
    struct db *db = NULL;
    if (db_open(doctor->context->config, "bill", NULL, &db, &fault))
        doctor_row(doctor, "postgresql", "connection", DOCTOR_FAIL, fault.reason,
                   "start it, and see postgres.* of the configuration");
    return db;
}

int doctor_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"store", false}, {"check", false}, {"state", false}, {"found", false}, {"what_to_do", false}};
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    struct doctor doctor = {.context = context, .table = table_open(context, columns, 5)};
    struct db *db = open_postgres(&doctor);
    if (db) {
        doctor_postgres(&doctor, db);
        doctor_postgres_roles(&doctor, db);
    }
    doctor_kafka(&doctor, db);
    doctor_redis(&doctor);
    doctor_host(&doctor);
    db_close(db);
    table_close(doctor.table);
    if (!context->json)
        printf("\n%d ok, %d warn, %d FAIL\n", doctor.count[DOCTOR_OK], doctor.count[DOCTOR_WARN],
               doctor.count[DOCTOR_FAIL]);
    return doctor.count[DOCTOR_FAIL] ? 1 : 0;
}
