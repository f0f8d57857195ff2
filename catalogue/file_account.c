// SPDX-License-Identifier: Apache-2.0
// Reads who sells, who pays and who uses: sellers, partners, billing accounts and tenants.
#include <string.h>

#include "catalogue/file_contract.h"
#include "catalogue/file_tax.h"

enum { ADDRESS_LINES_MAX = 8, SERIES_MAX = 16, TAX_ID_MAX = 64, EMAIL_MAX = 254 };

// --- members that several kinds have

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

// Lines joined by LF, as they are stored.
static const char *read_address(struct file_errors *errors, const struct file_field *field)
{
    size_t count;
    const char **lines = file_names(errors, field, ADDRESS_LINES_MAX, false, &count);
    struct text joined = {0};
    for (size_t i = 0; i < count; i++) {
        if (i > 0) text_add_char(&joined, '\n');
        text_add_string(&joined, lines[i]);
    }
    const char *address = count == 0 ? "" : arena_text(errors->arena, joined.data, joined.length);
    text_free(&joined);
    return address;
}

static const char *read_series(struct file_errors *errors, const struct file_field *field)
{
    const char *series = file_text(errors, field, SERIES_MAX);
    if (!series) return NULL;
    if (strspn(series, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == strlen(series) && series[0] != '-') return series;
    file_error(errors, field->value, "series '%.16s': 1 to %d of A-Z, 0-9 and '-', beginning with a letter or digit",
               series, SERIES_MAX);
    return NULL;
}

static const char *read_email(struct file_errors *errors, const struct file_field *field)
{
    const char *email = file_text(errors, field, EMAIL_MAX);
    if (!email) return "";
    const char *at = strchr(email, '@');
    if (at && at != email && at[1] && !strchr(at + 1, '@') && !strchr(email, ' ')) return email;
    file_error(errors, field->value, "email '%.64s' is no address", email);
    return "";
}

// --- sellers

void file_seller_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { ID, NAME, ADDRESS, TAX_ID, SERIES };
    struct file_field fields[] = {
        [ID] = {.name = "id", .required = true},
        [NAME] = {.name = "name", .required = true},
        [ADDRESS] = {.name = "address"},
        [TAX_ID] = {.name = "tax_id"},
        [SERIES] = {.name = "series", .required = true},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "seller", fields)) return;
    struct seller_row row = {
        .id = file_id(errors, &fields[ID]),
        .name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .address = read_address(errors, &fields[ADDRESS]),
        .tax_id = or_empty(file_text(errors, &fields[TAX_ID], TAX_ID_MAX)),
        .series = read_series(errors, &fields[SERIES]),
    };
    *ROW_NEW(&files->sellers) = (struct file_seller){item, errors->count == before, row};
}

// --- partners and billing accounts

enum {
    ID,
    NAME,
    ADDRESS,
    TAX_ID,
    EMAIL,
    SELLER,
    CURRENCY,
    ZONE,
    PRICE_BOOK,
    TAX,
    TAXES,
    ROUNDING,
    STAGES,
    DISCOUNTS,
    RESERVATIONS,
    SAVINGS_PLANS,
    LIMITS,
    EFFECTIVE_FROM,
    ACCOUNT_FIELDS,
    SERIES = ACCOUNT_FIELDS,
    PARTNER_FIELDS
};

static void read_terms(struct file_errors *errors, const struct file_field *fields, struct file_account *account)
{
    struct fault fault = {0};
    account->terms = (struct agreement_row){
        .effective_from = file_instant(errors, &fields[EFFECTIVE_FROM], INSTANT_MIN),
        .currency = file_currency_code(errors, &fields[CURRENCY], "an account"),
        .zone = file_text(errors, &fields[ZONE], FILE_NAME_MAX),
        .rounding = (enum rounding)file_choice(errors, &fields[ROUNDING], rounding_names, ROUNDING_COUNT, ROUND_HALF_UP),
    };
    const struct file_contract_fields deductions = {&fields[STAGES], &fields[DISCOUNTS], &fields[RESERVATIONS],
                                                    &fields[SAVINGS_PLANS], &fields[LIMITS]};
    file_contract_read(errors, &deductions, &account->contract);
    const struct file_tax_fields taxes = {&fields[TAX], &fields[TAXES], &fields[TAX_ID]};
    file_taxes_read(errors, &taxes, &account->terms, &account->contract);
    if (account->terms.zone && zone_open(account->terms.zone, &account->zone, &fault)) {
        file_error(errors, fields[ZONE].value, "zone '%.64s': %s", account->terms.zone, fault.reason);
        account->zone = NULL;
    }
}

