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
// '_' for '.' (TURNPIKE_KAFKA_TOPIC; empty counts as not set); the flag is --kafka.topic=VALUE (also "--kafka.topic
// VALUE").
struct setting {
    const char *name;
    enum setting_kind kind;
    const char *default_value; // NULL: required when read; "": a TEXT that may be empty
    int64_t least, most;       // for INT, DURATION (ms) and BYTES, both included
    const char *meaning;       // one sentence, with the unit
    const char *choices;       // TEXT: "a|b|c", or NULL for any
    bool power_of_two;         // INT
};
extern const struct setting setting_table[];
extern const size_t setting_count;

struct config;
// Reads defaults, file and environment. File: path; if NULL: $TURNPIKE_CONF; if that is not set, the first that exists
// of $TURNPIKE_STATE/turnpike.conf, ./var/turnpike.conf and /etc/turnpike/turnpike.conf; else none. Format: "key =
// value" lines, blank lines, and comments on lines of their own that begin with '#'; values run to the end of the line,
// trimmed; UTF-8, LF or CRLF. Durations: 250ms, 10s, 5m, 1h, 35d. Bytes: 512MiB, 1GiB, 64KiB, 1000. ERR_INVALID:
// *config is NULL and errors names all that is wrong, one a line, each with its place ("file:line: reason",
// "TURNPIKE_KAFKA_TOPIC: reason"). Refuses a file that is not regular or larger than 1 MiB. *config is freed by the
// caller.
enum err config_open(const char *path, struct config **config, struct text *errors) MUST_USE;
// Takes every "--name=value" / "--name value" of a known setting out of argv (argc is lowered); others stay, and so
// does all behind "--". ERR_INVALID as above: a missing, wrong or repeated value.
enum err config_take_flags(struct config *config, int *argc, char **argv, struct text *errors) MUST_USE;
void config_free(struct config *config);
const char *config_path(const struct config *config); // file used, or "" if none

// Typed reads, any thread; the name must be in the table with that kind (ENSUREd). A required setting without a value:
// config_text returns NULL. Pointers live as long as the config, or until config_set of that name.
const char *config_text(const struct config *config, const char *name);
int64_t config_int(const struct config *config, const char *name); // INT, DURATION (ms) and BYTES
bool config_bool(const struct config *config, const char *name);
void config_address(const struct config *config, const char *name, char host[64],
                    int *port); // "127.0.0.1:18080", "[::1]:80"
// Checked like the file, above all other sources; name may come from outside (ERR_INVALID). The fault never quotes the
// value.
enum err config_set(struct config *config, const char *name, const char *value, struct fault *fault) MUST_USE;

// The value as it was written (NULL: required and not given), and where it came from, for `turnpike config`.
enum config_source { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENVIRONMENT, CONFIG_FLAG, CONFIG_PROGRAM };
enum config_source config_shown(const struct config *config, const char *name, const char **value);
const char *config_source_name(enum config_source source);

// Reads a secret's file into secret (replaced): one line of 1..4096 bytes, trimmed. ERR_INVALID: missing, not a regular
// file, empty, more than a line, or a mode with any bit beyond 0640 (group- or world-writable, world-readable).
enum err secret_read(const char *path, struct text *secret, struct fault *fault) MUST_USE;
void config_print_reference(struct text *out); // Markdown table of setting_table, for docs/configuration.md
