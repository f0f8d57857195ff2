// SPDX-License-Identifier: Apache-2.0
// Linear probing over tag bytes; removal shifts the followers back, so there are no tombstones and probe lengths stay
// those of the load. Segments double apart: a growth copies a sixteenth of the index.
#include "rating/dedup_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "common/arena.h"

enum {
    SEGMENT_BITS = 4,
    SEGMENTS = 1 << SEGMENT_BITS,
    SLOTS_FIRST = 64, // per segment: a thousand idle partitions cost tens of MiB, not the budget
    GROUP = 16,       // tags looked at together; the first GROUP tags are mirrored behind the last
    HUGE_BYTES = 2 << 20,
    EVENT_INDEX_BITS = 20,
    GENERATIONS_FIRST = 64
};

struct slot {
    struct hash128 identity;
    uint64_t content;
    uint64_t place; // held: 1 bit, offset: 43 bits, event index: 20 bits
};
_Static_assert(sizeof(struct slot) == 32, "two slots in a cache line");

struct segment {
    unsigned char *tags; // 0: empty
    struct slot *slots;
    uint64_t mask;
    int64_t used;
    size_t bytes; // of the mapping that holds slots, then tags
};

struct generation {
    int64_t offset;       // events below it
    instant_us watermark; // were received at or before this
};

struct dedup_index {
    struct segment segments[SEGMENTS];
    struct dedup_budget *budget;
    int64_t floor; // entries with a lower offset are forgotten
    instant_us coverage_start;
    struct generation *generations; // rising, not yet forgotten
    size_t generation_count, generation_room;
    size_t sweep_segment;
    uint64_t sweep_slot;
};

static const uint64_t held_bit = UINT64_C(1) << 63;

static unsigned char tag_of(struct hash128 identity)
{
    unsigned char tag = (unsigned char)(identity.low >> 56);
    return tag ? tag : 1;
}

static uint64_t home_of(const struct segment *segment, struct hash128 identity)
{
    return identity.high & segment->mask;
}

static size_t segment_of(struct hash128 identity)
{
    return (size_t)(identity.high >> (64 - SEGMENT_BITS));
}

static int64_t offset_of(const struct slot *slot)
{
    return (int64_t)((slot->place & ~held_bit) >> EVENT_INDEX_BITS);
}

static bool slot_forgotten(const struct dedup_index *index, const struct slot *slot)
{
    return !(slot->place & held_bit) && offset_of(slot) < index->floor;
}

// Bits of the tags in a group that equal `tag`, and of those that are empty.
static void group_match(const unsigned char *tags, unsigned char tag, unsigned *equal, unsigned *empty)
{
#ifdef __SSE2__
    __m128i group = _mm_loadu_si128((const __m128i *)(const void *)tags);
    *equal = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(group, _mm_set1_epi8((char)tag)));
    *empty = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(group, _mm_setzero_si128()));
#else
    *equal = *empty = 0;
    for (unsigned i = 0; i < GROUP; i++) {
        *equal |= (unsigned)(tags[i] == tag) << i;
        *empty |= (unsigned)(tags[i] == 0) << i;
    }
#endif
}

static void tag_set(struct segment *segment, uint64_t at, unsigned char tag)
{
    segment->tags[at] = tag;
    if (at < GROUP) segment->tags[segment->mask + 1 + at] = tag;
}

// The slot of the identity, or NULL; *free_at is then the place where it would go.
static struct slot *segment_find(const struct segment *segment, struct hash128 identity, uint64_t *free_at)
{
    unsigned char tag = tag_of(identity);
    for (uint64_t at = home_of(segment, identity);; at = (at + GROUP) & segment->mask) {
        unsigned equal, empty;
        group_match(segment->tags + at, tag, &equal, &empty);
        if (empty) equal &= (empty & -empty) - 1; // what stands behind an empty slot is another run
        for (; equal; equal &= equal - 1) {
            struct slot *slot = &segment->slots[(at + (unsigned)__builtin_ctz(equal)) & segment->mask];
            if (hash128_equal(slot->identity, identity)) return slot;
        }
        if (empty) {
            if (free_at) *free_at = (at + (unsigned)__builtin_ctz(empty)) & segment->mask;
            return NULL;
        }
    }
}

static bool segment_map(struct dedup_index *index, struct segment *segment, uint64_t slots)
{
    size_t bytes = slots * sizeof(struct slot) + slots + GROUP;
    struct dedup_budget *budget = index->budget;
    if (budget && budget->limit_bytes > 0 && budget->used_bytes + (int64_t)bytes > budget->limit_bytes) return false;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    if (bytes >= HUGE_BYTES) (void)madvise(memory, bytes, MADV_HUGEPAGE); // a hint: without it only slower
    if (budget) budget->used_bytes += (int64_t)bytes;
    *segment = (struct segment){.slots = memory, .mask = slots - 1, .bytes = bytes};
    segment->tags = (unsigned char *)(segment->slots + slots);
    return true;
}

