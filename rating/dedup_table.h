// SPDX-License-Identifier: Apache-2.0
// The part of a dedup index that is in memory: identity -> 32 bits of the content hash and place (dedup_place.h), in
// about 25 bytes. The first bits of an identity choose a segment of some two thousand; they need not be kept in it.
// Segments grow by a page of 4 KiB, and are split in two when they have 14: never more than some 60 KiB is moved at
// once. A page is four buckets of a kilobyte: slots, then 8 bits of each slot's identity as a tag, looked at all
// together; so an absent identity costs one cache line. A bucket that is full passes on to the next of its segment,
// and counts that. One thread at a time, but for what dedup_table_detach says.
#pragma once
#include "rating/dedup_index.h"
#include "rating/dedup_place.h"
#include "rating/dedup_pool.h"

enum {
    DEDUP_GROUP_BITS = 4, // what goes to disk together: a sixteenth of all identities, by their first bits
    DEDUP_GROUPS = 1 << DEDUP_GROUP_BITS,
    DEDUP_SEGMENT_PAGES = 14
};

static inline unsigned dedup_group_of(struct hash128 identity)
{
    return (unsigned)(identity.high >> (64 - DEDUP_GROUP_BITS));
}

struct dedup_segment {
    uint32_t used;        // slots
    uint8_t pages, depth; // bits of the identity that choose it
    uint8_t group;        // the first DEDUP_GROUP_BITS of them
    uint32_t page[DEDUP_SEGMENT_PAGES];
};
_Static_assert(sizeof(struct dedup_segment) == 64, "a cache line");

// What a look-up needs: the whole table, or a group that was detached.
struct dedup_view {
    const struct dedup_pool *pool;
    struct dedup_segment *segments;
    uint32_t *directory; // the first `depth` bits of an identity, less `first` -> its segment
    uint64_t first;
    unsigned depth;
};

struct dedup_table {
    struct dedup_view view;
    struct dedup_pool *pool;
    struct dedup_places places;
    uint32_t segment_count, segment_room;
    int64_t used_of[DEDUP_GROUPS]; // slots
    int64_t bytes;                 // of everything but `places`
    unsigned sweep_bucket;
    uint32_t sweep_segment;
};

// What a slot says, out of its segment.
struct dedup_loose {
    struct hash128 identity;
    uint64_t code; // of its place
    uint32_t content;
};

// A slot that holds an identity.
struct dedup_slot {
    unsigned char *bucket;
    unsigned at;
    uint32_t segment, bucket_number;
};

void dedup_table_open(struct dedup_table *table, struct dedup_pool *pool);
void dedup_table_close(struct dedup_table *table); // gives all pages back
void dedup_table_clear(struct dedup_table *table); // keeps the memory
int64_t dedup_table_count(const struct dedup_table *table);

bool dedup_view_find(const struct dedup_view *view, struct hash128 identity, struct dedup_slot *slot);
// Asks for the segment of an identity, then, when that is there already, for its bucket.
void dedup_view_prefetch_segment(const struct dedup_view *view, struct hash128 identity);
void dedup_view_prefetch(const struct dedup_view *view, struct hash128 identity);
// Asks for the slots of which one may be the identity's, when its bucket is there already.
void dedup_view_prefetch_slot(const struct dedup_view *view, struct hash128 identity);
uint64_t dedup_slot_code(const struct dedup_view *view, const struct dedup_slot *slot); // of its place
uint64_t dedup_slot_content(const struct dedup_view *view, const struct dedup_slot *slot);

// Of an identity that is not there. Aborts when more than a million have the same first bits: they are keyed hashes.
void dedup_table_insert(struct dedup_table *table, const struct dedup_entry *entry);
void dedup_table_replace(struct dedup_table *table, const struct dedup_slot *slot, const struct dedup_entry *entry);
// Lays the table out for so many identities. It must be empty.
void dedup_table_expect(struct dedup_table *table, int64_t count);

// Looks at up to `slots` slots, going round, and removes those that are counted at an offset below the floor, but
// none of the group `spared`. -1: spares none.
void dedup_table_sweep(struct dedup_table *table, int64_t slots, int64_t floor, int spared);

// --- a group by itself

// All identities of a group, taken out of a table, whose pages they still use. Until it is dropped anyone may read the
// part and find in it, also while the table goes on. extents: as of then, for the codes of its places.
struct dedup_part {
    struct dedup_view view;
    uint32_t segment_count;
    unsigned group;
    int64_t used;
    struct dedup_extent *extents;
    uint32_t extent_count;
};
void dedup_table_detach(struct dedup_table *table, unsigned group, struct dedup_part *part);
enum { DEDUP_SEGMENT_MAX = DEDUP_SEGMENT_PAGES * 4 * 48 };
// What a part has in its next segment, by rising identities, segments rising, too; *at is 0 first. False: at the end.
// `loose` has room for DEDUP_SEGMENT_MAX.
bool dedup_part_next(const struct dedup_part *part, size_t *at, struct dedup_loose *loose, size_t *count);
// Gives pages and what belongs to the part back, not the codes of its places.
void dedup_part_drop(struct dedup_part *part, struct dedup_table *table);
// Puts a slot back as it was.
void dedup_table_return(struct dedup_table *table, const struct dedup_loose *loose);
// All that a segment holds; `prefix`: the bits that choose it.
size_t dedup_segment_loosen(const struct dedup_pool *pool, const struct dedup_segment *segment, uint64_t prefix,
                            struct dedup_loose *loose);
