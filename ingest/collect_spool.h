// SPDX-License-Identifier: Apache-2.0
// What a collector that samples remembers: who it is, its last number, and the last sample, up to which everything has
// been turned into events; and the events that wait for the gateway. Events and the sample behind them become durable
// in one step (a spool file), before they are sent for the first time: whatever is killed when, nothing is measured or
// sent twice under two ids, and nothing between two samples is lost. What is in a sample is the collector's own
// business.
#pragma once
#include "common/text.h"

enum { SPOOL_INCARNATION_HEX = 17, SPOOL_FILES_MAX = 10000, SPOOL_FOLDER_MAX = 3000 };

struct collect_spool {
    char folder[SPOOL_FOLDER_MAX];
    int lock_fd;
    char incarnation[SPOOL_INCARNATION_HEX]; // drawn once, part of the ids
    int64_t sequence;                        // of the last event that was made
    struct text sample;                      // a JSON object; empty: there is none yet
    int64_t files;                           // that wait
};

// Makes the folder, locks it, reads the state, or draws a new incarnation if there is none. The newest spool file is
// newer than the state if it was written last: then the state is taken from it. ERR_CONFLICT: another collector works
// here, or the files are damaged.
enum err collect_spool_open(const char *folder, struct collect_spool *spool, struct fault *fault) MUST_USE;
void collect_spool_close(struct collect_spool *spool); // also after a failed open
// What the collector says of a sample in the folder that it cannot read (ERR_CONFLICT).
enum err collect_spool_damaged(const struct collect_spool *spool, struct fault *fault);
// Events (JSON objects, one a line, numbered sequence + 1 to sequence + count) and the sample behind them. Without
// events only the sample is kept: what follows is counted from there.
enum err collect_spool_put(struct collect_spool *spool, const struct text *sample, const struct text *events,
                           int64_t count, struct fault *fault) MUST_USE;
// The oldest events that wait: as a JSON array in *body, with their number. ERR_NOT_FOUND: none.
enum err collect_spool_oldest(const struct collect_spool *spool, struct text *body, int64_t *count, int64_t *sequence,
                              struct fault *fault) MUST_USE;
// They were acknowledged.
enum err collect_spool_drop(struct collect_spool *spool, int64_t sequence, struct fault *fault) MUST_USE;
