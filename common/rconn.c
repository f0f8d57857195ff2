// SPDX-License-Identifier: Apache-2.0
// Redis over hiredis 0.14. A context that failed in any way is never used again, because an answer that comes late
// would be taken for the answer of the next command. Arguments are slices: never a format, never user text in one.
#include "common/rconn.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "common/arena.h"
#include "common/hash.h"
#include "common/instant.h"

enum {
    CONNECT_EVERY_US = 1000 * 1000,
    ARGUMENTS_MAX = 1024 * 1024, // Redis refuses more
    REPLY_BLOCK_BYTES = 4096,
};

struct rconn {
    const struct config *config;
    redisContext *link; // NULL: not connected
    redisReply *held;   // what the last reply points into
    struct arena *arena;
    const char **arguments;
    size_t *lengths;
    size_t capacity;
    size_t pending;         // appended and not read
    int64_t timeout_ms;
    int64_t attempt_failed; // monotonic, when the last attempt to connect failed; 0: it did not
};

// hiredis writes with plain write(2): without this a server that has gone ends the process.
static void ignore_broken_pipes(void)
{
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) signal(SIGPIPE, SIG_IGN);
}

struct rconn *rconn_new(const struct config *config)
{
    ignore_broken_pipes();
    struct rconn *rconn = heap_alloc(sizeof *rconn);
    rconn->config = config;
    rconn->timeout_ms = config_int(config, "redis.timeout");
    rconn->arena = arena_new(REPLY_BLOCK_BYTES);
    return rconn;
}

static void release_reply(struct rconn *rconn)
{
    if (rconn->held) freeReplyObject(rconn->held);
    rconn->held = NULL;
    arena_reset(rconn->arena);
}

static void drop(struct rconn *rconn)
{
    if (rconn->link) redisFree(rconn->link);
    rconn->link = NULL;
    rconn->pending = 0;
}

void rconn_free(struct rconn *rconn)
{
    if (!rconn) return;
    release_reply(rconn);
    drop(rconn);
    arena_free(rconn->arena);
    free(rconn->arguments);
    free(rconn->lengths);
    free(rconn);
}

static enum err fail_and_drop(struct rconn *rconn, const char *doing, struct fault *fault)
{
    redisContext *link = rconn->link;
    bool slow = link->err == REDIS_ERR_IO && errno == EAGAIN;
    enum err err = slow ? fault_set(fault, ERR_RETRY, "redis", "%s: no answer within %lld ms", doing,
                                    (long long)rconn->timeout_ms)
                        : fault_set(fault, ERR_RETRY, "redis", "%s: %s", doing,
                                    *link->errstr ? link->errstr : "the connection was lost");
    drop(rconn);
    return err;
}

// --- replies

static void reply_copy(struct arena *arena, const redisReply *from, struct rconn_reply *to)
{
    *to = (struct rconn_reply){.kind = REPLY_NULL};
    switch (from->type) {
    case REDIS_REPLY_STRING: to->kind = REPLY_TEXT; break;
    case REDIS_REPLY_STATUS: to->kind = REPLY_STATUS; break;
    case REDIS_REPLY_ERROR: to->kind = REPLY_ERROR; break;
    case REDIS_REPLY_INTEGER:
        to->kind = REPLY_INT;
        to->number = from->integer;
        return;
    case REDIS_REPLY_ARRAY:
        to->kind = REPLY_ARRAY;
        to->count = from->elements;
        to->items = ARENA_ARRAY(arena, struct rconn_reply, from->elements);
        for (size_t i = 0; i < from->elements; i++) reply_copy(arena, from->element[i], &to->items[i]);
        return;
    default: return; // REDIS_REPLY_NIL
    }
    to->text = (struct slice){from->str, from->len};
}

static bool begins(struct slice text, const char *word)
{
    size_t length = strlen(word);
    return text.length >= length && memcmp(text.data, word, length) == 0;
}

static enum err err_of_reply(struct slice text)
{
    static const char *const later[] = {"LOADING", "BUSY ", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN",
                                        "READONLY", "MISCONF", "NOREPLICAS"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (begins(text, later[i])) return ERR_RETRY;
    }
    return begins(text, "OOM") ? ERR_LIMIT : ERR_CONFLICT;
}

static enum err read_reply(struct rconn *rconn, const char *doing, const struct rconn_reply **reply,
                           struct fault *fault)
{
    release_reply(rconn);
    void *answer = NULL;
    errno = 0;
    if (redisGetReply(rconn->link, &answer) != REDIS_OK || !answer) return fail_and_drop(rconn, doing, fault);
    rconn->held = answer;
    struct rconn_reply *copy = ARENA_NEW(rconn->arena, struct rconn_reply);
    reply_copy(rconn->arena, rconn->held, copy);
    *reply = copy;
    if (copy->kind != REPLY_ERROR) return ERR_OK;
    return fault_set(fault, err_of_reply(copy->text), "redis", "%s: %.*s", doing,
                     (int)(copy->text.length < FAULT_TEXT_MAX ? copy->text.length : FAULT_TEXT_MAX), copy->text.data);
}

// --- sending

