// SPDX-License-Identifier: Apache-2.0
// Which chains lie behind a partition: a partition of N' continues that of N whose shards it has, partition modulo N, up
// to the batch at which that one ended (rules 2.3).
#include <string.h>

#include "rating/rebuild_internal.h"

static const char ancestors_sql[] =
    "select p.incarnation, p.partition, p.base_seq, p.base_position, p.counted_seq, b.next_offset, b.watermark, b.head,\n"
    "       p.base_offset\n"
    "  from rating.incarnation i\n"
    "  join rating.partition p on p.incarnation = i.incarnation and p.partition = $2::int % i.partitions\n"
    "  left join rating.batch b on b.incarnation = p.incarnation and b.partition = p.partition\n"
    "                          and b.batch_seq = p.counted_seq\n"
    " where i.incarnation < $1::int\n"
    " order by i.incarnation";

static enum err broken(const struct partition_row *row, int incarnation, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_CONFLICT, "rating.partition", "partition %d of incarnation %d: in incarnation %d %s",
                     row->partition, row->incarnation, incarnation, what);
}

// Adds a part that goes on where the last one ended.
static struct chain_part *part_add(struct lineage *lineage, int32_t incarnation, int32_t partition, int64_t base_seq,
                                   int64_t base_offset, int64_t base_position)
{
    struct chain_part *part = &lineage->parts[lineage->count];
    *part = (struct chain_part){.incarnation = incarnation, .partition = partition, .base_position = base_position};
    part->base.watermark = INSTANT_MIN;
    if (lineage->count++ > 0) part->base = part[-1].last;
    part->base.batch_seq = base_seq;
    part->base.next_offset = base_offset;
    part->last = part->keep = part->rows = part->base;
    return part;
}

// Does it begin at the position at which the one before ended? Where the start of a log was removed before it was counted,
// behind it: offsets then go on from that log.
static bool follows(const struct lineage *lineage, int64_t base_offset, int64_t base_position)
{
    if (lineage->count == 0) return base_position == 0 && base_offset == 0;
    const struct chain_part *before = &lineage->parts[lineage->count - 1];
    if (base_position == before->base_position && base_offset > before->last.next_offset) return true;
    return base_position + base_offset == before->base_position + before->last.next_offset;
}

static enum err ancestor_take(const struct db_result *result, int at, struct arena *arena,
                              const struct partition_row *row, struct lineage *lineage, struct fault *fault)
{
    int incarnation = (int)db_get_int(result, at, 0);
    int64_t base_seq = db_get_int(result, at, 2), base_position = db_get_int(result, at, 3),
            base_offset = db_get_int(result, at, 8);
    if (lineage->count == LINEAGE_MAX - 1) return broken(row, incarnation, "there are too many", fault);
    if (db_is_null(result, at, 4)) return broken(row, incarnation, "it has not ended", fault);
    if (!follows(lineage, base_offset, base_position)) return broken(row, incarnation, "positions do not follow", fault);
    struct chain_part *part =
        part_add(lineage, incarnation, (int32_t)db_get_int(result, at, 1), base_seq, base_offset, base_position);
    int64_t counted_seq = db_get_int(result, at, 4);
    if (counted_seq == base_seq) return ERR_OK; // nothing was counted there
    unsigned char *head = NULL;
    if (db_is_null(result, at, 5) || db_get_bytes(result, arena, at, 7, &head) != SHA256_BYTES)
        return broken(row, incarnation, "its last batch is missing", fault);
    part->last = (struct place){.batch_seq = counted_seq,
                                .next_offset = db_get_int(result, at, 5),
                                .watermark = db_get_instant(result, at, 6)};
    memcpy(part->last.head, head, SHA256_BYTES);
    return ERR_OK;
}

enum err lineage_load(struct db *db, const struct partition_row *row, struct lineage *lineage, struct fault *fault)
{
    struct arena *arena = arena_new(4096);
    struct db_result *result = NULL;
    const char *const values[] = {db_int(arena, row->incarnation), db_int(arena, row->partition)};
    lineage->count = 0;
    enum err err = db_query(db, ancestors_sql, 2, values, &result, fault);
    for (int i = 0; !err && i < db_rows(result); i++)
        err = ancestor_take(result, i, arena, row, lineage, fault);
    db_result_free(result);
    arena_free(arena);
    if (err) return err;
    if (!follows(lineage, row->base_offset, row->base_position)) return broken(row, row->incarnation, "positions do not follow", fault);
    struct chain_part *own = part_add(lineage, row->incarnation, row->partition, row->base_seq, row->base_offset, row->base_position);
    own->last = (struct place){.batch_seq = row->batch_seq, .next_offset = row->next_offset, .watermark = row->watermark};
    memcpy(own->last.head, row->head, SHA256_BYTES);
    if (row->batch_seq == row->base_seq && memcmp(own->base.head, row->head, SHA256_BYTES) != 0)
        return broken(row, row->incarnation, "the head is not that of the chain that it continues", fault);
    return ERR_OK;
}
