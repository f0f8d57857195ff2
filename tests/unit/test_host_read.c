// SPDX-License-Identifier: Apache-2.0
// The kernel's files, as recorded on machines of several kinds, and texts that are none of its.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "ingest/host_read.h"

static struct slice text(const char *data)
{
    return slice_of(data);
}

static void processor_time_is_what_was_worked(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        int64_t ticks, expected; // -1: refused
    } rows[] = {
        // user + nice + system + irq + softirq = 360735 + 16179 + 141221 + 0 + 2500
        {"cpu  360735 16179 141221 469756 3732 0 2500 343 7 7\ncpu0 1 1 1 1 1 1 1 1 0 0\n", 100, 5206350000000},
        {"cpu  1 2 4 8 16 32 64\n", 1000, 103000000}, // an old kernel
        {"cpu  0 0 0 0 0 0 0 0 0 0\n", 100, 0},
        {"cpu  922337203685 0 0 0 0 0 0\n", 100, INT64_C(9223372036850000000)},
        {"cpu  922337203686 0 0 0 0 0 0\n", 100, -1}, // beyond 292 years
        {"cpu  9223372036854775807 1 0 0 0 0 0\n", 100, -1},
        {"cpu  1 2 4 8 16 32\n", 100, -1},
        {"cpu0 1 2 4 8 16 32 64\n", 100, -1},
        {"cpu  1 2 -4 8 16 32 64\n", 100, -1},
        {"", 100, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ns = -1;
        enum err err = host_read_cpu(text(rows[i].data), rows[i].ticks, &ns, NULL);
        if (err != (rows[i].expected < 0 ? ERR_INVALID : ERR_OK)) fail_msg("row %zu: %s", i, err_name(err));
        if (err == ERR_OK && ns != rows[i].expected) fail_msg("row %zu: %lld", i, (long long)ns);
    }
}

static void memory_is_total_less_available(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        int64_t expected;
    } rows[] = {
        {"MemTotal:       24684092 kB\nMemFree:        19826868 kB\nMemAvailable:   22302844 kB\nBuffers: 1 kB\n",
         INT64_C(2381248) * 1024},
        {"MemTotal: 5 kB\nMemAvailable: 5 kB", 0},
        {"MemTotal: 5 kB\n", -1},
        {"MemAvailable: 5 kB\n", -1},
        {"MemTotal: 5 kB\nMemAvailable: 6 kB\n", -1},
        {"MemTotal: x kB\nMemAvailable: 6 kB\n", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t bytes = -1;
        enum err err = host_read_memory(text(rows[i].data), &bytes, NULL);
        if (err != (rows[i].expected < 0 ? ERR_INVALID : ERR_OK) || (err == ERR_OK && bytes != rows[i].expected))
            fail_msg("row %zu: %s %lld", i, err_name(err), (long long)bytes);
    }
}

