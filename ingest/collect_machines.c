// SPDX-License-Identifier: Apache-2.0
// From two samples of machines to events; and a sample as the collector keeps it.
#include "ingest/collect_machines.h"

#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

void machine_sample_print(const struct machine_sample *sample, struct text *out)
{
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_open(&writer);
    json_put_instant(&writer, "time", sample->time);
    json_put_text(&writer, "boot", sample->boot);
    json_name(&writer, "machines");
    json_array_open(&writer);
    for (size_t i = 0; i < sample->count; i++) {
        const struct machine *machine = &sample->machines[i];
        json_object_open(&writer);
        json_put_text(&writer, "machine", machine->name);
        json_put_text(&writer, "generation", machine->generation);
        json_put_decimal(&writer, "vcpus", machine->vcpus.nano, QUANTITY_PLACES);
        json_put_decimal(&writer, "memory_gb", machine->memory_gb.nano, QUANTITY_PLACES);
        json_object_close(&writer);
    }
    json_array_close(&writer);
    json_object_close(&writer);
}

static bool take_text(const struct json_value *value, const char *name, char *into, size_t room)
{
    const char *text = json_text(json_member(value, name), NULL);
    if (!text || strlen(text) >= room) return false;
    strcpy(into, text);
    return true;
}

static bool take_quantity(const struct json_value *value, const char *name, struct quantity *quantity)
{
    const char *text = json_text(json_member(value, name), "");
    return quantity_parse(text, strlen(text), quantity, NULL) == ERR_OK;
}

static bool take_sample(const struct json_value *root, struct machine_sample *sample)
{
    const char *time = json_text(json_member(root, "time"), "");
    const struct json_value *machines = json_member(root, "machines");
    memset(sample, 0, sizeof *sample);
    if (instant_parse(time, strlen(time), &sample->time, NULL) != ERR_OK || !json_is_array(machines) ||
        !take_text(root, "boot", sample->boot, sizeof sample->boot) || json_length(machines) > HOST_GROUPS_MAX)
        return false;
    for (; sample->count < json_length(machines); sample->count++) {
        const struct json_value *item = json_item(machines, sample->count);
        struct machine *machine = &sample->machines[sample->count];
        if (!take_text(item, "machine", machine->name, sizeof machine->name) ||
            !take_text(item, "generation", machine->generation, sizeof machine->generation) ||
            !take_quantity(item, "vcpus", &machine->vcpus) || !take_quantity(item, "memory_gb", &machine->memory_gb))
            return false;
    }
    return true;
}

bool machine_sample_parse(const char *data, size_t length, struct machine_sample *sample)
{
    struct json_document *document = NULL;
    bool good = json_read(data, length, &document, NULL) == ERR_OK && take_sample(json_root(document), sample);
    json_free(document);
    return good;
}

static void print_change(const struct host_identity *identity, const struct collect_spool *spool, int64_t number,
                         const struct machine_change *change, struct text *out)
{
    struct json_writer writer;
    struct text name = {0};
    char id[POLL_ID_MAX];
    struct collect_event event = collect_poll_event(spool, number, id);
    event.source = identity->source;
    event.type = "cloud.host.machine.state";
    event.subject = slice_of(identity->tenant);
    event.time = change->time;
    text_print(&name, "%s/%s", identity->host, change->machine->name);
    collect_event_open(&writer, out, &event);
    json_put_text(&writer, "host", identity->host);
    json_put_text(&writer, "machine", name.data);
    json_put_text(&writer, "state", change->running ? "running" : "stopped");
    json_put_decimal(&writer, "vcpus", change->machine->vcpus.nano, QUANTITY_PLACES);
    json_put_decimal(&writer, "memory_gb", change->machine->memory_gb.nano, QUANTITY_PLACES);
    collect_event_close(&writer);
    text_add_char(out, '\n');
    text_free(&name);
}

struct samples {
    struct machine_sample before, now;
    struct machine_change changes[2 * HOST_GROUPS_MAX];
};

static enum err take(const struct collect_machines *machines, struct samples *samples,
                     const struct collect_spool *spool, struct text *sample, struct text *events, int64_t *count,
                     struct fault *fault)
{
    const bool known = spool->sample.length > 0;
    if (known && !machine_sample_parse(spool->sample.data, spool->sample.length, &samples->before))
        return collect_spool_damaged(spool, fault);
    enum err err = machine_sample_read(machines->root, machines->under, &samples->now, fault);
    if (err) return err;
    samples->now.time = clock_now(machines->clock);
    // a clock that was set back would end machines after the next one begins
    if (known && samples->now.time < samples->before.time) samples->now.time = samples->before.time;
    machine_sample_print(&samples->now, sample);
    *count = (int64_t)machine_sample_compare(known ? &samples->before : NULL, &samples->now, samples->changes);
    for (int64_t i = 0; i < *count; i++)
        print_change(&machines->identity, spool, i + 1, &samples->changes[i], events);
    return ERR_OK;
}

enum err collect_machines_take(void *context, const struct collect_spool *spool, struct text *sample,
                               struct text *events, int64_t *count, bool *begins, struct fault *fault)
{
    struct samples *samples = heap_alloc(sizeof *samples);
    *begins = spool->sample.length == 0;
    enum err err = take(context, samples, spool, sample, events, count, fault);
    free(samples);
    return err;
}
