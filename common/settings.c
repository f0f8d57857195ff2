// SPDX-License-Identifier: Apache-2.0
// The table of all settings, and its printed form. A setting is added here and nowhere else; docs/configuration.md is
// printed from it.
#include "common/config.h"
#include "common/setting_value.h"

#define TEXT(key, otherwise, words)                                                                                    \
    {                                                                                                                  \
        .name = (key), .kind = SETTING_TEXT, .default_value = (otherwise), .meaning = (words)                          \
    }
#define CHOICE(key, otherwise, list, words)                                                                            \
    {                                                                                                                  \
        .name = (key), .kind = SETTING_TEXT, .default_value = (otherwise), .choices = (list), .meaning = (words)       \
    }
#define NUMBER(key, of_kind, otherwise, low, high, words)                                                              \
    {                                                                                                                  \
        .name = (key), .kind = (of_kind), .default_value = (otherwise), .least = (low), .most = (high),                \
        .meaning = (words)                                                                                             \
    }
#define INT(key, otherwise, low, high, words) NUMBER(key, SETTING_INT, otherwise, low, high, words)
#define DURATION(key, otherwise, low, high, words) NUMBER(key, SETTING_DURATION_MS, otherwise, low, high, words)
#define BYTES(key, otherwise, low, high, words) NUMBER(key, SETTING_BYTES, otherwise, low, high, words)
#define ADDRESS(key, otherwise, words)                                                                                 \
    {                                                                                                                  \
        .name = (key), .kind = SETTING_ADDRESS, .default_value = (otherwise), .meaning = (words)                       \
    }

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECONDS INT64_C(1000)
#define MINUTES (60 * SECONDS)
#define HOURS (60 * MINUTES)

const struct setting setting_table[] = {
    TEXT("kafka.brokers", "127.0.0.1:19092", "Brokers to start from, HOST:PORT separated by commas."),
    TEXT("kafka.topic", "turnpike.usage", "First part of the topic's name; the incarnation's number ends it."),
    {.name = "kafka.partitions",
     .kind = SETTING_INT,
     .default_value = "4",
     .least = 1,
     .most = 1024,
     .power_of_two = true,
     .meaning = "Partitions of the first topic, a power of two; later ones are made by `turnpike topic grow`."},
    TEXT("kafka.intake_topic", "",
         "Topic for producers that write any key and any partition, read by the router; empty: none."),
    INT("kafka.replication", "1", 1, 15, "Copies of each partition of a topic that is made."),
    INT("kafka.min_insync_replicas", "1", 1, 15, "Copies that must have an event before it is acknowledged."),

    TEXT("postgres.host", "127.0.0.1", "Host name, address or socket folder of PostgreSQL."),
    INT("postgres.port", "15432", 1, 65535, "Port of PostgreSQL."),
    TEXT("postgres.database", "turnpike", "Database of this installation."),
    TEXT("postgres.secrets_dir", NULL, "Folder with one password file per login role, named as the role."),
    CHOICE("postgres.sslmode", "prefer", "disable|allow|prefer|require|verify-ca|verify-full",
           "How TLS to PostgreSQL is asked for, as libpq's sslmode."),
    DURATION("postgres.connect_timeout", "5s", 1 * SECONDS, 5 * MINUTES, "How long one try to connect may take."),

    TEXT("redis.host", "127.0.0.1", "Host name or address of Redis."),
    INT("redis.port", "16379", 1, 65535, "Port of Redis."),
    TEXT("redis.password_file", "", "File with the password of Redis; empty: no password."),
    DURATION("redis.timeout", "2s", 10, 1 * MINUTES, "How long a connection or an answer of Redis is waited for."),

    ADDRESS("ingest.listen", "127.0.0.1:18080", "Where the gateway takes events."),
    ADDRESS("ingest.ops_listen", "127.0.0.1:18090", "Where the gateway answers /metrics and /healthz."),
    BYTES("ingest.max_body", "4MiB", 1 * KIB, 64 * MIB, "Largest body of a request."),
    INT("ingest.max_batch", "1000", 1, 10000, "Most events in a request."),
    BYTES("ingest.max_event", "64KiB", 1 * KIB, 64 * KIB, "Largest single event."),
    DURATION("ingest.request_timeout", "10s", 100, 5 * MINUTES, "How long a whole request may take to arrive."),
    DURATION("ingest.delivery_timeout", "30s", 1 * SECONDS, 5 * MINUTES,
             "How long Kafka may take to accept an event before the sender is told to try again."),
    INT("ingest.max_connections", "4096", 1, 1000000, "Most connections at the gateway at once."),
    BYTES("ingest.max_in_flight", "256MiB", 1 * MIB, 64 * GIB,
          "Most bytes of events that wait for Kafka; beyond, senders are told to slow down."),
    INT("ingest.tenant_rate", "0", 0, 1000000000,
        "Events a second that a tenant may send to this gateway; beyond, 429. 0: no limit."),
    INT("ingest.tenant_burst", "100000", 1, 1000000000,
        "Events that a tenant may send at once before ingest.tenant_rate holds."),

    ADDRESS("rate.ops_listen", "127.0.0.1:18091", "Where the rater answers /metrics and /healthz."),
    DURATION("rate.flush_interval", "150ms", 10, 1 * MINUTES,
             "Time between two commits of a partition with events at low load; it grows with the load."),
    DURATION("rate.flush_interval_most", "5s", 10, 1 * MINUTES, "The same when the rater is busy all the time."),
    INT("rate.flush_events", "1000000", 1, 10000000, "Most events in one batch of a partition."),
    INT("rate.quarantine_rows", "1000", 1, 10000000,
        "Events of one tenant, source and reason in a batch that have a quarantine row each; the others have one together, "
        "whose events are read from the log when they are judged again."),
    BYTES("rate.batch_memory", "256MiB", 4 * MIB, 1024 * GIB,
          "Memory for the batches that are filled or committed, of all partitions together."),
    BYTES("rate.index_memory", "512MiB", 1 * MIB, 1024 * GIB,
          "Memory for the identities of counted events; what does not fit goes to rate.index_dir."),
    TEXT("rate.index_dir", "/var/lib/turnpike/index",
         "Folder on local disk for identities beyond rate.index_memory. It may be lost at any time; none: there is "
         "none, and a partition parks instead."),
    DURATION("rate.index_keep", "5m", 0, 24 * HOURS,
             "How long the index of a partition that was moved to another rater is kept, in case it comes back; 0: not."),
    BYTES("rate.counters_memory", "64MiB", 1 * MIB, 64 * GIB,
          "Memory for what is known of the counters in Redis; with less, more of them are read."),
    DURATION("rate.marker_interval", "1s", 100, 1 * MINUTES,
             "Idle time after which a partition gets a marker, which moves its watermark."),
    TEXT("rate.instance", "", "Name of this rater among all, kept over restarts; empty: host name and process id."),
    TEXT("rate.group", "turnpike-rate", "Kafka consumer group that shares the partitions out among the raters."),

    ADDRESS("route.ops_listen", "127.0.0.1:18094", "Where the router answers /metrics and /healthz."),
    TEXT("route.instance", "", "Name of this router among all, kept over restarts; empty: host name and process id."),
    TEXT("route.group", "turnpike-route", "Kafka consumer group that shares the intake topic out among the routers."),

    ADDRESS("bill.ops_listen", "127.0.0.1:18092", "Where the biller answers /metrics and /healthz."),
    DURATION("bill.settle_interval", "1h", 1 * SECONDS, 24 * HOURS, "Time between two settlements to the ledger."),
    DURATION("bill.grace", "1h", 0, 35 * 24 * HOURS,
             "How long after a period's end the cut must reach before the period may be closed."),
    INT("bill.worker_accounts", "500", 1, 100000, "Billing accounts in one transaction of a close."),
    DURATION("bill.compact_interval", "10m", 0, 24 * HOURS,
             "Time between two looks whether a day of settled usage can be folded into fewer rows; 0: never."),
    DURATION("bill.compact_keep", "24h", 0, 400 * 24 * HOURS,
             "How long deltas stay beside the rows that they were folded into; then they are removed."),
    INT("bill.compact_rows", "2000000", 1, 100000000, "Deltas that one transaction of a compaction folds, about."),

    ADDRESS("api.listen", "127.0.0.1:18081", "Where the tenant billing API answers."),
    ADDRESS("api.ops_listen", "127.0.0.1:18093", "Where the API process answers /metrics and /healthz."),
    INT("api.max_connections", "1024", 1, 1000000, "Most connections at the API at once."),
    INT("api.workers", "4", 1, 256, "Threads that answer requests, each with one PostgreSQL connection."),
    DURATION("api.request_timeout", "10s", 100, 5 * MINUTES, "How long a whole request may take to arrive."),

    TEXT("secrets.identity_key_file", NULL,
         "File with 64 hex digits, the secret under which identities are hashed; never to be changed."),
    CHOICE("log.level", "info", "debug|info|warn|error", "Least level of log lines that are written."),
};
const size_t setting_count = sizeof setting_table / sizeof *setting_table;

