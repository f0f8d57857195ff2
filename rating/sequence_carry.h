// SPDX-License-Identifier: Apache-2.0
// The rounds in which a sequence index is written again. A batch carries sources that were not written in this round, in
// proportion to what it writes of its own: so a round ends when about half as much was added as there is, a source costs
// a bounded number of bytes per event, and a start reads at most two rounds, however old the partition is. When a round
// ends, the rows before it are superseded. Pure but for memory.
#pragma once
#include "rating/sequence_pack.h"

// What one batch carries; nothing of the index changes until sequence_carry_take, when the batch is committed.
struct sequence_carry {
    struct hash128 *sources;
    size_t count, room;
    int64_t owed;
    size_t hand;
    bool ends;          // the round ends with this batch
    int64_t whole_from; // with this batch the rows hold all that is known from this batch_seq on
};
void sequence_carry_free(struct sequence_carry *carry);

// After an index was filled: the rows from whole_from on hold all of it, and the next batch begins a round.
void sequence_carry_begin(struct sequence_index *index, int64_t whole_from, int64_t next_batch_seq);
// Packs what a batch carries that writes own_bytes of its own (0: carries nothing, but may end a round of which nothing
// is left).
void sequence_carry_pack(struct sequence_carry *carry, const struct sequence_index *index, int64_t own_bytes,
                         int64_t batch_seq, struct sequence_pack *pack, void (*next)(void *context), void *context);
void sequence_carry_take(const struct sequence_carry *carry, struct sequence_index *index, int64_t batch_seq);
