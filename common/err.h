// SPDX-License-Identifier: Apache-2.0
// What a fallible function returns: the next action of the caller, not the history of the failure.
// The words for a person travel beside it in a struct fault, written where the failure happened.
#pragma once
#include <stdarg.h>
#include <stddef.h>

enum err {
    ERR_OK = 0,
    ERR_INVALID,   // the input is wrong: tell the sender, do not retry
    ERR_DUPLICATE, // already done, same content: treat as success
    ERR_CONFLICT,  // already there with other content, or fenced by another owner: stop, show both
    ERR_NOT_FOUND, // no such thing, or not yours
    ERR_LIMIT,     // a named limit was reached: slow down or split
    ERR_RETRY,     // a store or the network failed: the same call may succeed later
    ERR_UNCERTAIN, // the outcome of a commit is unknown: read, then decide
    ERR_BUG        // our own mistake or a corrupted store: park, alert
};

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))

enum { FAULT_TEXT_MAX = 512, FAULT_PLACE_MAX = 160 };

// A failure in words. place: where in the input ("prices.yaml:12:7", "events[3].data.value"); reason: what and what to do.
struct fault {
    enum err err;
    char place[FAULT_PLACE_MAX];
    char reason[FAULT_TEXT_MAX];
};

// Fills *fault (which may be NULL) and returns err, so that a failing function ends in one line. Too long texts are cut.
enum err fault_set(struct fault *fault, enum err err, const char *place, const char *format, ...) PRINTF_LIKE(4, 5);

// Lower-case name of the code, for logs and the API ("invalid", "retry"). Never NULL.
const char *err_name(enum err err);

// Exit code of a command that ends with err; documented in docs/exit-codes.md.
// OK 0, BUG 70, INVALID 2, NOT_FOUND 4, CONFLICT 5, LIMIT 6, RETRY 75, UNCERTAIN 76, DUPLICATE 0.
int err_exit_code(enum err err);

// Aborts with file, line and the text. For our own mistakes only, and on in release. Input is never asserted.
#define ENSURE(condition)                                                                                              \
    do {                                                                                                               \
        if (__builtin_expect(!(condition), 0)) err_abort(__FILE__, __LINE__, #condition);                              \
    } while (0)
_Noreturn void err_abort(const char *file, int line, const char *condition);
