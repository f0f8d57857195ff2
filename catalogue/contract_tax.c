// SPDX-License-Identifier: Apache-2.0
// Reads the stored form of taxes. What a file may say is checked by file_tax.c; here only that the rows can be read.
#include "catalogue/contract_tax.h"

#include <string.h>

#include "catalogue/catalogue_internal.h"
#include "common/json.h"

static const char *copied(struct catalogue *catalogue, const char *text)
{
    return text ? arena_text(catalogue->arena, text, strlen(text)) : NULL;
}

static bool read_rule(struct catalogue *catalogue, const struct json_value *json, struct contract_tax *rule)
{
    const char *rate = json_text(json_member(json, "rate"), ""), *sku = json_text(json_member(json, "sku"), NULL),
               *service = json_text(json_member(json, "service"), NULL);
    const int128 one = INT64_C(1000000000000);
    rule->tax.name = copied(catalogue, json_text(json_member(json, "name"), NULL));
    rule->tax.note = copied(catalogue, json_text(json_member(json, "note"), NULL));
    if (sku) rule->sku = catalogue_sku_id(catalogue, slice_of(sku));
    if (service) rule->service = catalogue_service_id(catalogue, slice_of(service));
    return rule->tax.name && !price_parse(rate, strlen(rate), &rule->tax.rate, NULL) && rule->tax.rate.pico >= 0 &&
           rule->tax.rate.pico <= one && (rule->sku != NULL) + (rule->service != NULL) == 1;
}

static bool same_tax(const char *name, struct price rate, const struct tax *tax)
{
    return strcmp(name, tax->name) == 0 && rate.pico == tax->rate.pico;
}

static int first_group(const struct agreement *terms, const struct contract_tax *rules, size_t place)
{
    if (same_tax(terms->tax_name, terms->tax_rate, &rules[place].tax)) return 0;
    for (size_t i = 0; i < place; i++)
        if (same_tax(rules[i].tax.name, rules[i].tax.rate, &rules[place].tax)) return (int)i + 1;
    return (int)place + 1;
}

enum err contract_taxes_build(struct catalogue *catalogue, const struct json_value *root, const struct agreement *terms,
                              struct contract *contract, struct fault *fault)
{
    const struct json_value *list = json_member(root, "taxes");
    size_t count = json_length(list);
    struct contract_tax *rules = ARENA_ARRAY(catalogue->arena, struct contract_tax, count + 1);
    if (count > CONTRACT_TAXES_MAX)
        return row_fault(fault, "agreement of", terms->account->id, "it has %zu taxes, more than %d", count,
                         CONTRACT_TAXES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!read_rule(catalogue, json_item(list, i), &rules[i]))
            return row_fault(fault, "agreement of", terms->account->id,
                             "tax %zu cannot be read, or names what is not there", i + 1);
        rules[i].group = first_group(terms, rules, i);
    }
    contract->taxes = rules;
    contract->tax_count = count;
    contract->tax_note = copied(catalogue, json_text(json_member(root, "tax_note"), NULL));
    return ERR_OK;
}

// --- questions

struct tax tax_of_group(const struct agreement *terms, int group)
{
    if (group > 0) return terms->contract->taxes[group - 1].tax;
    return (struct tax){terms->tax_name, terms->tax_rate, terms->contract->tax_note};
}

int tax_group_of(const struct agreement *terms, const struct sku *sku)
{
    int of_service = 0;
    for (size_t i = 0; i < terms->contract->tax_count; i++) {
        const struct contract_tax *rule = &terms->contract->taxes[i];
        if (rule->sku == sku) return rule->group;
        if (rule->service && rule->service == sku->service) of_service = rule->group;
    }
    return of_service;
}
