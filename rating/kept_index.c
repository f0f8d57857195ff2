// SPDX-License-Identifier: Apache-2.0
// Indexes of partitions that were revoked, kept for minutes with the batch and head that they are of: when the partition
// comes back, only what another owner has counted meanwhile is read (rules 3.2, 9.3). They count in the budget, and go
// first when it is short.
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "rating/rater_internal.h"

static void release(struct kept_index *kept)
{
    dedup_index_free(kept->index);
    sequence_index_free(kept->sequences);
    *kept = (struct kept_index){0};
}

static void drop(struct rater *rater, int partition, const char *because)
{
    log_info("index_kept_no_longer", LOG_INT("partition", partition), LOG_TEXT("because", because));
    release(&rater->kept[partition]);
}

void kept_index_put(struct owner *owner)
{
    struct rater *rater = owner->rater;
    struct kept_index *kept = &rater->kept[owner->partition];
    if (rater->index_keep_us == 0 || owner->row.counted_seq >= 0) return;
    owner_batches_forget(owner); // one that was committed after all is in the index then
    if (dedup_index_failed(owner->index, NULL)) return;
    release(kept);
    *kept = (struct kept_index){.index = owner->index,
                                .sequences = owner->sequences,
                                .row = owner->row,
                                .until_us = clock_monotonic_us() + rater->index_keep_us};
    owner->index = NULL;
    owner->sequences = NULL;
    log_info("index_kept", LOG_INT("partition", owner->partition), LOG_INT("batch_seq", kept->row.batch_seq),
             LOG_INT("entries", dedup_index_count(kept->index)));
}

// Is what the index was filled from what the database has at the same batch?
static enum err ancestor_check(const struct owner *owner, const struct partition_row *row, bool *ancestor,
                               struct fault *fault)
{
    if (row->batch_seq == owner->row.batch_seq) {
        *ancestor = memcmp(row->head, owner->row.head, SHA256_BYTES) == 0;
        return ERR_OK;
    }
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    enum err err = db_query(owner->rater->db,
                            "select from rating.batch\n"
                            " where incarnation = $1::int and partition = $2::int and batch_seq = $3::bigint\n"
                            "   and head = $4::bytea and batch_seq <= $5::bigint",
                            5,
                            (const char *[]){db_int(arena, owner->row.incarnation), db_int(arena, owner->partition),
                                             db_int(arena, row->batch_seq), db_bytes(arena, row->head, SHA256_BYTES),
                                             db_int(arena, owner->row.batch_seq)},
                            &result, fault);
    if (!err) *ancestor = db_rows(result) == 1;
    db_result_free(result);
    arena_free(arena);
    return err;
}

enum err kept_index_take(struct owner *owner, struct partition_row *up_to, bool *taken, struct fault *fault)
{
    struct kept_index *kept = &owner->rater->kept[owner->partition];
    bool ancestor = false;
    *taken = false;
    if (!kept->index) return ERR_OK;
    enum err err = ancestor_check(owner, &kept->row, &ancestor, fault);
    if (err) return err; // asked again later
    if (!ancestor) {
        drop(owner->rater, owner->partition, "its last batch is not in the database's chain");
        return ERR_OK;
    }
    owner->index = kept->index;
    owner->sequences = kept->sequences;
    *up_to = kept->row;
    *kept = (struct kept_index){0};
    *taken = true;
    return ERR_OK;
}

bool kept_index_give_way(void *context)
{
    struct rater *rater = context;
    int oldest = -1;
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->kept[i].index && (oldest < 0 || rater->kept[i].until_us < rater->kept[oldest].until_us)) oldest = i;
    if (oldest < 0) return false;
    drop(rater, oldest, "the memory is needed");
    return true;
}

void kept_index_step(struct rater *rater)
{
    int64_t now = clock_monotonic_us();
    for (int i = 0; i < rater->options.partitions; i++)
        if (rater->kept[i].index && rater->kept[i].until_us <= now) drop(rater, i, "rate.index_keep is over");
}

void kept_index_free_all(struct rater *rater)
{
    for (int i = 0; rater->kept && i < rater->options.partitions; i++)
        release(&rater->kept[i]);
}
