// SPDX-License-Identifier: Apache-2.0
// Making and recording topic incarnations (rules 2.3).
#pragma once
#include "catalogue/incarnation.h"

// Makes the topic "<kafka.topic>.1" with kafka.partitions partitions and records incarnation 1 and its partitions, each
// at offset 0 with a chain head of zeros; or checks what is recorded already. Idempotent; runs at once wait for each
// other. The connection is the administrator's, outside a transaction. ERR_CONFLICT: the recorded incarnation has
// another name (one that was adopted keeps an older number at its end), or as the first one another number of partitions, than the settings; the topic differs, or it is gone although events of it were
// counted: nothing is made then. ERR_UNCERTAIN: run again.
enum err incarnation_ensure(struct db *db, const struct config *config, struct incarnation *incarnation,
                            struct fault *fault) MUST_USE;

// --- incarnation_grow.c
// May an incarnation of so many partitions be followed by one of `wanted`? A power of two up to 1024 that is larger:
// every new partition then has shards of one old partition. ERR_INVALID says what is wrong.
enum err incarnation_growth_check(int partitions, int wanted, struct fault *fault) MUST_USE;
// Makes the topic of the next incarnation and, in one transaction, lets it count instead of the newest one: every old
// partition ends at its last committed batch and from then on sends events on; every new one continues the chain of the
// old one that its shards were in. Whoever counts old partitions cannot commit any more. The connection is the
// administrator's, outside a transaction. Idempotent: nothing is made if the newest incarnation has so many partitions;
// killed anywhere it may be run again. ERR_INVALID: incarnation_growth_check, or too many older ones are not retired;
// ERR_CONFLICT: a topic of the new name is there and differs; ERR_UNCERTAIN: run again.
enum err incarnation_grow(struct db *db, const struct config *config, int partitions, const char *reason,
                          struct incarnation *incarnation, bool *made, struct fault *fault) MUST_USE;

// --- incarnation_retire.c
struct incarnation_retirement {
    int number;
    bool lost;          // the topic cannot be read any more: nothing is asked of it
    const char *reason; // of a lost one
    int64_t wait_ms;    // for what is in the topic to be sent on
    const volatile bool *stop;
};
// Gives up an older incarnation for good: nobody reads it, and closes do not wait for it. Only the oldest that is read, once
// everything in its topic was sent on and its retention is over since the last event: its log is gone with it. The
// brokers refuse what is written to it first, so that nothing that was acknowledged is lost; at the end it is deleted. Killed
// anywhere it may be run again. The connection is the administrator's, outside a transaction. ERR_NOT_FOUND: no such
// incarnation; ERR_CONFLICT: what has to be waited for or done first; ERR_RETRY, ERR_UNCERTAIN: run again.
enum err incarnation_retire(struct db *db, const struct config *config, const struct incarnation_retirement *wish,
                            struct fault *fault) MUST_USE;
