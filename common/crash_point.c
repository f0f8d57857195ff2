// SPDX-License-Identifier: Apache-2.0
// Kills the process where a test asked for it. SIGKILL, so that nothing of ours runs afterwards: no destructor, no
// flush.
#include "common/crash_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64, COUNT_MOST = 1000000000 };

bool crash_point_armed;
static char crash_name[NAME_MAX_BYTES];
static atomic_long crash_left;

enum err crash_point_init(struct fault *fault)
{
    const char *wanted = getenv("TURNPIKE_CRASH_AT");
    if (!wanted || !*wanted) return ERR_OK;
    const char *colon = strchr(wanted, ':');
    size_t length = colon ? (size_t)(colon - wanted) : strlen(wanted);
    char *end = NULL;
    long count = colon ? strtol(colon + 1, &end, 10) : 1;
    if (length == 0 || length >= sizeof crash_name || (colon && (end == colon + 1 || *end)) || count < 1 ||
        count > COUNT_MOST)
        return fault_set(fault, ERR_INVALID, "TURNPIKE_CRASH_AT", "is not NAME or NAME:COUNT: %.100s", wanted);
    memcpy(crash_name, wanted, length);
    crash_name[length] = 0;
    atomic_store(&crash_left, count);
    crash_point_armed = true;
    return ERR_OK;
}

void crash_point_reach(const char *name)
{
    if (strcmp(name, crash_name) != 0 || atomic_fetch_sub(&crash_left, 1) != 1) return;
    static const char words[] = "crash point reached: ";
    // what a fault test looks for: a fault that did not fire fails it
    ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
    if (written > 0) written = write(STDERR_FILENO, crash_name, strlen(crash_name));
    if (written > 0) written = write(STDERR_FILENO, "\n", 1);
    (void)written;
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}
