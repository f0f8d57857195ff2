// SPDX-License-Identifier: Apache-2.0
// Files of the host collector in its folder: state.json; spool-NNNNNNNNNNNN.ndjson, named by the last event in it,
// whose first line is the state behind it and whose other lines are events; lock. Each is replaced atomically.
#include "ingest/host_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crash_point.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/json.h"
#include "ingest/collect_cursor.h"

enum { STATE_VERSION = 1, STATE_BYTES_MAX = 16 * 1024 * 1024, PATH_MAX_HERE = HOST_STATE_FOLDER_MAX + 64 };

static void spool_path(const struct host_state *state, int64_t sequence, char path[PATH_MAX_HERE])
{
    snprintf(path, PATH_MAX_HERE, "%s/spool-%012lld.ndjson", state->folder, (long long)sequence);
}

static void state_path(const struct host_state *state, char path[PATH_MAX_HERE])
{
    snprintf(path, PATH_MAX_HERE, "%s/state.json", state->folder);
}

// --- writing

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

static void write_sample(struct json_writer *writer, const struct host_sample *sample)
{
    char time[INSTANT_TEXT_MAX];
    instant_print(sample->time, time);
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

static void write_state(const struct host_state *state, struct text *out)
{
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_open(&writer);
    json_put_int(&writer, "version", STATE_VERSION);
    json_put_text(&writer, "incarnation", state->incarnation);
    json_put_int(&writer, "sequence", state->sequence);
    json_name(&writer, "sample");
    if (state->sampled)
        write_sample(&writer, &state->sample);
    else
        json_write_null(&writer);
    json_object_close(&writer);
    text_add_char(out, '\n');
}

static enum err save(const struct host_state *state, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    struct text out = {0};
    write_state(state, &out);
    state_path(state, path);
    enum err err = file_replace(path, out.data, out.length, 0600, fault);
    text_free(&out);
    return err;
}

// --- reading

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

static bool read_sample(const struct json_value *value, struct host_sample *sample)
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

static bool take_state(const struct json_value *root, struct host_state *state)
{
    const char *incarnation = json_text(json_member(root, "incarnation"), "");
    const struct json_value *sample = json_member(root, "sample");
    if (json_int(json_member(root, "version"), 0) != STATE_VERSION) return false;
    if (strlen(incarnation) != HOST_INCARNATION_HEX - 1) return false;
    strcpy(state->incarnation, incarnation);
    state->sequence = json_int(json_member(root, "sequence"), -1);
    state->sampled = json_is_object(sample);
    return state->sequence >= 0 && (!state->sampled || read_sample(sample, &state->sample));
}

// The first line of a file is a state.
static enum err read_state(const char *path, struct host_state *state, struct fault *fault)
{
    struct text data = {0};
    struct json_document *document = NULL;
    enum err err = file_read(path, STATE_BYTES_MAX, &data, fault);
    if (err == ERR_OK) {
        const char *end = memchr(data.data, '\n', data.length);
        if (!end || json_read(data.data, (size_t)(end - data.data), &document, NULL) != ERR_OK ||
            !take_state(json_root(document), state))
            err = fault_set(fault, ERR_CONFLICT, path,
                            "is damaged; move the folder away to begin anew (what was not sent is lost then)");
    }
    json_free(document);
    text_free(&data);
    return err;
}

// Number in the name of a spool file; -1: another file.
static int64_t spool_number(const char *name)
{
    long long number;
    int length = 0;
    if (sscanf(name, "spool-%12lld.ndjson%n", &number, &length) != 1 || length == 0 || name[length]) return -1;
    return number;
}

static enum err look_for_spool(const struct host_state *state, int64_t *oldest, int64_t *newest, int64_t *count,
                               struct fault *fault)
{
    *oldest = *newest = *count = 0;
    DIR *entries = opendir(state->folder);
    if (!entries) return fault_set(fault, ERR_RETRY, state->folder, "cannot list: %s", strerrordesc_np(errno));
    for (struct dirent *entry; (entry = readdir(entries));) {
        int64_t number = spool_number(entry->d_name);
        if (number < 0) continue;
        if (*count == 0 || number < *oldest) *oldest = number;
        if (number > *newest) *newest = number;
        ++*count;
    }
    closedir(entries);
    return ERR_OK;
}

// Killed after the spool file and before the state: the spool file is the newer one.
static enum err catch_up(struct host_state *state, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    int64_t oldest, newest;
    enum err err = look_for_spool(state, &oldest, &newest, &state->spooled, fault);
    if (err != ERR_OK || state->spooled == 0 || newest <= state->sequence) return err;
    spool_path(state, newest, path);
    err = read_state(path, state, fault);
    return err == ERR_OK ? save(state, fault) : err;
}

static void draw_incarnation(struct host_state *state)
{
    unsigned char bytes[(HOST_INCARNATION_HEX - 1) / 2];
    random_bytes(bytes, sizeof bytes);
    hex_print(bytes, sizeof bytes, state->incarnation);
}

enum err host_state_open(const char *folder, struct host_state *state, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    memset(state, 0, sizeof *state);
    state->lock_fd = -1;
    if (strlen(folder) >= sizeof state->folder) return fault_set(fault, ERR_INVALID, folder, "the path is too long");
    strcpy(state->folder, folder);
    enum err err = collect_make_folder(folder, fault);
    if (err != ERR_OK) return err;
    snprintf(path, sizeof path, "%s/lock", folder);
    err = collect_lock(path, &state->lock_fd, fault);
    if (err != ERR_OK) return err;
    state_path(state, path);
    err = read_state(path, state, fault);
    if (err == ERR_NOT_FOUND) {
        // with a spool but without a state the folder was taken apart: its events are still sent
        draw_incarnation(state);
        err = ERR_OK;
    }
    return err == ERR_OK ? catch_up(state, fault) : err;
}

void host_state_close(struct host_state *state)
{
    if (state->lock_fd >= 0) close(state->lock_fd);
    state->lock_fd = -1;
}

// --- moving on

enum err host_state_begin(struct host_state *state, const struct host_sample *sample, struct fault *fault)
{
    state->sample = *sample;
    state->sampled = true;
    return save(state, fault);
}

enum err host_state_spool(struct host_state *state, const struct host_sample *sample, const struct text *events,
                          int64_t count, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    struct text out = {0};
    struct host_state *next = heap_alloc(sizeof *next);
    *next = *state;
    next->sequence += count;
    next->sample = *sample;
    next->sampled = true;
    enum err err = ERR_OK;
    if (count > 0) {
        write_state(next, &out);
        text_add(&out, events->data, events->length);
        spool_path(next, next->sequence, path);
        CRASH_POINT("host_before_spool");
        err = file_replace(path, out.data, out.length, 0600, fault);
        text_free(&out);
        next->spooled++;
        CRASH_POINT("host_after_spool");
    }
    if (err == ERR_OK) {
        *state = *next; // the step is done; the state only follows
        err = save(state, fault);
    }
    free(next);
    return err;
}

enum err host_state_oldest(const struct host_state *state, struct text *body, int64_t *count, int64_t *sequence,
                           struct fault *fault)
{
    char path[PATH_MAX_HERE];
    int64_t newest, files;
    struct text data = {0};
    enum err err = look_for_spool(state, sequence, &newest, &files, fault);
    if (err == ERR_OK && files == 0) return ERR_NOT_FOUND;
    if (err != ERR_OK) return err;
    spool_path(state, *sequence, path);
    err = file_read(path, STATE_BYTES_MAX, &data, fault);
    text_clear(body);
    text_add_char(body, '[');
    *count = 0;
    const char *at = err == ERR_OK ? memchr(data.data, '\n', data.length) : NULL, *end;
    for (; at && (end = memchr(at + 1, '\n', data.length - (size_t)(at + 1 - data.data))); at = end) {
        if ((*count)++) text_add_char(body, ',');
        text_add(body, at + 1, (size_t)(end - at - 1));
    }
    text_add_char(body, ']');
    text_free(&data);
    if (err == ERR_OK && *count == 0) err = fault_set(fault, ERR_CONFLICT, path, "is damaged: it has no events");
    return err;
}

enum err host_state_drop(struct host_state *state, int64_t sequence, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    spool_path(state, sequence, path);
    CRASH_POINT("host_before_drop");
    if (unlink(path) != 0 && errno != ENOENT)
        return fault_set(fault, ERR_RETRY, path, "cannot remove: %s", strerrordesc_np(errno));
    state->spooled--;
    return ERR_OK;
}
