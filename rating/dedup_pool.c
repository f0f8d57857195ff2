// SPDX-License-Identifier: Apache-2.0
// Address space costs nothing until it is backed; what the kernel is asked to back grows in steps of a huge page.
#include "rating/dedup_pool.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "common/arena.h"

enum { HUGE_BYTES = 2 << 20, SPARE_FIRST = 64 };

void dedup_pool_open(struct dedup_pool *pool, int64_t bytes_most)
{
    int64_t bytes = (bytes_most + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES + HUGE_BYTES; // one more, to align
    void *range = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ENSURE(range != MAP_FAILED);
    size_t lead = (HUGE_BYTES - (uintptr_t)range % HUGE_BYTES) % HUGE_BYTES;
    if (lead > 0) ENSURE(munmap(range, lead) == 0);
    if (lead < HUGE_BYTES) ENSURE(munmap((char *)range + bytes - (HUGE_BYTES - lead), HUGE_BYTES - lead) == 0);
    *pool = (struct dedup_pool){.base = (unsigned char *)range + lead, .reserved_bytes = bytes - HUGE_BYTES};
}

void dedup_pool_close(struct dedup_pool *pool)
{
    if (pool->base) ENSURE(munmap(pool->base, (size_t)pool->reserved_bytes) == 0);
    free(pool->spare);
    *pool = (struct dedup_pool){0};
}

static void back_more(struct dedup_pool *pool)
{
    ENSURE(pool->backed_bytes < pool->reserved_bytes);
    unsigned char *from = pool->base + pool->backed_bytes;
    ENSURE(mprotect(from, HUGE_BYTES, PROT_READ | PROT_WRITE) == 0);
    // many pools are small for ever: their first part is backed page by page
    if (pool->backed_bytes > 0) (void)madvise(from, HUGE_BYTES, MADV_HUGEPAGE);
    pool->backed_bytes += HUGE_BYTES;
}

uint32_t dedup_pool_take(struct dedup_pool *pool)
{
    if (pool->spare_count > 0) return pool->spare[--pool->spare_count];
    if ((int64_t)pool->next * DEDUP_PAGE_BYTES == pool->backed_bytes) back_more(pool);
    return pool->next++;
}

void dedup_pool_give(struct dedup_pool *pool, uint32_t page)
{
    if (pool->spare_count == pool->spare_room) {
        pool->spare_room = pool->spare_room ? pool->spare_room * 2 : SPARE_FIRST;
        pool->spare = heap_grow(pool->spare, sizeof *pool->spare, pool->spare_room);
    }
    pool->spare[pool->spare_count++] = page;
}
