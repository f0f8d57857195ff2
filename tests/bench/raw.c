// SPDX-License-Identifier: Apache-2.0
// As fast as we can make it: one consumer, no group, batches from its queue, large prefetch, no checksums.
#include "tests/bench/raw.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

enum { MESSAGES_AT_ONCE = 10000, WAIT_MS = 20, WATERMARK_MS = 5000, SILENCES_MOST = 1000 };

static rd_kafka_t *client_new(const char *brokers)
{
    static const char *const options[][2] = {
        {"group.id", "turnpike-raw"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"queued.min.messages", "2000000"},
        {"queued.max.messages.kbytes", "524288"},
        {"fetch.message.max.bytes", "1048576"},
        {"fetch.max.bytes", "52428800"},
        {"fetch.wait.max.ms", "100"},
    };
    char reason[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (rd_kafka_conf_set(conf, options[i][0], options[i][1], reason, sizeof reason) != RD_KAFKA_CONF_OK)
            fprintf(stderr, "raw: %s\n", reason);
    rd_kafka_t *kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
    if (kafka) rd_kafka_poll_set_consumer(kafka);
    if (!kafka) fprintf(stderr, "raw: %s\n", reason);
    return kafka;
}

static bool assign(rd_kafka_t *kafka, const char *topic, int partitions, int64_t *wanted)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; i < partitions && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        int64_t low = 0, high = 0;
        code = rd_kafka_query_watermark_offsets(kafka, topic, i, &low, &high, WATERMARK_MS);
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = low;
        *wanted += high - low;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) code = rd_kafka_assign(kafka, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) fprintf(stderr, "raw: %s\n", rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

bool raw_consume(const char *brokers, const char *topic, int partitions, int64_t *messages, int64_t *bytes)
{
    static rd_kafka_message_t *batch[MESSAGES_AT_ONCE];
    int64_t wanted = 0;
    int silences = 0;
    *messages = *bytes = 0;
    rd_kafka_t *kafka = client_new(brokers);
    if (!kafka) return false;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(kafka);
    bool fine = assign(kafka, topic, partitions, &wanted);
    while (fine && *messages < wanted && silences < SILENCES_MOST) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, WAIT_MS, batch, MESSAGES_AT_ONCE);
        silences = count > 0 ? 0 : silences + 1;
        for (ssize_t i = 0; i < count; i++) {
            if (!batch[i]->err) *messages += 1, *bytes += (int64_t)batch[i]->len;
            rd_kafka_message_destroy(batch[i]);
        }
    }
    if (fine && *messages < wanted)
        fprintf(stderr, "raw: %lld of %lld messages came\n", (long long)*messages, (long long)wanted);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy_flags(kafka, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return fine && *messages == wanted;
}
