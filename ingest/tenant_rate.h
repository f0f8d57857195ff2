// SPDX-License-Identifier: Apache-2.0
// How many events a second a tenant may send (ingest.tenant_rate): a bucket per tenant that fills with the rate up to
// the burst. A request is judged whole: either all its tenants have room, or nothing is taken from any bucket. A
// request with more events of a tenant than the burst passes when the bucket is full, and is paid back before the next
// one. Decides, does not do: no clock of its own. Memory is fixed; when more tenants are active than there are buckets,
// the fullest of some is given up, which costs its tenant nothing but a part of its waiting. One thread.
#pragma once
#include "catalogue/catalogue.h"

struct tenant_rate;
// events_per_second 1 to 1e9, burst 1 to 1e9 events.
struct tenant_rate *tenant_rate_new(int64_t events_per_second, int64_t burst);
void tenant_rate_free(struct tenant_rate *rate); // NULL is fine

// A request: begin, one note per event that would be accepted, then take. now_us: monotonic, never falling.
void tenant_rate_begin(struct tenant_rate *rate, int64_t now_us);
void tenant_rate_note(struct tenant_rate *rate, const struct tenant *tenant);
// NULL: all events were taken from their buckets. Else a tenant that is over its rate, and in how many microseconds it
// would not be; nothing was taken.
const struct tenant *tenant_rate_take(struct tenant_rate *rate, int64_t *wait_us);
