// SPDX-License-Identifier: Apache-2.0
// What the rater and its partitions hold; for rater.c, owner.c, owner_open.c, owner_commit.c, forward.c, kept_index.c, rebuild.c, replay.c, marker.c and
// rater_metric.c alone.
#pragma once
#include "common/backoff.h"
#include "common/metric.h"
#include "rating/batch.h"
#include "rating/committer.h"
#include "rating/counters.h"
#include "rating/duplicate_tally.h"
#include "rating/flush_window.h"
#include "rating/rater.h"

enum { LOST_WAIT_MS = 10000, NAMES_KNOWN_MAX = 4000000 };

struct rebuild;
struct range_replay;

// The index of a partition that was ours, and up to which row it holds identities. index NULL: none.
struct kept_index {
    struct dedup_index *index;
    struct sequence_index *sequences;
    struct partition_row row;
    int64_t until_us; // monotonic
};

struct owner_metrics {
    struct metric *verdicts[VERDICT_KINDS], *batches, *flush_us, *window_us, *entries, *on_disk, *sequenced, *parked, *next_offset;
};

// One partition that is assigned to us. `state` is moved by owner_move alone.
struct owner {
    struct rater *rater;
    int partition, partition_count;
    enum partition_state state;
    char parked_reason[FAULT_TEXT_MAX];
    struct partition_row row; // as of the last commit, or of the taking of the epoch
    struct dedup_index *index, *known;
    struct sequence_index *sequences;
    struct batch *batch;  // is being fed
    struct commit commit; // .batch: the one before it, as long as it is not known to be committed; else NULL
    struct batch *spare;  // the other of the two when there is no such batch
    struct batch_ground ground;
    struct forward_ticket *forward; // of commit.batch; NULL: none is on its way
    bool forwarded;                 // what commit.batch sends on is in the log
    int64_t forward_us;             // monotonic time before which it is not sent (again)
    bool doubtful; // a COMMIT's answer was lost, or the row was not as expected: it is read before anything else
    bool refused;  // the batch that is in doubt was refused: by the compare-and-set, or since its number is taken
    bool restart;  // source->start is to be called (again)
    bool retry_quarantine; // a newer catalogue came: unknown types and tenants are judged again
    bool retry_ranges;     // likewise, of ranges
    int64_t gap_offset;    // offset that came instead of the expected one before the last start; -1: none
    int64_t retry_after;   // number of the last quarantine row that was judged by it
    int64_t batch_us;      // monotonic time of the batch's first message; 0: empty
    bool begun;            // a batch was committed since it began to rate
    int64_t commits_us;    // how long a batch is filled at least, since its commits take long
    int64_t message_us;    // monotonic time of the last message
    int64_t marker_us;     // monotonic time of the last marker that was sent
    int64_t wake_us;       // monotonic time before which it is left alone
    bool taken;            // waiting: the row is of our epoch, `log` was asked after it, and the two are to be compared
    struct bus_watermark log;
    struct rebuild *rebuild;
    struct range_replay *range; // that is being replayed; NULL: none
    struct owner_metrics metrics;
};

struct rater {
    struct rater_options options;
    struct db *db;
    struct backoff backoff;
    int64_t connect_us; // monotonic time of the next try to connect
    bool away_said;     // that PostgreSQL is away was logged
    struct catalogue *catalogue;
    struct hash_key identity_key, content_key, forward_key;
    char *secret_hex;
    struct dedup_budget own_budget, *budget;
    int send_on_partitions; // of the incarnation that counts instead of ours; 0: ours counts
    bool outdated;          // a partition of ours was found to have ended, before we were told
    struct committer *committer;
    struct duplicate_tally *duplicates;
    struct owner **owners; // by partition; NULL: not ours
    struct kept_index *kept; // by partition
    int64_t index_keep_us;
    int64_t flush_us, flush_most_us, flush_events, flush_bytes, marker_us;
    int64_t quarantine_rows; // of single events, per tenant, source and reason in a batch
    int64_t batch_memory; // of one batch at most
    struct flush_load load;
    int64_t feed_us;          // monotonic time of the present feed
    instant_us feed_jump;     // a received_time above it is a jump (rules 1.4)
    int64_t clock_offset_us;  // database clock - monotonic clock
    int64_t poll_us;          // monotonic time of the next poll of catalogue, replays and wishes
    int64_t identity_days_us; // monotonic time of the next look at days of identities that may go
    instant_us wished;        // watermark that a close waits for; INSTANT_MIN: none
    int opening;              // partition whose opening goes on next
    int64_t turn_us;          // monotonic time since which it has its turn
};

