// SPDX-License-Identifier: Apache-2.0
// Files of a collector that samples, in its folder: state.json; spool-NNNNNNNNNNNN.ndjson, named by the last event in
// it, whose first line is the state behind it and whose other lines are events; lock. Each is replaced atomically.
#include "ingest/collect_spool.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/crash_point.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/json.h"
#include "ingest/collect_cursor.h"

enum { STATE_VERSION = 1, STATE_BYTES_MAX = 16 * 1024 * 1024, PATH_MAX_HERE = SPOOL_FOLDER_MAX + 64 };
static const char sample_member[] = ",\"sample\":"; // the last member of a state; nothing before it holds such bytes

static void spool_path(const struct collect_spool *spool, int64_t sequence, char path[PATH_MAX_HERE])
{
    snprintf(path, PATH_MAX_HERE, "%s/spool-%012lld.ndjson", spool->folder, (long long)sequence);
}

static void state_path(const struct collect_spool *spool, char path[PATH_MAX_HERE])
{
    snprintf(path, PATH_MAX_HERE, "%s/state.json", spool->folder);
}

// --- writing

static void write_state(const struct collect_spool *spool, int64_t sequence, const struct text *sample,
                        struct text *out)
{
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_open(&writer);
    json_put_int(&writer, "version", STATE_VERSION);
    json_put_text(&writer, "incarnation", spool->incarnation);
    json_put_int(&writer, "sequence", sequence);
    json_name(&writer, "sample");
    if (sample->length)
        json_write_raw(&writer, sample->data);
    else
        json_write_null(&writer);
    json_object_close(&writer);
    text_add_char(out, '\n');
}

static enum err save(const struct collect_spool *spool, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    struct text out = {0};
    write_state(spool, spool->sequence, &spool->sample, &out);
    state_path(spool, path);
    enum err err = file_replace(path, out.data, out.length, 0600, fault);
    text_free(&out);
    return err;
}

// --- reading

static bool take_state(const struct json_value *root, const char *line, size_t length, struct collect_spool *spool)
{
    const char *incarnation = json_text(json_member(root, "incarnation"), "");
    if (json_int(json_member(root, "version"), 0) != STATE_VERSION) return false;
    if (strlen(incarnation) != SPOOL_INCARNATION_HEX - 1) return false;
    strcpy(spool->incarnation, incarnation);
    spool->sequence = json_int(json_member(root, "sequence"), -1);
    text_clear(&spool->sample);
    if (json_is_object(json_member(root, "sample"))) {
        const char *sample = memmem(line, length, sample_member, sizeof sample_member - 1);
        if (!sample) return false;
        sample += sizeof sample_member - 1;
        text_add(&spool->sample, sample, length - (size_t)(sample - line) - 1); // less the brace of the state
    }
    return spool->sequence >= 0;
}

static enum err damaged(const char *path, struct fault *fault)
{
    return fault_set(fault, ERR_CONFLICT, path,
                     "is damaged; move the folder away to begin anew (what was not sent is lost then)");
}

enum err collect_spool_damaged(const struct collect_spool *spool, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    state_path(spool, path);
    return damaged(path, fault);
}

// The first line of a file is a state.
static enum err read_state(const char *path, struct collect_spool *spool, struct fault *fault)
{
    struct text data = {0};
    struct json_document *document = NULL;
    enum err err = file_read(path, STATE_BYTES_MAX, &data, fault);
    if (err == ERR_OK) {
        const char *end = memchr(data.data, '\n', data.length);
        const size_t length = end ? (size_t)(end - data.data) : 0;
        if (!end || json_read(data.data, length, &document, NULL) != ERR_OK ||
            !take_state(json_root(document), data.data, length, spool))
            err = damaged(path, fault);
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

static enum err look_for_spool(const struct collect_spool *spool, int64_t *oldest, int64_t *newest, int64_t *count,
                               struct fault *fault)
{
    *oldest = *newest = *count = 0;
    DIR *entries = opendir(spool->folder);
    if (!entries) return fault_set(fault, ERR_RETRY, spool->folder, "cannot list: %s", strerrordesc_np(errno));
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
static enum err catch_up(struct collect_spool *spool, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    int64_t oldest, newest;
    enum err err = look_for_spool(spool, &oldest, &newest, &spool->files, fault);
    if (err != ERR_OK || spool->files == 0 || newest <= spool->sequence) return err;
    spool_path(spool, newest, path);
    err = read_state(path, spool, fault);
    return err == ERR_OK ? save(spool, fault) : err;
}

static void draw_incarnation(struct collect_spool *spool)
{
    unsigned char bytes[(SPOOL_INCARNATION_HEX - 1) / 2];
    random_bytes(bytes, sizeof bytes);
    hex_print(bytes, sizeof bytes, spool->incarnation);
}

enum err collect_spool_open(const char *folder, struct collect_spool *spool, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    memset(spool, 0, sizeof *spool);
    spool->lock_fd = -1;
    if (strlen(folder) >= sizeof spool->folder) return fault_set(fault, ERR_INVALID, folder, "the path is too long");
    strcpy(spool->folder, folder);
    enum err err = collect_make_folder(folder, fault);
    if (err != ERR_OK) return err;
    snprintf(path, sizeof path, "%s/lock", folder);
    err = collect_lock(path, &spool->lock_fd, fault);
    if (err != ERR_OK) return err;
    state_path(spool, path);
    err = read_state(path, spool, fault);
    if (err == ERR_NOT_FOUND) {
        // with a spool but without a state the folder was taken apart: its events are still sent
        draw_incarnation(spool);
        err = ERR_OK;
    }
    return err == ERR_OK ? catch_up(spool, fault) : err;
}

void collect_spool_close(struct collect_spool *spool)
{
    if (spool->lock_fd >= 0) close(spool->lock_fd);
    spool->lock_fd = -1;
    text_free(&spool->sample);
}

// --- moving on

enum err collect_spool_put(struct collect_spool *spool, const struct text *sample, const struct text *events,
                           int64_t count, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    struct text out = {0};
    enum err err = ERR_OK;
    if (count > 0) {
        write_state(spool, spool->sequence + count, sample, &out);
        text_add(&out, events->data, events->length);
        spool_path(spool, spool->sequence + count, path);
        CRASH_POINT("collect_before_spool");
        err = file_replace(path, out.data, out.length, 0600, fault);
        text_free(&out);
        CRASH_POINT("collect_after_spool");
    }
    if (err) return err;
    spool->sequence += count; // the step is done; the state only follows
    spool->files += count > 0;
    text_clear(&spool->sample);
    text_add(&spool->sample, sample->data, sample->length);
    return save(spool, fault);
}

enum err collect_spool_oldest(const struct collect_spool *spool, struct text *body, int64_t *count, int64_t *sequence,
                              struct fault *fault)
{
    char path[PATH_MAX_HERE];
    int64_t newest, files;
    struct text data = {0};
    enum err err = look_for_spool(spool, sequence, &newest, &files, fault);
    if (err == ERR_OK && files == 0) return ERR_NOT_FOUND;
    if (err != ERR_OK) return err;
    spool_path(spool, *sequence, path);
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

enum err collect_spool_drop(struct collect_spool *spool, int64_t sequence, struct fault *fault)
{
    char path[PATH_MAX_HERE];
    spool_path(spool, sequence, path);
    CRASH_POINT("collect_before_drop");
    if (unlink(path) != 0 && errno != ENOENT)
        return fault_set(fault, ERR_RETRY, path, "cannot remove: %s", strerrordesc_np(errno));
    spool->files--;
    return ERR_OK;
}
