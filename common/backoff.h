// SPDX-License-Identifier: Apache-2.0
// Bounded exponential back-off with jitter: how long to wait before the next try. A struct belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct backoff { int64_t least_ms, most_ms, next_ms; };
#define BACKOFF(least, most) ((struct backoff){(least), (most), (least)})
// Between half and the whole of the current step (least_ms at first); then the step doubles, up to most_ms.
int64_t backoff_next_ms(struct backoff *backoff);
void backoff_reset(struct backoff *backoff); // after a success
// Sleeps for the next step in small pieces; returns early (false) when *stop becomes true. stop may be NULL.
bool backoff_wait(struct backoff *backoff, const volatile bool *stop);
// The same for a given time.
bool backoff_sleep(int64_t ms, const volatile bool *stop);