// --- rater.c
// A connection, if there is one now. NULL: not yet; it is tried again after a back-off.
struct db *rater_db(struct rater *rater);
// After a failed statement: drops a lost connection and says so once.
void rater_db_failed(struct rater *rater, enum err err, const struct fault *fault);
// Loads the newest catalogue if it is newer than ours; partitions with a batch in hand read it again.
enum err rater_catalogue_refresh(struct rater *rater, struct fault *fault) MUST_USE;
instant_us rater_now(const struct rater *rater); // the clock against which received_time may not jump

// --- owner.c
struct owner *owner_new(struct rater *rater, int partition, int partition_count);
void owner_free(struct owner *owner);
// What its state wants next; a rebuild goes on until this monotonic time, a step of it at least.
void owner_step(struct owner *owner, int64_t until_us);
void owner_rating_begin(struct owner *owner);
// Forgets what is not committed and takes the partition anew, whatever its state.
void owner_take_again(struct owner *owner);
void owner_feed(struct owner *owner, const struct bus_message *message);
void owner_move(struct owner *owner, enum partition_state to);
void owner_park(struct owner *owner, const char *format, ...) PRINTF_LIKE(2, 3);
void owner_batch_drop(struct owner *owner);  // forgets what is not committed and reads it again
void owner_batch_begin(struct owner *owner); // empties the batch that is fed; it follows the one being committed
void owner_indexes_free(struct owner *owner);

// --- owner_open.c
void owners_take(struct rater *rater);  // takes the epochs of all partitions that wait for it
void owner_open(struct owner *owner);   // goes on with one that was taken

// --- owner_commit.c
void owner_commits_init(struct owner *owner);
void owner_commits_free(struct owner *owner);
// Goes on with committing without waiting for the committer: sees to what is done and hands over what is due.
enum err owner_proceed(struct owner *owner, struct fault *fault) MUST_USE;
// Waits for the batch that is being committed and sees to its outcome. ERR_OK with commit.batch: to be tried again.
enum err owner_settle(struct owner *owner, struct fault *fault) MUST_USE;
// Commits everything that was fed and waits for it; ERR_OK also if there is nothing.
enum err owner_flush(struct owner *owner, struct fault *fault) MUST_USE;
// Forgets everything that is not committed. Waits for a commit that is under way; if it succeeds it counts.
void owner_batches_forget(struct owner *owner);
int64_t owner_window_us(const struct owner *owner); // how long the batch is filled
// Monotonic time at which it is due, may have passed; INT64_MAX: it is empty.
int64_t owner_due_us(const struct owner *owner);
bool owner_pending(const struct owner *owner);      // something was fed that is not known to be committed
bool owner_full(const struct owner *owner);         // nothing more may be fed before a commit

// --- kept_index.c
void kept_index_put(struct owner *owner); // of a partition that is revoked while it is rated, if it is to be kept
// Gives the owner the index that was kept and can be caught up from up_to; not *taken: there is none. Its row is the
// database's.
enum err kept_index_take(struct owner *owner, struct partition_row *up_to, bool *taken, struct fault *fault) MUST_USE;
bool kept_index_give_way(void *rater); // frees the oldest; false: there is none
void kept_index_step(struct rater *rater);
void kept_index_free_all(struct rater *rater);

// --- forward.c
// Is everything that commit.batch sends on to other partitions in the log? Sends it if need be; ask again if not.
bool owner_forwarded(struct owner *owner);
void owner_forward_forget(struct owner *owner); // of the batch that was handed over last

// --- rebuild.c
// up_to NULL: the indexes are empty. Else they hold what they have to up to this row, an ancestor of the owner's.
enum err rebuild_open(struct owner *owner, const struct partition_row *up_to, struct rebuild **rebuild,
                      struct fault *fault) MUST_USE;
void rebuild_free(struct rebuild *rebuild);
// Works until this monotonic time, a step at least. *done: the index is as it was at the last commit. ERR_CONFLICT: log
// and chain differ.
enum err rebuild_step(struct rebuild *rebuild, int64_t until_us, bool *done, struct fault *fault) MUST_USE;

// --- identity_days.c
void identity_days_step(struct rater *rater); // drops what is out of every window, once an hour

// --- replay.c
// Judges open orders and, after a change of the catalogue, rows of unknown types and tenants again. At most some
// hundred.
enum err replay_step(struct owner *owner, struct fault *fault) MUST_USE;

// --- marker.c
void marker_step(struct owner *owner);
enum err marker_wish_read(struct db *db, instant_us *wished, struct fault *fault) MUST_USE;

// --- rater_metric.c
void owner_metrics_register(struct owner *owner);
void owner_metrics_batch(struct owner *owner, const struct verdict_list *verdicts, int64_t flush_us);
void owner_metrics_state(struct owner *owner);
