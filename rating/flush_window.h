// SPDX-License-Identifier: Apache-2.0
// For how long a batch is filled. A rater that mostly waits for messages commits soon, so that counters are fresh; one
// that is busy fills batches for longer, so that more events fall into one row. Not those of a partition that adds next
// to nothing to the load: it does not wait for the sake of the others' rows. Pure; times in microseconds.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// How busy the rater is: the part of the last tenths of a second in which it did not wait for messages.
struct flush_load {
    int64_t since_us;  // monotonic start of the present period; 0: none yet
    int64_t waited_us; // in this period
    int permille;      // 0 to 1000, smoothed over some periods
    int64_t busiest;   // events a second of the partition with the most, of late
};
void flush_load_waited(struct flush_load *load, int64_t waited_us);
void flush_load_look(struct flush_load *load, int64_t now_us); // ends the period when it is long enough

// A partition has fed so many events into its batch, for so long. Has it few beside the busiest one: less than a
// sixteenth of its rate?
bool flush_load_is_small(struct flush_load *load, int64_t events, int64_t age_us);

// least_us up to a quarter of the load, then rising to a second at half load; that up to seven tenths, then rising to
// most_us at nine tenths. A least_us above a second is kept as the least.
int64_t flush_window_us(int load_permille, int64_t least_us, int64_t most_us);
