// SPDX-License-Identifier: Apache-2.0
// One client's connection, on the loop thread: bytes in, requests in the order of arrival, answers out in the same
// order, and the deadlines, which the connection owns. Every way in (ready, timer, answered, drain) ends in
// connection_settle(), which alone sends, waits for the next thing, or frees.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/http_internal.h"

enum connection_phase {
    CONNECTION_OPEN,      // takes requests
    CONNECTION_FINISHING, // takes no more; answers still go out
    CONNECTION_LINGERING, // all is sent; what comes is thrown away until the client closes
    CONNECTION_DEAD       // connection_settle frees it
};

struct http_connection {
    struct http_server *server;
    struct http_connection *previous, *next;
    enum connection_phase phase;
    bool busy;  // between a way in and the end of connection_settle: an answer given meanwhile is only noted
    bool ended; // the client sends no more
    int descriptor;
    struct loop_watch *watch;
    struct loop_timer *timer;
    struct http_call *receiving; // NULL between requests
    struct http_call *first_waiting, *last_waiting;
    int waiting;
    size_t waiting_bytes; // of bodies
    struct text unread;   // received, but not parsed because of a pause
    size_t unread_taken;
    struct text out;
    size_t out_sent;
    // Monotonic; which of them counts follows from the state (connection_deadline).
    int64_t receive_deadline_us, idle_deadline_us, output_deadline_us, linger_deadline_us;
    int64_t armed_us; // when the timer fires; 0: not set
    size_t lingered_bytes;
    char peer[HTTP_PEER_MAX];
};

static void connection_settle(struct http_connection *connection);

// The phase only moves forward.
static void connection_move(struct http_connection *connection, enum connection_phase phase)
{
    if (connection->phase == CONNECTION_DEAD) return;
    ENSURE(phase >= connection->phase);
    connection->phase = phase;
}

// --- requests in

// With workers one request at a time: two requests of one connection must not overtake each other.
static int pipeline_limit(const struct http_connection *connection)
{
    return connection->server->workers ? 1 : HTTP_PIPELINE_MAX;
}

static bool paused(const struct http_connection *connection)
{
    return connection->waiting >= pipeline_limit(connection) || connection->out.length > 0 ||
           connection->waiting_bytes > connection->server->options.max_body_bytes;
}

static void append_waiting(struct http_connection *connection, struct http_call *call)
{
    call->next = NULL;
    if (connection->first_waiting)
        connection->last_waiting->next = call;
    else
        connection->first_waiting = call;
    connection->last_waiting = call;
    connection->waiting++;
    connection->waiting_bytes += call->message.body.length;
}

static void begin_receiving(struct http_connection *connection)
{
    struct http_call *call = http_call_new(connection->server);
    call->connection = connection;
    memcpy(call->peer, connection->peer, sizeof call->peer);
    connection->receiving = call;
    connection->receive_deadline_us =
        clock_monotonic_us() + INT64_C(1000) * connection->server->options.request_timeout_ms;
}

static void drop_receiving(struct http_connection *connection)
{
    if (connection->receiving) http_call_release(connection->server, connection->receiving);
    connection->receiving = NULL;
}

static void dispatch(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    struct http_call *call = connection->receiving;
    connection->receiving = NULL;
    append_waiting(connection, call);
    http_call_present(call);
    if (call->message.closes || server->draining) {
        call->closes = true;
        connection_move(connection, CONNECTION_FINISHING);
    }
    if (server->workers)
        http_workers_push(server->workers, call);
    else
        server->handler(server->context, &call->request);
}

static void refuse(struct http_connection *connection, int status, const char *reason)
{
    struct http_call *call = connection->receiving;
    connection->receiving = NULL;
    call->message.phase = HTTP_PHASE_REFUSED;
    append_waiting(connection, call);
    http_reply_refusal(call, status, reason);
    call->reply_ready = true;
    http_server_count_refusal(connection->server);
    connection_move(connection, CONNECTION_FINISHING);
}

// Parses until the bytes end, a pause begins or the connection takes no more. Returns how many bytes were taken.
static size_t feed(struct http_connection *connection, const char *data, size_t length)
{
    size_t used = 0;
    while (used < length && connection->phase == CONNECTION_OPEN && !paused(connection)) {
        if (!connection->receiving) begin_receiving(connection);
        struct http_message *message = &connection->receiving->message;
        size_t taken = 0;
        enum http_progress progress =
            http_message_take(message, connection->server->options.max_body_bytes, data + used, length - used, &taken);
        used += taken;
        if (progress == HTTP_COMPLETE) dispatch(connection);
        if (progress == HTTP_REFUSED) refuse(connection, message->status, message->reason);
    }
    return used;
}

