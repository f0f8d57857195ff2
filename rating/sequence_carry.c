// SPDX-License-Identifier: Apache-2.0
// The hand goes around the list of sources. Where removed ones change places it may meet some twice or late; that none is
// missed is decided by their round and the number of those that are left, not by the hand.
#include "rating/sequence_carry.h"

#include <stdlib.h>

#include "common/arena.h"

enum { CARRIED_PER_OWN = 2, CARRY_FIRST = 16, OWED_MAX = 1 << 20, IDLE_ROUND = 4096 };

void sequence_carry_free(struct sequence_carry *carry)
{
    free(carry->sources);
    *carry = (struct sequence_carry){0};
}

static void round_begin(struct sequence_index *index, int64_t batch_seq)
{
    index->round++;
    index->left = (int64_t)index->count;
    index->round_from = batch_seq;
}

void sequence_carry_begin(struct sequence_index *index, int64_t whole_from, int64_t next_batch_seq)
{
    index->whole_from = whole_from;
    round_begin(index, next_batch_seq);
}

static void carry_add(struct sequence_carry *carry, struct hash128 source)
{
    if (carry->count == carry->room) {
        carry->room = carry->room ? carry->room * 2 : CARRY_FIRST;
        carry->sources = heap_grow(carry->sources, sizeof *carry->sources, carry->room);
    }
    carry->sources[carry->count++] = source;
}

void sequence_carry_pack(struct sequence_carry *carry, const struct sequence_index *index, int64_t own_bytes,
                         int64_t batch_seq, struct sequence_pack *pack, void (*next)(void *context), void *context)
{
    int64_t left = index->left;
    carry->count = 0;
    carry->owed = index->owed + own_bytes * CARRIED_PER_OWN;
    carry->hand = index->hand;
    for (size_t looked = 0; own_bytes > 0 && left > 0 && looked < index->count; looked++, carry->hand++) {
        if (carry->hand >= index->count) carry->hand = 0;
        const struct sequence_source *source = index->sources[carry->hand];
        if (source->round == index->round) continue;
        int64_t bytes = sequence_pack_estimate(source);
        if (bytes > carry->owed) break;
        sequence_pack_source(pack, source);
        next(context);
        carry_add(carry, source->source);
        carry->owed -= bytes;
        left--;
    }
    if (carry->owed > OWED_MAX) carry->owed = OWED_MAX;
    carry->ends = left == 0 && (own_bytes > 0 || batch_seq - index->round_from >= IDLE_ROUND);
    carry->whole_from = carry->ends ? index->round_from : index->whole_from;
}

void sequence_carry_take(const struct sequence_carry *carry, struct sequence_index *index, int64_t batch_seq)
{
    for (size_t i = 0; i < carry->count; i++)
        if (sequence_index_written(index, carry->sources[i])) index->left--;
    index->owed = carry->owed;
    index->hand = carry->hand;
    index->whole_from = carry->whole_from;
    if (carry->ends) round_begin(index, batch_seq + 1);
}
