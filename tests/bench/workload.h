// SPDX-License-Identifier: Apache-2.0
// The events of the benchmark: CloudEvents of about 283 bytes of 8 types, from tenants by Zipf's law (exponent 1.05), 2
// % sent twice, 1 % too late, 0.1 % malformed. Event i is the same in every run with the same number of tenants and
// clock.
#pragma once
#include "catalogue/catalogue.h"
#include "common/text.h"

enum { WORKLOAD_EVENT_MAX = 512, WORKLOAD_TENANT_MAX = 32, WORKLOAD_TYPES = 8 };

struct workload;
struct workload *workload_new(int tenants, instant_us now);
void workload_free(struct workload *workload); // NULL is fine
// Writes event `number`, counted from 0, and its tenant's id; returns its length.
size_t workload_event(const struct workload *workload, int64_t number, char event[WORKLOAD_EVENT_MAX],
                      char tenant[WORKLOAD_TENANT_MAX]);
bool workload_is_good(int64_t number); // neither late nor malformed: a gateway accepts it
size_t workload_tenant(int number, char tenant[WORKLOAD_TENANT_MAX]); // id of a tenant, counted from 0; its length
struct catalogue *workload_catalogue(int tenants);                    // with these tenants; catalogue_release
