// SPDX-License-Identifier: Apache-2.0
// The steps of an adoption: look, make the topic if it is gone, then everything that the database says of it in one
// transaction, which waits for the batches that are being committed.
#include "rating/adoption.h"

#include <stdio.h>
#include <string.h>

#include "common/bus.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "rating/adoption_look.h"

// Growing doubles at least, so a lineage has at most 11 incarnations of different sizes (LINEAGE_MAX).
enum { INCARNATIONS_ADOPTED_MAX = 32 };

static const char lock_sql[] = "select pg_advisory_lock(hashtextextended('turnpike.incarnation', 0))";
static const char unlock_sql[] = "select pg_advisory_unlock(hashtextextended('turnpike.incarnation', 0))";
static const char rows_sql[] =
    "select partition, batch_seq, next_offset, last_digest, watermark, parked_reason is not null\n"
    "  from rating.partition\n"
    " where incarnation = $1::int\n"
    " order by partition";
static const char raters_sql[] = "select count(*)\n"
                                 "  from pg_catalog.pg_stat_activity\n"
                                 " where datname = current_database() and usename = 'turnpike_rate'";
static const char hold_sql[] = "select partition\n"
                               "  from rating.partition\n"
                               " where incarnation = $1::int\n"
                               " order by partition\n"
                               "   for update";
static const char retire_sql[] =
    "update rating.incarnation\n"
    "   set retired_time = clock_timestamp(),\n"
    "       reason = concat_ws('; ', nullif(reason, ''), 'its log was adopted: ' || $2::text)\n"
    " where incarnation = $1::int";
static const char record_sql[] = "insert into rating.incarnation (incarnation, topic, partitions, reason)\n"
                                 "values ($1::int, $2::text, $3::int, $4::text)";
// Everything goes on where it was: head, watermark, the next offset and the digest of the message before it.
static const char partitions_sql[] =
    "insert into rating.partition\n"
    "  (incarnation, partition, batch_seq, base_seq, base_offset, base_position, next_offset, last_digest, watermark, "
    "head,\n"
    "   parked_reason)\n"
    "select $1::int, o.partition, m.batch_seq, m.batch_seq, o.next_offset, o.base_position, o.next_offset, "
    "o.last_digest,\n"
    "       o.watermark, o.head, o.parked_reason\n"
    "  from rating.partition o\n"
    " cross join (select max(batch_seq) as batch_seq from rating.partition where incarnation = $2::int) m\n"
    " where o.incarnation = $2::int";
// Offsets are another log's: positions go on behind all of the log before.
static const char adopt_sql[] =
    "update rating.partition p\n"
    "   set base_offset = $4::bigint, next_offset = $4::bigint, last_digest = null, parked_reason = null,\n"
    "       base_position = o.base_position + greatest(o.next_offset - $4::bigint, 0)\n"
    "  from rating.partition o\n"
    " where p.incarnation = $1::int and p.partition = $3::int and o.incarnation = $2::int and o.partition = $3::int\n"
    "   and o.batch_seq = $5::bigint and o.next_offset = $6::bigint";
static const char adoption_sql[] =
    "insert into rating.adoption (incarnation, partition, found, ended_offset, ended_digest, ended_head, "
    "ended_watermark,\n"
    "  log_start, log_end, base_offset, first_digest, first_received, reason, adopted_by)\n"
    "select $1::int, o.partition, $4::text, o.next_offset, o.last_digest, o.head, o.watermark, $5::bigint, "
    "$6::bigint,\n"
    "       $7::bigint, $8::bytea, $9::timestamptz, $10::text, session_user || ' (' || $11::text || ')'\n"
    "  from rating.partition o\n"
    " where o.incarnation = $2::int and o.partition = $3::int";
// Another epoch: whoever counts cannot commit any more.
static const char end_sql[] =
    "update rating.partition\n"
    "   set counted_seq = batch_seq, epoch = epoch + 1, epoch_nonce = $2::bigint, owner = '',\n"
    "       parked_reason = null\n"
    " where incarnation = $1::int";

struct adopting {
    struct db *db;
    const struct config *config;
    const struct adoption_wish *wish;
    struct arena *arena;
    struct adoption *adoption;
    struct bus_topic topic;
    bool topic_gone;
    struct fault *fault;
};

