// SPDX-License-Identifier: Apache-2.0
// The HTTP server over real sockets on loopback, its loop on a thread of its own. Nothing sleeps: every wait is for a
// condition, with WAIT_MS as deadline.
#include "common/http.h"

#include <arpa/inet.h>
#include <errno.h>
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
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/instant.h"
#include "common/metric.h"

enum { WAIT_MS = 20000, MAX_BODY = 4 * 1024 * 1024, HELD_MAX = 256 };

// --- a server with a handler that does what the path says

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct http_request *held[HELD_MAX]; // "/hold": answered by the test, from the test's thread
    int held_count, most_held, open_held;
    int handled;
    pthread_barrier_t meeting; // "/meet"
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct running {
    struct http_server *server;
    pthread_t thread;
    int port;
};

static void hold(struct http_request *request)
{
    pthread_mutex_lock(&shared.lock);
    ENSURE(shared.held_count < HELD_MAX);
    shared.held[shared.held_count++] = request;
    if (++shared.open_held > shared.most_held) shared.most_held = shared.open_held;
    pthread_cond_broadcast(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
}

static void answer_text(struct http_request *request, int status, const char *text, size_t length)
{
    http_answer(request, &(struct http_reply){.status = status, .content_type = "text/plain", .body = {text, length}});
}

static void answer_large(struct http_request *request)
{
    size_t length = (size_t)atoi(http_parameter(request, "bytes"));
    char *body = arena_alloc(request->arena, length);
    for (size_t i = 0; i < length; i++)
        body[i] = (char)('a' + i % 23);
    answer_text(request, 200, body, length);
}

static void handle(void *context, struct http_request *request)
{
    pthread_mutex_lock(&shared.lock);
    shared.handled++;
    pthread_cond_broadcast(&shared.changed);
    pthread_mutex_unlock(&shared.lock);
    if (strcmp(request->path, "/hold") == 0) {
        hold(request);
        return;
    }
    if (strcmp(request->path, "/problem") == 0) {
        http_problem(request, 422, "unknown_meter", "no \"meter\"", "\"errors\":[1,2]");
        return;
    }
    if (strcmp(request->path, "/large") == 0) {
        answer_large(request);
        return;
    }
    if (strcmp(request->path, "/empty") == 0) {
        http_answer(request, &(struct http_reply){.status = 204, .extra = {"Retry-After", "7\r\nX-Evil: 1"}});
        return;
    }
    if (strcmp(request->path, "/meet") == 0) pthread_barrier_wait(&shared.meeting);
    const char *worker = context ? context : "-";
    char *text = arena_print(request->arena, "%s %s?%s %.*s", worker, request->path, request->query,
                             (int)request->body.length, request->body.data);
    answer_text(request, 200, text, strlen(text));
}

static void *run_server(void *argument)
{
    struct running *running = argument;
    http_server_run(running->server);
    return NULL;
}

static void start(struct running *running, struct http_options options)
{
    struct fault fault = {0};
    options.host = "127.0.0.1";
    if (!options.max_body_bytes) options.max_body_bytes = MAX_BODY;
    shared.held_count = shared.most_held = shared.open_held = shared.handled = 0;
    assert_int_equal(http_server_open(&options, handle, NULL, &running->server, &fault), ERR_OK);
    running->port = http_server_port(running->server);
    assert_int_equal(pthread_create(&running->thread, NULL, run_server, running), 0);
}

static void stop(struct running *running)
{
    http_server_stop(running->server);
    assert_int_equal(pthread_join(running->thread, NULL), 0);
    http_server_free(running->server);
}

// Waits until *counter (guarded by shared.lock) is at least `least`.
static void wait_for(const int *counter, int least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&shared.lock);
    int failed = 0;
    while (*counter < least && !failed)
        failed = pthread_cond_timedwait(&shared.changed, &shared.lock, &until);
    pthread_mutex_unlock(&shared.lock);
    assert_int_equal(failed, 0);
}

