// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 server with a strict parser of its own (http_parse.h): one loop thread and, if wanted, worker threads.
// The guard refuses before any handler sees the request: duplicate or malformed Content-Length, any Transfer-Encoding
// (411 if chunked, else 400 or 501), header names with spaces or other illegal bytes, control bytes in values, folded
// headers, bare LF, missing or double Host, more than 100 headers or 16 KiB of them (431), targets over 8 KiB (414),
// bodies over the limit (413, before the body is read), a body on GET, DELETE or HEAD, other methods (405, unknown ones
// 501), Expect other than 100-continue (417), other versions (505), encoded "/" or NUL, empty or dot segments and
// invalid UTF-8 in the path, malformed escapes, a query parameter or a header that may come once twice (400; a second
// Authorization 401), fragments and absolute-form targets. Every such answer closes the connection.
// The whole request must arrive within request_timeout_ms of its first byte (not an idle timeout), else 408 and close.
// At the descriptor or connection limit the listener pauses 200 ms instead of spinning; new clients wait in its
// backlog. Pipelined requests are answered in order; while 32 of one connection wait for their answer it is not read
// (with workers: while one waits). A client that goes away does not stop its handler; the late answer is dropped.
#pragma once
#include "common/arena.h"
#include "common/text.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE };

struct http_request {
    enum http_method method;
    const char *path;  // decoded, "/" separated, no query
    const char *query; // raw, "" if none
    struct slice body;
    struct arena *arena; // lives until the reply is sent; for the handler's use
    const char *peer;    // "127.0.0.1:51234"
    void *handle;        // the server's own
};
const char *http_header(const struct http_request *request, const char *name); // NULL if absent; case-insensitive
// All headers in the order they came; names in lower case. index < http_header_count (ENSUREd).
size_t http_header_count(const struct http_request *request);
const char *http_header_name(const struct http_request *request, size_t index);
const char *http_header_value(const struct http_request *request, size_t index);
// Value of a query parameter, percent-decoded once ("+" stays "+"). NULL if absent; "" if it has no value. Each name
// comes once.
const char *http_parameter(const struct http_request *request, const char *name);
size_t http_parameter_count(const struct http_request *request); // for refusing unknown parameters
const char *http_parameter_name(const struct http_request *request, size_t index);

// extra: name, value, name, value..., NULL. Control bytes in values become spaces. Content-Length, Date and Connection
// are the server's. content_type may be NULL (204). The body of an answer to HEAD is not sent, its length is.
struct http_reply {
    int status;
    const char *content_type;
    struct slice body;
    const char *extra[8];
};
// Answers a request: exactly once, from any thread; the request is gone afterwards. Copies what it needs.
void http_answer(struct http_request *request, const struct http_reply *reply);
// An RFC 9457 problem (application/problem+json): type "about:blank", title from the status, status, code, detail, and
// extra members (already JSON, like "\"errors\":[...]") or NULL. 429 and 503 have a Retry-After.
void http_problem(struct http_request *request, int status, const char *code, const char *detail,
                  const char *members_or_null);
// 405 with the methods that the path has: "POST" or "GET, HEAD".
void http_method_not_allowed(struct http_request *request, const char *allow);

// The handler owns the request until it answers, now or later. Runs on the loop thread if workers == 0, else on one of
// the workers.
typedef void http_handler(void *context, struct http_request *request);
struct http_options {
    const char *host;
    int port;                                // port 0: any free one
    size_t max_body_bytes;                   // 0: no bodies
    int request_timeout_ms, max_connections; // 0: 30 s, 1024
    int workers;                             // threads that run the handler; 0 = the loop thread
    // Per-worker state, made on the worker's thread and given to its handler as context. NULL: the context itself.
    void *(*worker_open)(void *context);
    void (*worker_close)(void *worker);
};
struct http_server;
// Listens and starts the workers; requests are served once http_server_run runs. ERR_CONFLICT: the address is in use.
// ERR_INVALID: the host or port cannot be had at all. The fault's place is "host:port".
enum err http_server_open(const struct http_options *options, http_handler *handler, void *context,
                          struct http_server **server, struct fault *fault) MUST_USE;
int http_server_port(const struct http_server *server);
// A descriptor watched by the loop thread (for the Kafka producer): callback on the loop thread whenever it is
// readable. It must be unwatched before it is closed. And a timer. Both: before http_server_run, or on the loop thread.
// ERR_INVALID: a descriptor that cannot be watched; a period <= 0.
enum err http_server_watch(struct http_server *server, int descriptor, void (*readable)(void *context),
                           void *context) MUST_USE;
void http_server_unwatch(struct http_server *server, int descriptor); // also inside the callback
enum err http_server_every(struct http_server *server, int period_ms, void (*tick)(void *context),
                           void *context) MUST_USE;
// Until http_server_stop or process_stop. Then it accepts no more, finishes the requests that have begun (watches and
// timers go on meanwhile) and returns, after at most 10 s, or at once when process_stop_now. A server runs once.
void http_server_run(struct http_server *server);
void http_server_stop(struct http_server *server); // any thread; repeating is fine; not after http_server_free
// After http_server_run has returned. Waits for the workers' current handlers. Requests still unanswered may be
// answered later, from any thread: the answer is dropped. NULL is fine.
void http_server_free(struct http_server *server);

// /metrics and /healthz of a role, on a thread of its own. health (may be NULL), called on that thread,
// writes one JSON object of details and returns whether the role makes progress (200, else 503).
struct ops_server;
typedef bool ops_health(void *context, struct text *details);
enum err ops_server_open(const char *host, int port, ops_health *health, void *context, struct ops_server **server,
                         struct fault *fault) MUST_USE;
int ops_server_port(const struct ops_server *server);
void ops_server_close(struct ops_server *server); // NULL is fine

// Signals: TERM and INT set this flag (and a second one process_stop_now, which ends a drain); PIPE is ignored. Call
// once from main.
extern volatile bool process_stop, process_stop_now;
void process_signals(void);
