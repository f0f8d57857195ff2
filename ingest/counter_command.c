// SPDX-License-Identifier: Apache-2.0
// Runs a program that prints a counter, within a time.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ingest/collect_counters.h"

extern char **environ;

static enum err start(const char *const *arguments, int output, pid_t *child, struct fault *fault)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) return fault_set(fault, ERR_RETRY, arguments[0], "out of memory");
    posix_spawnattr_init(&attributes);
    // a group of its own, so that what it starts is ended with it
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    // the program's arguments are not written to
    char *const *argv = (char *const *)(uintptr_t)arguments;
    int failed = posix_spawnp(child, arguments[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (!failed) return ERR_OK;
    return fault_set(fault, ERR_RETRY, arguments[0], "cannot be started: %s", strerrordesc_np(failed));
}

static enum err read_all(int fd, const char *name, int64_t timeout_ms, size_t most, struct text *output,
                         struct fault *fault)
{
    const int64_t until = clock_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        char piece[4096];
        struct pollfd waits = {.fd = fd, .events = POLLIN};
        int64_t left_us = until - clock_monotonic_us();
        int ready = left_us > 0 ? poll(&waits, 1, (int)((left_us + 999) / 1000)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return fault_set(fault, ERR_RETRY, name, "took longer than %lld ms", (long long)timeout_ms);
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return ERR_OK;
        text_add(output, piece, (size_t)got);
        if (output->length > most) return fault_set(fault, ERR_RETRY, name, "wrote more than %zu bytes", most);
    }
}

static enum err end(pid_t child, const char *name, enum err err, struct fault *fault)
{
    int status = 0;
    if (err) kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (err || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return err;
    if (WIFEXITED(status)) return fault_set(fault, ERR_RETRY, name, "ended with code %d", WEXITSTATUS(status));
    return fault_set(fault, ERR_RETRY, name, "was ended by signal %d", WTERMSIG(status));
}

enum err counter_command_run(const char *const *arguments, int64_t timeout_ms, size_t most, struct text *output,
                             struct fault *fault)
{
    int ends[2];
    pid_t child;
    text_clear(output);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return fault_set(fault, ERR_RETRY, arguments[0], "no pipe: %s", strerrordesc_np(errno));
    enum err err = start(arguments, ends[1], &child, fault);
    close(ends[1]);
    if (!err) err = end(child, arguments[0], read_all(ends[0], arguments[0], timeout_ms, most, output, fault), fault);
    close(ends[0]);
    return err;
}
