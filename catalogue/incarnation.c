// SPDX-License-Identifier: Apache-2.0
// Reads topic incarnations. Called by the gateway, the router and the raters, at their start and once a second.
#include "catalogue/incarnation.h"

#include <string.h>

static const char newest_sql[] = "select incarnation, topic, partitions\n"
                                 "  from rating.incarnation\n"
                                 " order by incarnation desc\n"
                                 " limit 1";

static const char read_sql[] = "select incarnation, topic, partitions\n"
                               "  from rating.incarnation\n"
                               " where retired_time is null\n"
                               " order by incarnation";

static enum err read_row(const struct db_result *result, int row, struct incarnation *incarnation, struct fault *fault)
{
    size_t length = db_length(result, row, 1);
    if (length == 0 || length > TOPIC_MAX)
        return fault_set(fault, ERR_BUG, "rating.incarnation", "the topic's name has %zu bytes", length);
    incarnation->number = (int)db_get_int(result, row, 0);
    memcpy(incarnation->topic, db_text(result, row, 1), length + 1);
    incarnation->partitions = (int)db_get_int(result, row, 2);
    return ERR_OK;
}

enum err incarnation_load(struct db *db, struct incarnation *incarnation, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, newest_sql, 0, NULL, &result, fault);
    if (err) return err;
    if (db_rows(result) == 0)
        err = fault_set(fault, ERR_NOT_FOUND, "rating.incarnation",
                        "no topic is recorded: run `turnpike topic ensure`");
    else
        err = read_row(result, 0, incarnation, fault);
    db_result_free(result);
    return err;
}

enum err incarnations_load(struct db *db, struct incarnations *incarnations, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, read_sql, 0, NULL, &result, fault);
    if (err) return err;
    *incarnations = (struct incarnations){.count = db_rows(result)};
    if (incarnations->count > INCARNATIONS_MAX)
        err = fault_set(fault, ERR_BUG, "rating.incarnation", "%d incarnations are read at once, %d at most",
                        incarnations->count, INCARNATIONS_MAX);
    for (int i = 0; !err && i < incarnations->count; i++)
        err = read_row(result, i, &incarnations->list[i], fault);
    db_result_free(result);
    return err;
}
