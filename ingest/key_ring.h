// SPDX-License-Identifier: Apache-2.0
// The API keys that may be used now, in memory: catalog.api_key as of one moment. An immutable snapshot; the gateway
// replaces it every few seconds. Secrets are never in it, only their SHA-256.
#pragma once
#include "common/db.h"
#include "ingest/sender.h"

struct key_ring;
// All keys that are neither revoked nor expired, in one statement. ERR_RETRY: the database.
enum err key_ring_load(struct db *db, struct key_ring **ring, struct fault *fault) MUST_USE;
void key_ring_free(struct key_ring *ring); // NULL is fine
size_t key_ring_count(const struct key_ring *ring);
// A number that differs when any row of the table was added, changed or removed: loading is needed only then, or when a
// key expires (which key_ring_check sees by itself).
enum err key_ring_stamp(struct db *db, struct text *stamp, struct fault *fault) MUST_USE;

// ERR_NOT_FOUND (401): no "Bearer tpk_<16 hex digits>_<64 hex digits>", an unknown, expired or revoked key, a wrong
// secret: one answer for all, and the same work. ERR_CONFLICT (403): the key lacks the scope "ingest".
// *sender borrows from the ring. authorization may be NULL.
enum err key_ring_check(const struct key_ring *ring, const char *authorization, instant_us now, struct sender *sender,
                        struct fault *fault) MUST_USE;
