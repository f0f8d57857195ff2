// SPDX-License-Identifier: Apache-2.0
// See http_harness.h.
#include "tests/support/http_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

// --- a server with a handler that does what the path says

struct served served = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void hold(struct http_request *request)
{
    pthread_mutex_lock(&served.lock);
    ENSURE(served.held_count < HELD_MAX);
    served.held[served.held_count++] = request;
    if (++served.open_held > served.most_held) served.most_held = served.open_held;
    pthread_cond_broadcast(&served.changed);
    pthread_mutex_unlock(&served.lock);
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

void serve_handle(void *context, struct http_request *request)
{
    pthread_mutex_lock(&served.lock);
    served.handled++;
    pthread_cond_broadcast(&served.changed);
    pthread_mutex_unlock(&served.lock);
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
    if (strcmp(request->path, "/meet") == 0) pthread_barrier_wait(&served.meeting);
    const char *worker = context ? context : "-";
    char *text = arena_print(request->arena, "%s %s?%s %.*s", worker, request->path, request->query,
                             (int)request->body.length, request->body.data);
    answer_text(request, 200, text, strlen(text));
}

void *serve_run(void *argument)
{
    struct running *running = argument;
    http_server_run(running->server);
    return NULL;
}

void serve_start(struct running *running, struct http_options options)
{
    struct fault fault = {0};
    options.host = "127.0.0.1";
    if (!options.max_body_bytes) options.max_body_bytes = MAX_BODY;
    served.held_count = served.most_held = served.open_held = served.handled = 0;
    assert_int_equal(http_server_open(&options, serve_handle, NULL, &running->server, &fault), ERR_OK);
    running->port = http_server_port(running->server);
    assert_int_equal(pthread_create(&running->thread, NULL, serve_run, running), 0);
}

void serve_stop(struct running *running)
{
    http_server_stop(running->server);
    assert_int_equal(pthread_join(running->thread, NULL), 0);
    http_server_free(running->server);
}

void serve_wait_for(const int *counter, int least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_MS / 1000;
    pthread_mutex_lock(&served.lock);
    int failed = 0;
    while (*counter < least && !failed)
        failed = pthread_cond_timedwait(&served.changed, &served.lock, &until);
    pthread_mutex_unlock(&served.lock);
    assert_int_equal(failed, 0);
}

void serve_release(int index)
{
    pthread_mutex_lock(&served.lock);
    struct http_request *request = served.held[index];
    served.open_held--;
    pthread_mutex_unlock(&served.lock);
    char text[32];
    int length = snprintf(text, sizeof text, "held %s", http_parameter(request, "n"));
    answer_text(request, 200, text, (size_t)length);
}

// --- a client made of bytes

int dial(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    return descriptor;
}

bool say_bytes(int descriptor, const char *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        ssize_t piece = send(descriptor, data + sent, length - sent, MSG_NOSIGNAL);
        if (piece < 0) return false;
        sent += (size_t)piece;
    }
    return true;
}

void say(int descriptor, const char *text)
{
    assert_true(say_bytes(descriptor, text, strlen(text)));
}

bool readable_within(int descriptor, int timeout_ms)
{
    struct pollfd wait = {.fd = descriptor, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

bool hear_more(int descriptor, struct text *answer)
{
    char piece[65536];
    assert_true(readable_within(descriptor, WAIT_MS));
    ssize_t got = recv(descriptor, piece, sizeof piece, 0);
    if (got < 0) fail_msg("the connection broke: %s (after \"%s\")", strerror(errno), answer->data ? answer->data : "");
    text_add(answer, piece, (size_t)got);
    return got > 0;
}

void hear_until(int descriptor, struct text *heard, const char *wanted)
{
    while (!heard->data || !strstr(heard->data, wanted))
        if (!hear_more(descriptor, heard)) fail_msg("closed before \"%s\": %s", wanted, heard->data);
}

void hear_end(int descriptor, struct text *heard)
{
    while (hear_more(descriptor, heard))
        continue;
}

void assert_contains(const struct text *heard, const char *wanted)
{
    if (!heard->data || !strstr(heard->data, wanted)) fail_msg("no \"%s\" in: %s", wanted, heard->data);
}

void hang_up_abruptly(int client)
{
    struct linger abrupt = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt), 0);
    close(client);
}
