// SPDX-License-Identifier: Apache-2.0
// The clock that is passed in: the machine's, or one that a test sets. Nothing else in the program reads wall time.
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/instant.h"

struct clock {
    bool simulated;
    _Atomic instant_us now; // simulated only; a test may set it while other threads read
};

static struct clock system_clock = {.simulated = false};

static int64_t read_clock_us(clockid_t id)
{
    struct timespec now;
    int failed = clock_gettime(id, &now);
    ENSURE(!failed); // both clocks exist on every system that we run on
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

struct clock *clock_system(void)
{
    return &system_clock;
}

struct clock *clock_simulated(instant_us start)
{
    struct clock *clock = malloc(sizeof *clock);
    ENSURE(clock); // out of memory aborts, as everywhere
    clock->simulated = true;
    atomic_init(&clock->now, start);
    return clock;
}

void clock_set(struct clock *clock, instant_us now)
{
    ENSURE(clock->simulated);
    atomic_store(&clock->now, now);
}

instant_us clock_now(const struct clock *clock)
{
    return clock->simulated ? atomic_load(&clock->now) : read_clock_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

void clock_free(struct clock *clock)
{
    if (clock && clock->simulated) free(clock);
}
