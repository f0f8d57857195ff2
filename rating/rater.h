// SPDX-License-Identifier: Apache-2.0
// The rater: owns partitions of the log, judges their messages and commits what they add. It does not know Kafka:
// messages are fed in, the log is read again through the source's callbacks; so scenarios drive it over an in-process
// log with a clock of their own, and `turnpike rate` over Kafka, with the same code.
//
// Called by one thread, whose loop is: rater_feed what came, rater_tick, and so on. Batches are committed by a thread
// of the rater's own while the next ones are fed. What else may have to wait for PostgreSQL happens in rater_tick (and
// rater_flush), which return and go on at the next call.
#pragma once
#include "common/bus.h"
#include "common/config.h"
#include "common/instant.h"

// Messages that are on their way into other partitions. The rater makes it; whoever reports to it may be last to know it.
struct forward_ticket {
    int64_t waiting; // messages that were taken and not reported
    bool failed;     // one of them is not known to be in the log
    bool abandoned;  // nobody asks any more: the last report frees it
};
void forward_reported(struct forward_ticket *ticket, bool delivered); // one message, in the rater's thread

// The log behind the messages. All functions are called from the rater's thread.
struct rater_source {
    void *context;
    // First and next offset of partitions. ERR_CONFLICT: the log does not have one of them.
    enum err (*bounds)(void *context, struct bus_watermark *bounds, int count, struct fault *fault);
    // Reads [offset, end) of a partition again, beside what is fed. ERR_RETRY: not now.
    enum err (*range_open)(void *context, int partition, int64_t offset, int64_t end, void **range,
                           struct fault *fault);
    // Up to `most` messages, valid until range_release. ERR_OK with none: not yet; ERR_NOT_FOUND: the range is at its
    // end.
    enum err (*range_read)(void *range, struct bus_message *messages, int most, int *count, struct fault *fault);
    void (*range_release)(void *range, struct bus_message *messages, int count);
    void (*range_close)(void *range);
    // From now on the partition is fed from this offset, without gap but for those that the log has; what was fed
    // before is forgotten. ERR_NOT_FOUND: the partition is not ours any more.
    enum err (*start)(void *context, int partition, int64_t offset, struct fault *fault);
    // Appends a message to a partition, without waiting for it. NULL: nobody but the caller appends markers.
    enum err (*append)(void *context, int partition, const void *data, size_t length, struct fault *fault);
    // The same for a message that must be known to be in the log of all replicas, in a partition of the incarnation that
    // counts (rater_send_on; else our own): counted in ticket->waiting until it
    // is, and then forward_reported; or in the log at once. ERR_RETRY: not taken. Reports come in forward_poll, too.
    enum err (*forward)(void *context, int partition, const void *data, size_t length, struct forward_ticket *ticket,
                        struct fault *fault);
    void (*forward_poll)(void *context);
};

struct counters_feed; // counters.h: where committed batches go for Redis
struct dedup_budget;  // dedup_index.h

struct rater_options {
    const struct config *config;       // postgres.*, rate.*, secrets.identity_key_file
    const struct clock *clock;         // for a jump of received_time, unless database_clock
    bool database_clock;               // the database's clock is asked instead (rules 1.4)
    const struct rater_source *source; // must outlive the rater
    struct counters_feed *counters;    // NULL: no Redis
    int32_t incarnation;
    int partitions;              // of the incarnation
    struct dedup_budget *budget; // shared with the raters of other incarnations in this process; NULL: its own
    const char *instance;     // for rating.partition.owner
    const char *index_folder; // of this process, for identities beyond the memory budget; NULL: none
};

struct rater;
// Connects to nothing yet. ERR_INVALID: the identity key.
enum err rater_new(const struct rater_options *options, struct rater **rater, struct fault *fault) MUST_USE;
void rater_free(struct rater *rater); // NULL is fine; does not flush

// The partition is ours from now on: at the next ticks its epoch is taken, its index rebuilt, and then source->start
// called. partition_count: what the log reports; another number than the incarnation's parks the partition (rules 2.3).
void rater_assign(struct rater *rater, int partition, int partition_count);
// Not ours any more: one try to commit what was fed, then everything of it is forgotten.
void rater_revoke(struct rater *rater, int partition);

// A newer incarnation of so many partitions counts from now on: partitions are taken again, to send on what comes
// (rules 2.3). Forgets what is not committed and needs no counters any more. Once, or again with a newer one.
void rater_send_on(struct rater *rater, int partitions);
bool rater_sends_on(const struct rater *rater); // was told so
// A batch could not be committed, or a partition taken, because a newer incarnation counts: rater_send_on is due.
bool rater_is_outdated(const struct rater *rater);

// The log of a partition cannot be read on: it is parked with the reason.
void rater_stop(struct rater *rater, int partition, const char *reason);

// Takes messages in log order per partition. Messages of partitions that are not being rated are ignored: they are read
// again. The bytes may go when it returns.
void rater_feed(struct rater *rater, const struct bus_message *messages, int count);
// Enough is waiting for its commit: feed no more before the next tick.
bool rater_full(const struct rater *rater);
// For so long the caller waited for messages: the rest of the time the rater was busy, and fills batches for longer.
void rater_waited(struct rater *rater, int64_t waited_us);
// Waits until a batch was committed, or could not be; timeout_ms at most. For when it is full.
void rater_wait(struct rater *rater, int timeout_ms);
// Does what is due: connects, opens and rebuilds partitions, commits batches, replays, markers. Returns in how many
// milliseconds it wants to be called again at the latest.
int rater_tick(struct rater *rater);
// Commits everything that was fed, whatever its age, markers and replays included. ERR_RETRY: PostgreSQL is away or a
// partition is still being opened; call again.
enum err rater_flush(struct rater *rater, struct fault *fault) MUST_USE;

// Is something fed that is not committed, as far as partitions can commit now?
bool rater_pending(const struct rater *rater);

enum partition_state {
    PARTITION_NONE,       // not ours
    PARTITION_WAITING,    // ours, its epoch is still to be taken
    PARTITION_REBUILDING, // the index is being rebuilt from the log
    PARTITION_RATING,
    PARTITION_LOST,  // another owner took the epoch; tried again after a while as long as it is assigned
    PARTITION_PARKED // rating.partition.parked_reason says why; until it is assigned again
};
const char *partition_state_name(enum partition_state state);

struct partition_status {
    enum partition_state state;
    char parked_reason[FAULT_TEXT_MAX];
    int64_t batch_seq, next_offset; // committed
    int64_t fed_offset;             // next to be fed
    instant_us watermark;
    int64_t index_entries;
};
void rater_status(const struct rater *rater, int partition, struct partition_status *status);
bool rater_connected(const struct rater *rater); // to PostgreSQL, as of the last statement
