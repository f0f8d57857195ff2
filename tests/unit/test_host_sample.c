// SPDX-License-Identifier: Apache-2.0
// Samples of recorded machines (a folder in the place of /), and what lies between two of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/hash.h"
#include "ingest/collect_host.h"

static char root[64];
static struct host_sample sample, other;
static struct host_delta deltas[HOST_GROUPS_MAX];

static void run_shell(const char *format, ...) PRINTF_LIKE(1, 2);
static void run_shell(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

// A file of the machine, with the folders above it.
static void put(const char *path, const char *content)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", root, path);
    run_shell("mkdir -p \"$(dirname '%s')\"", full);
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_machine(void **state)
{
    (void)state;
    strcpy(root, "/tmp/turnpike-test-XXXXXX");
    if (!mkdtemp(root)) return -1;
    put("/proc/sys/kernel/random/boot_id", "018c409e-1e3c-41ed-9d5d-95ac1b8b697c\n");
    put("/proc/stat", "cpu  100 0 50 1 1 0 0 0 0 0\n");
    put("/proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 500000 kB\n");
    put("/proc/diskstats", "8 0 sda 1 1 10 1 1 1 20 1 1 1 1\n8 1 sda1 1 1 10 1 1 1 20 1 1 1 1\n"
                           "253 0 dm-0 1 1 10 1 1 1 20 1 1 1 1\n7 0 loop0 1 1 10 1 1 1 20 1 1 1 1\n");
    put("/proc/net/dev",
        "x\ny\nlo: 9 0 0 0 0 0 0 0 9 0\neth0: 1000 0 0 0 0 0 0 0 2000 0\nbr0: 1000 0 0 0 0 0 0 0 2000 0\n");
    run_shell(
        "cd '%s' && mkdir -p sys/block/sda sys/block/dm-0 sys/block/loop0 sys/class/net/eth0/device sys/class/net/br0",
        root);
    return 0;
}

static int remove_machine(void **state)
{
    (void)state;
    run_shell("rm -rf '%s'", root);
    return 0;
}

static void read_sample(enum host_scope scope, struct host_sample *into)
{
    struct fault fault = {0};
    if (host_sample_read(root, scope, into, &fault) != ERR_OK) fail_msg("%s: %s", fault.place, fault.reason);
}

static void assert_usage(const struct host_sample *of, size_t index, const char *name, struct host_usage expected)
{
    assert_true(index < of->count);
    assert_string_equal(of->groups[index].name, name);
    assert_memory_equal(&of->groups[index].usage, &expected, sizeof expected);
}

static void a_machine_without_cgroups_is_sampled_whole(void **state)
{
    (void)state;
    struct fault fault = {0};
    read_sample(HOST_AUTO, &sample);
    assert_int_equal(sample.count, 1);
    assert_false(sample.by_groups);
    assert_string_equal(sample.boot, "018c409e-1e3c-41ed-9d5d-95ac1b8b697c");
    // 150 ticks of 10 ms; half of 10^6 KiB; whole, real disks; the interface with a device
    assert_usage(&sample, 0, "/", (struct host_usage){1500000000, 512000000, 5120, 10240, 1000, 2000});
    assert_int_equal(host_sample_read(root, HOST_CGROUPS, &sample, &fault), ERR_NOT_FOUND);
    run_shell("rm -r '%s/sys/class/net/eth0/device' '%s/proc/diskstats'", root, root);
    read_sample(HOST_WHOLE, &sample); // a container: every interface counts, disks cannot be seen
    assert_usage(&sample, 0, "/", (struct host_usage){1500000000, 512000000, 0, 0, 2000, 4000});
    put("/proc/stat", "hello");
    assert_int_equal(host_sample_read(root, HOST_WHOLE, &sample, &fault), ERR_INVALID);
}

static void cgroups_of_version_2_are_sampled(void **state)
{
    (void)state;
    put("/sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
    put("/sys/fs/cgroup/system.slice/cpu.stat", "usage_usec 7\nuser_usec 7\n");
    put("/sys/fs/cgroup/system.slice/memory.current", "4096\n");
    put("/sys/fs/cgroup/system.slice/io.stat", "8:0 rbytes=1 wbytes=2\n253:0 rbytes=1 wbytes=2\n");
    put("/sys/fs/cgroup/app.slice/cpu.stat", "usage_usec 3\n"); // without the other controllers
    put("/sys/fs/cgroup/memory.pressure", "some\n");            // a file is no group
    read_sample(HOST_AUTO, &sample);
    assert_true(sample.by_groups);
    assert_int_equal(sample.count, 3);
    assert_usage(&sample, 0, "/", (struct host_usage){0, 0, 0, 0, 1000, 2000});
    assert_usage(&sample, 1, "app.slice", (struct host_usage){3000, 0, 0, 0, 0, 0});
    assert_usage(&sample, 2, "system.slice", (struct host_usage){7000, 4096, 1, 2, 0, 0});
    read_sample(HOST_WHOLE, &sample);
    assert_int_equal(sample.count, 1);
}

static void cgroups_of_version_1_are_sampled(void **state)
{
    (void)state;
    put("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "11\n");
    read_sample(HOST_AUTO, &sample); // only some memory has a group
    assert_false(sample.by_groups);
    read_sample(HOST_CGROUPS, &sample);
    assert_true(sample.by_groups);
    put("/sys/fs/cgroup/cpuacct/box/cpuacct.usage", "5\n");
    put("/sys/fs/cgroup/blkio/box/blkio.throttle.io_service_bytes", "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
    put("/sys/fs/cgroup/memory/other/memory.usage_in_bytes", "12\n");
    read_sample(HOST_AUTO, &sample);
    assert_int_equal(sample.count, 3);
    assert_usage(&sample, 1, "box", (struct host_usage){5, 11, 1, 2, 0, 0});
    assert_usage(&sample, 2, "other", (struct host_usage){0, 12, 0, 0, 0, 0});
    put("/sys/fs/cgroup/blkio/box/blkio.throttle.io_service_bytes_recursive", "8:0 Read 10\n8:0 Write 20\n");
    read_sample(HOST_AUTO, &sample);
    assert_usage(&sample, 1, "box", (struct host_usage){5, 11, 10, 20, 0, 0});
}

static struct host_sample *sample_of(struct host_sample *into, int64_t uptime_us, bool by_groups)
{
    memset(into, 0, sizeof *into);
    strcpy(into->boot, "boot");
    into->uptime_us = uptime_us;
    into->by_groups = by_groups;
    return into;
}

static void add_group(struct host_sample *into, const char *name, struct host_usage usage)
{
    strcpy(into->groups[into->count].name, name);
    into->groups[into->count++].usage = usage;
}

static void what_was_used_lies_between_two_samples(void **state)
{
    (void)state;
    sample_of(&sample, 1000000, true);
    add_group(&sample, "/", (struct host_usage){0, 0, 0, 0, 100, 200});
    add_group(&sample, "anew", (struct host_usage){500, 0, 70, 70, 0, 0});
    add_group(&sample, "gone", (struct host_usage){9, 9, 9, 9, 9, 9});
    add_group(&sample, "idle", (struct host_usage){9, 0, 9, 9, 0, 0});
    add_group(&sample, "works", (struct host_usage){1000, 1000000000, 70, 80, 0, 0});
    sample_of(&other, 3000001, true);
    add_group(&other, "/", (struct host_usage){0, 0, 0, 0, 101, 150}); // an interface went away
    add_group(&other, "anew", (struct host_usage){499, 0, 80, 8, 0, 0});
    add_group(&other, "idle", (struct host_usage){9, 0, 9, 9, 0, 0});
    add_group(&other, "new", (struct host_usage){4, 0, 5, 6, 0, 0});
    add_group(&other, "works", (struct host_usage){1500000001000, 3000000000, 60, 81, 0, 0}); // a disk went away
    assert_int_equal(host_sample_compare(&sample, &other, deltas), 4);
    assert_string_equal(deltas[0].name, "/");
    assert_int_equal(deltas[0].net_rx_bytes, 1);
    assert_int_equal(deltas[0].net_tx_bytes, 0);
    assert_string_equal(deltas[1].name, "anew");
    assert_true(deltas[1].cpu_seconds.nano == 499);
    assert_int_equal(deltas[1].disk_read_bytes, 80);
    assert_int_equal(deltas[1].disk_write_bytes, 8);
    assert_string_equal(deltas[2].name, "new");
    assert_int_equal(deltas[2].disk_write_bytes, 6);
    assert_string_equal(deltas[3].name, "works");
    assert_true(deltas[3].cpu_seconds.nano == 1500000000000);             // 1500 s
    assert_true(deltas[3].memory_gb_seconds.nano == INT64_C(4000002000)); // (1 + 3) / 2 GB x 2.000001 s
    assert_int_equal(deltas[3].disk_read_bytes, 0);
    assert_int_equal(deltas[3].disk_write_bytes, 1);
}

static void samples_that_cannot_be_compared_are_told(void **state)
{
    (void)state;
    sample_of(&sample, 5, false);
    assert_true(host_sample_follows(&sample, sample_of(&other, 5, false)));
    assert_false(host_sample_follows(&sample, sample_of(&other, 4, false)));
    assert_false(host_sample_follows(&sample, sample_of(&other, 6, true))); // else groups would count from the boot
    strcpy(sample_of(&other, 6, false)->boot, "another");
    assert_false(host_sample_follows(&sample, &other));
    sample.boot[0] = sample_of(&other, 6, false)->boot[0] = 0; // not known
    assert_false(host_sample_follows(&sample, &other));
}

static void events_say_what_was_used(void **state)
{
    (void)state;
    struct text out = {0};
    const struct host_identity identity = {.tenant = "acme", .source = "/collectors/host/x", .host = "node1"};
    const struct collect_spool spool = {.incarnation = "0011223344556677", .sequence = 41};
    deltas[0] = (struct host_delta){.name = "a\"b",
                                    .cpu_seconds = {1500000000},
                                    .memory_gb_seconds = {1},
                                    .disk_read_bytes = 1,
                                    .disk_write_bytes = 2,
                                    .net_rx_bytes = 3,
                                    .net_tx_bytes = INT64_MAX};
    collect_host_print(&identity, &spool, 1790812800500000, deltas, 1, &out);
    assert_string_equal(
        out.data, "{\"specversion\":\"1.0\",\"id\":\"0011223344556677-42\",\"source\":\"/collectors/host/x\","
                  "\"type\":\"cloud.host.usage\",\"subject\":\"acme\",\"time\":\"2026-10-01T00:00:00.5Z\","
                  "\"sequence\":\"000000000042\",\"sequenceincarnation\":\"0011223344556677\",\"data\":{\"host\":\"node1\",\"cgroup\":\"a\\\"b\","
                  "\"cpu_seconds\":\"1.5\",\"memory_gb_seconds\":\"0.000000001\",\"disk_read_bytes\":\"1\","
                  "\"disk_write_bytes\":\"2\",\"net_rx_bytes\":\"3\",\"net_tx_bytes\":\"9223372036854775807\"}}\n");
    text_free(&out);
}

static void a_sample_is_kept_and_read_again(void **state)
{
    (void)state;
    struct text kept = {0};
    sample_of(&sample, 7, true);
    sample.time = 1790812800500000;
    add_group(&sample, "/", (struct host_usage){1, 2, 3, 4, 5, 6});
    add_group(&sample, "a\"b", (struct host_usage){INT64_MAX, 0, 0, 0, 0, 0});
    host_sample_print(&sample, &kept);
    memset(&other, 0xff, sizeof other);
    assert_true(host_sample_parse(kept.data, kept.length, &other));
    assert_true(other.time == sample.time && other.uptime_us == 7 && other.by_groups);
    assert_int_equal(other.count, 2);
    assert_string_equal(other.boot, "boot");
    assert_string_equal(other.groups[1].name, "a\"b");
    assert_memory_equal(&other.groups[0].usage, &sample.groups[0].usage, sizeof sample.groups[0].usage);
    assert_memory_equal(&other.groups[1].usage, &sample.groups[1].usage, sizeof sample.groups[1].usage);
    kept.data[kept.length - 1] = 0;
    assert_false(host_sample_parse(kept.data, kept.length, &other));
    text_free(&kept);
    static const char negative[] = "{\"time\":\"2026-10-01T00:00:00Z\",\"boot\":\"b\",\"uptime_us\":1,\"by_groups\":false,"
                                   "\"groups\":[{\"cgroup\":\"/\",\"cpu_ns\":-1,\"memory_bytes\":0,\"disk_read_bytes\":0,"
                                   "\"disk_write_bytes\":0,\"net_rx_bytes\":0,\"net_tx_bytes\":0}]}";
    assert_false(host_sample_parse(negative, sizeof negative - 1, &other));
}

int main(void)
{
#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, remove_machine)
    const struct CMUnitTest tests[] = {
        ON_A_MACHINE(a_machine_without_cgroups_is_sampled_whole),
        ON_A_MACHINE(cgroups_of_version_2_are_sampled),
        ON_A_MACHINE(cgroups_of_version_1_are_sampled),
        cmocka_unit_test(what_was_used_lies_between_two_samples),
        cmocka_unit_test(samples_that_cannot_be_compared_are_told),
        cmocka_unit_test(events_say_what_was_used),
        cmocka_unit_test(a_sample_is_kept_and_read_again),
    };
    hash_init();
    return cmocka_run_group_tests_name("host_sample", tests, NULL, NULL);
}
