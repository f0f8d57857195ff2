// SPDX-License-Identifier: Apache-2.0
// PostgreSQL: values there and back, SQLSTATEs, transactions, notifications. COPY is in db_copy_cases.c, lost
// connections are in db_fault_cases.c.
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "tests/integration/stores/database.h"

enum { PATIENCE_S = 30 };
#define EIGHTEEN_NINES ((int128)999999999999999999)

static struct arena *arena;

// --- values

static void whole_numbers_and_truth_values_come_back(const struct config *config)
{
    static const int64_t numbers[] = {0, 1, -1, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    struct db *db = database_open(config);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const char *values[] = {db_int(arena, numbers[i]), db_bool(i % 2), NULL, NULL};
        struct db_result *result = database_query(db, "select $1::int8, $2::bool, $3::int8, $4::bool", 4, values);
        CHECK_INT(db_get_int(result, 0, 0), numbers[i]);
        CHECK_INT(db_get_bool(result, 0, 1), i % 2);
        CHECK(!db_is_null(result, 0, 0) && db_is_null(result, 0, 2));
        CHECK_INT(db_get_int(result, 0, 2), 0);
        CHECK(!db_get_bool(result, 0, 3));
        CHECK_TEXT(db_text(result, 0, 2), "");
        db_result_free(result);
    }
    db_close(db);
}

static void instants_come_back_to_the_microsecond(const struct config *config)
{
    static const instant_us instants[] = {0,           1,           -1,         999999,      -999999, INSTANT_MIN,
                                          INSTANT_MAX, INT64_C(1790812800000000), INT64_C(946684800000000),
                                          INT64_C(1709164800123456), INT64_C(-62135596799999999)};
    struct db *db = database_open(config);
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++) {
        const char *values[] = {db_instant(arena, instants[i])};
        struct db_result *result =
            database_query(db, "select $1::timestamptz, (extract(epoch from $1::timestamptz) * 1000000)::int8", 1, values);
        CHECK_INT(db_get_instant(result, 0, 0), instants[i]);
        CHECK_INT(db_get_int(result, 0, 1), instants[i]);
        db_result_free(result);
    }
    CHECK(db_instant(arena, INSTANT_NONE) == NULL);
    struct db_result *result = database_query(
        db, "select null::timestamptz, 'infinity'::timestamptz, '-infinity'::timestamptz", 0, NULL);
    CHECK(db_get_instant(result, 0, 0) == INSTANT_NONE);
    CHECK(db_get_instant(result, 0, 1) == INSTANT_MAX && db_get_instant(result, 0, 2) == INSTANT_MIN);
    db_result_free(result);
    db_close(db);
}

static void decimals_come_back_exactly(const struct config *config)
{
    static const int places[] = {0, 9, 12};
    const int128 scaled[] = {0, 1, -1, 10, 1000000000, EIGHTEEN_NINES, -EIGHTEEN_NINES, DECIMAL_MAX, -DECIMAL_MAX};
    struct db *db = database_open(config);
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
        for (size_t i = 0; i < sizeof scaled / sizeof scaled[0]; i++) {
            const char *values[] = {db_decimal(arena, scaled[i], places[p]), db_int(arena, places[p])};
            struct db_result *result =
                database_query(db, "select $1::numeric(38, 12), trunc($1::numeric * 10::numeric ^ $2::int)", 2, values);
            if (places[p] == 12) CHECK(db_get_decimal(result, 0, 0, 12) == scaled[i]);
            CHECK(db_get_decimal(result, 0, 1, 0) == scaled[i]);
            db_result_free(result);
            if (places[p] < 12 && (scaled[i] == EIGHTEEN_NINES || scaled[i] == 10)) break; // above numeric(38, 12)
        }
    }
    db_close(db);
}

static void bytes_names_and_texts_come_back(const struct config *config)
{
    unsigned char every[256], *bytes;
    for (int i = 0; i < 256; i++) every[i] = (unsigned char)i;
    struct hash128 name = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};
    struct db *db = database_open(config);
    const char *values[] = {db_bytes(arena, every, sizeof every), db_bytes(arena, "", 0), db_uuid(arena, name),
                            "'; drop table x; -- \xe2\x82\xac \\ \"", NULL, NULL};
    struct db_result *result =
        database_query(db, "select $1::bytea, $2::bytea, $3::uuid, $4::text, $5::bytea, $6::uuid", 6, values);
    CHECK_INT(db_get_bytes(result, arena, 0, 0, &bytes), 256);
    CHECK(memcmp(bytes, every, 256) == 0);
    CHECK_INT(db_get_bytes(result, arena, 0, 1, &bytes), 0);
    CHECK(hash128_equal(db_get_uuid(result, 0, 2), name));
    CHECK_TEXT(db_text(result, 0, 2), "01234567-89ab-cdef-fedc-ba9876543210");
    CHECK_TEXT(db_text(result, 0, 3), values[3]);
    CHECK_INT(db_length(result, 0, 3), strlen(values[3]));
    CHECK_INT(db_get_bytes(result, arena, 0, 4, &bytes), 0);
    CHECK(hash128_is_zero(db_get_uuid(result, 0, 5)));
    db_result_free(result);
    db_result_free(NULL);
    db_close(db);
}

