// SPDX-License-Identifier: Apache-2.0
// Memory of dedup tables: pages of 4 KiB in one range of addresses that is reserved at once and backed as it is used,
// so that a page is named by a number of 32 bits and nothing that stays ever moves. Huge pages are asked for behind
// the first 2 MiB; without them it is only slower. A page that was given back is used again before a new one. One
// thread at a time; pages that nobody writes to may be read by others.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { DEDUP_PAGE_BYTES = 4096 };

struct dedup_pool {
    unsigned char *base;
    int64_t reserved_bytes, backed_bytes;
    uint32_t *spare; // pages that were given back
    size_t spare_count, spare_room;
    uint32_t next; // pages from it on were never used
};

// Pages for so many bytes at most (rounded up). Aborts if the address space does not have them.
void dedup_pool_open(struct dedup_pool *pool, int64_t bytes_most);
void dedup_pool_close(struct dedup_pool *pool); // of one that was never opened: nothing
// A page whose content is undefined. Aborts if there is none: the caller keeps a budget below what was reserved.
uint32_t dedup_pool_take(struct dedup_pool *pool);
void dedup_pool_give(struct dedup_pool *pool, uint32_t page);

static inline unsigned char *dedup_pool_page(const struct dedup_pool *pool, uint32_t page)
{
    return pool->base + (size_t)page * DEDUP_PAGE_BYTES;
}
