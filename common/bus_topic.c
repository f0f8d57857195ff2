// SPDX-License-Identifier: Apache-2.0
// Topics: made as the promises need them, and compared with that when they are there. Nothing of an existing topic is
// ever changed here but for giving it up: a topic that differs is a person's decision.
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/backoff.h"
#include "common/bus.h"
#include "common/bus_client.h"

enum { REQUEST_TIMEOUT_MS = 10000, LEADERS_TIMEOUT_MS = 15000, LEADERS_ASK_MS = 50 };

// A consumer without a group: a producer's question for metadata would make a missing topic on some brokers.
static enum err admin_open(const struct config *config, struct bus_client *client, struct fault *fault)
{
    rd_kafka_conf_t *conf;
    enum err err = bus_conf_new(config, NULL, 0, client, &conf, fault);
    return err == ERR_OK ? bus_client_start(client, true, conf, fault) : err;
}

static enum err fail(const char *topic, const char *doing, rd_kafka_resp_err_t code, const char *reason,
                     struct fault *fault)
{
    bool refused = code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                   code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
                   code == RD_KAFKA_RESP_ERR_INVALID_PARTITIONS || code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
                   code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR || code == RD_KAFKA_RESP_ERR_INVALID_CONFIG ||
                   code == RD_KAFKA_RESP_ERR_POLICY_VIOLATION;
    return fault_set(fault, refused ? ERR_INVALID : ERR_RETRY, topic, "%s: %s", doing,
                     reason && *reason ? reason : rd_kafka_err2str(code));
}

// --- metadata

static bool every_partition_has_a_leader(const rd_kafka_metadata_topic_t *topic)
{
    for (int i = 0; i < topic->partition_cnt; i++) {
        if (topic->partitions[i].leader < 0) return false;
    }
    return topic->partition_cnt > 0;
}

static enum err ask_partitions(rd_kafka_t *kafka, const char *name, struct bus_topic *out, struct fault *fault)
{
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(kafka, name, NULL);
    if (!handle) return fail(name, "name", rd_kafka_last_error(), "is not usable", fault);
    rd_kafka_resp_err_t code = rd_kafka_metadata(kafka, 0, handle, &metadata, REQUEST_TIMEOUT_MS);
    rd_kafka_topic_destroy(handle);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(name, "metadata", code, NULL, fault);
    ENSURE(metadata->topic_cnt == 1);
    const rd_kafka_metadata_topic_t *topic = &metadata->topics[0];
    enum err err = ERR_OK;
    if (topic->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
        err = fault_set(fault, ERR_NOT_FOUND, name, "no such topic");
    } else if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        err = fail(name, "metadata", topic->err, NULL, fault);
    } else if (!every_partition_has_a_leader(topic)) {
        err = fault_set(fault, ERR_RETRY, name, "a partition has no leader");
    } else {
        out->partitions = topic->partition_cnt;
        out->replication = topic->partitions[0].replica_cnt;
    }
    rd_kafka_metadata_destroy(metadata);
    return err;
}

// --- requests of the admin interface

struct answer {
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
};

static void answer_free(struct answer *answer)
{
    if (answer->event) rd_kafka_event_destroy(answer->event);
    if (answer->queue) rd_kafka_queue_destroy(answer->queue);
}

static rd_kafka_AdminOptions_t *options_new(rd_kafka_t *kafka, rd_kafka_admin_op_t operation)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(kafka, operation);
    char reason[128];
    ENSURE(options && rd_kafka_AdminOptions_set_request_timeout(options, REQUEST_TIMEOUT_MS, reason, sizeof reason) ==
                          RD_KAFKA_RESP_ERR_NO_ERROR);
    return options;
}

// The library answers every request within its own time-out, so the wait for the event needs none.
static enum err answer_await(const char *topic, const char *doing, struct answer *answer, struct fault *fault)
{
    answer->event = rd_kafka_queue_poll(answer->queue, 2 * REQUEST_TIMEOUT_MS);
    if (!answer->event) return fail(topic, doing, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL, fault);
    rd_kafka_resp_err_t code = rd_kafka_event_error(answer->event);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return ERR_OK;
    return fail(topic, doing, code, rd_kafka_event_error_string(answer->event), fault);
}

static void take_setting(const rd_kafka_ConfigEntry_t *entry, struct bus_topic *out)
{
    const char *name = rd_kafka_ConfigEntry_name(entry), *value = rd_kafka_ConfigEntry_value(entry);
    if (!value) return;
    if (strcmp(name, "message.timestamp.type") == 0)
        snprintf(out->timestamp_type, sizeof out->timestamp_type, "%s", value);
    else if (strcmp(name, "cleanup.policy") == 0)
        snprintf(out->cleanup_policy, sizeof out->cleanup_policy, "%s", value);
    else if (strcmp(name, "retention.ms") == 0)
        out->retention_ms = strtoll(value, NULL, 10);
    else if (strcmp(name, "retention.bytes") == 0)
        out->retention_bytes = strtoll(value, NULL, 10);
    else if (strcmp(name, "min.insync.replicas") == 0)
        out->min_insync_replicas = (int)strtol(value, NULL, 10);
}

