// SPDX-License-Identifier: Apache-2.0
// How far the router has read a partition of the intake topic (rating.intake). Only saves time: what is read again is
// recognised by its ids. It may never be too far, so the message before it is compared with what was noted.
#pragma once
#include "common/bus.h"
#include "common/db.h"

// From where to read. What is noted, if the log still has the message before it; else from the log's first message, which
// is logged. ERR_NOT_FOUND: no such partition.
enum err router_offset_find(struct db *db, const struct config *config, struct bus_consumer *consumer, const char *topic,
                            int partition, int64_t *offset, struct fault *fault) MUST_USE;
// Everything up to this message is in the usage topic. Idempotent.
enum err router_offset_note(struct db *db, const char *topic, const struct bus_message *message,
                            struct fault *fault) MUST_USE;
