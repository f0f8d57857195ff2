// SPDX-License-Identifier: Apache-2.0
// What the files of the HTTP server share. Nobody else includes this.
//   http.c             server: listening, accepting, running, draining
//   http_connection.c  one client's connection: bytes in, requests in order, answers out, deadlines
//   http_call.c        one request from its first byte to its answer; accessors of the public request
//   http_reply.c       answers and problems as bytes
//   http_mailbox.c     answers from other threads back to the loop
//   http_worker.c      threads that run the handler
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "common/http_parse.h"
#include "common/instant.h"
#include "common/loop.h"

enum {
    HTTP_PIPELINE_MAX = 32,       // requests of one connection that wait for their answer; then we stop reading
    HTTP_PEER_MAX = 64,           // "[ipv6]:port"
    HTTP_READ_BYTES = 64 * 1024,  // one read(2)
    HTTP_KEEP_BYTES = 256 * 1024, // larger buffers are not kept for reuse
    HTTP_SPARE_CALLS_MAX = 128,
    HTTP_LINGER_BYTES_MAX = 32 * 1024 * 1024, // thrown away after our last answer, so that the client can read it
};
#define HTTP_IDLE_US (60 * SECOND_US)     // a kept connection without a request
#define HTTP_OUTPUT_US (30 * SECOND_US)   // the whole pending output must be taken within
#define HTTP_LINGER_US (2 * SECOND_US)    // after our last answer
#define HTTP_ACCEPT_PAUSE_US (200 * 1000) // when no descriptor or connection is left
#define HTTP_DRAIN_US (10 * SECOND_US)    // from stop to the end of http_server_run

struct http_connection;
struct http_server;

// The handler has it from dispatch to http_answer; before and after, it belongs to the loop thread. So the fields need
// no lock except `answered`, which catches a second answer.
struct http_call {
    struct http_request request; // request.handle points back here
    struct http_message message;
    struct arena *arena;
    struct text reply_head, reply_body; // reply_head lacks Date, Connection and the blank line
    bool reply_ready;                   // loop thread: may be sent as soon as it is first on its connection
    bool closes;                        // the connection ends with this answer
    atomic_bool answered;
    struct http_connection *connection; // loop thread only; NULL: the client went away
    struct http_mailbox *mailbox;
    struct http_call *next;        // on the connection, in the order of arrival; or in the server's spares
    struct http_call *next_queued; // in the mailbox or in the workers' queue
    char peer[HTTP_PEER_MAX];
};

// --- http_call.c
struct http_call *http_call_new(struct http_server *server);
void http_call_release(struct http_server *server, struct http_call *call); // loop thread
void http_call_free(struct http_call *call);                                // any thread
void http_call_present(struct http_call *call); // fills the public request from the parsed message

// --- http_reply.c
void http_reply_build(struct http_call *call, const struct http_reply *reply);
void http_reply_problem(struct http_call *call, int status, const char *code, const char *detail, const char *members);
void http_reply_refusal(struct http_call *call, int status, const char *detail); // of the guard: code from the status
void http_date_print(instant_us now, char out[32]);                              // IMF-fixdate of RFC 9110

// --- http_mailbox.c: outlives the server while calls are out
struct http_mailbox;
struct http_mailbox *http_mailbox_new(int wake_descriptor);
void http_mailbox_hold(struct http_mailbox *mailbox); // one per call handed out
void http_mailbox_drop(struct http_mailbox *mailbox);
void http_mailbox_post(struct http_mailbox *mailbox, struct http_call *call); // any thread; frees the call if closed
struct http_call *http_mailbox_take(struct http_mailbox *mailbox);            // all, linked by next_queued
void http_mailbox_close(struct http_mailbox *mailbox); // drops the server's hold; the wake descriptor is unused then

// --- http_worker.c
struct http_workers;
enum err http_workers_open(const struct http_options *options, http_handler *handler, void *context,
                           struct http_workers **workers, struct fault *fault) MUST_USE;
void http_workers_push(struct http_workers *workers, struct http_call *call);
void http_workers_close(struct http_workers *workers); // finishes the calls being handled, frees those still queued
// With all signals blocked: they go to the main thread.
enum err thread_start(pthread_t *thread, void *(*body)(void *), void *context, struct fault *fault) MUST_USE;

// --- http_connection.c
void http_connection_open(struct http_server *server, int descriptor, const char *peer);
void http_connection_answered(struct http_connection *connection); // one of its calls got its answer; loop thread
void http_connection_drain(struct http_connection *connection);    // the server stops: finish what has begun
void http_connection_free(struct http_connection *connection);
struct http_connection *http_connection_next(const struct http_connection *connection);

// --- http.c
struct http_server {
    struct http_options options;
    http_handler *handler;
    void *context;
    struct loop *loop;
    int listener, port, wake_descriptor;
    struct loop_watch *listener_watch, *wake_watch;
    struct loop_timer *accept_timer, *stop_timer;
    struct http_watched *watched; // http_server_watch and http_server_every
    struct http_mailbox *mailbox;
    struct http_workers *workers;
    struct http_connection *connections;
    int connection_count, calls_out; // calls_out: received or handled, not released yet
    struct http_call *spares;
    int spare_count;
    atomic_bool stop_wanted;
    bool draining;
    bool heeds_signals;      // process_stop stops it, too
    int64_t drain_end_us;    // monotonic
    int64_t limit_logged_us; // monotonic; the limit is logged at most every 10 s
    char scratch[HTTP_READ_BYTES];
    int64_t date_second;
    char date[32];
};
const char *http_server_date(struct http_server *server);
void http_server_deliver(struct http_call *call); // a call with its reply built, from any thread
void http_server_count_refusal(struct http_server *server);
void http_server_check_drained(struct http_server *server); // a call or a connection is gone: was it the last?
void http_server_connection_gone(struct http_server *server);
