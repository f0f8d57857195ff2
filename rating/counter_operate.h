// SPDX-License-Identifier: Apache-2.0
// What operators do with the counters in Redis: have all of them written again, and have them compared with PostgreSQL.
// Both may run beside raters. Nothing depends on either: raters repair the counters by themselves.
#pragma once
#include "catalogue/incarnation.h"
#include "common/config.h"
#include "common/decimal.h"
#include "rating/counter_mark.h"

struct counter_operation {
    const struct config *config; // postgres.* as turnpike_rate, redis.*
    struct incarnation incarnation;
    // Counters done, and shards done of all (both may begin anew); NULL: not wanted.
    void (*progress)(void *context, int64_t keys, int shards);
    void *context;
};

// Reads the incarnation. ERR_NOT_FOUND: there is none yet. ERR_RETRY: PostgreSQL.
enum err counter_operation_open(const struct config *config, struct counter_operation *operation,
                                struct fault *fault) MUST_USE;

struct counter_rebuilding {
    int64_t keys; // that this run wrote
    bool shared;  // running raters wrote some shards themselves
};
// Writes every counter again from one snapshot. Shards that a running rater takes over meanwhile are left to it, and
// waited for. Killed, it leaves shards that readers take for stale: the next run, or a rater, writes them again.
enum err counters_rebuild(const struct counter_operation *operation, struct counter_rebuilding *result,
                          struct fault *fault) MUST_USE;

struct counter_difference {
    char key[COUNTER_KEY_MAX];
    bool in_redis, in_postgres; // there, and an exact decimal
    struct quantity redis, postgres;
};
struct counter_verification {
    int64_t keys, differ; // compared; of these
    int64_t moving;       // changed all the time while they were looked at: not compared
    int stale_shards;     // being written, or of no batch that PostgreSQL knows: no reader takes them for fresh
};
// Compares every counter with PostgreSQL as of the mark of its shard; tell is called for each that differs.
enum err counters_verify(const struct counter_operation *operation,
                         void (*tell)(void *context, const struct counter_difference *difference),
                         struct counter_verification *result, struct fault *fault) MUST_USE;
