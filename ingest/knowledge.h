// SPDX-License-Identifier: Apache-2.0
// What the gateway knows from PostgreSQL: catalogue, keys, and the topic of the newest incarnation. A thread of its own
// follows them (catalogue and topic every half second, keys by API_KEY_REFRESH_US) and hands out immutable snapshots,
// so that no request waits for PostgreSQL, and the gateway goes on with what it knows while PostgreSQL is away.
#pragma once
#include "catalogue/api_key.h"
#include "catalogue/incarnation.h"
#include "common/config.h"

struct knowledge_snapshot {
    struct catalogue *catalogue;
    struct api_key_table *keys;
    struct incarnation incarnation;
    int references; // under the knowledge's lock
};

struct knowledge;
// Starts the thread; returns at once. ERR_RETRY: no thread to be had.
enum err knowledge_open(const struct config *config, struct knowledge **knowledge, struct fault *fault) MUST_USE;
void knowledge_close(struct knowledge *knowledge); // waits for the thread; NULL is fine

// The newest snapshot, NULL before the first is complete. Give it back with knowledge_release. Any thread.
struct knowledge_snapshot *knowledge_retain(struct knowledge *knowledge);
void knowledge_release(struct knowledge *knowledge, struct knowledge_snapshot *snapshot); // NULL is fine

// True when there is nothing to wait for: the schema is another one than this binary's, or PostgreSQL refuses the role.
// Only before the first snapshot; later such errors are waited out like others.
bool knowledge_failed(struct knowledge *knowledge, struct fault *fault);
// How old what is known is: microseconds since PostgreSQL last answered; -1 before the first snapshot. reason: what the
// last try failed with, "" if it did not.
int64_t knowledge_age_us(struct knowledge *knowledge, char reason[FAULT_TEXT_MAX]);
