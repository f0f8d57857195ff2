// SPDX-License-Identifier: Apache-2.0
// From rows to a catalogue: the order of the steps, and the simplest of them, services and SKUs.
#include <string.h>

#include "catalogue/catalogue_internal.h"

// --- services

static int compare_services(const void *a, const void *b)
{
    const struct service_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

static bool same_service(const void *a, const void *b)
{
    return ((const struct service_row *)a)->number == ((const struct service_row *)b)->number;
}

static enum err build_services(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    struct lookup ids;
    rows_sort(rows->services.row, rows->services.count, sizeof *rows->services.row, compare_services);
    size_t count = rows_keep_newest(rows->services.row, rows->services.count, sizeof *rows->services.row, same_service);
    rows->services.count = count;
    catalogue->services = ARENA_ARRAY(catalogue->arena, struct service, count);
    lookup_init(&catalogue->service_numbers, catalogue->arena, count);
    lookup_init(&ids, catalogue->arena, count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const struct service_row *row = &rows->services.row[i];
        enum err err = row_check_id("service", row->id, row->number, fault);
        if (err) return err;
        if (!ids_add(&ids, id_list, i, row->id))
            return row_fault(fault, "service", row->id, "two numbers have this id");
        catalogue->services[i] = (struct service){row->number, row->id, text_or_empty(row->name),
                                                  text_or_empty(row->category), text_or_empty(row->subcategory)};
        lookup_add(&catalogue->service_numbers, lookup_hash_number(row->number), i);
    }
    catalogue->service_count = count;
    return ERR_OK;
}

// --- SKUs

static int compare_skus(const void *a, const void *b)
{
    const struct sku_row *x = a, *y = b;
    return x->number != y->number ? COMPARE(x->number, y->number) : COMPARE(x->version, y->version);
}

// Keeps the newest version of every SKU; its service and meter never change.
static enum err keep_newest_skus(struct catalogue_rows *rows, struct fault *fault)
{
    struct sku_row *row = rows->skus.row;
    size_t kept = 0;
    rows_sort(row, rows->skus.count, sizeof *row, compare_skus);
    for (size_t i = 0; i < rows->skus.count; i++) {
        if (i + 1 == rows->skus.count || row[i].number != row[i + 1].number) {
            row[kept++] = row[i];
            continue;
        }
        if (row[i].service != row[i + 1].service || row[i].meter != row[i + 1].meter)
            return row_fault(fault, "sku", row[i].id, "its service and meter never change: make a new SKU");
    }
    rows->skus.count = kept;
    return ERR_OK;
}

// Groups the SKUs by meter, keeping the order of their numbers.
static void group_skus(struct catalogue *catalogue)
{
    struct span *spans = ARENA_ARRAY(catalogue->arena, struct span, catalogue->meter_span_count);
    catalogue->skus_by_meter = ARENA_ARRAY(catalogue->arena, const struct sku *, catalogue->sku_count);
    for (size_t i = 0; i < catalogue->sku_count; i++)
        spans[catalogue_meter_index(catalogue, catalogue->skus[i].meter)].count++;
    for (size_t m = 1; m < catalogue->meter_span_count; m++)
        spans[m].first = spans[m - 1].first + spans[m - 1].count;
    for (size_t m = 0; m < catalogue->meter_span_count; m++)
        spans[m].count = 0;
    for (size_t i = 0; i < catalogue->sku_count; i++) {
        struct span *span = &spans[catalogue_meter_index(catalogue, catalogue->skus[i].meter)];
        catalogue->skus_by_meter[span->first + span->count++] = &catalogue->skus[i];
    }
    catalogue->meter_skus = spans;
}

enum err catalogue_build_skus(struct catalogue *catalogue, struct catalogue_rows *rows, struct fault *fault)
{
    enum err err = build_services(catalogue, rows, fault);
    if (!err) err = keep_newest_skus(rows, fault);
    if (err) return err;
    catalogue->skus = ARENA_ARRAY(catalogue->arena, struct sku, rows->skus.count);
    lookup_init(&catalogue->sku_numbers, catalogue->arena, rows->skus.count);
    lookup_init(&catalogue->sku_ids, catalogue->arena, rows->skus.count);
    const char **id_list = ARENA_ARRAY(catalogue->arena, const char *, rows->skus.count);
    for (size_t i = 0; i < rows->skus.count; i++) {
        const struct sku_row *row = &rows->skus.row[i];
        err = row_check_id("sku", row->id, row->number, fault);
        if (err) return err;
        if (!ids_add(&catalogue->sku_ids, id_list, i, row->id))
            return row_fault(fault, "sku", row->id, "two numbers have this id");
        const struct service *service = catalogue_service_number(catalogue, row->service);
        if (!service) return row_fault(fault, "sku", row->id, "service number %d does not exist", row->service);
        if (catalogue_meter_index(catalogue, row->meter) == NO_INDEX)
            return row_fault(fault, "sku", row->id, "meter number %d does not exist", row->meter);
        catalogue->skus[i] = (struct sku){row->number, row->id, text_or_empty(row->name), service, row->meter};
        lookup_add(&catalogue->sku_numbers, lookup_hash_number(row->number), i);
    }
    catalogue->sku_count = rows->skus.count;
    group_skus(catalogue);
    return ERR_OK;
}

// --- the whole

enum err catalogue_build(struct catalogue_rows *rows, struct catalogue **catalogue, struct fault *fault)
{
    static enum err (*const steps[])(struct catalogue *, struct catalogue_rows *, struct fault *) = {
        catalogue_build_meters, catalogue_build_skus,     catalogue_build_currencies, catalogue_build_books,
        catalogue_build_exchanges, catalogue_build_prices, catalogue_build_accounts, catalogue_build_offers,
        catalogue_build_tenants,
    };
    struct catalogue *built = heap_alloc(sizeof *built);
    built->references = 1;
    built->version = rows->version;
    built->arena = arena_new(1 << 20);
    hash_init();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum err err = steps[i](built, rows, fault);
        if (!err) continue;
        catalogue_release(built);
        return err;
    }
    built->texts = rows->arena;
    rows->arena = NULL;
    rows->chunk = NULL;
    rows->chunk_left = 0;
    *catalogue = built;
    return ERR_OK;
}