static void read_account(struct catalogue_files *files, const struct yaml_node *item, bool partner)
{
    struct file_field fields[PARTNER_FIELDS] = {
        [ID] = {.name = "id", .required = true},
        [NAME] = {.name = "name", .required = true},
        [ADDRESS] = {.name = "address"},
        [TAX_ID] = {.name = "tax_id"},
        [EMAIL] = {.name = "email"},
        [SELLER] = {.name = "seller"},
        [CURRENCY] = {.name = "currency", .required = true},
        [ZONE] = {.name = "zone", .required = true},
        [PRICE_BOOK] = {.name = "price_book", .required = true},
        [TAX] = {.name = "tax"},
        [TAXES] = {.name = "taxes"},
        [ROUNDING] = {.name = "rounding"},
        [STAGES] = {.name = "stages"},
        [DISCOUNTS] = {.name = "discounts"},
        [RESERVATIONS] = {.name = "reservations"},
        [SAVINGS_PLANS] = {.name = "savings_plans"},
        [LIMITS] = {.name = "limits"},
        [EFFECTIVE_FROM] = {.name = "effective_from"},
        [SERIES] = {.name = "series", .required = true},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!file_fields(errors, item, partner ? "partner" : "billing account", fields,
                     partner ? PARTNER_FIELDS : ACCOUNT_FIELDS))
        return;
    struct file_account account = {
        .node = item,
        .from_node = fields[EFFECTIVE_FROM].value ? fields[EFFECTIVE_FROM].value : item,
        .partner = partner,
        .seller = file_reference(errors, &fields[SELLER]),
        .book = file_reference(errors, &fields[PRICE_BOOK]),
        .series = partner ? read_series(errors, &fields[SERIES]) : NULL,
        .row.id = file_id(errors, &fields[ID]),
        .row.name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .row.address = read_address(errors, &fields[ADDRESS]),
        .row.tax_id = or_empty(file_text(errors, &fields[TAX_ID], TAX_ID_MAX)),
        .row.email = read_email(errors, &fields[EMAIL]),
    };
    read_terms(errors, fields, &account);
    account.valid = errors->count == before;
    *ROW_NEW(&files->accounts) = account;
}

void file_partner_read(struct catalogue_files *files, const struct yaml_node *item)
{
    read_account(files, item, true);
}

void file_account_read(struct catalogue_files *files, const struct yaml_node *item)
{
    read_account(files, item, false);
}

// --- tenants

void file_tenant_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { TENANT_ID, TENANT_NAME, BILLING_ACCOUNT, MEMBER_FROM };
    struct file_field fields[] = {
        [TENANT_ID] = {.name = "id", .required = true},
        [TENANT_NAME] = {.name = "name", .required = true},
        [BILLING_ACCOUNT] = {.name = "billing_account", .required = true},
        [MEMBER_FROM] = {.name = "member_from"},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "tenant", fields)) return;
    struct file_tenant tenant = {
        .node = item,
        .from_node = fields[MEMBER_FROM].value ? fields[MEMBER_FROM].value : item,
        .row.id = file_text(errors, &fields[TENANT_ID], ID_MAX),
        .row.name = file_text(errors, &fields[TENANT_NAME], FILE_NAME_MAX),
        .account = file_reference(errors, &fields[BILLING_ACCOUNT]),
        .member_from = file_instant(errors, &fields[MEMBER_FROM], INSTANT_MIN),
    };
    tenant.valid = errors->count == before;
    *ROW_NEW(&files->tenants) = tenant;
}
