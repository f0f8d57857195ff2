// SPDX-License-Identifier: Apache-2.0
// Open addressing over places in a list of sources, so that the list can be walked in slices while the table grows.
#include "rating/sequence_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { TABLE_FIRST = 64, SOURCES_FIRST = 32, SPARE_MAX = 16384 };

static void weigh(struct sequence_index *index, int64_t bytes)
{
    index->bytes += bytes;
    if (!index->budget) return;
    index->budget->used_bytes += bytes;
    index->budget->sequence_bytes += bytes;
}

struct sequence_index *sequence_index_new(struct dedup_budget *budget)
{
    struct sequence_index *index = heap_alloc(sizeof *index);
    index->budget = budget;
    index->coverage_start = INSTANT_MIN;
    index->places = heap_alloc(TABLE_FIRST * sizeof *index->places);
    index->mask = TABLE_FIRST - 1;
    weigh(index, TABLE_FIRST * (int64_t)sizeof *index->places);
    return index;
}

void sequence_index_free(struct sequence_index *index)
{
    if (!index) return;
    for (size_t i = 0; i < index->room; i++)
        sequence_source_free(index->sources[i]);
    weigh(index, -index->bytes);
    free(index->sources);
    free(index->places);
    free(index);
}

static void source_drop(struct sequence_index *index, size_t place)
{
    weigh(index, -(int64_t)sequence_source_bytes(index->sources[place]));
    sequence_source_free(index->sources[place]);
    index->sources[place] = NULL;
}

void sequence_index_clear(struct sequence_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        if (i < SPARE_MAX)
            sequence_source_clear(index->sources[i]);
        else
            source_drop(index, i);
    if (index->count > 0) memset(index->places, 0, (index->mask + 1) * sizeof *index->places);
    index->count = 0;
    index->coverage_start = INSTANT_MIN;
    index->swept = 0;
    index->round = index->left = index->round_from = index->whole_from = index->owed = 0;
    index->hand = 0;
}

// --- the table

// The slot of the source or, if it is not there, the empty one where it belongs.
static uint64_t slot_of(const struct sequence_index *index, struct hash128 source)
{
    uint64_t slot = source.high & index->mask;
    while (index->places[slot] && !hash128_equal(index->sources[index->places[slot] - 1]->source, source))
        slot = (slot + 1) & index->mask;
    return slot;
}

static void table_grow(struct sequence_index *index)
{
    uint64_t slots = (index->mask + 1) * 2;
    free(index->places);
    index->places = heap_alloc(slots * sizeof *index->places);
    weigh(index, (int64_t)((slots - index->mask - 1) * sizeof *index->places));
    index->mask = slots - 1;
    for (size_t i = 0; i < index->count; i++)
        index->places[slot_of(index, index->sources[i]->source)] = (uint32_t)i + 1;
}

// Backward shift, so that no marks of removed ones are needed.
static void table_remove(struct sequence_index *index, uint64_t slot)
{
    for (uint64_t next = slot;;) {
        index->places[slot] = 0;
        for (;;) {
            next = (next + 1) & index->mask;
            if (!index->places[next]) return;
            uint64_t home = index->sources[index->places[next] - 1]->source.high & index->mask;
            if (((next - home) & index->mask) >= ((next - slot) & index->mask)) break;
        }
        index->places[slot] = index->places[next];
        slot = next;
    }
}

void sequence_index_prefetch(const struct sequence_index *index, struct hash128 source)
{
    __builtin_prefetch(&index->places[source.high & index->mask]);
}

const struct sequence_source *sequence_index_find(const struct sequence_index *index, struct hash128 source)
{
    uint32_t place = index->places[slot_of(index, source)];
    return place ? index->sources[place - 1] : NULL;
}

// --- sources

static struct sequence_source *source_new(struct sequence_index *index)
{
    if (index->count == index->room) {
        size_t room = index->room ? index->room * 2 : SOURCES_FIRST;
        index->sources = heap_grow(index->sources, sizeof *index->sources, room);
        memset(index->sources + index->room, 0, (room - index->room) * sizeof *index->sources);
        weigh(index, (int64_t)((room - index->room) * sizeof *index->sources));
        index->room = room;
    }
    struct sequence_source **at = &index->sources[index->count++];
    if (!*at) {
        *at = heap_alloc(sizeof **at);
        weigh(index, (int64_t)sequence_source_bytes(*at));
    }
    return *at;
}

