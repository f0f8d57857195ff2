// SPDX-License-Identifier: Apache-2.0
// Requests to POST /api/v1/events in batch mode, and the reading of problems (RFC 9457); or the other way.
#include "ingest/collect_post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/http_client.h"
#include "common/instant.h"
#include "common/json.h"
#include "ingest/collect_produce.h"

enum { KEY_MAX = 512, DETAIL_SHOWN = 300 };

struct collect_post {
    struct collect_produce *produce; // NULL: to the gateway
    struct http_client *client;
    char *url, *authorization;
    struct http_exchange exchange;
    struct post_answer answer;
};

static enum err check_key(const char *key, struct fault *fault)
{
    size_t length = strlen(key);
    if (length == 0 || length > KEY_MAX) return fault_set(fault, ERR_INVALID, "key", "has 1 to %d characters", KEY_MAX);
    for (size_t i = 0; i < length; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return fault_set(fault, ERR_INVALID, "key", "has a blank or a character that no key has");
    return ERR_OK;
}

static enum err check_gateway(const struct collect_target *target, struct fault *fault)
{
    if (strncmp(target->gateway, "http://", 7) != 0 && strncmp(target->gateway, "https://", 8) != 0)
        return fault_set(fault, ERR_INVALID, target->gateway, "the gateway's address begins with http:// or https://");
    return check_key(target->key, fault);
}

static void open_gateway(struct collect_post *post, const struct collect_target *target)
{
    struct text text = {0};
    text_add_string(&text, target->gateway);
    while (text.length > 0 && text.data[text.length - 1] == '/')
        text.data[--text.length] = 0;
    text_add_string(&text, "/api/v1/events");
    post->url = heap_text(text.data);
    text_clear(&text);
    text_print(&text, "Authorization: Bearer %s", target->key);
    post->authorization = heap_text(text.data);
    text_free(&text);
    post->client = http_client_new(POST_TIMEOUT_MS);
}

enum err collect_post_open(const struct collect_target *target, struct collect_post **post, struct fault *fault)
{
    *post = NULL;
    enum err err = target->gateway ? check_gateway(target, fault) : ERR_OK;
    if (err != ERR_OK) return err;
    struct collect_post *made = heap_alloc(sizeof *made);
    if (target->gateway)
        open_gateway(made, target);
    else
        collect_produce_open(target->config, target->topic, &made->produce);
    made->answer.refusals = heap_alloc(POST_REFUSALS_MAX * sizeof *made->answer.refusals);
    *post = made;
    return ERR_OK;
}

void collect_post_close(struct collect_post *post)
{
    if (!post) return;
    collect_produce_close(post->produce);
    if (post->client) http_client_free(post->client);
    text_free(&post->exchange.body);
    free(post->answer.refusals);
    free(post->url);
    free(post->authorization);
    free(post);
}

static void copy_text(char *to, size_t room, const char *from)
{
    snprintf(to, room, "%s", from);
}

// Only indexes within the request count: what a gateway says about others cannot be acted upon.
static void read_refusals(struct post_answer *answer, const struct json_value *problem, size_t count)
{
    const struct json_value *errors = json_member(problem, "errors");
    if (!json_is_array(errors)) return;
    for (size_t i = 0; i < json_length(errors) && answer->refusal_count < POST_REFUSALS_MAX; i++) {
        const struct json_value *error = json_item(errors, i);
        int64_t index = json_int(json_member(error, "index"), -1);
        if (index < 0 || (uint64_t)index >= count) continue;
        struct post_refusal *refusal = &answer->refusals[answer->refusal_count++];
        refusal->index = (size_t)index;
        copy_text(refusal->path, sizeof refusal->path, json_text(json_member(error, "path"), "$"));
        copy_text(refusal->reason, sizeof refusal->reason, json_text(json_member(error, "reason"), "no reason given"));
    }
}

static void read_problem(struct collect_post *post, size_t count)
{
    struct post_answer *answer = &post->answer;
    struct json_document *document;
    const char *detail = "";
    if (json_read(post->exchange.body.data ? post->exchange.body.data : "", post->exchange.body.length, &document,
                  NULL) != ERR_OK)
        document = NULL;
    if (document) {
        detail = json_text(json_member(json_root(document), "detail"), "");
        read_refusals(answer, json_root(document), count);
    }
    snprintf(answer->reason, sizeof answer->reason, "the gateway answers %d%s%.*s", answer->status, *detail ? ": " : "",
             DETAIL_SHOWN, detail);
    json_free(document);
}

static enum post_outcome outcome_of(const struct post_answer *answer)
{
    switch (answer->status) {
    case 408:
    case 425:
    case 429:
        return POST_AGAIN;
    case 413:
        return POST_TOO_LARGE;
    case 400:
    case 403:
    case 422:
        return answer->refusal_count > 0 ? POST_REFUSED : POST_DENIED;
    default:
        return answer->status >= 500 ? POST_AGAIN : POST_DENIED;
    }
}

bool collect_post_may_be_news(const struct post_answer *answer, int64_t since_us)
{
    bool catalogue = answer->status == 401 || answer->status == 403 || answer->status == 422;
    return catalogue && (clock_monotonic_us() - since_us) / 1000 < POST_NEWS_MS;
}

enum post_outcome collect_post_send(struct collect_post *post, struct slice body, size_t count,
                                    const struct post_answer **answer)
{
    const char *const headers[] = {post->authorization, "Content-Type: application/cloudevents-batch+json",
                                   "Accept: application/problem+json"};
    struct fault fault = {0};
    *answer = &post->answer;
    post->answer.status = 0;
    post->answer.retry_after_ms = 0;
    post->answer.refusal_count = 0;
    if (post->produce) return collect_produce_send(post->produce, body, count, &post->answer);
    enum err err =
        http_client_call(post->client, "POST", post->url, headers, 3, body.data, body.length, &post->exchange, &fault);
    if (err != ERR_OK) {
        snprintf(post->answer.reason, sizeof post->answer.reason, "%.*s", FAULT_TEXT_MAX - 1, fault.reason);
        return err == ERR_INVALID ? POST_DENIED : POST_AGAIN;
    }
    post->answer.status = post->exchange.status;
    if (post->answer.status >= 200 && post->answer.status < 300) return POST_TAKEN;
    post->answer.retry_after_ms = INT64_C(1000) * post->exchange.retry_after_s;
    read_problem(post, count);
    return outcome_of(&post->answer);
}