static void segment_unmap(struct dedup_index *index, struct segment *segment)
{
    if (!segment->slots) return;
    ENSURE(munmap(segment->slots, segment->bytes) == 0);
    if (index->budget) index->budget->used_bytes -= (int64_t)segment->bytes;
    *segment = (struct segment){0};
}

static void segment_insert(struct segment *segment, const struct slot *slot)
{
    uint64_t at = 0;
    struct slot *there = segment_find(segment, slot->identity, &at);
    ENSURE(!there && (uint64_t)segment->used < segment->mask);
    segment->slots[at] = *slot;
    tag_set(segment, at, tag_of(slot->identity));
    segment->used++;
}

// Load at which a segment grows, and up to which it is filled when it may not grow.
static int64_t segment_room(const struct segment *segment)
{
    return (int64_t)(segment->mask + 1) / 4 * 3;
}

static int64_t segment_last_room(const struct segment *segment)
{
    return (int64_t)(segment->mask + 1) / 16 * 15;
}

static bool segment_rebuild(struct dedup_index *index, struct segment *segment, uint64_t slots)
{
    struct segment larger;
    if (!segment_map(index, &larger, slots)) return false;
    for (uint64_t at = 0; at <= segment->mask; at++)
        if (segment->tags[at] && !slot_forgotten(index, &segment->slots[at]))
            segment_insert(&larger, &segment->slots[at]);
    segment_unmap(index, segment);
    *segment = larger;
    return true;
}

struct dedup_index *dedup_index_new(struct dedup_budget *budget)
{
    struct dedup_index *index = heap_alloc(sizeof *index);
    index->budget = budget;
    index->coverage_start = INSTANT_MIN;
    return index;
}

void dedup_index_free(struct dedup_index *index)
{
    if (!index) return;
    for (size_t i = 0; i < SEGMENTS; i++)
        segment_unmap(index, &index->segments[i]);
    free(index->generations);
    free(index);
}

void dedup_index_clear(struct dedup_index *index)
{
    for (size_t i = 0; i < SEGMENTS; i++) {
        struct segment *segment = &index->segments[i];
        if (segment->used > 0) memset(segment->tags, 0, segment->mask + 1 + GROUP);
        segment->used = 0;
    }
    index->floor = 0;
    index->coverage_start = INSTANT_MIN;
    index->generation_count = 0;
}

int64_t dedup_index_count(const struct dedup_index *index)
{
    int64_t count = 0;
    for (size_t i = 0; i < SEGMENTS; i++)
        count += index->segments[i].used;
    return count;
}

void dedup_index_prefetch(const struct dedup_index *index, struct hash128 identity)
{
    const struct segment *segment = &index->segments[segment_of(identity)];
    if (segment->slots) __builtin_prefetch(segment->tags + home_of(segment, identity));
}

void dedup_index_prefetch_put(const struct dedup_index *index, struct hash128 identity)
{
    const struct segment *segment = &index->segments[segment_of(identity)];
    if (!segment->slots) return;
    uint64_t home = home_of(segment, identity);
    __builtin_prefetch(segment->tags + home, 1);
    __builtin_prefetch(segment->slots + home, 1);
}

bool dedup_index_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    const struct segment *segment = &index->segments[segment_of(identity)];
    if (!segment->slots) return false;
    const struct slot *slot = segment_find(segment, identity, NULL);
    if (!slot || slot_forgotten(index, slot)) return false;
    *entry = (struct dedup_entry){
        .identity = identity,
        .content = slot->content,
        .offset = offset_of(slot),
        .event_index = (int32_t)(slot->place & DEDUP_EVENT_INDEX_MAX),
        .held = (slot->place & held_bit) != 0,
    };
    return true;
}

static enum err segment_reserve(struct dedup_index *index, size_t at, int64_t more, struct fault *fault)
{
    struct segment *segment = &index->segments[at];
    if (!segment->slots && !segment_map(index, segment, SLOTS_FIRST))
        return fault_set(fault, ERR_LIMIT, "", "the dedup index has no memory left in its budget");
    int64_t wanted = segment->used + more;
    if (wanted <= segment_room(segment)) return ERR_OK;
    uint64_t slots = segment->mask + 1;
    while ((int64_t)slots / 4 * 3 < wanted)
        slots *= 2;
    if (segment_rebuild(index, segment, slots) || wanted <= segment_last_room(segment)) return ERR_OK;
    return fault_set(
        fault, ERR_LIMIT, "",
        "the dedup index would pass its memory budget of %lld bytes (%lld in use): raise rate.index_memory",
        (long long)(index->budget ? index->budget->limit_bytes : 0),
        (long long)(index->budget ? index->budget->used_bytes : 0));
}

