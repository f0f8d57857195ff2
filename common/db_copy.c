// SPDX-License-Identifier: Apache-2.0
// COPY FROM STDIN in binary form: a header, rows of length-prefixed fields, a trailer. Everything is big-endian.
// The format is in PostgreSQL's documentation of COPY; the field formats are those of the types' receive functions.
#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "common/db_connection.h"
#include "common/db_decimal.h"

enum { SEND_BYTES = 64 * 1024, STATEMENT_MAX = 2048, FIELD_NULL = -1, COLUMNS_MAX = 100 };
// Instants of PostgreSQL count from 2000-01-01.
#define POSTGRES_EPOCH_US (INT64_C(946684800) * SECOND_US)

static const char copy_header[] = "PGCOPY\n\377\r\n\0" // signature, its NUL included
                                  "\0\0\0\0"           // flags: no oids
                                  "\0\0\0\0";          // length of the header's extension
enum { COPY_HEADER_BYTES = 19 };

static void put_16(unsigned char *out, uint16_t value)
{
    value = htobe16(value);
    memcpy(out, &value, sizeof value);
}

static void put_32(unsigned char *out, uint32_t value)
{
    value = htobe32(value);
    memcpy(out, &value, sizeof value);
}

static void put_64(unsigned char *out, uint64_t value)
{
    value = htobe64(value);
    memcpy(out, &value, sizeof value);
}

static void count_column(struct db_copy *copy)
{
    ENSURE(copy->column < copy->columns);
    copy->column++;
}

// The next field of `length` bytes, its length in front already: where its bytes go.
static unsigned char *field_room(struct db_copy *copy, size_t length)
{
    count_column(copy);
    unsigned char *field = text_room(&copy->buffer, 4 + length);
    put_32(field, (uint32_t)length);
    text_written(&copy->buffer, 4 + length);
    return field + 4;
}

static void send_buffer(struct db_copy *copy)
{
    ENSURE(copy->buffer.length <= INT32_MAX);
    if (!copy->lost && copy->buffer.length)
        copy->lost = PQputCopyData(copy->db->link, copy->buffer.data, (int)copy->buffer.length) != 1;
    text_clear(&copy->buffer);
}

enum err db_copy_open(struct db *db, const char *table_and_columns, int columns, struct db_copy *copy,
                      struct fault *fault)
{
    ENSURE(columns > 0 && columns <= COLUMNS_MAX);
    ENSURE(PQtransactionStatus(db->link) != PQTRANS_IDLE); // a COPY of its own would be its own COMMIT
    *copy = (struct db_copy){.db = db, .columns = columns, .column = columns};
    char statement[STATEMENT_MAX];
    ENSURE(snprintf(statement, sizeof statement, "copy %s from stdin binary", table_and_columns) <
           (int)sizeof statement);
    db->sqlstate[0] = 0;
    if (!PQsendQuery(db->link, statement)) return db_fail(db, NULL, ERR_RETRY, fault);
    PGresult *result = db_answer(db);
    if (PQresultStatus(result) != PGRES_COPY_IN) return db_fail(db, result, ERR_RETRY, fault);
    PQclear(result);
    text_add(&copy->buffer, copy_header, COPY_HEADER_BYTES);
    return ERR_OK;
}

void db_copy_row(struct db_copy *copy)
{
    ENSURE(copy->column == copy->columns);
    if (copy->buffer.length >= SEND_BYTES) send_buffer(copy);
    copy->row_start = copy->buffer.length;
    copy->column = 0;
    copy->rows++;
    unsigned char count[2];
    put_16(count, (uint16_t)copy->columns);
    text_add(&copy->buffer, count, sizeof count);
}

void db_copy_null(struct db_copy *copy)
{
    count_column(copy);
    unsigned char field[4];
    put_32(field, (uint32_t)FIELD_NULL);
    text_add(&copy->buffer, field, sizeof field);
}

void db_copy_int2(struct db_copy *copy, int16_t value)
{
    put_16(field_room(copy, 2), (uint16_t)value);
}

void db_copy_int4(struct db_copy *copy, int32_t value)
{
    put_32(field_room(copy, 4), (uint32_t)value);
}

void db_copy_int8(struct db_copy *copy, int64_t value)
{
    put_64(field_room(copy, 8), (uint64_t)value);
}

void db_copy_bool(struct db_copy *copy, bool value)
{
    *field_room(copy, 1) = value;
}

void db_copy_instant(struct db_copy *copy, instant_us instant)
{
    if (instant == INSTANT_NONE) {
        db_copy_null(copy);
        return;
    }
    ENSURE(instant >= INSTANT_MIN && instant <= INSTANT_MAX);
    db_copy_int8(copy, instant - POSTGRES_EPOCH_US);
}

void db_copy_numeric(struct db_copy *copy, int128 scaled, int places)
{
    count_column(copy);
    unsigned char *field = text_room(&copy->buffer, 4 + DB_NUMERIC_BYTES_MAX);
    size_t length = db_numeric_encode(scaled, places, field + 4);
    put_32(field, (uint32_t)length);
    text_written(&copy->buffer, 4 + length);
}

void db_copy_uuid(struct db_copy *copy, struct hash128 hash)
{
    unsigned char *field = field_room(copy, 16);
    put_64(field, hash.high);
    put_64(field + 8, hash.low);
}

void db_copy_bytes(struct db_copy *copy, const void *data, size_t length)
{
    count_column(copy);
    ENSURE(length <= INT32_MAX);
    unsigned char prefix[4];
    put_32(prefix, (uint32_t)length);
    text_add(&copy->buffer, prefix, sizeof prefix);
    if (length) text_add(&copy->buffer, data, length);
}

void db_copy_text(struct db_copy *copy, const char *data, size_t length)
{
    db_copy_bytes(copy, data, length);
}

enum err db_copy_close(struct db_copy *copy, struct fault *fault)
{
    ENSURE(copy->column == copy->columns);
    struct db *db = copy->db;
    unsigned char trailer[2];
    put_16(trailer, (uint16_t)FIELD_NULL);
    text_add(&copy->buffer, trailer, sizeof trailer);
    send_buffer(copy);
    text_free(&copy->buffer);
    if (copy->lost || PQputCopyEnd(db->link, NULL) != 1) return db_fail(db, NULL, ERR_RETRY, fault);
    PGresult *result = db_answer(db);
    if (PQresultStatus(result) != PGRES_COMMAND_OK || !db_alive(db)) return db_fail(db, result, ERR_RETRY, fault);
    PQclear(result);
    return ERR_OK;
}

void db_copy_abort(struct db_copy *copy)
{
    text_free(&copy->buffer);
    PGconn *link = copy->db->link;
    if (PQstatus(link) != CONNECTION_OK || PQputCopyEnd(link, "abandoned by the client") != 1) return;
    PQclear(db_answer(copy->db));
}
