// SPDX-License-Identifier: Apache-2.0
// The identities that a partition has counted inside the dedup window: 128-bit keyed identity -> first 32 bits of the
// content hash and the place in the log (rules 1.2, 2.1, 3.6; ADR 14). In memory they are in a table that grows in
// small steps (dedup_table.h). What does not fit into the budget goes to local disk, a sixteenth of an index at a
// time, the largest of all indexes of the budget first (dedup_disk.h); without a folder, or when even the filters of
// what is on disk do not fit, the caller parks its partition. An identity is forgotten by its offset: what lies below
// the floor is gone for every reader at once, the memory is taken back in pieces by dedup_index_sweep. `held`
// identities (open quarantine rows) are never forgotten by age. One thread at a time. Identities are keyed hashes: an
// attacker cannot choose where they land.
#pragma once
#include "common/hash.h"
#include "common/instant.h"

enum {
    DEDUP_CONTENT_DIGITS = 8, // hex digits of the content hash that the index keeps
    DEDUP_EVENT_INDEX_MAX = (1 << 20) - 1, // place of an event in its message
    DEDUP_GROUP_MAX = 32,                  // identities that are looked up together
    DEDUP_SHARD_UNKNOWN = -1
};
#define DEDUP_CONTENT_MASK (UINT64_MAX << 32) // the same as bits
#define DEDUP_OFFSET_MAX ((INT64_C(1) << 43) - 1) // Kafka offset: 8.8e12 messages in a partition

struct dedup_entry {
    struct hash128 identity;
    uint64_t content;    // first 64 bits of the content hash; from the index the first 32, the others 0
    int64_t offset;      // position of the event that was counted (or held): its Kafka offset + base_position
    int32_t event_index; // its place in the message
    bool held;           // an open quarantine row has the identity; makes nothing a duplicate
    int16_t shard;       // of the tenant; kept in packed form only. DEDUP_SHARD_UNKNOWN: packed before it was
};

// Are these the same content, as far as the index can tell? Of two others one in 2^32 is taken for the same.
static inline bool dedup_content_same(uint64_t one, uint64_t other)
{
    return ((one ^ other) & DEDUP_CONTENT_MASK) == 0;
}

// Shared by all indexes of a process. limit_bytes 0: no limit. folder NULL: nothing goes to disk. Begins and ends with
// what is not set here being 0.
struct dedup_index;
struct dedup_pool;
struct dedup_spill;
struct dedup_budget {
    int64_t limit_bytes, used_bytes;
    int64_t sequence_bytes;     // of used_bytes: what sequenced sources take (sequence_index.h)
    const char *folder;         // on local disk, of this process alone
    bool (*give_way)(void *context); // frees an index that is only useful; false: there is none. NULL: none ever
    void *give_way_context;
    struct dedup_index *first;  // all indexes of the budget
    struct dedup_pool *pool;    // their memory, as long as there is one
    struct dedup_spill *spill;  // what is on its way to disk; NULL: nothing
    int64_t spills, last_store; // groups that went to disk; number of the last folder in the folder
};

struct dedup_index *dedup_index_new(struct dedup_budget *budget);
void dedup_index_free(struct dedup_index *index);  // NULL is fine
void dedup_index_clear(struct dedup_index *index); // forgets everything, keeps the memory
int64_t
dedup_index_count(const struct dedup_index *index); // entries, those below the floor included until swept or dropped
int64_t dedup_index_on_disk(const struct dedup_index *index); // of them on disk
// How much of received_time the index is to hold; before the first put. For the generations on disk.
void dedup_index_window(struct dedup_index *index, instant_us window_us);

// Asks for what leads to an identity: to be called as early as may be, before a find of its group or dedup_index_prefetch.
void dedup_index_prefetch_way(const struct dedup_index *index, struct hash128 identity);
// Asks for the cache line that a find or put of the identity will read first.
void dedup_index_prefetch(const struct dedup_index *index, struct hash128 identity);
// Then, when it is there, for the line behind that: of an identity that is known.
void dedup_index_prefetch_entry(const struct dedup_index *index, struct hash128 identity);
// True and the entry (counted or held) if the identity is known.
bool dedup_index_find(const struct dedup_index *index, struct hash128 identity, struct dedup_entry *entry);
// The same for a group, at most DEDUP_GROUP_MAX: known[i] and, if it is true, entries[i]. One look at the disk for all.
void dedup_index_find_group(const struct dedup_index *index, const struct hash128 *identities, size_t count,
                            struct dedup_entry *entries, bool *known);
// After an error of the disk look-ups may have missed identities: nothing that followed from them may be committed.
// ERR_LIMIT and why; dedup_index_reserve says the same.
enum err dedup_index_failed(const struct dedup_index *index, struct fault *fault) MUST_USE;

// Makes room for so many entries, by giving up what is only useful and then by moving others to disk: in the
// background, unless the limit is reached. ERR_LIMIT: the budget would be passed, or the disk failed.
enum err dedup_index_reserve(struct dedup_index *index, size_t count, struct fault *fault) MUST_USE;
// Lays an empty index out for so many entries, if the budget has room for them: putting them is cheaper then.
void dedup_index_expect(struct dedup_index *index, int64_t count);
// Adds or replaces. A held entry never replaces a counted one in memory. Never fails: without a reserve before it the
// budget may be passed, until the next one.
void dedup_index_put(struct dedup_index *index, const struct dedup_entry *entry);

// --- forgetting, by offset generations
// Notes that every event below `offset` was received at or before `watermark`. Called after each commit with rising
// values; a generation is kept per hour of watermark.
void dedup_index_note(struct dedup_index *index, int64_t offset, instant_us watermark);
// Forgets generations whose events were all received before `keep_from`.
void dedup_index_forget(struct dedup_index *index, instant_us keep_from);
// Everything counted at or after this received_time is in the index; INSTANT_MIN: since the beginning of the partition.
instant_us dedup_index_coverage_start(const struct dedup_index *index);
int64_t dedup_index_floor(const struct dedup_index *index); // offsets below it are forgotten
// For a rebuild that begins in the middle of the log: the first offset that was read, and the watermark below it.
void dedup_index_start_at(struct dedup_index *index, int64_t offset, instant_us watermark);
// Looks at up to `slots` slots and takes back forgotten ones.
void dedup_index_sweep(struct dedup_index *index, int64_t slots);
