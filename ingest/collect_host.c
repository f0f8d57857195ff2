// SPDX-License-Identifier: Apache-2.0
// From two samples of this machine to events.
#include "ingest/collect_host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hash.h"

enum { MACHINE_ID_MAX = 4096 };

void host_identify(const char *root, const char *kind, const char *tenant, struct host_identity *identity)
{
    struct text id = {0}, salted = {0};
    unsigned char digest[SHA256_BYTES];
    char path[HOST_TEXT_MAX], hex[17];
    identity->tenant = tenant;
    if (gethostname(identity->host, sizeof identity->host) != 0) strcpy(identity->host, "host");
    identity->host[sizeof identity->host - 1] = 0;
    snprintf(path, sizeof path, "%s/etc/machine-id", root);
    if (file_read(path, MACHINE_ID_MAX, &id, NULL) != ERR_OK || id.length < 32) {
        text_clear(&id);
        text_add_string(&id, identity->host);
    }
    text_add_string(&salted, "turnpike/host/");
    text_add(&salted, id.data, strcspn(id.data, "\n"));
    sha256_of(salted.data, salted.length, digest);
    hex_print(digest, 8, hex);
    snprintf(identity->source, sizeof identity->source, "/collectors/%s/%s", kind, hex);
    text_free(&salted);
    text_free(&id);
}

static void put_bytes(struct json_writer *writer, const char *name, int64_t bytes)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)bytes);
    json_put_text(writer, name, text);
}

void collect_host_print(const struct host_identity *identity, const struct collect_spool *spool, instant_us time,
                        const struct host_delta *deltas, size_t count, struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct host_delta *delta = &deltas[i];
        struct json_writer writer;
        char id[POLL_ID_MAX];
        struct collect_event event = collect_poll_event(spool, (int64_t)i + 1, id);
        event.source = identity->source;
        event.type = "cloud.host.usage";
        event.subject = slice_of(identity->tenant);
        event.time = time;
        collect_event_open(&writer, out, &event);
        json_put_text(&writer, "host", identity->host);
        json_put_text(&writer, "cgroup", delta->name);
        json_put_decimal(&writer, "cpu_seconds", delta->cpu_seconds.nano, QUANTITY_PLACES);
        json_put_decimal(&writer, "memory_gb_seconds", delta->memory_gb_seconds.nano, QUANTITY_PLACES);
        put_bytes(&writer, "disk_read_bytes", delta->disk_read_bytes);
        put_bytes(&writer, "disk_write_bytes", delta->disk_write_bytes);
        put_bytes(&writer, "net_rx_bytes", delta->net_rx_bytes);
        put_bytes(&writer, "net_tx_bytes", delta->net_tx_bytes);
        collect_event_close(&writer);
        text_add_char(out, '\n');
    }
}

// Counters that cannot be compared (a new machine start, another scope, the first time) are where counting begins.
enum err collect_host_take(void *context, const struct collect_spool *spool, struct text *sample, struct text *events,
                           int64_t *count, bool *begins, struct fault *fault)
{
    struct collect_host *host = context;
    const bool known = spool->sample.length > 0;
    if (known && !host_sample_parse(spool->sample.data, spool->sample.length, &host->before))
        return collect_spool_damaged(spool, fault);
    enum err err = host_sample_take(host->root, host->scope, host->clock, &host->sample, fault);
    if (err != ERR_OK) return err;
    host_sample_print(&host->sample, sample);
    *begins = !known || !host_sample_follows(&host->before, &host->sample);
    if (*begins) return ERR_OK;
    size_t used = host_sample_compare(&host->before, &host->sample, host->deltas);
    collect_host_print(&host->identity, spool, host->sample.time, host->deltas, used, events);
    *count = (int64_t)used;
    return ERR_OK;
}
