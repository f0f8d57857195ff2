// SPDX-License-Identifier: Apache-2.0
// The cursor file: {"version":1,"input":...,"size":...,"digest":...,"map":...,"begin":...,"record":...,"line":...,
// "offset":...,"before":...,"finished":...}. `before` is the digest of the bytes that lie before the offset, so that an
// input that was changed there is noticed.
#include "ingest/collect_cursor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crash_point.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/json.h"

enum { CURSOR_VERSION = 1, CURSOR_FILE_MAX = 64 * 1024, BEFORE_BYTES = 4096 };

static enum err fault_errno(struct fault *fault, const char *path, const char *what)
{
    int number = errno;
    enum err err =
        number == EACCES || number == EPERM || number == ENOTDIR || number == EROFS ? ERR_INVALID : ERR_RETRY;
    if (number == ENOENT) err = ERR_NOT_FOUND;
    return fault_set(fault, err, path, "%s: %s", what, strerrordesc_np(number));
}

enum err collect_make_folder(const char *path, struct fault *fault)
{
    struct text part = {0};
    enum err err = ERR_OK;
    for (const char *at = path; err == ERR_OK; at++) {
        if (*at != '/' && *at != 0) continue;
        text_clear(&part);
        text_add(&part, path, (size_t)(at - path));
        if (part.length > 0 && mkdir(part.data, 0700) != 0 && errno != EEXIST)
            err = fault_errno(fault, part.data, "cannot make the folder");
        if (*at == 0) break;
    }
    text_free(&part);
    return err;
}

enum err collect_lock(const char *path, int *fd, struct fault *fault)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*fd < 0) return fault_errno(fault, path, "cannot open");
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0) return ERR_OK;
    enum err err = errno == EWOULDBLOCK ? fault_set(fault, ERR_CONFLICT, path, "another collector is at work on this")
                                        : fault_errno(fault, path, "cannot lock");
    close(*fd);
    *fd = -1;
    return err;
}

// Digest of [from, from + length) in 16 hex digits; shorter at the end of the file.
static enum err digest_range(int fd, const char *path, int64_t from, int64_t length, char digest[CURSOR_DIGEST_HEX],
                             struct fault *fault)
{
    struct sha256 *hash = sha256_new();
    unsigned char bytes[SHA256_BYTES];
    static const size_t piece_bytes = 64 * 1024;
    char *piece = malloc(piece_bytes);
    ENSURE(piece);
    enum err err = ERR_OK;
    while (length > 0) {
        ssize_t count = pread(fd, piece, length < (int64_t)piece_bytes ? (size_t)length : piece_bytes, from);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) err = fault_errno(fault, path, "cannot read");
        if (count <= 0) break;
        sha256_add(hash, piece, (size_t)count);
        from += count;
        length -= count;
    }
    sha256_finish(hash, bytes);
    hex_print(bytes, (CURSOR_DIGEST_HEX - 1) / 2, digest);
    sha256_free(hash);
    free(piece);
    return err;
}

enum err cursor_identify(int fd, const char *path, struct cursor_input *input, struct fault *fault)
{
    struct stat status;
    if (fstat(fd, &status) != 0) return fault_errno(fault, path, "cannot look at");
    if (!S_ISREG(status.st_mode)) return fault_set(fault, ERR_INVALID, path, "is not a regular file");
    input->path = path;
    input->size = status.st_size;
    input->fd = fd;
    if (lseek(fd, 0, SEEK_SET) != 0) return fault_errno(fault, path, "cannot go to the begin");
    return digest_range(fd, path, 0, CURSOR_DIGEST_BYTES, input->digest, fault);
}

static enum err digest_before(const struct cursor *cursor, int64_t offset, char digest[CURSOR_DIGEST_HEX],
                              struct fault *fault)
{
    digest[0] = 0;
    if (cursor->input.fd < 0) return ERR_OK;
    int64_t from = offset > BEFORE_BYTES ? offset - BEFORE_BYTES : 0;
    return digest_range(cursor->input.fd, cursor->input.path, from, offset - from, digest, fault);
}

static void print_begin(const struct cursor *cursor, char begin[INSTANT_TEXT_MAX])
{
    begin[0] = 0;
    if (cursor->input.begin != INSTANT_NONE) instant_print(cursor->input.begin, begin);
}

// --- reading

static enum err changed(const struct cursor *cursor, struct fault *fault, const char *what)
{
    return fault_set(fault, ERR_CONFLICT, cursor->input.path,
                     "%s since a part of it was sent; --again sends all of it from its start (what is the same is "
                     "counted once)",
                     what);
}

static enum err check_cursor(struct cursor *cursor, const struct json_value *root, struct fault *fault)
{
    char begin[INSTANT_TEXT_MAX], before[CURSOR_DIGEST_HEX];
    print_begin(cursor, begin);
    if (json_int(json_member(root, "version"), 0) != CURSOR_VERSION)
        return fault_set(fault, ERR_CONFLICT, cursor->file, "is no cursor of this version");
    const char *old_begin = json_text(json_member(root, "begin"), "");
    if (strcmp(old_begin, begin) != 0)
        return fault_set(fault, ERR_CONFLICT, cursor->input.path,
                         "was sent with its times counted from %s: other times under the same ids would be conflicts",
                         *old_begin ? old_begin : "no begin");
    if (json_int(json_member(root, "size"), -1) != cursor->input.size)
        return changed(cursor, fault, "its size changed");
    struct collect_mark mark = {json_int(json_member(root, "record"), -1), json_int(json_member(root, "line"), -1),
                                json_int(json_member(root, "offset"), -1)};
    if (mark.record < 0 || mark.line < 0 || mark.offset < 0 || mark.offset > cursor->input.size)
        return fault_set(fault, ERR_CONFLICT, cursor->file, "is damaged; --again sends all from the start");
    enum err err = digest_before(cursor, mark.offset, before, fault);
    if (err != ERR_OK) return err;
    if (strcmp(json_text(json_member(root, "before"), ""), before) != 0) return changed(cursor, fault, "it changed");
    cursor->mark = mark;
    cursor->finished = json_bool(json_member(root, "finished"), false);
    return ERR_OK;
}

