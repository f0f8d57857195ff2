// SPDX-License-Identifier: Apache-2.0
// The one binary: finds the subcommand, reads the configuration, runs it. Global flags stand anywhere before "--".
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/crash_point.h"
#include "common/hash.h"
#include "common/log.h"

struct globals {
    const char *config_path;
    bool json, help, version;
};

// A descriptor that is not open would be given to the next socket, and what is printed would go there.
static void keep_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) _exit(EXIT_NO_OUTPUT);
}

// --- global flags

static bool take_global(struct globals *globals, int argc, char **argv, int *at)
{
    const char *argument = argv[*at];
    if (strcmp(argument, "--json") == 0) return globals->json = true;
    if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) return globals->help = true;
    if (strcmp(argument, "--version") == 0) return globals->version = true;
    if (strncmp(argument, "--config=", 9) == 0) {
        globals->config_path = argument + 9;
        return true;
    }
    if (strcmp(argument, "--config") != 0) return false;
    globals->config_path = *at + 1 < argc ? argv[++*at] : "";
    return true;
}

static void take_globals(struct globals *globals, int *argc, char **argv)
{
    int kept = 1, at = 1;
    for (; at < *argc && strcmp(argv[at], "--") != 0; at++)
        if (!take_global(globals, *argc, argv, &at)) argv[kept++] = argv[at];
    for (; at < *argc; at++)
        argv[kept++] = argv[at];
    argv[kept] = NULL;
    *argc = kept;
}

// --- help

static void print_help(FILE *out)
{
    fputs("usage: turnpike COMMAND [ARGUMENTS]\n\n"
          "Meters what the tenants of a cloud use and bills them for it.\n\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, "  %-18s %s\n", command_table[i].name, command_table[i].summary);
    fputs("\nanywhere on the line:\n"
          "  --config FILE      read settings from FILE\n"
          "  --SETTING=VALUE    set a setting, for example --postgres.port=5432 (turnpike config lists them)\n"
          "  --json             output for scripts, one JSON object a line\n"
          "  --help             of a command: its arguments\n"
          "  --version          print the version\n",
          out);
}

static void print_command_help(const struct command *command)
{
    printf("turnpike %s: %s\n\nusage: turnpike %s %s\n", command->name, command->summary, command->name,
           command->usage);
}

// --- finding the command

// How many words of argv (from 1) name the command: 2, 1, or 0 if not this one.
static int words_of(const struct command *command, int argc, char **argv)
{
    size_t first = strcspn(command->name, " ");
    if (argc < 2 || strlen(argv[1]) != first || strncmp(command->name, argv[1], first) != 0) return 0;
    if (!command->name[first]) return 1;
    return argc > 2 && strcmp(command->name + first + 1, argv[2]) == 0 ? 2 : 0;
}

static const struct command *find_command(int argc, char **argv, int *words)
{
    const struct command *found = NULL;
    *words = 0;
    for (size_t i = 0; i < command_count; i++) {
        int matched = words_of(&command_table[i], argc, argv);
        if (matched <= *words) continue;
        *words = matched;
        found = &command_table[i];
    }
    return found;
}

static bool begins_with_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    return strncmp(name, word, length) == 0 && name[length] == ' ';
}

static int unknown_command(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_WRONG_USE;
    }
    bool group = false;
    for (size_t i = 0; i < command_count; i++) {
        if (!begins_with_word(command_table[i].name, argv[1])) continue;
        if (!group) fprintf(stderr, "turnpike %s: which one?\n", argv[1]);
        fprintf(stderr, "  turnpike %-18s %s\n", command_table[i].name, command_table[i].summary);
        group = true;
    }
    if (group) return EXIT_WRONG_USE;
    const char **names = heap_alloc(command_count * sizeof *names);
    for (size_t i = 0; i < command_count; i++)
        names[i] = command_table[i].name;
    const char *nearest = nearest_word(argv[1], names, command_count);
    const char *kind = argv[1][0] == '-' ? "flag or setting" : "command";
    fprintf(stderr, "turnpike: unknown %s '%s'", kind, argv[1]);
    if (nearest) fprintf(stderr, "; did you mean '%s'?", nearest);
    fputs("\ntry: turnpike --help\n", stderr);
    free(names);
    return EXIT_WRONG_USE;
}

// --- running

static void open_log(const struct config *config, const char *name)
{
    enum log_level level = LOG_LEVEL_INFO;
    if (config)
        ENSURE(log_level_parse(config_text(config, "log.level"), &level) == ERR_OK); // the table has the choices
    log_open(name, level, clock_system());
}

static int run_command(const struct command *command, const struct globals *globals, struct config *config, int argc,
                       char **argv)
{
    struct command_context context = {command, config, globals->json, arena_new(4096)};
    struct fault fault = {0};
    open_log(config, command->name);
    int code = crash_point_init(&fault) == ERR_OK ? command->run(&context, argc, argv) : command_fail(&context, &fault);
    arena_free(context.arena);
    return code;
}

// Whoever reads the pipe or socket has closed it. errno is of no use: the write that failed may be long ago.
static bool reader_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) == 1 && (output.revents & (POLLERR | POLLHUP));
}

// A reader that has seen enough is no failure; a full disk is.
static int finish_output(int code)
{
    errno = 0;
    if ((fflush(stdout) == 0 && !ferror(stdout)) || reader_is_gone()) return code;
    fprintf(stderr, "turnpike: standard output: %s\n", errno ? strerror(errno) : "could not be written");
    return code == 0 ? EXIT_NO_OUTPUT : code;
}

static int run(struct globals *globals, int argc, char **argv)
{
    struct config *config = NULL;
    struct text errors = {0};
    static char version_name[] = "version";
    int words, code = 0;
    take_globals(globals, &argc, argv);
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        globals->help = true;
        memmove(&argv[1], &argv[2], (size_t)(argc-- - 1) * sizeof *argv);
    }
    bool usable = config_open(globals->config_path, &config, &errors) == ERR_OK &&
                  config_take_flags(config, &argc, argv, &errors) == ERR_OK;
    const struct command *command = find_command(argc, argv, &words);
    if (globals->version && !command) {
        argv[1] = version_name; // there is room: --version was there
        argv[2] = NULL;
        command = find_command(2, argv, &words);
        argc = 2;
    }
    if (globals->help && command)
        print_command_help(command);
    else if (globals->help)
        print_help(stdout);
    else if (!command)
        code = unknown_command(argc, argv);
    else if (usable || command->no_config)
        code = run_command(command, globals, command->no_config ? NULL : config, argc - words, argv + words);
    else {
        fputs(errors.data, stderr);
        code = err_exit_code(ERR_INVALID);
    }
    text_free(&errors);
    config_free(config);
    return code;
}

int main(int argc, char **argv)
{
    struct globals globals = {0};
    keep_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    hash_init();
    return finish_output(run(&globals, argc, argv));
}
