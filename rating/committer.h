// SPDX-License-Identifier: Apache-2.0
// The thread that commits batches, with a connection of its own, while the rater's thread reads and judges the next
// ones. One commit at a time, in the order in which they are handed over; which batch may be committed after which, and
// what follows from an outcome, is the owner's affair (owner_commit.c).
#pragma once
#include "rating/batch.h"

enum commit_state {
    COMMIT_IDLE,    // the caller's
    COMMIT_QUEUED,  // the committer's until committer_take
    COMMIT_RUNNING, // likewise
    COMMIT_DONE     // likewise
};

// One try to commit one batch. While it is not idle the batch belongs to the committer: its identities and names may be
// looked up (batch_ground.earlier), nothing else. It must not move.
struct commit {
    struct batch *batch; // set by the caller, like the next two
    struct partition_row before;
    int64_t catalogue_version;
    enum err err; // results: as batch_commit; ERR_RETRY also without a connection
    struct fault fault;
    struct partition_row after; // if err is ERR_OK
    int64_t took_us;
    enum commit_state state; // the committer's, like the next
    struct commit *next;
};

struct committer;
// Starts the thread; it connects when there is something to commit. config must outlive it.
enum err committer_open(const struct config *config, struct committer **committer, struct fault *fault) MUST_USE;
// Every commit must be idle. NULL is fine.
void committer_close(struct committer *committer);

// All are called by one thread, the rater's.
void committer_submit(struct committer *committer, struct commit *commit);
bool committer_busy(struct committer *committer, const struct commit *commit); // queued or running
// True: it was done, its results are there, and it is idle again. False: it is busy, or was idle.
bool committer_take(struct committer *committer, struct commit *commit);
void committer_wait(struct committer *committer, const struct commit *commit); // until it is not busy
// Until one is done since the last such wait; timeout_ms at most.
void committer_wait_any(struct committer *committer, int timeout_ms);
