// SPDX-License-Identifier: Apache-2.0
// Markers: Kafka's answers carry no clock, so the owner of an idle partition writes a message into it, whose append
// time moves the watermark (rules 1.4). Any clock may write one: only Kafka's time counts.
#include "common/log.h"
#include "ingest/message.h"
#include "rating/rater_internal.h"

enum { MARKER_AGAIN_S = 10 }; // a marker that does not come back is sent again after so many seconds

void marker_step(struct owner *owner)
{
    const struct rater *rater = owner->rater;
    const struct rater_source *source = rater->options.source;
    int64_t now = clock_monotonic_us();
    if (!source->append || owner->restart || now - owner->message_us < rater->marker_us) return;
    bool waiting = owner->marker_us > owner->message_us; // the last one has not come back yet
    if (waiting && now - owner->marker_us < MARKER_AGAIN_S * SECOND_US) return;
    struct text message = {0};
    struct fault fault = {0};
    message_begin(&message, MESSAGE_MARKER, (uint64_t)catalogue_version(rater->catalogue),
                  (uint64_t)owner->row.epoch_nonce);
    message_finish(&message);
    if (source->append(source->context, owner->partition, message.data, message.length, &fault))
        log_debug("marker_not_sent", LOG_INT("partition", owner->partition), LOG_FAULT(&fault));
    owner->marker_us = now;
    text_free(&message);
}

enum err marker_wish_read(struct db *db, instant_us *wished, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db,
                            "select coalesce(max(wanted_watermark), '-infinity')\n"
                            "  from rating.marker_wish\n"
                            " where created_time > clock_timestamp() - interval '1 hour'",
                            0, NULL, &result, fault);
    if (!err) *wished = db_get_instant(result, 0, 0);
    db_result_free(result);
    return err;
}
