// SPDX-License-Identifier: Apache-2.0
// Redis under `turnpike doctor`. It holds a picture only, so what is wrong here costs freshness and never money.
#include <stdlib.h>
#include <string.h>

#include "cli/doctor.h"
#include "common/rconn.h"

static const char store[] = "redis";

// Second item of CONFIG GET's answer, NULL if it may not be asked.
static const char *setting(struct doctor *doctor, struct rconn *redis, const char *name)
{
    const struct slice words[] = {SLICE("CONFIG"), SLICE("GET"), slice_of(name)};
    const struct rconn_reply *reply = NULL;
    struct fault fault;
    if (rconn_command(redis, words, 3, &reply, &fault) || reply->kind != REPLY_ARRAY || reply->count != 2) return NULL;
    return arena_text(doctor->context->arena, reply->items[1].text.data, reply->items[1].text.length);
}

// Value of "name:value" in INFO, "" if it is not there.
static const char *information(struct doctor *doctor, struct rconn *redis, const char *section, const char *name)
{
    const struct slice words[] = {SLICE("INFO"), slice_of(section)};
    const struct rconn_reply *reply = NULL;
    struct fault fault;
    if (rconn_command(redis, words, 2, &reply, &fault) || reply->kind != REPLY_TEXT) return "";
    const char *text = arena_text(doctor->context->arena, reply->text.data, reply->text.length);
    const char *line = arena_print(doctor->context->arena, "\n%s:", name), *at = strstr(text, line);
    if (!at) return "";
    at += strlen(line);
    return arena_text(doctor->context->arena, at, strcspn(at, "\r\n"));
}

static void check_eviction(struct doctor *doctor, struct rconn *redis)
{
    const char *policy = setting(doctor, redis, "maxmemory-policy");
    if (!policy)
        doctor_row(doctor, store, "maxmemory-policy", DOCTOR_WARN, "CONFIG GET is refused",
                   "look by hand that it is noeviction");
    else
        doctor_row(doctor, store, "maxmemory-policy", strcmp(policy, "noeviction") == 0 ? DOCTOR_OK : DOCTOR_FAIL,
                   policy, "set maxmemory-policy noeviction: an evicted counter would be shown as none");
    const char *evicted = information(doctor, redis, "stats", "evicted_keys");
    doctor_row(doctor, store, "evicted keys", strcmp(evicted, "0") == 0 ? DOCTOR_OK : DOCTOR_WARN, evicted,
               "keys were evicted since it started: raters write all counters again; give it memory");
}

static void check_clock(struct doctor *doctor, struct rconn *redis)
{
    const struct slice words[] = {SLICE("TIME")};
    const struct rconn_reply *reply = NULL;
    struct fault fault;
    instant_us before = clock_now(clock_system());
    enum err err = rconn_command(redis, words, 1, &reply, &fault);
    instant_us after = clock_now(clock_system());
    if (err || reply->kind != REPLY_ARRAY || reply->count != 2) return;
    const char *seconds = arena_text(doctor->context->arena, reply->items[0].text.data, reply->items[0].text.length);
    const char *micros = arena_text(doctor->context->arena, reply->items[1].text.data, reply->items[1].text.length);
    doctor_clock(doctor, store, before, strtoll(seconds, NULL, 10) * SECOND_US + strtoll(micros, NULL, 10), after);
}

void doctor_redis(struct doctor *doctor)
{
    struct rconn *redis = rconn_new(doctor->context->config);
    struct fault fault = {0};
    if (rconn_ready(redis, &fault)) {
        doctor_row(doctor, store, "connection", DOCTOR_FAIL, fault.reason,
                   "start it, and see redis.* of the configuration; nothing is lost meanwhile");
    } else {
        const char *version = information(doctor, redis, "server", "redis_version");
        doctor_row(doctor, store, "version", atoi(version) >= 6 ? DOCTOR_OK : DOCTOR_WARN, version,
                   "Redis 7 is what is tested");
        check_eviction(doctor, redis);
        check_clock(doctor, redis);
    }
    rconn_free(redis);
}
