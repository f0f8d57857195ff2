// SPDX-License-Identifier: Apache-2.0
// Used by integration tests: puts messages into Kafka, in the order of standard input.
//   probe_produce CONFIG TOPIC EVENTS_PER_MESSAGE
// A line is KIND, a tab, the partition, a tab and a body: p = an event to be packed with its neighbours of the
// partition, s = a message of its own as it stands, x = the same in hex, m = a marker. Prints how many messages Kafka
// has.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"
#include "common/bus.h"
#include "common/hash.h"
#include "ingest/message.h"

enum { PARTITIONS_MAX = 1024, WAIT_MS = 30000 };

struct pack {
    struct text message;
    int count;
};

static struct bus_producer *producer;
static struct pack packs[PARTITIONS_MAX];
static int64_t delivered, refused;

static void on_delivered(void *token, enum err err, int partition, int64_t offset, const char *reason)
{
    (void)token;
    (void)partition;
    (void)offset;
    if (err) fprintf(stderr, "not delivered: %s\n", reason);
    delivered += !err;
    refused += err != ERR_OK;
}

static void send(int partition, const void *data, size_t length)
{
    struct fault fault = {0};
    enum err err;
    while ((err = bus_produce(producer, partition, data, length, NULL, &fault)) == ERR_RETRY)
        bus_producer_poll(producer, 10);
    if (err) fprintf(stderr, "%s\n", fault.reason), exit(1);
    bus_producer_poll(producer, 0);
}

static void pack_send(int partition)
{
    struct pack *pack = &packs[partition];
    if (pack->count == 0) return;
    message_finish(&pack->message);
    send(partition, pack->message.data, pack->message.length);
    text_clear(&pack->message);
    pack->count = 0;
}

static void pack_add(int partition, struct slice body, int most)
{
    struct pack *pack = &packs[partition];
    if (pack->count == 0) message_begin(&pack->message, MESSAGE_EVENTS, 0, 0);
    message_add(&pack->message, body);
    if (++pack->count == most) pack_send(partition);
}

static void hex_send(int partition, struct slice body)
{
    unsigned char *bytes = heap_alloc(body.length / 2 + 1);
    if (hex_parse(body.data, body.length, bytes)) exit(2);
    send(partition, bytes, body.length / 2);
    free(bytes);
}

static void marker_send(int partition)
{
    struct text message = {0};
    message_begin(&message, MESSAGE_MARKER, 0, 1);
    message_finish(&message);
    send(partition, message.data, message.length);
    text_free(&message);
}

static void line_take(char *line, size_t length, int most)
{
    char *end = NULL;
    long partition = length > 2 ? strtol(line + 2, &end, 10) : -1;
    if (partition < 0 || partition >= PARTITIONS_MAX || *end != '\t') exit(2);
    struct slice body = {end + 1, length - (size_t)(end + 1 - line)};
    if (line[0] != 'p') pack_send((int)partition);
    if (line[0] == 'p')
        pack_add((int)partition, body, most);
    else if (line[0] == 's')
        send((int)partition, body.data, body.length);
    else if (line[0] == 'x')
        hex_send((int)partition, body);
    else
        marker_send((int)partition);
}

int main(int argc, char **argv)
{
    struct config *config = NULL;
    struct text errors = {0};
    struct fault fault = {0};
    if (argc != 4 || config_open(argv[1], &config, &errors)) return 2;
    hash_init();
    if (bus_producer_open(config, argv[2], on_delivered, &producer, &fault)) {
        fprintf(stderr, "%s\n", fault.reason);
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;)
        line_take(line, (size_t)length - (line[length - 1] == '\n'), (int)strtol(argv[3], NULL, 10));
    for (int i = 0; i < PARTITIONS_MAX; i++) {
        pack_send(i);
        text_free(&packs[i].message);
    }
    bus_producer_close(producer, WAIT_MS);
    printf("%lld\n", (long long)delivered);
    free(line);
    config_free(config);
    text_free(&errors);
    return refused > 0;
}
