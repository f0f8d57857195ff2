// SPDX-License-Identifier: Apache-2.0
// What a collector that samples remembers: whatever step it was stopped at, no event is lost and none gets two ids.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "ingest/collect_poll.h"

static char root[64], folder[128];
static struct collect_spool opened;

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

static int make_folder(void **state)
{
    (void)state;
    strcpy(root, "/tmp/turnpike-test-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(folder, sizeof folder, "%s/state/meter", root);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    run_shell("rm -rf '%s'", root);
    return 0;
}

static struct collect_spool *open_spool(void)
{
    struct fault fault = {0};
    if (collect_spool_open(folder, &opened, &fault) != ERR_OK) fail_msg("%s: %s", fault.place, fault.reason);
    return &opened;
}

static void put(struct collect_spool *spool, const char *event, const char *sample)
{
    struct text events = {0}, kept = {0};
    struct fault fault;
    text_add_string(&events, event);
    text_add_string(&kept, sample);
    assert_int_equal(collect_spool_put(spool, &kept, &events, *event ? 1 : 0, &fault), ERR_OK);
    text_free(&events);
    text_free(&kept);
}

static void assert_oldest(struct collect_spool *spool, const char *expected)
{
    struct fault fault = {0};
    struct text body = {0};
    int64_t count, sequence;
    assert_int_equal(collect_spool_oldest(spool, &body, &count, &sequence, &fault), ERR_OK);
    assert_string_equal(body.data, expected);
    assert_int_equal(count, 1);
    assert_int_equal(collect_spool_drop(spool, sequence, &fault), ERR_OK);
    text_free(&body);
}

static void a_spool_is_found_again(void **state)
{
    (void)state;
    struct collect_spool *spool = open_spool();
    struct fault fault = {0};
    struct text body = {0};
    int64_t count, sequence;
    char incarnation[SPOOL_INCARNATION_HEX], id[POLL_ID_MAX], expected[POLL_ID_MAX];
    strcpy(incarnation, spool->incarnation);
    assert_int_equal(spool->sample.length, 0);
    assert_int_equal(collect_spool_oldest(spool, &body, &count, &sequence, &fault), ERR_NOT_FOUND);
    put(spool, "", "{\"n\":7}"); // where counting begins
    put(spool, "{\"n\":1}\n", "{\"n\":8}");
    put(spool, "", "{\"n\":9}"); // nothing was used
    put(spool, "{\"n\":2}\n", "{\"n\":10,\"s\":{\"t\":\",\\\"sample\\\":\"}}");
    collect_spool_close(spool);

    spool = open_spool();
    assert_string_equal(spool->incarnation, incarnation);
    assert_int_equal(spool->sequence, 2);
    assert_int_equal(spool->files, 2);
    assert_string_equal(spool->sample.data, "{\"n\":10,\"s\":{\"t\":\",\\\"sample\\\":\"}}");
    struct collect_event event = collect_poll_event(spool, 3, id);
    snprintf(expected, sizeof expected, "%s-5", incarnation);
    assert_string_equal(id, expected);
    assert_int_equal(event.sequence, 5);
    assert_oldest(spool, "[{\"n\":1}]");
    assert_oldest(spool, "[{\"n\":2}]");
    assert_int_equal(collect_spool_oldest(spool, &body, &count, &sequence, &fault), ERR_NOT_FOUND);
    assert_int_equal(spool->files, 0);
    collect_spool_close(spool);
    text_free(&body);
}

// Killed between the spool file and the state that follows it: the number is not used again, the time not measured
// again.
static void a_file_that_is_newer_than_the_state_wins(void **state)
{
    (void)state;
    struct collect_spool *spool = open_spool();
    put(spool, "{\"n\":1}\n", "{\"n\":8}");
    run_shell("cp '%s/state.json' '%s/old.json'", folder, folder);
    put(spool, "{\"n\":2}\n", "{\"n\":20}");
    run_shell("cp '%s/old.json' '%s/state.json'", folder, folder);
    collect_spool_close(spool);
    spool = open_spool();
    assert_int_equal(spool->sequence, 2);
    assert_string_equal(spool->sample.data, "{\"n\":20}");
    assert_int_equal(spool->files, 2);
    run_shell("rm '%s'/spool-*", folder); // it was made durable, too
    collect_spool_close(spool);
    spool = open_spool();
    assert_int_equal(spool->sequence, 2);
    collect_spool_close(spool);
}

static void a_spool_has_one_owner_and_is_checked(void **state)
{
    (void)state;
    static struct collect_spool second;
    struct collect_spool *spool = open_spool();
    struct fault fault = {0};
    put(spool, "{\"n\":1}\n", "{\"n\":8}");
    assert_int_equal(collect_spool_open(folder, &second, &fault), ERR_CONFLICT);
    collect_spool_close(&second);
    collect_spool_close(spool);
    run_shell("sed -i 's/\"sequence\":1/\"sequence\":-1/' '%s/state.json'", folder);
    assert_int_equal(collect_spool_open(folder, &second, &fault), ERR_CONFLICT);
    assert_non_null(strstr(fault.reason, "is damaged"));
    collect_spool_close(&second);
}

int main(void)
{
#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_spool_is_found_again),
        IN_A_FOLDER(a_file_that_is_newer_than_the_state_wins),
        IN_A_FOLDER(a_spool_has_one_owner_and_is_checked),
    };
    hash_init();
    return cmocka_run_group_tests_name("collect_spool", tests, NULL, NULL);
}
