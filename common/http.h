// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 server (libevent's evhttp underneath, behind a guard): one loop thread and, if wanted, worker threads.
// The guard refuses before any handler sees the request (reliability.md I1-I21): duplicate, malformed or signed Content-Length,
// any Transfer-Encoding with a body (411), header names with spaces or other illegal bytes, NUL in values, missing or double Host, more than 100 headers or
// 16 KiB of them (431), targets over 8 KiB (414), bodies over the limit (413), a body on GET, DELETE or HEAD, unknown methods (405/501), Expect other than 100-continue (417),
// encoded "/" or NUL in the path, fragments, absolute-form targets. Every 4xx from the guard closes the connection. The whole request must arrive within
// request_timeout_ms (not an idle timeout). At the descriptor or connection limit the listener pauses 200 ms instead of spinning.
#pragma once
#include "common/arena.h"
#include "common/text.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_DELETE };

struct http_request {
    enum http_method method;
    const char *path;       // decoded, "/" separated, no query
    const char *query;      // raw, "" if none
    struct slice body;
    struct arena *arena;    // lives until the reply is sent; for the handler's use
    const char *peer;       // "127.0.0.1:51234"
    void *handle;           // the server's own
};
const char *http_header(const struct http_request *request, const char *name); // NULL if absent; case-insensitive
// Value of a query parameter, percent-decoded into the arena. NULL if absent. ERR-free: malformed escapes make the guard refuse the request.
const char *http_parameter(const struct http_request *request, const char *name);
size_t http_parameter_count(const struct http_request *request); // for refusing unknown parameters
const char *http_parameter_name(const struct http_request *request, size_t index);

struct http_reply { int status; const char *content_type; struct slice body; const char *extra[8]; }; // extra: name, value, name, value..., NULL
// Answers a request: exactly once, from any thread; the request is gone afterwards. Copies what it needs.
void http_answer(struct http_request *request, const struct http_reply *reply);
// An RFC 9457 problem (application/problem+json): type "about:blank" unless type_or_null, title from the status, detail, and extra members (already JSON, like "\"errors\":[...]") or NULL.
void http_problem(struct http_request *request, int status, const char *code, const char *detail, const char *members_or_null);

// The handler owns the request until it answers, now or later. Runs on the loop thread if workers == 0, else on one of the workers.
typedef void http_handler(void *context, struct http_request *request);
struct http_options {
    const char *host; int port;            // port 0: any free one
    size_t max_body_bytes; int request_timeout_ms; int max_connections;
    int workers;                            // threads that run the handler; 0 = the loop thread
    void *(*worker_open)(void *context);    // per-worker state, given to the handler as context (may be NULL: context itself)
    void (*worker_close)(void *worker);
};
struct http_server;
enum err http_server_open(const struct http_options *options, http_handler *handler, void *context, struct http_server **server, struct fault *fault) MUST_USE; // ERR_CONFLICT: address in use, named
int http_server_port(const struct http_server *server);
// A descriptor watched by the loop thread (for the Kafka producer): callback on the loop thread when readable; and a timer.
enum err http_server_watch(struct http_server *server, int descriptor, void (*readable)(void *context), void *context) MUST_USE;
enum err http_server_every(struct http_server *server, int period_ms, void (*tick)(void *context), void *context) MUST_USE;
void http_server_run(struct http_server *server);   // until http_server_stop; drains requests in progress up to 10 s
void http_server_stop(struct http_server *server);  // any thread, also from a signal-driven flag
void http_server_free(struct http_server *server);

// /metrics and /healthz of a role, on a thread of its own. health writes one JSON object of details and returns whether the role makes progress.
struct ops_server;
typedef bool ops_health(void *context, struct text *details);
enum err ops_server_open(const char *host, int port, ops_health *health, void *context, struct ops_server **server, struct fault *fault) MUST_USE;
void ops_server_close(struct ops_server *server);

// Signals: TERM and INT set this flag (and a second one within 10 s aborts the drain); PIPE is ignored. Call once from main.
extern volatile bool process_stop;
void process_signals(void);
