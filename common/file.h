// SPDX-License-Identifier: Apache-2.0
// Whole files: read with a limit, replaced atomically (write to a temporary name, fsync, rename, fsync of the folder).
#pragma once
#include "common/text.h"

// Replaces out's content by the file's (out is empty on any error). ERR_NOT_FOUND: no such file; ERR_INVALID: not a
// regular file (a folder, a FIFO, a device) or not readable; ERR_LIMIT: larger than limit_bytes; ERR_RETRY: the disk
// failed.
enum err file_read(const char *path, size_t limit_bytes, struct text *out, struct fault *fault) MUST_USE;
// The same for secrets: ERR_INVALID also when the mode has a bit beyond most_mode (asked of the open file).
enum err file_read_private(const char *path, size_t limit_bytes, unsigned most_mode, struct text *out,
                           struct fault *fault) MUST_USE;
// After ERR_OK the new content is durable with exactly this mode; on an error before the rename the old file is
// untouched and nothing is left beside it. A symbolic link is replaced, not followed. Errors as above; ERR_RETRY also
// for a full disk.
enum err file_replace(const char *path, const void *data, size_t length, unsigned mode, struct fault *fault) MUST_USE;
