// SPDX-License-Identifier: Apache-2.0
// A small frame for tests that need the stores: a table of cases, one line "ok NAME" or "not ok NAME - reason" each.
// A case that fails is left at once; what it held is given back by the end of the process.
#pragma once
#include "common/config.h"
#include "common/instant.h"

struct check_case {
    const char *name;
    void (*run)(const struct config *config);
};

// Runs all cases, or those named on the command line; returns the exit code (1 if any failed).
int check_main(int argc, char **argv, const struct check_case *cases, size_t count);

_Noreturn void check_failed(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) check_failed(__FILE__, __LINE__, "%s", #condition);                                          \
    } while (0)
#define CHECK_INT(got, expected)                                                                                       \
    do {                                                                                                               \
        long long got_ = (long long)(got), expected_ = (long long)(expected);                                          \
        if (got_ != expected_)                                                                                         \
            check_failed(__FILE__, __LINE__, "%s is %lld, expected %lld", #got, got_, expected_);                      \
    } while (0)
#define CHECK_TEXT(got, expected) check_text(__FILE__, __LINE__, #got, (got), (expected))
void check_text(const char *file, int line, const char *what, const char *got, const char *expected);
extern struct fault fault;
// The call, which fills `fault`, must end in `expected`.
#define CHECK_ERR(call, expected)                                                                                      \
    do {                                                                                                               \
        fault.reason[0] = 0;                                                                                           \
        enum err err_ = (call);                                                                                        \
        if (err_ != (expected))                                                                                        \
            check_failed(__FILE__, __LINE__, "%s is %s (%s: %s), expected %s", #call, err_name(err_), fault.place,     \
                         fault.reason, err_name(expected));                                                            \
    } while (0)

// A configuration of its own, with one setting changed; freed by the caller.
struct config *check_config(const char *name, const char *value);

// Waits until condition(context), for at most seconds; fails the case after that.
void check_wait(const char *what, int seconds, bool (*condition)(void *context), void *context);

// "kill kafka", "up", ...: asks the driver of the test (environment STORES_CONTROL) to do that to a service of the stack.
void check_control(const char *order);
// A name that no earlier run has used: "prefix.<time>.<n>".
const char *check_new_name(const char *prefix, char out[64]);