enum err dedup_index_reserve(struct dedup_index *index, const struct dedup_entry *entries, size_t count,
                             struct fault *fault)
{
    int64_t more[SEGMENTS] = {0};
    for (size_t i = 0; i < count; i++)
        more[segment_of(entries[i].identity)]++;
    for (size_t i = 0; i < SEGMENTS; i++) {
        enum err err = more[i] > 0 ? segment_reserve(index, i, more[i], fault) : ERR_OK;
        if (err) return err;
    }
    return ERR_OK;
}

void dedup_index_put(struct dedup_index *index, const struct dedup_entry *entry)
{
    ENSURE(entry->offset >= 0 && entry->offset <= DEDUP_OFFSET_MAX);
    ENSURE(entry->event_index >= 0 && entry->event_index <= DEDUP_EVENT_INDEX_MAX);
    struct segment *segment = &index->segments[segment_of(entry->identity)];
    ENSURE(segment->slots);
    struct slot slot = {
        .identity = entry->identity,
        .content = entry->content,
        .place =
            (entry->held ? held_bit : 0) | (uint64_t)entry->offset << EVENT_INDEX_BITS | (uint64_t)entry->event_index,
    };
    struct slot *there = segment_find(segment, entry->identity, NULL);
    if (!there)
        segment_insert(segment, &slot);
    else if (!entry->held || slot_forgotten(index, there) || (there->place & held_bit))
        *there = slot;
}

void dedup_index_add(struct dedup_index *index, const struct dedup_entry *entry)
{
    ENSURE(segment_reserve(index, segment_of(entry->identity), 1, NULL) == ERR_OK);
    dedup_index_put(index, entry);
}

void dedup_index_note(struct dedup_index *index, int64_t offset, instant_us watermark)
{
    if (index->generation_count > 0) {
        struct generation *last = &index->generations[index->generation_count - 1];
        if (watermark < last->watermark || offset < last->offset) return;
        if (instant_floor(last->watermark, HOUR_US) == instant_floor(watermark, HOUR_US)) {
            *last = (struct generation){offset, watermark};
            return;
        }
    }
    if (index->generation_count == index->generation_room) {
        index->generation_room = index->generation_room ? index->generation_room * 2 : GENERATIONS_FIRST;
        index->generations = heap_grow(index->generations, sizeof *index->generations, index->generation_room);
    }
    index->generations[index->generation_count++] = (struct generation){offset, watermark};
}

void dedup_index_forget(struct dedup_index *index, instant_us keep_from)
{
    size_t gone = 0;
    while (gone < index->generation_count && index->generations[gone].watermark < keep_from)
        gone++;
    if (gone == 0) return;
    dedup_index_start_at(index, index->generations[gone - 1].offset, index->generations[gone - 1].watermark);
    index->generation_count -= gone;
    memmove(index->generations, index->generations + gone, index->generation_count * sizeof *index->generations);
}

instant_us dedup_index_coverage_start(const struct dedup_index *index)
{
    return index->coverage_start;
}

void dedup_index_start_at(struct dedup_index *index, int64_t offset, instant_us watermark)
{
    ENSURE(offset >= index->floor);
    index->floor = offset;
    index->coverage_start = watermark + 1; // an event of the same microsecond may lie below the floor
}

// Takes the slot out and closes the gap: followers of the run move back unless that would pass their home.
static void segment_remove(struct segment *segment, uint64_t hole)
{
    uint64_t mask = segment->mask;
    for (uint64_t at = (hole + 1) & mask; segment->tags[at]; at = (at + 1) & mask) {
        uint64_t home = home_of(segment, segment->slots[at].identity);
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        segment->slots[hole] = segment->slots[at];
        tag_set(segment, hole, segment->tags[at]);
        hole = at;
    }
    tag_set(segment, hole, 0);
    segment->used--;
}

void dedup_index_sweep(struct dedup_index *index, int64_t slots)
{
    for (size_t turns = 0; slots > 0 && turns <= SEGMENTS; turns++) {
        struct segment *segment = &index->segments[index->sweep_segment];
        uint64_t end = segment->slots && segment->used > 0 ? segment->mask + 1 : 0;
        for (; index->sweep_slot < end && slots > 0; slots--) {
            uint64_t at = index->sweep_slot;
            if (segment->tags[at] && slot_forgotten(index, &segment->slots[at]))
                segment_remove(segment, at); // looks at the same slot again: a follower may have moved in
            else
                index->sweep_slot++;
        }
        if (index->sweep_slot < end) return;
        index->sweep_slot = 0;
        index->sweep_segment = (index->sweep_segment + 1) % SEGMENTS;
    }
}
