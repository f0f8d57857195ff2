// SPDX-License-Identifier: Apache-2.0
// Bounded exponential back-off with jitter: how long to wait before the next try.
#pragma once
#include <stdint.h>

struct backoff { int64_t least_ms, most_ms, next_ms; };
#define BACKOFF(least, most) ((struct backoff){(least), (most), (least)})
int64_t backoff_next_ms(struct backoff *backoff); // between half and the whole of the current step; then doubles
void backoff_reset(struct backoff *backoff);
// Sleeps for the next step in small pieces; returns early (false) when *stop becomes true.
#include <stdbool.h>
bool backoff_wait(struct backoff *backoff, const volatile bool *stop);
