// SPDX-License-Identifier: Apache-2.0
// One batch of a partition: messages are fed in log order and judged, then everything is committed in one transaction
// whose last statement is the compare-and-set on rating.partition (rules 3.1, 3.4, 3.5). Feeding is pure but for
// memory; a batch that was fed may be committed again as often as it takes, with the same effect once. One thread. No
// allocation per event: an arena and tables that are kept from batch to batch.
#pragma once
#include "common/bus.h"
#include "common/db.h"
#include "rating/chain.h"
#include "rating/dedup_index.h"
#include "rating/partition_row.h"
#include "rating/sequence_index.h"

// What a batch is judged against. It stays the same until the batch is committed or dropped, but for this: when the
// earlier batch is committed, the index takes it (batch_take), `earlier` becomes NULL, and what the index then forgets
// raises judge.coverage_start.
struct batch_ground {
    struct judge judge;
    const struct dedup_index *index; // counted and held identities up to the last commit
    const struct sequence_index *sequences; // sequenced sources up to the last commit; NULL: there are none
    const struct batch *earlier;     // the batch that is being committed: its identities and names count as known
    const struct dedup_index *known; // dimension sets and resources that the database has
    struct hash_key identity_key, content_key;
    struct hash_key forward_key; // of the marks of events that were sent on (rules 2.4)
    int64_t base_position;       // of the partition
    int64_t quarantine_rows;     // of single events for each tenant, source and reason in a batch; 0: no limit
    // A newer incarnation counts: judge.partition is none of its partitions, so that every event is another's, and what
    // was sent on once goes on all the same: number by number, it cannot come back.
    bool sends_on;
};

struct batch;
struct batch *batch_new(void);
void batch_free(struct batch *batch); // NULL is fine
// Empties it. The next message is expected at next_offset or, where the log has a gap, behind it.
void batch_begin(struct batch *batch, int64_t next_offset, instant_us watermark);

// Takes the events of a message. Content never makes it fail: what cannot be counted is quarantined with its reason.
// The last events wait to be judged in a group with those of the next message: its bytes must stay until batch_judge.
void batch_feed(struct batch *batch, const struct batch_ground *ground, const struct bus_message *message);
// Judges what was fed so far. Only then the functions below tell all of it.
void batch_judge(struct batch *batch, const struct batch_ground *ground);
// The digest of the message that was fed last, while its bytes are there. A commit needs it.
void batch_digest(struct batch *batch, const struct bus_message *message);

// An open row of rating.quarantine that is judged again, by its original received_time (rules 3.6).
struct replay_row {
    int64_t quarantine, order; // numbers; order 0: nobody asked, the catalogue changed
    int64_t position; // offset + base_position of the partition that it came in
    int64_t offset;   // of its message; of an event of a range alone
    int32_t event_index;
    instant_us received_time;
    struct slice raw;
    bool undecidable;     // that was its first reason, or misrouted: it proves nothing about its number (rules 2.5)
    enum verdict verdict; // set by batch_replay
    enum reason reason;   // set by batch_replay: why it stays open
    char detail[REASON_DETAIL_MAX];
};
// Events of a range of rating.quarantine, to be judged one after the other: they are not rows of their own, and what is closed of
// them is noted for the range.
struct range_piece {
    int64_t quarantine;
    int64_t closed_before; // of its events, as of the last commit
    int64_t first_event;   // place in the range of the first that is looked at
};
// The rows that are judged next, up to the commit, are the events of the piece. The batch is empty.
void batch_range_piece(struct batch *batch, const struct range_piece *piece);
// The next event of the piece is not judged: it was closed before, or its body is not there.
void batch_range_pass(struct batch *batch);
// Judges the row. A batch holds either messages or replays, these of rows or of one piece. COUNTED, DUPLICATE and CONFLICT close the row when the
// batch is committed; QUARANTINED leaves it as it is.
enum verdict batch_replay(struct batch *batch, const struct batch_ground *ground, struct replay_row *row);

bool batch_empty(const struct batch *batch); // nothing to commit
bool batch_only_markers(const struct batch *batch);
int64_t batch_events(const struct batch *batch); // verdicts so far
int64_t batch_bytes(const struct batch *batch);  // of messages
int64_t batch_memory(const struct batch *batch); // about what it takes
int64_t batch_next_offset(const struct batch *batch);
instant_us batch_watermark(const struct batch *batch);
const struct verdict_list *batch_verdicts(const struct batch *batch);
// Events of other partitions, in log order: before the batch is committed they must be in the log of theirs.
struct forward_row {
    int shard;
    instant_us received_time; // of the event's first position
    struct slice raw;
};
const struct forward_row *batch_forwards(const struct batch *batch, size_t *count);
// Duplicates by tenant, by tenant number; not those of replays. The tenants live as long as the catalogue by which the
// batch was judged.
struct tenant_duplicates {
    const struct tenant *tenant;
    int64_t events;
};
const struct tenant_duplicates *batch_duplicates(struct batch *batch, size_t *count);
int64_t batch_bad_marks(const struct batch *batch); // messages whose mark is not ours: they were read as unmarked ones
// Usage rows in canonical order, for the counters.
const struct usage_row *const *batch_usage(struct batch *batch, size_t *count);

// Puts what the batch counted, held and named into the indexes. Only when its commit is known.
// batch_reserve first, before the commit. ERR_LIMIT: the budget is used up.
enum err batch_reserve(const struct batch *batch, struct dedup_index *index, struct fault *fault) MUST_USE;
void batch_take(const struct batch *batch, struct dedup_index *index, struct dedup_index *known);
// The same for sequenced sources. Packed once, before the first try to commit, from what the index holds then.
enum err batch_sequences_pack(struct batch *batch, const struct sequence_index *index, int64_t batch_seq,
                              struct fault *fault) MUST_USE;
void batch_sequences_take(const struct batch *batch, struct sequence_index *index, int64_t batch_seq);

// One try to commit. `before` is the row as it was read last; `after` is it with the batch.
//   ERR_CONFLICT   the compare-and-set found another row, or another catalogue version: nothing was written; read both
//   ERR_UNCERTAIN  COMMIT was sent, no answer: read the row; batch_was_committed tells
//   ERR_RETRY      nothing was written
//   others         PostgreSQL refused the rows: our mistake
enum err batch_commit(struct batch *batch, struct db *db, struct chain *chain, const struct partition_row *before,
                      int64_t catalogue_version, struct partition_row *after, struct fault *fault) MUST_USE;
// Is this head one that a try of this batch would have left?
bool batch_was_committed(const struct batch *batch, const unsigned char head[SHA256_BYTES]);
