// SPDX-License-Identifier: Apache-2.0
// The directory doubles when a segment as deep as itself is split; it is four bytes for some two thousand identities.
// Within a segment buckets are in the order of the identities, up to those that were passed on.
#include "rating/dedup_table.h"

#include <stdlib.h>

#include "common/arena.h"
#include "rating/dedup_bucket.h"

enum {
    SEGMENTS_FIRST = 16,
    DEPTH_MOST = 36,
    SEGMENT_USUAL = 1900 // identities of a segment when a table is laid out
};

// Slots that may be used: a bucket more or less full passes on to the next in time.
static uint32_t room_of(uint32_t pages, unsigned depth)
{
    return pages * BUCKETS_PER_PAGE * bucket_slots(depth) * 63 / 65;
}

static uint32_t pages_for(uint32_t count, unsigned depth)
{
    uint32_t pages = 0;
    while (pages < DEDUP_SEGMENT_PAGES && room_of(pages, depth) < count)
        pages++;
    return pages;
}

// --- memory

static uint32_t segment_new(struct dedup_table *table, unsigned depth, unsigned group)
{
    if (table->segment_count == table->segment_room) {
        uint32_t room = table->segment_room ? table->segment_room + table->segment_room / 2 : SEGMENTS_FIRST;
        struct dedup_segment *larger = aligned_alloc(sizeof *larger, room * sizeof *larger);
        ENSURE(larger);
        if (table->segment_count > 0)
            memcpy(larger, table->view.segments, table->segment_count * sizeof *larger);
        free(table->view.segments);
        table->view.segments = larger;
        table->bytes += (int64_t)((room - table->segment_room) * sizeof *larger);
        table->segment_room = room;
    }
    table->view.segments[table->segment_count] =
        (struct dedup_segment){.depth = (uint8_t)depth, .group = (uint8_t)group};
    return table->segment_count++;
}

static void segment_pages(struct dedup_table *table, struct dedup_segment *segment, uint32_t pages)
{
    for (; segment->pages < pages; segment->pages++)
        segment->page[segment->pages] = dedup_pool_take(table->pool), table->bytes += DEDUP_PAGE_BYTES;
    for (; segment->pages > pages; table->bytes -= DEDUP_PAGE_BYTES)
        dedup_pool_give(table->pool, segment->page[--segment->pages]);
    for (uint32_t i = 0; i < segment_buckets(segment); i++)
        bucket_empty(segment_bucket(table->pool, segment, i));
    segment->used = 0;
}

static void directory_open(struct dedup_table *table, unsigned depth)
{
    size_t entries = (size_t)1 << depth;
    table->view.depth = depth;
    table->view.directory = heap_grow(NULL, sizeof *table->view.directory, entries);
    table->bytes += (int64_t)(entries * sizeof *table->view.directory);
    for (size_t i = 0; i < entries; i++)
        table->view.directory[i] = segment_new(table, depth, (unsigned)(i >> (depth - DEDUP_GROUP_BITS)));
}

void dedup_table_open(struct dedup_table *table, struct dedup_pool *pool)
{
    *table = (struct dedup_table){.pool = pool, .view.pool = pool};
    directory_open(table, DEDUP_GROUP_BITS);
}

void dedup_table_close(struct dedup_table *table)
{
    for (uint32_t i = 0; i < table->segment_count; i++)
        segment_pages(table, &table->view.segments[i], 0);
    free(table->view.segments);
    free(table->view.directory);
    dedup_places_free(&table->places);
    *table = (struct dedup_table){0};
}

void dedup_table_clear(struct dedup_table *table)
{
    for (uint32_t i = 0; i < table->segment_count; i++) {
        struct dedup_segment *segment = &table->view.segments[i];
        if (segment->used > 0) segment_pages(table, segment, segment->pages);
    }
    memset(table->used_of, 0, sizeof table->used_of);
    dedup_places_clear(&table->places);
}

int64_t dedup_table_count(const struct dedup_table *table)
{
    int64_t count = 0;
    for (size_t i = 0; i < DEDUP_GROUPS; i++)
        count += table->used_of[i];
    return count;
}