// True if something was parsed, so that there may be answers to send.
static bool feed_unread(struct http_connection *connection)
{
    struct text *unread = &connection->unread;
    if (unread->length == 0 || connection->phase != CONNECTION_OPEN || paused(connection)) return false;
    const char *rest = unread->data + connection->unread_taken;
    connection->unread_taken += feed(connection, rest, unread->length - connection->unread_taken);
    if (connection->unread_taken == unread->length) {
        text_free(unread);
        connection->unread_taken = 0;
    }
    return true;
}

static void received(struct http_connection *connection, size_t length)
{
    const char *data = connection->server->scratch;
    if (connection->phase == CONNECTION_OPEN) {
        size_t used = feed(connection, data, length);
        if (used < length && connection->phase == CONNECTION_OPEN)
            text_add(&connection->unread, data + used, length - used);
    } else if (connection->phase == CONNECTION_LINGERING) {
        connection->lingered_bytes += length;
        if (connection->lingered_bytes > HTTP_LINGER_BYTES_MAX) connection_move(connection, CONNECTION_DEAD);
    }
}

// The client sends no more. A request that it had begun never happened; those that wait are answered.
static void received_end(struct http_connection *connection)
{
    connection->ended = true;
    drop_receiving(connection);
    connection_move(connection, connection->phase == CONNECTION_LINGERING ? CONNECTION_DEAD : CONNECTION_FINISHING);
}

static void connection_read(struct http_connection *connection)
{
    ssize_t got = recv(connection->descriptor, connection->server->scratch, HTTP_READ_BYTES, 0);
    if (got > 0)
        received(connection, (size_t)got);
    else if (got == 0)
        received_end(connection);
    else if (errno != EAGAIN && errno != EINTR)
        connection_move(connection, CONNECTION_DEAD);
}

// --- answers out

