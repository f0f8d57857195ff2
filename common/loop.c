// SPDX-License-Identifier: Apache-2.0
// The only file that knows libevent. Used by the HTTP server; one loop belongs to one thread, so no locks are needed.
#include "common/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/arena.h"
#include "common/log.h"

struct loop {
    struct event_base *base;
};

struct loop_watch {
    struct event readable, writable;
    bool wants_readable, wants_writable;
    loop_ready *ready;
    void *context;
};

struct loop_timer {
    struct event event;
    loop_fired *fired;
    void *context;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

// What libevent would print on standard error by itself.
static void library_says(int severity, const char *message)
{
    if (severity < EVENT_LOG_WARN) return;
    log_warn("event_loop", LOG_TEXT("reason", message));
}

static void library_open(void)
{
    event_set_log_callback(library_says);
}

enum err loop_open(struct loop **loop, struct fault *fault)
{
    ENSURE(pthread_once(&library_once, library_open) == 0);
    struct event_base *base = event_base_new();
    if (!base) return fault_set(fault, ERR_RETRY, "event loop", "cannot be made: no descriptors or memory left");
    *loop = heap_alloc(sizeof **loop);
    (*loop)->base = base;
    return ERR_OK;
}

void loop_close(struct loop *loop)
{
    if (!loop) return;
    event_base_free(loop->base);
    free(loop);
}

void loop_run(struct loop *loop)
{
    ENSURE(event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0);
}

void loop_stop(struct loop *loop)
{
    ENSURE(event_base_loopbreak(loop->base) == 0);
}

static void watch_fired(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    struct loop_watch *watch = context;
    watch->ready(watch->context, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

struct loop_watch *loop_watch_new(struct loop *loop, int descriptor, loop_ready *ready, void *context)
{
    struct loop_watch *watch = heap_alloc(sizeof *watch);
    watch->ready = ready;
    watch->context = context;
    ENSURE(event_assign(&watch->readable, loop->base, descriptor, EV_READ | EV_PERSIST, watch_fired, watch) == 0);
    ENSURE(event_assign(&watch->writable, loop->base, descriptor, EV_WRITE | EV_PERSIST, watch_fired, watch) == 0);
    return watch;
}

static bool event_want(struct event *event, bool *wanted, bool want)
{
    if (*wanted == want) return true;
    *wanted = want;
    return (want ? event_add(event, NULL) : event_del(event)) == 0;
}

enum err loop_watch_want(struct loop_watch *watch, bool readable, bool writable)
{
    bool read_ok = event_want(&watch->readable, &watch->wants_readable, readable);
    bool write_ok = event_want(&watch->writable, &watch->wants_writable, writable);
    return read_ok && write_ok ? ERR_OK : ERR_INVALID;
}

void loop_watch_free(struct loop_watch *watch)
{
    if (!watch) return;
    (void)event_want(&watch->readable, &watch->wants_readable, false);
    (void)event_want(&watch->writable, &watch->wants_writable, false);
    free(watch);
}

static void timer_fired(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor;
    (void)what;
    struct loop_timer *timer = context;
    timer->fired(timer->context);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_fired *fired, void *context)
{
    struct loop_timer *timer = heap_alloc(sizeof *timer);
    timer->fired = fired;
    timer->context = context;
    ENSURE(event_assign(&timer->event, loop->base, -1, 0, timer_fired, timer) == 0);
    return timer;
}

static void timer_set(struct loop_timer *timer, short flags, int64_t delay_us)
{
    struct event_base *base = event_get_base(&timer->event);
    if (delay_us < 0) delay_us = 0;
    struct timeval delay = {.tv_sec = (time_t)(delay_us / 1000000), .tv_usec = (suseconds_t)(delay_us % 1000000)};
    (void)event_del(&timer->event);
    ENSURE(event_assign(&timer->event, base, -1, flags, timer_fired, timer) == 0);
    ENSURE(event_add(&timer->event, &delay) == 0);
}

void loop_timer_once(struct loop_timer *timer, int64_t delay_us)
{
    timer_set(timer, 0, delay_us);
}

void loop_timer_every(struct loop_timer *timer, int64_t period_us)
{
    timer_set(timer, EV_PERSIST, period_us);
}

void loop_timer_free(struct loop_timer *timer)
{
    if (!timer) return;
    (void)event_del(&timer->event);
    free(timer);
}
