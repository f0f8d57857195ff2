// SPDX-License-Identifier: Apache-2.0
// The text of one setting's value: checked against its row of the table, and printed in the units in which it is
// written. Pure. Used by config.c, and by whoever reads durations and sizes elsewhere (catalogue files, command lines).
#pragma once
#include "common/config.h"

enum { SETTING_TEXT_MAX = 4096, SETTING_HOST_MAX = 64, SETTING_NUMBER_TEXT_MAX = 32 };

struct setting_value {
    int64_t number;              // INT, DURATION (ms), BYTES, BOOL (0 or 1); ADDRESS: the port
    char host[SETTING_HOST_MAX]; // ADDRESS
};

// ERR_INVALID: the reason says what is allowed; it does not quote the text.
enum err setting_value_parse(const struct setting *setting, struct slice text, struct setting_value *value,
                             struct fault *fault) MUST_USE;

// A whole number and its unit, without anything between: ms, s, m, h, d. ERR_INVALID, also beyond int64.
enum err duration_parse(struct slice text, int64_t *duration_ms) MUST_USE;
// A whole number, alone or with KiB, MiB, GiB, TiB.
enum err bytes_parse(struct slice text, int64_t *bytes) MUST_USE;
// The shortest exact form: 60000 is "1m", 4194304 is "4MiB".
void duration_print(int64_t duration_ms, char out[SETTING_NUMBER_TEXT_MAX]);
void bytes_print(int64_t bytes, char out[SETTING_NUMBER_TEXT_MAX]);
