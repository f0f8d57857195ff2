// SPDX-License-Identifier: Apache-2.0
// rating.partition: where a partition stands, who owns it, and the reading and taking of that row.
#pragma once
#include "common/db.h"

struct partition_row {
    int32_t incarnation, partition;
    int64_t epoch, epoch_nonce; // of the assignment that holds it
    int64_t batch_seq;          // last committed batch
    int64_t next_offset;        // first Kafka offset that is not counted yet
    int64_t base_seq;           // before the first batch; 0 unless it continues the chain of an older incarnation
    int64_t base_offset;        // first that this incarnation counts; 0 unless it took over a log that was there
    int64_t base_position;      // Kafka offset + this = position, which rises from incarnation to incarnation
    int64_t counted_seq;        // last batch that counted: events are only sent on since; -1: it counts
    instant_us watermark;       // INSTANT_MIN before the first message
    bool parked;                // parked_reason says why; as of when it was read or taken
    bool has_digest;
    unsigned char last_digest[SHA256_BYTES]; // of the message at next_offset - 1
    unsigned char head[SHA256_BYTES];
};

// Reads the row. ERR_NOT_FOUND: there is none.
enum err partition_row_read(struct db *db, int32_t incarnation, int32_t partition, struct partition_row *row,
                            struct fault *fault) MUST_USE;
// Takes a new epoch of each of these partitions of one incarnation, in one transaction of its own: from then on the former
// owner cannot commit. `rows` name incarnation and partition and are 0 else; those that somebody holds at the moment, or
// that are not there, stay so (an epoch is never 0 afterwards). A lost answer is resolved by the caller taking another.
enum err partition_rows_take(struct db *db, struct partition_row *rows, int count, const char *owner,
                             struct fault *fault) MUST_USE;
// Writes why the owner of this epoch does not read the partition; NULL: it reads it. ERR_CONFLICT: not the owner any
// more.
enum err partition_row_park(struct db *db, const struct partition_row *row, const char *reason_or_null,
                            struct fault *fault) MUST_USE;
