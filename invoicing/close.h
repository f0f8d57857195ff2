// SPDX-License-Identifier: Apache-2.0
// Closing a month: wait until the log is complete for it, settle at a cut, freeze documents with gapless numbers (rules 1.4, 6.3, 7).
// Safe to kill and to run twice or at the same time: each chunk is one transaction, and a closed period is skipped.
#pragma once
#include "invoicing/document.h"
#include "invoicing/settle.h"

struct close_options {
    const char *label;        // "2026-10"
    const char *account;      // id of the only account to close; NULL: all
    int64_t grace_ms;         // watermarks of the tenants' partitions must be so far past the end of the last of the accounts' months
    int64_t timeout_ms;       // how long to wait for that; then accounts with tenants in partitions that have not come so far are held back
    size_t chunk;             // accounts per transaction
    const struct hash_key *party_key; // hash_key_derive(identity key, "party")
    const struct clock *clock; // issue time
    const volatile bool *stop; // may be NULL
    settle_progress *progress; void *context; // may be NULL; called for settling and for closing
};

// Accounts that a close could not finish: refused, or held back by a partition.
struct close_refusal { char account[ID_MAX + 1]; char reason[FAULT_TEXT_MAX]; struct close_refusal *next; };
struct close_result {
    int64_t cut;
    size_t accounts;  // periods closed by this run
    size_t documents; // documents made
    size_t already;   // periods that were closed before
    struct close_refusal *refusals; size_t refused; // in the arena
};

// Runs a close. catalogue is reloaded when an apply comes in between. Errors: ERR_INVALID (label; a month that has not ended), ERR_NOT_FOUND
// (no such account, or no period), ERR_CONFLICT (some accounts were refused: result says which and why; the others are closed), ERR_RETRY (a
// store; the log is not complete for any account that has something to close, then nothing is done; or it is not for
// accounts without usage so far, then the others are closed).
enum err close_run(struct db *db, struct catalogue **catalogue, const struct close_options *options, struct arena *arena, struct close_result *result, struct fault *fault) MUST_USE;

// One chunk in one transaction (close_run's inner step; for tests). periods all have the options' label.
enum err close_chunk(struct db *db, const struct catalogue *catalogue, int64_t cut, struct billing_period *periods, size_t count, const struct close_options *options, struct arena *arena, struct close_result *result, struct fault *fault) MUST_USE;
