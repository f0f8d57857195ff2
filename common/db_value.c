// SPDX-License-Identifier: Apache-2.0
// Values on their way to and from PostgreSQL in text form. What the server prints for a type is not input of a stranger:
// a value that does not read back is our own mistake (a wrong column, a wrong scale) and ENSUREd.
#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "common/db.h"

// --- parameters

const char *db_int(struct arena *arena, int64_t value)
{
    return arena_print(arena, "%lld", (long long)value);
}

const char *db_instant(struct arena *arena, instant_us instant)
{
    if (instant == INSTANT_NONE) return NULL;
    char text[INSTANT_TEXT_MAX];
    return arena_text(arena, text, instant_print(instant, text));
}

const char *db_decimal(struct arena *arena, int128 scaled, int places)
{
    char text[DECIMAL_TEXT_MAX];
    return arena_text(arena, text, decimal_print(scaled, places, text));
}

const char *db_bytes(struct arena *arena, const void *data, size_t length)
{
    ENSURE(length <= SIZE_MAX / 2 - 3);
    char *text = arena_alloc(arena, 2 * length + 3);
    text[0] = '\\';
    text[1] = 'x';
    hex_print(data, length, text + 2);
    return text;
}

const char *db_uuid(struct arena *arena, struct hash128 hash)
{
    return arena_print(arena, "%08llx-%04llx-%04llx-%04llx-%012llx", (unsigned long long)(hash.high >> 32),
                       (unsigned long long)(hash.high >> 16 & 0xffff), (unsigned long long)(hash.high & 0xffff),
                       (unsigned long long)(hash.low >> 48), (unsigned long long)(hash.low & 0xffffffffffff));
}

const char *db_bool(bool value)
{
    return value ? "true" : "false";
}

// --- results

static const PGresult *inner(const struct db_result *result)
{
    return (const PGresult *)result;
}

// Checks the place as well: a row or column that is not there would read as NULL.
static const char *value_at(const struct db_result *result, int row, int column)
{
    ENSURE(row >= 0 && row < PQntuples(inner(result)) && column >= 0 && column < PQnfields(inner(result)));
    return PQgetvalue(inner(result), row, column);
}

int db_rows(const struct db_result *result)
{
    return PQntuples(inner(result));
}

bool db_is_null(const struct db_result *result, int row, int column)
{
    (void)value_at(result, row, column);
    return PQgetisnull(inner(result), row, column);
}

const char *db_text(const struct db_result *result, int row, int column)
{
    return value_at(result, row, column);
}

size_t db_length(const struct db_result *result, int row, int column)
{
    (void)value_at(result, row, column);
    return (size_t)PQgetlength(inner(result), row, column);
}

int64_t db_get_int(const struct db_result *result, int row, int column)
{
    if (db_is_null(result, row, column)) return 0;
    int128 value;
    enum err err = decimal_parse(value_at(result, row, column), db_length(result, row, column), 0, false, &value, NULL);
    ENSURE(err == ERR_OK && value >= INT64_MIN && value <= INT64_MAX);
    return (int64_t)value;
}

bool db_get_bool(const struct db_result *result, int row, int column)
{
    const char *text = value_at(result, row, column);
    ENSURE(strcmp(text, "t") == 0 || strcmp(text, "f") == 0 || *text == 0);
    return *text == 't';
}

static int digits_take(const char **at, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++, (*at)++) {
        ENSURE(isdigit((unsigned char)**at));
        value = value * 10 + (**at - '0');
    }
    return value;
}

static void char_take(const char **at, char expected)
{
    ENSURE(**at == expected);
    (*at)++;
}

// "2026-10-01 00:00:00[.ffffff]+00": ISO style and UTC are session settings. Years outside 1..9999 are outside an instant.
instant_us db_get_instant(const struct db_result *result, int row, int column)
{
    if (db_is_null(result, row, column)) return INSTANT_NONE;
    const char *at = value_at(result, row, column);
    if (strcmp(at, "infinity") == 0) return INSTANT_MAX;
    if (strcmp(at, "-infinity") == 0) return INSTANT_MIN;
    int year = digits_take(&at, 4);
    char_take(&at, '-');
    int month = digits_take(&at, 2);
    char_take(&at, '-');
    int day = digits_take(&at, 2);
    char_take(&at, ' ');
    int64_t second = digits_take(&at, 2) * INT64_C(3600);
    char_take(&at, ':');
    second += digits_take(&at, 2) * INT64_C(60);
    char_take(&at, ':');
    second += digits_take(&at, 2);
    int64_t micro = 0;
    if (*at == '.') {
        at++;
        for (int64_t unit = SECOND_US / 10; unit > 0 && isdigit((unsigned char)*at); unit /= 10)
            micro += digits_take(&at, 1) * unit;
    }
    ENSURE(strcmp(at, "+00") == 0);
    return civil_days(year, month, day) * DAY_US + second * SECOND_US + micro;
}

int128 db_get_decimal(const struct db_result *result, int row, int column, int places)
{
    if (db_is_null(result, row, column)) return 0;
    int128 scaled;
    enum err err =
        decimal_parse(value_at(result, row, column), db_length(result, row, column), places, false, &scaled, NULL);
    ENSURE(err == ERR_OK);
    return scaled;
}

struct hash128 db_get_uuid(const struct db_result *result, int row, int column)
{
    if (db_is_null(result, row, column)) return (struct hash128){0, 0};
    char hex[32];
    size_t length = 0;
    for (const char *at = value_at(result, row, column); *at; at++) {
        if (*at == '-') continue;
        ENSURE(length < sizeof hex);
        hex[length++] = *at;
    }
    unsigned char bytes[16];
    enum err err = hex_parse(hex, length, bytes);
    ENSURE(length == sizeof hex && err == ERR_OK);
    return hash128_from_bytes(bytes);
}

size_t db_get_bytes(const struct db_result *result, struct arena *arena, int row, int column, unsigned char **data)
{
    size_t hex_length = db_length(result, row, column);
    const char *text = value_at(result, row, column);
    if (db_is_null(result, row, column)) {
        *data = arena_alloc(arena, 1);
        return 0;
    }
    ENSURE(hex_length >= 2 && text[0] == '\\' && text[1] == 'x');
    *data = arena_alloc(arena, hex_length / 2);
    enum err err = hex_parse(text + 2, hex_length - 2, *data);
    ENSURE(err == ERR_OK);
    return (hex_length - 2) / 2;
}

// --- values of db_query_binary

int64_t db_binary_int(const struct db_result *result, int row, int column)
{
    const unsigned char *at = (const unsigned char *)value_at(result, row, column);
    size_t length = db_length(result, row, column);
    ENSURE(PQfformat(inner(result), column) == 1 && (length == 2 || length == 4 || length == 8));
    uint64_t bits = at[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < length; i++)
        bits = bits << 8 | at[i];
    return (int64_t)bits;
}

const void *db_binary_data(const struct db_result *result, int row, int column)
{
    ENSURE(PQfformat(inner(result), column) == 1);
    return value_at(result, row, column);
}

size_t db_binary_length(const struct db_result *result, int row, int column)
{
    return db_length(result, row, column);
}

void db_result_free(struct db_result *result)
{
    PQclear((PGresult *)result);
}
