// SPDX-License-Identifier: Apache-2.0
// The sequenced sources of a partition, or those that a batch touched: keyed hash of (tenant, source) -> what is known
// of it. Takes as much memory as there are sources, not events. A source whose incarnations counted nothing for the
// dedup window is forgotten; what it may have counted lies before coverage_start. Every state is kept in the rows of
// some batch; so that the rows that matter do not grow old, the index is written again in rounds, a little with each
// batch (sequence_carry.h). One thread at a time.
#pragma once
#include "rating/dedup_index.h"
#include "rating/sequence_source.h"

struct sequence_index {
    struct sequence_source **sources; // count of them, in no order; behind them up to room spare ones or NULL
    size_t count, room;
    uint32_t *places; // table of 1 + place in sources; 0: empty
    uint64_t mask;
    instant_us coverage_start; // everything counted at or after this received_time is known; INSTANT_MIN: all
    struct dedup_budget *budget;
    int64_t bytes, swept;
    // rounds
    int64_t round;      // number of the present one
    int64_t left;       // sources that were not written in it yet
    int64_t round_from; // batch with which it began
    int64_t whole_from; // from this batch on the rows hold all that is known
    int64_t owed;       // bytes that may be written again
    size_t hand;        // place of the next source to be written
};

// budget: what is taken is counted there too; NULL: nowhere.
struct sequence_index *sequence_index_new(struct dedup_budget *budget);
void sequence_index_free(struct sequence_index *index);  // NULL is fine
void sequence_index_clear(struct sequence_index *index); // forgets all, keeps the memory for other sources

// NULL: nothing is known of the source. Valid until the next count, forget or clear.
const struct sequence_source *sequence_index_find(const struct sequence_index *index, struct hash128 source);
void sequence_index_prefetch(const struct sequence_index *index, struct hash128 source);
// Counts an event of a batch with this watermark. below: what is known of its source in the layers below; NULL: nothing,
// or there are none.
void sequence_index_count(struct sequence_index *index, const struct sequence_source *below,
                          const struct sequence_event *event, instant_us watermark);
// The source, made if it is not known, emptied. For what is read from rows; sequence_index_weigh when it was filled.
struct sequence_source *sequence_index_renew(struct sequence_index *index, struct hash128 source, int32_t shard);
void sequence_index_weigh(struct sequence_index *index, const struct sequence_source *source, size_t bytes_before);
// Forgets what counted nothing since, among the next `most` sources.
void sequence_index_forget(struct sequence_index *index, instant_us keep_from, size_t most);
// Notes that the source was written in the present round. False: it had been already, or is gone.
bool sequence_index_written(struct sequence_index *index, struct hash128 source);
// May it take so much more? Sequenced sources may have half of the budget. ERR_LIMIT: no.
enum err sequence_index_reserve(const struct sequence_index *index, int64_t more_bytes, struct fault *fault) MUST_USE;
int64_t sequence_index_bytes(const struct sequence_index *index); // all that it takes
