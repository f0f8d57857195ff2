// SPDX-License-Identifier: Apache-2.0
// For whom a caller of the gateway may send.
#pragma once
#include "catalogue/catalogue.h"

// A caller, authenticated by its key. Pure data; borrowed from the keys' snapshot.
struct sender {
    char key_id[17];
    bool every_tenant;
    const int64_t *tenants; // numbers, rising
    size_t tenant_count;
    int64_t account; // also for the tenants for whom this account pays at the event's time; 0: none
};
bool sender_speaks_for(const struct sender *sender, const struct catalogue *catalogue, const struct tenant *tenant,
                       instant_us event_time);