static void release(int index)
{
    pthread_mutex_lock(&shared.lock);
    struct http_request *request = shared.held[index];
    shared.open_held--;
    pthread_mutex_unlock(&shared.lock);
    char text[32];
    int length = snprintf(text, sizeof text, "held %s", http_parameter(request, "n"));
    answer_text(request, 200, text, (size_t)length);
}

// --- a client made of bytes

static int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

// False if the server has closed.
static bool say_bytes(int descriptor, const char *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t piece = send(descriptor, data + sent, length - sent, MSG_NOSIGNAL);
        if (piece < 0) return false;
        sent += (size_t)piece;
    }
    return true;
}

static void say(int descriptor, const char *text)
{
    assert_true(say_bytes(descriptor, text, strlen(text)));
}

static bool readable_within(int descriptor, int timeout_ms)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

// Reads more into answer; false at the end of the stream.
static bool hear_more(int descriptor, struct text *answer)
{
    char piece[65536];
    assert_true(readable_within(descriptor, WAIT_MS));
    ssize_t got = recv(descriptor, piece, sizeof piece, 0);
    if (got < 0) fail_msg("the connection broke: %s (after \"%s\")", strerror(errno), answer->data ? answer->data : "");
    text_add(answer, piece, (size_t)got);
    return got > 0;
}

// Reads until the text appears and cuts the answer behind it; what follows stays for the next call in *rest.
static void hear_until(int descriptor, struct text *heard, const char *wanted)
{
    while (!heard->data || !strstr(heard->data, wanted))
        if (!hear_more(descriptor, heard)) fail_msg("closed before \"%s\": %s", wanted, heard->data);
}

static void hear_end(int descriptor, struct text *heard)
{
    while (hear_more(descriptor, heard))
        continue;
}

static void assert_contains(const struct text *heard, const char *wanted)
{
    if (!heard->data || !strstr(heard->data, wanted)) fail_msg("no \"%s\" in: %s", wanted, heard->data);
}

static void expect_closing_answer(int port, const char *request, const char *status_line)
{
    struct text heard = {0};
    int client = dial(port);
    say(client, request);
    hear_end(client, &heard);
    assert_int_equal(strncmp(heard.data, status_line, strlen(status_line)), 0);
    assert_contains(&heard, "\r\nConnection: close\r\n");
    close(client);
    text_free(&heard);
}

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: t\r\n\r\n"

// --- tests

