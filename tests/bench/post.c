// SPDX-License-Identifier: Apache-2.0
// Posts events to a gateway (or to what stands for one) over connections that are kept, from one thread.
//   bench_post PORT CONNECTIONS SECONDS RATE EVENTS TENANTS [KEYFILE]
// RATE 0: closed loop, every connection sends again when it was answered. Else open loop: so many requests a second by
// a timetable, each on a connection that is free; its latency runs from when it was due, so that a server that stalls
// cannot hide what it delayed. EVENTS: 1, plain; more: a batch. Prints requests, events, failures,
// seconds and microseconds of latency.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/file.h"
#include "tests/bench/workload.h"

enum { CONNECTIONS_MAX = 1024, REQUESTS = 64, ANSWER_MAX = 4096, KEY_MAX = 4096, READY_MAX = 256, DRAIN_MS = 5000 };

struct connection {
    int descriptor;
    const struct text *request; // that is out; NULL: free
    size_t sent;
    int64_t due_us;
    char answer[ANSWER_MAX];
    size_t answered;
    struct connection *next_free;
};

static struct posting {
    int poll, count, waiting; // waiting: requests that are out
    struct connection connections[CONNECTIONS_MAX], *free;
    struct text requests[REQUESTS];
    int64_t begin_us, end_us, rate, sent, failed;
    uint32_t *latencies; // microseconds
    size_t latency_count, latency_room;
} posting;

// --- requests

static void add_good_event(const struct workload *workload, int64_t *number, struct text *body)
{
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX];
    while (!workload_is_good(*number))
        ++*number;
    text_add(body, event, workload_event(workload, (*number)++, event, tenant));
}

static void requests_make(const struct workload *workload, int events, const char *key)
{
    struct text body = {0};
    int64_t number = 0;
    for (int i = 0; i < REQUESTS; i++) {
        text_clear(&body);
        for (int k = 0; k < events; k++) {
            if (events > 1) text_add_char(&body, k == 0 ? '[' : ',');
            add_good_event(workload, &number, &body);
        }
        if (events > 1) text_add_char(&body, ']');
        text_print(&posting.requests[i],
                   "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/cloudevents%s+json\r\n"
                   "Authorization: Bearer %s\r\nContent-Length: %zu\r\n\r\n",
                   events > 1 ? "-batch" : "", key, body.length);
        text_add(&posting.requests[i], body.data, body.length);
    }
    text_free(&body);
}

// --- connections

_Noreturn static void stop(const char *what)
{
    fprintf(stderr, "bench_post: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void want(struct connection *connection, int operation, uint32_t events)
{
    struct epoll_event wanted = {.events = events, .data.ptr = connection};
    if (epoll_ctl(posting.poll, operation, connection->descriptor, &wanted)) stop("epoll_ctl");
}

static void connection_open(struct connection *connection, int port)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connection->descriptor < 0 ||
        connect(connection->descriptor, (const struct sockaddr *)&server, sizeof server) ||
        setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on))
        stop("connect");
    want(connection, EPOLL_CTL_ADD, EPOLLIN);
    connection->next_free = posting.free;
    posting.free = connection;
}

