// SPDX-License-Identifier: Apache-2.0
// The frame of the store tests: cases, results, waiting, orders to the stack.
#include "tests/integration/stores/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/backoff.h"
#include "common/hash.h"
#include "common/log.h"

enum { WAIT_STEP_MS = 10, REASON_MAX = 1200 };

struct fault fault; // of the last CHECK_ERR

static jmp_buf leave;
static char reason[REASON_MAX];

void check_failed(const char *file, int line, const char *format, ...)
{
    const char *slash = strrchr(file, '/');
    int length = snprintf(reason, sizeof reason, "%s:%d: ", slash ? slash + 1 : file, line);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason + length, sizeof reason - (size_t)length, format, arguments);
    va_end(arguments);
    for (char *at = reason; *at; at++)
        if (*at == '\n') *at = ' ';
    longjmp(leave, 1);
}

void check_text(const char *file, int line, const char *what, const char *got, const char *expected)
{
    if (strcmp(got, expected) != 0) check_failed(file, line, "%s is \"%s\", expected \"%s\"", what, got, expected);
}

struct config *check_config(const char *name, const char *value)
{
    struct config *config;
    struct text errors = {0};
    CHECK(config_open(NULL, &config, &errors) == ERR_OK);
    text_free(&errors);
    CHECK_ERR(config_set(config, name, value, &fault), ERR_OK);
    return config;
}

void check_wait(const char *what, int seconds, bool (*condition)(void *context), void *context)
{
    int64_t end_us = clock_monotonic_us() + seconds * SECOND_US;
    while (!condition(context)) {
        if (clock_monotonic_us() > end_us) check_failed(__FILE__, __LINE__, "%s: not within %d s", what, seconds);
        backoff_sleep(WAIT_STEP_MS, NULL);
    }
}

void check_control(const char *order)
{
    const char *control = getenv("STORES_CONTROL");
    char command[1024];
    if (!control) check_failed(__FILE__, __LINE__, "STORES_CONTROL is not set");
    CHECK(snprintf(command, sizeof command, "'%s' --control %s >&2", control, order) < (int)sizeof command);
    if (system(command) != 0) check_failed(__FILE__, __LINE__, "the order \"%s\" failed", order);
}

const char *check_new_name(const char *prefix, char out[64])
{
    static int count;
    snprintf(out, 64, "%s.%lld.%d.%d", prefix, (long long)(clock_now(clock_system()) / SECOND_US), (int)getpid(), ++count);
    return out;
}

static bool run_case(const struct check_case *one, const struct config *config)
{
    reason[0] = 0;
    if (setjmp(leave) == 0) one->run(config);
    if (reason[0])
        printf("not ok %s - %s\n", one->name, reason);
    else
        printf("ok %s\n", one->name);
    fflush(stdout);
    return !reason[0];
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc == 1;
}

int check_main(int argc, char **argv, const struct check_case *cases, size_t count)
{
    hash_init();
    log_open("test", LOG_LEVEL_WARN, clock_system());
    struct config *config;
    struct text errors = {0};
    if (config_open(NULL, &config, &errors) != ERR_OK) {
        printf("not ok %s - configuration: %s\n", argv[0], errors.data);
        return 1;
    }
    bool all = true;
    for (size_t i = 0; i < count; i++)
        if (is_wanted(cases[i].name, argc, argv)) all = run_case(&cases[i], config) && all;
    if (!all) _exit(1); // what failed cases held would be reported as leaks
    config_free(config);
    text_free(&errors);
    return 0;
}