static enum err ask_settings(rd_kafka_t *kafka, const char *topic, struct bus_topic *out, struct fault *fault)
{
    struct answer answer = {.queue = rd_kafka_queue_new(kafka)};
    rd_kafka_AdminOptions_t *options = options_new(kafka, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(kafka, &resource, 1, options, answer.queue);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(options);
    enum err err = answer_await(topic, "describe", &answer, fault);
    if (err == ERR_OK) {
        size_t count;
        const rd_kafka_ConfigResource_t **resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(answer.event), &count);
        ENSURE(count == 1);
        rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            err = fail(topic, "describe", code, rd_kafka_ConfigResource_error_string(resources[0]), fault);
        } else {
            const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resources[0], &count);
            for (size_t i = 0; i < count; i++) take_setting(entries[i], out);
        }
    }
    answer_free(&answer);
    return err;
}

// --- making

static rd_kafka_NewTopic_t *new_topic(const struct config *config, const char *name, int partitions,
                                      struct fault *fault)
{
    char reason[256], replicas[24], largest[24];
    snprintf(replicas, sizeof replicas, "%lld", (long long)config_int(config, "kafka.min_insync_replicas"));
    snprintf(largest, sizeof largest, "%d", BUS_BATCH_MAX);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        name, partitions, (int)config_int(config, "kafka.replication"), reason, sizeof reason);
    if (!topic) {
        fault_set(fault, ERR_INVALID, name, "%s", reason);
        return NULL;
    }
    const struct bus_option settings[] = {
        {"message.timestamp.type", "LogAppendTime"}, {"cleanup.policy", "delete"}, {"retention.ms", "-1"},
        {"retention.bytes", "-1"},                   {"min.insync.replicas", replicas},
        {"max.message.bytes", largest},
    };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        ENSURE(rd_kafka_NewTopic_set_config(topic, settings[i].name, settings[i].value) == RD_KAFKA_RESP_ERR_NO_ERROR);
    return topic;
}

static enum err create(const struct config *config, rd_kafka_t *kafka, const char *name, int partitions,
                       struct fault *fault)
{
    rd_kafka_NewTopic_t *topic = new_topic(config, name, partitions, fault);
    if (!topic) return ERR_INVALID;
    struct answer answer = {.queue = rd_kafka_queue_new(kafka)};
    rd_kafka_AdminOptions_t *options = options_new(kafka, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(kafka, &topic, 1, options, answer.queue);
    rd_kafka_NewTopic_destroy(topic);
    rd_kafka_AdminOptions_destroy(options);
    enum err err = answer_await(name, "create", &answer, fault);
    if (err == ERR_OK) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer.event), &count);
        ENSURE(count == 1);
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
        // made by another process in the same moment: it is compared like any other
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            err = fail(name, "create", code, rd_kafka_topic_result_error_string(results[0]), fault);
    }
    answer_free(&answer);
    return err;
}

// A new topic is known to the brokers a moment later.
static enum err await_leaders(rd_kafka_t *kafka, const char *name, struct bus_topic *out, struct fault *fault)
{
    int64_t end_us = clock_monotonic_us() + LEADERS_TIMEOUT_MS * INT64_C(1000);
    for (;;) {
        enum err err = ask_partitions(kafka, name, out, fault);
        if (err != ERR_NOT_FOUND && err != ERR_RETRY) return err;
        if (clock_monotonic_us() > end_us) return ERR_RETRY;
        backoff_sleep(LEADERS_ASK_MS, NULL);
    }
}

static enum err compare(const char *name, int partitions, const struct bus_topic *topic, struct fault *fault)
{
    const char *advice = "; make a new incarnation or set the topic right by hand";
    if (topic->partitions != partitions)
        return fault_set(fault, ERR_CONFLICT, name, "has %d partitions, %d are asked for%s", topic->partitions,
                         partitions, advice);
    if (strcmp(topic->timestamp_type, "LogAppendTime") != 0)
        return fault_set(fault, ERR_CONFLICT, name, "message.timestamp.type is %s, LogAppendTime is needed%s",
                         topic->timestamp_type, advice);
    if (strcmp(topic->cleanup_policy, "delete") != 0)
        return fault_set(fault, ERR_CONFLICT, name, "cleanup.policy is %s, delete is needed%s", topic->cleanup_policy,
                         advice);
    if (topic->retention_ms != -1)
        return fault_set(fault, ERR_CONFLICT, name, "retention.ms is %lld, -1 (unlimited) is needed%s",
                         (long long)topic->retention_ms, advice);
    if (topic->retention_bytes != -1)
        return fault_set(fault, ERR_CONFLICT, name, "retention.bytes is %lld, -1 (unlimited) is needed%s",
                         (long long)topic->retention_bytes, advice);
    return ERR_OK;
}

