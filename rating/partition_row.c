// SPDX-License-Identifier: Apache-2.0
// The statements on rating.partition that stand outside of a batch.
#include "rating/partition_row.h"

#include <string.h>

enum { ARENA_BYTES = 1024 };

#define COLUMNS "epoch, epoch_nonce, batch_seq, next_offset, watermark, last_digest, head, base_seq, base_position, counted_seq"

static enum err row_take_in(const struct db_result *result, struct arena *arena, struct partition_row *row,
                            struct fault *fault)
{
    if (db_rows(result) != 1)
        return fault_set(fault, ERR_NOT_FOUND, "rating.partition", "there is no row for partition %d of incarnation %d",
                         row->partition, row->incarnation);
    unsigned char *bytes = NULL;
    row->epoch = db_get_int(result, 0, 0);
    row->epoch_nonce = db_get_int(result, 0, 1);
    row->batch_seq = db_get_int(result, 0, 2);
    row->next_offset = db_get_int(result, 0, 3);
    row->watermark = db_get_instant(result, 0, 4);
    size_t length = db_get_bytes(result, arena, 0, 5, &bytes);
    row->has_digest = length == SHA256_BYTES;
    if (row->has_digest) memcpy(row->last_digest, bytes, SHA256_BYTES);
    ENSURE(db_get_bytes(result, arena, 0, 6, &bytes) == SHA256_BYTES); // checked by the table
    memcpy(row->head, bytes, SHA256_BYTES);
    row->base_seq = db_get_int(result, 0, 7);
    row->base_position = db_get_int(result, 0, 8);
    row->counted_seq = db_is_null(result, 0, 9) ? -1 : db_get_int(result, 0, 9);
    return ERR_OK;
}

enum err partition_row_read(struct db *db, int32_t incarnation, int32_t partition, struct partition_row *row,
                            struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct db_result *result = NULL;
    *row = (struct partition_row){.incarnation = incarnation, .partition = partition};
    enum err err = db_query(db,
                            "select " COLUMNS "\n"
                            "  from rating.partition\n"
                            " where incarnation = $1::int and partition = $2::int",
                            2, (const char *[]){db_int(arena, incarnation), db_int(arena, partition)}, &result, fault);
    if (!err) err = row_take_in(result, arena, row, fault);
    db_result_free(result);
    arena_free(arena);
    return err;
}

enum err partition_row_take(struct db *db, int32_t incarnation, int32_t partition, const char *owner,
                            struct partition_row *row, struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct db_result *result = NULL;
    int64_t nonce = (int64_t)random_u64();
    *row = (struct partition_row){.incarnation = incarnation, .partition = partition};
    enum err err = db_begin(db, fault);
    if (!err)
        err = db_query(
            db,
            "update rating.partition\n"
            "   set epoch = epoch + 1, epoch_nonce = $3::bigint, owner = $4::text\n"
            " where incarnation = $1::int and partition = $2::int\n"
            "returning " COLUMNS,
            4, (const char *[]){db_int(arena, incarnation), db_int(arena, partition), db_int(arena, nonce), owner},
            &result, fault);
    if (!err) err = row_take_in(result, arena, row, fault);
    db_result_free(result);
    if (!err)
        err = db_commit(db, fault);
    else
        db_rollback(db);
    arena_free(arena);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // another epoch is taken then: one more number does no harm
}

enum err partition_row_park(struct db *db, const struct partition_row *row, const char *reason_or_null,
                            struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    int64_t affected = 0;
    const char *const values[] = {db_int(arena, row->incarnation), db_int(arena, row->partition),
                                  db_int(arena, row->epoch), db_int(arena, row->epoch_nonce), reason_or_null};
    enum err err = db_exec(db,
                           "update rating.partition\n"
                           "   set parked_reason = $5::text\n"
                           " where incarnation = $1::int and partition = $2::int and epoch = $3::bigint\n"
                           "   and epoch_nonce = $4::bigint",
                           5, values, &affected, fault);
    arena_free(arena);
    if (!err && affected == 0)
        return fault_set(fault, ERR_CONFLICT, "rating.partition", "partition %d has another owner", row->partition);
    return err == ERR_UNCERTAIN ? ERR_RETRY : err; // writing it again does no harm
}
