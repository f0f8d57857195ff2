// SPDX-License-Identifier: Apache-2.0
// Linear probing over tag bytes; removal shifts the followers back, so there are no tombstones and probe lengths stay
// those of the load. Segments double apart: a growth copies a sixteenth of the index.
#include "rating/dedup_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "common/arena.h"
#include "common/crash_point.h"
#include "rating/dedup_disk.h"

enum {
    SEGMENT_BITS = 4,
    SEGMENTS = 1 << SEGMENT_BITS,
    SLOTS_FIRST = 64, // per segment: a thousand idle partitions cost tens of MiB, not the budget
    GROUP = 16,       // tags looked at together; the first GROUP tags are mirrored behind the last
    HUGE_BYTES = 2 << 20,
    EVENT_INDEX_BITS = 20,
    GENERATIONS_FIRST = 64,
    DISK_GENERATIONS = 8, // of the window
    SPILL_LEAST = 32,     // entries in a segment that is worth a file
    PATH_SIZE = 4000
};
#define WINDOW_US (35 * DAY_US) // unless dedup_index_window says otherwise

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
    struct dedup_disk *disk; // NULL: nothing went there yet
    int64_t disk_bytes;      // of the budget, for its filters
    instant_us window_us, watermark;
    struct dedup_index *next, **link; // in the budget
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

static bool segment_map(struct dedup_index *index, struct segment *segment, uint64_t slots, bool over_budget)
{
    size_t bytes = slots * sizeof(struct slot) + slots + GROUP;
    struct dedup_budget *budget = index->budget;
    if (!over_budget && budget && budget->limit_bytes > 0 && budget->used_bytes + (int64_t)bytes > budget->limit_bytes)
        return false;
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

static bool segment_rebuild(struct dedup_index *index, struct segment *segment, uint64_t slots, bool over_budget)
{
    struct segment larger;
    if (!segment_map(index, &larger, slots, over_budget)) return false;
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
    index->window_us = WINDOW_US;
    index->watermark = INSTANT_MIN;
    if (!budget) return index;
    index->next = budget->first;
    index->link = &budget->first;
    if (index->next) index->next->link = &index->next;
    budget->first = index;
    return index;
}

// What the disk takes of the budget, after it has changed.
static void disk_account(struct dedup_index *index)
{
    int64_t bytes = index->disk ? dedup_disk_memory(index->disk) : 0;
    if (index->budget) index->budget->used_bytes += bytes - index->disk_bytes;
    index->disk_bytes = bytes;
}

static void disk_leave(struct dedup_index *index)
{
    dedup_disk_close(index->disk);
    index->disk = NULL;
    disk_account(index);
}

void dedup_index_free(struct dedup_index *index)
{
    if (!index) return;
    disk_leave(index);
    if (index->link) *index->link = index->next;
    if (index->next) index->next->link = index->link;
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
    disk_leave(index);
    index->watermark = INSTANT_MIN;
    index->floor = 0;
    index->coverage_start = INSTANT_MIN;
    index->generation_count = 0;
}

int64_t dedup_index_count(const struct dedup_index *index)
{
    int64_t count = 0;
    for (size_t i = 0; i < SEGMENTS; i++)
        count += index->segments[i].used;
    return count + dedup_index_on_disk(index);
}

int64_t dedup_index_on_disk(const struct dedup_index *index)
{
    return index->disk ? dedup_disk_count(index->disk) : 0;
}

void dedup_index_window(struct dedup_index *index, instant_us window_us)
{
    index->window_us = window_us;
}

enum err dedup_index_failed(const struct dedup_index *index, struct fault *fault)
{
    return index->disk ? dedup_disk_failed(index->disk, fault) : ERR_OK;
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

static struct dedup_entry entry_of(const struct slot *slot)
{
    return (struct dedup_entry){
        .identity = slot->identity,
        .content = slot->content,
        .offset = offset_of(slot),
        .event_index = (int32_t)(slot->place & DEDUP_EVENT_INDEX_MAX),
        .held = (slot->place & held_bit) != 0,
    };
}

static bool memory_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    const struct segment *segment = &index->segments[segment_of(identity)];
    if (!segment->slots) return false;
    const struct slot *slot = segment_find(segment, identity, NULL);
    if (!slot || slot_forgotten(index, slot)) return false;
    *entry = entry_of(slot);
    return true;
}

void dedup_index_find_group(const struct dedup_index *index, const struct hash128 *identities, size_t count,
                            struct dedup_entry *entries, bool *known)
{
    for (size_t i = 0; i < count; i++)
        known[i] = memory_find(index, identities[i], &entries[i]);
    if (index->disk && dedup_disk_find(index->disk, identities, count, index->floor, entries, known, NULL))
        return; // the disk keeps its failure: dedup_index_failed
}

bool dedup_index_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    bool known = false;
    dedup_index_find_group(index, &identity, 1, entry, &known);
    return known;
}

