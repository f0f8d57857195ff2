// SPDX-License-Identifier: Apache-2.0
// One request with a batch of events, to the gateway or straight to Kafka (collect_produce.h), and what its answer means
// for the sender: go on, try again, or what is wrong with which event. Used by one thread at a time.
#pragma once
#include "common/config.h"
#include "common/text.h"

// Where events go. The texts and the configuration outlive whoever sends.
struct collect_target {
    const char *name;            // for what is said: the URL or the brokers
    const char *gateway, *key;   // "http://host:port", with or without a path before /api/v1/events; NULL: to Kafka
    const struct config *config; // to Kafka: kafka.brokers, ingest.delivery_timeout
    const char *topic;           // to Kafka
};

// The gateway may wait for Kafka as long as ingest.delivery_timeout (30 s by default) before it answers.
enum { POST_TIMEOUT_MS = 60000, POST_REFUSALS_MAX = 1000 };

enum post_outcome {
    POST_TAKEN,     // Kafka has all events
    POST_AGAIN,     // nobody knows, or not now: the same request later
    POST_TOO_LARGE, // split the request
    POST_REFUSED,   // refusals name the events that must go; none was taken
    POST_DENIED     // key, address or request are wrong: a person must act
};

struct post_refusal {
    size_t index; // in the request
    char path[96], reason[160];
};
struct post_answer {
    int status; // of HTTP; 0: no answer, or Kafka's
    int64_t retry_after_ms;
    char reason[FAULT_TEXT_MAX]; // for all outcomes but POST_TAKEN
    struct post_refusal *refusals;
    size_t refusal_count;
};

// A key, tenant or meter that was made a moment ago reaches the gateway within API_KEY_REFRESH_US: an answer that it may yet take
// back is worth a few tries, so that a script may go straight on. since_us: clock_monotonic_us() when the collector
// began.
enum { POST_NEWS_MS = 4000, POST_NEWS_WAIT_MS = 250 };
bool collect_post_may_be_news(const struct post_answer *answer, int64_t since_us);

struct collect_post;
// ERR_INVALID: no URL of http or https, or a key that cannot be one. The key is kept in memory only.
enum err collect_post_open(const struct collect_target *target, struct collect_post **post,
                           struct fault *fault) MUST_USE;
void collect_post_close(struct collect_post *post); // NULL is fine
// body: a JSON array of `count` events. *answer is valid until the next call.
enum post_outcome collect_post_send(struct collect_post *post, struct slice body, size_t count,
                                    const struct post_answer **answer);
