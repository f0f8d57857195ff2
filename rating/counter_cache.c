// SPDX-License-Identifier: Apache-2.0
// Values in sets of eight; the filter is four bits in one word per counter. A shard is forgotten by raising its
// generation, which is part of an entry and of the filter's hash: what is left of the old one is noise.
#include "rating/counter_cache.h"

#include <stdlib.h>

#include "common/arena.h"

enum { WAYS = 8, FILTER_PART = 8, BYTES_LEAST = 64 << 10 };

struct entry {          // 40 bytes
    uint64_t high, low; // of the value; an int128 would be aligned to 16
    int64_t tenant;
    int32_t meter, month;
    uint32_t generation;  // of the shard; 0: empty
    uint16_t shard, used; // used: tick
};

struct counter_cache {
    struct entry *entries;
    size_t sets, words;
    uint64_t *filter;
    uint16_t tick;
    uint32_t generation[SHARD_COUNT];
};

struct counter_cache *counter_cache_new(size_t bytes)
{
    struct counter_cache *cache = heap_alloc(sizeof *cache);
    if (bytes < BYTES_LEAST) bytes = BYTES_LEAST;
    cache->words = bytes / FILTER_PART / sizeof *cache->filter;
    cache->filter = heap_alloc(cache->words * sizeof *cache->filter);
    cache->sets = (bytes - bytes / FILTER_PART) / (WAYS * sizeof *cache->entries);
    cache->entries = heap_alloc(cache->sets * WAYS * sizeof *cache->entries);
    for (int shard = 0; shard < SHARD_COUNT; shard++)
        cache->generation[shard] = 1;
    return cache;
}

void counter_cache_free(struct counter_cache *cache)
{
    if (!cache) return;
    free(cache->entries);
    free(cache->filter);
    free(cache);
}

static uint64_t hash_of(const struct counter_cache *cache, int shard, const struct counter_id *id)
{
    const struct {
        struct counter_id id;
        uint64_t generation;
    } key = {*id, cache->generation[shard]};
    return fast_hash64(&key, sizeof key);
}

static struct entry *set_of(const struct counter_cache *cache, uint64_t hash)
{
    return &cache->entries[hash % cache->sets * WAYS];
}

static bool is_same(const struct counter_cache *cache, const struct entry *entry, int shard,
                    const struct counter_id *id)
{
    return entry->tenant == id->tenant && entry->meter == id->meter && entry->month == id->month &&
           entry->shard == shard && entry->generation == cache->generation[shard];
}

bool counter_cache_find(struct counter_cache *cache, int shard, const struct counter_id *id, struct quantity *quantity)
{
    struct entry *set = set_of(cache, hash_of(cache, shard, id));
    for (int i = 0; i < WAYS; i++) {
        if (!is_same(cache, &set[i], shard, id)) continue;
        set[i].used = cache->tick;
        quantity->nano = (int128)((uint128)set[i].high << 64 | set[i].low);
        return true;
    }
    return false;
}

// Four bits from the upper half; the lower half picks the word.
static uint64_t bits_of(uint64_t hash)
{
    return UINT64_C(1) << (hash >> 58) | UINT64_C(1) << (hash >> 52 & 63) | UINT64_C(1) << (hash >> 46 & 63) |
           UINT64_C(1) << (hash >> 40 & 63);
}

static struct entry *victim_of(const struct counter_cache *cache, struct entry *set, int shard,
                               const struct counter_id *id)
{
    struct entry *victim = &set[0];
    bool empty = false;
    for (int i = 0; i < WAYS; i++) {
        if (is_same(cache, &set[i], shard, id)) return &set[i];
        bool gone = set[i].generation != cache->generation[set[i].shard];
        uint16_t age = (uint16_t)(cache->tick - set[i].used), oldest = (uint16_t)(cache->tick - victim->used);
        if (!empty && (gone || age > oldest)) victim = &set[i];
        empty = empty || gone;
    }
    return victim;
}

void counter_cache_put(struct counter_cache *cache, int shard, const struct counter_id *id, struct quantity quantity)
{
    uint64_t hash = hash_of(cache, shard, id);
    cache->filter[(hash & UINT32_MAX) % cache->words] |= bits_of(hash);
    struct entry *entry = victim_of(cache, set_of(cache, hash), shard, id);
    *entry = (struct entry){
        .high = (uint64_t)((uint128)quantity.nano >> 64),
        .low = (uint64_t)quantity.nano,
        .tenant = id->tenant,
        .meter = id->meter,
        .month = id->month,
        .generation = cache->generation[shard],
        .shard = (uint16_t)shard,
        .used = cache->tick,
    };
}

bool counter_cache_seen(const struct counter_cache *cache, int shard, const struct counter_id *id)
{
    uint64_t hash = hash_of(cache, shard, id), bits = bits_of(hash);
    return (cache->filter[(hash & UINT32_MAX) % cache->words] & bits) == bits;
}

void counter_cache_forget(struct counter_cache *cache, int shard)
{
    cache->generation[shard]++;
}

void counter_cache_tick(struct counter_cache *cache)
{
    cache->tick++;
}
