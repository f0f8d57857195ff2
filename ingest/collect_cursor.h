// SPDX-License-Identifier: Apache-2.0
// How far an input has been sent: a small JSON file per (begin of the input, map), replaced atomically, so that a
// collector that was killed goes on behind what was acknowledged. Losing it costs time only: the ids are the same
// again.
#pragma once
#include "ingest/collect_send.h"

enum { CURSOR_DIGEST_HEX = 17, CURSOR_DIGEST_BYTES = 1024 * 1024, CURSOR_PATH_MAX = 4096 };

// What is sent.
struct cursor_input {
    const char *path;               // as shown; the cursor keeps the resolved one
    char digest[CURSOR_DIGEST_HEX]; // of the first MiB
    int64_t size;                   // bytes
    const char *map;                // digest of the map, or a word that tells kinds apart ("ndjson")
    instant_us begin;               // times counted from here; INSTANT_NONE: as in the map
    int fd;                         // of the file, for a look at what lies before a mark; -1: not a file
};

struct cursor {
    struct cursor_input input;
    char resolved[CURSOR_PATH_MAX], file[CURSOR_PATH_MAX];
    int lock_fd;
    struct collect_mark mark;
    bool finished;
};

// Fills digest and size of an open, seekable file; leaves it at its begin.
enum err cursor_identify(int fd, const char *path, struct cursor_input *input, struct fault *fault) MUST_USE;
// Makes the folder, locks the cursor and reads it; without one the mark is zero. `again`: the mark is zero whatever is
// there. ERR_CONFLICT: somebody else sends this input now; it changed since it was sent in part; or its times were
// counted from another begin, so that the same ids would say something else.
enum err cursor_open(const char *folder, const struct cursor_input *input, bool again, struct cursor *cursor,
                     struct fault *fault) MUST_USE;
// Durable when it returns ERR_OK.
enum err cursor_save(struct cursor *cursor, const struct collect_mark *mark, bool finished,
                     struct fault *fault) MUST_USE;
void cursor_close(struct cursor *cursor); // also after a failed open
// mkdir -p with mode 0700 for what is missing.
enum err collect_make_folder(const char *path, struct fault *fault) MUST_USE;
// A lock that ends with the process. *fd is closed by the caller. ERR_CONFLICT: somebody has it.
enum err collect_lock(const char *path, int *fd, struct fault *fault) MUST_USE;
