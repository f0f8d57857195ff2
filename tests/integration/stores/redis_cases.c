// SPDX-License-Identifier: Apache-2.0
// Redis: binary-safe commands, pipelines, scripts, and what happens when the server is slow, goes away or comes back.
#include <stdio.h>
#include <string.h>

#include "common/hash.h"
#include "common/rconn.h"
#include "tests/integration/stores/check.h"

enum { PIPELINE = 10000, LARGE = 1024 * 1024, PATIENCE_S = 30 };

static const struct rconn_reply *reply;

#define COMMAND(rconn, expected, ...)                                                                                  \
    do {                                                                                                               \
        const struct slice words_[] = {__VA_ARGS__};                                                                   \
        CHECK_ERR(rconn_command((rconn), words_, sizeof words_ / sizeof words_[0], &reply, &fault), (expected));       \
    } while (0)

static void replies_of_every_kind_are_told_apart(const struct config *config)
{
    struct rconn *rconn = rconn_new(config);
    COMMAND(rconn, ERR_OK, SLICE("PING"));
    CHECK(reply->kind == REPLY_STATUS && slice_is(reply->text, "PONG"));
    COMMAND(rconn, ERR_OK, SLICE("DEL"), SLICE("stores:none"));
    CHECK(reply->kind == REPLY_INT);
    COMMAND(rconn, ERR_OK, SLICE("GET"), SLICE("stores:none"));
    CHECK(reply->kind == REPLY_NULL);
    COMMAND(rconn, ERR_OK, SLICE("SET"), SLICE("stores:one"), SLICE("1"));
    COMMAND(rconn, ERR_OK, SLICE("INCR"), SLICE("stores:one"));
    CHECK(reply->kind == REPLY_INT);
    CHECK_INT(reply->number, 2);
    COMMAND(rconn, ERR_OK, SLICE("MGET"), SLICE("stores:one"), SLICE("stores:none"));
    CHECK(reply->kind == REPLY_ARRAY);
    CHECK_INT(reply->count, 2);
    CHECK(reply->items[0].kind == REPLY_TEXT && slice_is(reply->items[0].text, "2"));
    CHECK(reply->items[1].kind == REPLY_NULL);
    COMMAND(rconn, ERR_CONFLICT, SLICE("LPUSH"), SLICE("stores:one"), SLICE("x"));
    CHECK(reply && reply->kind == REPLY_ERROR && strstr(fault.reason, "WRONGTYPE"));
    COMMAND(rconn, ERR_OK, SLICE("EVAL"), SLICE("return {1, {2, 'x'}, {}}"), SLICE("0"));
    CHECK_INT(reply->count, 3);
    CHECK(reply->items[1].kind == REPLY_ARRAY && slice_is(reply->items[1].items[1].text, "x"));
    CHECK_INT(reply->items[2].count, 0);
    rconn_free(rconn);
}

static void values_hold_any_byte_and_a_megabyte(const struct config *config)
{
    static char large[LARGE];
    char every[256];
    for (int i = 0; i < 256; i++) every[i] = (char)i;
    random_bytes(large, sizeof large);
    struct rconn *rconn = rconn_new(config);
    const struct slice values[] = {{every, sizeof every}, {large, sizeof large}, {"", 0}, SLICE("%s %n {} \r\n")};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        COMMAND(rconn, ERR_OK, SLICE("SET"), values[i], values[i]);
        COMMAND(rconn, ERR_OK, SLICE("GET"), values[i]);
        CHECK(reply->kind == REPLY_TEXT && slice_equal(reply->text, values[i]));
        COMMAND(rconn, ERR_OK, SLICE("DEL"), values[i]);
    }
    rconn_free(rconn);
}

static void a_long_pipeline_is_answered_in_order(const struct config *config)
{
    struct rconn *rconn = rconn_new(config);
    char key[32], value[32];
    for (int i = 0; i < PIPELINE; i++) {
        snprintf(key, sizeof key, "stores:{p}:%d", i);
        snprintf(value, sizeof value, "%d", i * 7);
        const struct slice set[] = {SLICE("SET"), slice_of(key), slice_of(value), SLICE("EX"), SLICE("60")};
        const struct slice get[] = {SLICE("GET"), slice_of(key)};
        CHECK_ERR(rconn_append(rconn, set, 5, &fault), ERR_OK);
        CHECK_ERR(rconn_append(rconn, get, 2, &fault), ERR_OK);
    }
    for (int i = 0; i < PIPELINE; i++) {
        CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_OK);
        CHECK(reply->kind == REPLY_STATUS);
        CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_OK);
        snprintf(value, sizeof value, "%d", i * 7);
        CHECK(slice_is(reply->text, value));
    }
    rconn_free(rconn);
}

static void an_error_in_a_pipeline_is_its_own_answer_only(const struct config *config)
{
    struct rconn *rconn = rconn_new(config);
    const struct slice right[] = {SLICE("PING")}, wrong[] = {SLICE("NOSUCHCOMMAND")};
    CHECK_ERR(rconn_append(rconn, right, 1, &fault), ERR_OK);
    CHECK_ERR(rconn_append(rconn, wrong, 1, &fault), ERR_OK);
    CHECK_ERR(rconn_append(rconn, right, 1, &fault), ERR_OK);
    CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_OK);
    CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_CONFLICT);
    CHECK(reply && reply->kind == REPLY_ERROR);
    CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_OK);
    CHECK(slice_is(reply->text, "PONG"));
    rconn_free(rconn);
}

