// SPDX-License-Identifier: Apache-2.0
// Private to common/bus*.c: what producers, consumers and the maker of topics share of a Kafka client: its settings,
// its log lines, and what it said about the brokers. The library's types are only named here.
#pragma once
#include "common/config.h"

struct rd_kafka_s;
struct rd_kafka_conf_s;
struct rd_kafka_message_s;

// The first member of whatever a client's callbacks get as their opaque pointer.
struct bus_client {
    struct rd_kafka_s *kafka;
    bool down;  // no broker can be reached; set when told, cleared by bus_client_up
    bool told;  // `down` was told since it was last taken
    bool fatal; // the client must be rebuilt
    char reason[256];
    int64_t logged_us; // last line about brokers that are away; read and written atomically, by any thread
};

struct bus_option {
    const char *name, *value;
};

enum { BUS_MESSAGE_MAX = 8 * 1024 * 1024, BUS_BATCH_MAX = BUS_MESSAGE_MAX + 64 * 1024 };

// Settings common to all clients, then the options given (ENSUREd to be known to the library).
// ERR_INVALID: kafka.brokers is not usable.
enum err bus_conf_new(const struct config *config, const struct bus_option *options, size_t count,
                      struct bus_client *client, struct rd_kafka_conf_s **conf, struct fault *fault);
// Makes the client; takes conf over. is_consumer: else a producer.
enum err bus_client_start(struct bus_client *client, bool is_consumer, struct rd_kafka_conf_s *conf,
                          struct fault *fault);
// Ends the library's client, if there is one. False: it did not end in time, which version 2.0.2 never does after a topic
// was deleted that it was reading. Then it is left to a thread of its own, whose log lines still use *client, also when
// client->kafka is another one: it must not be freed.
bool bus_client_end(struct bus_client *client, int flags, int timeout_ms) MUST_USE;
// Something arrived: the brokers are there again; says so if it had said that they are not.
void bus_client_up(struct bus_client *client);