static void the_session_is_as_promised(const struct config *config)
{
    struct db *db = database_open(config);
    struct db_result *result = database_query(db,
                                     "select current_setting('timezone'), current_setting('application_name'), "
                                     "current_setting('client_encoding'), current_setting('statement_timeout'), "
                                     "current_user",
                                     0, NULL);
    CHECK_TEXT(db_text(result, 0, 0), "UTC");
    CHECK_TEXT(db_text(result, 0, 1), "turnpike admin");
    CHECK_TEXT(db_text(result, 0, 2), "UTF8");
    CHECK_TEXT(db_text(result, 0, 3), "0");
    CHECK_TEXT(db_text(result, 0, 4), "turnpike_admin");
    db_result_free(result);
    db_close(db);
}

static void affected_rows_are_counted(const struct config *config)
{
    struct db *db = database_open(config);
    int64_t affected = -1;
    CHECK_ERR(db_exec(db, "create temporary table t as select generate_series(1, 1000) as n", 0, NULL, NULL, &fault),
              ERR_OK);
    CHECK_ERR(db_exec(db, "update t set n = n + 1 where n > 600", 0, NULL, &affected, &fault), ERR_OK);
    CHECK_INT(affected, 400);
    CHECK_ERR(db_exec(db, "update t set n = 0 where n = -5", 0, NULL, &affected, &fault), ERR_OK);
    CHECK_INT(affected, 0);
    CHECK_ERR(db_script(db, "create temporary table u (n int); insert into u values (1); drop table u;", &fault), ERR_OK);
    CHECK_ERR(db_script(db, "insert into t values (5); insert into u values (1)", &fault), ERR_BUG);
    CHECK_TEXT(db_sqlstate(db), "42P01");
    CHECK_INT(database_number(db, "select count(*) from t"), 1000); // a script is one transaction
    CHECK_ERR(db_script(db, "", &fault), ERR_OK);
    db_close(db);
}

// --- errors

static void sqlstates_name_the_next_action(const struct config *config)
{
    static const struct {
        const char *sqlstate;
        enum err err;
    } rows[] = {
        {"08006", ERR_RETRY},    {"22003", ERR_INVALID},  {"22P02", ERR_INVALID},  {"23502", ERR_BUG},
        {"23503", ERR_CONFLICT}, {"23505", ERR_DUPLICATE}, {"23514", ERR_CONFLICT}, {"23P01", ERR_CONFLICT},
        {"25P02", ERR_BUG},      {"25P03", ERR_RETRY},    {"28P01", ERR_INVALID},  {"3D000", ERR_INVALID},
        {"40001", ERR_RETRY},    {"40P01", ERR_RETRY},    {"42501", ERR_BUG},      {"42P01", ERR_BUG},
        {"53100", ERR_RETRY},    {"53300", ERR_RETRY},    {"54000", ERR_LIMIT},    {"55P03", ERR_RETRY},
        {"55000", ERR_BUG},      {"57014", ERR_LIMIT},    {"57P01", ERR_RETRY},    {"57P03", ERR_RETRY},
        {"P0001", ERR_CONFLICT}, {"P0002", ERR_BUG},      {"XX000", ERR_BUG},      {"XX001", ERR_BUG},
    };
    struct db *db = database_open(config);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sql[160];
        snprintf(sql, sizeof sql, "do $$ begin raise exception 'on purpose' using errcode = '%s', detail = 'more'; end $$",
                 rows[i].sqlstate);
        CHECK_ERR(db_exec(db, sql, 0, NULL, NULL, &fault), rows[i].err);
        CHECK_TEXT(db_sqlstate(db), rows[i].sqlstate);
        CHECK(strstr(fault.reason, "on purpose") && strstr(fault.reason, "more") &&
              strstr(fault.reason, rows[i].sqlstate));
    }
    database_run(db, "select 1");
    CHECK_TEXT(db_sqlstate(db), "");
    db_close(db);
}

