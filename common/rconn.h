// SPDX-License-Identifier: Apache-2.0
// Redis connection (hiredis underneath): pipelines with binary-safe arguments. Any error or timeout drops the context
// (a late reply would answer the next command); the next call connects again, at most once a second.
#pragma once
#include "common/config.h"
#include "common/text.h"

struct rconn;
struct rconn *rconn_new(const struct config *config); // does not connect yet
void rconn_free(struct rconn *rconn);
// Connects if needed. ERR_RETRY: not there.
enum err rconn_ready(struct rconn *rconn, struct fault *fault) MUST_USE;

struct rconn_reply {
    enum { REPLY_NULL, REPLY_TEXT, REPLY_INT, REPLY_ARRAY, REPLY_STATUS, REPLY_ERROR } kind;
    struct slice text;
    int64_t number;
    size_t count;
    struct rconn_reply *items;
};
// One command; the reply lives until the next call on this connection. A Redis error reply is ERR_CONFLICT with its text.
enum err rconn_command(struct rconn *rconn, const struct slice *arguments, size_t count, const struct rconn_reply **reply, struct fault *fault) MUST_USE;
// Pipelining: append any number, then read the replies in order.
enum err rconn_append(struct rconn *rconn, const struct slice *arguments, size_t count, struct fault *fault) MUST_USE;
enum err rconn_read(struct rconn *rconn, const struct rconn_reply **reply, struct fault *fault) MUST_USE;
// EVALSHA with a fall-back to EVAL when the server does not know the script (the hash is computed here).
enum err rconn_script(struct rconn *rconn, const char *script, const struct slice *keys, size_t key_count, const struct slice *arguments, size_t argument_count, const struct rconn_reply **reply, struct fault *fault) MUST_USE;
