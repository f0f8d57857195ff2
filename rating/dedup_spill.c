// SPDX-License-Identifier: Apache-2.0
// What goes to disk when a budget is used up: a group of identities, a sixteenth of an index by their first bits, so that
// memory is given up in small steps and every run covers a sixteenth of the keys.
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/crash_point.h"
#include "rating/dedup_internal.h"

enum {
    DISK_GENERATIONS = 8, // of the window
    SPILL_LEAST = 32,     // identities in a group that is worth a file
    PATH_SIZE = 4000
};

static enum err disk_open(struct dedup_index *index, struct fault *fault)
{
    char folder[PATH_SIZE];
    if (index->disk) return ERR_OK;
    int64_t number = ++index->budget->last_store;
    if (snprintf(folder, sizeof folder, "%s/%lld", index->budget->folder, (long long)number) >= (int)sizeof folder)
        return fault_set(fault, ERR_LIMIT, index->budget->folder, "the name of the folder is too long");
    return dedup_disk_open(folder, index->window_us / DISK_GENERATIONS, &index->disk, fault);
}

// A group on its way to disk.
struct spill {
    struct dedup_index *index;
    struct dedup_part part;
    struct dedup_entry *entries;
    size_t count;
    int64_t newest;
    struct dedup_loose *kept; // held, or kept aside: these stay in memory
    size_t kept_count, kept_room;
    uint32_t *given; // codes of each extent that went to disk or are forgotten
};

static void one_take(struct spill *spill, const struct dedup_loose *one)
{
    if (dedup_place_aside(one->code)) {
        if (spill->kept_count == spill->kept_room) {
            spill->kept_room = spill->kept_room ? spill->kept_room * 2 : SPILL_LEAST;
            spill->kept = heap_grow(spill->kept, sizeof *spill->kept, spill->kept_room);
        }
        spill->kept[spill->kept_count++] = *one;
        return;
    }
    spill->given[dedup_place_extent(one->code)]++;
    struct dedup_place place = dedup_place_in(spill->part.extents, one->code);
    if (place.offset < spill->index->floor) return;
    if (place.offset > spill->newest) spill->newest = place.offset;
    spill->entries[spill->count++] = dedup_entry_of(one->identity, (uint64_t)one->content << 32, place);
}

static void spill_read(struct spill *spill)
{
    struct dedup_loose *loose = heap_grow(NULL, sizeof *loose, DEDUP_SEGMENT_MAX);
    size_t count = 0;
    spill->entries = heap_grow(NULL, sizeof *spill->entries, (size_t)spill->part.used + 1);
    spill->given = heap_alloc((spill->part.extent_count + 1U) * sizeof *spill->given);
    for (size_t at = 0; dedup_part_next(&spill->part, &at, loose, &count);)
        for (size_t i = 0; i < count; i++)
            one_take(spill, &loose[i]);
    free(loose);
}

// Everything is in memory again, as it was. What went to disk stays there, too: it says the same.
static void spill_undo(struct spill *spill)
{
    struct dedup_loose *loose = heap_grow(NULL, sizeof *loose, DEDUP_SEGMENT_MAX);
    size_t count = 0;
    for (size_t at = 0; dedup_part_next(&spill->part, &at, loose, &count);)
        for (size_t i = 0; i < count; i++)
            dedup_table_return(&spill->index->table, &loose[i]);
    free(loose);
}

static void spill_finish(struct spill *spill)
{
    struct dedup_table *table = &spill->index->table;
    for (uint32_t i = 0; i < spill->part.extent_count; i++)
        dedup_place_give_many(&table->places, i, spill->given[i]);
    for (size_t i = 0; i < spill->kept_count; i++)
        dedup_table_return(table, &spill->kept[i]);
    spill->index->budget->spills++;
}

static enum err group_spill(struct dedup_index *index, unsigned group, struct fault *fault)
{
    struct spill spill = {.index = index};
    enum err err = disk_open(index, fault);
    if (err) return err;
    dedup_table_detach(&index->table, group, &spill.part);
    spill_read(&spill);
    if (spill.count > 0)
        err = dedup_disk_add(index->disk, spill.entries, spill.count, spill.newest, index->watermark, fault);
    CRASH_POINT("rate.after_spill");
    if (err)
        spill_undo(&spill);
    else
        spill_finish(&spill);
    dedup_part_drop(&spill.part, &index->table);
    dedup_index_account(index);
    free(spill.entries);
    free(spill.kept);
    free(spill.given);
    return err;
}

// Filters of what is on disk may take three quarters of the budget; beyond that every few identities would be a file.
static enum err filters_check(const struct dedup_budget *budget, struct fault *fault)
{
    int64_t filters = 0, on_disk = 0;
    for (const struct dedup_index *index = budget->first; index; index = index->next) {
        filters += index->disk ? dedup_disk_memory(index->disk) : 0;
        on_disk += dedup_index_on_disk(index);
    }
    if (filters <= budget->limit_bytes / 4 * 3) return ERR_OK;
    return fault_set(fault, ERR_LIMIT, "",
                     "the filters of %lld identities on disk take %lld bytes of a memory budget of %lld: raise"
                     " rate.index_memory",
                     (long long)on_disk, (long long)filters, (long long)budget->limit_bytes);
}

enum err dedup_budget_spill(struct dedup_budget *budget, struct fault *fault)
{
    struct dedup_index *owner = NULL;
    unsigned group = 0;
    int64_t most = SPILL_LEAST - 1, before = budget->used_bytes;
    for (struct dedup_index *index = budget->first; index; index = index->next)
        for (unsigned i = 0; i < DEDUP_GROUPS; i++) {
            if (index->table.used_of[i] <= most) continue;
            most = index->table.used_of[i];
            owner = index;
            group = i;
        }
    enum err err = filters_check(budget, fault);
    if (err) return err;
    err = owner && budget->folder ? group_spill(owner, group, fault) : ERR_LIMIT;
    if (!err && budget->used_bytes < before) return ERR_OK;
    if (err && owner && budget->folder) return err;
    return fault_set(
        fault, ERR_LIMIT, "",
        "the dedup index would pass its memory budget of %lld bytes (%lld in use): raise rate.index_memory",
        (long long)budget->limit_bytes, (long long)budget->used_bytes);
}
