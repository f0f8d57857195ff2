// SPDX-License-Identifier: Apache-2.0
// Maps of counters with their mistakes, and readings of interfaces, files and programs.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "ingest/collect_counters.h"

static char root[64];
static struct arena *arena;
static struct counter_map map;
static struct fault fault;

static const char *put(const char *path, const char *content)
{
    char command[1024];
    snprintf(command, sizeof command, "mkdir -p \"$(dirname '%s%s')\"", root, path);
    assert_int_equal(system(command), 0);
    const char *full = arena_print(arena, "%s%s", root, path);
    FILE *file = fopen(full, "wb");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return full;
}

static int make_host(void **state)
{
    (void)state;
    strcpy(root, "/tmp/turnpike-test-XXXXXX");
    arena = arena_new(0);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_host(void **state)
{
    (void)state;
    char command[128];
    arena_free(arena);
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static enum err read_map(const char *subject, const char *content)
{
    return counter_map_read(arena, put("/map.yaml", content), subject, &map, &fault);
}

static void refuse(const char *content, const char *place, const char *reason)
{
    assert_int_equal(read_map("acme", content), ERR_INVALID);
    if (!strstr(fault.place, place) || !strstr(fault.reason, reason))
        fail_msg("%s: %s: %s", content, fault.place, fault.reason);
}

static void a_map_names_counters(void **state)
{
    (void)state;
    assert_int_equal(read_map("acme", "source: /meters\ncounters:\n"
                                      "  - {type: a, interfaces: all}\n"
                                      "  - {type: a, subject: other, interfaces: [eth0, eth1]}\n"
                                      "  - {type: b, resource: r, file: /x}\n"
                                      "  - {type: b, resource: s, command: [prog, --now]}\n"),
                     ERR_OK);
    assert_string_equal(map.source, "/meters");
    assert_int_equal(map.count, 4);
    assert_string_equal(map.counters[0].subject, "acme");
    assert_int_equal(map.counters[0].interface_count, 0);
    assert_string_equal(map.counters[1].subject, "other");
    assert_int_equal(map.counters[1].interface_count, 2);
    assert_string_equal(map.counters[2].path, "/x");
    assert_string_equal(map.counters[3].arguments[1], "--now");
    assert_null(map.counters[3].arguments[2]);
    assert_int_equal(read_map(NULL, "subject: mine\ncounters: [{type: a, interfaces: all}]\n"), ERR_OK);
    assert_string_equal(map.counters[0].subject, "mine");
}

static void mistakes_of_a_map_have_places(void **state)
{
    (void)state;
    refuse("counters: []\n", "map.yaml:1:11", "1 to 500");
    refuse("counters: [{type: a, file: /x}]\n", "map.yaml:1:12", "'resource' is missing");
    refuse("counters: [{type: a, resource: r}]\n", "map.yaml:1:12", "one of interfaces, file and command");
    refuse("counters: [{type: a, resource: r, file: /x, command: [y]}]\n", "map.yaml:1:12", "one of interfaces");
    refuse("counters: [{resource: r, file: /x}]\n", "map.yaml:1:12", "'type' is missing");
    refuse("counters: [{type: a, resource: r, interfaces: all}]\n", "map.yaml:1:32", "name the resources themselves");
    refuse("counters: [{type: a, interfaces: eth0}]\n", "map.yaml:1:34", "all, or a list");
    refuse("counters: [{type: a, resource: r, command: []}]\n", "map.yaml:1:44", "1 to 32");
    refuse("counters: [{type: a, resource: r, command: x}]\n", "map.yaml:1:44", "list of 1 to 32");
    refuse("counters: [{type: a, resource: r, file: /x, unit: k}]\n", "map.yaml:1:45", "unknown key 'unit'");
    refuse("kinds: 1\n", "map.yaml:1:1", "unknown key 'kinds'");
    refuse("source: 'a b'\ncounters: [{type: a, interfaces: all}]\n", "map.yaml:1:9", "source");
    refuse("counters: [{type: a, resource: r, file: /x}, {type: a, resource: r, file: /y}]\n", "map.yaml:1:46", "twice");
    assert_int_equal(read_map(NULL, "counters: [{type: a, interfaces: all}]\n"), ERR_INVALID);
    assert_non_null(strstr(fault.reason, "'subject' is missing"));
}

static void run_command(const char *script, enum err expected, const char *shown)
{
    const char *const arguments[] = {"sh", "-c", script, NULL};
    struct text output = {0};
    enum err err = counter_command_run(arguments, 2000, 100, &output, &fault);
    if (err != expected) fail_msg("%s: %s", script, fault.reason);
    if (err == ERR_OK)
        assert_string_equal(output.data ? output.data : "", shown);
    else
        assert_non_null(strstr(fault.reason, shown));
    text_free(&output);
}

static void programs_are_run_within_bounds(void **state)
{
    (void)state;
    run_command("echo 42", ERR_OK, "42\n");
    run_command("cat", ERR_OK, ""); // nothing to read
    run_command("echo 42; exit 3", ERR_RETRY, "ended with code 3");
    run_command("kill -9 $$", ERR_RETRY, "signal 9");
    run_command("yes", ERR_RETRY, "more than 100 bytes");
    run_command("sleep 60 & sleep 60", ERR_RETRY, "longer than 2000 ms");
    const char *const none[] = {"/nowhere/to/be/found", NULL};
    struct text output = {0};
    assert_int_equal(counter_command_run(none, 2000, 100, &output, &fault), ERR_RETRY);
    assert_non_null(strstr(fault.reason, "cannot be started"));
    text_free(&output);
}

static void readings_become_events(void **state)
{
    (void)state;
    put("/proc/sys/kernel/random/boot_id", "b-1\n");
    put("/proc/net/dev", "x\ny\nlo: 9 0 0 0 0 0 0 0 9 0\neth0: 1000 0 0 0 0 0 0 0 2000 0\nbr0: 7 0 0 0 0 0 0 0 8 0\n");
    put("/sys/class/net/eth0/device/uevent", "");
    const char *meter = put("/meter", "  123.000000001 kWh\n"), *bad = put("/bad", "1.0000000001\n"),
               *low = put("/low", "-1\n"), *empty = put("/empty", " \n");
    const char *text = arena_print(arena,
                                   "counters:\n  - {type: net, interfaces: all}\n  - {type: net, subject: b, interfaces: [br0]}\n"
                                   "  - {type: m, resource: bad, file: %s}\n  - {type: m, resource: low, file: %s}\n"
                                   "  - {type: m, resource: empty, file: %s}\n  - {type: m, resource: r, file: %s}\n"
                                   "  - {type: m, resource: s, command: [echo, '7']}\n",
                                   bad, low, empty, meter);
    assert_int_equal(read_map("acme", text), ERR_OK);
    struct collect_counters counters = {
        .identity = {.source = "/collectors/counters/x", .host = "node1"}, .map = &map, .root = root, .clock = clock_system()};
    struct collect_spool spool = {.incarnation = "0011223344556677", .sequence = 41};
    struct text sample = {0}, events = {0};
    int64_t count;
    bool begins;
    assert_int_equal(collect_counters_take(&counters, &spool, &sample, &events, &count, &begins, &fault), ERR_OK);
    assert_int_equal(count, 4); // what cannot be read is left out, and said
    static const char *const data[] = {
        "{\"resource\":\"node1/eth0\",\"epoch\":\"b-1\",\"rx_bytes\":\"1000\",\"tx_bytes\":\"2000\"}",
        "{\"resource\":\"node1/br0\",\"epoch\":\"b-1\",\"rx_bytes\":\"7\",\"tx_bytes\":\"8\"}",
        "{\"resource\":\"r\",\"value\":\"123.000000001\"}", "{\"resource\":\"s\",\"value\":\"7\"}"};
    const char *line = events.data;
    for (int i = 0; i < 4; i++) {
        char id[64];
        const char *end = strchr(line, '\n');
        struct slice slice = {line, (size_t)(end - line)};
        snprintf(id, sizeof id, "\"id\":\"0011223344556677-%d\"", 42 + i);
        if (!memmem(slice.data, slice.length, id, strlen(id)) || !memmem(slice.data, slice.length, data[i], strlen(data[i])))
            fail_msg("%.*s", (int)slice.length, slice.data);
        line = end + 1;
    }
    assert_string_equal(line, "");
    text_free(&sample);
    text_free(&events);
}

int main(void)
{
#define ON_A_HOST(test) cmocka_unit_test_setup_teardown(test, make_host, remove_host)
    const struct CMUnitTest tests[] = {
        ON_A_HOST(a_map_names_counters),
        ON_A_HOST(mistakes_of_a_map_have_places),
        ON_A_HOST(programs_are_run_within_bounds),
        ON_A_HOST(readings_become_events),
    };
    hash_init();
    return cmocka_run_group_tests_name("collect_counters", tests, NULL, NULL);
}
