// SPDX-License-Identifier: Apache-2.0
// Fills the index of sequenced sources from rating.batch_sequence: the rows of the batches from the newest batch's
// sequence_from on, in their order, each batch checked against the digest that its chain head covers. Where rows are
// damaged the log has told instead. The chain of an older incarnation comes first: what it has of other partitions' sources
// does no harm.
#include <string.h>

#include "common/log.h"
#include "rating/rebuild_internal.h"
#include "rating/sequence_carry.h"

enum { PIECES_AT_ONCE = 64 };

void rebuild_sequences_free(struct rebuild *rebuild)
{
    sha256_free(rebuild->sequences.hash);
    rebuild->sequences.hash = NULL;
}

static enum err rows_refuse(const struct rebuild *rebuild, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_INVALID, "rating.batch_sequence", "batch %lld: %s",
                     (long long)rebuild->sequences.batch_seq, what);
}

// From where the rows hold everything: what the newest batch says, or else nothing was written yet.
static enum err begin(struct rebuild *rebuild, struct db *db, struct arena *arena, struct fault *fault)
{
    const struct chain_part *part = rebuild->part;
    struct rebuild_sequences *sequences = &rebuild->sequences;
    struct db_result *result = NULL;
    enum err err =
        db_query(db,
                 "select sequence_from\n"
                 "  from rating.batch\n"
                 " where incarnation = $1::int and partition = $2::int and batch_seq = $3::bigint",
                 3, (const char *[]){db_int(arena, part->incarnation), db_int(arena, part->partition),
                                     db_int(arena, part->last.batch_seq)},
                 &result, fault);
    if (err) return err;
    bool written = db_rows(result) == 1 && !db_is_null(result, 0, 0);
    sequences->whole_from = written ? db_get_int(result, 0, 0) : part->last.batch_seq + 1;
    sequences->read_from = sequences->whole_from;
    if (rebuild->catches_up && part->keep.batch_seq >= sequences->whole_from)
        sequences->read_from = part->keep.batch_seq + 1;
    sequences->batch_seq = sequences->read_from;
    sequences->piece = -1;
    sha256_free(sequences->hash);
    sequences->hash = sha256_new();
    sequences->batches = sequences->records = 0;
    sequences->begun = true;
    db_result_free(result);
    return ERR_OK;
}

// All rows of a batch were read.
static enum err batch_finish(struct rebuild *rebuild, struct fault *fault)
{
    struct rebuild_sequences *sequences = &rebuild->sequences;
    unsigned char digest[SHA256_BYTES];
    if (sequences->piece < 0) return ERR_OK; // before the first
    sha256_finish(sequences->hash, digest);
    if (memcmp(digest, sequences->batch.digest, SHA256_BYTES) != 0 || sequences->records != sequences->batch.records)
        return rows_refuse(rebuild, "the rows of its sequenced sources are not those that it wrote", fault);
    sequences->batches++;
    sequences->records = 0;
    return ERR_OK;
}

static enum err batch_begin_row(struct rebuild *rebuild, const struct db_result *result, int at, struct fault *fault)
{
    struct rebuild_sequences *sequences = &rebuild->sequences;
    enum err err = batch_finish(rebuild, fault);
    sequences->batch_seq = db_binary_int(result, at, 0);
    sequences->piece = -1;
    sequences->batch.records = db_binary_int(result, at, 3);
    if (!err && db_binary_length(result, at, 4) != SHA256_BYTES)
        err = rows_refuse(rebuild, "its digest is not 32 bytes", fault);
    if (!err) memcpy(sequences->batch.digest, db_binary_data(result, at, 4), SHA256_BYTES);
    return err;
}

static enum err row_take(struct rebuild *rebuild, const struct db_result *result, int at, struct fault *fault)
{
    struct rebuild_sequences *sequences = &rebuild->sequences;
    enum err err = ERR_OK;
    if (db_binary_int(result, at, 0) != sequences->batch_seq || sequences->piece < 0)
        err = batch_begin_row(rebuild, result, at, fault);
    if (!err && db_binary_int(result, at, 1) != sequences->piece + 1)
        err = rows_refuse(rebuild, "a row is missing", fault);
    if (err) return err;
    sequences->piece++;
    const void *data = db_binary_data(result, at, 2);
    size_t length = db_binary_length(result, at, 2);
    sha256_add(sequences->hash, data, length);
    return sequence_unpack(data, length, db_binary_int(result, at, 5), rebuild->owner->sequences, &sequences->records,
                           fault);
}

