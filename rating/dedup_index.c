// SPDX-License-Identifier: Apache-2.0
// Look-ups go from memory to disk; forgetting is a floor of offsets that rises with the generations.
#include "rating/dedup_index.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "rating/dedup_internal.h"

enum {
    GENERATIONS_FIRST = 64,
    ENTRY_BYTES = 48, // what a put takes on average when many segments are about to grow
    LAID_BYTES = 32,  // and what one takes in a table that was laid out for it, at most
    RESERVE_BYTES = 8 * DEDUP_PAGE_BYTES,
    GIVE_WAY_EARLY = 6 // what is only useful goes when less than this part of the limit is left, before anything goes to disk
};
#define WINDOW_US (35 * DAY_US)              // unless dedup_index_window says otherwise
#define OWN_BYTES_MOST (INT64_C(16) << 30)   // addresses for an index without a budget
#define FREE_BYTES_MOST (INT64_C(256) << 30) // and for a budget without a limit
#define OVER_BYTES_MOST (INT64_C(256) << 20) // what puts may pass a limit by, beside an eighth

// --- opening and closing

static struct dedup_pool *budget_pool(struct dedup_budget *budget, const struct dedup_index *index)
{
    if (budget->pool) return budget->pool;
    int64_t bytes = budget == &index->own       ? OWN_BYTES_MOST
                    : budget->limit_bytes > 0 ? budget->limit_bytes / 8 * 9 + OVER_BYTES_MOST
                                              : FREE_BYTES_MOST;
    budget->pool = heap_alloc(sizeof *budget->pool);
    dedup_pool_open(budget->pool, bytes);
    return budget->pool;
}

struct dedup_index *dedup_index_new(struct dedup_budget *budget)
{
    struct dedup_index *index = heap_alloc(sizeof *index);
    index->budget = budget ? budget : &index->own;
    index->coverage_start = INSTANT_MIN;
    index->window_us = WINDOW_US;
    index->watermark = INSTANT_MIN;
    dedup_table_open(&index->table, budget_pool(index->budget, index));
    index->next = index->budget->first;
    index->link = &index->budget->first;
    if (index->next) index->next->link = &index->next;
    index->budget->first = index;
    dedup_index_account(index);
    return index;
}

void dedup_index_account(struct dedup_index *index)
{
    int64_t bytes = index->table.bytes + index->table.places.bytes +
                    (int64_t)(index->generation_room * sizeof *index->generations) +
                    (index->disk ? dedup_disk_memory(index->disk) : 0);
    index->budget->used_bytes += bytes - index->counted_bytes;
    index->counted_bytes = bytes;
}

static void disk_leave(struct dedup_index *index)
{
    dedup_disk_close(index->disk);
    index->disk = NULL;
}

void dedup_index_free(struct dedup_index *index)
{
    if (!index) return;
    struct dedup_budget *budget = index->budget;
    dedup_spill_settle(index);
    disk_leave(index);
    dedup_table_close(&index->table);
    budget->used_bytes -= index->counted_bytes;
    *index->link = index->next;
    if (index->next) index->next->link = index->link;
    if (!budget->first) {
        dedup_pool_close(budget->pool);
        free(budget->pool);
        budget->pool = NULL;
    }
    free(index->generations);
    free(index);
}

void dedup_index_clear(struct dedup_index *index)
{
    dedup_spill_settle(index);
    dedup_table_clear(&index->table);
    disk_leave(index);
    index->watermark = INSTANT_MIN;
    index->floor = 0;
    index->coverage_start = INSTANT_MIN;
    index->generation_count = 0;
    dedup_index_account(index);
}

int64_t dedup_index_count(const struct dedup_index *index)
{
    int64_t leaving = index->leaving ? index->leaving->used : 0;
    return dedup_table_count(&index->table) + leaving + dedup_index_on_disk(index);
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

// --- looking up

void dedup_index_prefetch_way(const struct dedup_index *index, struct hash128 identity)
{
    dedup_view_prefetch_segment(&index->table.view, identity);
}

void dedup_index_prefetch(const struct dedup_index *index, struct hash128 identity)
{
    dedup_view_prefetch(&index->table.view, identity);
}

void dedup_index_prefetch_entry(const struct dedup_index *index, struct hash128 identity)
{
    dedup_view_prefetch_slot(&index->table.view, identity);
}

struct dedup_entry dedup_entry_of(struct hash128 identity, uint64_t content, struct dedup_place place)
{
    return (struct dedup_entry){.identity = identity,
                                .content = content,
                                .offset = place.offset,
                                .event_index = place.event_index,
                                .held = place.held};
}

static bool forgotten(const struct dedup_index *index, struct dedup_place place)
{
    return !place.held && place.offset < index->floor;
}

enum presence { ABSENT, FORGOTTEN, PRESENT };

static enum presence view_find(const struct dedup_index *index, const struct dedup_view *view, struct hash128 identity,
                               struct dedup_entry *entry)
{
    struct dedup_slot slot;
    if (!dedup_view_find(view, identity, &slot)) return ABSENT;
    struct dedup_place place = dedup_place_of(&index->table.places, dedup_slot_code(view, &slot));
    if (forgotten(index, place)) return FORGOTTEN;
    *entry = dedup_entry_of(identity, dedup_slot_content(view, &slot), place);
    return PRESENT;
}

static bool leaving_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    return index->leaving && dedup_group_of(identity) == index->leaving->group &&
           view_find(index, &index->leaving->view, identity, entry) == PRESENT;
}

