// SPDX-License-Identifier: Apache-2.0
// What a batch holds; for batch.c, batch_evidence.c and batch_commit.c alone.
#pragma once
#include "rating/batch.h"
#include "rating/dedup_index.h"
#include "rating/dedup_pack.h"
#include "rating/event_cursor.h"
#include "rating/identity_table.h"
#include "rating/sequence_carry.h"

enum { GROUP_MAX = 32, ATTEMPTS_MAX = 16, RAW_KEPT_MAX = 65536 };

// Growing array of rows, kept from batch to batch.
struct row_list {
    void *rows;
    size_t count, room;
};
void *row_list_add(struct row_list *list, size_t size); // the new row, not cleared

// A held identity that this batch counts: its open quarantine rows are closed.
struct closing_wish {
    struct hash128 identity;
    uint64_t content; // of the event that counts
    int digits;       // hex digits of it that are known, from the first on
};

// An event between decoding and judging. Points into its message.
struct decoded {
    bool known; // its identity was there before its group; `first` is the entry
    struct dedup_entry first;
    int64_t offset, position;
    instant_us received_time; // of its first position
    bool marked;              // it was sent on to us by another partition's owner
    struct usage_event event;
    struct hash128 identity;
    struct sequence_event sequence; // if event.sequenced
    bool open;                      // its number is known not to have been counted
    struct slice raw;
    int32_t index;
    enum reason reason; // MALFORMED or MESSAGE: it could not be decoded
    struct slice detail;
};

struct replay_counted {
    int64_t position;
    int32_t event_index;
};

struct batch {
    struct arena *arena; // texts of rows, escapes of events
    int64_t first_offset, next_offset, bytes;
    instant_us watermark;
    bool has_digest, replay;
    unsigned char digest[SHA256_BYTES];
    struct verdict_list verdicts;
    struct accumulator *usage;
    struct identity_table pending;          // of `entries`
    struct dedup_index *named;              // names of this batch
    struct row_list entries;                // struct dedup_entry: what the index takes after the commit
    struct row_list sets, resources;        // struct named_row
    struct row_list transitions;            // struct transition_row
    struct row_list kept_events;            // struct kept_event_row
    struct row_list quarantines, conflicts; // struct quarantine_row, conflict_row
    struct row_list ranges;                 // struct range, of quarantine rows
    struct row_list range_groups;           // struct range_group, one for each of:
    struct row_list range_keys;             // struct dedup_entry: hash of tenant, source and reason
    struct identity_table range_table;      // of `range_keys`
    int64_t range_bytes;                    // of packed places
    struct range_piece range;               // that is replayed; quarantine 0: none
    struct verdict_list range_verdicts;     // of its events
    struct row_list range_closings;         // struct closing_row, of its events
    struct row_list wishes;                 // struct closing_wish
    struct row_list closings;               // struct closing_row, of the last try
    struct row_list replayed;               // struct replay_counted
    struct text identities;                 // entries, packed for rating.batch_identity
    struct row_list identity_pieces;        // size_t: where each of its rows ends
    unsigned char identity_digest[SHA256_BYTES];
    bool identities_packed;
    struct row_list duplicates;             // struct tenant_duplicates
    struct sequence_index *sequences;       // what this batch counted of sequenced sources
    struct row_list sequence_rows;          // struct sequence_event, the same in log order
    struct text packed_sequences;           // these and what is carried, for rating.batch_sequence
    struct row_list sequence_pieces;        // size_t: where each of its rows ends
    struct sequence_pack sequence_pack;
    struct sequence_carry carry;
    unsigned char sequence_digest[SHA256_BYTES];
    struct row_list forwards;               // struct forward_row
    int64_t bad_marks;
    struct decoded *group;
    struct event_faults faults; // of the event that is being decoded; too large to clear on the stack per event
    size_t group_count;
    struct event_cursor cursor;
    struct judgement *judgements; // of the group
    instant_us ensured_day;       // its partition of usage_delta is there
    unsigned char attempts[ATTEMPTS_MAX][SHA256_BYTES];
    size_t attempt_count;
};

