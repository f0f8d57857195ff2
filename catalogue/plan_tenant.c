// SPDX-License-Identifier: Apache-2.0
// Tenants and who pays for them since when. The first membership reaches back without limit (rules 3.5), so that no
// event of a known tenant has nobody who pays.
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/plan.h"

// --- memberships in force, sorted by (tenant, effective_from)

struct memberships {
    const struct membership_row *row;
    size_t count;
};

static struct memberships memberships_of(const struct plan *plan, int64_t tenant)
{
    const struct membership_row *rows = plan->existing->memberships.row;
    size_t low = 0, high = plan->existing->memberships.count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].tenant < tenant)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + count < plan->existing->memberships.count && rows[low + count].tenant == tenant)
        count++;
    return (struct memberships){count > 0 ? &rows[low] : NULL, count};
}

// --- the tenant itself

static void plan_details(struct plan *plan, const struct plan_thing *thing, const struct file_tenant *latest)
{
    struct text differences = {0};
    const struct tenant_row *old = thing->existing == PLAN_NONE ? NULL : &plan->existing->tenants.row[thing->existing];
    bool renamed = old && plan_differs(&differences, "name", old->name, latest->row.name);
    if (!old || renamed) {
        *ROW_NEW(&plan->added.tenants) = (struct tenant_row){
            .version = plan->version, .number = thing->number, .id = thing->id, .name = latest->row.name};
        plan_change(plan, !old, "tenant", "%s%s%s", thing->id, old ? "" : " ",
                    old ? differences.data : latest->row.name);
    }
    text_free(&differences);
}

// --- memberships

static void note_effect(struct plan *plan, const struct file_tenant *declared, int64_t tenant, int64_t account,
                        instant_us to)
{
    struct plan_effect *effect = plan_effect(plan, EFFECT_MEMBER, declared->from_node);
    effect->tenant = tenant;
    effect->account = account;
    effect->from = declared->member_from;
    effect->to = to;
}

static void add_membership(struct plan *plan, const struct plan_thing *thing, const struct file_tenant *declared,
                           const struct plan_thing *account)
{
    *ROW_NEW(&plan->added.memberships) = (struct membership_row){.version = plan->version,
                                                                 .tenant = thing->number,
                                                                 .account = account->number,
                                                                 .effective_from = declared->member_from};
    plan_change(plan, true, "membership", "%s: %s pays from %s", thing->id, account->id,
                plan_instant(plan, declared->member_from));
}

static void plan_membership(struct plan *plan, const struct plan_thing *thing, const struct file_tenant *declared,
                            instant_us earliest)
{
    const struct plan_thing *account = plan_resolve(plan, &plan->accounts, &declared->account, "billing account");
    struct memberships old = memberships_of(plan, thing->number);
    const struct membership_row *before = NULL, *after = NULL;
    if (!account || !declared->valid) return;
    for (size_t i = 0; i < old.count && !after; i++) {
        if (old.row[i].effective_from <= declared->member_from)
            before = &old.row[i];
        else
            after = &old.row[i];
    }
    if (before && before->effective_from == declared->member_from) {
        if (before->account != account->number)
            file_conflict(
                plan->errors, declared->account.node,
                "who pays for tenant '%s' from %s is in force since catalogue version %lld and never changes: give a "
                "later member_from",
                thing->id, plan_instant(plan, declared->member_from), (long long)before->version);
        return;
    }
    if (old.count == 0 && declared->member_from == earliest && declared->member_from != INSTANT_MIN) {
        file_error(plan->errors, declared->from_node,
                   "the first membership of tenant '%s' reaches back without limit: leave member_from out", thing->id);
        return;
    }
    add_membership(plan, thing, declared, account);
    if (!before) return; // a new tenant: nothing of it was ever counted
    instant_us to = after ? after->effective_from : INSTANT_MAX;
    note_effect(plan, declared, thing->number, before->account, to);
    note_effect(plan, declared, thing->number, account->number, to);
}

static void plan_tenant(struct plan *plan, const struct plan_thing *thing)
{
    const struct file_tenant *tenants = plan->files->tenants.row, *latest = &tenants[thing->first];
    instant_us earliest = INSTANT_MAX;
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_tenant[i]) {
        if (tenants[i].member_from > latest->member_from) latest = &tenants[i];
        if (tenants[i].member_from < earliest) earliest = tenants[i].member_from;
        for (size_t j = thing->first; j != i; j = plan->next_tenant[j])
            if (tenants[j].member_from == tenants[i].member_from)
                file_error(plan->errors, tenants[i].node, "tenant '%s' is declared twice from %s, first at %s",
                           thing->id, plan_instant(plan, tenants[i].member_from), plan_place(plan, tenants[j].node));
    }
    if (latest->valid) plan_details(plan, thing, latest);
    for (size_t i = thing->first; i != PLAN_NONE; i = plan->next_tenant[i])
        plan_membership(plan, thing, &tenants[i], earliest);
}

void plan_tenants(struct plan *plan)
{
    const struct catalogue_files *files = plan->files;
    plan->next_tenant = ARENA_ARRAY(plan->arena, size_t, files->tenants.count + 1);
    for (size_t i = 0; i < files->tenants.count; i++) {
        const struct file_tenant *tenant = &files->tenants.row[i];
        plan->next_tenant[i] = PLAN_NONE;
        if (!tenant->row.id) continue;
        struct plan_thing *thing = plan_index_declare(&plan->tenants, tenant->row.id, tenant->node);
        if (thing->last == PLAN_NONE)
            thing->first = i;
        else
            plan->next_tenant[thing->last] = i;
        thing->last = i;
    }
    for (size_t i = 0; i < plan->tenants.count; i++)
        if (plan->tenants.things[i].node) plan_tenant(plan, &plan->tenants.things[i]);
}
