// SPDX-License-Identifier: Apache-2.0
// Named places where a test may kill the process, always compiled in: TURNPIKE_CRASH_AT=name[:count] kills it with
// SIGKILL when the place is reached for the count-th time (1 if not given). Without the variable a place costs one test
// of a bool.
#pragma once
#include <stdbool.h>

#include "common/err.h"

// Reads the variable. Call once from main before threads start. ERR_INVALID: a malformed count.
enum err crash_point_init(struct fault *fault) MUST_USE;

extern bool crash_point_armed; // set once by crash_point_init
void crash_point_reach(const char *name);
#define CRASH_POINT(name)                                                                                              \
    do {                                                                                                               \
        if (__builtin_expect(crash_point_armed, 0)) crash_point_reach(name);                                           \
    } while (0)
