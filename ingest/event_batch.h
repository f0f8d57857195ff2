// SPDX-License-Identifier: Apache-2.0
// Reads a JSON array element by element, without a list: for messages of other producers, whose arrays have no limit of
// ours, and for event_batch_split.
#pragma once
#include "ingest/event.h"

struct batch_reader {
    const char *start, *at, *end;
    size_t count;
    bool done;
};

// ERR_INVALID: not an array. The reader borrows json.
enum err batch_open(struct slice json, struct batch_reader *reader, struct fault *fault) MUST_USE;
// The next element, trimmed, not decoded; ERR_NOT_FOUND after the last. ERR_INVALID with place "byte N": the array is
// broken from here on. Text after the array is reported with its last element, which is then not returned.
enum err batch_next(struct batch_reader *reader, struct slice *element, struct fault *fault) MUST_USE;
