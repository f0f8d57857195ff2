// SPDX-License-Identifier: Apache-2.0
// How a collector is getting on, on standard error: one line that is drawn anew on a terminal, else a line every 5 s.
#pragma once
#include "common/instant.h"
#include "common/text.h"

struct collect_progress {
    bool quiet, terminal, drawn;
    bool bytes;                // offsets are bytes, else any measure
    int64_t start_us, last_us; // monotonic
    int64_t start_offset, total;
};
struct progress_state {
    int64_t events, offset; // acknowledged
};
// total: of the offsets; 0: unknown.
void progress_open(struct collect_progress *progress, bool quiet, int64_t start_offset, int64_t total, bool bytes);
// Cheap when it is not yet time for the next line.
void progress_show(struct collect_progress *progress, const struct progress_state *state);
void progress_clear(struct collect_progress *progress); // before other words, and at the end
// The line without its end: "12,000 events, 4,000/s, 37 % of 1.2 MB, 0:03 left".
void progress_print(const struct collect_progress *progress, const struct progress_state *state, int64_t elapsed_us,
                    struct text *out);
// "turnpike collect: WORDS" as one write to standard error.
void collect_say(const char *format, ...) PRINTF_LIKE(1, 2);
