// SPDX-License-Identifier: Apache-2.0
// Memory that is dropped whole: one arena per request, batch or run.
// Not thread-safe: an arena belongs to one thread at a time. Out of memory aborts the process (nothing acknowledged is lost).
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct arena;
struct arena *arena_new(size_t first_block_bytes);
void arena_free(struct arena *arena);          // NULL is fine
void arena_reset(struct arena *arena);         // keeps the largest block for reuse
size_t arena_bytes(const struct arena *arena); // handed out since the last reset

void *arena_alloc(struct arena *arena, size_t bytes);                   // 16-byte aligned, zeroed, never NULL
char *arena_text(struct arena *arena, const char *text, size_t length); // copy with NUL
char *arena_print(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_array((arena), sizeof(type), (count)))
void *arena_array(struct arena *arena, size_t size, size_t count); // checked product

// A growing list in an arena: returns `old` while count < *capacity, else a copy with twice the room.
void *arena_grow(struct arena *arena, void *old, size_t size, size_t count, size_t *capacity);

// Heap allocation that never returns NULL (aborts), for objects that outlive arenas.
void *heap_alloc(size_t bytes);                        // zeroed
void *heap_grow(void *old, size_t size, size_t count); // checked product, not zeroed
char *heap_text(const char *text);
