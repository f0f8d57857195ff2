// SPDX-License-Identifier: Apache-2.0
// Does a call abort, as a broken invariant must? Runs it in a child, whose complaint is not shown.
#pragma once
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static inline bool aborts(void (*function)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        if (!freopen("/dev/null", "w", stderr) || setrlimit(RLIMIT_CORE, &no_core) != 0) _exit(2);
        signal(SIGABRT, SIG_DFL);
        function();
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return false;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}
