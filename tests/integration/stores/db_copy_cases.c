// SPDX-License-Identifier: Apache-2.0
// PostgreSQL: rows copied in binary form and read back as text, many of them, and refusals.
#include <stdio.h>
#include <string.h>

#include "tests/integration/stores/database.h"

enum { ROWS = 100000 };

static void copied_values_of_every_type_read_back(const struct config *config)
{
    struct db *db = database_open(config);
    struct db_copy copy;
    struct hash128 name = {UINT64_C(0x0123456789abcdef), 1};
    database_run(db, "create temporary table every (i2 int2, i4 int4, i8 int8, b bool, t timestamptz, n numeric(38, 12), u uuid, "
            "x text, y bytea)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "every (i2, i4, i8, b, t, n, u, x, y)", 9, &copy, &fault), ERR_OK);
    db_copy_row(&copy);
    db_copy_int2(&copy, INT16_MIN);
    db_copy_int4(&copy, INT32_MIN);
    db_copy_int8(&copy, INT64_MIN);
    db_copy_bool(&copy, true);
    db_copy_instant(&copy, INSTANT_MAX);
    db_copy_numeric(&copy, -DECIMAL_MAX, 12);
    db_copy_uuid(&copy, name);
    db_copy_text(&copy, "\xe2\x82\xac\\\t\n", 6);
    db_copy_bytes(&copy, "\0\xff\\", 3);
    db_copy_row(&copy);
    db_copy_int2(&copy, INT16_MAX);
    db_copy_int4(&copy, INT32_MAX);
    db_copy_int8(&copy, INT64_MAX);
    db_copy_bool(&copy, false);
    db_copy_instant(&copy, INSTANT_MIN);
    db_copy_numeric(&copy, 1, 12);
    db_copy_uuid(&copy, (struct hash128){0, 0});
    db_copy_text(&copy, "", 0);
    db_copy_bytes(&copy, NULL, 0);
    db_copy_row(&copy);
    for (int i = 0; i < 4; i++) db_copy_null(&copy);
    db_copy_instant(&copy, INSTANT_NONE);
    for (int i = 5; i < 9; i++) db_copy_null(&copy);
    CHECK_INT(copy.rows, 3);
    CHECK_ERR(db_copy_close(&copy, &fault), ERR_OK);
    CHECK_ERR(db_commit(db, &fault), ERR_OK);

    static const char *const expected[3][9] = {
        {"-32768", "-2147483648", "-9223372036854775808", "t", "9999-12-31 23:59:59.999999+00",
         "-99999999999999999999999999.999999999999", "01234567-89ab-cdef-0000-000000000001", "\xe2\x82\xac\\\t\n",
         "\\x00ff5c"},
        {"32767", "2147483647", "9223372036854775807", "f", "0001-01-01 00:00:00+00", "0.000000000001",
         "00000000-0000-0000-0000-000000000000", "", "\\x"},
        {"", "", "", "", "", "", "", "", ""},
    };
    struct db_result *result = database_query(db, "select * from every", 0, NULL);
    CHECK_INT(db_rows(result), 3);
    for (int row = 0; row < 3; row++) {
        for (int column = 0; column < 9; column++) {
            CHECK_TEXT(db_text(result, row, column), expected[row][column]);
            CHECK_INT(db_is_null(result, row, column), row == 2);
        }
    }
    db_result_free(result);
    db_close(db);
}

static void binary_results_give_back_what_was_stored(const struct config *config)
{
    struct db *db = database_open(config);
    struct db_result *result = NULL;
    CHECK_ERR(db_query_binary(db,
                              "select (-2)::int2, (-70000)::int4, $1::int8, '\\x00ff5c'::bytea, null::bytea, ''::bytea"
                              " from generate_series(1, 2)",
                              1, (const char *[]){"-9223372036854775808"}, &result, &fault),
              ERR_OK);
    CHECK_INT(db_rows(result), 2);
    CHECK_INT(db_binary_int(result, 1, 0), -2);
    CHECK_INT(db_binary_int(result, 1, 1), -70000);
    CHECK_INT(db_binary_int(result, 1, 2), INT64_MIN);
    CHECK_INT(db_binary_length(result, 1, 3), 3);
    CHECK_INT(memcmp(db_binary_data(result, 1, 3), "\0\xff\\", 3), 0);
    CHECK_INT(db_binary_length(result, 1, 4) + db_binary_length(result, 1, 5), 0);
    CHECK_INT(db_is_null(result, 1, 4), true);
    CHECK_INT(db_is_null(result, 1, 5), false);
    db_result_free(result);
    CHECK_ERR(db_query_binary(db, "select 1 / 0", 0, NULL, &result, &fault), ERR_INVALID);
    db_close(db);
}

// What the server reads from the binary form is compared with what it reads from the text form.
static void copied_decimals_equal_their_text(const struct config *config)
{
    enum { COUNT = 4000 };
    static const int places_of[] = {0, 1, 2, 3, 4, 9, 12, 18};
    struct db *db = database_open(config);
    struct db_copy copy;
    uint64_t seed = 20261001;
    database_run(db, "create temporary table decimals (n numeric, x text)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "decimals", 2, &copy, &fault), ERR_OK);
    for (int i = 0; i < COUNT; i++) {
        uint64_t high = seed = seed * UINT64_C(6364136223846793005) + 1, low = seed ^ seed >> 31;
        int128 scaled = (int128)((uint128)high << 64 | low) >> (i % 127);
        if (scaled > DECIMAL_MAX || scaled < -DECIMAL_MAX) scaled /= 10;
        int places = places_of[i % 8];
        char text[DECIMAL_TEXT_MAX];
        size_t length = decimal_print_fixed(scaled, places, places, text);
        db_copy_row(&copy);
        db_copy_numeric(&copy, scaled, places);
        db_copy_text(&copy, text, length);
    }
    CHECK_ERR(db_copy_close(&copy, &fault), ERR_OK);
    CHECK_INT(database_number(db, "select count(*) from decimals"), COUNT);
    // as text: value and display scale; as number: equal to what the server computes with
    CHECK_INT(database_number(db, "select count(*) from decimals where n::text = x and n = x::numeric and n - x::numeric = 0"),
              COUNT);
    CHECK_ERR(db_commit(db, &fault), ERR_OK);
    db_close(db);
}

static void a_hundred_thousand_rows_are_copied_whole(const struct config *config)
{
    struct db *db = database_open(config);
    struct db_copy copy;
    char word[32];
    database_run(db, "create temporary table many (i int8 primary key, n numeric(38, 9), x text)");
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "many (i, n, x)", 3, &copy, &fault), ERR_OK);
    for (int i = 1; i <= ROWS; i++) {
        db_copy_row(&copy);
        db_copy_int8(&copy, i);
        db_copy_numeric(&copy, (int128)i * 1000000007, 9);
        db_copy_text(&copy, word, (size_t)snprintf(word, sizeof word, "row %d", i));
    }
    CHECK_INT(copy.rows, ROWS);
    CHECK_ERR(db_copy_close(&copy, &fault), ERR_OK);
    CHECK_ERR(db_commit(db, &fault), ERR_OK);
    struct db_result *result = database_query(
        db, "select count(*), sum(i), sum(n), sum(length(x)), count(*) filter (where x = 'row ' || i) from many", 0, NULL);
    CHECK_INT(db_get_int(result, 0, 0), ROWS);
    CHECK_INT(db_get_int(result, 0, 1), 5000050000);                                        // n (n + 1) / 2
    CHECK(db_get_decimal(result, 0, 2, 9) == (int128)5000050000 * 1000000007);
    CHECK_INT(db_get_int(result, 0, 3), 4 * 100000 + 9 + 180 + 2700 + 36000 + 450000 + 6); // digits of 1..100000
    CHECK_INT(db_get_int(result, 0, 4), ROWS);
    db_result_free(result);
    db_close(db);
}

