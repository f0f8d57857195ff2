// SPDX-License-Identifier: Apache-2.0
// What the log of a partition is, beside what was counted of it; for adoption.c.
#pragma once
#include "common/bus.h"
#include "rating/adoption.h"

struct adoption_look {
    struct db *db;
    const struct config *config;
    struct incarnation incarnation;
    struct bus_consumer *reader; // NULL: the topic is gone
    struct arena *arena;
};

// Compares the partition with its log. *broken: it is not the one that was counted; then everything of *partition that
// is about the log is filled in. ERR_RETRY: the brokers are away.
enum err adoption_look_at(const struct adoption_look *look, struct adopted_partition *partition, bool *broken,
                          struct fault *fault) MUST_USE;
