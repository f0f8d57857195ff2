// SPDX-License-Identifier: Apache-2.0
// Which quarantined events of a batch have a row of their own: the first of each tenant, source and reason, up to a
// limit; the rest of them have one row together, a range, with the packed places of its events (rules 3.6). A flood
// costs some bytes an event.
#include <string.h>

#include "rating/batch_internal.h"
#include "rating/pack_number.h"

// Counted so far of one tenant, source and reason.
struct range_group {
    int64_t rows; // of single events
    size_t range; // 1 + its place in batch->ranges; 0: none yet
};

struct range {
    size_t row; // in batch->quarantines
    struct text places;
};

void batch_ranges_clear(struct batch *batch)
{
    struct range *ranges = batch->ranges.rows;
    for (size_t i = 0; i < batch->ranges.count; i++)
        text_free(&ranges[i].places);
    batch->ranges.count = batch->range_groups.count = batch->range_keys.count = 0;
    identity_table_clear(&batch->range_table);
    batch->range_bytes = 0;
}

void batch_ranges_free(struct batch *batch)
{
    batch_ranges_clear(batch);
    identity_table_free(&batch->range_table);
}

static struct range_group *group_of(struct batch *batch, const struct hash_key *key, const struct decoded *decoded,
                                    enum reason reason)
{
    struct slice pieces[3] = {{(const char *)&reason, sizeof reason}};
    if (decoded->reason != REASON_MESSAGE) pieces[1] = decoded->event.subject, pieces[2] = decoded->event.source;
    const struct hash128 hash = keyed_hash_pieces(key, pieces, 3);
    const struct dedup_entry *known = identity_table_find(&batch->range_table, batch->range_keys.rows, hash);
    if (known)
        return (struct range_group *)batch->range_groups.rows + (known - (struct dedup_entry *)batch->range_keys.rows);
    *(struct dedup_entry *)row_list_add(&batch->range_keys, sizeof(struct dedup_entry)) =
        (struct dedup_entry){.identity = hash};
    identity_table_put(&batch->range_table, batch->range_keys.rows, batch->range_keys.count - 1);
    struct range_group *group = row_list_add(&batch->range_groups, sizeof *group);
    *group = (struct range_group){0};
    return group;
}

static void range_add(struct batch *batch, struct range *range, const struct decoded *decoded)
{
    struct quarantine_row *row = (struct quarantine_row *)batch->quarantines.rows + range->row;
    unsigned char bytes[2 * PACK_NUMBER_MAX];
    int64_t before = row->range_events ? row->last_offset : row->offset;
    unsigned char *end = pack_number_put(bytes, (uint64_t)(decoded->offset - before));
    end = pack_number_put(end, (uint64_t)decoded->index);
    text_add(&range->places, bytes, (size_t)(end - bytes));
    batch->range_bytes += end - bytes;
    row->range_events++;
    row->last_offset = decoded->offset;
    row->last_index = decoded->index;
}

struct range_group *batch_range_find(struct batch *batch, const struct batch_ground *ground,
                                     const struct decoded *decoded, enum reason reason)
{
    return ground->quarantine_rows ? group_of(batch, &ground->identity_key, decoded, reason) : NULL;
}

bool batch_range_take(struct batch *batch, struct range_group *group, const struct decoded *decoded)
{
    if (!group || !group->range) return false;
    range_add(batch, (struct range *)batch->ranges.rows + group->range - 1, decoded);
    return true;
}

void batch_range_row(struct batch *batch, const struct batch_ground *ground, struct range_group *group,
                     const struct decoded *decoded)
{
    if (!group || group->rows++ < ground->quarantine_rows) return;
    struct range *range = row_list_add(&batch->ranges, sizeof *range);
    *range = (struct range){.row = batch->quarantines.count - 1};
    group->range = batch->ranges.count;
    struct quarantine_row *row = (struct quarantine_row *)batch->quarantines.rows + range->row;
    row->identified = false; // it has many identities: the index holds them
    range_add(batch, range, decoded);
}

void batch_ranges_finish(struct batch *batch)
{
    const struct range *ranges = batch->ranges.rows;
    struct quarantine_row *rows = batch->quarantines.rows;
    for (size_t i = 0; i < batch->ranges.count; i++)
        rows[ranges[i].row].places = (struct slice){ranges[i].places.data, ranges[i].places.length};
}