static enum err append(struct rconn *rconn, const struct slice *arguments, size_t count, struct fault *fault)
{
    ENSURE(count > 0);
    if (count > ARGUMENTS_MAX)
        return fault_set(fault, ERR_LIMIT, "redis", "a command of %zu arguments; at most %d", count, ARGUMENTS_MAX);
    if (count > rconn->capacity) {
        rconn->arguments = heap_grow(rconn->arguments, sizeof *rconn->arguments, count);
        rconn->lengths = heap_grow(rconn->lengths, sizeof *rconn->lengths, count);
        rconn->capacity = count;
    }
    for (size_t i = 0; i < count; i++) {
        rconn->arguments[i] = arguments[i].length ? arguments[i].data : "";
        rconn->lengths[i] = arguments[i].length;
    }
    if (redisAppendCommandArgv(rconn->link, (int)count, rconn->arguments, rconn->lengths) != REDIS_OK)
        return fail_and_drop(rconn, "append", fault);
    return ERR_OK;
}

static enum err authenticate(struct rconn *rconn, struct fault *fault)
{
    const char *path = config_text(rconn->config, "redis.password_file");
    if (!path || !*path) return ERR_OK;
    struct text password = {0};
    enum err err = secret_read(path, &password, fault);
    if (err == ERR_OK) {
        const struct slice command[] = {SLICE("AUTH"), {password.data, password.length}};
        const struct rconn_reply *reply = NULL;
        err = append(rconn, command, 2, fault);
        if (err == ERR_OK) err = read_reply(rconn, "AUTH", &reply, fault);
    }
    if (password.data) explicit_bzero(password.data, password.length);
    text_free(&password);
    // Nothing was asked yet: whatever refuses the password now may take it later.
    return err == ERR_OK ? ERR_OK : ERR_RETRY;
}

static enum err connect_now(struct rconn *rconn, struct fault *fault)
{
    const struct timeval timeout = {.tv_sec = rconn->timeout_ms / 1000, .tv_usec = rconn->timeout_ms % 1000 * 1000};
    const char *host = config_text(rconn->config, "redis.host");
    if (!host) return fault_set(fault, ERR_RETRY, "redis.host", "is not set");
    rconn->link = redisConnectWithTimeout(host, (int)config_int(rconn->config, "redis.port"), timeout);
    ENSURE(rconn->link); // NULL only without memory
    if (rconn->link->err) return fail_and_drop(rconn, "connect", fault);
    if (redisSetTimeout(rconn->link, timeout) != REDIS_OK || redisEnableKeepAlive(rconn->link) != REDIS_OK)
        return fail_and_drop(rconn, "connect", fault);
    enum err err = authenticate(rconn, fault);
    if (err != ERR_OK) drop(rconn);
    return err;
}

enum err rconn_ready(struct rconn *rconn, struct fault *fault)
{
    if (rconn->link) return ERR_OK;
    int64_t now_us = clock_monotonic_us();
    if (rconn->attempt_failed && now_us - rconn->attempt_failed < CONNECT_EVERY_US)
        return fault_set(fault, ERR_RETRY, "redis", "not connected; the last attempt failed less than a second ago");
    enum err err = connect_now(rconn, fault);
    rconn->attempt_failed = err == ERR_OK ? 0 : clock_monotonic_us();
    return err;
}

enum err rconn_append(struct rconn *rconn, const struct slice *arguments, size_t count, struct fault *fault)
{
    enum err err = rconn_ready(rconn, fault);
    if (err == ERR_OK) err = append(rconn, arguments, count, fault);
    if (err == ERR_OK) rconn->pending++;
    return err;
}

enum err rconn_read(struct rconn *rconn, const struct rconn_reply **reply, struct fault *fault)
{
    *reply = NULL;
    if (!rconn->pending) return fault_set(fault, ERR_RETRY, "redis", "read: the connection was lost with this answer");
    rconn->pending--;
    return read_reply(rconn, "read", reply, fault);
}

enum err rconn_command(struct rconn *rconn, const struct slice *arguments, size_t count,
                       const struct rconn_reply **reply, struct fault *fault)
{
    *reply = NULL;
    ENSURE(rconn->pending == 0);
    enum err err = rconn_ready(rconn, fault);
    if (err == ERR_OK) err = append(rconn, arguments, count, fault);
    if (err != ERR_OK) return err;
    char doing[32];
    snprintf(doing, sizeof doing, "%.*s", (int)(arguments[0].length < 24 ? arguments[0].length : 24),
             arguments[0].data);
    return read_reply(rconn, doing, reply, fault);
}

enum err rconn_script(struct rconn *rconn, const char *script, const struct slice *keys, size_t key_count,
                      const struct slice *arguments, size_t argument_count, const struct rconn_reply **reply,
                      struct fault *fault)
{
    char sha[SHA1_HEX], key_count_text[24];
    sha1_hex(script, strlen(script), sha);
    snprintf(key_count_text, sizeof key_count_text, "%zu", key_count);
    size_t count = 3 + key_count + argument_count;
    struct slice *command = heap_grow(NULL, sizeof *command, count);
    command[0] = SLICE("EVALSHA");
    command[1] = slice_of(sha);
    command[2] = slice_of(key_count_text);
    if (key_count) memcpy(command + 3, keys, key_count * sizeof *keys);
    if (argument_count) memcpy(command + 3 + key_count, arguments, argument_count * sizeof *arguments);
    enum err err = rconn_command(rconn, command, count, reply, fault);
    if (err == ERR_CONFLICT && *reply && begins((*reply)->text, "NOSCRIPT")) {
        command[0] = SLICE("EVAL");
        command[1] = slice_of(script);
        err = rconn_command(rconn, command, count, reply, fault);
    }
    free(command);
    return err;
}
