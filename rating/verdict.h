// SPDX-License-Identifier: Apache-2.0
// What was decided about each event of a batch, in log order, packed as a nibble per event, low nibble first
// (rules 3.1). Archive, replay and index recovery read these instead of judging again. Pure.
#pragma once
#include "common/text.h"

// The numbers are stored: never renumber.
enum verdict {
    VERDICT_COUNTED = 0,
    VERDICT_DUPLICATE = 1,
    VERDICT_CONFLICT = 2,
    VERDICT_QUARANTINED = 3,
    VERDICT_FORWARDED = 4,
    VERDICT_MARKER = 5
};
enum { VERDICT_KINDS = 6 };
const char *verdict_name(enum verdict verdict);

// Zero-initialise; verdict_list_free at the end.
struct verdict_list {
    struct text packed;        // (count + 1) / 2 bytes; an odd last high nibble is 0
    int64_t count;             // verdicts
    int64_t of[VERDICT_KINDS]; // how many of each
};
void verdict_list_add(struct verdict_list *list, enum verdict verdict);
void verdict_list_clear(struct verdict_list *list); // keeps the memory
void verdict_list_free(struct verdict_list *list);

// The verdict at place `at` (from 0) of `count` packed ones. ERR_INVALID: the bytes are fewer or more than count needs,
// or the nibble is no verdict; ERR_NOT_FOUND: at is not below count.
enum err verdict_read(const unsigned char *packed, size_t bytes, int64_t count, int64_t at,
                      enum verdict *verdict) MUST_USE;
