// SPDX-License-Identifier: Apache-2.0
// Takes samples from /proc and /sys. A counter that a kernel does not offer stays zero: what is not counted cannot be
// billed. A group may go away while it is read; then it is not part of the sample.
#include "ingest/host_sample.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/file.h"

enum { HOST_FILE_MAX = 4 * 1024 * 1024, HOST_PATH_MAX = 1024 };

struct reading {
    const char *root;
    struct text text;
    struct host_device devices[HOST_DEVICES_MAX]; // whole, real disks
    size_t device_count;
    struct host_sample *sample;
    struct fault *fault;
    enum err err; // a file was there and could not be read
};

static struct slice slice_of_text(const struct text *text)
{
    return (struct slice){text->data, text->length};
}

// false: there is no such file (or no longer).
static bool read_file(struct reading *reading, const char *format, ...) PRINTF_LIKE(2, 3);
static bool read_file(struct reading *reading, const char *format, ...)
{
    char path[HOST_PATH_MAX];
    va_list arguments;
    size_t length = strlen(reading->root);
    ENSURE(length < sizeof path / 2);
    memcpy(path, reading->root, length);
    va_start(arguments, format);
    int more = vsnprintf(path + length, sizeof path - length, format, arguments);
    va_end(arguments);
    if (more < 0 || (size_t)more >= sizeof path - length) return false;
    enum err err = file_read(path, HOST_FILE_MAX, &reading->text, reading->fault);
    if (err != ERR_OK && err != ERR_NOT_FOUND && reading->err == ERR_OK) reading->err = err;
    return err == ERR_OK;
}

static bool exists(const struct reading *reading, const char *folder, const char *name, const char *below)
{
    struct text path = {0};
    text_print(&path, "%s%s%s%s", reading->root, folder, name, below);
    bool there = access(path.data, F_OK) == 0;
    text_free(&path);
    return there;
}

// --- the machine

// Partitions are counted with their disk; only whole disks have a folder in /sys/block.
static enum err read_disks(struct reading *reading, struct host_usage *usage)
{
    size_t count, kept = 0;
    if (!read_file(reading, "/proc/diskstats")) return ERR_OK;
    enum err err = host_read_disks(slice_of_text(&reading->text), reading->devices, &count, reading->fault);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        const struct host_device *device = &reading->devices[i];
        if (!host_device_is_real(device->name) || !exists(reading, "/sys/block/", device->name, "")) continue;
        usage->disk_read_bytes += device->read_bytes;
        usage->disk_write_bytes += device->write_bytes;
        reading->devices[kept++] = *device;
    }
    reading->device_count = kept;
    return err;
}

// Bridges and tunnels would count again what goes through a real interface; in a container there may be no real one.
static enum err read_network(struct reading *reading, struct host_usage *usage)
{
    static _Thread_local struct host_interface interfaces[HOST_DEVICES_MAX];
    size_t count, real = 0;
    if (!read_file(reading, "/proc/net/dev")) return ERR_OK;
    enum err err = host_read_network(slice_of_text(&reading->text), interfaces, &count, reading->fault);
    for (int pass = 0; err == ERR_OK && pass < 2 && real == 0; pass++) {
        for (size_t i = 0; i < count; i++) {
            if (pass == 0 && !exists(reading, "/sys/class/net/", interfaces[i].name, "/device")) continue;
            usage->net_rx_bytes += interfaces[i].rx_bytes;
            usage->net_tx_bytes += interfaces[i].tx_bytes;
            real++;
        }
    }
    return err;
}

static enum err read_machine(struct reading *reading, struct host_usage *usage)
{
    enum err err = ERR_OK;
    if (read_file(reading, "/proc/stat"))
        err = host_read_cpu(slice_of_text(&reading->text), sysconf(_SC_CLK_TCK), &usage->cpu_ns, reading->fault);
    if (err == ERR_OK && read_file(reading, "/proc/meminfo"))
        err = host_read_memory(slice_of_text(&reading->text), &usage->memory_bytes, reading->fault);
    if (err == ERR_OK) err = read_disks(reading, usage);
    return err == ERR_OK ? read_network(reading, usage) : err;
}

// --- cgroups: files of version 2, or of the controllers of version 1