static struct sequence_source *source_open(struct sequence_index *index, struct hash128 hash, int32_t shard)
{
    uint64_t slot = slot_of(index, hash);
    if (index->places[slot]) return index->sources[index->places[slot] - 1];
    if (index->count * 4 >= (index->mask + 1) * 3) {
        table_grow(index);
        slot = slot_of(index, hash);
    }
    struct sequence_source *source = source_new(index);
    source->source = hash;
    source->shard = shard;
    source->floor = INSTANT_MIN;
    source->round = index->round; // its rows begin in this round
    index->places[slot] = (uint32_t)index->count;
    return source;
}

void sequence_index_weigh(struct sequence_index *index, const struct sequence_source *source, size_t bytes_before)
{
    weigh(index, (int64_t)sequence_source_bytes(source) - (int64_t)bytes_before);
}

void sequence_index_count(struct sequence_index *index, const struct sequence_source *below,
                          const struct sequence_event *event, instant_us watermark)
{
    struct sequence_source *source = source_open(index, event->source, event->shard);
    size_t before = sequence_source_bytes(source);
    if (below && source->count == 0) sequence_source_lay(source, below);
    sequence_source_count(source, event, watermark);
    sequence_index_weigh(index, source, before);
}

struct sequence_source *sequence_index_renew(struct sequence_index *index, struct hash128 hash, int32_t shard)
{
    struct sequence_source *source = source_open(index, hash, shard);
    sequence_source_clear(source);
    return source;
}

static void source_remove(struct sequence_index *index, size_t place)
{
    struct sequence_source *gone = index->sources[place], *last = index->sources[index->count - 1];
    table_remove(index, slot_of(index, gone->source));
    if (gone == last) last = NULL;
    if (last) index->places[slot_of(index, last->source)] = (uint32_t)place + 1;
    if (gone->round != index->round) index->left--;
    source_drop(index, place);
    index->sources[place] = last; // the last one takes its place
    if (last) index->sources[index->count - 1] = NULL;
    index->count--;
}

void sequence_index_forget(struct sequence_index *index, instant_us keep_from, size_t most)
{
    for (; most > 0 && index->count > 0; most--) {
        if ((size_t)index->swept >= index->count) index->swept = 0;
        struct sequence_source *source = index->sources[index->swept];
        size_t before = sequence_source_bytes(source);
        uint32_t count = source->count;
        bool left = sequence_source_forget(source, keep_from);
        sequence_index_weigh(index, source, before);
        if (source->count < count && keep_from > index->coverage_start) index->coverage_start = keep_from;
        if (left)
            index->swept++;
        else
            source_remove(index, (size_t)index->swept);
    }
}

bool sequence_index_written(struct sequence_index *index, struct hash128 source)
{
    uint32_t place = index->places[slot_of(index, source)];
    if (!place || index->sources[place - 1]->round == index->round) return false;
    index->sources[place - 1]->round = index->round;
    return true;
}

enum err sequence_index_reserve(const struct sequence_index *index, int64_t more_bytes, struct fault *fault)
{
    struct dedup_budget *budget = index->budget;
    if (!budget || budget->limit_bytes == 0) return ERR_OK;
    do {
        if (budget->sequence_bytes + more_bytes <= budget->limit_bytes / 2) return ERR_OK;
    } while (budget->give_way && budget->give_way(budget->give_way_context));
    return fault_set(fault, ERR_LIMIT, "",
                     "%zu sequenced sources take %lld bytes, more than half of the memory budget of %lld: raise"
                     " rate.index_memory",
                     index->count, (long long)(budget->sequence_bytes + more_bytes), (long long)budget->limit_bytes);
}

int64_t sequence_index_bytes(const struct sequence_index *index)
{
    return (int64_t)sizeof *index + index->bytes;
}
