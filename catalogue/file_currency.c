// SPDX-License-Identifier: Apache-2.0
// Reads virtual currencies, and codes of currencies wherever they stand.
#include <string.h>

#include "catalogue/file_field.h"

const char *file_currency_code(struct file_errors *errors, const struct file_field *field, const char *what)
{
    struct currency currency;
    struct fault fault = {0};
    const char *code = file_text(errors, field, FILE_NAME_MAX);
    if (!code || currency_find(code, &currency, &fault) == ERR_OK) return code;
    const bool virtual = currency_virtual_code(code);
    if (virtual && !what) return code;
    if (virtual)
        file_error(errors, field->value,
                   "currency '%s': %s is in a currency of ISO 4217; virtual ones are for price books", code, what);
    else if (!what && strlen(code) != CURRENCY_CODE_LENGTH)
        file_error(errors, field->value, "currency '%.17s': neither a code of ISO 4217 nor one of virtual_currencies",
                   code);
    else
        file_error(errors, field->value, "currency '%.17s': %s", code, fault.reason);
    return code;
}

static const char *read_code(struct file_errors *errors, const struct file_field *field)
{
    const char *code = file_text(errors, field, FILE_NAME_MAX);
    if (!code || currency_virtual_code(code)) return code;
    const bool capitals = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == CURRENCY_CODE_LENGTH;
    if (capitals && strlen(code) == CURRENCY_CODE_LENGTH)
        file_error(errors, field->value, "code '%s': three capitals are a code of ISO 4217, in use or not", code);
    else
        file_error(errors, field->value, "code '%.17s': %d to %d capitals and digits, the first a capital", code,
                   VIRTUAL_CODE_MIN, VIRTUAL_CODE_MAX);
    return NULL;
}

void file_currency_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { CODE, NAME, PLACES };
    struct file_field fields[] = {
        [CODE] = {.name = "code", .required = true},
        [NAME] = {.name = "name", .required = true},
        [PLACES] = {.name = "places"},
    };
    struct file_errors *errors = &files->errors;
    const size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "virtual currency", fields)) return;
    struct file_currency currency = {
        .node = item,
        .row.code = read_code(errors, &fields[CODE]),
        .row.name = file_text(errors, &fields[NAME], FILE_NAME_MAX),
        .row.places = file_whole(errors, &fields[PLACES], 0, AMOUNT_PLACES, 0),
    };
    currency.valid = errors->count == before;
    *ROW_NEW(&files->currencies) = currency;
}
