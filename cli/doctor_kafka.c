// SPDX-License-Identifier: Apache-2.0
// Kafka under `turnpike doctor`: the topic's settings. That producers ask for acks=all and idempotence is built in
// (common/bus_producer.c), not a setting.
#include <string.h>

#include "catalogue/incarnation.h"
#include "cli/doctor.h"
#include "common/bus.h"

static const char store[] = "kafka";

static void check_text(struct doctor *doctor, const char *check, const char *found, const char *wanted,
                       const char *advice)
{
    doctor_row(doctor, store, check, strcmp(found, wanted) == 0 ? DOCTOR_OK : DOCTOR_FAIL, found, advice);
}

static void check_copies(struct doctor *doctor, const struct bus_topic *topic)
{
    struct command_context *context = doctor->context;
    int64_t replication = config_int(context->config, "kafka.replication");
    int64_t insync = config_int(context->config, "kafka.min_insync_replicas");
    enum doctor_level level = topic->replication < replication ? DOCTOR_FAIL
                              : topic->replication < 2         ? DOCTOR_WARN
                                                               : DOCTOR_OK;
    doctor_row(
        doctor, store, "copies of a partition", level, arena_print(context->arena, "%d", topic->replication),
        level == DOCTOR_FAIL
            ? "fewer than kafka.replication: reassign the partitions"
            : "one copy: a broker's disk lost is events lost; three brokers and kafka.replication = 3 for production");
    level = topic->min_insync_replicas < insync ? DOCTOR_FAIL
            : topic->min_insync_replicas < 2    ? DOCTOR_WARN
                                                : DOCTOR_OK;
    doctor_row(doctor, store, "min.insync.replicas", level,
               arena_print(context->arena, "%d", topic->min_insync_replicas),
               level == DOCTOR_FAIL ? "fewer than kafka.min_insync_replicas: set it on the topic"
                                    : "an event is acknowledged when one broker has it: 2 for production");
}

static void check_topic(struct doctor *doctor, const struct incarnation *incarnation)
{
    struct arena *arena = doctor->context->arena;
    struct bus_topic topic;
    struct fault fault = {0};
    enum err err = bus_topic_describe(doctor->context->config, incarnation->topic, &topic, &fault);
    if (err) {
        doctor_row(doctor, store, "topic", DOCTOR_FAIL, fault.reason,
                   err == ERR_NOT_FOUND ? "the recorded topic is gone: do not make it anew, see the runbook"
                                        : "start it, and see kafka.brokers");
        return;
    }
    doctor_row(doctor, store, "topic", DOCTOR_OK, incarnation->topic, "");
    doctor_row(doctor, store, "partitions", topic.partitions == incarnation->partitions ? DOCTOR_OK : DOCTOR_FAIL,
               arena_print(arena, "%d, recorded are %d", topic.partitions, incarnation->partitions),
               "a topic never grows in place: its partitions park");
    check_text(doctor, "message.timestamp.type", topic.timestamp_type, "LogAppendTime",
               "set it on the topic: received times must be the broker's");
    check_text(doctor, "cleanup.policy", topic.cleanup_policy, "delete",
               "set it on the topic: compaction loses events");
    doctor_row(
        doctor, store, "retention", topic.retention_ms < 0 && topic.retention_bytes < 0 ? DOCTOR_OK : DOCTOR_FAIL,
        arena_print(arena, "%lld ms, %lld bytes", (long long)topic.retention_ms, (long long)topic.retention_bytes),
        "set retention.ms and retention.bytes to -1: the log is what totals are rebuilt from");
    check_copies(doctor, &topic);
}

void doctor_kafka(struct doctor *doctor, struct db *db)
{
    struct incarnation incarnation;
    struct fault fault = {0};
    doctor_row(doctor, store, "librdkafka", DOCTOR_OK, bus_library_version(), "");
    if (!db) {
        doctor_row(doctor, store, "topic", DOCTOR_WARN, "unknown without PostgreSQL", "look again when it is there");
        return;
    }
    enum err err = incarnation_load(db, &incarnation, &fault);
    if (err)
        doctor_row(doctor, store, "topic", DOCTOR_FAIL, fault.reason, "turnpike topic ensure");
    else
        check_topic(doctor, &incarnation);
}
