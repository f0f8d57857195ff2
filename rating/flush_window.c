// SPDX-License-Identifier: Apache-2.0
// Straight lines; see the header.
#include "rating/flush_window.h"

#include <stddef.h>

enum {
    PERIOD_US = 100000,
    QUIET_PERMILLE = 250,
    HALF_PERMILLE = 500,
    LONGER_PERMILLE = 700,
    FULL_PERMILLE = 900,
    ALL_PERMILLE = 1000,
    HALF_WINDOW_US = 1000000,
    FORGET_PARTS = 8, // of `busiest`, a part in every period
    SMALL_PARTS = 16
};

void flush_load_waited(struct flush_load *load, int64_t waited_us)
{
    load->waited_us += waited_us;
}

void flush_load_look(struct flush_load *load, int64_t now_us)
{
    int64_t spent_us = now_us - load->since_us;
    if (load->since_us && spent_us < PERIOD_US) return;
    if (load->since_us) {
        int64_t waited_us = load->waited_us < spent_us ? load->waited_us : spent_us;
        int busy = (int)((spent_us - waited_us) * ALL_PERMILLE / spent_us);
        load->permille = (load->permille + busy) / 2;
        load->busiest -= load->busiest / FORGET_PARTS;
    }
    load->since_us = now_us;
    load->waited_us = 0;
}

bool flush_load_is_small(struct flush_load *load, int64_t events, int64_t age_us)
{
    int64_t rate = age_us > 0 ? events * 1000000 / age_us : 0;
    if (rate > load->busiest) load->busiest = rate;
    return rate < load->busiest / SMALL_PARTS;
}

int64_t flush_window_us(int load_permille, int64_t least_us, int64_t most_us)
{
    const struct point {
        int64_t load, window_us;
    } points[] = {{QUIET_PERMILLE, least_us},
                  {HALF_PERMILLE, least_us < HALF_WINDOW_US ? HALF_WINDOW_US : least_us},
                  {LONGER_PERMILLE, least_us < HALF_WINDOW_US ? HALF_WINDOW_US : least_us},
                  {FULL_PERMILLE, most_us}};
    int64_t window_us = most_us;
    if (load_permille <= QUIET_PERMILLE) window_us = least_us;
    for (size_t i = 0; i + 1 < sizeof points / sizeof *points; i++) {
        const struct point *from = &points[i], *to = &points[i + 1];
        if (load_permille > from->load && load_permille <= to->load)
            window_us = from->window_us +
                        (to->window_us - from->window_us) * (load_permille - from->load) / (to->load - from->load);
    }
    if (window_us > most_us) window_us = most_us;
    return window_us > least_us ? window_us : least_us;
}
