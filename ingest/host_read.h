// SPDX-License-Identifier: Apache-2.0
// Reads the texts of /proc and /sys/fs/cgroup. Pure: text in, numbers out; all numbers are what the kernel counts since
// the machine or the group was started, exact. ERR_INVALID: the text is not of the form that the kernel writes.
#pragma once
#include "common/text.h"

enum { HOST_GROUP_NAME_MAX = 200, HOST_DEVICES_MAX = 256 };

// /proc/stat: time that all processors spent working, not idle, waiting or stolen; ticks are 1 / ticks_per_second s.
enum err host_read_cpu(struct slice text, int64_t ticks_per_second, int64_t *cpu_ns, struct fault *fault) MUST_USE;
// /proc/meminfo: total less available.
enum err host_read_memory(struct slice text, int64_t *bytes, struct fault *fault) MUST_USE;
// /proc/meminfo: total.
enum err host_read_memory_total(struct slice text, int64_t *bytes, struct fault *fault) MUST_USE;
// /proc/stat: how many processors there are.
enum err host_read_processors(struct slice text, int64_t *count, struct fault *fault) MUST_USE;
// cpu.max of cgroup v2: processor time per period; quota -1: without a limit.
enum err host_read_cpu_max(struct slice text, int64_t *quota_us, int64_t *period_us, struct fault *fault) MUST_USE;

// /proc/diskstats, a row per block device.
struct host_device {
    int major, minor;
    char name[32];
    int64_t read_bytes, write_bytes;
};
enum err host_read_disks(struct slice text, struct host_device devices[HOST_DEVICES_MAX], size_t *count,
                         struct fault *fault) MUST_USE;
// Neither memory nor made of other devices: loop, ram, zram, device mapper, RAID, floppy and optical drives.
bool host_device_is_real(const char *name);

// /proc/net/dev, a row per interface but the loopback.
struct host_interface {
    char name[32];
    int64_t rx_bytes, tx_bytes;
};
enum err host_read_network(struct slice text, struct host_interface interfaces[HOST_DEVICES_MAX], size_t *count,
                           struct fault *fault) MUST_USE;

// One number, as in memory.current or cpuacct.usage.
enum err host_read_number(struct slice text, int64_t *number, struct fault *fault) MUST_USE;
// cpu.stat of cgroup v2: usage_usec.
enum err host_read_cpu_stat(struct slice text, int64_t *cpu_ns, struct fault *fault) MUST_USE;
// io.stat of cgroup v2 or blkio...io_service_bytes of v1: sums over the devices given, or over all if there are none.
enum err host_read_io(struct slice text, const struct host_device *devices, size_t device_count, int64_t *read_bytes,
                      int64_t *write_bytes, struct fault *fault) MUST_USE;

// Names of cgroups come from whoever makes them: can an event carry this one? Hidden ones ('.') are none.
bool host_group_name_fits(const char *name);
