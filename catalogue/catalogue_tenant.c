// SPDX-License-Identifier: Apache-2.0
// Tenants and who pays for them since when. There may be millions: everything is sorted once and found by index.
#include <string.h>

#include "catalogue/catalogue_internal.h"

static int compare_tenants(const void *a, const void *b)
{
    const struct tenant_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_tenant(const void *a, const void *b)
{
    return ((const struct tenant_row *)a)->number == ((const struct tenant_row *)b)->number;
}

static enum err build_tenants(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct tenant_row *row = rows->tenants.row;
    rows_sort(row, rows->tenants.count, sizeof *row, compare_tenants);
    size_t count = rows->tenants.count = rows_keep_newest(row, rows->tenants.count, sizeof *row, same_tenant);
    catalogue->tenants = ARENA_ARRAY(catalogue->arena, struct tenant, count);
    lookup_init(&catalogue->tenant_numbers, catalogue->arena, count);
    lookup_init(&catalogue->tenant_ids, catalogue->arena, count);
    for (size_t i = 0; i < count; i++) {
        enum err err = row_check_id("tenant", row[i].id, row[i].number, fault);
        if (err) return err;
        struct slice id = slice_of(row[i].id);
        if (catalogue_tenant(catalogue, id)) return row_fault(fault, "tenant", row[i].id, "two numbers have this id");
        catalogue->tenants[i] =
            (struct tenant){row[i].number, row[i].id, text_or_empty(row[i].name), shard_of_tenant(id)};
        lookup_add(&catalogue->tenant_numbers, lookup_hash_number(row[i].number), i);
        lookup_add(&catalogue->tenant_ids, lookup_hash_text(id), i);
    }
    catalogue->tenant_count = count;
    return ERR_OK;
}

// --- memberships

static int compare_rows(const void *a, const void *b)
{
    const struct membership_row *x = a, *y = b;
    if (x->tenant != y->tenant) return COMPARE(x->tenant, y->tenant);
    if (x->effective_from != y->effective_from) return COMPARE(x->effective_from, y->effective_from);
    return COMPARE(x->version, y->version);
}

static bool same_row(const void *a, const void *b)
{
    const struct membership_row *x = a, *y = b;
    return x->tenant == y->tenant && x->effective_from == y->effective_from;
}

static int compare_members(const void *a, const void *b)
{
    const struct membership *x = a, *y = b;
    if (x->account != y->account) return COMPARE(x->account, y->account);
    if (x->tenant != y->tenant) return COMPARE(x->tenant, y->tenant);
    return COMPARE(x->effective_from, y->effective_from);
}

static enum err check_membership(const struct catalogue *catalogue, const struct membership_row *row,
                                 const struct tenant *tenant, struct fault *fault)
{
    if (!tenant) return row_fault(fault, "membership", "", "tenant number %lld does not exist", (long long)row->tenant);
    if (catalogue_account_index(catalogue, row->account) == NO_INDEX)
        return row_fault(fault, "tenant", tenant->id, "billing account number %lld does not exist",
                         (long long)row->account);
    if (!instant_on_slot_bound(row->effective_from))
        return row_fault(fault, "tenant", tenant->id, "its membership does not begin on a 15-minute bound");
    return ERR_OK;
}

// The first membership of a tenant reaches back without limit, whatever its row says (rules 3.5).
static enum err build_memberships(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct membership_row *row = rows->memberships.row;
    rows_sort(row, rows->memberships.count, sizeof *row, compare_rows);
    size_t count = rows->memberships.count = rows_keep_newest(row, rows->memberships.count, sizeof *row, same_row);
    struct membership *built = ARENA_ARRAY(catalogue->arena, struct membership, count);
    catalogue->tenant_memberships = ARENA_ARRAY(catalogue->arena, struct span, catalogue->tenant_count);
    for (size_t i = 0; i < count; i++) {
        const struct tenant *tenant = catalogue_tenant_number(catalogue, row[i].tenant);
        enum err err = check_membership(catalogue, &row[i], tenant, fault);
        if (err) return err;
        built[i] = (struct membership){row[i].tenant, row[i].account, row[i].effective_from, INSTANT_MAX};
        struct span *span = &catalogue->tenant_memberships[tenant - catalogue->tenants];
        if (span->count++ == 0) {
            span->first = (uint32_t)i;
            built[i].effective_from = INSTANT_MIN;
        } else {
            built[i - 1].effective_to = built[i].effective_from;
        }
    }
    catalogue->memberships = built;
    catalogue->membership_count = count;
    return ERR_OK;
}

static void index_members(struct catalogue *catalogue)
{
    size_t count = catalogue->membership_count;
    catalogue->members = ARENA_ARRAY(catalogue->arena, struct membership, count);
    catalogue->account_members = ARENA_ARRAY(catalogue->arena, struct span, catalogue->account_count);
    if (count > 0) memcpy(catalogue->members, catalogue->memberships, count * sizeof *catalogue->members);
    rows_sort(catalogue->members, count, sizeof *catalogue->members, compare_members);
    for (size_t i = 0; i < count; i++) {
        struct span *span =
            &catalogue->account_members[catalogue_account_index(catalogue, catalogue->members[i].account)];
        if (span->count++ == 0) span->first = (uint32_t)i;
    }
}

enum err catalogue_build_tenants(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    enum err err = build_tenants(catalogue, rows, fault);
    if (!err) err = build_memberships(catalogue, rows, fault);
    if (!err) index_members(catalogue);
    return err;
}

// --- looking up

int64_t catalogue_payer(const struct catalogue *catalogue, int64_t tenant, instant_us slot)
{
    const struct tenant *found = catalogue_tenant_number(catalogue, tenant);
    if (!found) return 0;
    struct span span = catalogue->tenant_memberships[found - catalogue->tenants];
    for (uint32_t i = span.first + span.count; i-- > span.first;) // few per tenant, the newest is asked for most
        if (catalogue->memberships[i].effective_from <= slot) return catalogue->memberships[i].account;
    return 0;
}

const struct membership *catalogue_memberships(const struct catalogue *catalogue, int64_t tenant, size_t *count)
{
    const struct tenant *found = catalogue_tenant_number(catalogue, tenant);
    *count = found ? catalogue->tenant_memberships[found - catalogue->tenants].count : 0;
    return *count == 0 ? NULL
                       : &catalogue->memberships[catalogue->tenant_memberships[found - catalogue->tenants].first];
}

const struct membership *catalogue_members(const struct catalogue *catalogue, int64_t account, size_t *count)
{
    uint32_t index = catalogue_account_index(catalogue, account);
    *count = index == NO_INDEX ? 0 : catalogue->account_members[index].count;
    return *count == 0 ? NULL : &catalogue->members[catalogue->account_members[index].first];
}
