// SPDX-License-Identifier: Apache-2.0
// Cursors of paged lists: where the last page ended, sealed under the caller's key and the list's filters. One that was
// made up, belongs to another key or list, or is older than a day is refused. Pure.
#pragma once
#include "common/hash.h"
#include "common/instant.h"

enum { CURSOR_TEXT_SIZE = 81 };
#define CURSOR_LIFE_US DAY_US

struct cursor {
    instant_us issued_time;
    int64_t document;
};
// secret_hash: of the API key, known to the caller and the server only. filters: canonical text of the list's
// parameters.
void cursor_print(const struct cursor *cursor, const unsigned char secret_hash[SHA256_BYTES], struct slice filters,
                  instant_us now, char text[CURSOR_TEXT_SIZE]);
enum err cursor_read(const char *text, const unsigned char secret_hash[SHA256_BYTES], struct slice filters,
                     instant_us now, struct cursor *cursor, struct fault *fault) MUST_USE;