static void connection_is_kept_for_the_next_request(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/a%20b?x=1"));
    hear_until(client, &heard, "- /a b?x=1 ");
    assert_contains(&heard, "HTTP/1.1 200 OK\r\n");
    assert_contains(&heard, "\r\nContent-Length: 11\r\n");
    assert_contains(&heard, " GMT\r\n");
    assert_null(strstr(heard.data, "Connection: close"));
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello");
    hear_until(client, &heard, "- /e? hello");
    text_clear(&heard);
    say(client, "HEAD /h HTTP/1.1\r\nHost: t\r\n\r\n" REQUEST("/after"));
    hear_until(client, &heard, "- /after? ");
    assert_contains(&heard, "\r\nContent-Length: 6\r\n"); // "- /h? "
    assert_null(strstr(heard.data, "- /h?"));
    text_clear(&heard);
    say(client, "GET /last HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    hear_end(client, &heard);
    assert_contains(&heard, "Connection: close\r\n");
    close(client);
    text_free(&heard);
    stop(&running);
}

static void problems_and_headers_are_well_formed(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/problem"));
    hear_until(client, &heard, "[1,2]}");
    assert_contains(&heard, "HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/problem+json\r\n");
    assert_contains(&heard, "\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
                            "\"code\":\"unknown_meter\",\"detail\":\"no \\\"meter\\\"\",\"errors\":[1,2]}");
    text_clear(&heard);
    say(client, REQUEST("/empty") REQUEST("/next"));
    hear_until(client, &heard, "- /next? ");
    assert_contains(&heard,
                    "HTTP/1.1 204 No Content\r\nRetry-After: 7  X-Evil: 1\r\nDate: "); // not a header of its own
    close(client);
    text_free(&heard);
    stop(&running);
}

static void refusal_closes_and_hides_what_follows(void **state)
{
    (void)state;
    struct running running;
    start(&running, (struct http_options){0});
    static const char smuggled[] = "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 60\r\n\r\n"
                                   "hello" REQUEST("/smuggled");
    expect_closing_answer(running.port, smuggled, "HTTP/1.1 400 Bad Request\r\n");
    expect_closing_answer(running.port, "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                          "HTTP/1.1 411 Length Required\r\n");
    expect_closing_answer(running.port, "TRACE / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n");
    expect_closing_answer(running.port, "GET / HTTP/1.1\r\nHost: t\r\nExpect: foo\r\n\r\n", "HTTP/1.1 417 ");
    assert_int_equal(shared.handled, 0);
    stop(&running);
}

static void refusal_is_readable_though_the_client_goes_on_sending(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 9000000\r\n\r\n");
    char *piece = calloc(1, 1000000);
    for (int i = 0; i < 9; i++)
        assert_true(say_bytes(client, piece, 1000000)); // the server throws it away
    hear_end(client, &heard);
    assert_contains(&heard, "HTTP/1.1 413 Content Too Large\r\n");
    assert_contains(&heard, "\"code\":\"body_too_large\"");
    assert_int_equal(shared.handled, 0);
    close(client);
    free(piece);
    text_free(&heard);
    stop(&running);
}

static void continue_is_sent_before_the_body(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    hear_until(client, &heard, "\r\n\r\n");
    assert_string_equal(heard.data, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "hello");
    hear_until(client, &heard, "- /e? hello");
    // With the body already there it is not sent, and never twice.
    text_clear(&heard);
    say(client, "POST /f HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    hear_until(client, &heard, "- /f? hello");
    assert_null(strstr(heard.data, "100 Continue"));
    close(client);
    text_free(&heard);
    stop(&running);
}

static void answers_keep_the_order_of_the_requests(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0") REQUEST("/hold?n=1") REQUEST("/direct") REQUEST("/hold?n=2"));
    wait_for(&shared.held_count, 3);
    release(2); // from this thread, in the wrong order
    release(1);
    assert_false(readable_within(client, 50)); // the first is not answered yet
    release(0);
    hear_until(client, &heard, "held 2");
    const char *first = strstr(heard.data, "held 0"), *second = strstr(heard.data, "held 1");
    const char *third = strstr(heard.data, "- /direct"), *fourth = strstr(heard.data, "held 2");
    assert_true(first && first < second && second < third && third < fourth);
    close(client);
    text_free(&heard);
    stop(&running);
}

static void at_most_32_requests_of_a_connection_wait(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct running running;
    struct text requests = {0}, heard = {0};
    start(&running, (struct http_options){0});
    for (int i = 0; i < COUNT; i++)
        text_print(&requests, "GET /hold?n=%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    for (int i = 0; i < COUNT; i++) {
        wait_for(&shared.held_count, i + 32 < COUNT ? i + 32 : COUNT);
        release(i);
    }
    hear_until(client, &heard, "held 199");
    assert_int_equal(shared.most_held, 32);
    close(client);
    text_free(&requests);
    text_free(&heard);
    stop(&running);
}

static void thousand_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct running running;
    struct text requests = {0}, heard = {0};
    start(&running, (struct http_options){0});
    for (int i = 0; i < 1000; i++)
        text_print(&requests, "GET /%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    hear_until(client, &heard, "- /999? ");
    const char *at = heard.data;
    for (int i = 0; i < 1000; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "- /%d? ", i);
        at = strstr(at, wanted);
        assert_non_null(at);
    }
    close(client);
    text_free(&requests);
    text_free(&heard);
    stop(&running);
}

static void trickling_client_is_closed_at_the_deadline(void **state)
{
    (void)state;
    enum { TIMEOUT_MS = 400 };
    struct running running;
    start(&running, (struct http_options){.request_timeout_ms = TIMEOUT_MS});
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
    assert_int_equal(shared.handled, 0);
    stop(&running);
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
    start(&running, (struct http_options){.max_connections = LIMIT});
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
    wait_for(&shared.handled, LIMIT + OVER);
    stop(&running);
}

static void reset(int client)
{
    struct linger abrupt = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt), 0);
    close(client);
}

