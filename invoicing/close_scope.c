// SPDX-License-Identifier: Apache-2.0
// The tenants of an account's month: as rating/usage_load.c counts them.
#include "invoicing/close_scope.h"

enum { LEVELS_MAX = 8 }; // of the partner chain, checked by the schema

// Hands on each tenant until one stops the walk.
typedef bool scope_visit(const struct tenant *tenant, void *context); // false: stop

static bool walk(const struct catalogue *catalogue, int64_t account, const struct billing_period *period, int depth,
                 scope_visit *visit, void *context)
{
    size_t member_count, customer_count;
    const struct membership *members = catalogue_members(catalogue, account, &member_count);
    ENSURE(depth < LEVELS_MAX);
    for (size_t i = 0; i < member_count; i++)
        if (members[i].effective_from < period->end && members[i].effective_to > period->start &&
            !visit(catalogue_tenant_number(catalogue, members[i].tenant), context))
            return false;
    const int64_t *customers = catalogue_customers(catalogue, account, &customer_count);
    for (size_t i = 0; i < customer_count; i++)
        if (!walk(catalogue, customers[i], period, depth + 1, visit, context)) return false;
    return true;
}

static bool add_shard(const struct tenant *tenant, void *context)
{
    bool *shards = context;
    shards[tenant->shard] = true;
    return true;
}

void close_scope_add(const struct catalogue *catalogue, const struct billing_period *period, bool *shards)
{
    walk(catalogue, period->account, period, 0, add_shard, shards);
}

struct search {
    const struct completeness *complete;
    const struct tenant *found;
};

static bool is_there(const struct tenant *tenant, void *context)
{
    struct search *search = context;
    if (search->complete->asked[tenant->shard] && !search->complete->missing[tenant->shard]) return true;
    search->found = tenant;
    return false;
}

const char *close_scope_missing(const struct catalogue *catalogue, const struct billing_period *period,
                                const struct completeness *complete, struct arena *arena)
{
    struct search search = {complete, NULL};
    if (walk(catalogue, period->account, period, 0, is_there, &search)) return NULL;
    const char *missing = complete->missing[search.found->shard];
    if (!missing) return arena_print(arena, "tenant %s came in between: close again", search.found->id);
    return arena_print(arena, "the log is not complete for tenant %s in partition %s", search.found->id, missing);
}