static enum err rows_read(struct rebuild *rebuild, struct db *db, struct arena *arena, int *rows, struct fault *fault)
{
    const struct chain_part *part = rebuild->part;
    const struct rebuild_sequences *sequences = &rebuild->sequences;
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, part->incarnation), db_int(arena, part->partition),
                                  db_int(arena, sequences->batch_seq), db_int(arena, sequences->piece),
                                  db_int(arena, part->last.batch_seq), db_int(arena, PIECES_AT_ONCE)};
    enum err err = db_query_binary(db,
                                   "select s.batch_seq, s.piece, s.entries, b.sequences, b.sequence_digest,\n"
                                   "       (extract(epoch from b.watermark) * 1000000)::bigint\n"
                                   "  from rating.batch_sequence s\n"
                                   "  join rating.batch b\n"
                                   "    on b.incarnation = s.incarnation and b.partition = s.partition\n"
                                   "   and b.batch_seq = s.batch_seq\n"
                                   " where s.incarnation = $1::int and s.partition = $2::int\n"
                                   "   and s.batch_seq >= $3::bigint and s.batch_seq <= $5::bigint\n"
                                   "   and (s.batch_seq, s.piece) > ($3::bigint, $4::int)\n"
                                   " order by s.batch_seq, s.piece\n"
                                   " limit $6::int",
                                   6, values, &result, fault);
    if (err) return err;
    *rows = db_rows(result);
    for (int i = 0; !err && i < *rows; i++)
        err = row_take(rebuild, result, i, fault);
    db_result_free(result);
    return err ? err : sequence_index_reserve(rebuild->owner->sequences, 0, fault);
}

// Were there rows of all batches that wrote some?
static enum err batches_check(const struct rebuild *rebuild, struct db *db, struct arena *arena, struct fault *fault)
{
    const struct chain_part *part = rebuild->part;
    struct db_result *result = NULL;
    enum err err =
        db_query(db,
                 "select count(*)\n"
                 "  from rating.batch\n"
                 " where incarnation = $1::int and partition = $2::int and batch_seq >= $3::bigint\n"
                 "   and batch_seq <= $4::bigint and sequences > 0",
                 4, (const char *[]){db_int(arena, part->incarnation), db_int(arena, part->partition),
                                     db_int(arena, rebuild->sequences.read_from), db_int(arena, part->last.batch_seq)},
                 &result, fault);
    if (!err && db_get_int(result, 0, 0) != rebuild->sequences.batches)
        err = rows_refuse(rebuild, "the rows of a batch before it are missing", fault);
    db_result_free(result);
    return err;
}

static enum err step(struct rebuild *rebuild, struct db *db, struct arena *arena, bool *done, struct fault *fault)
{
    int rows = 0;
    enum err err = ERR_OK;
    if (!rebuild->sequences.begun) err = begin(rebuild, db, arena, fault);
    if (!err && !rebuild->rows_refused) err = rows_read(rebuild, db, arena, &rows, fault);
    if (err || rows == PIECES_AT_ONCE) return err;
    if (!rebuild->rows_refused) {
        err = batch_finish(rebuild, fault);
        if (!err) err = batches_check(rebuild, db, arena, fault);
        if (err) return err;
    }
    if (rebuild_own_part(rebuild))
        sequence_carry_begin(rebuild->owner->sequences, rebuild->sequences.whole_from, rebuild->owner->row.batch_seq + 1);
    rebuild->sequences.begun = false;
    *done = true;
    return ERR_OK;
}

enum err rebuild_sequences_step(struct rebuild *rebuild, bool *done, struct fault *fault)
{
    struct db *db = rater_db(rebuild->owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    struct arena *arena = arena_new(1024);
    enum err err = step(rebuild, db, arena, done, fault);
    arena_free(arena);
    return err;
}
