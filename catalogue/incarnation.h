// SPDX-License-Identifier: Apache-2.0
// The topic that events go to now: the newest topic incarnation (rules 2.3), for those who produce and those who
// consume. It is recorded by rating/incarnation.h; reading it is here because ingest comes before rating.
#pragma once
#include "common/db.h"

enum { TOPIC_MAX = 249 }; // Kafka's limit
struct incarnation {
    int number; // from 1
    char topic[256];
    int partitions; // a power of two up to 1024; fixed
};
// ERR_NOT_FOUND: none yet (`turnpike topic ensure` makes it).
enum err incarnation_load(struct db *db, struct incarnation *incarnation, struct fault *fault) MUST_USE;

// Those that are read, oldest first: the last one counts, the others send on to it what still comes.
enum { INCARNATIONS_MAX = 8 };
struct incarnations {
    struct incarnation list[INCARNATIONS_MAX];
    int count; // 0: none is recorded
};
// ERR_BUG: more than INCARNATIONS_MAX, or a topic's name is too long.
enum err incarnations_load(struct db *db, struct incarnations *incarnations, struct fault *fault) MUST_USE;