static void real_failures_carry_their_words(const struct config *config)
{
    struct db *db = database_open(config), *other = database_open(config);
    database_run(db, "create temporary table keys (id int constraint keys_once primary key)");
    database_run(db, "insert into keys values (17)");
    CHECK_ERR(db_exec(db, "insert into keys values (17)", 0, NULL, NULL, &fault), ERR_DUPLICATE);
    CHECK(strstr(fault.reason, "Key (id)=(17) already exists") && strstr(fault.reason, "keys_once"));
    CHECK_ERR(db_exec(db, "select 1 / 0", 0, NULL, NULL, &fault), ERR_INVALID);
    CHECK_ERR(db_exec(db, "select 10::numeric(1)", 0, NULL, NULL, &fault), ERR_INVALID);
    CHECK_ERR(db_exec(db, "selekt", 0, NULL, NULL, &fault), ERR_BUG);
    database_run(db, "set statement_timeout = 50");
    CHECK_ERR(db_exec(db, "select pg_sleep(60)", 0, NULL, NULL, &fault), ERR_LIMIT);
    database_run(db, "set statement_timeout = 0");
    CHECK_ERR(db_begin(other, &fault), ERR_OK);
    database_run(other, "lock table pg_catalog.pg_description in access exclusive mode");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_exec(db, "lock table pg_catalog.pg_description in access exclusive mode nowait", 0, NULL, NULL, &fault),
              ERR_RETRY);
    db_rollback(other);
    db_rollback(db);
    db_close(other);
    db_close(db);
}

// --- transactions

static void a_rollback_that_answers_commit_is_noticed(const struct config *config)
{
    struct db *db = database_open(config);
    database_run(db, "create temporary table t (n int)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into t values (1)");
    CHECK_ERR(db_exec(db, "select 1 / 0", 0, NULL, NULL, &fault), ERR_INVALID);
    CHECK_ERR(db_exec(db, "insert into t values (2)", 0, NULL, NULL, &fault), ERR_BUG); // 25P02
    CHECK_ERR(db_commit(db, &fault), ERR_BUG);
    CHECK_INT(database_number(db, "select count(*) from t"), 0);
    CHECK_ERR(db_commit(db, &fault), ERR_BUG); // there is none
    db_rollback(db);
    db_rollback(NULL);
    db_close(db);
}

static void a_constraint_that_fails_at_commit_is_no_uncertainty(const struct config *config)
{
    struct db *db = database_open(config);
    database_run(db, "create temporary table t (n int unique deferrable initially deferred)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into t values (1), (1)");
    CHECK_ERR(db_commit(db, &fault), ERR_DUPLICATE);
    CHECK(db_alive(db));
    CHECK_INT(database_number(db, "select count(*) from t"), 0);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    database_run(db, "insert into t values (1)");
    CHECK_ERR(db_commit(db, &fault), ERR_OK);
    CHECK_INT(database_number(db, "select count(*) from t"), 1);
    db_close(db);
}

static void a_snapshot_sees_one_moment_and_writes_nothing(const struct config *config)
{
    struct db *db = database_open(config), *other = database_open(config);
    database_run(other, "drop table if exists stores_snapshot");
    database_run(other, "create table stores_snapshot as select 1 as n");
    CHECK_ERR(db_begin_snapshot(db, &fault), ERR_OK);
    CHECK_INT(database_number(db, "select count(*) from stores_snapshot"), 1);
    database_run(other, "insert into stores_snapshot values (2)");
    CHECK_INT(database_number(db, "select count(*) from stores_snapshot"), 1);
    CHECK_ERR(db_exec(db, "insert into stores_snapshot values (3)", 0, NULL, NULL, &fault), ERR_BUG);
    CHECK_TEXT(db_sqlstate(db), "25006");
    db_rollback(db);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_INT(database_number(db, "select count(*) from stores_snapshot"), 2);
    database_run(other, "insert into stores_snapshot values (3)");
    CHECK_INT(database_number(db, "select count(*) from stores_snapshot"), 3); // READ COMMITTED
    CHECK_ERR(db_commit(db, &fault), ERR_OK);
    database_run(other, "drop table stores_snapshot");
    db_close(db);
    db_close(other);
}

static void notifications_arrive_without_a_question(const struct config *config)
{
    struct db *db = database_open(config), *other = database_open(config);
    database_run(db, "listen stores_test");
    CHECK(!db_notified(db));
    database_run(other, "select pg_notify('stores_test', '1'), pg_notify('stores_test', '2')");
    struct pollfd descriptor = {.fd = db_socket(db), .events = POLLIN};
    CHECK_INT(poll(&descriptor, 1, PATIENCE_S * 1000), 1);
    CHECK(db_notified(db));
    CHECK(!db_notified(db));
    db_close(db);
    db_close(other);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(whole_numbers_and_truth_values_come_back),
        CASE(instants_come_back_to_the_microsecond),
        CASE(decimals_come_back_exactly),
        CASE(bytes_names_and_texts_come_back),
        CASE(the_session_is_as_promised),
        CASE(affected_rows_are_counted),
        CASE(sqlstates_name_the_next_action),
        CASE(real_failures_carry_their_words),
        CASE(a_rollback_that_answers_commit_is_noticed),
        CASE(a_constraint_that_fails_at_commit_is_no_uncertainty),
        CASE(a_snapshot_sees_one_moment_and_writes_nothing),
        CASE(notifications_arrive_without_a_question),
    };
    arena = arena_new(65536);
    int code = check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
    arena_free(arena);
    return code;
}
