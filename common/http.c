// SPDX-License-Identifier: Apache-2.0
// The HTTP server: opening, accepting, delivering answers, running and draining. One loop thread owns everything here;
// other threads come in only by http_server_deliver (through the mailbox) and http_server_stop.
#include "common/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_internal.h"
#include "common/log.h"
#include "common/metric.h"

enum {
    ACCEPTS_PER_TURN = 64, // so that a flood of connections does not starve those that are open
    STOP_CHECK_US = 50 * 1000,
    DEFAULT_TIMEOUT_MS = 30 * 1000,
    DEFAULT_CONNECTIONS = 1024,
};
#define LIMIT_LOG_US (10 * SECOND_US)

struct http_watched {
    struct http_watched *next;
    int descriptor; // -1: a timer
    struct loop_watch *watch;
    struct loop_timer *timer;
    void (*called)(void *context);
    void *context;
};

// The server whose loop this thread runs, so that an answer on the loop thread needs no mailbox.
static _Thread_local struct http_server *running_server;

static struct {
    struct metric *requests, *refused, *connections, *pauses;
} metrics;

static void register_metrics(void)
{
    metrics.requests = metric_register(METRIC_COUNTER, "turnpike_http_answers_total", "", "HTTP answers given.");
    metrics.refused = metric_register(METRIC_COUNTER, "turnpike_http_refused_total", "",
                                      "HTTP requests refused before a handler saw them.");
    metrics.connections = metric_register(METRIC_GAUGE, "turnpike_http_connections", "", "Open HTTP connections.");
    metrics.pauses = metric_register(METRIC_COUNTER, "turnpike_http_accept_pauses_total", "",
                                     "Pauses of 200 ms because no connection or descriptor was left.");
}

// --- answers

void http_server_count_refusal(struct http_server *server)
{
    (void)server;
    metric_add(metrics.refused, 1);
    metric_add(metrics.requests, 1);
}

static void deliver_on_loop(struct http_server *server, struct http_call *call)
{
    metric_add(metrics.requests, 1);
    call->reply_ready = true;
    if (call->connection)
        http_connection_answered(call->connection);
    else
        http_call_release(server, call);
}

void http_server_deliver(struct http_call *call)
{
    struct http_server *server = running_server;
    if (server && server->mailbox == call->mailbox)
        deliver_on_loop(server, call);
    else
        http_mailbox_post(call->mailbox, call);
}

const char *http_server_date(struct http_server *server)
{
    instant_us now = clock_now(clock_system());
    if (now / SECOND_US != server->date_second) {
        server->date_second = now / SECOND_US;
        http_date_print(now, server->date);
    }
    return server->date;
}

// --- accepting

static void want_accepting(struct http_server *server, bool wanted)
{
    if (server->listener < 0) return;
    ENSURE(loop_watch_want(server->listener_watch, wanted, false) == ERR_OK);
}

static void accept_again(void *context)
{
    want_accepting(context, true);
}

static void pause_accepting(struct http_server *server, const char *reason)
{
    want_accepting(server, false);
    loop_timer_once(server->accept_timer, HTTP_ACCEPT_PAUSE_US);
    metric_add(metrics.pauses, 1);
    int64_t now = clock_monotonic_us();
    if (server->limit_logged_us && now - server->limit_logged_us < LIMIT_LOG_US) return;
    server->limit_logged_us = now;
    log_warn("http_accept_paused", LOG_TEXT("reason", reason), LOG_INT("connections", server->connection_count));
}

static void print_peer(const struct sockaddr_storage *address, char out[HTTP_PEER_MAX])
{
    char host[INET6_ADDRSTRLEN] = "?";
    struct text peer = {0};
    if (address->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        (void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof host);
        text_print(&peer, "%s:%d", host, ntohs(v4.sin_port));
    } else {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        (void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof host);
        text_print(&peer, "[%s]:%d", host, ntohs(v6.sin6_port));
    }
    ENSURE(peer.length < HTTP_PEER_MAX);
    memcpy(out, peer.data, peer.length + 1);
    text_free(&peer);
}

// False: enough for this turn.
static bool accept_one(struct http_server *server)
{
    if (server->connection_count >= server->options.max_connections) {
        pause_accepting(server, "connection limit");
        return false;
    }
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int descriptor = accept4(server->listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_accepting(server, strerror(errno));
        return errno == EINTR || errno == ECONNABORTED;
    }
    int one = 1; // answers are whole: do not wait for more bytes to fill a packet
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    char peer[HTTP_PEER_MAX] = "";
    print_peer(&address, peer);
    metric_add(metrics.connections, 1);
    http_connection_open(server, descriptor, peer);
    return true;
}