void dedup_table_expect(struct dedup_table *table, int64_t count)
{
    struct dedup_pool *pool = table->pool;
    unsigned depth = DEDUP_GROUP_BITS;
    ENSURE(dedup_table_count(table) == 0);
    while (count >> depth > SEGMENT_USUAL && depth < DEPTH_MOST)
        depth++;
    dedup_table_close(table);
    *table = (struct dedup_table){.pool = pool, .view.pool = pool};
    directory_open(table, depth);
    uint32_t pages = pages_for((uint32_t)(count >> depth), depth);
    for (uint32_t i = 0; i < table->segment_count; i++)
        segment_pages(table, &table->view.segments[i], pages);
}

// --- looking up

bool dedup_view_find(const struct dedup_view *view, struct hash128 identity, struct dedup_slot *slot)
{
    const struct dedup_segment *segment = view_segment(view, identity);
    uint32_t buckets = segment_buckets(segment);
    if (buckets == 0) return false;
    unsigned width = bucket_width(segment->depth);
    bucket_tail wanted = bucket_tail_of(identity, segment->depth), mask = bucket_tail_mask(segment->depth);
    uint32_t number = segment_home(segment, identity.high);
    for (uint32_t looked = 0; looked < buckets; looked++) {
        unsigned char *bucket = segment_bucket(view->pool, segment, number);
        for (uint64_t equal = bucket_match(bucket, bucket_tag(identity)); equal; equal &= equal - 1) {
            unsigned at = (unsigned)__builtin_ctzll(equal);
            if ((slot_tail(bucket + at * width) & mask) != wanted) continue;
            *slot = (struct dedup_slot){bucket, at, (uint32_t)(segment - view->segments), number};
            return true;
        }
        if (!bucket_may_have_passed(bucket, identity)) return false;
        if (++number == buckets) number = 0;
    }
    return false;
}

void dedup_view_prefetch_segment(const struct dedup_view *view, struct hash128 identity)
{
    __builtin_prefetch(view_segment(view, identity));
}

void dedup_view_prefetch(const struct dedup_view *view, struct hash128 identity)
{
    const struct dedup_segment *segment = view_segment(view, identity);
    if (segment->pages == 0) return;
    __builtin_prefetch(segment_bucket(view->pool, segment, segment_home(segment, identity.high)) + BUCKET_TAGS_AT);
}

void dedup_view_prefetch_slot(const struct dedup_view *view, struct hash128 identity)
{
    const struct dedup_segment *segment = view_segment(view, identity);
    if (segment->pages == 0) return;
    uint32_t number = segment_home(segment, identity.high);
    const unsigned char *bucket = segment_bucket(view->pool, segment, number);
    unsigned width = bucket_width(segment->depth);
    for (uint64_t equal = bucket_match(bucket, bucket_tag(identity)); equal; equal &= equal - 1) {
        const unsigned char *slot = bucket + (unsigned)__builtin_ctzll(equal) * width;
        __builtin_prefetch(slot);
        __builtin_prefetch(slot + width - 1); // a third of the slots lie on two cache lines
    }
    if (!bucket_may_have_passed(bucket, identity)) return;
    number = number + 1 == segment_buckets(segment) ? 0 : number + 1;
    __builtin_prefetch(segment_bucket(view->pool, segment, number) + BUCKET_TAGS_AT);
}

static unsigned char *slot_bytes(const struct dedup_view *view, const struct dedup_slot *slot)
{
    return slot->bucket + slot->at * bucket_width(view->segments[slot->segment].depth);
}

uint64_t dedup_slot_code(const struct dedup_view *view, const struct dedup_slot *slot)
{
    return slot_code(slot_bytes(view, slot));
}

uint64_t dedup_slot_content(const struct dedup_view *view, const struct dedup_slot *slot)
{
    return (uint64_t)slot_content(slot_bytes(view, slot)) << 32;
}

// --- growing

// A slot to be written, in the first bucket from `number` on that is not full.
static unsigned char *slot_take(const struct dedup_pool *pool, struct dedup_segment *segment, uint32_t number,
                                unsigned char tag, uint32_t filter_bit)
{
    unsigned slots = bucket_slots(segment->depth), used;
    uint32_t buckets = segment_buckets(segment);
    unsigned char *bucket;
    for (;; number = number + 1 == buckets ? 0 : number + 1) {
        bucket = segment_bucket(pool, segment, number);
        used = bucket_used(bucket);
        if (used < slots) break;
        bucket_pass(bucket, filter_bit);
    }
    bucket[BUCKET_TAGS_AT + used] = tag;
    bucket[BUCKET_USED_AT] = (unsigned char)(used + 1);
    segment->used++;
    return bucket + used * bucket_width(segment->depth);
}

