// SPDX-License-Identifier: Apache-2.0
// The common part of Kafka clients. Lost brokers are logged when they go, every ten seconds while they are away, and
// when they are back; the library itself keeps trying for ever, with pauses of at most a second.
#include "common/bus_client.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/bus.h"
#include "common/instant.h"
#include "common/log.h"

enum { LOG_EVERY_US = 10 * 1000 * 1000, SYSLOG_ERROR = 3 };

static const struct bus_option common_options[] = {
    {"client.id", "turnpike"},
    {"client.software.name", "turnpike"},
    {"client.software.version", TURNPIKE_VERSION},
    {"socket.keepalive.enable", "true"},
    {"socket.nagle.disable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {"log.connection.close", "false"},
};

static bool log_due(struct bus_client *client)
{
    int64_t now_us = clock_monotonic_us();
    int64_t last_us = __atomic_load_n(&client->logged_us, __ATOMIC_RELAXED);
    if (last_us && now_us - last_us < LOG_EVERY_US) return false;
    return __atomic_compare_exchange_n(&client->logged_us, &last_us, now_us, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

// The library's own lines (any thread). Refused connections and fatal errors are told by the owner of the client.
static void on_log(const rd_kafka_t *kafka, int level, const char *facility, const char *line)
{
    struct bus_client *client = rd_kafka_opaque(kafka);
    if (level > SYSLOG_ERROR || strcmp(facility, "FAIL") == 0 || strcmp(facility, "FATAL") == 0) {
        log_debug("kafka_library", LOG_TEXT("facility", facility), LOG_TEXT("message", line));
    } else if (log_due(client)) {
        log_warn("kafka_library", LOG_TEXT("facility", facility), LOG_TEXT("message", line));
    }
}

// Served by the owner's poll, in its thread.
static void on_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
    struct bus_client *client = opaque;
    char words[sizeof client->reason];
    rd_kafka_resp_err_t code = (rd_kafka_resp_err_t)error;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        code = rd_kafka_fatal_error(kafka, words, sizeof words);
        client->fatal = true;
        log_error("kafka_client_failed", LOG_TEXT("error", rd_kafka_err2name(code)), LOG_TEXT("reason", words));
        reason = words;
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        client->down = client->told = true;
        if (log_due(client)) log_warn("kafka_waiting", LOG_TEXT("reason", reason));
    } else {
        log_debug("kafka_error", LOG_TEXT("error", rd_kafka_err2name(code)), LOG_TEXT("reason", reason));
        return;
    }
    snprintf(client->reason, sizeof client->reason, "%s", reason);
}

void bus_client_up(struct bus_client *client)
{
    if (!client->down) return;
    client->down = false; // `told` stays: what arrives now may have been fetched before
    __atomic_store_n(&client->logged_us, 0, __ATOMIC_RELAXED);
    log_info("kafka_back", LOG_TEXT("reason", "messages pass again"));
}

static void option_set(rd_kafka_conf_t *conf, const struct bus_option *option)
{
    char reason[256];
    if (rd_kafka_conf_set(conf, option->name, option->value, reason, sizeof reason) == RD_KAFKA_CONF_OK) return;
    log_error("kafka_option_refused", LOG_TEXT("option", option->name), LOG_TEXT("reason", reason));
    bool option_is_known_to_the_library = false;
    ENSURE(option_is_known_to_the_library);
}

enum err bus_conf_new(const struct config *config, const struct bus_option *options, size_t count,
                      struct bus_client *client, struct rd_kafka_conf_s **out, struct fault *fault)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char reason[256];
    const char *brokers = config_text(config, "kafka.brokers");
    *out = NULL;
    if (!brokers || !*brokers ||
        rd_kafka_conf_set(conf, "bootstrap.servers", brokers, reason, sizeof reason) != RD_KAFKA_CONF_OK) {
        rd_kafka_conf_destroy(conf);
        return fault_set(fault, ERR_INVALID, "kafka.brokers", "is not a list of HOST:PORT");
    }
    for (size_t i = 0; i < sizeof common_options / sizeof common_options[0]; i++) option_set(conf, &common_options[i]);
    for (size_t i = 0; i < count; i++) option_set(conf, &options[i]);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    rd_kafka_conf_set_opaque(conf, client);
    *out = conf;
    return ERR_OK;
}

enum err bus_client_start(struct bus_client *client, bool is_consumer, struct rd_kafka_conf_s *conf,
                          struct fault *fault)
{
    char reason[256];
    client->kafka = rd_kafka_new(is_consumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    if (client->kafka) return ERR_OK;
    rd_kafka_conf_destroy(conf);
    return fault_set(fault, ERR_INVALID, "kafka", "%s", reason);
}

// --- ending

// Shared by the one who waits and the thread that ends the client; the last of the two frees it.
struct ending {
    rd_kafka_t *kafka;
    int flags;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool ended, left;
};

static void ending_free(struct ending *ending)
{
    pthread_cond_destroy(&ending->over);
    pthread_mutex_destroy(&ending->lock);
    free(ending);
}

static void *ending_run(void *context)
{
    struct ending *ending = context;
    rd_kafka_destroy_flags(ending->kafka, ending->flags);
    pthread_mutex_lock(&ending->lock);
    ending->ended = true;
    bool left = ending->left;
    pthread_cond_signal(&ending->over);
    pthread_mutex_unlock(&ending->lock);
    if (left) ending_free(ending);
    return NULL;
}

// False: it had not ended in time.
static bool ending_await(struct ending *ending, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&ending->lock);
    while (!ending->ended && pthread_cond_timedwait(&ending->over, &ending->lock, &until) != ETIMEDOUT)
        ;
    bool ended = ending->ended;
    ending->left = !ended;
    pthread_mutex_unlock(&ending->lock);
    return ended;
}

bool bus_client_end(struct bus_client *client, int flags, int timeout_ms)
{
    if (!client->kafka) return true;
    struct ending *ending = heap_alloc(sizeof *ending);
    *ending = (struct ending){.kafka = client->kafka, .flags = flags};
    client->kafka = NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ending->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&ending->lock, NULL);
    pthread_t thread;
    ENSURE(pthread_create(&thread, NULL, ending_run, ending) == 0);
    ENSURE(pthread_detach(thread) == 0);
    bool ended = ending_await(ending, timeout_ms);
    if (ended) ending_free(ending);
    return ended;
}

const char *bus_library_version(void)
{
    return rd_kafka_version_str();
}