static void listener_ready(void *context, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct http_server *server = context;
    for (int i = 0; i < ACCEPTS_PER_TURN && accept_one(server); i++)
        continue;
}

// --- stopping

void http_server_check_drained(struct http_server *server)
{
    if (server->draining && server->connection_count == 0 && server->calls_out == 0) loop_stop(server->loop);
}

void http_server_connection_gone(struct http_server *server)
{
    metric_add(metrics.connections, -1);
    http_server_check_drained(server);
}

static void close_listener(struct http_server *server)
{
    if (server->listener < 0) return;
    loop_watch_free(server->listener_watch);
    server->listener_watch = NULL;
    (void)close(server->listener);
    server->listener = -1;
}

static void begin_drain(struct http_server *server)
{
    if (server->draining) return;
    server->draining = true;
    server->drain_end_us = clock_monotonic_us() + HTTP_DRAIN_US;
    close_listener(server);
    for (struct http_connection *connection = server->connections, *next; connection; connection = next) {
        next = http_connection_next(connection);
        http_connection_drain(connection);
    }
    http_server_check_drained(server);
}

static void stop_check(void *context)
{
    struct http_server *server = context;
    if (server->heeds_signals && process_stop) begin_drain(server);
    if (!server->draining) return;
    bool late = clock_monotonic_us() >= server->drain_end_us;
    if (late)
        log_warn("http_drain_cut", LOG_INT("connections", server->connection_count),
                 LOG_INT("requests", server->calls_out));
    if (late || (server->heeds_signals && process_stop_now)) loop_stop(server->loop);
}

static void wake_ready(void *context, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct http_server *server = context;
    uint64_t count;
    ENSURE(read(server->wake_descriptor, &count, sizeof count) > 0 || errno == EAGAIN || errno == EINTR);
    for (struct http_call *call = http_mailbox_take(server->mailbox), *next; call; call = next) {
        next = call->next_queued;
        deliver_on_loop(server, call);
    }
    if (atomic_load(&server->stop_wanted)) begin_drain(server);
}

void http_server_stop(struct http_server *server)
{
    uint64_t one = 1;
    atomic_store(&server->stop_wanted, true);
    ENSURE(write(server->wake_descriptor, &one, sizeof one) > 0 || errno == EAGAIN);
}

void http_server_run(struct http_server *server)
{
    ENSURE(!running_server && !server->draining); // one loop per thread, and a server runs once
    running_server = server;
    want_accepting(server, true);
    loop_timer_every(server->stop_timer, STOP_CHECK_US);
    loop_run(server->loop);
    running_server = NULL;
}

// --- opening and freeing

static enum err listen_at(struct http_server *server, const char *place, struct fault *fault)
{
    const struct http_options *options = &server->options;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
    char port[16];
    ENSURE(snprintf(port, sizeof port, "%d", options->port) < (int)sizeof port);
    int failed = getaddrinfo(options->host, port, &hints, &found);
    if (failed) return fault_set(fault, ERR_INVALID, place, "no such host or port: %s", gai_strerror(failed));
    int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    bool ok = descriptor >= 0 && setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
              bind(descriptor, found->ai_addr, found->ai_addrlen) == 0 && listen(descriptor, SOMAXCONN) == 0;
    int reason = errno;
    freeaddrinfo(found);
    if (ok) {
        server->listener = descriptor;
        return ERR_OK;
    }
    if (descriptor >= 0) (void)close(descriptor);
    if (reason == EADDRINUSE)
        return fault_set(fault, ERR_CONFLICT, place, "the address is in use: is another instance running?");
    bool ours = reason == EACCES || reason == EADDRNOTAVAIL;
    return fault_set(fault, ours ? ERR_INVALID : ERR_RETRY, place, "cannot listen: %s", strerror(reason));
}

