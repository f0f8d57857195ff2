// SPDX-License-Identifier: Apache-2.0
// Reads the newest topic incarnation. Called by the gateway and the raters at their start.
#include "catalogue/incarnation.h"

#include <string.h>

static const char newest_sql[] = "select incarnation, topic, partitions\n"
                                 "  from rating.incarnation\n"
                                 " order by incarnation desc\n"
                                 " limit 1";

static enum err read_row(const struct db_result *result, struct incarnation *incarnation, struct fault *fault)
{
    if (db_rows(result) == 0)
        return fault_set(fault, ERR_NOT_FOUND, "rating.incarnation",
                         "no topic is recorded: run `turnpike topic ensure`");
    size_t length = db_length(result, 0, 1);
    if (length == 0 || length > TOPIC_MAX)
        return fault_set(fault, ERR_BUG, "rating.incarnation", "the topic's name has %zu bytes", length);
    incarnation->number = (int)db_get_int(result, 0, 0);
    memcpy(incarnation->topic, db_text(result, 0, 1), length + 1);
    incarnation->partitions = (int)db_get_int(result, 0, 2);
    return ERR_OK;
}

enum err incarnation_load(struct db *db, struct incarnation *incarnation, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, newest_sql, 0, NULL, &result, fault);
    if (err) return err;
    err = read_row(result, incarnation, fault);
    db_result_free(result);
    return err;
}
