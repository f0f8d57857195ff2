// SPDX-License-Identifier: Apache-2.0
// The identities that a partition has counted inside the dedup window: 128-bit keyed identity -> first 64 bits of the
// content hash and the place in the log (rules 1.2, 2.1, 3.6). In memory only; a restart rebuilds it from the log. Open
// addressing in 16 segments that grow apart, a tag byte per slot in front of the entries, so that an absent identity
// costs one cache line. Never grows over the budget: the caller parks its partition instead.
// An identity is forgotten by its offset: what lies below the floor is gone for every reader at once, the memory is
// taken back in pieces by dedup_index_sweep. `held` identities (open quarantine rows) are never forgotten by age.
// One thread at a time. Identities are keyed hashes: an attacker cannot choose where they land.
#pragma once
#include "common/hash.h"
#include "common/instant.h"

enum {
    DEDUP_EVENT_INDEX_MAX = (1 << 20) - 1 // place of an event in its message
};
#define DEDUP_OFFSET_MAX ((INT64_C(1) << 43) - 1) // Kafka offset: 8.8e12 messages in a partition

struct dedup_entry {
    struct hash128 identity;
    uint64_t content;    // first 64 bits of the content hash
    int64_t offset;      // Kafka offset of the event that was counted (or held)
    int32_t event_index; // its place in the message
    bool held;           // an open quarantine row has the identity; makes nothing a duplicate
};

// Shared by all indexes of a process. limit_bytes 0: no limit.
struct dedup_budget {
    int64_t limit_bytes, used_bytes;
};

struct dedup_index;
struct dedup_index *dedup_index_new(struct dedup_budget *budget);
void dedup_index_free(struct dedup_index *index);  // NULL is fine
void dedup_index_clear(struct dedup_index *index); // forgets everything, keeps the memory
int64_t
dedup_index_count(const struct dedup_index *index); // entries in memory, those below the floor included until swept

// Asks for the cache line that a find of the identity will read.
void dedup_index_prefetch(const struct dedup_index *index, struct hash128 identity);
void dedup_index_prefetch_put(const struct dedup_index *index, struct hash128 identity); // the same for a put
// True and the entry (counted or held) if the identity is known.
bool dedup_index_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry);

// Makes room for all these entries, so that putting them cannot fail. ERR_LIMIT: the budget would be passed.
enum err dedup_index_reserve(struct dedup_index *index, const struct dedup_entry *entries, size_t count,
                             struct fault *fault) MUST_USE;
// Makes room for one entry and puts it. For tables without a budget, where that cannot fail.
void dedup_index_add(struct dedup_index *index, const struct dedup_entry *entry);
// Adds or replaces. A held entry never replaces a counted one. Room must have been reserved (ENSUREd).
void dedup_index_put(struct dedup_index *index, const struct dedup_entry *entry);

// --- forgetting, by offset generations
// Notes that every event below `offset` was received at or before `watermark`. Called after each commit with rising
// values; a generation is kept per hour of watermark.
void dedup_index_note(struct dedup_index *index, int64_t offset, instant_us watermark);
// Forgets generations whose events were all received before `keep_from`.
void dedup_index_forget(struct dedup_index *index, instant_us keep_from);
// Everything counted at or after this received_time is in the index; INSTANT_MIN: since the beginning of the partition.
instant_us dedup_index_coverage_start(const struct dedup_index *index);
// For a rebuild that begins in the middle of the log: the first offset that was read, and the watermark below it.
void dedup_index_start_at(struct dedup_index *index, int64_t offset, instant_us watermark);
// Looks at up to `slots` slots and takes back forgotten ones.
void dedup_index_sweep(struct dedup_index *index, int64_t slots);