struct cgroup_files {
    const char *cpu, *memory, *io[2]; // printf formats of the group's name; the first of io that is there counts
    bool version_2;
};
static const struct cgroup_files version_2 = {
    "/sys/fs/cgroup/%s/cpu.stat", "/sys/fs/cgroup/%s/memory.current", {"/sys/fs/cgroup/%s/io.stat", NULL}, true};
static const struct cgroup_files version_1 = {"/sys/fs/cgroup/cpuacct/%s/cpuacct.usage",
                                              "/sys/fs/cgroup/memory/%s/memory.usage_in_bytes",
                                              {"/sys/fs/cgroup/blkio/%s/blkio.throttle.io_service_bytes_recursive",
                                               "/sys/fs/cgroup/blkio/%s/blkio.throttle.io_service_bytes"},
                                              false};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" // the formats are the two tables above
static enum err read_group(struct reading *reading, const struct cgroup_files *files, struct host_group *group)
{
    struct host_usage *usage = &group->usage;
    enum err err = ERR_OK;
    if (read_file(reading, files->cpu, group->name)) {
        struct slice text = slice_of_text(&reading->text);
        err = files->version_2 ? host_read_cpu_stat(text, &usage->cpu_ns, reading->fault)
                               : host_read_number(text, &usage->cpu_ns, reading->fault);
    }
    if (err == ERR_OK && read_file(reading, files->memory, group->name))
        err = host_read_number(slice_of_text(&reading->text), &usage->memory_bytes, reading->fault);
    for (size_t i = 0; err == ERR_OK && i < 2 && files->io[i]; i++) {
        if (!read_file(reading, files->io[i], group->name)) continue;
        return host_read_io(slice_of_text(&reading->text), reading->devices, reading->device_count,
                            &usage->disk_read_bytes, &usage->disk_write_bytes, reading->fault);
    }
    return err;
}
#pragma GCC diagnostic pop

static bool is_known(const struct host_sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->count; i++)
        if (strcmp(sample->groups[i].name, name) == 0) return true;
    return false;
}

