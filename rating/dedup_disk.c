// SPDX-License-Identifier: Apache-2.0
// A record is the identity (big-endian, so that order is that of hash128_compare), and content and place as the value.
#include "rating/dedup_disk.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/kv.h"

enum { GENERATIONS_MAX = 60 };

struct generation {
    int64_t number, newest, count; // greatest offset; entries
    instant_us since;              // watermark when it began
};

struct dedup_disk {
    struct kv *kv;
    instant_us span_us;
    struct generation generations[GENERATIONS_MAX]; // oldest first
    size_t generation_count;
    struct fault failure;
};

_Static_assert((int)DEDUP_GROUP_MAX <= (int)KV_LOOK_MAX, "a group is one look-up");

static enum err failed(struct dedup_disk *disk, enum err err, const struct fault *why, struct fault *fault)
{
    if (!disk->failure.err) disk->failure = *why;
    disk->failure.err = ERR_LIMIT;
    if (fault) *fault = disk->failure;
    return err;
}

enum err dedup_disk_failed(const struct dedup_disk *disk, struct fault *fault)
{
    if (!disk->failure.err) return ERR_OK;
    return fault_set(fault, ERR_LIMIT, disk->failure.place, "the disk of the dedup index: %s", disk->failure.reason);
}

enum err dedup_disk_open(const char *folder, instant_us span_us, struct dedup_disk **opened, struct fault *fault)
{
    struct dedup_disk *disk = heap_alloc(sizeof *disk);
    enum err err = kv_open(folder, &disk->kv, fault);
    disk->span_us = span_us;
    if (err) {
        free(disk);
        return err;
    }
    *opened = disk;
    return ERR_OK;
}

void dedup_disk_close(struct dedup_disk *disk)
{
    if (!disk) return;
    kv_close(disk->kv);
    free(disk);
}

int64_t dedup_disk_count(const struct dedup_disk *disk)
{
    int64_t count = 0;
    for (size_t i = 0; i < disk->generation_count; i++)
        count += disk->generations[i].count;
    return count;
}

int64_t dedup_disk_memory(const struct dedup_disk *disk)
{
    return dedup_disk_count(disk) * KV_MEMORY_PER_RECORD;
}

// --- adding

static void number_put(unsigned char out[8], uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        out[i] = (unsigned char)(number >> 8 * (7 - i));
}

static uint64_t number_take(const unsigned char in[8])
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++)
        number = number << 8 | in[i];
    return number;
}

// The generation that takes what is added now. When there are too many, the newest goes on for longer.
static enum err generation_newest(struct dedup_disk *disk, instant_us watermark, struct fault *fault)
{
    struct generation *last = disk->generation_count ? &disk->generations[disk->generation_count - 1] : NULL;
    if (!last || (watermark - last->since >= disk->span_us && disk->generation_count < GENERATIONS_MAX)) {
        int64_t number = 0;
        enum err err = kv_generation_begin(disk->kv, &number, fault);
        if (err) return err;
        last = &disk->generations[disk->generation_count++];
        *last = (struct generation){.number = number, .since = watermark};
    }
    return ERR_OK;
}

enum err dedup_disk_begin(struct dedup_disk *disk, instant_us watermark, struct fault *fault)
{
    struct fault why = {0};
    enum err err = dedup_disk_failed(disk, fault);
    if (!err) err = generation_newest(disk, watermark, &why);
    return err && why.err ? failed(disk, err, &why, fault) : err;
}

struct writing {
    dedup_disk_next *next;
    void *context;
};

static bool record_next(void *context, struct kv_record *record)
{
    const struct writing *writing = context;
    struct dedup_entry entry;
    if (!writing->next(writing->context, &entry)) return false;
    ENSURE(!entry.held);
    hash128_bytes(entry.identity, record->key);
    number_put(record->value, entry.content);
    number_put(record->value + 8, (uint64_t)entry.offset << 20 | (uint64_t)entry.event_index);
    return true;
}

enum err dedup_disk_write(struct dedup_disk *disk, size_t most, dedup_disk_next *next, void *context, size_t *count,
                          struct fault *why)
{
    struct writing writing = {next, context};
    return kv_run_add(disk->kv, most, record_next, &writing, count, why);
}

enum err dedup_disk_end(struct dedup_disk *disk, enum err written, const struct fault *why, size_t count,
                        int64_t newest, struct fault *fault)
{
    struct generation *generation = &disk->generations[disk->generation_count - 1];
    if (written) return failed(disk, written, why, fault);
    generation->count += (int64_t)count;
    if (newest > generation->newest) generation->newest = newest;
    return ERR_OK;
}

// --- looking up

struct looking {
    const struct hash128 *identities;
    const size_t *places; // of the keys among the identities
    int64_t floor;
    struct dedup_entry *entries;
    bool *known;
};

// True: a forgotten one; an older generation cannot have a newer one, but asking costs nothing in so rare a case.
static bool entry_take(void *context, size_t key, const unsigned char value[KV_VALUE_BYTES])
{
    const struct looking *looking = context;
    size_t i = looking->places[key];
    uint64_t place = number_take(value + 8);
    struct dedup_entry entry = {
        .identity = looking->identities[i],
        .content = number_take(value),
        .offset = (int64_t)(place >> 20),
        .event_index = (int32_t)(place & DEDUP_EVENT_INDEX_MAX),
    };
    if (entry.offset < looking->floor) return true;
    looking->entries[i] = entry;
    looking->known[i] = true;
    return false;
}

enum err dedup_disk_find(struct dedup_disk *disk, const struct hash128 *identities, size_t count, int64_t floor,
                         struct dedup_entry *entries, bool *known, struct fault *fault)
{
    unsigned char keys[DEDUP_GROUP_MAX][KV_KEY_BYTES];
    size_t places[DEDUP_GROUP_MAX], wanted = 0;
    struct fault why = {0};
    enum err err = dedup_disk_failed(disk, fault);
    if (err) return err;
    ENSURE(count <= DEDUP_GROUP_MAX);
    for (size_t i = 0; i < count; i++) {
        if (known[i]) continue;
        hash128_bytes(identities[i], keys[wanted]);
        places[wanted++] = i;
    }
    if (wanted == 0) return ERR_OK;
    struct looking looking = {identities, places, floor, entries, known};
    err = kv_find(disk->kv, (const unsigned char(*)[KV_KEY_BYTES])keys, wanted, entry_take, &looking, &why);
    return err ? failed(disk, err, &why, fault) : ERR_OK;
}

// --- forgetting

enum err dedup_disk_forget(struct dedup_disk *disk, int64_t floor, struct fault *fault)
{
    enum err err = dedup_disk_failed(disk, fault);
    while (!err && disk->generation_count > 0 && disk->generations[0].newest < floor) {
        struct fault why = {0};
        err = kv_generation_drop(disk->kv, disk->generations[0].number, &why);
        if (err) return failed(disk, err, &why, fault);
        disk->generation_count--;
        memmove(disk->generations, disk->generations + 1, disk->generation_count * sizeof *disk->generations);
    }
    return err;
}
