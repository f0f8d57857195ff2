// SPDX-License-Identifier: Apache-2.0
// Whose events a key may send.
#include "ingest/sender.h"

static bool tenants_have(const int64_t *tenants, size_t count, int64_t number)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tenants[middle] == number) return true;
        if (tenants[middle] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool sender_speaks_for(const struct sender *sender, const struct catalogue *catalogue, const struct tenant *tenant,
                       instant_us event_time)
{
    if (sender->every_tenant || tenants_have(sender->tenants, sender->tenant_count, tenant->number)) return true;
    return sender->account != 0 && catalogue_payer(catalogue, tenant->number, event_time) == sender->account;
}
