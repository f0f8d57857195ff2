// SPDX-License-Identifier: Apache-2.0
// What goes to disk when a budget is nearly used up: a group of identities, a sixteenth of an index by their first
// bits, so that memory is given up in small steps and every run covers a sixteenth of the keys. The group leaves the
// table as it is, and stays there to be found; a thread reads, sorts and writes it; then its memory is free. One
// group of a budget at a time.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/crash_point.h"
#include "rating/dedup_internal.h"

enum {
    DISK_GENERATIONS = 8, // of the window
    SPILL_LEAST = 32,     // identities in a group that is worth a file
    SPILL_EARLY = 8,      // begun when less than this part of the limit is left
    PATH_SIZE = 4000
};

// A group on its way to disk. The thread reads the part and writes what is below it; all else is the owner's.
struct dedup_spill {
    struct dedup_index *index;
    struct dedup_part part;
    int64_t floor; // as it was at the beginning
    pthread_t thread;
    atomic_bool done;
    enum err err;
    struct fault why;
    struct dedup_loose *segment; // of the part, the next of it to be read, and where its reading is
    size_t segment_count, segment_at, part_at;
    size_t count; // written
    int64_t newest;
    struct dedup_loose *kept; // held, or kept aside: these stay in memory
    size_t kept_count, kept_room;
    uint32_t *given; // codes of each extent that went to disk or are forgotten
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

static void one_keep(struct dedup_spill *spill, const struct dedup_loose *one)
{
    if (spill->kept_count == spill->kept_room) {
        spill->kept_room = spill->kept_room ? spill->kept_room * 2 : SPILL_LEAST;
        spill->kept = heap_grow(spill->kept, sizeof *spill->kept, spill->kept_room);
    }
    spill->kept[spill->kept_count++] = *one;
}

// True: it goes to disk, as *entry.
static bool one_take(struct dedup_spill *spill, const struct dedup_loose *one, struct dedup_entry *entry)
{
    if (dedup_place_aside(one->code)) {
        one_keep(spill, one);
        return false;
    }
    spill->given[dedup_place_extent(one->code)]++;
    struct dedup_place place = dedup_place_in(spill->part.extents, one->code);
    if (place.offset < spill->floor) return false;
    if (place.offset > spill->newest) spill->newest = place.offset;
    *entry = dedup_entry_of(one->identity, (uint64_t)one->content << 32, place);
    return true;
}

static bool entry_next(void *context, struct dedup_entry *entry)
{
    struct dedup_spill *spill = context;
    for (;;) {
        while (spill->segment_at < spill->segment_count)
            if (one_take(spill, &spill->segment[spill->segment_at++], entry)) return true;
        spill->segment_at = 0;
        if (!dedup_part_next(&spill->part, &spill->part_at, spill->segment, &spill->segment_count)) return false;
    }
}

static void *spill_run(void *context)
{
    struct dedup_spill *spill = context;
    spill->segment = heap_grow(NULL, sizeof *spill->segment, DEDUP_SEGMENT_MAX);
    spill->given = heap_alloc((spill->part.extent_count + 1U) * sizeof *spill->given);
    spill->err = dedup_disk_write(spill->index->disk, (size_t)spill->part.used, entry_next, spill, &spill->count,
                                  &spill->why);
    free(spill->segment);
    atomic_store(&spill->done, true);
    return NULL;
}

// --- in the thread that has the index

// Back into the table, unless something newer was put there meanwhile.
static void one_return(struct dedup_table *table, const struct dedup_loose *one)
{
    struct dedup_slot slot;
    if (dedup_view_find(&table->view, one->identity, &slot))
        dedup_place_give(&table->places, one->code);
    else
        dedup_table_return(table, one);
}

static void all_return(struct dedup_spill *spill)
{
    struct dedup_loose *loose = heap_grow(NULL, sizeof *loose, DEDUP_SEGMENT_MAX);
    size_t count = 0;
    for (size_t at = 0; dedup_part_next(&spill->part, &at, loose, &count);)
        for (size_t i = 0; i < count; i++)
            one_return(&spill->index->table, &loose[i]);
    free(loose);
}

static void rest_return(struct dedup_spill *spill)
{
    struct dedup_table *table = &spill->index->table;
    for (uint32_t i = 0; i < spill->part.extent_count; i++)
        dedup_place_give_many(&table->places, i, spill->given[i]);
    for (size_t i = 0; i < spill->kept_count; i++)
        one_return(table, &spill->kept[i]);
}

// Waits for the thread and takes over what it did.
static enum err spill_end(struct dedup_budget *budget, struct fault *fault)
{
    struct dedup_spill *spill = budget->spill;
    struct dedup_index *index = spill->index;
    ENSURE(pthread_join(spill->thread, NULL) == 0);
    CRASH_POINT("rate.after_spill");
    enum err err = dedup_disk_end(index->disk, spill->err, &spill->why, spill->count, spill->newest, fault);
    index->leaving = NULL;
    budget->spill = NULL;
    if (err)
        all_return(spill);
    else
        rest_return(spill);
    dedup_part_drop(&spill->part, &index->table);
    if (!err) err = dedup_disk_forget(index->disk, index->floor, fault); // what could not leave meanwhile
    dedup_index_account(index);
    budget->spills++;
    free(spill->kept);
    free(spill->given);
    free(spill);
    return err;
}

void dedup_spill_settle(struct dedup_index *index)
{
    struct dedup_budget *budget = index->budget;
    if (budget->spill && budget->spill->index == index && spill_end(budget, NULL)) return; // the disk keeps its failure
}

static enum err spill_begin(struct dedup_index *index, unsigned group, struct fault *fault)
{
    enum err err = disk_open(index, fault);
    if (!err) err = dedup_disk_begin(index->disk, index->watermark, fault);
    if (err) return err;
    struct dedup_spill *spill = heap_alloc(sizeof *spill);
    spill->index = index;
    spill->floor = index->floor;
    dedup_table_detach(&index->table, group, &spill->part);
    index->leaving = &spill->part;
    index->budget->spill = spill;
    ENSURE(pthread_create(&spill->thread, NULL, spill_run, spill) == 0);
    return ERR_OK;
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

// Begins to move the largest group of all indexes. ERR_LIMIT: there is none worth it.
static enum err largest_begin(struct dedup_budget *budget, struct fault *fault)
{
    struct dedup_index *owner = NULL;
    unsigned group = 0;
    int64_t most = SPILL_LEAST - 1;
    for (struct dedup_index *index = budget->first; index; index = index->next)
        for (unsigned i = 0; i < DEDUP_GROUPS; i++) {
            if (index->table.used_of[i] <= most) continue;
            most = index->table.used_of[i];
            owner = index;
            group = i;
        }
    enum err err = filters_check(budget, fault);
    if (!err && owner && budget->folder) return spill_begin(owner, group, fault);
    if (err) return err;
    return fault_set(
        fault, ERR_LIMIT, "",
        "the dedup index would pass its memory budget of %lld bytes (%lld in use): raise rate.index_memory",
        (long long)budget->limit_bytes, (long long)budget->used_bytes);
}

enum err dedup_budget_make_room(struct dedup_budget *budget, int64_t bytes, struct fault *fault)
{
    enum err err = ERR_OK;
    if (budget->spill && atomic_load(&budget->spill->done)) err = spill_end(budget, fault);
    while (!err && budget->used_bytes + bytes > budget->limit_bytes) {
        if (!budget->spill) err = largest_begin(budget, fault);
        if (!err) err = spill_end(budget, fault);
    }
    bool early = budget->used_bytes + bytes > budget->limit_bytes - budget->limit_bytes / SPILL_EARLY;
    if (!err && early && budget->folder && !budget->spill && largest_begin(budget, NULL))
        return ERR_OK; // not yet needed
    return err;
}
