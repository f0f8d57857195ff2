// SPDX-License-Identifier: Apache-2.0
// Whole files. Reading opens without waiting, so that a FIFO in the place of a file is refused instead of hanging;
// replacing never leaves half a file under the name, whatever fails and whenever the machine stops.
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/hash.h"

enum { FILE_PIECE = 64 * 1024 };

static enum err fault_errno(struct fault *fault, const char *path, const char *what)
{
    int number = errno;
    char text[128];
    const char *reason = strerror_r(number, text, sizeof text);
    enum err err = ERR_RETRY;
    if (number == ENOENT || number == ENOTDIR) err = ERR_NOT_FOUND;
    if (number == EACCES || number == EPERM || number == EISDIR || number == ELOOP || number == ENAMETOOLONG ||
        number == EROFS || number == ENXIO)
        err = ERR_INVALID;
    return fault_set(fault, err, path, "%s: %s", what, reason);
}

static enum err read_all(int fd, const char *path, size_t limit_bytes, struct text *out, struct fault *fault)
{
    char piece[FILE_PIECE];
    size_t total = 0;
    for (;;) {
        ssize_t count = read(fd, piece, sizeof piece);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fault_errno(fault, path, "cannot read");
        if (count == 0) return ERR_OK;
        total += (size_t)count;
        // asked again although the size was checked: a file may grow, and files of /proc have no size
        if (total > limit_bytes) return fault_set(fault, ERR_LIMIT, path, "is larger than %zu bytes", limit_bytes);
        text_add(out, piece, (size_t)count);
    }
}

static enum err status_check(const struct stat *status, const char *path, size_t limit_bytes, unsigned most_mode,
                             struct fault *fault)
{
    if (!S_ISREG(status->st_mode)) return fault_set(fault, ERR_INVALID, path, "is not a regular file");
    unsigned mode = status->st_mode & 07777;
    if (mode & ~most_mode)
        return fault_set(fault, ERR_INVALID, path, "has mode %04o, but at most %04o is allowed: chmod %o it", mode,
                         most_mode, mode & most_mode);
    if (status->st_size > 0 && (uint64_t)status->st_size > limit_bytes)
        return fault_set(fault, ERR_LIMIT, path, "is larger than %zu bytes", limit_bytes);
    return ERR_OK;
}

enum err file_read_private(const char *path, size_t limit_bytes, unsigned most_mode, struct text *out,
                           struct fault *fault)
{
    struct stat status;
    text_clear(out);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return fault_errno(fault, path, "cannot open");
    enum err err = fstat(fd, &status) == 0 ? status_check(&status, path, limit_bytes, most_mode, fault)
                                           : fault_errno(fault, path, "cannot look at");
    if (err == ERR_OK) err = read_all(fd, path, limit_bytes, out, fault);
    close(fd);
    if (err != ERR_OK) text_clear(out);
    return err;
}

enum err file_read(const char *path, size_t limit_bytes, struct text *out, struct fault *fault)
{
    return file_read_private(path, limit_bytes, 07777, out, fault);
}

static enum err write_all(int fd, const char *path, const char *data, size_t length, struct fault *fault)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fault_errno(fault, path, "cannot write");
        data += count;
        length -= (size_t)count;
    }
    return ERR_OK;
}

// Without this the new name may be lost when the machine stops, and the old content be back.
static enum err folder_sync(const char *path, struct fault *fault)
{
    struct text folder = {0};
    const char *slash = strrchr(path, '/');
    if (slash)
        text_add(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    else
        text_add_char(&folder, '.');
    int fd = open(folder.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = ERR_OK;
    if (fd < 0)
        err = fault_errno(fault, folder.data, "cannot open the folder");
    else if (fsync(fd) != 0)
        err = fault_errno(fault, folder.data, "cannot make the folder durable");
    if (fd >= 0) close(fd);
    text_free(&folder);
    return err;
}

// The new content under the temporary name, durable. The mode is set apart: open() would take the umask off.
static enum err temporary_write(int fd, const char *path, const void *data, size_t length, unsigned mode,
                                struct fault *fault)
{
    enum err err = fchmod(fd, mode) == 0 ? ERR_OK : fault_errno(fault, path, "cannot set the mode");
    if (err == ERR_OK) err = write_all(fd, path, data, length, fault);
    if (err == ERR_OK && fsync(fd) != 0) err = fault_errno(fault, path, "cannot make durable");
    if (close(fd) != 0 && err == ERR_OK) err = fault_errno(fault, path, "cannot close");
    return err;
}

enum err file_replace(const char *path, const void *data, size_t length, unsigned mode, struct fault *fault)
{
    struct text temporary = {0};
    text_print(&temporary, "%s.new.%016llx", path, (unsigned long long)random_u64());
    int fd = open(temporary.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum err err;
    if (fd < 0) {
        err = fault_errno(fault, path, "cannot make a file beside");
        goto out;
    }
    err = temporary_write(fd, path, data, length, mode, fault);
    if (err == ERR_OK && rename(temporary.data, path) != 0) err = fault_errno(fault, path, "cannot replace");
    if (err == ERR_OK)
        err = folder_sync(path, fault);
    else
        unlink(temporary.data);
out:
    text_free(&temporary);
    return err;
}