static void late_answer_to_a_client_that_went_away_is_dropped(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int gone = dial(running.port), closed = dial(running.port);
    say(gone, REQUEST("/hold?n=0"));
    wait_for(&shared.held_count, 1);
    say(closed, REQUEST("/hold?n=1"));
    wait_for(&shared.held_count, 2);
    reset(gone);
    close(closed);
    int other = dial(running.port); // served after the loop saw both leave or before; either must be harmless
    say(other, REQUEST("/other"));
    hear_until(other, &heard, "- /other? ");
    release(0);
    release(1);
    say(other, REQUEST("/again"));
    hear_until(other, &heard, "- /again? ");
    close(other);
    text_free(&heard);
    stop(&running);
}

static void half_a_request_is_no_request(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhell");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    hear_end(client, &heard);
    assert_int_equal(heard.length, 0);
    close(client);
    client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n");
    reset(client);
    // A whole request whose sender then says that nothing follows is answered.
    client = dial(running.port);
    say(client, REQUEST("/whole"));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    hear_end(client, &heard);
    assert_contains(&heard, "- /whole? ");
    close(client);
    assert_int_equal(shared.handled, 1);
    text_free(&heard);
    stop(&running);
}

static void large_answer_arrives_whole(void **state)
{
    (void)state;
    enum { BYTES = 20000000 };
    struct running running;
    struct text heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/large?bytes=20000000") REQUEST("/after"));
    hear_until(client, &heard, "\r\n\r\n"); // the rest waits in the server until it is read
    size_t head = (size_t)(strstr(heard.data, "\r\n\r\n") + 4 - heard.data);
    while (heard.length < head + BYTES)
        assert_true(hear_more(client, &heard));
    for (size_t i = 0; i < BYTES; i++)
        assert_true(heard.data[head + i] == (char)('a' + i % 23));
    struct text next = {0};
    text_add(&next, heard.data + head + BYTES, heard.length - head - BYTES);
    hear_until(client, &next, "- /after? ");
    close(client);
    text_free(&heard);
    text_free(&next);
    stop(&running);
}

static void large_body_arrives_whole(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0}, request = {0};
    start(&running, (struct http_options){0});
    text_print(&request, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n", MAX_BODY);
    for (int i = 0; i < MAX_BODY; i++)
        text_add_char(&request, 'x');
    text_add_string(&request, REQUEST("/after"));
    int client = dial(running.port);
    assert_true(say_bytes(client, request.data, request.length));
    hear_until(client, &heard, "- /after? ");
    const char *body = strstr(heard.data, "- /e? ") + 6;
    assert_int_equal(strspn(body, "x"), MAX_BODY);
    close(client);
    text_free(&heard);
    text_free(&request);
    stop(&running);
}

// --- workers

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
    assert_int_equal(pthread_barrier_init(&shared.meeting, NULL, 2), 0);
    start(&running, (struct http_options){.workers = 2, .worker_open = open_worker, .worker_close = close_worker});
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
    stop(&running);
    assert_int_equal(pthread_barrier_destroy(&shared.meeting), 0);
    assert_int_equal(atomic_load(&workers_opened), 2);
    assert_int_equal(atomic_load(&workers_closed), 2);
}

static void workers_do_not_overtake_within_a_connection(void **state)
{
    (void)state;
    struct running running;
    struct text requests = {0}, heard = {0};
    start(&running, (struct http_options){.workers = 4});
    for (int i = 0; i < 200; i++)
        text_print(&requests, "GET /hold?n=%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    for (int i = 0; i < 200; i++) {
        wait_for(&shared.held_count, i + 1);
        release(i);
    }
    hear_until(client, &heard, "held 199");
    assert_int_equal(shared.most_held, 1);
    close(client);
    text_free(&requests);
    text_free(&heard);
    stop(&running);
}

// --- stopping