static enum err read_cursor(struct cursor *cursor, struct fault *fault)
{
    struct text data = {0};
    struct json_document *document = NULL;
    struct fault why;
    enum err err = file_read(cursor->file, CURSOR_FILE_MAX, &data, fault);
    if (err == ERR_OK && json_read(data.data, data.length, &document, &why) != ERR_OK)
        err = fault_set(fault, ERR_CONFLICT, cursor->file, "is damaged (%s); --again sends all from the start",
                        why.reason);
    if (err == ERR_OK) err = check_cursor(cursor, json_root(document), fault);
    json_free(document);
    text_free(&data);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

// Is this the cursor of the same path and map, but of another begin of the file?
static bool is_of_old_content(const struct cursor *cursor, const char *folder, const char *name)
{
    struct text path = {0}, data = {0};
    struct json_document *document = NULL;
    bool same = false;
    text_print(&path, "%s/%s", folder, name);
    if (file_read(path.data, CURSOR_FILE_MAX, &data, NULL) == ERR_OK &&
        json_read(data.data, data.length, &document, NULL) == ERR_OK) {
        const struct json_value *root = json_root(document);
        same = strcmp(json_text(json_member(root, "input"), ""), cursor->resolved) == 0 &&
               strcmp(json_text(json_member(root, "map"), ""), cursor->input.map) == 0 &&
               strcmp(json_text(json_member(root, "digest"), ""), cursor->input.digest) != 0;
    }
    json_free(document);
    text_free(&path);
    text_free(&data);
    return same;
}

// A file whose first MiB changed has other ids, also for the records that were sent under the old ones.
static enum err check_others(const struct cursor *cursor, const char *folder, struct fault *fault)
{
    enum err err = ERR_OK;
    DIR *entries = opendir(folder);
    if (!entries) return fault_errno(fault, folder, "cannot list");
    for (struct dirent *entry; err == ERR_OK && (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (length < 5 || strcmp(entry->d_name + length - 5, ".json") != 0) continue;
        if (is_of_old_content(cursor, folder, entry->d_name))
            err = fault_set(fault, ERR_CONFLICT, cursor->input.path,
                            "its first MiB changed since it was sent: what was sent before would get new ids and count "
                            "twice; if this is another input, say --again");
    }
    closedir(entries);
    return err;
}

enum err cursor_open(const char *folder, const struct cursor_input *input, bool again, struct cursor *cursor,
                     struct fault *fault)
{
    char lock[CURSOR_PATH_MAX + 8];
    *cursor = (struct cursor){.input = *input, .lock_fd = -1};
    if (input->fd < 0)
        snprintf(cursor->resolved, sizeof cursor->resolved, "%s", input->path);
    else if (!realpath(input->path, cursor->resolved))
        return fault_errno(fault, input->path, "cannot find");
    enum err err = collect_make_folder(folder, fault);
    if (err != ERR_OK) return err;
    int length = snprintf(cursor->file, sizeof cursor->file, "%s/%s-%s.json", folder, input->digest, input->map);
    if (length < 0 || length >= (int)sizeof cursor->file)
        return fault_set(fault, ERR_INVALID, folder, "the path is too long");
    snprintf(lock, sizeof lock, "%s.lock", cursor->file);
    err = collect_lock(lock, &cursor->lock_fd, fault);
    if (err != ERR_OK || again) return err;
    err = read_cursor(cursor, fault);
    if (err == ERR_OK && cursor->mark.record == 0 && input->fd >= 0) err = check_others(cursor, folder, fault);
    return err;
}

// --- writing

enum err cursor_save(struct cursor *cursor, const struct collect_mark *mark, bool finished, struct fault *fault)
{
    char begin[INSTANT_TEXT_MAX], before[CURSOR_DIGEST_HEX];
    struct json_writer writer;
    struct text out = {0};
    enum err err = digest_before(cursor, mark->offset, before, fault);
    if (err != ERR_OK) return err;
    print_begin(cursor, begin);
    json_begin(&writer, &out);
    json_object_open(&writer);
    json_put_int(&writer, "version", CURSOR_VERSION);
    json_put_text(&writer, "input", cursor->resolved);
    json_put_int(&writer, "size", cursor->input.size);
    json_put_text(&writer, "digest", cursor->input.digest);
    json_put_text(&writer, "map", cursor->input.map);
    json_put_text(&writer, "begin", begin);
    json_put_int(&writer, "record", mark->record);
    json_put_int(&writer, "line", mark->line);
    json_put_int(&writer, "offset", mark->offset);
    json_put_text(&writer, "before", before);
    json_put_bool(&writer, "finished", finished);
    json_object_close(&writer);
    text_add_char(&out, '\n');
    CRASH_POINT("collect_before_cursor");
    err = file_replace(cursor->file, out.data, out.length, 0600, fault);
    CRASH_POINT("collect_after_cursor");
    text_free(&out);
    if (err != ERR_OK) return err;
    cursor->mark = *mark;
    cursor->finished = finished;
    return ERR_OK;
}

void cursor_close(struct cursor *cursor)
{
    if (cursor->lock_fd >= 0) close(cursor->lock_fd);
    cursor->lock_fd = -1;
}
