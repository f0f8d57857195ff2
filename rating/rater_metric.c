// SPDX-License-Identifier: Apache-2.0
// What the rater counts for /metrics, labelled by incarnation and partition.
#include <stdio.h>

#include "rating/rater_internal.h"

void owner_metrics_register(struct owner *owner)
{
    struct owner_metrics *metrics = &owner->metrics;
    char labels[96];
    int incarnation = owner->rater->options.incarnation;
    for (int i = 0; i < VERDICT_KINDS; i++) {
        snprintf(labels, sizeof labels, "incarnation=\"%d\",partition=\"%d\",verdict=\"%s\"", incarnation,
                 owner->partition, verdict_name((enum verdict)i));
        metrics->verdicts[i] = metric_register(METRIC_COUNTER, "turnpike_rate_events_total", labels,
                                               "Events in committed batches, by verdict.");
    }
    snprintf(labels, sizeof labels, "incarnation=\"%d\",partition=\"%d\"", incarnation, owner->partition);
    metrics->batches = metric_register(METRIC_COUNTER, "turnpike_rate_batches_total", labels, "Batches committed.");
    metrics->flush_us = metric_register(METRIC_COUNTER, "turnpike_rate_flush_microseconds_total", labels,
                                        "Microseconds spent in committing batches.");
    metrics->window_us = metric_register(METRIC_GAUGE, "turnpike_rate_flush_window_microseconds", labels,
                                         "Microseconds for which a batch is filled; longer under load.");
    metrics->entries =
        metric_register(METRIC_GAUGE, "turnpike_rate_index_entries", labels, "Identities in the dedup index.");
    metrics->on_disk = metric_register(METRIC_GAUGE, "turnpike_rate_index_disk_entries", labels,
                                       "Identities in the dedup index that are on disk.");
    metrics->sequenced = metric_register(METRIC_GAUGE, "turnpike_rate_sequenced_sources", labels,
                                         "Sequenced sources that are known.");
    metrics->parked = metric_register(METRIC_GAUGE, "turnpike_rate_parked", labels,
                                      "1 if the partition is parked: rating.partition.parked_reason says why.");
    metrics->next_offset = metric_register(METRIC_GAUGE, "turnpike_rate_next_offset", labels,
                                           "Kafka offset up to which everything is committed.");
}

void owner_metrics_batch(struct owner *owner, const struct verdict_list *verdicts, int64_t flush_us)
{
    for (int i = 0; i < VERDICT_KINDS; i++)
        if (verdicts->of[i] > 0) metric_add(owner->metrics.verdicts[i], verdicts->of[i]);
    metric_add(owner->metrics.batches, 1);
    metric_add(owner->metrics.flush_us, flush_us);
}

void owner_metrics_state(struct owner *owner)
{
    metric_set(owner->metrics.parked, owner->state == PARTITION_PARKED);
    metric_set(owner->metrics.entries, owner->index ? dedup_index_count(owner->index) : 0);
    metric_set(owner->metrics.on_disk, owner->index ? dedup_index_on_disk(owner->index) : 0);
    metric_set(owner->metrics.sequenced, owner->sequences ? (int64_t)owner->sequences->count : 0);
    metric_set(owner->metrics.next_offset, owner->row.next_offset);
    metric_set(owner->metrics.window_us, owner->state == PARTITION_RATING ? owner_window_us(owner) : 0);
}