// What was put last is in the table: an older entry that is leaving says nothing then, even when the newer one is
// forgotten (a held one is not, but was counted meanwhile).
static bool memory_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    enum presence presence = view_find(index, &index->table.view, identity, entry);
    return presence == PRESENT || (presence == ABSENT && leaving_find(index, identity, entry));
}

void dedup_index_find_group(const struct dedup_index *index, const struct hash128 *identities, size_t count,
                            struct dedup_entry *entries, bool *known)
{
    for (size_t i = 0; i < count; i++)
        dedup_view_prefetch(&index->table.view, identities[i]);
    for (size_t i = 0; i < count; i++)
        dedup_view_prefetch_slot(&index->table.view, identities[i]);
    for (size_t i = 0; i < count; i++)
        known[i] = memory_find(index, identities[i], &entries[i]);
    if (index->disk && dedup_disk_find(index->disk, identities, count, index->floor, entries, known, NULL))
        return; // the disk keeps its failure: dedup_index_failed
}

bool dedup_index_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry)
{
    bool known = memory_find(index, identity, entry);
    if (!known && index->disk && dedup_disk_find(index->disk, &identity, 1, index->floor, entry, &known, NULL))
        return false; // the disk keeps its failure
    return known;
}

// --- putting

static void others_give_way(struct dedup_budget *budget, int64_t wanted, int64_t most)
{
    while (budget->used_bytes + wanted > most)
        if (!budget->give_way || !budget->give_way(budget->give_way_context)) return;
}

enum err dedup_index_reserve(struct dedup_index *index, size_t count, struct fault *fault)
{
    int64_t wanted = (int64_t)count * ENTRY_BYTES + RESERVE_BYTES;
    enum err err = dedup_index_failed(index, fault);
    if (err || index->budget->limit_bytes == 0) return err;
    int64_t limit = index->budget->limit_bytes;
    others_give_way(index->budget, wanted, limit - limit / GIVE_WAY_EARLY);
    return dedup_budget_make_room(index->budget, wanted, fault);
}

void dedup_index_expect(struct dedup_index *index, int64_t count)
{
    struct dedup_budget *budget = index->budget;
    if (count <= 0) return;
    if (budget->limit_bytes > 0) {
        // what is laid out and still empty cannot go to disk: a quarter stays free for what is put meanwhile
        int64_t most = budget->limit_bytes / 4 * 3;
        if (count > most / LAID_BYTES) return;
        others_give_way(budget, count * LAID_BYTES, most);
        if (count > (most - budget->used_bytes) / LAID_BYTES) return;
    }
    dedup_table_expect(&index->table, count);
    dedup_index_account(index);
}

void dedup_index_put(struct dedup_index *index, const struct dedup_entry *entry)
{
    struct dedup_table *table = &index->table;
    struct dedup_slot slot;
    ENSURE(entry->offset >= 0 && entry->offset <= DEDUP_OFFSET_MAX);
    ENSURE(entry->event_index >= 0 && entry->event_index <= DEDUP_EVENT_INDEX_MAX);
    if (dedup_view_find(&table->view, entry->identity, &slot)) {
        struct dedup_place there = dedup_place_of(&table->places, dedup_slot_code(&table->view, &slot));
        if (!entry->held || there.held || forgotten(index, there)) dedup_table_replace(table, &slot, entry);
    } else {
        struct dedup_entry leaving;
        if (entry->held && leaving_find(index, entry->identity, &leaving) && !leaving.held) return;
        dedup_table_insert(table, entry);
    }
    if (table->bytes + table->places.bytes != index->counted_bytes) dedup_index_account(index);
}

// --- forgetting

void dedup_index_note(struct dedup_index *index, int64_t offset, instant_us watermark)
{
    if (watermark > index->watermark) index->watermark = watermark;
    if (index->generation_count > 0) {
        struct dedup_generation *last = &index->generations[index->generation_count - 1];
        if (watermark < last->watermark || offset < last->offset) return;
        if (instant_floor(last->watermark, HOUR_US) == instant_floor(watermark, HOUR_US)) {
            *last = (struct dedup_generation){offset, watermark};
            return;
        }
    }
    if (index->generation_count == index->generation_room) {
        index->generation_room = index->generation_room ? index->generation_room * 2 : GENERATIONS_FIRST;
        index->generations = heap_grow(index->generations, sizeof *index->generations, index->generation_room);
    }
    index->generations[index->generation_count++] = (struct dedup_generation){offset, watermark};
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
    // while something is on its way to the disk nothing leaves it; that is done afterwards
    if (index->disk && !index->leaving && dedup_disk_forget(index->disk, index->floor, NULL)) return;
    dedup_index_account(index);
}

instant_us dedup_index_coverage_start(const struct dedup_index *index)
{
    return index->coverage_start;
}

int64_t dedup_index_floor(const struct dedup_index *index)
{
    return index->floor;
}

void dedup_index_start_at(struct dedup_index *index, int64_t offset, instant_us watermark)
{
    ENSURE(offset >= index->floor);
    index->floor = offset;
    index->coverage_start = watermark + 1; // an event of the same microsecond may lie below the floor
}

void dedup_index_sweep(struct dedup_index *index, int64_t slots)
{
    // what replaced a part of a leaving group stays until the rest of that comes back
    dedup_table_sweep(&index->table, slots, index->floor, index->leaving ? (int)index->leaving->group : -1);
    dedup_index_account(index);
}