// --- to disk

static bool spills(const struct dedup_index *index, const struct segment *segment, uint64_t at)
{
    const struct slot *slot = &segment->slots[at];
    return segment->tags[at] && !(slot->place & held_bit) && !slot_forgotten(index, slot);
}

// What is to go to disk, sorted: by buckets of the first bits, which are evenly spread, then by moving a few
// neighbours.
static size_t segment_sort(const struct dedup_index *index, const struct segment *segment, struct dedup_entry *entries)
{
    unsigned bits = 1;
    while (bits < 24 && INT64_C(4) << bits < segment->used)
        bits++;
    size_t buckets = (size_t)1 << bits, count = 0;
    uint32_t *ends = heap_grow(NULL, sizeof *ends, buckets + 1);
    memset(ends, 0, (buckets + 1) * sizeof *ends);
    for (uint64_t at = 0; at <= segment->mask; at++)
        if (spills(index, segment, at)) ends[(segment->slots[at].identity.high << SEGMENT_BITS >> (64 - bits)) + 1]++;
    for (size_t i = 0; i < buckets; i++)
        ends[i + 1] += ends[i]; // where bucket i + 1 begins; while it is filled, ends[i] is where the next of i goes
    for (uint64_t at = 0; at <= segment->mask; at++) {
        if (!spills(index, segment, at)) continue;
        entries[ends[segment->slots[at].identity.high << SEGMENT_BITS >> (64 - bits)]++] =
            entry_of(&segment->slots[at]);
        count++;
    }
    free(ends);
    for (size_t i = 1; i < count; i++) {
        struct dedup_entry entry = entries[i];
        size_t at = i;
        for (; at > 0 && hash128_compare(entries[at - 1].identity, entry.identity) > 0; at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
    return count;
}

static enum err disk_open(struct dedup_index *index, struct fault *fault)
{
    char folder[PATH_SIZE];
    if (index->disk) return ERR_OK;
    int64_t number = ++index->budget->last_store;
    if (snprintf(folder, sizeof folder, "%s/%lld", index->budget->folder, (long long)number) >= (int)sizeof folder)
        return fault_set(fault, ERR_LIMIT, index->budget->folder, "the name of the folder is too long");
    return dedup_disk_open(folder, index->window_us / DISK_GENERATIONS, &index->disk, fault);
}

// Moves what the segment has counted to disk, and makes it small. What is held stays.
static enum err segment_spill(struct dedup_index *index, struct segment *segment, struct fault *fault)
{
    struct dedup_entry *entries = heap_grow(NULL, sizeof *entries, (size_t)segment->used + 1);
    struct segment small = {0};
    size_t count = segment_sort(index, segment, entries);
    int64_t newest = 0;
    for (size_t i = 0; i < count; i++)
        if (entries[i].offset > newest) newest = entries[i].offset;
    enum err err = disk_open(index, fault);
    if (!err && count > 0) err = dedup_disk_add(index->disk, entries, count, newest, index->watermark, fault);
    free(entries);
    if (err) return err;
    CRASH_POINT("rate.after_spill");
    uint64_t slots = SLOTS_FIRST;
    int64_t held = 0;
    for (uint64_t at = 0; at <= segment->mask; at++)
        held += segment->tags[at] && (segment->slots[at].place & held_bit);
    while ((int64_t)slots / 4 * 3 < held)
        slots *= 2;
    ENSURE(segment_map(index, &small, slots, true));
    for (uint64_t at = 0; at <= segment->mask; at++)
        if (segment->tags[at] && (segment->slots[at].place & held_bit)) segment_insert(&small, &segment->slots[at]);
    segment_unmap(index, segment);
    *segment = small;
    index->budget->spills++;
    disk_account(index);
    return ERR_OK;
}

// Filters of what is on disk may take three quarters of the budget; beyond that every few identities would be a file.
static enum err filters_check(const struct dedup_budget *budget, struct fault *fault)
{
    int64_t filters = 0, on_disk = 0;
    for (const struct dedup_index *index = budget->first; index; index = index->next) {
        filters += index->disk_bytes;
        on_disk += dedup_index_on_disk(index);
    }
    if (filters <= budget->limit_bytes / 4 * 3) return ERR_OK;
    return fault_set(fault, ERR_LIMIT, "",
                     "the filters of %lld identities on disk take %lld bytes of a memory budget of %lld: raise"
                     " rate.index_memory",
                     (long long)on_disk, (long long)filters, (long long)budget->limit_bytes);
}

// Moves the largest segment of all indexes of the budget to disk. ERR_LIMIT: there is none that would help.
static enum err budget_spill(struct dedup_budget *budget, struct fault *fault)
{
    struct dedup_index *owner = NULL;
    struct segment *largest = NULL;
    for (struct dedup_index *index = budget->first; index; index = index->next)
        for (size_t i = 0; i < SEGMENTS; i++) {
            struct segment *segment = &index->segments[i];
            if (segment->used < SPILL_LEAST || (largest && segment->bytes <= largest->bytes)) continue;
            owner = index;
            largest = segment;
        }
    int64_t before = budget->used_bytes;
    enum err err = filters_check(budget, fault);
    if (err) return err;
    err = largest && budget->folder ? segment_spill(owner, largest, fault) : ERR_LIMIT;
    if (!err && budget->used_bytes < before) return ERR_OK;
    if (err && largest && budget->folder) return err;
    return fault_set(
        fault, ERR_LIMIT, "",
        "the dedup index would pass its memory budget of %lld bytes (%lld in use): raise rate.index_memory",
        (long long)budget->limit_bytes, (long long)budget->used_bytes);
}

static enum err segment_reserve(struct dedup_index *index, size_t at, int64_t more, struct fault *fault)
{
    struct segment *segment = &index->segments[at];
    for (;;) {
        if (segment->slots || segment_map(index, segment, SLOTS_FIRST, false)) {
            int64_t wanted = segment->used + more;
            if (wanted <= segment_room(segment)) return ERR_OK;
            uint64_t slots = segment->mask + 1;
            while ((int64_t)slots / 4 * 3 < wanted)
                slots *= 2;
            if (segment_rebuild(index, segment, slots, false) || wanted <= segment_last_room(segment)) return ERR_OK;
        }
        if (!index->budget) return fault_set(fault, ERR_LIMIT, "", "no memory is left for a table");
        enum err err = budget_spill(index->budget, fault);
        if (err) return err;
    }
}

enum err dedup_index_reserve(struct dedup_index *index, const struct dedup_entry *entries, size_t count,
                             struct fault *fault)
{
    int64_t more[SEGMENTS] = {0};
    enum err failed = dedup_index_failed(index, fault);
    if (failed) return failed;
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
    if (!segment->slots) ENSURE(segment_map(index, segment, SLOTS_FIRST, true));
    if (segment->used >= segment_last_room(segment))
        ENSURE(segment_rebuild(index, segment, (segment->mask + 1) * 2, true));
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
    if (watermark > index->watermark) index->watermark = watermark;
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
    if (index->disk && dedup_disk_forget(index->disk, index->floor, NULL)) return; // it keeps its failure
    disk_account(index);
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
