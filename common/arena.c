// SPDX-License-Identifier: Apache-2.0
// Memory that is dropped whole, and heap allocation that never returns NULL. Used by every module.
// Invariants: the newest block is the head of the chain and the only one that is carved from; every piece starts on a
// 16-byte bound. Under AddressSanitizer what was not handed out is poisoned, so that an overrun inside an arena shows.
#include "common/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONED 1
#endif
#endif
#ifdef ARENA_POISONED
#include <sanitizer/asan_interface.h>
enum { ARENA_RED_ZONE = 16 };
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
enum { ARENA_RED_ZONE = 0 };
#endif

enum {
    ARENA_ALIGNMENT = 16,
    ARENA_BLOCK_LEAST = 256,
    ARENA_BLOCK_DOUBLED_UP_TO = 4 * 1024 * 1024 // beyond, doubling wastes more than it saves
};

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ARENA_ALIGNMENT) unsigned char data[];
};

struct arena {
    struct block *head; // newest
    size_t next_block_bytes;
    size_t handed_out;
};

_Noreturn static void memory_abort(size_t bytes)
{
    fprintf(stderr, "turnpike: out of memory, %zu bytes were asked for\n", bytes);
    abort();
}

struct arena *arena_new(size_t first_block_bytes)
{
    struct arena *arena = heap_alloc(sizeof *arena);
    arena->next_block_bytes = first_block_bytes < ARENA_BLOCK_LEAST ? ARENA_BLOCK_LEAST : first_block_bytes;
    return arena;
}

static void block_free(struct block *block)
{
    ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
    free(block);
}

void arena_free(struct arena *arena)
{
    if (!arena) return;
    while (arena->head) {
        struct block *next = arena->head->next;
        block_free(arena->head);
        arena->head = next;
    }
    free(arena);
}

// Keeps the largest block: a request that needed much is likely to be followed by one that does, too.
void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;
    for (struct block *block = arena->head, *next; block; block = next) {
        next = block->next;
        if (!kept || block->size > kept->size) {
            if (kept) block_free(kept);
            kept = block;
        } else {
            block_free(block);
        }
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
        ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
    }
    arena->head = kept;
    arena->handed_out = 0;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->handed_out;
}

static void block_add(struct arena *arena, size_t needed)
{
    size_t size = arena->next_block_bytes > needed ? arena->next_block_bytes : needed;
    struct block *block = malloc(sizeof *block + size);
    if (!block) memory_abort(size);
    block->next = arena->head;
    block->size = size;
    block->used = 0;
    ASAN_POISON_MEMORY_REGION(block->data, size);
    arena->head = block;
    if (arena->next_block_bytes < ARENA_BLOCK_DOUBLED_UP_TO) arena->next_block_bytes *= 2;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 4) memory_abort(bytes);
    size_t rounded = (bytes + ARENA_RED_ZONE + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!arena->head || arena->head->size - arena->head->used < rounded) block_add(arena, rounded);
    void *piece = arena->head->data + arena->head->used;
    arena->head->used += rounded;
    arena->handed_out += bytes;
    ASAN_UNPOISON_MEMORY_REGION(piece, bytes);
    return memset(piece, 0, bytes);
}

void *arena_array(struct arena *arena, size_t size, size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(size, count, &bytes)) memory_abort(SIZE_MAX);
    return arena_alloc(arena, bytes);
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length > 0) memcpy(copy, text, length);
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ENSURE(length >= 0);
    char *text = arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    int written = vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    ENSURE(written == length);
    return text;
}

void *heap_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory) memory_abort(bytes);
    return memory;
}

void *heap_grow(void *old, size_t size, size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(size, count, &bytes)) memory_abort(SIZE_MAX);
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory) memory_abort(bytes);
    return memory;
}

char *heap_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(heap_alloc(bytes), text, bytes);
}

void *arena_grow(struct arena *arena, void *old, size_t size, size_t count, size_t *capacity)
{
    if (count < *capacity) return old;
    size_t wider = *capacity ? *capacity * 2 : 64;
    void *fresh = arena_array(arena, size, wider);
    if (count) memcpy(fresh, old, size * count);
    *capacity = wider;
    return fresh;
}
