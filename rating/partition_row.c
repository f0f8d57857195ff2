// SPDX-License-Identifier: Apache-2.0
// The statements on rating.partition that stand outside of a batch.
#include "rating/partition_row.h"

#include <string.h>

#include "common/text.h"

enum { ARENA_BYTES = 1024 };

#define COLUMNS                                                                                                        \
    "p.epoch, p.epoch_nonce, p.batch_seq, p.next_offset, p.watermark, p.last_digest, p.head, p.base_seq,"             \
    " p.base_position, p.counted_seq, p.parked_reason is not null, p.base_offset"
enum { PARTITION_COLUMN = 12 }; // behind them

static void row_take_in(const struct db_result *result, int at, struct arena *arena, struct partition_row *row)
{
    unsigned char *bytes = NULL;
    row->epoch = db_get_int(result, at, 0);
    row->epoch_nonce = db_get_int(result, at, 1);
    row->batch_seq = db_get_int(result, at, 2);
    row->next_offset = db_get_int(result, at, 3);
    row->watermark = db_get_instant(result, at, 4);
    size_t length = db_get_bytes(result, arena, at, 5, &bytes);
    row->has_digest = length == SHA256_BYTES;
    if (row->has_digest) memcpy(row->last_digest, bytes, SHA256_BYTES);
    ENSURE(db_get_bytes(result, arena, at, 6, &bytes) == SHA256_BYTES); // checked by the table
    memcpy(row->head, bytes, SHA256_BYTES);
    row->base_seq = db_get_int(result, at, 7);
    row->base_position = db_get_int(result, at, 8);
    row->counted_seq = db_is_null(result, at, 9) ? -1 : db_get_int(result, at, 9);
    row->parked = db_get_bool(result, at, 10);
    row->base_offset = db_get_int(result, at, 11);
}

enum err partition_row_read(struct db *db, int32_t incarnation, int32_t partition, struct partition_row *row,
                            struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    struct db_result *result = NULL;
    *row = (struct partition_row){.incarnation = incarnation, .partition = partition};
    enum err err = db_query(db,
                            "select " COLUMNS "\n"
                            "  from rating.partition p\n"
                            " where p.incarnation = $1::int and p.partition = $2::int",
                            2, (const char *[]){db_int(arena, incarnation), db_int(arena, partition)}, &result, fault);
    if (!err && db_rows(result) != 1)
        err = fault_set(fault, ERR_NOT_FOUND, "rating.partition", "there is no row for partition %d of incarnation %d",
                        partition, incarnation);
    if (!err) row_take_in(result, 0, arena, row);
    db_result_free(result);
    arena_free(arena);
    return err;
}

// Rows that somebody holds are left out: a rater that hangs in a commit would stop all the others.
static const char take_sql[] =
    "with wanted as (\n"
    "    select * from unnest($2::int[], $3::bigint[]) w (partition, nonce)\n"
    "), free as (\n"
    "    select p.partition\n"
    "      from rating.partition p\n"
    "     where p.incarnation = $1::int and p.partition = any ($2::int[])\n"
    "       for update skip locked\n"
    ")\n"
    "update rating.partition p\n"
    "   set epoch = p.epoch + 1, epoch_nonce = w.nonce, owner = $4::text\n"
    "  from free f\n"
    "  join wanted w on w.partition = f.partition\n"
    " where p.incarnation = $1::int and p.partition = f.partition\n"
    "returning " COLUMNS ", p.partition";

static struct partition_row *row_of(struct partition_row *rows, int count, int64_t partition)
{
    for (int i = 0; i < count; i++)
        if (rows[i].partition == partition) return &rows[i];
    ENSURE(count < 0); // only what was asked for comes back
    return NULL;
}

static enum err take(struct db *db, struct partition_row *rows, int count, const char *owner, struct arena *arena,
                     struct fault *fault)
{
    struct text partitions = {0}, nonces = {0};
    struct db_result *result = NULL;
    for (int i = 0; i < count; i++) {
        text_print(&partitions, "%c%d", i ? ',' : '{', rows[i].partition);
        text_print(&nonces, "%c%lld", i ? ',' : '{', (long long)(int64_t)random_u64());
    }
    text_add_char(&partitions, '}');
    text_add_char(&nonces, '}');
    enum err err = db_begin(db, fault);
    if (!err)
        err = db_query(db, take_sql, 4,
                       (const char *[]){db_int(arena, rows[0].incarnation), partitions.data, nonces.data, owner}, &result,
                       fault);
    for (int i = 0; !err && i < db_rows(result); i++) {
        struct partition_row *row = row_of(rows, count, db_get_int(result, i, PARTITION_COLUMN));
        row_take_in(result, i, arena, row);
    }
    db_result_free(result);
    if (!err)
        err = db_commit(db, fault);
    else
        db_rollback(db);
    text_free(&partitions);
    text_free(&nonces);
    return err;
}

enum err partition_rows_take(struct db *db, struct partition_row *rows, int count, const char *owner,
                             struct fault *fault)
{
    struct arena *arena = arena_new(ARENA_BYTES);
    enum err err = count > 0 ? take(db, rows, count, owner, arena, fault) : ERR_OK;
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
