// SPDX-License-Identifier: Apache-2.0
// A crash point kills at its name and its count, and nowhere else.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crash_point.h"

// Reaches a, b, a, b ... `times` times each in a child; returns the signal that ended it, or minus its exit code.
static int ended_by(const char *variable, int times)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(3);
        if (variable) setenv("TURNPIKE_CRASH_AT", variable, 1);
        struct fault fault;
        if (crash_point_init(&fault)) _exit(2);
        for (int i = 0; i < times; i++) {
            CRASH_POINT("test.a");
            CRASH_POINT("test.b");
        }
        _exit(0);
    }
    int status = 0;
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void it_kills_where_it_was_asked_to(void **state)
{
    (void)state;
    unsetenv("TURNPIKE_CRASH_AT");
    assert_int_equal(ended_by(NULL, 3), 0);
    assert_int_equal(ended_by("", 3), 0);
    assert_int_equal(ended_by("test.a", 1), SIGKILL);
    assert_int_equal(ended_by("test.b:3", 3), SIGKILL);
    assert_int_equal(ended_by("test.b:4", 3), 0);
    assert_int_equal(ended_by("test", 3), 0);
    assert_int_equal(ended_by("test.abc", 3), 0);
}

static void a_malformed_wish_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"a:", "a:0", "a:-1", "a:1x", "a:1:2", ":1", "a:99999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(ended_by(wrong[i], 1), -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_kills_where_it_was_asked_to),
        cmocka_unit_test(a_malformed_wish_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
