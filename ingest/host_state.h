// SPDX-License-Identifier: Apache-2.0
// What the host collector remembers: who it is, its last number, and the counters up to which usage has been turned
// into events; and the events that wait for the gateway. Events and the counters behind them become durable in one step
// (a spool file), before they are sent for the first time: whatever is killed when, nothing is measured or sent twice
// under two ids, and nothing between two samples is lost.
#pragma once
#include "common/arena.h"
#include "ingest/host_sample.h"

enum { HOST_INCARNATION_HEX = 17, HOST_SPOOL_MAX = 10000, HOST_STATE_FOLDER_MAX = 3000 };

struct host_state {
    char folder[HOST_STATE_FOLDER_MAX];
    int lock_fd;
    char incarnation[HOST_INCARNATION_HEX]; // drawn once, part of the ids
    int64_t sequence;                       // of the last event that was made
    bool sampled;
    struct host_sample sample; // valid if sampled
    int64_t spooled;           // files that wait
};

// Makes the folder, locks it, reads the state, or draws a new incarnation if there is none. The newest spool file is
// newer than the state if it was written last: then the state is taken from it. ERR_CONFLICT: another collector works
// here, or the files are damaged.
enum err host_state_open(const char *folder, struct host_state *state, struct fault *fault) MUST_USE;
void host_state_close(struct host_state *state); // also after a failed open
// A first sample: usage counts from here.
enum err host_state_begin(struct host_state *state, const struct host_sample *sample, struct fault *fault) MUST_USE;
// Events (JSON objects, one a line, numbered sequence + 1 to sequence + count) and the sample behind them.
enum err host_state_spool(struct host_state *state, const struct host_sample *sample, const struct text *events,
                          int64_t count, struct fault *fault) MUST_USE;
// The oldest events that wait: as a JSON array in *body, with their number. ERR_NOT_FOUND: none.
enum err host_state_oldest(const struct host_state *state, struct text *body, int64_t *count, int64_t *sequence,
                           struct fault *fault) MUST_USE;
// They were acknowledged.
enum err host_state_drop(struct host_state *state, int64_t sequence, struct fault *fault) MUST_USE;
