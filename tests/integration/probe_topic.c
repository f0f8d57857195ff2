// SPDX-License-Identifier: Apache-2.0
// Used by integration tests: sets how long a topic keeps its messages, deletes it, or makes it.
//   probe_topic CONFIG TOPIC RETENTION_MS | delete | make PARTITIONS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/bus.h"
#include "common/hash.h"

int main(int argc, char **argv)
{
    struct fault fault = {0};
    struct bus_topic topic;
    struct config *config = NULL;
    struct text errors = {0};
    hash_init();
    if (argc < 4 || config_open(argv[1], &config, &errors)) return 2;
    enum err err;
    if (strcmp(argv[3], "delete") == 0) {
        err = bus_topic_delete(config, argv[2], &fault);
    } else if (strcmp(argv[3], "make") == 0 && argc == 5) {
        err = bus_topic_ensure(config, argv[2], (int)strtol(argv[4], NULL, 10), &fault);
    } else {
        err = bus_topic_describe(config, argv[2], &topic, &fault);
        topic.retention_ms = strtoll(argv[3], NULL, 10);
        if (!err) err = bus_topic_refuse(config, argv[2], &topic, false, &fault);
    }
    if (err) fprintf(stderr, "%s: %s\n", fault.place, fault.reason);
    config_free(config);
    text_free(&errors);
    return err ? 1 : 0;
}