static void segment_insert(const struct dedup_pool *pool, struct dedup_segment *segment,
                           const struct dedup_loose *one)
{
    unsigned char *slot = slot_take(pool, segment, segment_home(segment, one->identity.high),
                                    bucket_tag(one->identity), bucket_filter_bit(one->identity.low));
    slot_write(slot, bucket_width(segment->depth), bucket_tail_of(one->identity, segment->depth), one->code,
               one->content);
}

size_t dedup_segment_loosen(const struct dedup_pool *pool, const struct dedup_segment *segment, uint64_t prefix,
                            struct dedup_loose *into)
{
    unsigned width = bucket_width(segment->depth);
    size_t count = 0;
    for (uint32_t number = 0; number < segment_buckets(segment); number++) {
        const unsigned char *bucket = segment_bucket(pool, segment, number);
        for (unsigned at = 0; at < bucket_used(bucket); at++, count++) {
            const unsigned char *slot = bucket + at * width;
            into[count] = (struct dedup_loose){slot_identity(bucket, at, width, segment->depth, prefix),
                                                slot_code(slot), slot_content(slot)};
        }
    }
    ENSURE(count == segment->used);
    return count;
}

static _Thread_local struct dedup_loose loose[DEDUP_SEGMENT_MAX]; // what is moved at once

// Puts what a bucket had into a segment of the same depth: slots stay as they are.
static void bucket_carry(const struct dedup_table *table, struct dedup_segment *segment, const unsigned char *bucket)
{
    unsigned width = bucket_width(segment->depth);
    for (unsigned at = 0; at < bucket_used(bucket); at++) {
        const unsigned char *slot = bucket + at * width;
        uint32_t home = segment_home_of_bits(segment, slot_first_bits(slot, segment->depth));
        slot_copy(slot_take(table->pool, segment, home, bucket[BUCKET_TAGS_AT + at], slot_filter_bit(slot)), slot,
                  width);
    }
}

static void segment_relay(struct dedup_table *table, uint32_t number, uint32_t pages)
{
    static _Thread_local unsigned char carried[DEDUP_SEGMENT_PAGES * DEDUP_PAGE_BYTES];
    struct dedup_segment *segment = &table->view.segments[number];
    uint32_t buckets = segment_buckets(segment);
    for (uint32_t i = 0; i < segment->pages; i++)
        memcpy(carried + (size_t)i * DEDUP_PAGE_BYTES, dedup_pool_page(table->pool, segment->page[i]),
               DEDUP_PAGE_BYTES);
    segment_pages(table, segment, pages);
    for (uint32_t i = 0; i < buckets; i++)
        bucket_carry(table, segment, carried + (size_t)i * BUCKET_BYTES);
}

static void directory_double(struct dedup_table *table)
{
    struct dedup_view *view = &table->view;
    size_t entries = (size_t)1 << view->depth;
    uint32_t *larger = heap_grow(NULL, sizeof *larger, entries * 2);
    for (size_t i = 0; i < entries; i++)
        larger[2 * i] = larger[2 * i + 1] = view->directory[i];
    free(view->directory);
    view->directory = larger;
    view->depth++;
    table->bytes += (int64_t)(entries * sizeof *larger);
}

// Makes two of a segment, by the next bit.
static void segment_split(struct dedup_table *table, uint32_t number, uint64_t prefix)
{
    struct dedup_view *view = &table->view;
    unsigned depth = view->segments[number].depth + 1U;
    size_t count = dedup_segment_loosen(table->pool, &view->segments[number], prefix, loose);
    ENSURE(depth <= DEPTH_MOST);
    if (depth > view->depth) directory_double(table);
    uint32_t halves[2] = {number, segment_new(table, depth, view->segments[number].group)}, counts[2] = {0};
    for (size_t i = 0; i < count; i++)
        counts[loose[i].identity.high >> (64 - depth) & 1]++;
    view->segments[number].depth = (uint8_t)depth;
    for (size_t i = 0; i < 2; i++)
        segment_pages(table, &view->segments[halves[i]], pages_for(counts[i] + counts[i] / 32, depth));
    size_t span = (size_t)1 << (view->depth - depth), from = (size_t)(prefix * 2 + 1) * span;
    for (size_t i = 0; i < span; i++)
        view->directory[from + i] = halves[1];
    for (size_t i = 0; i < count; i++)
        segment_insert(table->pool, &view->segments[halves[loose[i].identity.high >> (64 - depth) & 1]], &loose[i]);
}

