// SPDX-License-Identifier: Apache-2.0
// Cgroups as machines: what the kernel's files say of them, and how two samples differ.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/arena.h"
#include "common/file.h"
#include "ingest/collect_machines.h"

enum { MACHINE_PATH_MAX = 1024, MACHINE_FILE_MAX = 1 << 20 };
static const char machine_slice[] = "machine.slice";

struct reading {
    const char *root;
    const char *cpu, *memory; // hierarchies below root; the same of version 2
    bool version_2;
    struct quantity host_vcpus, host_memory_gb;
    struct text text;
    struct fault *fault;
};

// --- files

// ERR_NOT_FOUND: there is none.
static enum err read_file(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);
static enum err read_file(struct reading *reading, const char *format, ...)
{
    struct text path = {0};
    char rest[MACHINE_PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(rest, sizeof rest, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof rest) return ERR_NOT_FOUND;
    text_print(&path, "%s%s", reading->root, rest);
    enum err err = file_read(path.data, MACHINE_FILE_MAX, &reading->text, reading->fault);
    text_free(&path);
    return err;
}

static bool exists(const struct reading *reading, const char *folder, const char *name)
{
    struct text path = {0};
    struct stat status;
    text_print(&path, "%s%s/%s", reading->root, folder, name);
    bool there = stat(path.data, &status) == 0;
    text_free(&path);
    return there;
}

static struct slice text_of(const struct reading *reading)
{
    return (struct slice){reading->text.data, reading->text.length};
}

// Bytes as GB; quotients of 1e-9.
static struct quantity gigabytes(int64_t bytes)
{
    return (struct quantity){bytes};
}

// --- what a group may use

static enum err read_host(struct reading *reading)
{
    int64_t bytes = 0, processors = 0;
    enum err err = read_file(reading, "/proc/meminfo");
    if (!err) err = host_read_memory_total(text_of(reading), &bytes, reading->fault);
    if (!err) err = read_file(reading, "/proc/stat");
    if (!err) err = host_read_processors(text_of(reading), &processors, reading->fault);
    reading->host_vcpus.nano = (int128)processors * 1000000000;
    reading->host_memory_gb = gigabytes(bytes);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_vcpus(struct reading *reading, const char *group, struct quantity *vcpus)
{
    int64_t quota = -1, period = 0;
    *vcpus = reading->host_vcpus;
    enum err err;
    if (reading->version_2) {
        err = read_file(reading, "%s/%s/cpu.max", reading->cpu, group);
        if (!err) err = host_read_cpu_max(text_of(reading), &quota, &period, reading->fault);
    } else {
        err = read_file(reading, "%s/%s/cpu.cfs_quota_us", reading->cpu, group);
        if (!err && text_of(reading).data[0] == '-') return ERR_OK; // no limit
        if (!err) err = host_read_number(text_of(reading), &quota, reading->fault);
        if (!err) err = read_file(reading, "%s/%s/cpu.cfs_period_us", reading->cpu, group);
        if (!err) err = host_read_number(text_of(reading), &period, reading->fault);
    }
    if (err || quota < 0) return err == ERR_NOT_FOUND ? ERR_OK : err;
    if (period <= 0) return fault_set(reading->fault, ERR_INVALID, group, "its processor time has no period");
    vcpus->nano = ((int128)quota * 1000000000 * 2 + period) / (2 * (int128)period);
    return ERR_OK;
}

static enum err read_memory(struct reading *reading, const char *group, struct quantity *memory_gb)
{
    int64_t bytes = -1;
    *memory_gb = reading->host_memory_gb;
    enum err err = reading->version_2 ? read_file(reading, "%s/%s/memory.max", reading->memory, group)
                                      : read_file(reading, "%s/%s/memory.limit_in_bytes", reading->memory, group);
    if (!err && strncmp(text_of(reading).data, "max", 3) == 0) return ERR_OK;
    if (!err) err = host_read_number(text_of(reading), &bytes, reading->fault);
    if (err) return err == ERR_NOT_FOUND ? ERR_OK : err;
    // version 1 says "no limit" by a number that is larger than any memory
    if (bytes < reading->host_memory_gb.nano || !reading->host_memory_gb.nano) *memory_gb = gigabytes(bytes);
    return ERR_OK;
}

// --- groups

static enum err read_machine(struct reading *reading, const char *under, const char *name, const struct stat *status,
                             struct machine *machine)
{
    struct text group = {0};
    *machine = (struct machine){0};
    strcpy(machine->name, name);
    snprintf(machine->generation, sizeof machine->generation, "%llu.%lld", (unsigned long long)status->st_ino,
             (long long)status->st_dev);
    text_print(&group, "%s%s%s", under, *under ? "/" : "", name);
    enum err err = read_vcpus(reading, group.data, &machine->vcpus);
    if (!err) err = read_memory(reading, group.data, &machine->memory_gb);
    text_free(&group);
    return err;
}

static int machine_order(const void *a, const void *b)
{
    return strcmp(((const struct machine *)a)->name, ((const struct machine *)b)->name);
}

static enum err read_entry(struct reading *reading, const char *under, DIR *entries, const char *name,
                           struct machine_sample *sample)
{
    struct stat status;
    if (!host_group_name_fits(name) || fstatat(dirfd(entries), name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode))
        return ERR_OK;
    if (sample->count == HOST_GROUPS_MAX)
        return fault_set(reading->fault, ERR_LIMIT, under, "has more than %d groups", HOST_GROUPS_MAX);
    enum err err = read_machine(reading, under, name, &status, &sample->machines[sample->count]);
    if (fstatat(dirfd(entries), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return ERR_OK; // it went away meanwhile
    sample->count += err == ERR_OK;
    return err;
}

static enum err read_groups(struct reading *reading, const char *under, struct machine_sample *sample)
{
    struct text path = {0};
    enum err err = ERR_OK;
    text_print(&path, "%s%s/%s", reading->root, reading->cpu, under);
    DIR *entries = opendir(path.data);
    if (!entries) err = fault_set(reading->fault, ERR_NOT_FOUND, path.data, "there is no such cgroup");
    for (struct dirent *entry; !err && (entry = readdir(entries));)
        err = read_entry(reading, under, entries, entry->d_name, sample);
    if (entries) closedir(entries);
    text_free(&path);
    if (sample->count) qsort(sample->machines, sample->count, sizeof *sample->machines, machine_order);
    return err;
}

static void read_boot(struct reading *reading, char boot[HOST_BOOT_MAX])
{
    boot[0] = 0;
    if (read_file(reading, "/proc/sys/kernel/random/boot_id")) return;
    size_t length = strcspn(reading->text.data, "\n");
    if (length < HOST_BOOT_MAX) snprintf(boot, HOST_BOOT_MAX, "%.*s", (int)length, reading->text.data);
}

enum err machine_sample_read(const char *root, const char *under, struct machine_sample *sample, struct fault *fault)
{
    struct reading reading = {.root = root, .fault = fault};
    memset(sample, 0, sizeof *sample);
    reading.version_2 = exists(&reading, "/sys/fs/cgroup", "cgroup.controllers");
    reading.cpu = reading.version_2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    reading.memory = reading.version_2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    if (!under) under = exists(&reading, reading.cpu, machine_slice) ? machine_slice : "";
    read_boot(&reading, sample->boot);
    enum err err = read_host(&reading);
    if (!err) err = read_groups(&reading, under, sample);
    text_free(&reading.text);
    return err;
}

// --- between two samples

static bool same_size(const struct machine *a, const struct machine *b)
{
    return a->vcpus.nano == b->vcpus.nano && a->memory_gb.nano == b->memory_gb.nano;
}

size_t machine_sample_compare(const struct machine_sample *before, const struct machine_sample *now,
                              struct machine_change *changes)
{
    static const struct machine_sample nothing;
    size_t count = 0, i = 0, k = 0;
    if (!before) before = &nothing;
    const bool same_boot = now->boot[0] && strcmp(before->boot, now->boot) == 0;
    while (i < before->count || k < now->count) {
        const struct machine *old = i < before->count ? &before->machines[i] : NULL;
        const struct machine *new = k < now->count ? &now->machines[k] : NULL;
        const int order = !old ? 1 : !new ? -1 : strcmp(old->name, new->name);
        const bool goes_on = order == 0 && same_boot && strcmp(old->generation, new->generation) == 0;
        if (order <= 0 && !goes_on)
            changes[count++] = (struct machine_change){.machine = old, .time = before->time, .running = false};
        if (order >= 0 && !(goes_on && same_size(old, new)))
            changes[count++] = (struct machine_change){.machine = new, .time = now->time, .running = true};
        i += order <= 0;
        k += order >= 0;
    }
    return count;
}
