// SPDX-License-Identifier: Apache-2.0
// Waiting for the raters: everything received up to an instant is counted when every partition's watermark is there (rules 1.4).
#pragma once
#include "common/db.h"

// Waits until every partition's watermark is at or above `until`, in every topic that is read, and what older topics sent on
// is counted too; asks the raters for marker messages meanwhile. ERR_RETRY: timeout_ms
// passed, or *stop became true (stop may be NULL); the fault names the partitions, and why they are parked.
enum err complete_wait(struct db *db, instant_us until, int64_t timeout_ms, const volatile bool *stop, struct fault *fault) MUST_USE;