void dedup_table_return(struct dedup_table *table, const struct dedup_loose *one)
{
    struct dedup_segment *segment = view_segment(&table->view, one->identity);
    while (segment->used >= room_of(segment->pages, segment->depth)) {
        uint32_t number = (uint32_t)(segment - table->view.segments);
        if (segment->pages < DEDUP_SEGMENT_PAGES)
            segment_relay(table, number, segment->pages + 1U);
        else
            segment_split(table, number, one->identity.high >> (64 - segment->depth));
        segment = view_segment(&table->view, one->identity);
    }
    segment_insert(table->pool, segment, one);
    table->used_of[segment->group]++;
}

void dedup_table_insert(struct dedup_table *table, const struct dedup_entry *entry)
{
    struct dedup_place place = {entry->offset, entry->event_index, entry->held};
    struct dedup_loose one = {entry->identity, dedup_place_take(&table->places, &place),
                                (uint32_t)(entry->content >> 32)};
    dedup_table_return(table, &one);
}

void dedup_table_replace(struct dedup_table *table, const struct dedup_slot *slot, const struct dedup_entry *entry)
{
    struct dedup_place place = {entry->offset, entry->event_index, entry->held};
    unsigned depth = table->view.segments[slot->segment].depth;
    unsigned char *bytes = slot_bytes(&table->view, slot);
    dedup_place_give(&table->places, slot_code(bytes));
    slot_write(bytes, bucket_width(depth), bucket_tail_of(entry->identity, depth),
               dedup_place_take(&table->places, &place), (uint32_t)(entry->content >> 32));
}

// --- sweeping

// The last slot of the bucket takes its place.
static void slot_remove(struct dedup_table *table, struct dedup_segment *segment, uint32_t number, unsigned at)
{
    unsigned width = bucket_width(segment->depth);
    unsigned char *bucket = segment_bucket(table->pool, segment, number);
    uint32_t home = segment_home(segment, slot_identity(bucket, at, width, segment->depth, 0).high);
    for (; home != number; home = home + 1 == segment_buckets(segment) ? 0 : home + 1)
        bucket_unpass(segment_bucket(table->pool, segment, home));
    unsigned last = bucket_used(bucket) - 1;
    dedup_place_give(&table->places, slot_code(bucket + at * width));
    memmove(bucket + at * width, bucket + last * width, width);
    bucket[BUCKET_TAGS_AT + at] = bucket[BUCKET_TAGS_AT + last];
    bucket[BUCKET_USED_AT] = (unsigned char)last;
    segment->used--;
    table->used_of[segment->group]--;
}

static void bucket_sweep(struct dedup_table *table, struct dedup_segment *segment, uint32_t number, int64_t floor)
{
    unsigned width = bucket_width(segment->depth);
    const unsigned char *bucket = segment_bucket(table->pool, segment, number);
    for (unsigned at = 0; at < bucket_used(bucket);) {
        struct dedup_place place = dedup_place_of(&table->places, slot_code(bucket + at * width));
        if (!place.held && place.offset < floor)
            slot_remove(table, segment, number, at); // another stands there then
        else
            at++;
    }
}

void dedup_table_sweep(struct dedup_table *table, int64_t slots, int64_t floor, int spared)
{
    for (uint32_t turns = 0; slots > 0 && turns <= table->segment_count; turns++) {
        struct dedup_segment *segment = &table->view.segments[table->sweep_segment];
        if (segment->group == spared) table->sweep_bucket = segment_buckets(segment);
        for (; table->sweep_bucket < segment_buckets(segment) && slots > 0; slots -= BUCKET_TAGS)
            bucket_sweep(table, segment, table->sweep_bucket++, floor);
        if (table->sweep_bucket < segment_buckets(segment)) return;
        uint32_t pages = pages_for(segment->used + segment->used / 8, segment->depth);
        if (pages < segment->pages / 2U || (pages == 0 && segment->pages > 0))
            segment_relay(table, table->sweep_segment, pages);
        table->sweep_bucket = 0;
        if (++table->sweep_segment == table->segment_count) table->sweep_segment = 0;
    }
}