// What one try to commit needs; dropped with it.
struct attempt {
    struct batch *batch;
    struct db *db;
    struct arena *arena;
    struct batch_record record;
    const struct partition_row *before;
    struct verdict_list replay_verdicts;
};

// Valid UTF-8 without NUL, at most `most` bytes, in the arena: what PostgreSQL takes, whatever came.
struct slice evidence_text(struct arena *arena, struct slice text, size_t most);
void batch_quarantine(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded,
                      enum reason reason, struct slice detail);
void batch_conflict(struct batch *batch, const struct decoded *decoded, const struct dedup_entry *first);

// --- batch_range.c
struct range_group;
void batch_ranges_free(struct batch *batch);
void batch_ranges_clear(struct batch *batch);
void batch_ranges_finish(struct batch *batch); // rows know their places then; before a commit
// What is known of the event's tenant, source and reason; NULL: there is no limit. Until the next call.
struct range_group *batch_range_find(struct batch *batch, const struct batch_ground *ground,
                                     const struct decoded *decoded, enum reason reason);
// True: the event went into their range. Else it gets a row, and batch_range_row says so: the one above the limit begins a range.
bool batch_range_take(struct batch *batch, struct range_group *group, const struct decoded *decoded);
void batch_range_row(struct batch *batch, const struct batch_ground *ground, struct range_group *group,
                     const struct decoded *decoded);

// --- batch_range_replay.c
void batch_range_free(struct batch *batch);
void batch_range_forget(struct batch *batch);
// The verdict on the next event of the piece; decoded->first: of a conflict, the event that counted.
void batch_range_judged(struct batch *batch, const struct decoded *decoded, enum verdict verdict);
void batch_range_closings(struct batch *batch); // adds what the piece closes to batch->closings
// The row of rating.range_replay. ERR_CONFLICT: the range is not as it was read any more.
enum err batch_range_write(struct attempt *attempt, struct fault *fault) MUST_USE;

// --- batch_duplicate.c
void batch_duplicate(struct batch *batch, const struct tenant *tenant); // one of the tenant's events was known

// --- batch_sequence.c
void batch_sequences_init(struct batch *batch);
void batch_sequences_free(struct batch *batch);
void batch_sequences_clear(struct batch *batch);
int64_t batch_sequences_memory(const struct batch *batch);
// What decides about a sequenced event, once it is decoded.
void batch_sequence_decode(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded);
// True: its number was counted; *verdict, and decoded->first is that event. False: it goes by the judgement, which is
// made undecidable if its number is.
bool batch_sequence_judge(const struct batch *batch, const struct batch_ground *ground, struct decoded *decoded,
                          struct judgement *judgement, enum verdict *verdict);
void batch_sequence_count(struct batch *batch, const struct batch_ground *ground, const struct decoded *decoded);
enum err batch_sequences_copy(struct attempt *attempt, struct fault *fault) MUST_USE;

// --- batch_identity.c
void batch_identities_pack(struct batch *batch); // once per batch, at its first try
enum err batch_identities_copy(struct attempt *attempt, struct fault *fault) MUST_USE;

// --- batch_names.c
// Copies the names that the database does not have, and marks them `written`; both lists are then sorted by hash.
// ERR_RETRY: another transaction wrote one of them at the same time.
enum err batch_names_copy(struct attempt *attempt, struct fault *fault) MUST_USE;

// --- batch_copy.c
void copy_batch(struct db_copy *copy, const struct batch_record *record); // incarnation, partition, batch_seq
// Packed rows, a row per piece; pieces: size_t, where each ends in `packed`.
enum err attempt_copy_pieces(struct attempt *attempt, const char *table, const struct text *packed,
                             const struct row_list *pieces, struct fault *fault) MUST_USE;
enum err attempt_copy(struct attempt *attempt, struct fault *fault) MUST_USE;
