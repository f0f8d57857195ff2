// SPDX-License-Identifier: Apache-2.0
// Load for tests/bench/run, over the same wrappers as the product:
//   bench_load produce EVENTS TENANTS PER_MESSAGE   fills the current topic with packed messages, prints seconds
//   bench_load consume                              raw consume of the whole topic, prints messages, bytes, seconds
//   bench_load insert EVENTS                        what a naive engine does: one INSERT and commit per event, prints seconds
// Settings as turnpike's (TURNPIKE_CONF).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/incarnation.h"
#include "common/bus.h"
#include "ingest/message.h"

enum { POLL_MESSAGES = 4096, EVENT_TEXT_MAX = 512 };

struct bench { struct config *config; struct incarnation incarnation; struct fault fault; };

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

// Event `number`: one of the tenants, a sum meter of the sample catalogue, 283 bytes with the default tenant names.
static size_t write_event(char *out, int64_t number, int tenants, instant_us now)
{
    char time[INSTANT_TEXT_MAX];
    instant_print(instant_floor(now, SECOND_US) - (number % 3600) * SECOND_US, time);
    int length = snprintf(out, EVENT_TEXT_MAX,
                          "{\"specversion\":\"1.0\",\"id\":\"bench-%016lld\",\"source\":\"/bench/collector-0001\",\"type\":\"bench.request\",\"subject\":\"bench-%06lld\","
                          "\"time\":\"%s\",\"datacontenttype\":\"application/json\",\"data\":{\"requests\":\"%lld\",\"region\":\"eu-%lld\",\"flavour\":\"s6.large.2\"}}",
                          (long long)number, (long long)(number * 7919 % tenants), time, (long long)(number % 17 + 1), (long long)(number % 3));
    ENSURE(length > 0 && length < EVENT_TEXT_MAX);
    return (size_t)length;
}

static enum err flush_message(struct bench *bench, struct bus_producer *producer, int partition, struct text *message, int *events)
{
    enum err err = ERR_RETRY;
    message_finish(message);
    for (int tries = 0; err == ERR_RETRY && tries < 10000 && !bus_producer_failed(producer); tries++) {
        err = bus_produce(producer, partition, message->data, message->length, NULL, &bench->fault);
        bus_producer_poll(producer, err ? 10 : 0);
    }
    *events = 0;
    text_clear(message);
    return err;
}

static int produce(struct bench *bench, int64_t events, int tenants, int per_message)
{
    struct bus_producer *producer;
    int partitions = bench->incarnation.partitions, counts[1024] = {0};
    static struct text messages[1024];
    char event[EVENT_TEXT_MAX], tenant[32];
    instant_us now = clock_now(clock_system());
    int64_t begin = clock_monotonic_us();
    if (bus_producer_open(bench->config, bench->incarnation.topic, delivered, &producer, &bench->fault)) return complain(bench);
    enum err err = ERR_OK;
    for (int64_t i = 0; i < events && !err; i++) {
        struct slice raw = {event, write_event(event, i, tenants, now)};
        ENSURE(snprintf(tenant, sizeof tenant, "bench-%06lld", (long long)(i * 7919 % tenants)) > 0);
        int partition = shard_of_tenant(slice_of(tenant)) % partitions;
        if (!counts[partition]++) message_begin(&messages[partition], MESSAGE_EVENTS, 0, 0);
        message_add(&messages[partition], raw);
        if (counts[partition] == per_message) err = flush_message(bench, producer, partition, &messages[partition], &counts[partition]);
    }
    for (int p = 0; p < partitions && !err; p++)
        if (counts[p]) err = flush_message(bench, producer, p, &messages[p], &counts[p]);
    bus_producer_close(producer, 60000);
    for (int p = 0; p < partitions; p++) text_free(&messages[p]);
    if (err || failed_deliveries) return complain(bench);
    report("produce", begin);
    return 0;
}

static enum err consume_partition(struct bench *bench, int partition, int64_t *messages, int64_t *bytes)
{
    static struct bus_message batch[POLL_MESSAGES];
    struct bus_consumer *consumer;
    enum err err = bus_consumer_open_range(bench->config, bench->incarnation.topic, partition, 0, -1, &consumer, &bench->fault);
    for (int count = 0; !err || err == ERR_RETRY; *messages += count) {
        err = bus_consumer_poll(consumer, batch, POLL_MESSAGES, &count, 1000, &bench->fault);
        for (int i = 0; i < count; i++) *bytes += (int64_t)batch[i].length;
        bus_messages_free(batch, count);
    }
    bus_consumer_close(consumer);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int consume(struct bench *bench)
{
    int64_t messages = 0, bytes = 0, begin = clock_monotonic_us();
    for (int p = 0; p < bench->incarnation.partitions; p++)
        if (consume_partition(bench, p, &messages, &bytes)) return complain(bench);
    report("consume", begin);
    printf("consume_messages=%lld\nconsume_bytes=%lld\n", (long long)messages, (long long)bytes);
    return 0;
}

static int insert(struct bench *bench, int64_t events)
{
    struct db *db;
    char event[EVENT_TEXT_MAX], id[32];
    instant_us now = clock_now(clock_system());
    if (db_open(bench->config, "admin", NULL, &db, &bench->fault)) return complain(bench);
    enum err err = db_script(db, "create schema if not exists bench; drop table if exists bench.event; create table bench.event (id text primary key, body jsonb not null)", &bench->fault);
    int64_t begin = clock_monotonic_us();
    for (int64_t i = 0; i < events && !err; i++) {
        write_event(event, i, 1000, now);
        ENSURE(snprintf(id, sizeof id, "%lld", (long long)i) > 0);
        const char *const values[] = {id, event};
        err = db_exec(db, "insert into bench.event (id, body) values ($1, $2) on conflict do nothing", 2, values, NULL, &bench->fault);
    }
    if (!err) report("insert", begin);
    db_close(db);
    return err ? complain(bench) : 0;
}

static int run(struct bench *bench, int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "produce") == 0) return produce(bench, atoll(argv[2]), atoi(argv[3]), atoi(argv[4]));
    if (argc == 2 && strcmp(argv[1], "consume") == 0) return consume(bench);
    if (argc == 3 && strcmp(argv[1], "insert") == 0) return insert(bench, atoll(argv[2]));
    fputs("usage: bench_load produce EVENTS TENANTS PER_MESSAGE | consume | insert EVENTS\n", stderr);
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
    if (db_open(bench.config, "ingest", NULL, &db, &bench.fault) || incarnation_load(db, &bench.incarnation, &bench.fault)) return complain(&bench);
    db_close(db);
    int code = run(&bench, argc, argv);
    config_free(bench.config);
    return code;
}
