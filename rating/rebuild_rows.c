// SPDX-License-Identifier: Apache-2.0
// Fills the dedup index from rating.batch_identity: what each batch put into it, packed, is checked against the number
// and digest that the batch's chain head covers, and put. About thirty times the speed of walking the log.
#include <stdlib.h>
#include <string.h>

#include "common/crash_point.h"
#include "rating/dedup_pack.h"
#include "rating/rebuild_internal.h"

enum { IDENTITIES_AT_ONCE = 500000, GROUP = 32, GROUP_ENTRIES = 4096 };

static enum err rows_refuse(const struct walked *batch, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_INVALID, "rating.batch_identity", "batch %lld: %s", (long long)batch->batch_seq, what);
}

// The batches from batch_at on whose identities are read together; at least one.
static size_t batches_together(const struct rebuild *rebuild)
{
    size_t count = 0;
    int64_t identities = 0;
    while (rebuild->batch_at + count < rebuild->batch_count) {
        identities += rebuild->batches[rebuild->batch_at + count].identities;
        if (count > 0 && identities > IDENTITIES_AT_ONCE) break;
        count++;
    }
    return count;
}

static enum err rows_read(struct rebuild *rebuild, const struct walked *first, const struct walked *last,
                          struct db_result **result, struct fault *fault)
{
    struct db *db = rater_db(rebuild->owner->rater);
    if (!db) return fault_set(fault, ERR_RETRY, "postgres", "not connected");
    struct arena *arena = arena_new(1024);
    // the hours tell PostgreSQL which days it need not look at
    const char *const values[] = {db_int(arena, rebuild->part->incarnation),
                                  db_int(arena, rebuild->part->partition),
                                  db_int(arena, first->batch_seq),
                                  db_int(arena, last->batch_seq),
                                  db_instant(arena, instant_floor(first->watermark, HOUR_US)),
                                  db_instant(arena, instant_floor(last->watermark, HOUR_US))};
    enum err err = db_query_binary(db,
                                   "select batch_seq, piece, entries\n"
                                   "  from rating.batch_identity\n"
                                   " where incarnation = $1::int and partition = $2::int\n"
                                   "   and batch_seq between $3::bigint and $4::bigint\n"
                                   "   and received_hour between $5::timestamptz and $6::timestamptz\n"
                                   " order by batch_seq, piece",
                                   6, values, result, fault);
    arena_free(arena);
    return err;
}

// Of the identities of an older incarnation, those of our shards; all whose shard is not known.
static size_t entries_ours(const struct rebuild *rebuild, size_t count)
{
    int partition = rebuild->owner->partition, partitions = rebuild->owner->rater->options.partitions;
    size_t kept = 0;
    if (rebuild_own_part(rebuild)) return count;
    for (size_t i = 0; i < count; i++) {
        const struct dedup_entry *entry = &rebuild->entries[i];
        if (entry->shard == DEDUP_SHARD_UNKNOWN || entry->shard % partitions == partition)
            rebuild->entries[kept++] = *entry;
    }
    return kept;
}

static enum err entries_put(struct rebuild *rebuild, size_t count, struct fault *fault)
{
    struct dedup_index *index = rebuild->owner->index;
    enum err err = dedup_index_reserve(index, count, fault);
    if (err) return err;
    for (size_t at = 0; at < count; at += GROUP) {
        size_t end = at + GROUP < count ? at + GROUP : count;
        for (size_t i = at; i < end; i++)
            dedup_index_prefetch_way(index, rebuild->entries[i].identity);
        for (size_t i = at; i < end; i++)
            dedup_index_prefetch(index, rebuild->entries[i].identity);
        for (size_t i = at; i < end; i++)
            dedup_index_put(index, &rebuild->entries[i]);
    }
    rebuild->row_entries += (int64_t)count;
    return ERR_OK;
}

static enum err piece_put(struct rebuild *rebuild, const struct walked *batch, struct slice piece, int64_t *taken,
                          struct fault *fault)
{
    struct dedup_unpack unpack;
    size_t count = 0;
    enum err err = dedup_unpack_open(&unpack, piece.data, piece.length, fault);
    do {
        if (!err) err = dedup_unpack_some(&unpack, rebuild->entries, GROUP_ENTRIES, &count, fault);
        *taken += (int64_t)count;
        if (!err && *taken > batch->identities) err = rows_refuse(batch, "too many identities", fault);
        if (!err && count > 0) err = entries_put(rebuild, entries_ours(rebuild, count), fault);
    } while (!err && count > 0);
    return err;
}

static struct slice piece_at(const struct db_result *result, int row)
{
    struct slice piece = {.length = db_binary_length(result, row, 2)};
    piece.data = db_binary_data(result, row, 2);
    return piece;
}

// The rows of one batch begin at *row; behind it they are the next batch's.
static enum err batch_put(struct rebuild *rebuild, const struct walked *batch, const struct db_result *result, int *row,
                          struct sha256 *hash, struct fault *fault)
{
    unsigned char digest[SHA256_BYTES];
    int64_t taken = 0;
    int first = *row;
    for (; *row < db_rows(result) && db_binary_int(result, *row, 0) == batch->batch_seq; ++*row) {
        if (db_binary_int(result, *row, 1) != *row - first) return rows_refuse(batch, "a row is missing", fault);
        struct slice piece = piece_at(result, *row);
        sha256_add(hash, piece.data, piece.length);
    }
    sha256_finish(hash, digest);
    if (memcmp(digest, batch->identity_digest, SHA256_BYTES) != 0)
        return rows_refuse(batch, "the rows of its identities are not those that it wrote", fault);
    for (int i = first; i < *row; i++) {
        enum err err = piece_put(rebuild, batch, piece_at(result, i), &taken, fault);
        if (err) return err;
    }
    if (taken != batch->identities) return rows_refuse(batch, "too few identities", fault);
    rebuild->position = rebuild->part->base_position + batch->next_offset;
    dedup_index_note(rebuild->owner->index, rebuild->position, batch->watermark);
    return ERR_OK;
}

static enum err batches_put(struct rebuild *rebuild, struct fault *fault)
{
    size_t count = batches_together(rebuild);
    const struct walked *batches = &rebuild->batches[rebuild->batch_at];
    for (size_t i = 0; i < count; i++)
        if (batches[i].identities < 0) return rows_refuse(&batches[i], "it wrote no rows of its identities", fault);
    struct db_result *result = NULL;
    struct sha256 *hash = sha256_new();
    int row = 0;
    enum err err = rows_read(rebuild, &batches[0], &batches[count - 1], &result, fault);
    CRASH_POINT("rate.in_rebuild");
    for (size_t i = 0; !err && i < count; i++)
        err = batch_put(rebuild, &batches[i], result, &row, hash, fault);
    if (!err) rebuild->batch_at += count;
    sha256_free(hash);
    db_result_free(result);
    return err;
}

enum err rebuild_rows_step(struct rebuild *rebuild, bool *done, struct fault *fault)
{
    enum err err = ERR_OK;
    if (!rebuild->entries) rebuild->entries = heap_grow(NULL, sizeof *rebuild->entries, GROUP_ENTRIES);
    if (rebuild->batch_at == rebuild->batch_count && rebuild->read_seq < rebuild->read_to)
        err = rebuild_batches_read(rebuild, fault);
    if (!err && rebuild->batch_at < rebuild->batch_count) err = batches_put(rebuild, fault);
    *done = !err && rebuild->batch_at == rebuild->batch_count && rebuild->read_seq == rebuild->read_to;
    return err;
}
