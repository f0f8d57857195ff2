// SPDX-License-Identifier: Apache-2.0
// Buckets in sets of eight. A balance is in millionths of an event, so that rate * microseconds is exact.
#include "ingest/tenant_rate.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"

enum { SETS = 8192, WAYS = 8, TOUCHED_FIRST = 64 };
#define EVENT INT64_C(1000000) // of a balance

struct bucket {
    int64_t tenant;  // number; 0: empty
    int64_t balance; // as of filled_us; below zero after a request above the burst
    int64_t filled_us;
    int64_t noted;            // events of the request in hand
    const struct tenant *who; // while noted > 0
};

struct tenant_rate {
    int64_t rate, most; // events a second; a full balance
    int64_t now_us;
    struct bucket *buckets; // SETS * WAYS
    size_t *touched;        // indexes of buckets with noted > 0
    size_t touched_count, touched_capacity;
};

struct tenant_rate *tenant_rate_new(int64_t events_per_second, int64_t burst)
{
    struct tenant_rate *rate = heap_alloc(sizeof *rate);
    rate->rate = events_per_second;
    rate->most = burst * EVENT;
    rate->buckets = heap_alloc(SETS * WAYS * sizeof *rate->buckets);
    rate->touched_capacity = TOUCHED_FIRST;
    rate->touched = heap_alloc(TOUCHED_FIRST * sizeof *rate->touched);
    return rate;
}

void tenant_rate_free(struct tenant_rate *rate)
{
    if (!rate) return;
    free(rate->buckets);
    free(rate->touched);
    free(rate);
}

void tenant_rate_begin(struct tenant_rate *rate, int64_t now_us)
{
    for (size_t i = 0; i < rate->touched_count; i++)
        rate->buckets[rate->touched[i]].noted = 0;
    rate->touched_count = 0;
    rate->now_us = now_us;
}

static void fill(const struct tenant_rate *rate, struct bucket *bucket)
{
    int64_t added = 0, elapsed_us = rate->now_us - bucket->filled_us;
    bool full = __builtin_mul_overflow(elapsed_us, rate->rate, &added) ||
                __builtin_add_overflow(bucket->balance, added, &bucket->balance) || bucket->balance > rate->most;
    if (full) bucket->balance = rate->most;
    bucket->filled_us = rate->now_us;
}

// The tenant's bucket; a new one is full. NULL: all of its set are in use by this request.
static struct bucket *find(struct tenant_rate *rate, int64_t tenant)
{
    struct bucket *set = &rate->buckets[fast_hash64(&tenant, sizeof tenant) % SETS * WAYS], *fullest = NULL;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].tenant == tenant) return &set[i];
        if (set[i].noted > 0) continue;
        if (set[i].tenant) fill(rate, &set[i]);
        if (!fullest || !set[i].tenant || (fullest->tenant && set[i].balance > fullest->balance)) fullest = &set[i];
    }
    if (fullest) *fullest = (struct bucket){.tenant = tenant, .balance = rate->most, .filled_us = rate->now_us};
    return fullest;
}

void tenant_rate_note(struct tenant_rate *rate, const struct tenant *tenant)
{
    struct bucket *bucket = find(rate, tenant->number);
    if (!bucket) return; // nine tenants of one set in one request: the ninth passes
    bucket->who = tenant;
    if (bucket->noted++ > 0) return;
    if (rate->touched_count == rate->touched_capacity) {
        rate->touched_capacity *= 2;
        rate->touched = heap_grow(rate->touched, sizeof *rate->touched, rate->touched_capacity);
    }
    rate->touched[rate->touched_count++] = (size_t)(bucket - rate->buckets);
}

const struct tenant *tenant_rate_take(struct tenant_rate *rate, int64_t *wait_us)
{
    for (size_t i = 0; i < rate->touched_count; i++) {
        struct bucket *bucket = &rate->buckets[rate->touched[i]];
        fill(rate, bucket);
        int64_t wanted = bucket->noted * EVENT < rate->most ? bucket->noted * EVENT : rate->most;
        if (bucket->balance >= wanted) continue;
        *wait_us = (wanted - bucket->balance + rate->rate - 1) / rate->rate;
        return bucket->who;
    }
    for (size_t i = 0; i < rate->touched_count; i++) {
        struct bucket *bucket = &rate->buckets[rate->touched[i]];
        bucket->balance -= bucket->noted * EVENT;
    }
    return NULL;
}
