// SPDX-License-Identifier: Apache-2.0
// Counters and gauges for /metrics, in the Prometheus text format. One table per process: register at start, then
// add or set from any thread (atomics). Labels are fixed at registration, so a hot path touches one integer.
#pragma once
#include <stdint.h>

#include "common/text.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };
struct metric;
// name: "turnpike_events_counted_total"; labels: "partition=\"3\"" or "" ; help: one sentence with the unit.
// The same (name, labels) gives the same metric. Never freed. At most 4096 metrics: beyond, one shared overflow metric is returned.
struct metric *metric_register(enum metric_kind kind, const char *name, const char *labels, const char *help);
// A metric whose labels come and go with metric_relabel, for the few greatest of many: not shown until it has some. A new
// one with every call.
struct metric *metric_register_unlabelled(enum metric_kind kind, const char *name, const char *help);
// Labels and value at once, for everybody who reads; NULL: not shown.
void metric_relabel(struct metric *metric, const char *labels, int64_t value);
void metric_add(struct metric *metric, int64_t delta);
void metric_set(struct metric *metric, int64_t value);
int64_t metric_value(const struct metric *metric);
void metric_print_all(struct text *out); // HELP and TYPE once per name, sorted by name