static void disks_are_read_in_sectors_of_512(void **state)
{
    (void)state;
    static const char recorded[] =
        "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        " 254       0 vda 30427 8123 2312345 21034 51234 40123 8123456 91234 0 45123 112345 0 0 0 0 1234 77\n"
        " 254       1 vda1 30000 8123 2312000 21034 51234 40123 8123400 91234 0 45123 112345\n"
        " 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n";
    struct host_device devices[HOST_DEVICES_MAX];
    size_t count;
    assert_int_equal(host_read_disks(text(recorded), devices, &count, NULL), ERR_OK);
    assert_int_equal(count, 4);
    assert_string_equal(devices[1].name, "vda");
    assert_int_equal(devices[1].major, 254);
    assert_int_equal(devices[1].read_bytes, INT64_C(2312345) * 512);
    assert_int_equal(devices[1].write_bytes, INT64_C(8123456) * 512);
    assert_int_equal(devices[3].write_bytes, 7 * 512);
    assert_int_equal(host_read_disks(text(""), devices, &count, NULL), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(host_read_disks(text("8 0 sda 1 2 3 4 5 6\n"), devices, &count, NULL), ERR_INVALID);
    assert_int_equal(host_read_disks(text("8 0 sda 1 2 36028797018963968 4 5 6 7\n"), devices, &count, NULL),
                     ERR_INVALID);
    static const char *const others[] = {"loop0", "ram15", "zram0", "dm-3", "md127", "fd0", "sr0"};
    static const char *const real[] = {"sda", "vda", "nvme0n1", "mmcblk0", "xvda", "mdx"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(host_device_is_real(others[i]));
    for (size_t i = 0; i < sizeof real / sizeof *real; i++)
        assert_true(host_device_is_real(real[i]));
}

static void interfaces_but_the_loopback_are_read(void **state)
{
    (void)state;
    static const char recorded[] =
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
        "carrier "
        "compressed\n"
        "    lo: 6086628591 1170054    0    0    0     0          0         0 6086628591 1170054    0    0    0     0\n"
        "  eth0: 968852157   25065    0    0    0     0          0         0  2426748   18700    0    0    0     0 0 "
        "0\n"
        "wlan0:12 1 0 0 0 0 0 0 34 1 0 0 0 0 0 0\n";
    struct host_interface interfaces[HOST_DEVICES_MAX];
    size_t count;
    assert_int_equal(host_read_network(text(recorded), interfaces, &count, NULL), ERR_OK);
    assert_int_equal(count, 2);
    assert_string_equal(interfaces[0].name, "eth0");
    assert_int_equal(interfaces[0].rx_bytes, 968852157);
    assert_int_equal(interfaces[0].tx_bytes, 2426748);
    assert_string_equal(interfaces[1].name, "wlan0");
    assert_int_equal(interfaces[1].tx_bytes, 34);
    assert_int_equal(host_read_network(text("x\ny\neth0: 1 2 3\n"), interfaces, &count, NULL), ERR_INVALID);
    assert_int_equal(host_read_network(text(""), interfaces, &count, NULL), ERR_INVALID);
}

static void counters_of_groups_are_read(void **state)
{
    (void)state;
    int64_t number, read_bytes, write_bytes;
    assert_int_equal(host_read_number(text("4481118208\n"), &number, NULL), ERR_OK);
    assert_int_equal(number, 4481118208);
    assert_int_equal(host_read_number(text("max\n"), &number, NULL), ERR_INVALID);
    assert_int_equal(host_read_number(text("9223372036854775808\n"), &number, NULL), ERR_INVALID);
    assert_int_equal(host_read_cpu_stat(text("usage_usec 5500337447\nuser_usec 1\nsystem_usec 2\n"), &number, NULL),
                     ERR_OK);
    assert_int_equal(number, 5500337447000);
    assert_int_equal(host_read_cpu_stat(text("user_usec 1\n"), &number, NULL), ERR_INVALID);

    static const struct host_device disks[] = {{.major = 8, .minor = 0, .name = "sda"},
                                               {.major = 259, .minor = 0, .name = "nvme0n1"}};
    static const char v2[] = "8:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n"
                             "253:0 rbytes=100 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n" // made of 8:0
                             "7:1\n"
                             "259:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n";
    static const char v1[] = "8:0 Read 100\n8:0 Write 20\n8:0 Sync 120\n8:0 Async 0\n8:0 Total 120\n"
                             "7:0 Read 5\n7:0 Write 5\nTotal 130\n";
    assert_int_equal(host_read_io(text(v2), disks, 2, &read_bytes, &write_bytes, NULL), ERR_OK);
    assert_int_equal(read_bytes, 101);
    assert_int_equal(write_bytes, 22);
    assert_int_equal(host_read_io(text(v1), disks, 2, &read_bytes, &write_bytes, NULL), ERR_OK);
    assert_int_equal(read_bytes, 100);
    assert_int_equal(write_bytes, 20);
    assert_int_equal(host_read_io(text(v1), NULL, 0, &read_bytes, &write_bytes, NULL), ERR_OK); // no disk is known
    assert_int_equal(read_bytes, 105);
    assert_int_equal(host_read_io(text(""), disks, 2, &read_bytes, &write_bytes, NULL), ERR_OK);
    assert_int_equal(read_bytes, 0);
    assert_int_equal(host_read_io(text("8:0 rbytes=x\n"), disks, 2, &read_bytes, &write_bytes, NULL), ERR_INVALID);
    assert_int_equal(host_read_io(text("8:0 rbytes\n"), disks, 2, &read_bytes, &write_bytes, NULL), ERR_INVALID);
    assert_int_equal(host_read_io(text("hello\n"), disks, 2, &read_bytes, &write_bytes, NULL), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor_time_is_what_was_worked), cmocka_unit_test(memory_is_total_less_available),
        cmocka_unit_test(disks_are_read_in_sectors_of_512),  cmocka_unit_test(interfaces_but_the_loopback_are_read),
        cmocka_unit_test(counters_of_groups_are_read),
    };
    return cmocka_run_group_tests_name("host_read", tests, NULL, NULL);
}
