// SPDX-License-Identifier: Apache-2.0
// See the header.
#include "catalogue/contract.h"

#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "catalogue/contract_commitment.h"
#include "catalogue/contract_limit.h"
#include "catalogue/contract_tax.h"
#include "common/json.h"

const struct contract_form contract_forms[CONTRACT_STAGE_COUNT] = {
    [CONTRACT_FREE] = {"free", true},
    [CONTRACT_PACKAGES] = {"packages", true},
    [CONTRACT_RESERVATIONS] = {"reservations", true},
    [CONTRACT_SAVINGS_PLANS] = {"savings_plans", true},
    [CONTRACT_DISCOUNTS] = {"discounts", false},
    [CONTRACT_COUPONS] = {"coupons", false},
    [CONTRACT_LIMITS] = {"limits", false},
    [CONTRACT_PREPAYMENTS] = {"prepayments", false},
};

bool contract_stage_find(const char *name, enum contract_stage *stage)
{
    for (int i = 0; i < CONTRACT_STAGE_COUNT; i++) {
        if (strcmp(contract_forms[i].name, name) != 0) continue;
        *stage = (enum contract_stage)i;
        return true;
    }
    return false;
}

size_t contract_order_check(const enum contract_stage *stages, size_t count)
{
    bool there[CONTRACT_STAGE_COUNT] = {false}, money = false;
    for (size_t i = 0; i < count; i++) {
        if (there[stages[i]] || (money && contract_forms[stages[i]].units)) return i;
        if (there[CONTRACT_PREPAYMENTS]) return i;
        if (stages[i] == CONTRACT_DISCOUNTS && (there[CONTRACT_COUPONS] || there[CONTRACT_LIMITS])) return i;
        there[stages[i]] = true;
        money = !contract_forms[stages[i]].units;
    }
    return count;
}

size_t contract_discount_of(const struct contract_discount *discounts, size_t count, const struct sku *sku)
{
    size_t best = 0;
    int best_rank = 0;
    for (size_t i = 0; i < count; i++) {
        const struct contract_discount *discount = &discounts[i];
        int rank = discount->sku ? 3 : discount->service ? 2 : 1;
        bool fits =
            discount->sku ? discount->sku == sku : !discount->service || (sku && discount->service == sku->service);
        if (!fits || rank <= best_rank) continue;
        best = i + 1;
        best_rank = rank;
    }
    return best;
}

const struct contract contract_default = {
    .stages = {CONTRACT_FREE, CONTRACT_PACKAGES, CONTRACT_RESERVATIONS, CONTRACT_SAVINGS_PLANS, CONTRACT_DISCOUNTS,
               CONTRACT_COUPONS, CONTRACT_LIMITS, CONTRACT_PREPAYMENTS},
    .stage_count = CONTRACT_STAGE_COUNT,
};

// --- stored form

static enum err read_stages(const char *text, const char *account, struct contract *contract, struct fault *fault)
{
    contract->stage_count = 0;
    for (const char *at = text;;) {
        size_t length = strcspn(at, ",");
        char name[32] = "";
        if (length < sizeof name) memcpy(name, at, length);
        if (contract->stage_count == CONTRACT_STAGE_COUNT ||
            !contract_stage_find(name, &contract->stages[contract->stage_count]))
            return row_fault(fault, "agreement of", account, "its stages '%.200s' cannot be read", text);
        contract->stage_count++;
        if (!at[length]) break;
        at += length + 1;
    }
    if (contract_order_check(contract->stages, contract->stage_count) == contract->stage_count) return ERR_OK;
    return row_fault(fault, "agreement of", account, "its stages '%.200s' contradict each other", text);
}

static enum err read_discount(const struct catalogue *catalogue, const struct json_value *json, const char *account,
                              struct contract_discount *discount, struct fault *fault)
{
    const char *rate = json_text(json_member(json, "rate"), ""), *sku = json_text(json_member(json, "sku"), NULL),
               *service = json_text(json_member(json, "service"), NULL);
    const int128 one = INT64_C(1000000000000);
    struct fault inner = {0};
    if (price_parse(rate, strlen(rate), &discount->rate, &inner) || discount->rate.pico <= 0 ||
        discount->rate.pico > one)
        return row_fault(fault, "agreement of", account, "a discount's rate is above 0 and at most 1");
    if (sku && !(discount->sku = catalogue_sku_id(catalogue, slice_of(sku))))
        return row_fault(fault, "agreement of", account, "a discount names SKU %s, which is not there", sku);
    if (service && !(discount->service = catalogue_service_id(catalogue, slice_of(service))))
        return row_fault(fault, "agreement of", account, "a discount names service %s, which is not there", service);
    return ERR_OK;
}

static enum err read_deductions(struct catalogue *catalogue, const struct json_value *root, const char *account,
                                struct contract *contract, struct fault *fault)
{
    const struct json_value *list = json_member(root, "discounts");
    size_t count = json_length(list);
    if (count > CONTRACT_DISCOUNTS_MAX)
        return row_fault(fault, "agreement of", account, "it has %zu discounts, more than %d", count,
                         CONTRACT_DISCOUNTS_MAX);
    struct contract_discount *discounts = ARENA_ARRAY(catalogue->arena, struct contract_discount, count + 1);
    for (size_t i = 0; i < count; i++) {
        enum err err = read_discount(catalogue, json_item(list, i), account, &discounts[i], fault);
        if (err) return err;
    }
    contract->discounts = discounts;
    contract->discount_count = count;
    return ERR_OK;
}

// Plans' prices are compared with those of the terms, so they are in one currency.
static enum err check_plan_books(const struct agreement *terms, const struct contract *contract, struct fault *fault)
{
    for (size_t i = 0; i < contract->plan_count; i++) {
        const struct price_book *book = contract->plans[i].book;
        if (book && strcmp(book->currency.code, terms->book->currency.code) != 0)
            return row_fault(fault, "agreement of", terms->account->id, "price book %s of savings plan %s is in %s, %s in %s",
                             book->id, contract->plans[i].base.id, book->currency.code, terms->book->id,
                             terms->book->currency.code);
    }
    return ERR_OK;
}

enum err contract_build(struct catalogue *catalogue, const struct agreement_row *row, struct agreement *terms,
                        struct fault *fault)
{
    const char *account = terms->account->id;
    struct json_document *document;
    struct fault inner = {0};
    enum err err = ERR_OK;
    terms->contract = &contract_default;
    if (!row->stages && !row->deductions) return ERR_OK;
    struct contract *contract = ARENA_NEW(catalogue->arena, struct contract);
    *contract = contract_default;
    terms->contract = contract;
    if (row->stages) err = read_stages(row->stages, account, contract, fault);
    if (err || !row->deductions) return err;
    if (json_read(row->deductions, strlen(row->deductions), &document, &inner))
        return row_fault(fault, "agreement of", account, "its deductions: %s", inner.reason);
    err = read_deductions(catalogue, json_root(document), account, contract, fault);
    if (!err) err = contract_commitments_build(catalogue, json_root(document), account, contract, fault);
    if (!err) err = contract_limits_build(catalogue, json_root(document), account, contract, fault);
    if (!err) err = contract_taxes_build(catalogue, json_root(document), terms, contract, fault);
    json_free(document);
    return err ? err : check_plan_books(terms, contract, fault);
}
