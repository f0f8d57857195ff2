// SPDX-License-Identifier: Apache-2.0
// Settings: one table drives the file, the environment, the flags, the printed reference (docs/configuration.md) and
// the checks. Order of precedence: flag > environment > file > default. An unknown key is an error with its line.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/text.h"

enum setting_kind { SETTING_TEXT, SETTING_INT, SETTING_BOOL, SETTING_DURATION_MS, SETTING_BYTES, SETTING_ADDRESS };

// One row of the table. Names are dotted ("kafka.topic"); the environment variable is TURNPIKE_ + upper case with
// '_' for '.' (TURNPIKE_KAFKA_TOPIC); the flag is --kafka.topic=VALUE (also "--kafka.topic VALUE").
struct setting {
    const char *name;
    enum setting_kind kind;
    const char *default_value; // NULL: required when read
    int64_t least, most;       // for INT, DURATION (ms) and BYTES
    const char *meaning;       // one sentence, with the unit
};
extern const struct setting setting_table[];
extern const size_t setting_count;

struct config;
// Reads the file (path NULL: $TURNPIKE_CONF, else ./var/turnpike.conf if it exists, else /etc/turnpike/turnpike.conf if it
// exists, else defaults only). Format: "key = value" lines, '#' comments, blank lines; values run to the end of the line,
// trimmed. Every error in the file is reported, one a line, in errors (place "file:line"). Durations: 250ms, 10s, 5m, 1h, 35d.
// Bytes: 512MiB, 1GiB, 64KiB, 1000. Refuses a file that is not regular or larger than 1 MiB; secrets files must have mode <= 0640.
enum err config_open(const char *path, struct config **config, struct text *errors) MUST_USE;
// Takes every "--name=value" / "--name value" of a known setting out of argv (argc is lowered); others stay.
enum err config_take_flags(struct config *config, int *argc, char **argv, struct text *errors) MUST_USE;
void config_free(struct config *config);
const char *config_path(const struct config *config); // file used, or "" if none

// Typed reads; the name must be in the table with that kind (ENSUREd). A required setting without a value: config_text
// returns NULL. Pointers live as long as the config.
const char *config_text(const struct config *config, const char *name);
int64_t config_int(const struct config *config, const char *name);   // INT, DURATION (ms) and BYTES
bool config_bool(const struct config *config, const char *name);
void config_address(const struct config *config, const char *name, char host[64], int *port); // "127.0.0.1:18080", "[::1]:80"
enum err config_set(struct config *config, const char *name, const char *value, struct fault *fault) MUST_USE; // checked like the file

// Reads a secret's file: one line, trimmed; refuses group- or world-writable and world-readable files (mode > 0640).
enum err secret_read(const char *path, struct text *secret, struct fault *fault) MUST_USE;
void config_print_reference(struct text *out); // Markdown table of setting_table, for docs/configuration.md
