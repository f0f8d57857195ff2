// SPDX-License-Identifier: Apache-2.0
// Offsets in PostgreSQL, each with the digest of the message before it: a topic that was deleted and made anew, and is
// already longer than our offset, must not lose what is before it (the case of rules 2.3).
#include "rating/router_offset.h"

#include <string.h>

#include "common/hash.h"
#include "common/log.h"

enum { READ_WAIT_MS = 100, READ_MOST_US = 5000000 };

struct noted {
    int64_t next_offset; // 0: nothing
    unsigned char digest[SHA256_BYTES];
};

static enum err noted_read(struct db *db, const char *topic, int partition, struct noted *noted, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    struct db_result *result = NULL;
    unsigned char *digest = NULL;
    *noted = (struct noted){0};
    enum err err = db_query(db,
                            "select next_offset, last_digest\n"
                            "  from rating.intake\n"
                            " where topic = $1 and partition = $2::int",
                            2, (const char *const[]){topic, db_int(arena, partition)}, &result, fault);
    if (!err && db_rows(result) == 1) {
        noted->next_offset = db_get_int(result, 0, 0);
        if (db_get_bytes(result, arena, 0, 1, &digest) == SHA256_BYTES) memcpy(noted->digest, digest, SHA256_BYTES);
    }
    db_result_free(result);
    arena_free(arena);
    return err;
}

// ERR_CONFLICT: the log has another message there, or none.
static enum err message_compare(const struct config *config, const char *topic, int partition,
                                const struct noted *noted, struct fault *fault)
{
    struct bus_consumer *range;
    struct bus_message message;
    unsigned char digest[SHA256_BYTES];
    int count = 0;
    int64_t end_us = clock_monotonic_us() + READ_MOST_US;
    enum err err = bus_consumer_open_range(config, topic, partition, noted->next_offset - 1, noted->next_offset, &range,
                                           fault);
    if (err) return err;
    while (!err && count == 0 && clock_monotonic_us() < end_us)
        err = bus_consumer_poll(range, &message, 1, &count, READ_WAIT_MS, fault);
    if (!err && count == 0) err = fault_set(fault, ERR_RETRY, topic, "the last message does not come");
    if (err == ERR_NOT_FOUND) err = ERR_CONFLICT;
    if (!err) {
        sha256_of(message.data, message.length, digest);
        bool same = message.offset == noted->next_offset - 1 && memcmp(digest, noted->digest, SHA256_BYTES) == 0;
        bus_messages_free(&message, count);
        if (!same) err = ERR_CONFLICT;
    }
    bus_consumer_close(range);
    return err;
}

enum err router_offset_find(struct db *db, const struct config *config, struct bus_consumer *consumer, const char *topic,
                            int partition, int64_t *offset, struct fault *fault)
{
    struct noted noted;
    int64_t low = 0, high = 0;
    enum err err = noted_read(db, topic, partition, &noted, fault);
    if (!err) err = bus_watermarks(consumer, partition, &low, &high, fault);
    if (err) return err;
    *offset = low;
    if (noted.next_offset == 0) return ERR_OK;
    err = noted.next_offset > low && noted.next_offset <= high
              ? message_compare(config, topic, partition, &noted, fault)
              : ERR_CONFLICT;
    if (!err) *offset = noted.next_offset;
    if (err != ERR_CONFLICT) return err;
    log_warn("intake_begins_anew", LOG_TEXT("topic", topic), LOG_INT("partition", partition),
             LOG_INT("noted", noted.next_offset), LOG_INT("from", low),
             LOG_TEXT("reason", "the log is not the one that was read, or what was read is no longer there"));
    return ERR_OK;
}

enum err router_offset_note(struct db *db, const char *topic, const struct bus_message *message, struct fault *fault)
{
    struct arena *arena = arena_new(1024);
    unsigned char digest[SHA256_BYTES];
    sha256_of(message->data, message->length, digest);
    const char *const values[] = {topic, db_int(arena, message->partition), db_int(arena, message->offset + 1),
                                  db_bytes(arena, digest, sizeof digest)};
    enum err err = db_exec(db,
                           "insert into rating.intake (topic, partition, next_offset, last_digest)\n"
                           "values ($1, $2::int, $3::bigint, $4::bytea)\n"
                           "    on conflict (topic, partition) do update\n"
                           "   set next_offset = excluded.next_offset,\n"
                           "       last_digest = excluded.last_digest,\n"
                           "       noted_time = clock_timestamp()",
                           4, values, NULL, fault);
    arena_free(arena);
    return err;
}