static enum err topic_describe(struct adopting *adopting)
{
    const struct incarnation *before = &adopting->adoption->before;
    struct incarnation *next = &adopting->adoption->next;
    enum err err = bus_topic_describe(adopting->config, before->topic, &adopting->topic, adopting->fault);
    *next = *before;
    next->number = before->number + 1;
    if (next->number > INCARNATIONS_ADOPTED_MAX)
        return fault_set(adopting->fault, ERR_LIMIT, "rating.incarnation",
                         "there are %d incarnations: that many are gone on from", before->number);
    adopting->topic_gone = err == ERR_NOT_FOUND;
    if (adopting->topic_gone) {
        const char *name = config_text(adopting->config, "kafka.topic");
        int length = snprintf(next->topic, sizeof next->topic, "%s.%d", name, next->number);
        return length > TOPIC_MAX ? fault_set(adopting->fault, ERR_INVALID, "kafka.topic", "longer than Kafka allows")
                                  : ERR_OK;
    }
    if (!err && adopting->topic.partitions != before->partitions)
        return fault_set(
            adopting->fault, ERR_CONFLICT, before->topic,
            "it has %d partitions, incarnation %d has %d: make it with that many, or delete it: then another is made",
            adopting->topic.partitions, before->number, before->partitions);
    return err;
}

static void row_read(struct adopting *adopting, const struct db_result *result, int row,
                     struct adopted_partition *partition)
{
    unsigned char *digest = NULL;
    *partition = (struct adopted_partition){.partition = (int)db_get_int(result, row, 0),
                                            .batch_seq = db_get_int(result, row, 1),
                                            .ended_offset = db_get_int(result, row, 2),
                                            .ended_watermark = db_get_instant(result, row, 4),
                                            .parked = db_get_bool(result, row, 5)};
    partition->has_digest = db_get_bytes(result, adopting->arena, row, 3, &digest) == SHA256_BYTES;
    if (partition->has_digest) memcpy(partition->ended_digest, digest, SHA256_BYTES);
}

static enum err look(struct adopting *adopting, const struct db_result *result)
{
    struct adoption *adoption = adopting->adoption;
    struct adoption_look look = {
        .db = adopting->db, .config = adopting->config, .incarnation = adoption->before, .arena = adopting->arena};
    enum err err = ERR_OK;
    if (!adopting->topic_gone)
        err = bus_consumer_open_range(adopting->config, adoption->before.topic, 0, 0, 0, &look.reader, adopting->fault);
    adoption->partitions = ARENA_ARRAY(adopting->arena, struct adopted_partition, (size_t)db_rows(result) + 1);
    for (int row = 0; !err && row < db_rows(result); row++) {
        struct adopted_partition *partition = &adoption->partitions[adoption->count];
        bool broken = false;
        row_read(adopting, result, row, partition);
        if (adopting->wish->partition >= 0 && partition->partition != adopting->wish->partition &&
            !adopting->topic_gone)
            continue;
        err = adoption_look_at(&look, partition, &broken, adopting->fault);
        adoption->count += broken;
    }
    bus_consumer_close(look.reader);
    return err;
}

// Nobody else may be counting what is given up: a parked partition is not counted, nor any without a rater.
static enum err check(struct adopting *adopting)
{
    const struct adoption *adoption = adopting->adoption;
    struct db_result *result = NULL;
    if (adoption->count == 0)
        return fault_set(adopting->fault, ERR_CONFLICT, adoption->before.topic,
                         "nothing is wrong: the log is the one that was counted%s",
                         adopting->wish->partition < 0 ? "" : " there");
    enum err err = db_query(adopting->db, raters_sql, 0, NULL, &result, adopting->fault);
    if (err) return err;
    bool raters = db_get_int(result, 0, 0) > 0;
    db_result_free(result);
    for (int i = 0; raters && i < adoption->count; i++)
        if (!adoption->partitions[i].parked)
            return fault_set(adopting->fault, ERR_CONFLICT, adoption->before.topic,
                             "partition %d is not parked and raters are connected: wait until it is, or stop them",
                             adoption->partitions[i].partition);
    return ERR_OK;
}

