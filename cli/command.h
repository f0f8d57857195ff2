// SPDX-License-Identifier: Apache-2.0
// What a subcommand is and what it gets. A new one is a function in a file of its own (cli/command_<noun>.c) and a row
// in cli/commands.c. Results go to standard output (cli/table.h for lists), words for people and logs to standard
// error.
#pragma once
#include "common/config.h"
#include "common/db.h"

struct command;
struct command_context {
    const struct command *command;
    struct config *config; // file, environment and flags; NULL where the command has no_config
    bool json;             // --json: output for scripts, one JSON object a line
    struct arena *arena;   // lives until the command has ended
};

// argv[0] is the command's last word, then what is left after global flags and settings were taken out. Returns the
// exit code (docs/exit-codes.md).
struct command {
    const char *name;    // one or two words: "migrate", "key create"
    const char *summary; // one line without a full stop
    const char *usage;   // after "usage: turnpike NAME ": arguments, then lines that explain each
    int (*run)(struct command_context *context, int argc, char **argv);
    bool no_config; // runs without reading the configuration
};
extern const struct command command_table[];
extern const size_t command_count;

enum {
    EXIT_WRONG_USE = 64,  // unknown command or flag, a missing or surplus argument
    EXIT_NO_PACKAGE = 69, // something must be installed first (the scripts in deploy/)
    EXIT_NO_OUTPUT = 74,  // standard output could not be written
    EXIT_SCHEMA = 78      // the database's schema is older or newer than this binary needs
};

// Says what is wrong and how to see the usage; returns EXIT_WRONG_USE.
int command_wrong_use(const struct command_context *context, const char *format, ...) PRINTF_LIKE(2, 3);
// Says what failed (a JSON object with --json) and returns the exit code of fault->err.
int command_fail(const struct command_context *context, const struct fault *fault);

// Connects as turnpike_<role> and checks the schema. 0, or the exit code after saying what is wrong.
int command_open_db(const struct command_context *context, const char *role, struct db **db);
// For a process that runs on: waits for PostgreSQL until *stop (db_open_wait), checks the schema and leaves again.
int command_wait_schema(const struct command_context *context, const char *role, const volatile bool *stop);

// --- a command's own flags

enum flag_kind {
    FLAG_SWITCH, // --name
    FLAG_TEXT,   // --name VALUE or --name=VALUE, once
    FLAG_LIST    // the same, any number of times
};
struct flag {
    const char *name; // "--tenant"
    enum flag_kind kind;
    bool given;
    const char *text;  // TEXT: the value, NULL if not given
    const char **list; // LIST: the values, in the arena
    size_t count;
};
// Takes the flags out of argv; operands stay behind argv[0] (also all that follows "--"), of which there must be least
// to most. false: what is wrong has been said, return EXIT_WRONG_USE.
bool command_flags(struct command_context *context, struct flag *flags, size_t count, int *argc, char **argv, int least,
                   int most);

// The one of words that is nearest to what was typed, for "did you mean"; NULL if none is near.
const char *nearest_word(const char *typed, const char *const *words, size_t count);