static enum err add_groups(struct reading *reading, const struct cgroup_files *files, const char *folder)
{
    struct host_sample *sample = reading->sample;
    char path[HOST_PATH_MAX];
    enum err err = ERR_OK;
    snprintf(path, sizeof path, "%s%s", reading->root, folder);
    DIR *entries = opendir(path);
    if (!entries) return ERR_OK;
    for (struct dirent *entry; err == ERR_OK && (entry = readdir(entries));) {
        struct stat status;
        if (!host_group_name_fits(entry->d_name) || is_known(sample, entry->d_name)) continue;
        if (fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(status.st_mode))
            continue;
        if (sample->count == HOST_GROUPS_MAX - 1) {
            err = fault_set(reading->fault, ERR_LIMIT, folder, "has more than %d groups: use --whole-host",
                            HOST_GROUPS_MAX - 1);
            break;
        }
        struct host_group *group = &sample->groups[sample->count];
        memset(group, 0, sizeof *group);
        strcpy(group->name, entry->d_name);
        err = read_group(reading, files, group);
        if (reading->err != ERR_OK && fstatat(dirfd(entries), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            reading->err = err = ERR_OK; // it went away while it was read
        else if (err == ERR_OK)
            sample->count++;
    }
    closedir(entries);
    return err;
}

static int compare_groups(const void *a, const void *b)
{
    return strcmp(((const struct host_group *)a)->name, ((const struct host_group *)b)->name);
}

// No group has a network of its own that the host could tell apart, so that is counted for the machine. Where only some
// memory is grouped, and processor time is not, the whole machine says more.
static enum err read_groups(struct reading *reading, enum host_scope scope)
{
    struct host_sample *sample = reading->sample;
    enum err err;
    if (exists(reading, "/sys/fs/cgroup/", "cgroup.controllers", "")) {
        err = add_groups(reading, &version_2, "/sys/fs/cgroup");
    } else {
        err = add_groups(reading, &version_1, "/sys/fs/cgroup/cpuacct");
        if (err == ERR_OK && (sample->count > 0 || scope == HOST_CGROUPS))
            err = add_groups(reading, &version_1, "/sys/fs/cgroup/memory");
    }
    if (err != ERR_OK || sample->count == 0) return err;
    struct host_group *rest = &sample->groups[sample->count++];
    *rest = (struct host_group){.name = "/"};
    sample->by_groups = true;
    err = read_network(reading, &rest->usage);
    qsort(sample->groups, sample->count, sizeof *sample->groups, compare_groups);
    return err;
}

static void read_boot(struct reading *reading)
{
    char *boot = reading->sample->boot;
    boot[0] = 0;
    if (!read_file(reading, "/proc/sys/kernel/random/boot_id")) return;
    size_t length = strcspn(reading->text.data, "\n");
    if (length < HOST_BOOT_MAX) snprintf(boot, HOST_BOOT_MAX, "%.*s", (int)length, reading->text.data);
}

enum err host_sample_read(const char *root, enum host_scope scope, struct host_sample *sample, struct fault *fault)
{
    struct reading *reading = heap_alloc(sizeof *reading);
    struct host_usage machine = {0};
    *reading = (struct reading){.root = root, .sample = sample, .fault = fault};
    memset(sample, 0, sizeof *sample);
    read_boot(reading);
    enum err err = read_machine(reading, &machine); // also finds the disks
    if (err == ERR_OK && scope != HOST_WHOLE) err = read_groups(reading, scope);
    if (err == ERR_OK) err = reading->err;
    if (err == ERR_OK && scope == HOST_CGROUPS && sample->count == 0)
        err = fault_set(fault, ERR_NOT_FOUND, "/sys/fs/cgroup", "this machine has no cgroups: use --whole-host");
    if (err == ERR_OK && sample->count == 0)
        sample->groups[sample->count++] = (struct host_group){.name = "/", .usage = machine};
    text_free(&reading->text);
    free(reading);
    return err;
}

enum err host_sample_take(const char *root, enum host_scope scope, const struct clock *clock,
                          struct host_sample *sample, struct fault *fault)
{
    struct timespec uptime;
    enum err err = host_sample_read(root, scope, sample, fault);
    ENSURE(clock_gettime(CLOCK_BOOTTIME, &uptime) == 0);
    sample->uptime_us = uptime.tv_sec * SECOND_US + uptime.tv_nsec / 1000;
    sample->time = clock_now(clock);
    return err;
}

// --- between two samples

bool host_sample_follows(const struct host_sample *before, const struct host_sample *now)
{
    return before->boot[0] && strcmp(before->boot, now->boot) == 0 && before->by_groups == now->by_groups &&
           before->uptime_us <= now->uptime_us;
}

static int64_t used(int64_t before, int64_t now)
{
    return now >= before ? now - before : 0;
}

static const struct host_usage *usage_of(const struct host_sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->count; i++)
        if (strcmp(sample->groups[i].name, name) == 0) return &sample->groups[i].usage;
    return NULL;
}

static struct host_delta compare_group(const struct host_usage *from, const struct host_group *group,
                                       int64_t elapsed_us)
{
    static const struct host_usage nothing;
    const struct host_usage *to = &group->usage;
    bool anew = strcmp(group->name, "/") != 0 && (!from || to->cpu_ns < from->cpu_ns);
    if (!from || anew) from = &nothing;
    // byte-microseconds of both samples; a GB-second is 10^15 of them, its billionth 10^6
    int128 held = ((int128)from->memory_bytes + to->memory_bytes) * elapsed_us;
    return (struct host_delta){.name = group->name,
                               .cpu_seconds = {used(from->cpu_ns, to->cpu_ns)},
                               .memory_gb_seconds = {(held + 1000000) / 2000000},
                               .disk_read_bytes = used(from->disk_read_bytes, to->disk_read_bytes),
                               .disk_write_bytes = used(from->disk_write_bytes, to->disk_write_bytes),
                               .net_rx_bytes = used(from->net_rx_bytes, to->net_rx_bytes),
                               .net_tx_bytes = used(from->net_tx_bytes, to->net_tx_bytes)};
}

size_t host_sample_compare(const struct host_sample *before, const struct host_sample *now, struct host_delta *deltas)
{
    size_t count = 0;
    ENSURE(host_sample_follows(before, now));
    for (size_t i = 0; i < now->count; i++) {
        const struct host_group *group = &now->groups[i];
        struct host_delta delta =
            compare_group(usage_of(before, group->name), group, now->uptime_us - before->uptime_us);
        if (delta.cpu_seconds.nano || delta.memory_gb_seconds.nano || delta.disk_read_bytes || delta.disk_write_bytes ||
            delta.net_rx_bytes || delta.net_tx_bytes)
            deltas[count++] = delta;
    }
    return count;
}
