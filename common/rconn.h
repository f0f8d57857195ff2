// SPDX-License-Identifier: Apache-2.0
// Redis connection (hiredis underneath): pipelines with binary-safe arguments. Any error or timeout drops the context
// (a late reply would answer the next command); the next call connects again, at most once a second while that fails.
// Waits redis.timeout at most for a connection and for each piece of an answer. A connection belongs to one thread.
// Errors of all calls: ERR_RETRY (not there, lost, too slow, loading its data or not the writer any more), ERR_LIMIT
// (out of memory there), ERR_CONFLICT (any other error reply). The fault has the words.
#pragma once
#include "common/config.h"
#include "common/text.h"

struct rconn;
struct rconn *rconn_new(const struct config *config); // does not connect yet; ignores SIGPIPE unless it is handled
void rconn_free(struct rconn *rconn);                 // NULL is fine
// Connects if needed.
enum err rconn_ready(struct rconn *rconn, struct fault *fault) MUST_USE;

struct rconn_reply {
    enum { REPLY_NULL, REPLY_TEXT, REPLY_INT, REPLY_ARRAY, REPLY_STATUS, REPLY_ERROR } kind;
    struct slice text; // TEXT, STATUS and ERROR
    int64_t number;    // INT
    size_t count;      // ARRAY; errors inside an array stay there
    struct rconn_reply *items;
};
// One command; the reply lives until the next call on this connection. It is also set for an error reply, and NULL
// when there was none. No replies of a pipeline may be left to read (ENSUREd).
enum err rconn_command(struct rconn *rconn, const struct slice *arguments, size_t count,
                       const struct rconn_reply **reply, struct fault *fault) MUST_USE;
// Pipelining: append any number (they are sent with the first read), then read the replies in order. When the
// connection is lost, so are all commands appended and not answered: each of their reads is ERR_RETRY, and what the
// server did with them is unknown.
enum err rconn_append(struct rconn *rconn, const struct slice *arguments, size_t count, struct fault *fault) MUST_USE;
enum err rconn_read(struct rconn *rconn, const struct rconn_reply **reply, struct fault *fault) MUST_USE;
// EVALSHA with a fall-back to EVAL when the server does not know the script (the hash is computed here).
enum err rconn_script(struct rconn *rconn, const char *script, const struct slice *keys, size_t key_count,
                      const struct slice *arguments, size_t argument_count, const struct rconn_reply **reply,
                      struct fault *fault) MUST_USE;
