// SPDX-License-Identifier: Apache-2.0
// The lock of the folder is held while folders come and go in it, that of rater-XXXXXX as long as its rater lives: a
// lock ends with its process, however that ends, and not before.
#include "rating/index_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/log.h"

enum { PATH_MAX_BYTES = 4000, OPEN_FILES = 16 };
static const char prefix[] = "rater-";

struct index_folder {
    char path[PATH_MAX_BYTES];
    int lock;
};

static enum err refused(const char *path, const char *what, struct fault *fault)
{
    return fault_set(fault, ERR_INVALID, path, "%s: %s", what, strerrordesc_np(errno));
}

static enum err folder_make(const char *path, struct fault *fault)
{
    char part[PATH_MAX_BYTES];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof part - 64)
        return fault_set(fault, ERR_INVALID, path, "is no name of a folder, or too long");
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != 0) continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) && errno != EEXIST) return refused(part, "cannot make the folder", fault);
    }
    return ERR_OK;
}

// The locked file, or -1.
static int lock_take(const char *folder, const char *name, int operation)
{
    char path[PATH_MAX_BYTES + 300];
    snprintf(path, sizeof path, "%s/%s%slock", folder, name, *name ? "/" : "");
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0 || !flock(file, operation)) return file;
    int number = errno;
    close(file);
    errno = number;
    return -1;
}

static int one_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void tree_remove(const char *path)
{
    if (nftw(path, one_remove, OPEN_FILES, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        log_warn("index_folder_stays", LOG_TEXT("folder", path), LOG_TEXT("because", strerrordesc_np(errno)));
}

// Removes the folders of raters that are gone: their lock can be had.
static void stale_remove(const char *folder)
{
    DIR *directory = opendir(folder);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[PATH_MAX_BYTES + 300];
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
        int lock = lock_take(folder, entry->d_name, LOCK_EX | LOCK_NB);
        if (lock < 0) continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        tree_remove(path);
        close(lock);
        log_info("index_folder_removed", LOG_TEXT("folder", path));
    }
    if (directory) closedir(directory);
}

enum err index_folder_open(const char *folder, struct index_folder **opened, struct fault *fault)
{
    enum err err = folder_make(folder, fault);
    if (err) return err;
    int all = lock_take(folder, "", LOCK_EX);
    if (all < 0) return refused(folder, "cannot be locked", fault);
    struct index_folder *made = heap_alloc(sizeof *made);
    stale_remove(folder);
    snprintf(made->path, sizeof made->path, "%s/%sXXXXXX", folder, prefix);
    made->lock = -1;
    if (!mkdtemp(made->path) || (made->lock = lock_take(made->path, "", LOCK_EX | LOCK_NB)) < 0)
        err = refused(folder, "cannot make a folder in it", fault);
    close(all);
    if (err)
        free(made);
    else
        *opened = made;
    return err;
}

const char *index_folder_path(const struct index_folder *index_folder)
{
    return index_folder->path;
}

void index_folder_close(struct index_folder *index_folder)
{
    if (!index_folder) return;
    tree_remove(index_folder->path);
    close(index_folder->lock);
    free(index_folder);
}
