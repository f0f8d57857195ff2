// SPDX-License-Identifier: Apache-2.0
// The snapshot: its life, and look-ups by id and number. A catalogue never changes once it is built, so any number of
// threads read it without a lock; the last one that releases it frees it.
#include <stdlib.h>

#include "catalogue/catalogue_internal.h"

void catalogue_retain(struct catalogue *catalogue)
{
    atomic_fetch_add_explicit(&catalogue->references, 1, memory_order_relaxed);
}

void catalogue_release(struct catalogue *catalogue)
{
    if (!catalogue) return;
    int before = atomic_fetch_sub_explicit(&catalogue->references, 1, memory_order_acq_rel);
    ENSURE(before > 0);
    if (before > 1) return;
    arena_free(catalogue->arena);
    arena_free(catalogue->texts);
    free(catalogue);
}

int64_t catalogue_version(const struct catalogue *catalogue)
{
    return catalogue->version;
}

// Finds the index of a number or an id in an array of the catalogue; NO_INDEX if it is not there.
#define FIND_NUMBER(table, array, wanted)                                                                              \
    for (struct lookup_walk walk = lookup_start(&catalogue->table, lookup_hash_number(wanted));                        \
         lookup_step(&catalogue->table, &walk);)                                                                       \
        if (catalogue->array[walk.index].number == (wanted)) return walk.index;                                        \
    return NO_INDEX
#define FIND_ID(table, array, wanted)                                                                                  \
    for (struct lookup_walk walk = lookup_start(&catalogue->table, lookup_hash_text(wanted));                          \
         lookup_step(&catalogue->table, &walk);)                                                                       \
        if (slice_is((wanted), catalogue->array[walk.index].id)) return walk.index;                                    \
    return NO_INDEX

static uint32_t tenant_index(const struct catalogue *catalogue, int64_t number)
{
    FIND_NUMBER(tenant_numbers, tenants, number);
}

static uint32_t tenant_index_of_id(const struct catalogue *catalogue, struct slice id)
{
    FIND_ID(tenant_ids, tenants, id);
}

uint32_t catalogue_account_index(const struct catalogue *catalogue, int64_t number)
{
    FIND_NUMBER(account_numbers, accounts, number);
}

static uint32_t account_index_of_id(const struct catalogue *catalogue, struct slice id)
{
    FIND_ID(account_ids, accounts, id);
}

static uint32_t seller_index(const struct catalogue *catalogue, int32_t number)
{
    FIND_NUMBER(seller_numbers, sellers, number);
}

static uint32_t sku_index(const struct catalogue *catalogue, int32_t number)
{
    FIND_NUMBER(sku_numbers, skus, number);
}

static uint32_t service_index(const struct catalogue *catalogue, int32_t number)
{
    FIND_NUMBER(service_numbers, services, number);
}

void catalogue_tenant_prefetch(const struct catalogue *catalogue, struct slice id)
{
    const struct lookup *lookup = &catalogue->tenant_ids;
    if (lookup->slots) __builtin_prefetch(&lookup->slots[lookup_start(lookup, lookup_hash_text(id)).at]);
}

const struct tenant *catalogue_tenant_expect(const struct catalogue *catalogue, struct slice id)
{
    struct lookup_walk walk = lookup_start(&catalogue->tenant_ids, lookup_hash_text(id));
    if (!lookup_step(&catalogue->tenant_ids, &walk)) return NULL;
    const struct tenant *tenant = &catalogue->tenants[walk.index];
    __builtin_prefetch(tenant);
    return tenant;
}

const struct tenant *catalogue_tenant(const struct catalogue *catalogue, struct slice id)
{
    uint32_t index = tenant_index_of_id(catalogue, id);
    return index == NO_INDEX ? NULL : &catalogue->tenants[index];
}

const struct tenant *catalogue_tenant_number(const struct catalogue *catalogue, int64_t number)
{
    uint32_t index = tenant_index(catalogue, number);
    return index == NO_INDEX ? NULL : &catalogue->tenants[index];
}

const struct billing_account *catalogue_account(const struct catalogue *catalogue, struct slice id)
{
    uint32_t index = account_index_of_id(catalogue, id);
    return index == NO_INDEX ? NULL : &catalogue->accounts[index];
}

const struct billing_account *catalogue_account_number(const struct catalogue *catalogue, int64_t number)
{
    uint32_t index = catalogue_account_index(catalogue, number);
    return index == NO_INDEX ? NULL : &catalogue->accounts[index];
}

const struct seller *catalogue_seller_number(const struct catalogue *catalogue, int32_t number)
{
    uint32_t index = seller_index(catalogue, number);
    return index == NO_INDEX ? NULL : &catalogue->sellers[index];
}

const struct sku *catalogue_sku_number(const struct catalogue *catalogue, int32_t number)
{
    uint32_t index = sku_index(catalogue, number);
    return index == NO_INDEX ? NULL : &catalogue->skus[index];
}

static uint32_t sku_index_of_id(const struct catalogue *catalogue, struct slice id)
{
    FIND_ID(sku_ids, skus, id);
}

const struct sku *catalogue_sku_id(const struct catalogue *catalogue, struct slice id)
{
    uint32_t index = sku_index_of_id(catalogue, id);
    return index == NO_INDEX ? NULL : &catalogue->skus[index];
}

const struct service *catalogue_service_number(const struct catalogue *catalogue, int32_t number)
{
    uint32_t index = service_index(catalogue, number);
    return index == NO_INDEX ? NULL : &catalogue->services[index];
}

const struct service *catalogue_service_id(const struct catalogue *catalogue, struct slice id)
{
    for (size_t i = 0; i < catalogue->service_count; i++)
        if (slice_equal(slice_of(catalogue->services[i].id), id)) return &catalogue->services[i];
    return NULL;
}

// --- agreements and lists

const struct agreement *catalogue_agreement(const struct catalogue *catalogue, int64_t account, instant_us period_start)
{
    uint32_t index = catalogue_account_index(catalogue, account);
    if (index == NO_INDEX) return NULL;
    struct span span = catalogue->account_agreements[index];
    for (uint32_t i = span.first + span.count; i-- > span.first;)
        if (catalogue->agreements[i].effective_from <= period_start) return &catalogue->agreements[i];
    return NULL;
}

const int64_t *catalogue_customers(const struct catalogue *catalogue, int64_t account, size_t *count)
{
    uint32_t index = catalogue_account_index(catalogue, account);
    *count = index == NO_INDEX ? 0 : catalogue->account_customers[index].count;
    return *count == 0 ? NULL : &catalogue->customers[catalogue->account_customers[index].first];
}

const int64_t *catalogue_all_accounts(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->account_count;
    return catalogue->account_list;
}

const struct tenant *catalogue_all_tenants(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->tenant_count;
    return catalogue->tenants;
}

const struct service *catalogue_all_services(const struct catalogue *catalogue, size_t *count)
{
    *count = catalogue->service_count;
    return catalogue->services;
}
