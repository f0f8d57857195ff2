// SPDX-License-Identifier: Apache-2.0
// The limits of the HTTP server: pipelining, the deadline of a request, connections, descriptors.
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_harness.h"

#include "common/instant.h"

static void at_most_32_requests_of_a_connection_wait(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct running running;
    struct text requests = {0}, heard = {0};
    serve_start(&running, (struct http_options){0});
    for (int i = 0; i < COUNT; i++)
        text_print(&requests, "GET /hold?n=%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    for (int i = 0; i < COUNT; i++) {
        serve_wait_for(&served.held_count, i + 32 < COUNT ? i + 32 : COUNT);
        serve_release(i);
    }
    hear_until(client, &heard, "held 199");
    assert_int_equal(served.most_held, 32);
    close(client);
    text_free(&requests);
    text_free(&heard);
    serve_stop(&running);
}

static void trickling_client_is_closed_at_the_deadline(void **state)
{
    (void)state;
    enum { TIMEOUT_MS = 400 };
    struct running running;
    serve_start(&running, (struct http_options){.request_timeout_ms = TIMEOUT_MS});
    static const char *const beginnings[] = {"GET /", "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        struct text heard = {0};
        int client = dial(running.port);
        int64_t began = clock_monotonic_us();
        say(client, beginnings[i]);
        while (!readable_within(client, 20)) // one byte every 20 ms would keep an idle timeout away for ever
            if (!say_bytes(client, "a", 1)) break;
        int64_t took_ms = (clock_monotonic_us() - began) / 1000;
        hear_end(client, &heard);
        assert_contains(&heard, "HTTP/1.1 408 Request Timeout\r\n");
        assert_in_range(took_ms, TIMEOUT_MS - 20, WAIT_MS);
        close(client);
        text_free(&heard);
    }
    // Silence from the beginning: closed without an answer. Silence after the invitation to send: 408.
    struct text heard = {0};
    int client = dial(running.port);
    hear_end(client, &heard);
    assert_int_equal(heard.length, 0);
    close(client);
    client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    hear_end(client, &heard);
    assert_contains(&heard, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 408 Request Timeout\r\n");
    close(client);
    text_free(&heard);
    assert_int_equal(served.handled, 0);
    serve_stop(&running);
}

static int64_t cpu_us(pthread_t thread)
{
    clockid_t clock;
    struct timespec used;
    assert_int_equal(pthread_getcpuclockid(thread, &clock), 0);
    assert_int_equal(clock_gettime(clock, &used), 0);
    return used.tv_sec * SECOND_US + used.tv_nsec / 1000;
}

static void connections_over_the_limit_wait_without_spinning(void **state)
{
    (void)state;
    enum { LIMIT = 50, OVER = 200 };
    struct running running;
    int clients[LIMIT + OVER];
    serve_start(&running, (struct http_options){.max_connections = LIMIT});
    for (int i = 0; i < LIMIT + OVER; i++)
        clients[i] = dial(running.port); // the kernel accepts into the backlog
    for (int i = 0; i < LIMIT + OVER; i++)
        say(clients[i], REQUEST("/x"));
    for (int i = 0; i < LIMIT; i++)
        assert_true(readable_within(clients[i], WAIT_MS));
    int64_t before_us = cpu_us(running.thread);
    for (int i = LIMIT; i < LIMIT + 10; i++)
        assert_false(readable_within(clients[i], 50)); // half a second in all
    assert_in_range(cpu_us(running.thread) - before_us, 0, 100000);
    for (int i = 0; i < LIMIT + OVER; i++) {
        assert_true(readable_within(clients[i], WAIT_MS));
        close(clients[i]); // makes room for those that wait
    }
    serve_wait_for(&served.handled, LIMIT + OVER);
    serve_stop(&running);
}

static void without_descriptors_clients_wait_without_spinning(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    struct rlimit before, tight;
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port); // has its descriptor here, and will need one in the server
    say(client, REQUEST("/first"));
    hear_until(client, &heard, "- /first? ");
    int waiting = socket(AF_INET, SOCK_STREAM, 0), probe = dup(waiting);
    assert_true(waiting >= 0 && probe >= 0);
    close(probe); // the lowest free descriptor: everything from here on is forbidden
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = (struct rlimit){(rlim_t)probe, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)running.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(waiting, (struct sockaddr *)&address, sizeof address), 0);
    say(waiting, REQUEST("/second"));
    int64_t before_us = cpu_us(running.thread);
    assert_false(readable_within(waiting, 500));
    assert_in_range(cpu_us(running.thread) - before_us, 0, 100000);
    say(client, REQUEST("/third")); // those that are in are served
    hear_until(client, &heard, "- /third? ");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    text_clear(&heard);
    hear_until(waiting, &heard, "- /second? ");
    close(client);
    close(waiting);
    text_free(&heard);
    serve_stop(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_most_32_requests_of_a_connection_wait),
        cmocka_unit_test(trickling_client_is_closed_at_the_deadline),
        cmocka_unit_test(connections_over_the_limit_wait_without_spinning),
        cmocka_unit_test(without_descriptors_clients_wait_without_spinning),
    };
    return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
