// SPDX-License-Identifier: Apache-2.0
// Making and recording topic incarnations. The topic is made first: without its record nobody uses it, and the next run
// finds it. A topic that was deleted after events of it were counted is never made anew in silence, since the offsets
// in the database would then name other events.
#include "rating/incarnation.h"

#include <stdio.h>
#include <string.h>

#include "common/bus.h"

static const char lock_sql[] = "select pg_advisory_xact_lock(hashtextextended('turnpike.incarnation', 0))";
static const char record_sql[] = "insert into rating.incarnation (incarnation, topic, partitions) values ($1, $2, $3)";
static const char partitions_sql[] = "insert into rating.partition (incarnation, partition, head)\n"
                                     "select incarnation, partition, decode(repeat('00', 32), 'hex')\n"
                                     "  from rating.incarnation, generate_series(0, partitions - 1) partition\n"
                                     " where incarnation = $1\n"
                                     "    on conflict do nothing";
static const char counted_sql[] = "select coalesce(sum(next_offset), 0) from rating.partition where incarnation = $1";

// What the settings ask for as this incarnation.
static enum err wanted_incarnation(const struct config *config, int number, struct incarnation *wanted,
                                   struct fault *fault)
{
    *wanted = (struct incarnation){.number = number, .partitions = (int)config_int(config, "kafka.partitions")};
    int length = snprintf(wanted->topic, sizeof wanted->topic, "%s.%d", config_text(config, "kafka.topic"), number);
    if (length > TOPIC_MAX) return fault_set(fault, ERR_INVALID, "kafka.topic", "longer than Kafka allows");
    return ERR_OK;
}

// Does the topic have the name that the settings ask for? One that was made anew and adopted keeps its older number.
static bool is_named(const struct incarnation *recorded, const struct config *config)
{
    char name[sizeof recorded->topic + 16];
    for (int number = recorded->number; number > 0; number--) {
        snprintf(name, sizeof name, "%s.%d", config_text(config, "kafka.topic"), number);
        if (strcmp(recorded->topic, name) == 0) return true;
    }
    return false;
}

static enum err compare(const struct incarnation *recorded, const struct incarnation *wanted,
                        const struct config *config, struct fault *fault)
{
    if (!is_named(recorded, config))
        return fault_set(fault, ERR_CONFLICT, "kafka.topic", "topic %s is recorded, the settings ask for %s",
                         recorded->topic, wanted->topic);
    // the setting is for the first one; later ones have what `topic grow` was asked for
    if (recorded->number == 1 && recorded->partitions != wanted->partitions)
        return fault_set(fault, ERR_CONFLICT, "kafka.partitions",
                         "topic %s has %d partitions, the settings ask for %d: an incarnation's number is fixed, "
                         "`turnpike topic grow` makes another one",
                         recorded->topic, recorded->partitions, wanted->partitions);
    return ERR_OK;
}

// A recorded topic that is gone may be made again only if nothing of it was counted.
static enum err check_not_lost(struct db *db, const struct config *config, const struct incarnation *recorded,
                               struct fault *fault)
{
    struct bus_topic topic;
    struct fault ignored;
    enum err err = bus_topic_describe(config, recorded->topic, &topic, &ignored);
    if (err != ERR_NOT_FOUND) return ERR_OK; // bus_topic_ensure says what else is wrong
    char number[16];
    struct db_result *result = NULL;
    snprintf(number, sizeof number, "%d", recorded->number);
    err = db_query(db, counted_sql, 1, (const char *const[]){number}, &result, fault);
    if (err) return err;
    int64_t counted = db_get_int(result, 0, 0);
    db_result_free(result);
    if (counted == 0) return ERR_OK;
    return fault_set(
        fault, ERR_CONFLICT, recorded->topic,
        "the topic is gone, but %lld messages of it were counted: a new topic of this name would hold others",
        (long long)counted);
}

static enum err record(struct db *db, const struct incarnation *incarnation, bool known, struct fault *fault)
{
    char number[16], partitions[16];
    snprintf(number, sizeof number, "%d", incarnation->number);
    snprintf(partitions, sizeof partitions, "%d", incarnation->partitions);
    const char *const values[] = {number, incarnation->topic, partitions};
    enum err err = known ? ERR_OK : db_exec(db, record_sql, 3, values, NULL, fault);
    return err ? err : db_exec(db, partitions_sql, 1, values, NULL, fault);
}

static enum err ensure(struct db *db, const struct config *config, struct incarnation *incarnation, struct fault *fault)
{
    struct incarnation wanted;
    struct db_result *ignored = NULL;
    enum err err = db_query(db, lock_sql, 0, NULL, &ignored, fault);
    db_result_free(ignored);
    if (err) return err;
    err = incarnation_load(db, incarnation, fault);
    if (err && err != ERR_NOT_FOUND) return err;
    bool known = err == ERR_OK;
    err = wanted_incarnation(config, known ? incarnation->number : 1, &wanted, fault);
    if (!err && known) err = compare(incarnation, &wanted, config, fault);
    if (!err && known) err = check_not_lost(db, config, incarnation, fault);
    if (!err && !known) *incarnation = wanted;
    if (!err) err = bus_topic_ensure(config, incarnation->topic, incarnation->partitions, fault);
    return err ? err : record(db, incarnation, known, fault);
}

enum err incarnation_ensure(struct db *db, const struct config *config, struct incarnation *incarnation,
                            struct fault *fault)
{
    enum err err = db_begin(db, fault);
    if (err) return err;
    err = ensure(db, config, incarnation, fault);
    if (!err) err = db_commit(db, fault);
    if (err) db_rollback(db);
    return err;
}
