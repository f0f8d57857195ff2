// SPDX-License-Identifier: Apache-2.0
// What every subcommand shares: its flags, its way to fail, its connection.
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/schema.h"

enum { WORD_MAX = 64, NEAR_DISTANCE = 2 };

int command_wrong_use(const struct command_context *context, const char *format, ...)
{
    fprintf(stderr, "turnpike %s: ", context->command->name);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\ntry: turnpike %s --help\n", context->command->name);
    return EXIT_WRONG_USE;
}

static void print_fault_json(const struct fault *fault)
{
    struct text line = {0};
    struct json_writer writer;
    json_begin(&writer, &line);
    json_object_open(&writer);
    json_put_text(&writer, "error", err_name(fault->err));
    json_put_text(&writer, "place", fault->place);
    json_put_text(&writer, "reason", fault->reason);
    json_object_close(&writer);
    fprintf(stderr, "%s\n", line.data);
    text_free(&line);
}

int command_fail(const struct command_context *context, const struct fault *fault)
{
    if (context->json)
        print_fault_json(fault);
    else if (fault->place[0])
        fprintf(stderr, "turnpike %s: %s: %s\n", context->command->name, fault->place, fault->reason);
    else
        fprintf(stderr, "turnpike %s: %s\n", context->command->name, fault->reason);
    return err_exit_code(fault->err);
}

// --- connecting

static int check_schema(const struct command_context *context, struct db **db)
{
    struct fault fault = {0};
    enum err err = schema_check(*db, &fault);
    if (!err) return 0;
    int code = command_fail(context, &fault);
    db_close(*db);
    *db = NULL;
    return err == ERR_CONFLICT ? EXIT_SCHEMA : code;
}

int command_open_db(const struct command_context *context, const char *role, struct db **db)
{
    struct fault fault = {0};
    if (db_open(context->config, role, NULL, db, &fault)) return command_fail(context, &fault);
    return check_schema(context, db);
}

int command_wait_schema(const struct command_context *context, const char *role, const volatile bool *stop)
{
    struct db *db = NULL;
    struct fault fault = {0};
    if (db_open_wait(context->config, role, 0, stop, &db, &fault)) return command_fail(context, &fault);
    int code = check_schema(context, &db);
    db_close(db);
    return code;
}

// --- flags

// Least number of characters to insert, delete or replace; WORD_MAX if either word is longer.
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], a_length = strlen(a), b_length = strlen(b);
    if (a_length > WORD_MAX || b_length > WORD_MAX) return WORD_MAX;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
            size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < other ? replaced : other;
        }
    }
    return row[b_length];
}

const char *nearest_word(const char *typed, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t least = NEAR_DISTANCE + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(typed, words[i]);
        if (distance >= least || distance >= strlen(typed)) continue;
        least = distance;
        nearest = words[i];
    }
    return nearest;
}

static struct flag *find_flag(struct flag *flags, size_t count, const char *argument, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(flags[i].name) == length && strncmp(flags[i].name, argument, length) == 0) return &flags[i];
    return NULL;
}

static bool unknown_flag(const struct command_context *context, const struct flag *flags, size_t count,
                         const char *argument, size_t length)
{
    const char *typed = arena_text(context->arena, argument, length);
    const char **names = ARENA_ARRAY(context->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        names[i] = flags[i].name;
    const char *nearest = nearest_word(typed, names, count);
    if (nearest)
        command_wrong_use(context, "unknown flag %s; did you mean %s?", typed, nearest);
    else
        command_wrong_use(context, "unknown flag %s", typed);
    return false;
}

// Takes the flag at argv[*at], with its value if that is the next argument.
static bool take_flag(struct command_context *context, struct flag *flags, size_t count, int argc, char **argv, int *at,
                      size_t room)
{
    const char *argument = argv[*at], *value = NULL;
    size_t length = strcspn(argument, "=");
    struct flag *flag = find_flag(flags, count, argument, length);
    if (!flag) return unknown_flag(context, flags, count, argument, length);
    if (argument[length] == '=') value = argument + length + 1;
    if (flag->kind == FLAG_SWITCH && value) return command_wrong_use(context, "%s takes no value", flag->name), false;
    if (flag->kind != FLAG_LIST && flag->given)
        return command_wrong_use(context, "%s is given twice", flag->name), false;
    if (flag->kind != FLAG_SWITCH && !value) {
        // what begins with "--" is the next flag; --name=--value is the way to say it
        if (*at + 1 == argc || strncmp(argv[*at + 1], "--", 2) == 0)
            return command_wrong_use(context, "%s needs a value", flag->name), false;
        value = argv[++*at];
    }
    flag->given = true;
    flag->text = value;
    if (flag->kind != FLAG_LIST) return true;
    if (!flag->list) flag->list = ARENA_ARRAY(context->arena, const char *, room);
    flag->list[flag->count++] = value;
    return true;
}

bool command_flags(struct command_context *context, struct flag *flags, size_t count, int *argc, char **argv, int least,
                   int most)
{
    int kept = 1, at = 1;
    for (; at < *argc && strcmp(argv[at], "--") != 0; at++) {
        if (argv[at][0] != '-' || argv[at][1] == 0) // "-" is an operand: standard input
            argv[kept++] = argv[at];
        else if (!take_flag(context, flags, count, *argc, argv, &at, (size_t)*argc))
            return false;
    }
    for (at++; at < *argc; at++)
        argv[kept++] = argv[at];
    *argc = kept;
    if (kept - 1 < least) return command_wrong_use(context, "an argument is missing"), false;
    if (kept - 1 > most) return command_wrong_use(context, "unexpected argument '%s'", argv[most + 1]), false;
    return true;
}
