// SPDX-License-Identifier: Apache-2.0
// What a rebuild of the dedup index holds; for rebuild.c, rebuild_rows.c and lineage.c alone.
#pragma once
#include "rating/event_cursor.h"
#include "rating/rater_internal.h"

// A row of rating.batch that is being walked.
struct walked {
    int64_t batch_seq, first_offset, next_offset, events, verdict_at;
    instant_us watermark;
    bool has_digest;
    unsigned char digest[SHA256_BYTES];
    size_t verdict_bytes;
    unsigned char *verdicts; // while the log is walked
    int64_t sequences;       // records of sequenced sources; -1: it knew of none, all its events go by their ids
    int64_t identities;      // -1: written before there were rows of them
    unsigned char identity_digest[SHA256_BYTES];
};

// Where the chain stands behind a batch.
struct place {
    int64_t batch_seq, next_offset;
    instant_us watermark;
    unsigned char head[SHA256_BYTES];
};

// A chain that the identities of a partition are in: its own, or that of an older incarnation which it continues.
struct chain_part {
    int32_t incarnation, partition;
    int64_t base_position;
    struct place base; // before its first batch
    struct place last; // behind the last batch that counted
    struct place keep; // batches up to this one are outside of the window
    struct place rows; // behind it identities are read as rows, up to it by walking the log
};
// Oldest first, its own last. Every growth doubles the partitions at least, and of those that were adopted there are 32 at
// most (adoption.c).
enum { LINEAGE_MAX = 43 };
struct lineage {
    struct chain_part parts[LINEAGE_MAX];
    int count;
};

enum rebuild_phase { REBUILD_LOG, REBUILD_ROWS, REBUILD_SEQUENCES, REBUILD_QUARANTINE };

struct rebuild {
    struct owner *owner;
    enum rebuild_phase phase;
    bool catches_up;                  // the index was kept: of our own chain what came since is read, of older ones nothing
    bool rows_refused;                // rows of identities were damaged: the log is read instead
    struct lineage lineage;
    struct chain_part *part;          // that is being read
    int64_t read_to;                  // last batch of this phase
    int64_t read_seq;                 // last row of rating.batch that was read
    unsigned char head[SHA256_BYTES]; // of read_seq
    struct walked *batches;
    size_t batch_count, batch_at;
    struct arena *batch_arena, *event_arena;
    void *range;
    int64_t closed_after; // number of the last quarantine row that was read
    struct usage_event event;
    struct event_faults faults;
    struct event_cursor cursor;
    unsigned char message_digest[SHA256_BYTES];
    struct dedup_entry *entries;
    struct rebuild_sequences {
        bool begun;
        int64_t whole_from, read_from;
        int64_t batch_seq, piece;             // the last row that was read
        int64_t batches, records;             // that were read whole; of the batch that is being read
        struct sequence_batch {
            int64_t records;
            unsigned char digest[SHA256_BYTES];
        } batch; // as rating.batch has it
        struct sha256 *hash;
    } sequences;
    int64_t row_entries, events, started_us, said_us;
    int64_t start, position; // where reading began, and how far it is
};
static inline bool rebuild_own_part(const struct rebuild *rebuild)
{
    return rebuild->part == &rebuild->lineage.parts[rebuild->lineage.count - 1];
}

// --- lineage.c
// The chains behind a partition as it was taken; keep and rows are as base. ERR_CONFLICT: they do not link.
enum err lineage_load(struct db *db, const struct partition_row *row, struct lineage *lineage,
                      struct fault *fault) MUST_USE;

// --- rebuild.c
// ERR_CONFLICT in the words of a batch.
enum err rebuild_broken(const struct rebuild *rebuild, int64_t batch_seq, const char *what, struct fault *fault);
// Reads the next rows of rating.batch, none behind read_to. At the end the head must be the partition's.
enum err rebuild_batches_read(struct rebuild *rebuild, struct fault *fault) MUST_USE;

// --- rebuild_rows.c
// Takes the identities of some batches. *done: of all. ERR_CONFLICT: the chain is broken. ERR_INVALID: the rows are
// damaged or missing; the index holds some of them.
enum err rebuild_rows_step(struct rebuild *rebuild, bool *done, struct fault *fault) MUST_USE;

// --- rebuild_sequences.c
// Reads some rows of sequenced sources. *done: all; the index's rounds have begun. Errors as rebuild_rows_step.
enum err rebuild_sequences_step(struct rebuild *rebuild, bool *done, struct fault *fault) MUST_USE;
void rebuild_sequences_free(struct rebuild *rebuild);
