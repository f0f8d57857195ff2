// SPDX-License-Identifier: Apache-2.0
// A simulated cloud: invented tenants with invented usage of the services of deploy/sample, for demonstrations and
// load. Pure: the same seed gives the same events under the same ids, whatever period is asked for: a longer period, or
// more tenants, only adds events. So it can be sent again, or on, at any time.
#pragma once
#include "common/instant.h"
#include "common/text.h"

enum { SIMULATE_TENANTS_MAX = 100000, SIMULATE_ID_MAX = 64 };

struct simulation {
    uint64_t seed;
    int64_t tenants;
    instant_us from, to; // events with from <= time <= to
};

// How much a tenant uses; more than half are hobby.
enum tenant_class { CLASS_HOBBY, CLASS_STARTUP, CLASS_ENTERPRISE, CLASS_COUNT };

// Where an account lives, and what follows from that.
struct simulate_place {
    const char *zone, *currency, *price_book, *region;
    const char *tax_name, *tax_rate; // NULL: not taxed
};

struct simulate_tenant {
    int64_t number; // from 0
    char id[SIMULATE_ID_MAX], account[SIMULATE_ID_MAX];
    bool first_of_account;
    enum tenant_class class;
    const struct simulate_place *place; // of its account
};
void simulate_tenant_make(const struct simulation *simulation, int64_t number, struct simulate_tenant *tenant);

// The events of one tenant, sorted by time.
struct simulate_events {
    struct text json; // one after the other
    struct simulate_span {
        instant_us time;
        size_t start, length;
    } * spans;
    size_t count, capacity;
};
// Replaces what was in *events. Only the tenant's own members of the simulation count: not how many tenants there are.
void simulate_events_make(const struct simulation *simulation, const struct simulate_tenant *tenant,
                          struct simulate_events *events);
void simulate_events_free(struct simulate_events *events);

// Billing accounts and tenants as a catalogue file (docs/catalogue.md); price books are those of deploy/sample.
void simulate_print_catalogue(const struct simulation *simulation, struct text *out);
