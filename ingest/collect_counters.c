// SPDX-License-Identifier: Apache-2.0
// Reads counters and makes an event of each reading.
#include "ingest/collect_counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/file.h"
#include "ingest/collect_progress.h"

enum { READING_BYTES_MAX = 4096, NETWORK_BYTES_MAX = 1 << 20 };

struct taking {
    const struct collect_counters *counters;
    const struct collect_spool *spool;
    instant_us time;
    char boot[HOST_BOOT_MAX]; // interfaces count from the machine's start
    struct text *events;
    int64_t count;
    struct text text;
    struct host_interface interfaces[HOST_DEVICES_MAX];
};

// --- events

static void open_event(struct taking *taking, const struct counter_source *counter, const char *resource,
                       struct json_writer *writer)
{
    char id[POLL_ID_MAX];
    const struct counter_map *map = taking->counters->map;
    struct collect_event event = collect_poll_event(taking->spool, ++taking->count, id);
    event.source = map->source ? map->source : taking->counters->identity.source;
    event.type = counter->type;
    event.subject = slice_of(counter->subject);
    event.time = taking->time;
    collect_event_open(writer, taking->events, &event);
    json_put_text(writer, "resource", resource);
}

static void close_event(struct taking *taking, struct json_writer *writer)
{
    collect_event_close(writer);
    text_add_char(taking->events, '\n');
}

// --- numbers that a file or a program shows

static enum err read_value(struct slice text, const char *place, struct quantity *value, struct fault *fault)
{
    static const char gaps[] = " \t\r\n";
    struct fault reason;
    while (text.length && memchr(gaps, *text.data, sizeof gaps - 1))
        text.data++, text.length--;
    size_t length = 0;
    while (length < text.length && !memchr(gaps, text.data[length], sizeof gaps - 1))
        length++;
    if (!length) return fault_set(fault, ERR_RETRY, place, "shows no number");
    if (quantity_parse(text.data, length, value, &reason) != ERR_OK)
        return fault_set(fault, ERR_RETRY, place, "'%.*s': %s", (int)(length < 40 ? length : 40), text.data,
                         reason.reason);
    if (value->nano < 0) return fault_set(fault, ERR_RETRY, place, "shows a negative number");
    return ERR_OK;
}

static enum err take_value(struct taking *taking, const struct counter_source *counter, struct fault *fault)
{
    const bool command = counter->from == COUNTER_COMMAND;
    const char *place = command ? counter->arguments[0] : counter->path;
    struct quantity value;
    struct json_writer writer;
    enum err err =
        command ? counter_command_run(counter->arguments, COUNTER_TIMEOUT_MS, READING_BYTES_MAX, &taking->text, fault)
                : file_read(counter->path, READING_BYTES_MAX, &taking->text, fault);
    if (!err) err = read_value((struct slice){taking->text.data, taking->text.length}, place, &value, fault);
    if (err) return err;
    open_event(taking, counter, counter->resource, &writer);
    json_put_decimal(&writer, "value", value.nano, QUANTITY_PLACES);
    close_event(taking, &writer);
    return ERR_OK;
}

// --- interfaces

static bool is_real(const struct taking *taking, const char *name)
{
    struct text path = {0};
    struct stat status;
    text_print(&path, "%s/sys/class/net/%s/device", taking->counters->root, name);
    bool real = stat(path.data, &status) == 0;
    text_free(&path);
    return real;
}

static bool is_named(const struct counter_source *counter, const char *name)
{
    for (size_t i = 0; i < counter->interface_count; i++)
        if (strcmp(counter->interfaces[i], name) == 0) return true;
    return false;
}

static void put_interface(struct taking *taking, const struct counter_source *counter,
                          const struct host_interface *interface)
{
    struct json_writer writer;
    struct text resource = {0};
    text_print(&resource, "%s/%s", taking->counters->identity.host, interface->name);
    open_event(taking, counter, resource.data, &writer);
    json_put_text(&writer, "epoch", taking->boot);
    json_put_decimal(&writer, "rx_bytes", interface->rx_bytes, 0);
    json_put_decimal(&writer, "tx_bytes", interface->tx_bytes, 0);
    close_event(taking, &writer);
    text_free(&resource);
}

static enum err take_interfaces(struct taking *taking, const struct counter_source *counter, struct fault *fault)
{
    struct text path = {0};
    size_t count = 0;
    text_print(&path, "%s/proc/net/dev", taking->counters->root);
    enum err err = file_read(path.data, NETWORK_BYTES_MAX, &taking->text, fault);
    text_free(&path);
    if (!err)
        err = host_read_network((struct slice){taking->text.data, taking->text.length}, taking->interfaces, &count,
                                fault);
    if (err) return err;
    // of all those that have a device, as the host collector counts; where none has one, all
    bool any_real = false;
    for (size_t i = 0; i < count; i++)
        any_real = any_real || is_real(taking, taking->interfaces[i].name);
    for (size_t i = 0; i < count; i++) {
        const struct host_interface *interface = &taking->interfaces[i];
        if (counter->interface_count ? is_named(counter, interface->name)
                                     : !any_real || is_real(taking, interface->name))
            put_interface(taking, counter, interface);
    }
    return ERR_OK;
}

// --- a sample

static void read_boot(struct taking *taking)
{
    struct text path = {0};
    text_print(&path, "%s/proc/sys/kernel/random/boot_id", taking->counters->root);
    if (file_read(path.data, READING_BYTES_MAX, &taking->text, NULL) == ERR_OK) {
        size_t length = strcspn(taking->text.data, "\n");
        if (length < sizeof taking->boot)
            snprintf(taking->boot, sizeof taking->boot, "%.*s", (int)length, taking->text.data);
    }
    text_free(&path);
}

static void take_all(struct taking *taking)
{
    const struct counter_map *map = taking->counters->map;
    read_boot(taking);
    for (size_t i = 0; i < map->count; i++) {
        const struct counter_source *counter = &map->counters[i];
        struct fault fault = {0};
        enum err err = counter->from == COUNTER_INTERFACES ? take_interfaces(taking, counter, &fault)
                                                           : take_value(taking, counter, &fault);
        if (err)
            collect_say("a counter is left out, its next reading covers this one: %s: %s", fault.place, fault.reason);
    }
}

enum err collect_counters_take(void *context, const struct collect_spool *spool, struct text *sample,
                               struct text *events, int64_t *count, bool *begins, struct fault *fault)
{
    const struct collect_counters *counters = context;
    struct taking *taking = heap_alloc(sizeof *taking);
    struct json_writer writer;
    (void)fault;
    *taking =
        (struct taking){.counters = counters, .spool = spool, .time = clock_now(counters->clock), .events = events};
    take_all(taking);
    json_begin(&writer, sample);
    json_object_open(&writer);
    json_put_instant(&writer, "time", taking->time);
    json_object_close(&writer);
    *count = taking->count;
    *begins = false;
    text_free(&taking->text);
    free(taking);
    return ERR_OK;
}