enum err bus_topic_ensure(const struct config *config, const char *name, int partitions, struct fault *fault)
{
    struct bus_client client = {0};
    struct bus_topic topic = {0};
    enum err err = admin_open(config, &client, fault);
    if (err != ERR_OK) return err;
    err = ask_partitions(client.kafka, name, &topic, fault);
    if (err == ERR_NOT_FOUND) {
        err = create(config, client.kafka, name, partitions, fault);
        if (err == ERR_OK) err = await_leaders(client.kafka, name, &topic, fault);
    }
    if (err == ERR_OK) err = ask_settings(client.kafka, name, &topic, fault);
    if (err == ERR_OK) err = compare(name, partitions, &topic, fault);
    rd_kafka_destroy(client.kafka);
    return err;
}

enum err bus_topic_describe(const struct config *config, const char *name, struct bus_topic *topic,
                            struct fault *fault)
{
    struct bus_client client = {0};
    *topic = (struct bus_topic){0};
    enum err err = admin_open(config, &client, fault);
    if (err != ERR_OK) return err;
    err = ask_partitions(client.kafka, name, topic, fault);
    if (err == ERR_OK) err = ask_settings(client.kafka, name, topic, fault);
    rd_kafka_destroy(client.kafka);
    return err;
}

// --- giving up

enum err bus_topic_refuse(const struct config *config, const char *name, const struct bus_topic *topic, bool refuse,
                          struct fault *fault)
{
    struct bus_client client = {0};
    enum err err = admin_open(config, &client, fault);
    if (err != ERR_OK) return err;
    char retention_ms[24], retention_bytes[24], replicas[24], largest[24];
    snprintf(retention_ms, sizeof retention_ms, "%lld", (long long)topic->retention_ms);
    snprintf(retention_bytes, sizeof retention_bytes, "%lld", (long long)topic->retention_bytes);
    snprintf(replicas, sizeof replicas, "%d", topic->min_insync_replicas);
    snprintf(largest, sizeof largest, "%d", refuse ? 0 : BUS_BATCH_MAX);
    // the request replaces all of a topic's settings
    const struct bus_option settings[] = {
        {"message.timestamp.type", topic->timestamp_type}, {"cleanup.policy", topic->cleanup_policy},
        {"retention.ms", retention_ms},                    {"retention.bytes", retention_bytes},
        {"min.insync.replicas", replicas},                 {"max.message.bytes", largest},
    };
    struct answer answer = {.queue = rd_kafka_queue_new(client.kafka)};
    rd_kafka_AdminOptions_t *options = options_new(client.kafka, RD_KAFKA_ADMIN_OP_ALTERCONFIGS);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        ENSURE(rd_kafka_ConfigResource_set_config(resource, settings[i].name, settings[i].value) ==
               RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_AlterConfigs(client.kafka, &resource, 1, options, answer.queue);
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(options);
    err = answer_await(name, "alter", &answer, fault);
    if (err == ERR_OK) {
        size_t count;
        const rd_kafka_ConfigResource_t **resources = rd_kafka_AlterConfigs_result_resources(
            rd_kafka_event_AlterConfigs_result(answer.event), &count);
        ENSURE(count == 1);
        rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[0]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            err = fail(name, "alter", code, rd_kafka_ConfigResource_error_string(resources[0]), fault);
    }
    answer_free(&answer);
    rd_kafka_destroy(client.kafka);
    return err;
}

enum err bus_topic_delete(const struct config *config, const char *name, struct fault *fault)
{
    struct bus_client client = {0};
    enum err err = admin_open(config, &client, fault);
    if (err != ERR_OK) return err;
    struct answer answer = {.queue = rd_kafka_queue_new(client.kafka)};
    rd_kafka_AdminOptions_t *options = options_new(client.kafka, RD_KAFKA_ADMIN_OP_DELETETOPICS);
    rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new(name);
    rd_kafka_DeleteTopics(client.kafka, &topic, 1, options, answer.queue);
    rd_kafka_DeleteTopic_destroy(topic);
    rd_kafka_AdminOptions_destroy(options);
    err = answer_await(name, "delete", &answer, fault);
    if (err == ERR_OK) {
        size_t count;
        const rd_kafka_topic_result_t **results =
            rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer.event), &count);
        ENSURE(count == 1);
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            err = fail(name, "delete", code, rd_kafka_topic_result_error_string(results[0]), fault);
    }
    answer_free(&answer);
    rd_kafka_destroy(client.kafka);
    return err;
}