static void append_answer(struct http_connection *connection, struct http_call *call)
{
    struct text *out = &connection->out;
    text_add(out, call->reply_head.data, call->reply_head.length);
    text_add_string(out, "Date: ");
    text_add_string(out, http_server_date(connection->server));
    text_add_string(out, call->closes ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
    text_add(out, call->reply_body.data, call->reply_body.length);
}

static void flush_answers(struct http_connection *connection)
{
    while (connection->first_waiting && connection->first_waiting->reply_ready) {
        struct http_call *call = connection->first_waiting;
        connection->first_waiting = call->next;
        if (!call->next) connection->last_waiting = NULL;
        connection->waiting--;
        connection->waiting_bytes -= call->message.body.length;
        append_answer(connection, call);
        http_call_release(connection->server, call);
    }
    struct http_call *receiving = connection->receiving;
    if (receiving && receiving->message.phase == HTTP_PHASE_BODY && receiving->message.expects_continue &&
        connection->waiting == 0) {
        receiving->message.expects_continue = false; // once
        if (receiving->message.body.length == 0) text_add_string(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
}

static void output_done(struct http_connection *connection)
{
    if (connection->out.capacity > HTTP_KEEP_BYTES)
        text_free(&connection->out);
    else
        text_clear(&connection->out);
    connection->out_sent = 0;
    connection->output_deadline_us = 0;
    connection->idle_deadline_us = clock_monotonic_us() + HTTP_IDLE_US;
}

static void send_output(struct http_connection *connection)
{
    struct text *out = &connection->out;
    if (out->length == 0) return;
    while (connection->out_sent < out->length) {
        ssize_t sent = send(connection->descriptor, out->data + connection->out_sent,
                            out->length - connection->out_sent, MSG_NOSIGNAL);
        if (sent >= 0) {
            connection->out_sent += (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!connection->output_deadline_us) connection->output_deadline_us = clock_monotonic_us() + HTTP_OUTPUT_US;
            return;
        } else if (errno != EINTR) {
            connection_move(connection, CONNECTION_DEAD);
            return;
        }
    }
    output_done(connection);
}

// --- waiting for the next thing

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t connection_deadline(const struct http_connection *connection)
{
    if (connection->phase == CONNECTION_LINGERING) return connection->linger_deadline_us;
    int64_t deadline = INT64_MAX; // a handler may take its time
    bool sending = connection->out.length > 0;
    if (sending) deadline = connection->output_deadline_us;
    if (connection->receiving) deadline = earlier(deadline, connection->receive_deadline_us);
    if (!sending && !connection->receiving && !connection->waiting) deadline = connection->idle_deadline_us;
    return deadline;
}

// The timer is only set earlier, never later: most requests do not touch it, and when it fires too soon it is set
// again.
static void arm_timer(struct http_connection *connection)
{
    int64_t deadline = connection_deadline(connection);
    if (deadline == INT64_MAX || (connection->armed_us && connection->armed_us <= deadline)) return;
    connection->armed_us = deadline;
    loop_timer_once(connection->timer, deadline - clock_monotonic_us());
}

static void start_lingering(struct http_connection *connection)
{
    // Closing at once would reset the connection if the client is still sending, and it might never see the answer.
    if (connection->ended || shutdown(connection->descriptor, SHUT_WR) < 0) {
        connection_move(connection, CONNECTION_DEAD);
        return;
    }
    connection_move(connection, CONNECTION_LINGERING);
    connection->linger_deadline_us = clock_monotonic_us() + HTTP_LINGER_US;
}

static void await_next(struct http_connection *connection)
{
    bool open = connection->phase == CONNECTION_OPEN;
    bool reads =
        connection->phase == CONNECTION_LINGERING || (open && !paused(connection) && connection->unread.length == 0);
    if (loop_watch_want(connection->watch, reads, connection->out.length > 0))
        connection_move(connection, CONNECTION_DEAD);
    else
        arm_timer(connection);
}

static void connection_settle(struct http_connection *connection)
{
    do {
        flush_answers(connection);
        send_output(connection);
    } while (feed_unread(connection));
    if (connection->phase == CONNECTION_FINISHING && connection->waiting == 0 && connection->out.length == 0)
        start_lingering(connection);
    if (connection->phase != CONNECTION_DEAD) await_next(connection);
    connection->busy = false;
    if (connection->phase == CONNECTION_DEAD) http_connection_free(connection);
}

// --- ways in

static void connection_ready(void *context, bool readable, bool writable)
{
    (void)writable; // connection_settle tries to send in any case
    struct http_connection *connection = context;
    connection->busy = true;
    if (readable) connection_read(connection);
    connection_settle(connection);
}

static void connection_timer(void *context)
{
    struct http_connection *connection = context;
    connection->busy = true;
    connection->armed_us = 0;
    int64_t now = clock_monotonic_us();
    if (connection_deadline(connection) <= now) {
        bool output_late = connection->out.length > 0 && connection->output_deadline_us <= now;
        if (connection->phase == CONNECTION_OPEN && connection->receiving && !output_late)
            refuse(connection, 408, "the request did not arrive in time");
        else
            connection_move(connection, CONNECTION_DEAD);
    }
    connection_settle(connection);
}

void http_connection_answered(struct http_connection *connection)
{
    if (connection->busy) return; // connection_settle, further up, sends it
    connection->busy = true;
    connection_settle(connection);
}

void http_connection_drain(struct http_connection *connection)
{
    connection->busy = true;
    if (connection->phase == CONNECTION_OPEN && !connection->receiving) {
        // Bytes that were not looked at yet are requests that never happened.
        bool idle = connection->waiting == 0 && connection->out.length == 0;
        if (connection->last_waiting) connection->last_waiting->closes = true;
        connection_move(connection, idle ? CONNECTION_DEAD : CONNECTION_FINISHING);
    } else if (connection->phase == CONNECTION_LINGERING) {
        connection_move(connection, CONNECTION_DEAD);
    }
    connection_settle(connection);
}

struct http_connection *http_connection_next(const struct http_connection *connection)
{
    return connection->next;
}

void http_connection_open(struct http_server *server, int descriptor, const char *peer)
{
    struct http_connection *connection = heap_alloc(sizeof *connection);
    connection->server = server;
    connection->descriptor = descriptor;
    memcpy(connection->peer, peer, sizeof connection->peer);
    connection->watch = loop_watch_new(server->loop, descriptor, connection_ready, connection);
    connection->timer = loop_timer_new(server->loop, connection_timer, connection);
    connection->idle_deadline_us = clock_monotonic_us() + INT64_C(1000) * server->options.request_timeout_ms;
    connection->next = server->connections;
    if (connection->next) connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
    connection->busy = true;
    connection_settle(connection);
}

void http_connection_free(struct http_connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    drop_receiving(connection);
    while (connection->first_waiting) {
        struct http_call *call = connection->first_waiting;
        connection->first_waiting = call->next;
        call->connection = NULL; // the late answer finds nobody and is dropped
        if (call->reply_ready) http_call_release(server, call);
    }
    loop_watch_free(connection->watch);
    loop_timer_free(connection->timer);
    (void)close(connection->descriptor);
    text_free(&connection->unread);
    text_free(&connection->out);
    free(connection);
    server->connection_count--;
    http_server_connection_gone(server);
}
