// SPDX-License-Identifier: Apache-2.0
// Reads taxes, and writes each rule as one canonical JSON value: members in the order given here.
#include "catalogue/file_tax.h"

#include <string.h>

#include "catalogue/contract_tax.h"
#include "catalogue/file_contract.h"
#include "common/json.h"

enum { TAX_NAME_MAX = 32 };
static const char reverse_charge_note[] = "Reverse charge: the recipient of the services owes the tax.";

enum { NAME, RATE, NOTE, REVERSE_CHARGE, SKU, SERVICE, FIELD_COUNT };
struct file_tax {
    struct tax tax;
    struct file_reference sku, service;
};

static void check_reverse_charge(struct file_errors *errors, const struct file_field *fields,
                                 const struct file_field *tax_id, struct tax *tax)
{
    static const char *const words[] = {"false", "true"};
    if (file_choice(errors, &fields[REVERSE_CHARGE], words, 2, 0) == 0) return;
    if (tax->rate.pico)
        file_error(errors, fields[RATE].value, "with reverse_charge the rate is 0: the buyer owes the tax");
    if (!tax_id->value) file_error(errors, fields[REVERSE_CHARGE].key, "reverse_charge needs the account's tax_id");
    if (!tax->note) tax->note = reverse_charge_note;
}

static bool read_tax(struct file_errors *errors, const struct yaml_node *item, const struct file_field *tax_id,
                     bool rule, struct file_tax *tax)
{
    struct file_field fields[FIELD_COUNT] = {
        [NAME] = {.name = "name", .required = true},
        [RATE] = {.name = "rate", .required = true},
        [NOTE] = {.name = "note"},
        [REVERSE_CHARGE] = {.name = "reverse_charge"},
        [SKU] = {.name = "sku"},
        [SERVICE] = {.name = "service"},
    };
    const int128 one = INT64_C(1000000000000);
    size_t before = errors->count;
    *tax = (struct file_tax){.tax.name = ""};
    if (!file_fields(errors, item, "tax", fields, rule ? FIELD_COUNT : SKU)) return false;
    const char *name = file_text(errors, &fields[NAME], TAX_NAME_MAX);
    tax->tax = (struct tax){name ? name : "", file_decimal_price(errors, &fields[RATE]),
                            file_text(errors, &fields[NOTE], FILE_NAME_MAX)};
    if (tax->tax.rate.pico > one)
        file_error(errors, fields[RATE].value, "rate %.48s is above 1: 19 %% is written \"0.19\"",
                   fields[RATE].value->text);
    check_reverse_charge(errors, fields, tax_id, &tax->tax);
    if (!rule) return errors->count == before;
    tax->sku = file_reference(errors, &fields[SKU]);
    tax->service = file_reference(errors, &fields[SERVICE]);
    if (errors->count == before && !fields[SKU].value == !fields[SERVICE].value)
        file_error(errors, item, "a tax of taxes is for a sku or for a service; that of all else is tax:");
    return errors->count == before;
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// A group of a document has one name, rate and note.
static void check_against(struct file_errors *errors, const struct yaml_node *item, const struct file_tax *tax,
                          const struct file_tax *other)
{
    if (strcmp(tax->tax.name, other->tax.name) == 0 && tax->tax.rate.pico == other->tax.rate.pico &&
        !same_text(tax->tax.note, other->tax.note))
        file_error(errors, item, "another tax of these terms has the same name and rate, but another note");
    if (same_text(tax->sku.id, other->sku.id) && same_text(tax->service.id, other->service.id))
        file_error(errors, item, "another tax of these terms is for the same");
}

static void put_tax(struct json_writer *json, const struct file_tax *tax)
{
    json_object_open(json);
    json_put_text(json, "name", tax->tax.name);
    json_put_decimal(json, "rate", tax->tax.rate.pico, PRICE_PLACES);
    if (tax->sku.id) json_put_text(json, "sku", tax->sku.id);
    if (tax->service.id) json_put_text(json, "service", tax->service.id);
    if (tax->tax.note) json_put_text(json, "note", tax->tax.note);
    json_object_close(json);
}

static void read_rules(struct file_errors *errors, const struct file_tax_fields *fields, const struct file_tax *own,
                       struct file_contract *contract)
{
    const struct yaml_node *list = fields->taxes->value;
    struct json_writer json;
    struct text out = {0};
    if (!list) return;
    if (list->kind != YAML_SEQUENCE || list->count > CONTRACT_TAXES_MAX) {
        file_error(errors, list, "taxes is a list of up to %d: [{name: VAT, rate: \"0.07\", service: ID}]",
                   CONTRACT_TAXES_MAX);
        return;
    }
    struct file_tax *taxes = ARENA_ARRAY(errors->arena, struct file_tax, list->count + 1);
    json_begin(&json, &out);
    json_array_open(&json);
    for (size_t i = 0; i < list->count; i++) {
        if (!read_tax(errors, list->items[i], fields->tax_id, true, &taxes[i])) continue;
        check_against(errors, list->items[i], &taxes[i], own);
        for (size_t k = 0; k < i; k++)
            check_against(errors, list->items[i], &taxes[i], &taxes[k]);
        file_contract_need(errors, contract, "sku", taxes[i].sku);
        file_contract_need(errors, contract, "service", taxes[i].service);
        put_tax(&json, &taxes[i]);
    }
    json_array_close(&json);
    if (list->count > 0) contract->taxes = arena_text(errors->arena, out.data, out.length);
    text_free(&out);
}

void file_taxes_read(struct file_errors *errors, const struct file_tax_fields *fields, struct agreement_row *terms,
                     struct file_contract *contract)
{
    struct file_tax own = {.tax.name = ""};
    if (fields->tax->value) (void)read_tax(errors, fields->tax->value, fields->tax_id, false, &own);
    terms->tax_name = own.tax.name;
    terms->tax_rate = own.tax.rate;
    contract->tax_note = own.tax.note;
    read_rules(errors, fields, &own, contract);
}
