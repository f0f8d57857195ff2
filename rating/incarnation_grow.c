// SPDX-License-Identifier: Apache-2.0
// The change to an incarnation with more partitions (rules 2.3; docs/adr says why it is exact). The topic is made first:
// without its record nobody uses it, and the next run finds it. The record, the new partitions and the end of the old
// ones are one transaction, which waits for the batches that are being committed.
#include <stdio.h>

#include "common/bus.h"
#include "common/crash_point.h"
#include "rating/incarnation.h"

static const char lock_sql[] = "select pg_advisory_xact_lock(hashtextextended('turnpike.incarnation', 0))";
static const char hold_sql[] = "select partition\n"
                               "  from rating.partition\n"
                               " where incarnation = $1::int\n"
                               " order by partition\n"
                               "   for update";
static const char record_sql[] = "insert into rating.incarnation (incarnation, topic, partitions, reason)\n"
                                 "values ($1::int, $2::text, $3::int, $4::text)";
// Positions and watermarks go on from the old partition; its head is what the first batch will name.
static const char partitions_sql[] =
    "insert into rating.partition\n"
    "  (incarnation, partition, batch_seq, base_seq, base_position, watermark, head)\n"
    "select $1::int, n, m.batch_seq, m.batch_seq, o.base_position + o.next_offset, o.watermark, o.head\n"
    "  from generate_series(0, $3::int - 1) n\n"
    "  join rating.partition o on o.incarnation = $2::int and o.partition = n % $4::int\n"
    " cross join (select max(batch_seq) as batch_seq from rating.partition where incarnation = $2::int) m";
// Another epoch: a batch that is judged cannot be committed. Who owned the partition takes it again, to send on.
static const char end_sql[] = "update rating.partition\n"
                              "   set counted_seq = batch_seq, epoch = epoch + 1, epoch_nonce = $2::bigint\n"
                              " where incarnation = $1::int";

enum err incarnation_growth_check(int partitions, int wanted, struct fault *fault)
{
    if (wanted < 1 || wanted > SHARD_COUNT || (wanted & (wanted - 1)) != 0)
        return fault_set(fault, ERR_INVALID, "--partitions", "%d is no power of two from 1 to %d", wanted, SHARD_COUNT);
    if (wanted < partitions)
        return fault_set(fault, ERR_INVALID, "--partitions",
                         "%d is less than the %d that there are: partitions can only become more", wanted, partitions);
    return ERR_OK;
}

static enum err next_of(const struct config *config, const struct incarnation *newest, int partitions,
                        struct incarnation *next, struct fault *fault)
{
    *next = (struct incarnation){.number = newest->number + 1, .partitions = partitions};
    int length = snprintf(next->topic, sizeof next->topic, "%s.%d", config_text(config, "kafka.topic"), next->number);
    return length > TOPIC_MAX ? fault_set(fault, ERR_INVALID, "kafka.topic", "longer than Kafka allows") : ERR_OK;
}

static enum err change(struct db *db, const struct incarnation *old, const struct incarnation *next, const char *reason,
                       struct fault *fault)
{
    struct arena *arena = arena_new(4096);
    struct db_result *held = NULL;
    const char *number = db_int(arena, next->number), *before = db_int(arena, old->number),
               *partitions = db_int(arena, next->partitions);
    enum err err = db_query(db, hold_sql, 1, (const char *[]){before}, &held, fault);
    db_result_free(held);
    if (!err) err = db_exec(db, record_sql, 4, (const char *[]){number, next->topic, partitions, reason}, NULL, fault);
    if (!err)
        err = db_exec(db, partitions_sql, 4,
                      (const char *[]){number, before, partitions, db_int(arena, old->partitions)}, NULL, fault);
    if (!err)
        err = db_exec(db, end_sql, 2, (const char *[]){before, db_int(arena, (int64_t)random_u64())}, NULL, fault);
    arena_free(arena);
    return err;
}

// In the transaction.
static enum err grow(struct db *db, const struct config *config, int partitions, const char *reason,
                     struct incarnation *incarnation, bool *made, struct fault *fault)
{
    struct incarnations read;
    struct db_result *ignored = NULL;
    enum err err = db_query(db, lock_sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    if (!err) err = incarnation_load(db, incarnation, fault);
    if (!err) err = incarnation_growth_check(incarnation->partitions, partitions, fault);
    if (!err && partitions == incarnation->partitions) return ERR_OK;
    if (!err) err = incarnations_load(db, &read, fault);
    if (!err && read.count == INCARNATIONS_MAX)
        err = fault_set(fault, ERR_INVALID, "rating.incarnation",
                        "%d incarnations are still read: retire the oldest first", read.count);
    struct incarnation next;
    if (!err) err = next_of(config, incarnation, partitions, &next, fault);
    if (!err) err = bus_topic_ensure(config, next.topic, partitions, fault);
    if (err) return err;
    CRASH_POINT("grow.after_topic");
    err = change(db, incarnation, &next, reason, fault);
    *incarnation = next;
    *made = true;
    return err;
}

enum err incarnation_grow(struct db *db, const struct config *config, int partitions, const char *reason,
                          struct incarnation *incarnation, bool *made, struct fault *fault)
{
    *made = false;
    enum err err = db_begin(db, fault);
    if (err) return err;
    err = grow(db, config, partitions, reason, incarnation, made, fault);
    CRASH_POINT("grow.before_commit");
    if (!err) err = db_commit(db, fault);
    if (err) db_rollback(db);
    CRASH_POINT("grow.after_commit");
    return err;
}
