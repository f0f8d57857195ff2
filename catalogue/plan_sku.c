// SPDX-License-Identifier: Apache-2.0
// Services and SKUs: names and categories may change, what a SKU prices may not.
#include "catalogue/plan.h"

static void add_service(struct plan *plan, const struct file_service *service, int64_t number)
{
    struct service_row *row = ROW_NEW(&plan->added.services);
    *row = service->row;
    row->number = (int32_t)number;
    row->version = plan->version;
}

static void plan_service(struct plan *plan, const struct file_service *service)
{
    const struct service_row *new = &service->row;
    struct plan_thing *thing = plan_declare_once(plan, &plan->services, new->id, service->node, "service");
    if (!thing || !service->valid) return;
    if (thing->existing == PLAN_NONE) {
        add_service(plan, service, thing->number);
        plan_change(plan, true, "service", "%s %s (%s / %s)", new->id, new->name, new->category, new->subcategory);
        return;
    }
    struct text differences = {0};
    const struct service_row *old = &plan->existing->services.row[thing->existing];
    plan_differs(&differences, "name", old->name, new->name);
    plan_differs(&differences, "category", old->category, new->category);
    plan_differs(&differences, "subcategory", old->subcategory, new->subcategory);
    if (differences.length > 0) {
        add_service(plan, service, thing->number);
        plan_change(plan, false, "service", "%s%s", new->id, differences.data);
    }
    text_free(&differences);
}

void plan_services(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->services.count; i++)
        if (plan->files->services.row[i].row.id) plan_service(plan, &plan->files->services.row[i]);
}

// --- SKUs

static void add_sku(struct plan *plan, const struct file_sku *sku, int64_t number, int64_t service, int64_t meter)
{
    *ROW_NEW(&plan->added.skus) = (struct sku_row){
        .version = plan->version,
        .number = (int32_t)number,
        .service = (int32_t)service,
        .meter = (int32_t)meter,
        .id = sku->id,
        .name = sku->name,
    };
}

static void change_sku(struct plan *plan, const struct file_sku *sku, const struct sku_row *old, int64_t service,
                       int64_t meter)
{
    struct text differences = {0};
    if (old->service != service)
        file_conflict(plan->errors, sku->service.node, "the service of SKU %s never changes: make a new SKU", sku->id);
    if (old->meter != meter)
        file_conflict(plan->errors, sku->meter.node, "the meter of SKU %s never changes: make a new SKU", sku->id);
    if (plan_differs(&differences, "name", old->name, sku->name)) {
        add_sku(plan, sku, old->number, service, meter);
        plan_change(plan, false, "sku", "%s%s", sku->id, differences.data);
    }
    text_free(&differences);
}

static void plan_sku(struct plan *plan, const struct file_sku *sku)
{
    struct plan_thing *thing = plan_declare_once(plan, &plan->skus, sku->id, sku->node, "SKU");
    const struct plan_thing *service = plan_resolve(plan, &plan->services, &sku->service, "service");
    const struct plan_thing *meter = plan_resolve(plan, &plan->meters, &sku->meter, "meter");
    if (!thing || !service || !meter || !sku->valid) return;
    if (thing->existing != PLAN_NONE) {
        change_sku(plan, sku, &plan->existing->skus.row[thing->existing], service->number, meter->number);
        return;
    }
    add_sku(plan, sku, thing->number, service->number, meter->number);
    plan_change(plan, true, "sku", "%s %s (service %s, meter %s)", sku->id, sku->name, service->id, meter->id);
}

void plan_skus(struct plan *plan)
{
    for (size_t i = 0; i < plan->files->skus.count; i++)
        if (plan->files->skus.row[i].id) plan_sku(plan, &plan->files->skus.row[i]);
}
