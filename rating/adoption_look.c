// SPDX-License-Identifier: Apache-2.0
// The same questions that a rater asks when it opens a partition (owner_open.c), and where the two logs part.
#include "rating/adoption_look.h"

#include <stdio.h>
#include <string.h>

#include "common/hash.h"

enum { MESSAGE_WAIT_MS = 500 };
#define MESSAGE_WAIT_MOST_US (10 * SECOND_US)

// The newest batch that ends within a log of this extent, with the digest of its last message.
static const char batch_sql[] = "select next_offset, last_digest\n"
                                "  from rating.batch\n"
                                " where incarnation = $1::int and partition = $2::int and last_digest is not null\n"
                                "   and next_offset > $3::bigint and next_offset <= $4::bigint\n"
                                " order by batch_seq desc\n"
                                " limit 1";

struct found_message {
    bool there;
    unsigned char digest[SHA256_BYTES];
    instant_us received_time;
};

// The message at the offset; there = false: the log has none at it.
static enum err message_read(const struct adoption_look *look, int partition, int64_t offset,
                             struct found_message *found, struct fault *fault)
{
    struct bus_consumer *range = NULL;
    struct bus_message message;
    int count = 0;
    *found = (struct found_message){.received_time = INSTANT_NONE};
    enum err err =
        bus_consumer_open_range(look->config, look->incarnation.topic, partition, offset, offset + 1, &range, fault);
    int64_t deadline = clock_monotonic_us() + MESSAGE_WAIT_MOST_US;
    while (!err && count == 0) {
        err = bus_consumer_poll(range, &message, 1, &count, MESSAGE_WAIT_MS, fault);
        if (!err && count == 0 && clock_monotonic_us() > deadline)
            err = fault_set(fault, ERR_RETRY, look->incarnation.topic,
                            "the message at offset %lld of partition %d does not come", (long long)offset, partition);
    }
    if (!err) {
        found->there = message.offset == offset;
        found->received_time = message.received_time;
        sha256_of(message.data, message.length, found->digest);
        bus_messages_free(&message, count);
    }
    bus_consumer_close(range);
    return err == ERR_NOT_FOUND || err == ERR_CONFLICT ? ERR_OK : err; // a gap, or removed meanwhile
}

static enum err is_same(const struct adoption_look *look, int partition, int64_t offset, const unsigned char *digest,
                        bool *same, struct fault *fault)
{
    struct found_message message;
    enum err err = message_read(look, partition, offset, &message, fault);
    *same = !err && message.there && memcmp(message.digest, digest, SHA256_BYTES) == 0;
    return err;
}

// What is wrong with the log, as a rater would say it; empty if nothing is.
static enum err compare(const struct adoption_look *look, struct adopted_partition *partition, struct fault *fault)
{
    long long counted = partition->ended_offset, low = partition->log_start, high = partition->log_end;
    char *found = partition->found;
    bool same = true;
    if (counted > high)
        snprintf(found, FAULT_TEXT_MAX, "the log ends at offset %lld, but %lld were counted", high, counted);
    else if (counted < low)
        snprintf(found, FAULT_TEXT_MAX, "messages %lld to %lld were removed before they were counted", counted,
                 low - 1);
    else if (partition->has_digest && counted == low)
        snprintf(found, FAULT_TEXT_MAX,
                 "the log begins at offset %lld: nothing shows it to be the one that was counted", low);
    if (found[0] || !partition->has_digest) return ERR_OK;
    enum err err = is_same(look, partition->partition, counted - 1, partition->ended_digest, &same, fault);
    if (!err && !same)
        snprintf(found, FAULT_TEXT_MAX, "the message at offset %lld is not the one that was counted there",
                 counted - 1);
    return err;
}

// Where a log goes on that is partly the counted one, its end cut off: behind the last batch that both have.
static enum err common_end(const struct adoption_look *look, struct adopted_partition *partition, struct fault *fault)
{
    struct db_result *result = NULL;
    unsigned char *digest = NULL;
    const char *const values[] = {db_int(look->arena, look->incarnation.number),
                                  db_int(look->arena, partition->partition), db_int(look->arena, partition->log_start),
                                  db_int(look->arena, partition->log_end)};
    bool same = false;
    enum err err = db_query(look->db, batch_sql, 4, values, &result, fault);
    if (!err && db_rows(result) == 1 && db_get_bytes(result, look->arena, 0, 1, &digest) == SHA256_BYTES) {
        int64_t next_offset = db_get_int(result, 0, 0);
        err = is_same(look, partition->partition, next_offset - 1, digest, &same, fault);
        if (same) partition->base_offset = next_offset;
    }
    db_result_free(result);
    return err;
}

static enum err first_read(const struct adoption_look *look, struct adopted_partition *partition, struct fault *fault)
{
    struct found_message message;
    if (partition->base_offset >= partition->log_end) return ERR_OK;
    enum err err = message_read(look, partition->partition, partition->base_offset, &message, fault);
    if (err || !message.there) return err;
    partition->has_first = true;
    partition->first_received = message.received_time;
    memcpy(partition->first_digest, message.digest, SHA256_BYTES);
    return ERR_OK;
}

enum err adoption_look_at(const struct adoption_look *look, struct adopted_partition *partition, bool *broken,
                          struct fault *fault)
{
    partition->found[0] = 0;
    partition->first_received = INSTANT_NONE;
    partition->log_start = partition->log_end = -1;
    if (!look->reader) {
        *broken = true;
        partition->base_offset = 0;
        snprintf(partition->found, sizeof partition->found, "the topic is gone");
        return ERR_OK;
    }
    enum err err =
        bus_watermarks(look->reader, partition->partition, &partition->log_start, &partition->log_end, fault);
    if (!err) err = compare(look, partition, fault);
    *broken = !err && partition->found[0];
    if (err || !*broken) return err;
    partition->base_offset = partition->log_start;
    if (partition->ended_offset > partition->log_start) err = common_end(look, partition, fault);
    return err ? err : first_read(look, partition, fault);
}