static enum err partition_adopt(struct adopting *adopting, const struct adopted_partition *partition)
{
    struct arena *arena = adopting->arena;
    const struct adoption *adoption = adopting->adoption;
    const char *next = db_int(arena, adoption->next.number), *before = db_int(arena, adoption->before.number),
               *number = db_int(arena, partition->partition), *base = db_int(arena, partition->base_offset);
    int64_t affected = 0;
    const char *const row[] = {
        next, before, number, base, db_int(arena, partition->batch_seq), db_int(arena, partition->ended_offset)};
    enum err err = db_exec(adopting->db, adopt_sql, 6, row, &affected, adopting->fault);
    if (!err && affected != 1)
        return fault_set(adopting->fault, ERR_CONFLICT, adoption->before.topic, "partition %d was counted on meanwhile",
                         partition->partition);
    const char *const values[] = {
        next,
        before,
        number,
        partition->found,
        partition->log_start < 0 ? NULL : db_int(arena, partition->log_start),
        partition->log_end < 0 ? NULL : db_int(arena, partition->log_end),
        base,
        partition->has_first ? db_bytes(arena, partition->first_digest, SHA256_BYTES) : NULL,
        db_instant(arena, partition->first_received),
        adopting->wish->reason,
        adopting->wish->adopted_by,
    };
    return err ? err : db_exec(adopting->db, adoption_sql, 11, values, NULL, adopting->fault);
}

static enum err change(struct adopting *adopting)
{
    struct arena *arena = adopting->arena;
    struct db *db = adopting->db;
    struct fault *fault = adopting->fault;
    const struct adoption *adoption = adopting->adoption;
    struct db_result *held = NULL;
    const char *before = db_int(arena, adoption->before.number), *next = db_int(arena, adoption->next.number),
               *reason = adopting->wish->reason;
    enum err err = db_query(db, hold_sql, 1, (const char *[]){before}, &held, fault);
    db_result_free(held);
    if (!err) err = db_exec(db, retire_sql, 2, (const char *[]){before, reason}, NULL, fault);
    if (!err)
        err = db_exec(db, record_sql, 4,
                      (const char *[]){next, adoption->next.topic, db_int(arena, adoption->next.partitions), reason},
                      NULL, fault);
    if (!err) err = db_exec(db, partitions_sql, 2, (const char *[]){next, before}, NULL, fault);
    for (int i = 0; !err && i < adoption->count; i++)
        err = partition_adopt(adopting, &adoption->partitions[i]);
    if (!err)
        err = db_exec(db, end_sql, 2, (const char *[]){before, db_int(arena, (int64_t)random_u64())}, NULL, fault);
    return err;
}

static enum err commit(struct adopting *adopting)
{
    const struct incarnation *next = &adopting->adoption->next;
    // also one that is there must have our settings: a retention that removed what was not counted would do so again
    enum err err = bus_topic_ensure(adopting->config, next->topic, next->partitions, adopting->fault);
    if (err) return err;
    CRASH_POINT("adopt.after_topic");
    err = db_begin(adopting->db, adopting->fault);
    if (err) return err;
    err = change(adopting);
    CRASH_POINT("adopt.before_commit");
    if (!err)
        err = db_commit(adopting->db, adopting->fault);
    else
        db_rollback(adopting->db);
    CRASH_POINT("adopt.after_commit");
    return err;
}

static enum err adopt(struct adopting *adopting)
{
    struct db_result *result = NULL;
    enum err err = incarnation_load(adopting->db, &adopting->adoption->before, adopting->fault);
    if (!err) err = topic_describe(adopting);
    if (err) return err;
    if (adopting->wish->partition >= adopting->adoption->before.partitions)
        return fault_set(adopting->fault, ERR_NOT_FOUND, "--partition", "there are %d, from 0",
                         adopting->adoption->before.partitions);
    if (adopting->topic_gone && adopting->wish->partition >= 0)
        return fault_set(adopting->fault, ERR_CONFLICT, adopting->adoption->before.topic,
                         "the topic is gone with all its partitions: leave out --partition");
    err = db_query(adopting->db, rows_sql, 1,
                   (const char *[]){db_int(adopting->arena, adopting->adoption->before.number)}, &result,
                   adopting->fault);
    if (err) return err;
    err = look(adopting, result);
    db_result_free(result);
    if (!err) err = check(adopting);
    return err || adopting->wish->dry_run ? err : commit(adopting);
}

enum err adoption_run(struct db *db, const struct config *config, const struct adoption_wish *wish, struct arena *arena,
                      struct adoption *adoption, struct fault *fault)
{
    struct adopting adopting = {
        .db = db, .config = config, .wish = wish, .arena = arena, .adoption = adoption, .fault = fault};
    struct db_result *ignored = NULL;
    struct fault later = {0};
    *adoption = (struct adoption){0};
    enum err err = db_query(db, lock_sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    ignored = NULL;
    if (err) return err;
    err = adopt(&adopting);
    if (db_alive(db) && db_query(db, unlock_sql, 0, NULL, &ignored, &later))
        log_warn("lock_stays", LOG_FAULT(&later)); // until the connection ends
    db_result_free(ignored);
    return err;
}
