// SPDX-License-Identifier: Apache-2.0
// A folder of its own for a test that needs files; removed with what is in it (no folders inside).
#pragma once
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct test_folder {
    char path[64];
    char file[128]; // of the last test_file
};

static inline int test_folder_make(struct test_folder *folder)
{
    strcpy(folder->path, "/tmp/turnpike-test-XXXXXX");
    return mkdtemp(folder->path) ? 0 : -1;
}

// Path of a file in the folder; valid until the next call.
static inline const char *test_path(struct test_folder *folder, const char *name)
{
    int length = snprintf(folder->file, sizeof folder->file, "%s/%s", folder->path, name);
    return length > 0 && length < (int)sizeof folder->file ? folder->file : "";
}

static inline const char *test_file(struct test_folder *folder, const char *name, const void *data, size_t length,
                                    mode_t mode)
{
    const char *path = test_path(folder, name);
    FILE *file = fopen(path, "wb");
    if (!file) return "";
    size_t written = fwrite(data, 1, length, file);
    return fclose(file) == 0 && written == length && chmod(path, mode) == 0 ? path : "";
}

static inline int test_folder_count(const struct test_folder *folder)
{
    int count = 0;
    DIR *entries = opendir(folder->path);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        count += entry->d_name[0] != '.';
    if (entries) closedir(entries);
    return count;
}

static inline int test_folder_remove(struct test_folder *folder)
{
    DIR *entries = opendir(folder->path);
    for (struct dirent *entry; entries && (entry = readdir(entries));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlink(test_path(folder, entry->d_name));
    if (entries) closedir(entries);
    return rmdir(folder->path);
}
