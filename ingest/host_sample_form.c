// SPDX-License-Identifier: Apache-2.0
// A sample of a machine as the collector keeps it between two runs.
#include <stddef.h>
#include <string.h>

#include "common/json.h"
#include "ingest/host_sample.h"

static const struct {
    const char *name;
    size_t offset;
} counters[] = {
    {"cpu_ns", offsetof(struct host_usage, cpu_ns)},
    {"memory_bytes", offsetof(struct host_usage, memory_bytes)},
    {"disk_read_bytes", offsetof(struct host_usage, disk_read_bytes)},
    {"disk_write_bytes", offsetof(struct host_usage, disk_write_bytes)},
    {"net_rx_bytes", offsetof(struct host_usage, net_rx_bytes)},
    {"net_tx_bytes", offsetof(struct host_usage, net_tx_bytes)},
};
enum { COUNTERS = sizeof counters / sizeof *counters };

static int64_t *counter_of(struct host_usage *usage, size_t index)
{
    return (int64_t *)(void *)((char *)usage + counters[index].offset);
}

void host_sample_print(const struct host_sample *sample, struct text *out)
{
    char time[INSTANT_TEXT_MAX];
    struct json_writer builder, *writer = &builder;
    instant_print(sample->time, time);
    json_begin(writer, out);
    json_object_open(writer);
    json_put_text(writer, "time", time);
    json_put_text(writer, "boot", sample->boot);
    json_put_int(writer, "uptime_us", sample->uptime_us);
    json_put_bool(writer, "by_groups", sample->by_groups);
    json_name(writer, "groups");
    json_array_open(writer);
    for (size_t i = 0; i < sample->count; i++) {
        struct host_usage usage = sample->groups[i].usage;
        json_object_open(writer);
        json_put_text(writer, "cgroup", sample->groups[i].name);
        for (size_t k = 0; k < COUNTERS; k++)
            json_put_int(writer, counters[k].name, *counter_of(&usage, k));
        json_object_close(writer);
    }
    json_array_close(writer);
    json_object_close(writer);
}

static bool read_group(const struct json_value *value, struct host_group *group)
{
    const char *name = json_text(json_member(value, "cgroup"), NULL);
    if (!name || strlen(name) >= sizeof group->name) return false;
    strcpy(group->name, name);
    for (size_t k = 0; k < COUNTERS; k++) {
        int64_t number = json_int(json_member(value, counters[k].name), -1);
        if (number < 0) return false;
        *counter_of(&group->usage, k) = number;
    }
    return true;
}

static bool take_sample(const struct json_value *value, struct host_sample *sample)
{
    const char *time = json_text(json_member(value, "time"), ""), *boot = json_text(json_member(value, "boot"), "");
    const struct json_value *groups = json_member(value, "groups");
    if (instant_parse(time, strlen(time), &sample->time, NULL) != ERR_OK || strlen(boot) >= sizeof sample->boot)
        return false;
    strcpy(sample->boot, boot);
    sample->uptime_us = json_int(json_member(value, "uptime_us"), -1);
    sample->by_groups = json_bool(json_member(value, "by_groups"), false);
    sample->count = json_length(groups);
    if (sample->uptime_us < 0 || sample->count == 0 || sample->count > HOST_GROUPS_MAX) return false;
    bool rest = false;
    for (size_t i = 0; i < sample->count; i++) {
        if (!read_group(json_item(groups, i), &sample->groups[i])) return false;
        rest = rest || strcmp(sample->groups[i].name, "/") == 0;
    }
    return rest;
}

bool host_sample_parse(const char *data, size_t length, struct host_sample *sample)
{
    struct json_document *document = NULL;
    bool good = json_read(data, length, &document, NULL) == ERR_OK && take_sample(json_root(document), sample);
    json_free(document);
    return good;
}
