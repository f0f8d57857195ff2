// SPDX-License-Identifier: Apache-2.0
// A group of identities that is on its way to disk. Its segments leave the table as they are; empty ones of the same
// depth take their place.
#include <stdlib.h>

#include "common/arena.h"
#include "rating/dedup_bucket.h"

void dedup_table_detach(struct dedup_table *table, unsigned group, struct dedup_part *part)
{
    struct dedup_view *view = &table->view;
    unsigned shift = view->depth - DEDUP_GROUP_BITS;
    size_t entries = (size_t)1 << shift;
    *part = (struct dedup_part){.view = *view, .group = group, .used = table->used_of[group]};
    part->view.first = (uint64_t)group << shift;
    part->view.directory = heap_grow(NULL, sizeof *view->directory, entries);
    part->view.segments = aligned_alloc(sizeof(struct dedup_segment), entries * sizeof(struct dedup_segment));
    ENSURE(part->view.segments);
    for (size_t i = 0; i < entries; i++) {
        uint32_t number = view->directory[part->view.first + i];
        bool again = i > 0 && view->directory[part->view.first + i - 1] == number;
        if (!again) {
            struct dedup_segment *segment = &view->segments[number];
            part->view.segments[part->segment_count++] = *segment;
            segment->pages = 0;
            segment->used = 0;
        }
        part->view.directory[i] = part->segment_count - 1;
    }
    table->used_of[group] = 0;
    part->extent_count = table->places.extent_count;
    part->extents = heap_grow(NULL, sizeof *part->extents, part->extent_count + 1U);
    if (part->extent_count > 0)
        memcpy(part->extents, table->places.extents, part->extent_count * sizeof *part->extents);
}

// Sorts what is in rising order but for neighbours: what a bucket passed on.
static void loose_sort(struct dedup_loose *loose, const struct dedup_loose *from, size_t count, unsigned depth)
{
    static _Thread_local uint32_t ends[DEDUP_SEGMENT_MAX + 1];
    memset(ends, 0, (count + 1) * sizeof *ends);
#define PLACE_OF(identity) ((identity).high << depth >> 32) * count >> 32
    for (size_t i = 0; i < count; i++)
        ends[(PLACE_OF(from[i].identity)) + 1]++;
    for (size_t i = 0; i < count; i++)
        ends[i + 1] += ends[i]; // where bucket i + 1 begins; while it is filled, ends[i] is where the next of i goes
    for (size_t i = 0; i < count; i++)
        loose[ends[PLACE_OF(from[i].identity)]++] = from[i];
#undef PLACE_OF
    for (size_t i = 1; i < count; i++) {
        struct dedup_loose one = loose[i];
        size_t at = i;
        for (; at > 0 && hash128_compare(loose[at - 1].identity, one.identity) > 0; at--)
            loose[at] = loose[at - 1];
        loose[at] = one;
    }
}

bool dedup_part_next(const struct dedup_part *part, size_t *at, struct dedup_loose *loose, size_t *count)
{
    static _Thread_local struct dedup_loose unsorted[DEDUP_SEGMENT_MAX];
    const struct dedup_view *view = &part->view;
    size_t entries = (size_t)1 << (view->depth - DEDUP_GROUP_BITS);
    *count = 0;
    if (*at == entries) return false;
    uint32_t number = view->directory[*at];
    const struct dedup_segment *segment = &view->segments[number];
    *count = dedup_segment_loosen(view->pool, segment, (view->first + *at) >> (view->depth - segment->depth), unsorted);
    loose_sort(loose, unsorted, *count, segment->depth);
    while (*at < entries && view->directory[*at] == number)
        ++*at;
    return true;
}

void dedup_part_drop(struct dedup_part *part, struct dedup_table *table)
{
    for (uint32_t i = 0; i < part->segment_count; i++) {
        struct dedup_segment *segment = &part->view.segments[i];
        table->bytes -= segment->pages * DEDUP_PAGE_BYTES;
        while (segment->pages > 0)
            dedup_pool_give(table->pool, segment->page[--segment->pages]);
    }
    free(part->view.segments);
    free(part->view.directory);
    free(part->extents);
    *part = (struct dedup_part){0};
}
