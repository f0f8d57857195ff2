// SPDX-License-Identifier: Apache-2.0
// What earlier periods used of something that lasts through several.
#include "rating/usage.h"

const struct used_before *usage_used_before(const struct account_usage *usage, int64_t holding)
{
    static const struct used_before nothing;
    for (size_t i = 0; i < usage->used_count; i++)
        if (usage->used[i].holding == holding) return &usage->used[i];
    return &nothing;
}
