// SPDX-License-Identifier: Apache-2.0
// The deductions of an account's terms: what they name is there, and their stored form (contract.h).
#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/contract.h"
#include "catalogue/plan.h"
#include "common/json.h"

// Tenants are planned after accounts: new ones are only in the files yet.
static bool tenant_is_known(struct plan *plan, const struct file_reference *reference)
{
    if (plan_index_find(&plan->tenants, reference->id)) return true;
    for (size_t i = 0; i < plan->files->tenants.count; i++) {
        const char *id = plan->files->tenants.row[i].row.id;
        if (id && strcmp(id, reference->id) == 0) return true;
    }
    file_error(plan->errors, reference->node, "there is no tenant '%s'", reference->id);
    return false;
}

static bool needed_is_known(struct plan *plan, const struct file_need *need)
{
    if (strcmp(need->kind, "tenant") == 0) return tenant_is_known(plan, &need->reference);
    const struct plan_index *index = strcmp(need->kind, "sku") == 0       ? &plan->skus
                                     : strcmp(need->kind, "service") == 0 ? &plan->services
                                                                          : &plan->books;
    return plan_resolve(plan, index, &need->reference, need->kind) != NULL;
}

bool plan_contract(struct plan *plan, const struct file_contract *contract)
{
    bool known = true;
    for (size_t i = 0; i < contract->needed.count; i++)
        if (!needed_is_known(plan, &contract->needed.list[i])) known = false;
    for (size_t i = 0; i < contract->discount_count; i++) {
        const struct file_discount *discount = &contract->discounts[i];
        if (discount->sku.id && !plan_resolve(plan, &plan->skus, &discount->sku, "sku")) known = false;
        if (discount->service.id && !plan_resolve(plan, &plan->services, &discount->service, "service")) known = false;
    }
    return known;
}

const char *plan_contract_stages(struct plan *plan, const struct file_contract *contract)
{
    struct text names = {0};
    if (contract->stage_count == 0) return NULL;
    for (size_t i = 0; i < contract->stage_count; i++)
        text_print(&names, "%s%s", i > 0 ? "," : "", contract_forms[contract->stages[i]].name);
    const char *copy = arena_text(plan->arena, names.data, names.length);
    text_free(&names);
    return copy;
}

static void put_discounts(struct json_writer *json, const struct file_contract *contract)
{
    json_name(json, "discounts");
    json_array_open(json);
    for (size_t i = 0; i < contract->discount_count; i++) {
        const struct file_discount *discount = &contract->discounts[i];
        json_object_open(json);
        json_put_decimal(json, "rate", discount->rate.pico, PRICE_PLACES);
        if (discount->sku.id) json_put_text(json, "sku", discount->sku.id);
        if (discount->service.id) json_put_text(json, "service", discount->service.id);
        json_object_close(json);
    }
    json_array_close(json);
}

static void put_list(struct json_writer *json, const char *name, const char *list)
{
    if (!list) return;
    json_name(json, name);
    json_write_raw(json, list);
}

const char *plan_contract_deductions(struct plan *plan, const struct file_contract *contract)
{
    struct text out = {0};
    struct json_writer json;
    if (contract->discount_count == 0 && !contract->reservations && !contract->plans && !contract->limits &&
        !contract->taxes && !contract->tax_note)
        return NULL;
    json_begin(&json, &out);
    json_object_open(&json);
    if (contract->discount_count > 0) put_discounts(&json, contract);
    put_list(&json, "reservations", contract->reservations);
    put_list(&json, "savings_plans", contract->plans);
    put_list(&json, "limits", contract->limits);
    put_list(&json, "taxes", contract->taxes);
    if (contract->tax_note) json_put_text(&json, "tax_note", contract->tax_note);
    json_object_close(&json);
    const char *copy = arena_text(plan->arena, out.data, out.length);
    text_free(&out);
    return copy;
}

const char *plan_contract_words(struct plan *plan, const struct agreement_row *row)
{
    const char *stages = row->stages ? arena_print(plan->arena, ", stages %s", row->stages) : "";
    return arena_print(plan->arena, "%s%s%s", stages, row->deductions ? ", " : "", text_or_empty(row->deductions));
}
