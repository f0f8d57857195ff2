// SPDX-License-Identifier: Apache-2.0
// The HTTP server and other threads: workers, late answers, draining, signals, watched descriptors, the ops server.
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_harness.h"

#include "common/instant.h"
#include "common/metric.h"

static atomic_int workers_opened, workers_closed;

static void *open_worker(void *context)
{
    ENSURE(context == NULL); // what http_server_open was given; not an assert: this is not the test's thread
    char *name = heap_alloc(16);
    snprintf(name, 16, "w%d", atomic_fetch_add(&workers_opened, 1));
    return name;
}

static void close_worker(void *worker)
{
    free(worker);
    atomic_fetch_add(&workers_closed, 1);
}

static void workers_handle_side_by_side_with_their_own_state(void **state)
{
    (void)state;
    struct running running;
    struct text heard[2] = {{0}, {0}};
    atomic_store(&workers_opened, 0);
    atomic_store(&workers_closed, 0);
    assert_int_equal(pthread_barrier_init(&served.meeting, NULL, 2), 0);
    serve_start(&running,
                (struct http_options){.workers = 2, .worker_open = open_worker, .worker_close = close_worker});
    int clients[2] = {dial(running.port), dial(running.port)};
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 2; i++)
            text_clear(&heard[i]);
        say(clients[0], REQUEST("/meet")); // each waits in its worker until the other is there, too
        say(clients[1], REQUEST("/meet"));
        for (int i = 0; i < 2; i++)
            hear_until(clients[i], &heard[i], " /meet? ");
        bool zero_first = strstr(heard[0].data, "w0 /meet") != NULL;
        assert_contains(&heard[0], zero_first ? "w0 /meet" : "w1 /meet");
        assert_contains(&heard[1], zero_first ? "w1 /meet" : "w0 /meet");
    }
    for (int i = 0; i < 2; i++) {
        close(clients[i]);
        text_free(&heard[i]);
    }
    serve_stop(&running);
    assert_int_equal(pthread_barrier_destroy(&served.meeting), 0);
    assert_int_equal(atomic_load(&workers_opened), 2);
    assert_int_equal(atomic_load(&workers_closed), 2);
}

static void workers_do_not_overtake_within_a_connection(void **state)
{
    (void)state;
    struct running running;
    struct text requests = {0}, heard = {0};
    serve_start(&running, (struct http_options){.workers = 4});
    for (int i = 0; i < 200; i++)
        text_print(&requests, "GET /hold?n=%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    for (int i = 0; i < 200; i++) {
        serve_wait_for(&served.held_count, i + 1);
        serve_release(i);
    }
    hear_until(client, &heard, "held 199");
    assert_int_equal(served.most_held, 1);
    close(client);
    text_free(&requests);
    text_free(&heard);
    serve_stop(&running);
}

static void late_answer_to_a_client_that_went_away_is_dropped(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int gone = dial(running.port), closed = dial(running.port);
    say(gone, REQUEST("/hold?n=0"));
    serve_wait_for(&served.held_count, 1);
    say(closed, REQUEST("/hold?n=1"));
    serve_wait_for(&served.held_count, 2);
    hang_up_abruptly(gone);
    close(closed);
    int other = dial(running.port); // served after the loop saw both leave or before; either must be harmless
    say(other, REQUEST("/other"));
    hear_until(other, &heard, "- /other? ");
    serve_release(0);
    serve_release(1);
    say(other, REQUEST("/again"));
    hear_until(other, &heard, "- /again? ");
    close(other);
    text_free(&heard);
    serve_stop(&running);
}

static void drain_finishes_what_has_begun(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0}, idle_heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port), idle = dial(running.port);
    say(idle, REQUEST("/idle"));
    hear_until(idle, &idle_heard, "- /idle? ");
    say(client, REQUEST("/hold?n=7"));
    serve_wait_for(&served.held_count, 1);
    http_server_stop(running.server);
    hear_end(idle, &idle_heard); // closed at once; the other is still open
    serve_release(0);
    hear_end(client, &heard);
    assert_contains(&heard, "Connection: close\r\n");
    assert_contains(&heard, "held 7");
    close(client);
    close(idle);
    assert_int_equal(pthread_join(running.thread, NULL), 0);
    http_server_free(running.server);
    text_free(&heard);
    text_free(&idle_heard);
}

static void answer_after_the_server_is_gone_is_dropped(void **state)
{
    (void)state;
    struct running running;
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0") REQUEST("/hold?n=1"));
    serve_wait_for(&served.held_count, 2);
    process_stop_now = true; // as a second signal would
    http_server_stop(running.server);
    assert_int_equal(pthread_join(running.thread, NULL), 0);
    process_stop_now = false;
    serve_release(0); // between the end of the loop and the end of the server
    http_server_free(running.server);
    serve_release(1);
    close(client);
}

