// SPDX-License-Identifier: Apache-2.0
// Load for tests/bench/run:
//   bench_load produce EVENTS TENANTS PER_MESSAGE   fills the current topic; 1: plain JSON as other producers send it,
//   more:
//                                                   packed as the gateway does; prints seconds
//   bench_load consume                              raw consume of the whole topic, prints messages, bytes, seconds
//   bench_load insert EVENTS CONNECTIONS            what a naive engine does: one INSERT and commit per event, seconds
// Settings as turnpike's (TURNPIKE_CONF).
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/incarnation.h"
#include "common/bus.h"
#include "ingest/message.h"
#include "tests/bench/raw.h"
#include "tests/bench/workload.h"

enum { PARTITIONS_MAX = 1024, CONNECTIONS_MAX = 256 };

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

struct packer {
    struct bench *bench;
    struct bus_producer *producer;
    int per_message, counts[PARTITIONS_MAX];
    struct text messages[PARTITIONS_MAX];
};

static enum err send(struct packer *packer, int partition, struct slice data)
{
    enum err err = ERR_RETRY;
    for (int tries = 0; err == ERR_RETRY && tries < 10000 && !bus_producer_failed(packer->producer); tries++) {
        err = bus_produce(packer->producer, partition, data.data, data.length, NULL, &packer->bench->fault);
        bus_producer_poll(packer->producer, err ? 10 : 0);
    }
    return err;
}

static enum err flush_message(struct packer *packer, int partition)
{
    struct text *message = &packer->messages[partition];
    if (packer->counts[partition] == 0) return ERR_OK;
    message_finish(message);
    enum err err = send(packer, partition, (struct slice){message->data, message->length});
    packer->counts[partition] = 0;
    text_clear(message);
    return err;
}

static enum err pack(struct packer *packer, int partition, struct slice event)
{
    if (packer->per_message == 1) return send(packer, partition, event);
    if (packer->counts[partition]++ == 0) message_begin(&packer->messages[partition], MESSAGE_EVENTS, 0, 0);
    message_add(&packer->messages[partition], event);
    return packer->counts[partition] == packer->per_message ? flush_message(packer, partition) : ERR_OK;
}

static int produce(struct bench *bench, int64_t events, int tenants, int per_message)
{
    static struct packer packer;
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX];
    struct workload *workload = workload_new(tenants, clock_now(clock_system()));
    packer.bench = bench;
    packer.per_message = per_message;
    enum err err =
        bus_producer_open(bench->config, bench->incarnation.topic, delivered, &packer.producer, &bench->fault);
    if (err) return complain(bench);
    int64_t begin = clock_monotonic_us();
    for (int64_t i = 0; i < events && !err; i++) {
        struct slice raw = {event, workload_event(workload, i, event, tenant)};
        err = pack(&packer, shard_of_tenant(slice_of(tenant)) % bench->incarnation.partitions, raw);
    }
    for (int p = 0; p < bench->incarnation.partitions && !err; p++)
        err = flush_message(&packer, p);
    bus_producer_close(packer.producer, 60000);
    for (int p = 0; p < bench->incarnation.partitions; p++)
        text_free(&packer.messages[p]);
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

// --- insert

struct inserter {
    struct bench bench; // with a fault of its own
    const struct workload *workload;
    int64_t from, to;
    enum err err;
};

static void *insert_some(void *context)
{
    struct inserter *inserter = context;
    struct fault *fault = &inserter->bench.fault;
    struct db *db = NULL;
    char event[WORKLOAD_EVENT_MAX], tenant[WORKLOAD_TENANT_MAX], id[32];
    enum err err = db_open(inserter->bench.config, "admin", NULL, &db, fault);
    for (int64_t i = inserter->from; i < inserter->to && !err; i++) {
        event[workload_event(inserter->workload, i, event, tenant)] = 0;
        snprintf(id, sizeof id, "%lld", (long long)i);
        const char *const values[] = {id, event};
        err = db_exec(db, "insert into bench.event (id, body) values ($1, $2) on conflict do nothing", 2, values, NULL,
                      fault);
    }
    db_close(db);
    inserter->err = err;
    return NULL;
}

static int insert(struct bench *bench, int64_t events, int connections)
{
    static struct inserter inserters[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
    struct db *db;
    int started = 0;
    ENSURE(connections > 0 && connections <= CONNECTIONS_MAX);
    if (db_open(bench->config, "admin", NULL, &db, &bench->fault)) return complain(bench);
    enum err err = db_script(db,
                             "create schema if not exists bench; drop table if exists bench.event;"
                             " create table bench.event (id text primary key, body text not null)",
                             &bench->fault);
    db_close(db);
    struct workload *workload = workload_new(1000, clock_now(clock_system()));
    int64_t begin = clock_monotonic_us();
    for (; started < connections && !err; started++) {
        int i = started;
        inserters[i] = (struct inserter){.bench = *bench,
                                         .workload = workload,
                                         .from = events * i / connections,
                                         .to = events * (i + 1) / connections};
        ENSURE(pthread_create(&threads[i], NULL, insert_some, &inserters[i]) == 0);
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        if (!inserters[i].err) continue;
        err = inserters[i].err;
        bench->fault = inserters[i].bench.fault;
    }
    if (!err) report("insert", begin);
    workload_free(workload);
    return err ? complain(bench) : 0;
}

static int run(struct bench *bench, int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "produce") == 0)
        return produce(bench, atoll(argv[2]), atoi(argv[3]), atoi(argv[4]));
    if (argc == 2 && strcmp(argv[1], "consume") == 0) return consume(bench);
    if (argc == 4 && strcmp(argv[1], "insert") == 0) return insert(bench, atoll(argv[2]), atoi(argv[3]));
    fputs("usage: bench_load produce EVENTS TENANTS PER_MESSAGE | consume | insert EVENTS CONNECTIONS\n", stderr);
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