static void print_range(struct text *out, const struct setting *setting)
{
    char least[SETTING_NUMBER_TEXT_MAX], most[SETTING_NUMBER_TEXT_MAX];
    switch (setting->kind) {
    case SETTING_TEXT:
        // a bare | would end the cell
        for (const char *at = setting->choices; at && *at; at++) {
            if (*at == '|')
                text_add_string(out, ", ");
            else
                text_add_char(out, *at);
        }
        break;
    case SETTING_INT:
        text_print(out, "%lld to %lld", (long long)setting->least, (long long)setting->most);
        break;
    case SETTING_DURATION_MS:
        duration_print(setting->least, least);
        duration_print(setting->most, most);
        text_print(out, "%s to %s", least, most);
        break;
    case SETTING_BYTES:
        bytes_print(setting->least, least);
        bytes_print(setting->most, most);
        text_print(out, "%s to %s", least, most);
        break;
    case SETTING_BOOL:
    case SETTING_ADDRESS:
        break;
    }
}

static void print_default(struct text *out, const char *value)
{
    if (!value)
        text_add_string(out, "required");
    else if (value[0])
        text_print(out, "`%s`", value);
    else
        text_add_string(out, "empty");
}

void config_print_reference(struct text *out)
{
    static const char *const kinds[] = {[SETTING_TEXT] = "text",          [SETTING_INT] = "whole number",
                                        [SETTING_BOOL] = "true or false", [SETTING_DURATION_MS] = "duration",
                                        [SETTING_BYTES] = "size",         [SETTING_ADDRESS] = "address"};
    text_add_string(out, "| setting | kind | default | allowed | meaning |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *setting = &setting_table[i];
        text_print(out, "| `%s` | %s | ", setting->name, kinds[setting->kind]);
        print_default(out, setting->default_value);
        text_add_string(out, " | ");
        print_range(out, setting);
        text_print(out, " | %s |\n", setting->meaning);
    }
}