static int bound_port(int listener)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    ENSURE(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    return ntohs(address.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
}

static enum err server_start(struct http_server *server, struct fault *fault)
{
    char place[FAULT_PLACE_MAX];
    if (snprintf(place, sizeof place, "%s:%d", server->options.host, server->options.port) < 0) place[0] = 0;
    enum err err = listen_at(server, place, fault);
    if (err) return err;
    server->port = bound_port(server->listener);
    err = loop_open(&server->loop, fault);
    if (err) return err;
    server->wake_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (server->wake_descriptor < 0) return fault_set(fault, ERR_RETRY, place, "no descriptor left for a wake-up");
    server->mailbox = http_mailbox_new(server->wake_descriptor);
    server->listener_watch = loop_watch_new(server->loop, server->listener, listener_ready, server);
    server->wake_watch = loop_watch_new(server->loop, server->wake_descriptor, wake_ready, server);
    ENSURE(loop_watch_want(server->wake_watch, true, false) == ERR_OK);
    server->accept_timer = loop_timer_new(server->loop, accept_again, server);
    server->stop_timer = loop_timer_new(server->loop, stop_check, server);
    if (server->options.workers <= 0) return ERR_OK;
    return http_workers_open(&server->options, server->handler, server->context, &server->workers, fault);
}

enum err http_server_open(const struct http_options *options, http_handler *handler, void *context,
                          struct http_server **server, struct fault *fault)
{
    struct http_server *made = heap_alloc(sizeof *made);
    made->options = *options;
    if (made->options.request_timeout_ms <= 0) made->options.request_timeout_ms = DEFAULT_TIMEOUT_MS;
    if (made->options.max_connections <= 0) made->options.max_connections = DEFAULT_CONNECTIONS;
    made->handler = handler;
    made->context = context;
    made->listener = made->wake_descriptor = -1;
    made->heeds_signals = true;
    register_metrics();
    enum err err = server_start(made, fault);
    if (err)
        http_server_free(made);
    else
        *server = made;
    return err;
}

int http_server_port(const struct http_server *server)
{
    return server->port;
}

static void watched_remove(struct http_watched **link)
{
    struct http_watched *watched = *link;
    *link = watched->next;
    loop_watch_free(watched->watch);
    loop_timer_free(watched->timer);
    free(watched);
}

void http_server_free(struct http_server *server)
{
    if (!server) return;
    server->draining = false; // the loop has ended: nothing left to stop
    while (server->connections)
        http_connection_free(server->connections); // first: they know calls that workers have
    http_workers_close(server->workers);
    if (server->mailbox) http_mailbox_close(server->mailbox);
    while (server->spares) {
        struct http_call *call = server->spares;
        server->spares = call->next;
        http_call_free(call);
    }
    while (server->watched)
        watched_remove(&server->watched);
    close_listener(server);
    loop_watch_free(server->wake_watch);
    loop_timer_free(server->accept_timer);
    loop_timer_free(server->stop_timer);
    loop_close(server->loop);
    if (server->wake_descriptor >= 0) (void)close(server->wake_descriptor);
    free(server);
}

// --- what else the loop thread does

static struct http_watched *watched_new(struct http_server *server, void (*called)(void *context), void *context)
{
    struct http_watched *watched = heap_alloc(sizeof *watched);
    watched->descriptor = -1;
    watched->called = called;
    watched->context = context;
    watched->next = server->watched;
    server->watched = watched;
    return watched;
}

static void watched_ready(void *context, bool readable, bool writable)
{
    (void)readable;
    (void)writable;
    struct http_watched *watched = context;
    watched->called(watched->context);
}

static void watched_fired(void *context)
{
    struct http_watched *watched = context;
    watched->called(watched->context);
}

enum err http_server_watch(struct http_server *server, int descriptor, void (*readable)(void *context), void *context)
{
    struct http_watched *watched = watched_new(server, readable, context);
    watched->descriptor = descriptor;
    watched->watch = loop_watch_new(server->loop, descriptor, watched_ready, watched);
    enum err err = loop_watch_want(watched->watch, true, false);
    if (err) watched_remove(&server->watched);
    return err;
}

void http_server_unwatch(struct http_server *server, int descriptor)
{
    ENSURE(descriptor >= 0);
    for (struct http_watched **link = &server->watched; *link; link = &(*link)->next) {
        if ((*link)->descriptor != descriptor) continue;
        watched_remove(link);
        return;
    }
}

enum err http_server_every(struct http_server *server, int period_ms, void (*tick)(void *context), void *context)
{
    if (period_ms <= 0) return ERR_INVALID;
    struct http_watched *watched = watched_new(server, tick, context);
    watched->timer = loop_timer_new(server->loop, watched_fired, watched);
    loop_timer_every(watched->timer, INT64_C(1000) * period_ms);
    return ERR_OK;
}