static void signals_stop_the_server(void **state)
{
    (void)state;
    struct running running;
    process_signals();
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0"));
    serve_wait_for(&served.held_count, 1);
    assert_int_equal(raise(SIGPIPE), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(process_stop && !process_stop_now);
    assert_int_equal(raise(SIGINT), 0); // without it the server would wait 10 s for the answer
    assert_true(process_stop_now);
    assert_int_equal(pthread_join(running.thread, NULL), 0);
    process_stop = process_stop_now = false;
    http_server_free(running.server);
    serve_release(0);
    close(client);
}

enum { WAKES = 3 };
static atomic_int ticks, wakes;
static struct http_server *waking_server;

static void tick(void *context)
{
    (void)context;
    atomic_fetch_add(&ticks, 1);
}

static void woken(void *context)
{
    uint64_t count;
    ENSURE(read(*(int *)context, &count, sizeof count) == sizeof count);
    if (atomic_fetch_add(&wakes, (int)count) + (int)count >= WAKES) http_server_unwatch(waking_server, *(int *)context);
}

static void loop_serves_descriptors_and_timers(void **state)
{
    (void)state;
    struct http_options options = {.host = "127.0.0.1"};
    struct running running;
    struct fault fault;
    int descriptor = eventfd(0, EFD_NONBLOCK);
    assert_int_equal(http_server_open(&options, serve_handle, NULL, &running.server, &fault), ERR_OK);
    waking_server = running.server;
    assert_int_equal(http_server_watch(running.server, descriptor, woken, &descriptor), ERR_OK);
    assert_int_equal(http_server_watch(running.server, 9999, woken, &descriptor), ERR_INVALID);
    assert_int_equal(http_server_every(running.server, 5, tick, NULL), ERR_OK);
    assert_int_equal(http_server_every(running.server, 0, tick, NULL), ERR_INVALID);
    assert_int_equal(pthread_create(&running.thread, NULL, serve_run, &running), 0);
    uint64_t count = WAKES;
    assert_int_equal(write(descriptor, &count, sizeof count), sizeof count);
    int64_t until = clock_monotonic_us() + WAIT_MS * INT64_C(1000);
    while ((atomic_load(&ticks) < 3 || atomic_load(&wakes) < WAKES) && clock_monotonic_us() < until)
        (void)poll(NULL, 0, 1);
    assert_in_range(atomic_load(&ticks), 3, INT32_MAX);
    assert_int_equal(atomic_load(&wakes), WAKES);
    int seen = atomic_load(&ticks);
    assert_int_equal(write(descriptor, &count, sizeof count), sizeof count); // no longer watched
    while (atomic_load(&ticks) < seen + 3 && clock_monotonic_us() < until)
        (void)poll(NULL, 0, 1);
    assert_int_equal(atomic_load(&wakes), WAKES);
    serve_stop(&running);
    close(descriptor);
}

static bool report_health(void *context, struct text *details)
{
    bool well = atomic_load((atomic_bool *)context);
    text_print(details, "{\"lag\":%d}", well ? 0 : 99);
    return well;
}

static void ops_server_tells_metrics_and_health(void **state)
{
    (void)state;
    struct ops_server *ops = NULL;
    struct fault fault = {0};
    struct text heard = {0};
    atomic_bool well = true;
    struct metric *metric = metric_register(METRIC_COUNTER, "turnpike_test_things_total", "", "Things.");
    metric_add(metric, 41);
    assert_int_equal(ops_server_open("127.0.0.1", 0, report_health, &well, &ops, &fault), ERR_OK);
    int client = dial(ops_server_port(ops));
    say(client, REQUEST("/healthz"));
    hear_until(client, &heard, "{\"lag\":0}");
    assert_contains(&heard, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n");
    text_clear(&heard);
    atomic_store(&well, false);
    say(client, REQUEST("/healthz"));
    hear_until(client, &heard, "{\"lag\":99}");
    assert_contains(&heard, "HTTP/1.1 503 Service Unavailable\r\n");
    text_clear(&heard);
    say(client, REQUEST("/metrics"));
    hear_until(client, &heard, "turnpike_test_things_total 41\n");
    assert_contains(&heard, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n");
    assert_contains(&heard, "turnpike_http_connections ");
    text_clear(&heard);
    say(client, REQUEST("/secret") "POST /metrics HTTP/1.1\r\nHost: t\r\n\r\n");
    hear_until(client, &heard, "HTTP/1.1 405 ");
    assert_contains(&heard, "HTTP/1.1 404 Not Found\r\n");
    process_stop = true; // a role that stops still says how it is
    say(client, REQUEST("/healthz"));
    hear_until(client, &heard, "{\"lag\":99}");
    process_stop = false;
    close(client);
    text_free(&heard);
    ops_server_close(ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_handle_side_by_side_with_their_own_state),
        cmocka_unit_test(workers_do_not_overtake_within_a_connection),
        cmocka_unit_test(late_answer_to_a_client_that_went_away_is_dropped),
        cmocka_unit_test(drain_finishes_what_has_begun),
        cmocka_unit_test(answer_after_the_server_is_gone_is_dropped),
        cmocka_unit_test(signals_stop_the_server),
        cmocka_unit_test(loop_serves_descriptors_and_timers),
        cmocka_unit_test(ops_server_tells_metrics_and_health),
    };
    return cmocka_run_group_tests_name("http_threads", tests, NULL, NULL);
}