static void a_refused_copy_says_why_and_leaves_the_connection(const struct config *config)
{
    static const struct {
        const char *text;
        enum err err;
        const char *sqlstate;
    } rows[] = {
        {"\xff\xfe", ERR_INVALID, "22021"}, // not UTF-8
        {"long", ERR_CONFLICT, "23514"},
        {"twice", ERR_DUPLICATE, "23505"},
    };
    struct db *db = database_open(config);
    struct db_copy copy;
    database_run(db, "create temporary table strict (x text primary key check (x <> 'long'))");
    database_run(db, "insert into strict values ('twice')");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_ERR(db_begin(db, &fault), ERR_OK);
        CHECK_ERR(db_copy_open(db, "strict (x)", 1, &copy, &fault), ERR_OK);
        for (int n = 0; n < ROWS; n++) { // the refusal comes while there is much to send
            char word[32];
            db_copy_row(&copy);
            if (n == 10)
                db_copy_text(&copy, rows[i].text, strlen(rows[i].text));
            else
                db_copy_text(&copy, word, (size_t)snprintf(word, sizeof word, "%d", n));
        }
        CHECK_ERR(db_copy_close(&copy, &fault), rows[i].err);
        CHECK_TEXT(db_sqlstate(db), rows[i].sqlstate);
        db_rollback(db);
        CHECK_INT(database_number(db, "select count(*) from strict"), 1);
    }
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "nowhere (x)", 1, &copy, &fault), ERR_BUG);
    CHECK_TEXT(db_sqlstate(db), "42P01");
    db_rollback(db);
    CHECK_ERR(db_begin(db, &fault), ERR_OK);
    CHECK_ERR(db_copy_open(db, "strict (x)", 1, &copy, &fault), ERR_OK);
    db_copy_row(&copy); // left in the middle of a row
    db_copy_abort(&copy);
    db_rollback(db);
    CHECK_INT(database_number(db, "select count(*) from strict"), 1);
    db_close(db);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(copied_values_of_every_type_read_back),
        CASE(binary_results_give_back_what_was_stored),
        CASE(copied_decimals_equal_their_text),
        CASE(a_hundred_thousand_rows_are_copied_whole),
        CASE(a_refused_copy_says_why_and_leaves_the_connection),
    };
    return check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