static void drain_finishes_what_has_begun(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0}, idle_heard = {0};
    start(&running, (struct http_options){0});
    int client = dial(running.port), idle = dial(running.port);
    say(idle, REQUEST("/idle"));
    hear_until(idle, &idle_heard, "- /idle? ");
    say(client, REQUEST("/hold?n=7"));
    wait_for(&shared.held_count, 1);
    http_server_stop(running.server);
    hear_end(idle, &idle_heard); // closed at once; the other is still open
    release(0);
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
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0") REQUEST("/hold?n=1"));
    wait_for(&shared.held_count, 2);
    process_stop_now = true; // as a second signal would
    http_server_stop(running.server);
    assert_int_equal(pthread_join(running.thread, NULL), 0);
    process_stop_now = false;
    release(0); // between the end of the loop and the end of the server
    http_server_free(running.server);
    release(1);
    close(client);
}

static void signals_stop_the_server(void **state)
{
    (void)state;
    struct running running;
    process_signals();
    start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0"));
    wait_for(&shared.held_count, 1);
    assert_int_equal(raise(SIGPIPE), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_true(process_stop && !process_stop_now);
    assert_int_equal(raise(SIGINT), 0); // without it the server would wait 10 s for the answer
    assert_true(process_stop_now);
    assert_int_equal(pthread_join(running.thread, NULL), 0);
    process_stop = process_stop_now = false;
    http_server_free(running.server);
    release(0);
    close(client);
}

// --- ops

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

// --- the rest

static void address_in_use_is_named(void **state)
{
    (void)state;
    struct running running;
    struct http_server *second = NULL;
    struct fault fault = {0};
    start(&running, (struct http_options){0});
    struct http_options options = {.host = "127.0.0.1", .port = running.port};
    assert_int_equal(http_server_open(&options, handle, NULL, &second, &fault), ERR_CONFLICT);
    char place[64];
    snprintf(place, sizeof place, "127.0.0.1:%d", running.port);
    assert_string_equal(fault.place, place);
    options.host = "no such host";
    assert_int_equal(http_server_open(&options, handle, NULL, &second, &fault), ERR_INVALID);
    stop(&running);
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
    assert_int_equal(http_server_open(&options, handle, NULL, &running.server, &fault), ERR_OK);
    waking_server = running.server;
    assert_int_equal(http_server_watch(running.server, descriptor, woken, &descriptor), ERR_OK);
    assert_int_equal(http_server_watch(running.server, 9999, woken, &descriptor), ERR_INVALID);
    assert_int_equal(http_server_every(running.server, 5, tick, NULL), ERR_OK);
    assert_int_equal(http_server_every(running.server, 0, tick, NULL), ERR_INVALID);
    assert_int_equal(pthread_create(&running.thread, NULL, run_server, &running), 0);
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
    stop(&running);
    close(descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_kept_for_the_next_request),
        cmocka_unit_test(problems_and_headers_are_well_formed),
        cmocka_unit_test(refusal_closes_and_hides_what_follows),
        cmocka_unit_test(refusal_is_readable_though_the_client_goes_on_sending),
        cmocka_unit_test(continue_is_sent_before_the_body),
        cmocka_unit_test(answers_keep_the_order_of_the_requests),
        cmocka_unit_test(at_most_32_requests_of_a_connection_wait),
        cmocka_unit_test(thousand_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(trickling_client_is_closed_at_the_deadline),
        cmocka_unit_test(connections_over_the_limit_wait_without_spinning),
        cmocka_unit_test(late_answer_to_a_client_that_went_away_is_dropped),
        cmocka_unit_test(half_a_request_is_no_request),
        cmocka_unit_test(large_answer_arrives_whole),
        cmocka_unit_test(large_body_arrives_whole),
        cmocka_unit_test(workers_handle_side_by_side_with_their_own_state),
        cmocka_unit_test(workers_do_not_overtake_within_a_connection),
        cmocka_unit_test(drain_finishes_what_has_begun),
        cmocka_unit_test(answer_after_the_server_is_gone_is_dropped),
        cmocka_unit_test(signals_stop_the_server),
        cmocka_unit_test(ops_server_tells_metrics_and_health),
        cmocka_unit_test(address_in_use_is_named),
        cmocka_unit_test(loop_serves_descriptors_and_timers),
    };
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
