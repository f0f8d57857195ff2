// SPDX-License-Identifier: Apache-2.0
// An event loop (libevent underneath): watched descriptors and timers of one thread. Nothing called back may block.
// Everything here is called on the loop's own thread, or before it runs. Other threads wake it through a descriptor.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct loop;
struct loop_watch;
struct loop_timer;
typedef void loop_ready(void *context, bool readable, bool writable);
typedef void loop_fired(void *context);

enum err loop_open(struct loop **loop, struct fault *fault) MUST_USE; // ERR_RETRY: no descriptors left
void loop_close(struct loop *loop); // NULL is fine; its watches and timers must have been freed
void loop_run(struct loop *loop);   // until loop_stop
void loop_stop(struct loop *loop);

// The descriptor stays the caller's and must outlive the watch. A watch may be freed inside its own callback.
struct loop_watch *loop_watch_new(struct loop *loop, int descriptor, loop_ready *ready, void *context);
// What to wait for from now on. ERR_INVALID: a descriptor that cannot be watched (closed, or a regular file).
enum err loop_watch_want(struct loop_watch *watch, bool readable, bool writable) MUST_USE;
void loop_watch_free(struct loop_watch *watch); // NULL is fine

struct loop_timer *loop_timer_new(struct loop *loop, loop_fired *fired, void *context);
void loop_timer_once(struct loop_timer *timer, int64_t delay_us); // replaces what was set
void loop_timer_every(struct loop_timer *timer, int64_t period_us);
void loop_timer_free(struct loop_timer *timer); // NULL is fine; also inside its own callback
