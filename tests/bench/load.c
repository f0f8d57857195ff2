// SPDX-License-Identifier: Apache-2.0
// Load for tests/bench/run:
//   bench_load produce FIRST EVENTS TENANTS PER_MESSAGE RATE
//       fills the current topic with events from number FIRST on; PER_MESSAGE 1: plain JSON as other producers send it,
//       more: packed as the gateway does; RATE: events a second, 0: as fast as can be; prints seconds
//   bench_load consume                    raw consume of the whole topic, prints messages, bytes, seconds
//   bench_load insert EVENTS CONNECTIONS  what a naive engine does: one INSERT and commit per event, seconds
// Settings as turnpike's (TURNPIKE_CONF).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/incarnation.h"
#include "common/bus.h"
#include "tests/bench/insert.h"
#include "tests/bench/packer.h"
#include "tests/bench/raw.h"
#include "tests/bench/workload.h"

enum { PACE_EVENTS = 20 }; // events between two looks at the clock

struct bench {
    struct config *config;
    struct incarnation incarnation;
    struct fault fault;
};

static int64_t failed_deliveries;

static void delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    (void)token, (void)partition, (void)offset, (void)reason;
    failed_deliveries += err != ERR_OK;
}

static int complain(const struct bench *bench)
{
    fprintf(stderr, "bench_load: %s\n", bench->fault.reason);
    return 1;
}

static void report(const char *what, int64_t begin_us)
{
    printf("%s_seconds=%.6f\n", what, (double)(clock_monotonic_us() - begin_us) / 1e6);
}

// --- produce

struct production {
    struct bench *bench;
    struct bus_producer *producer;
};

static enum err send(void *context, int partition, struct slice message)
{
    struct production *production = context;
    enum err err = ERR_RETRY;
    for (int tries = 0; err == ERR_RETRY && tries < 10000 && !bus_producer_failed(production->producer); tries++) {
        err =
            bus_produce(production->producer, partition, message.data, message.length, NULL, &production->bench->fault);
        bus_producer_poll(production->producer, err ? 10 : 0);
    }
    return err;
}

// rate: by a timetable; what is late is caught up.
static int produce(struct bench *bench, int64_t first, int64_t events, int tenants, int per_message, int64_t rate)
{
    struct production production = {.bench = bench};
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX];
    struct workload *workload = workload_new(tenants, clock_now(clock_system()));
    struct packer *packer = packer_new(bench->incarnation.partitions, per_message, send, &production);
    enum err err =
        bus_producer_open(bench->config, bench->incarnation.topic, delivered, &production.producer, &bench->fault);
    if (err) return complain(bench);
    int64_t begin = clock_monotonic_us();
    for (int64_t i = 0; i < events && !err; i++) {
        if (rate > 0 && i % PACE_EVENTS == 0)
            while (clock_monotonic_us() - begin < i * SECOND_US / rate)
                bus_producer_poll(production.producer, 1);
        struct slice raw = {event, workload_event(workload, first + i, event, tenant)};
        err = packer_add(packer, slice_of(tenant), raw);
    }
    if (!err) err = packer_flush(packer);
    bus_producer_close(production.producer, 60000);
    packer_free(packer);
    workload_free(workload);
    if (err || failed_deliveries) return complain(bench);
    report("produce", begin);
    return 0;
}

// --- consume

static int consume(struct bench *bench)
{
    int64_t messages = 0, bytes = 0, begin = clock_monotonic_us();
    if (!raw_consume(config_text(bench->config, "kafka.brokers"), bench->incarnation.topic,
                     bench->incarnation.partitions, &messages, &bytes))
        return 1;
    report("consume", begin);
    printf("consume_messages=%lld\nconsume_bytes=%lld\n", (long long)messages, (long long)bytes);
    return 0;
}

static int run(struct bench *bench, int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "produce") == 0)
        return produce(bench, atoll(argv[2]), atoll(argv[3]), atoi(argv[4]), atoi(argv[5]), atoll(argv[6]));
    if (argc == 2 && strcmp(argv[1], "consume") == 0) return consume(bench);
    if (argc == 4 && strcmp(argv[1], "insert") == 0)
        return insert_all(bench->config, atoll(argv[2]), atoi(argv[3])) ? 0 : 1;
    fputs("usage: bench_load produce FIRST EVENTS TENANTS PER_MESSAGE RATE | consume | insert EVENTS CONNECTIONS\n",
          stderr);
    return 64;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    struct text errors = {0};
    struct db *db;
    hash_init();
    if (config_open(NULL, &bench.config, &errors)) {
        fputs(errors.data, stderr);
        return 2;
    }
    if (db_open(bench.config, "ingest", NULL, &db, &bench.fault) ||
        incarnation_load(db, &bench.incarnation, &bench.fault))
        return complain(&bench);
    db_close(db);
    int code = run(&bench, argc, argv);
    config_free(bench.config);
    return code;
}