static void a_script_is_sent_whole_only_when_it_is_unknown(const struct config *config)
{
    struct rconn *rconn = rconn_new(config);
    char script[128], sha[SHA1_HEX];
    snprintf(script, sizeof script, "return {KEYS[1], ARGV[1], ARGV[2]} -- %llu", (unsigned long long)random_u64());
    sha1_hex(script, strlen(script), sha);
    const struct slice key = SLICE("stores:key"), arguments[] = {SLICE("a\0b"), SLICE("")};
    COMMAND(rconn, ERR_OK, SLICE("SCRIPT"), SLICE("EXISTS"), slice_of(sha));
    CHECK_INT(reply->items[0].number, 0);
    for (int round = 0; round < 2; round++) {
        CHECK_ERR(rconn_script(rconn, script, &key, 1, arguments, 2, &reply, &fault), ERR_OK);
        CHECK_INT(reply->count, 3);
        CHECK(slice_equal(reply->items[0].text, key));
        CHECK(slice_equal(reply->items[1].text, arguments[0]));
        CHECK(slice_equal(reply->items[2].text, arguments[1]));
        COMMAND(rconn, ERR_OK, SLICE("SCRIPT"), SLICE("EXISTS"), slice_of(sha));
        CHECK_INT(reply->items[0].number, 1);
    }
    CHECK_ERR(rconn_script(rconn, "return redis.error_reply('NO WAY')", NULL, 0, NULL, 0, &reply, &fault), ERR_CONFLICT);
    CHECK(strstr(fault.reason, "NO WAY"));
    rconn_free(rconn);
}

// The answer of the slow command must never be taken for that of a later one.
static void a_late_answer_is_not_taken_for_the_next(const struct config *config)
{
    (void)config;
    struct config *own = check_config("redis.timeout", "200ms");
    struct rconn *rconn = rconn_new(own);
    COMMAND(rconn, ERR_OK, SLICE("DEL"), SLICE("stores:empty"));
    COMMAND(rconn, ERR_RETRY, SLICE("BLPOP"), SLICE("stores:empty"), SLICE("1"));
    CHECK(strstr(fault.reason, "no answer within 200 ms"));
    CHECK(reply == NULL);
    for (int i = 0; i < 20; i++) {
        char word[16];
        snprintf(word, sizeof word, "w%d", i);
        COMMAND(rconn, ERR_OK, SLICE("ECHO"), slice_of(word));
        CHECK(slice_is(reply->text, word));
    }
    rconn_free(rconn);
    config_free(own);
}

static void a_connection_cut_by_the_server_is_made_anew(const struct config *config)
{
    struct rconn *rconn = rconn_new(config), *other = rconn_new(config);
    COMMAND(rconn, ERR_OK, SLICE("PING"));
    COMMAND(rconn, ERR_OK, SLICE("CLIENT"), SLICE("ID"));
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)reply->number);
    COMMAND(other, ERR_OK, SLICE("CLIENT"), SLICE("KILL"), SLICE("ID"), slice_of(id));
    const struct slice ping[] = {SLICE("PING")};
    for (int i = 0; i < 3; i++) CHECK_ERR(rconn_append(rconn, ping, 1, &fault), ERR_OK);
    for (int i = 0; i < 3; i++) CHECK_ERR(rconn_read(rconn, &reply, &fault), ERR_RETRY);
    COMMAND(rconn, ERR_OK, SLICE("PING"));
    rconn_free(rconn);
    rconn_free(other);
}

static void a_wrong_password_and_no_server_are_retried_slowly(const struct config *config)
{
    struct config *own = check_config("redis.password_file", config_text(config, "secrets.identity_key_file"));
    struct rconn *rconn = rconn_new(own);
    CHECK_ERR(rconn_ready(rconn, &fault), ERR_RETRY);
    CHECK(strstr(fault.reason, "WRONGPASS"));
    rconn_free(rconn);
    CHECK_ERR(config_set(own, "redis.port", "1", &fault), ERR_OK);
    rconn = rconn_new(own);
    CHECK_ERR(rconn_ready(rconn, &fault), ERR_RETRY);
    CHECK(strstr(fault.reason, "refused"));
    CHECK_ERR(rconn_ready(rconn, &fault), ERR_RETRY);
    CHECK(strstr(fault.reason, "less than a second ago"));
    rconn_free(rconn);
    config_free(own);
}

static bool answers(void *context)
{
    const struct slice get[] = {SLICE("GET"), SLICE("stores:kept")};
    return rconn_command(context, get, 2, &reply, NULL) == ERR_OK;
}

static void a_killed_server_is_retried_and_found_again(const struct config *config)
{
    struct rconn *rconn = rconn_new(config);
    COMMAND(rconn, ERR_OK, SLICE("SET"), SLICE("stores:kept"), SLICE("x"));
    check_control("kill redis");
    COMMAND(rconn, ERR_RETRY, SLICE("PING"));
    COMMAND(rconn, ERR_RETRY, SLICE("PING"));
    check_control("up");
    check_wait("redis", PATIENCE_S, answers, rconn);
    rconn_free(rconn);
}

int main(int argc, char **argv)
{
#define CASE(name) {#name, name}
    static const struct check_case cases[] = {
        CASE(replies_of_every_kind_are_told_apart),
        CASE(values_hold_any_byte_and_a_megabyte),
        CASE(a_long_pipeline_is_answered_in_order),
        CASE(an_error_in_a_pipeline_is_its_own_answer_only),
        CASE(a_script_is_sent_whole_only_when_it_is_unknown),
        CASE(a_late_answer_is_not_taken_for_the_next),
        CASE(a_connection_cut_by_the_server_is_made_anew),
        CASE(a_wrong_password_and_no_server_are_retried_slowly),
        CASE(a_killed_server_is_retried_and_found_again),
    };
    return check_main(argc, argv, cases, sizeof cases / sizeof cases[0]);
}