static void send_on(struct connection *connection)
{
    const struct text *request = connection->request;
    while (connection->sent < request->length) {
        ssize_t count = send(connection->descriptor, request->data + connection->sent,
                             request->length - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0 && errno == EAGAIN) {
            want(connection, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return;
        }
        if (count < 0) stop("send");
        bool resumed = connection->sent > 0;
        connection->sent += (size_t)count;
        if (resumed && connection->sent == request->length) want(connection, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void request_begin(struct connection *connection, int64_t due_us)
{
    connection->request = &posting.requests[posting.sent++ % REQUESTS];
    connection->due_us = due_us;
    connection->sent = connection->answered = 0;
    posting.waiting++;
    send_on(connection);
}

// --- answers

// Bytes of the whole answer at the connection, 0: not there yet.
static size_t answer_length(const struct connection *connection)
{
    const char *answer = connection->answer, *end = strstr(answer, "\r\n\r\n");
    if (!end) return 0;
    const char *length = strcasestr(answer, "\r\nContent-Length:");
    size_t whole = (size_t)(end - answer) + 4;
    if (length && length < end) whole += strtoul(length + 17, NULL, 10);
    return whole <= connection->answered ? whole : 0;
}

static void answer_note(const struct connection *connection)
{
    bool accepted = strncmp(connection->answer, "HTTP/1.1 204", 12) == 0;
    if (!accepted && posting.failed++ == 0) fprintf(stderr, "bench_post: %s\n", connection->answer);
    if (posting.latency_count == posting.latency_room) {
        posting.latency_room = posting.latency_room ? posting.latency_room * 2 : 65536;
        posting.latencies = heap_grow(posting.latencies, sizeof *posting.latencies, posting.latency_room);
    }
    posting.latencies[posting.latency_count++] = (uint32_t)(clock_monotonic_us() - connection->due_us);
}

static void answer_read(struct connection *connection)
{
    size_t room = ANSWER_MAX - 1 - connection->answered;
    ssize_t count = recv(connection->descriptor, connection->answer + connection->answered, room, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0 || !connection->request) stop("the server closed a connection");
    connection->answered += (size_t)count;
    connection->answer[connection->answered] = 0;
    if (!answer_length(connection)) {
        if (connection->answered == ANSWER_MAX - 1) stop("the answer is too long");
        return;
    }
    answer_note(connection);
    connection->request = NULL;
    posting.waiting--;
    int64_t now_us = clock_monotonic_us();
    if (posting.rate == 0 && now_us < posting.end_us) {
        request_begin(connection, now_us);
        return;
    }
    connection->next_free = posting.free;
    posting.free = connection;
}

// --- running

// When the next request of the timetable is due; INT64_MAX: there is none any more.
static int64_t next_due_us(void)
{
    if (posting.rate == 0) return INT64_MAX;
    int64_t due_us = posting.begin_us + posting.sent * SECOND_US / posting.rate;
    return due_us < posting.end_us ? due_us : INT64_MAX;
}

static void send_due(int64_t now_us)
{
    for (int64_t due_us = next_due_us(); posting.free && due_us <= now_us; due_us = next_due_us()) {
        struct connection *connection = posting.free;
        posting.free = connection->next_free;
        request_begin(connection, due_us);
    }
}

static void wait_for_answers(int64_t now_us)
{
    struct epoll_event ready[READY_MAX];
    int64_t wait_us = DRAIN_MS * INT64_C(1000), due_us = next_due_us();
    if (posting.free && due_us < now_us + wait_us) wait_us = due_us > now_us ? due_us - now_us : 0;
    const struct timespec wait = {.tv_sec = wait_us / SECOND_US, .tv_nsec = wait_us % SECOND_US * 1000};
    int count = epoll_pwait2(posting.poll, ready, READY_MAX, &wait, NULL);
    if (count < 0) stop("epoll_pwait2");
    for (int i = 0; i < count; i++) {
        struct connection *connection = ready[i].data.ptr;
        if (ready[i].events & EPOLLOUT && connection->request) send_on(connection);
        if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) answer_read(connection);
    }
}

static void run(int64_t seconds)
{
    posting.begin_us = clock_monotonic_us();
    posting.end_us = posting.begin_us + seconds * SECOND_US;
    for (; posting.rate == 0 && posting.free; posting.free = posting.free->next_free)
        request_begin(posting.free, posting.begin_us);
    while (posting.waiting > 0 || next_due_us() != INT64_MAX) {
        int64_t now_us = clock_monotonic_us();
        if (now_us > posting.end_us + DRAIN_MS * INT64_C(1000)) stop("answers do not come");
        send_due(now_us);
        wait_for_answers(now_us);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(int events)
{
    double seconds = (double)(clock_monotonic_us() - posting.begin_us) / 1e6;
    size_t count = posting.latency_count;
    qsort(posting.latencies, count, sizeof *posting.latencies, compare);
    printf("requests=%zu\nevents=%zu\nfailed=%lld\nseconds=%.6f\n", count, count * (size_t)events,
           (long long)posting.failed, seconds);
    printf("p50_us=%u\np99_us=%u\nmax_us=%u\n", posting.latencies[count / 2], posting.latencies[count * 99 / 100],
           posting.latencies[count - 1]);
}

int main(int argc, char **argv)
{
    struct text key = {0};
    struct fault fault = {0};
    int numbers[6] = {0};
    for (int i = 0; i < 6 && i + 1 < argc; i++)
        numbers[i] = atoi(argv[i + 1]);
    enum { PORT, CONNECTIONS, SECONDS, RATE, EVENTS, TENANTS };
    if (argc < 7 || argc > 8 || numbers[CONNECTIONS] < 1 || numbers[CONNECTIONS] > CONNECTIONS_MAX ||
        numbers[SECONDS] < 1 || numbers[RATE] < 0 || numbers[EVENTS] < 1 || numbers[TENANTS] < 1) {
        fputs("usage: bench_post PORT CONNECTIONS SECONDS RATE EVENTS TENANTS [KEYFILE]\n", stderr);
        return 64;
    }
    if (argc == 8 && file_read(argv[7], KEY_MAX, &key, &fault)) {
        fprintf(stderr, "bench_post: %s\n", fault.reason);
        return 1;
    }
    if (key.data) key.data[strcspn(key.data, "\r\n")] = 0;
    struct workload *workload = workload_new(numbers[TENANTS], clock_now(clock_system()));
    requests_make(workload, numbers[EVENTS], key.data ? key.data : "none");
    posting.rate = numbers[RATE];
    posting.poll = epoll_create1(0);
    for (int i = 0; i < numbers[CONNECTIONS]; i++)
        connection_open(&posting.connections[i], numbers[PORT]);
    run(numbers[SECONDS]);
    report(numbers[EVENTS]);
    workload_free(workload);
    text_free(&key);
    for (int i = 0; i < REQUESTS; i++)
        text_free(&posting.requests[i]);
    free(posting.latencies);
    return posting.failed > 0;
}
