// SPDX-License-Identifier: Apache-2.0
// The part of a partition's dedup index that does not fit into memory: counted identities in sorted runs on local disk,
// in generations that are dropped whole when all of theirs is forgotten (rules 1.2). Held identities stay in memory.
// The disk is never the only place: a rater that starts fills its index from PostgreSQL (ADR 8). An error of the disk
// is kept: from then on every call fails with it, so that nobody takes "not found" for "absent". One thread at a
// time, but for dedup_disk_write.
#pragma once
#include "rating/dedup_index.h"

struct dedup_disk;
// In the folder, which is emptied. span_us: how much of received_time a generation is to hold.
enum err dedup_disk_open(const char *folder, instant_us span_us, struct dedup_disk **disk,
                         struct fault *fault) MUST_USE;
void dedup_disk_close(struct dedup_disk *disk); // removes its folder; NULL is fine

// Entries are taken over in three steps. Begin and end are called by the thread that has the disk; what is between them
// may be done by another one, while the first goes on with find, but nothing else. watermark: of the log now.
enum err dedup_disk_begin(struct dedup_disk *disk, instant_us watermark, struct fault *fault) MUST_USE;
// What `next` gives until it returns false, at most `most`: sorted by identity; none is held. Whole and on disk, or
// not at all. Returns how many through *count.
typedef bool dedup_disk_next(void *context, struct dedup_entry *entry);
enum err dedup_disk_write(struct dedup_disk *disk, size_t most, dedup_disk_next *next, void *context, size_t *count,
                          struct fault *why) MUST_USE;
// What became of the write, how many, and the greatest offset of them. Returns its error, with the disk's words.
enum err dedup_disk_end(struct dedup_disk *disk, enum err written, const struct fault *why, size_t count,
                        int64_t newest, struct fault *fault) MUST_USE;
// Looks up those of the identities whose known[i] is false, entries below the floor being forgotten. At most
// DEDUP_GROUP_MAX.
enum err dedup_disk_find(struct dedup_disk *disk, const struct hash128 *identities, size_t count, int64_t floor,
                         struct dedup_entry *entries, bool *known, struct fault *fault) MUST_USE;
// Drops generations that have nothing at or above the floor.
enum err dedup_disk_forget(struct dedup_disk *disk, int64_t floor, struct fault *fault) MUST_USE;

int64_t dedup_disk_count(const struct dedup_disk *disk);  // entries, those below the floor included until dropped
int64_t dedup_disk_memory(const struct dedup_disk *disk); // bytes of memory that their filters take
// ERR_LIMIT and the words of the first failure.
enum err dedup_disk_failed(const struct dedup_disk *disk, struct fault *fault) MUST_USE;
