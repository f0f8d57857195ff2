// SPDX-License-Identifier: Apache-2.0
// How long it takes from an event's acceptance (all replicas have it) to its sight in Redis, which is after its commit.
//   bench_probe SECONDS INTERVAL_MS TENANT TENANT_NUMBER METER_NUMBER
// Sends an event with the value 1 every INTERVAL_MS for one tenant, straight to Kafka, and looks at its counter of this
// month every LOOK_MS: when it has grown to n, n probes are in sight. Nobody else may send for the tenant, and its
// payer's zone is UTC. Prints probes, milliseconds; fails if one is not in sight GRACE_SECONDS after the last.
// Settings as turnpike's (TURNPIKE_CONF).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/incarnation.h"
#include "common/bus.h"
#include "common/rconn.h"
#include "ingest/message.h"

enum { LOOK_MS = 2, PROBES_MAX = 100000, GRACE_SECONDS = 60, KEY_BYTES = 96, EVENT_BYTES = 512 };

struct probing {
    const char *tenant;
    struct incarnation incarnation;
    struct bus_producer *producer;
    struct rconn *redis;
    char key[KEY_BYTES], time[INSTANT_TEXT_MAX];
    instant_us start;
    int64_t first;                   // the counter before the first probe
    int64_t accepted_us[PROBES_MAX]; // monotonic
    int64_t latencies_us[PROBES_MAX];
    int sent, accepted, seen;
    bool failed;
    struct fault fault;
};
static struct probing probing;

static void delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    (void)partition, (void)offset;
    probing.accepted_us[(uintptr_t)token] = clock_monotonic_us();
    probing.accepted++;
    if (!err) return;
    probing.failed = true;
    fprintf(stderr, "bench_probe: %s\n", reason);
}

static bool opened(struct config *config, int64_t tenant, int meter)
{
    struct db *db = NULL;
    int shard = shard_of_tenant(slice_of(probing.tenant));
    probing.start = instant_floor(clock_now(clock_system()), SECOND_US);
    instant_print(probing.start, probing.time);
    snprintf(probing.key, sizeof probing.key, "tp:{%d}:u:%lld:%d:%.4s%.2s", shard, (long long)tenant, meter,
             probing.time, probing.time + 5);
    if (db_open(config, "ingest", NULL, &db, &probing.fault)) return false;
    enum err err = incarnation_load(db, &probing.incarnation, &probing.fault);
    db_close(db);
    if (err || bus_producer_open(config, probing.incarnation.topic, delivered, &probing.producer, &probing.fault))
        return false;
    probing.redis = rconn_new(config);
    return true;
}

static void send(void)
{
    char event[EVENT_BYTES];
    int length = snprintf(event, sizeof event,
                          "{\"specversion\":\"1.0\",\"id\":\"probe-%lld-%d\",\"source\":\"/bench/probe\","
                          "\"type\":\"bench.type0\",\"subject\":\"%s\",\"time\":\"%s\","
                          "\"data\":{\"requests\":1,\"region\":\"eu-0\",\"flavour\":\"s6.large.2\"}}",
                          (long long)probing.start, probing.sent, probing.tenant, probing.time);
    int partition = shard_of_tenant(slice_of(probing.tenant)) % probing.incarnation.partitions;
    ENSURE(length > 0 && length < EVENT_BYTES && probing.sent < PROBES_MAX);
    if (bus_produce(probing.producer, partition, event, (size_t)length, (void *)(uintptr_t)probing.sent,
                    &probing.fault))
        probing.failed = true;
    probing.sent++;
}

// The counter; 0 while there is none.
static int64_t counter(void)
{
    const struct rconn_reply *reply = NULL;
    const struct slice words[] = {SLICE("GET"), slice_of(probing.key)};
    if (rconn_command(probing.redis, words, 2, &reply, &probing.fault)) {
        probing.failed = true;
        return 0;
    }
    return reply->kind == REPLY_TEXT ? strtoll(reply->text.data, NULL, 10) : 0;
}

static void look(void)
{
    int64_t count = counter() - probing.first, now_us = clock_monotonic_us();
    for (; probing.seen < count && probing.seen < probing.sent; probing.seen++) {
        int64_t accepted_us = probing.accepted_us[probing.seen]; // 0: its report waits in the queue
        probing.latencies_us[probing.seen] = accepted_us ? now_us - accepted_us : 0;
    }
}

static void run(int64_t seconds, int64_t interval_ms)
{
    probing.first = counter();
    int64_t begin_us = clock_monotonic_us(), end_us = begin_us + seconds * SECOND_US;
    while (!probing.failed) {
        int64_t now_us = clock_monotonic_us();
        bool sending = now_us < end_us;
        if (sending && now_us >= begin_us + probing.sent * interval_ms * 1000) send();
        if (!sending && probing.seen == probing.sent) break;
        if (now_us > end_us + GRACE_SECONDS * SECOND_US) break;
        bus_producer_poll(probing.producer, LOOK_MS);
        look();
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct config *config = NULL;
    struct text errors = {0};
    if (argc != 6 || atoi(argv[1]) < 1 || atoi(argv[2]) < 1) {
        fputs("usage: bench_probe SECONDS INTERVAL_MS TENANT TENANT_NUMBER METER_NUMBER\n", stderr);
        return 64;
    }
    hash_init();
    if (config_open(NULL, &config, &errors)) {
        fputs(errors.data, stderr);
        return 2;
    }
    probing.tenant = argv[3];
    bool fine = opened(config, atoll(argv[4]), atoi(argv[5]));
    if (fine) run(atoll(argv[1]), atoll(argv[2]));
    fine = fine && !probing.failed && probing.seen == probing.sent && probing.seen > 0;
    if (fine) {
        qsort(probing.latencies_us, (size_t)probing.seen, sizeof *probing.latencies_us, compare);
        printf("probes=%d\np50_ms=%.1f\np99_ms=%.1f\nmax_ms=%.1f\n", probing.seen,
               (double)probing.latencies_us[probing.seen / 2] / 1e3,
               (double)probing.latencies_us[probing.seen * 99 / 100] / 1e3,
               (double)probing.latencies_us[probing.seen - 1] / 1e3);
    } else {
        fprintf(stderr, "bench_probe: %d sent, %d accepted, %d seen: %s\n", probing.sent, probing.accepted,
                probing.seen, probing.fault.reason);
    }
    bus_producer_close(probing.producer, 1000);
    rconn_free(probing.redis);
    config_free(config);
    return fine ? 0 : 1;
}
