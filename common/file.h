// SPDX-License-Identifier: Apache-2.0
// Whole files: read with a limit, replaced atomically (write to a temporary name, fsync, rename, fsync of the folder).
#pragma once
#include "common/text.h"

enum err file_read(const char *path, size_t limit_bytes, struct text *out, struct fault *fault) MUST_USE;
enum err file_replace(const char *path, const void *data, size_t length, unsigned mode, struct fault *fault) MUST_USE;
