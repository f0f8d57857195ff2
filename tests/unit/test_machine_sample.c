// SPDX-License-Identifier: Apache-2.0
// Machines of recorded hosts (a folder in the place of /), and what happened to them between two samples.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "ingest/collect_machines.h"

static char root[64];
static struct machine_sample before, now;
static struct machine_change changes[2 * HOST_GROUPS_MAX];

static void put(const char *path, const char *content)
{
    char command[1024];
    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s%s')\"", root, path);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s%s", root, path);
    FILE *file = fopen(command, "wb");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_host(void **state)
{
    (void)state;
    strcpy(root, "/tmp/turnpike-test-XXXXXX");
    if (!mkdtemp(root)) return -1;
    put("/proc/sys/kernel/random/boot_id", "018c409e-1e3c-41ed-9d5d-95ac1b8b697c\n");
    put("/proc/stat", "cpu  100 0 50\ncpu0 50 0 25\ncpu1 50 0 25\nintr 7\n");
    put("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 500000 kB\n");
    return 0;
}

static int remove_host(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static enum err read_under(const char *under, struct fault *fault)
{
    return machine_sample_read(root, under, &now, fault);
}

static void assert_machine(size_t index, const char *name, int64_t vcpus_nano, int64_t memory_nano)
{
    assert_true(index < now.count);
    assert_string_equal(now.machines[index].name, name);
    assert_true(now.machines[index].vcpus.nano == vcpus_nano);
    assert_true(now.machines[index].memory_gb.nano == memory_nano);
}

static void groups_of_version_2_are_machines(void **state)
{
    (void)state;
    struct fault fault = {0};
    put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    put("/sys/fs/cgroup/system.slice/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/apps/cpu.max", "50000 100000\n");
    assert_int_equal(read_under(NULL, &fault), ERR_OK);
    assert_int_equal(now.count, 2);
    assert_machine(0, "apps", 500000000, 8192000000); // no limit of memory: the host's, 8,000,000 KiB
    assert_machine(1, "system.slice", 2000000000, 8192000000);
    put("/sys/fs/cgroup/machine.slice/vm-1.scope/cpu.max", "150000 70000\n");
    put("/sys/fs/cgroup/machine.slice/vm-1.scope/memory.max", "4294967296\n");
    put("/sys/fs/cgroup/machine.slice/vm-2.scope/cpu.max", "1 3\n");
    put("/sys/fs/cgroup/machine.slice/vm-2.scope/memory.max", "max\n");
    put("/sys/fs/cgroup/machine.slice/cgroup.procs", "");
    assert_int_equal(read_under(NULL, &fault), ERR_OK);
    assert_string_equal(now.boot, "018c409e-1e3c-41ed-9d5d-95ac1b8b697c");
    assert_int_equal(now.count, 2);
    assert_machine(0, "vm-1.scope", 2142857143, 4294967296); // 150000 / 70000, half up
    assert_machine(1, "vm-2.scope", 333333333, 8192000000);
    assert_int_equal(read_under("apps", &fault), ERR_OK);
    assert_int_equal(now.count, 0);
    assert_int_equal(read_under("none", &fault), ERR_NOT_FOUND);
    put("/sys/fs/cgroup/apps/one/cpu.max", "much\n");
    assert_int_equal(read_under("apps", &fault), ERR_INVALID);
    put("/sys/fs/cgroup/apps/one/cpu.max", "5 0\n");
    assert_int_equal(read_under("apps", &fault), ERR_INVALID);
}

static void groups_of_version_1_are_machines(void **state)
{
    (void)state;
    struct fault fault = {0};
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/cpu/small/cpu.cfs_quota_us", "25000\n");
    put("/sys/fs/cgroup/cpu/small/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n"); // without a limit
    put("/sys/fs/cgroup/memory/small/memory.limit_in_bytes", "1000000000\n");
    assert_int_equal(read_under(NULL, &fault), ERR_OK);
    assert_int_equal(now.count, 2);
    assert_machine(0, "box", 2000000000, 8192000000);
    assert_machine(1, "small", 250000000, 1000000000);
}

static struct machine machine(const char *name, const char *generation, int64_t vcpus)
{
    struct machine made = {.vcpus = {vcpus * 1000000000}, .memory_gb = {4000000000}};
    strcpy(made.name, name);
    strcpy(made.generation, generation);
    return made;
}

static struct machine_sample *begin(struct machine_sample *sample, instant_us time, const char *boot)
{
    memset(sample, 0, sizeof *sample);
    sample->time = time;
    strcpy(sample->boot, boot);
    return sample;
}

static void assert_change(size_t index, const char *name, instant_us time, bool running)
{
    assert_string_equal(changes[index].machine->name, name);
    assert_true(changes[index].time == time);
    assert_int_equal(changes[index].running, running);
}

static void changes_lie_between_two_samples(void **state)
{
    (void)state;
    begin(&before, 10, "boot");
    before.machines[before.count++] = machine("anew", "1", 2);
    before.machines[before.count++] = machine("gone", "2", 2);
    before.machines[before.count++] = machine("grows", "3", 2);
    before.machines[before.count++] = machine("same", "4", 2);
    begin(&now, 20, "boot");
    now.machines[now.count++] = machine("anew", "9", 2);
    now.machines[now.count++] = machine("begins", "8", 1);
    now.machines[now.count++] = machine("grows", "3", 4);
    now.machines[now.count++] = machine("same", "4", 2);
    assert_int_equal(machine_sample_compare(&before, &now, changes), 5);
    assert_change(0, "anew", 10, false); // when it was last seen
    assert_change(1, "anew", 20, true);
    assert_change(2, "begins", 20, true);
    assert_change(3, "gone", 10, false);
    assert_change(4, "grows", 20, true); // a resize: the run goes on
    assert_true(changes[4].machine->vcpus.nano == INT64_C(4000000000));
    assert_int_equal(machine_sample_compare(&now, &now, changes), 0);
    assert_int_equal(machine_sample_compare(NULL, &now, changes), 4); // the first sample
    assert_change(3, "same", 20, true);
}

static void a_host_that_was_started_anew_has_other_machines(void **state)
{
    (void)state;
    begin(&before, 10, "boot");
    before.machines[before.count++] = machine("a", "1", 2);
    begin(&now, 20, "another");
    now.machines[now.count++] = machine("a", "1", 2);
    assert_int_equal(machine_sample_compare(&before, &now, changes), 2);
    assert_change(0, "a", 10, false);
    assert_change(1, "a", 20, true);
}

static void a_sample_is_kept_and_read_again(void **state)
{
    (void)state;
    struct text kept = {0};
    begin(&now, 1790812800500000, "boot");
    now.machines[now.count++] = machine("a\"b", "7.1", 2);
    now.machines[0].vcpus.nano = 2142857143;
    machine_sample_print(&now, &kept);
    memset(&before, 0xff, sizeof before);
    assert_true(machine_sample_parse(kept.data, kept.length, &before));
    assert_memory_equal(&before, &now, sizeof now);
    assert_int_equal(machine_sample_compare(&before, &now, changes), 0);
    kept.data[2] = 'x';
    assert_false(machine_sample_parse(kept.data, kept.length, &before));
    text_free(&kept);
}

static void events_say_what_happened(void **state)
{
    (void)state;
    struct collect_machines machines = {.identity = {.tenant = "acme", .source = "/collectors/machines/x", .host = "node1"},
                                        .root = root,
                                        .under = "apps",
                                        .clock = clock_system()};
    struct collect_spool spool = {.incarnation = "0011223344556677", .sequence = 41};
    struct text sample = {0}, events = {0};
    struct fault fault = {0};
    int64_t count = 0;
    bool begins;
    put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
    put("/sys/fs/cgroup/apps/one/cpu.max", "150000 100000\n");
    begin(&before, 1790812800500000, "of old");
    before.machines[before.count++] = machine("two", "1", 2);
    machine_sample_print(&before, &spool.sample);
    assert_int_equal(collect_machines_take(&machines, &spool, &sample, &events, &count, &begins, &fault), ERR_OK);
    assert_false(begins);
    assert_int_equal(count, 2);
    const char *second = strchr(events.data, '\n') + 1;
    assert_non_null(strstr(events.data, "\"id\":\"0011223344556677-42\""));
    assert_non_null(strstr(events.data, "\"machine\":\"node1/one\",\"state\":\"running\",\"vcpus\":\"1.5\",\"memory_gb\":\"8.192\"}"));
    assert_non_null(strstr(second, "\"id\":\"0011223344556677-43\""));
    assert_non_null(strstr(second, "\"time\":\"2026-10-01T00:00:00.5Z\""));
    assert_non_null(strstr(second, "\"machine\":\"node1/two\",\"state\":\"stopped\""));
    text_clear(&spool.sample);
    text_add_string(&spool.sample, "{}");
    assert_int_equal(collect_machines_take(&machines, &spool, &sample, &events, &count, &begins, &fault), ERR_CONFLICT);
    text_free(&spool.sample);
    text_free(&sample);
    text_free(&events);
}

int main(void)
{
#define ON_A_HOST(test) cmocka_unit_test_setup_teardown(test, make_host, remove_host)
    const struct CMUnitTest tests[] = {
        ON_A_HOST(groups_of_version_2_are_machines),
        ON_A_HOST(groups_of_version_1_are_machines),
        cmocka_unit_test(changes_lie_between_two_samples),
        cmocka_unit_test(a_host_that_was_started_anew_has_other_machines),
        cmocka_unit_test(a_sample_is_kept_and_read_again),
        ON_A_HOST(events_say_what_happened),
    };
    hash_init();
    return cmocka_run_group_tests_name("machine_sample", tests, NULL, NULL);
}
