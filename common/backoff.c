// SPDX-License-Identifier: Apache-2.0
// Back-off with jitter: half of each step is fixed, half is random, so that many clients that lost the same store do not
// come back in the same moment. Sleeps are cut into pieces, so that a stop is noticed within SLEEP_PIECE_MS.
#include "common/backoff.h"

#include <errno.h>
#include <time.h>

#include "common/hash.h"
#include "common/instant.h"

enum { SLEEP_PIECE_MS = 50 };

int64_t backoff_next_ms(struct backoff *backoff)
{
    ENSURE(backoff->least_ms > 0 && backoff->least_ms <= backoff->most_ms);
    int64_t step = backoff->next_ms < backoff->least_ms ? backoff->least_ms : backoff->next_ms;
    if (step > backoff->most_ms) step = backoff->most_ms;
    backoff->next_ms = step > backoff->most_ms / 2 ? backoff->most_ms : step * 2;
    int64_t half = step / 2;
    return step - (int64_t)(random_u64() % (uint64_t)(half + 1));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->next_ms = backoff->least_ms;
}

static void sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

bool backoff_sleep(int64_t ms, const volatile bool *stop)
{
    int64_t end_us = clock_monotonic_us() + ms * 1000;
    for (;;) {
        if (stop && *stop) return false;
        int64_t left_ms = (end_us - clock_monotonic_us() + 999) / 1000;
        if (left_ms <= 0) return true;
        sleep_ms(left_ms < SLEEP_PIECE_MS ? left_ms : SLEEP_PIECE_MS);
    }
}

bool backoff_wait(struct backoff *backoff, const volatile bool *stop)
{
    return backoff_sleep(backoff_next_ms(backoff), stop);
}
