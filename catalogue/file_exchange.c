// SPDX-License-Identifier: Apache-2.0
// Reads exchange rates.
#include <string.h>

#include "catalogue/file_field.h"

void file_exchange_read(struct catalogue_files *files, const struct yaml_node *item)
{
    enum { FROM, TO, RATE, EFFECTIVE_FROM, SOURCE };
    struct file_field fields[] = {
        [FROM] = {.name = "from", .required = true},      [TO] = {.name = "to", .required = true},
        [RATE] = {.name = "rate", .required = true},      [EFFECTIVE_FROM] = {.name = "effective_from"},
        [SOURCE] = {.name = "source"},
    };
    struct file_errors *errors = &files->errors;
    size_t before = errors->count;
    if (!FILE_FIELDS(errors, item, "rate of exchange", fields)) return;
    struct exchange_row row = {
        .from = file_currency_code(errors, &fields[FROM], NULL),
        .to = file_currency_code(errors, &fields[TO], "what is converted to"),
        .effective_from = file_instant(errors, &fields[EFFECTIVE_FROM], INSTANT_MIN),
        .rate = file_decimal_price(errors, &fields[RATE]),
        .source = file_text(errors, &fields[SOURCE], FILE_NAME_MAX),
    };
    if (errors->count == before && strcmp(row.from, row.to) == 0)
        file_error(errors, fields[TO].value, "a currency has no rate to itself");
    if (errors->count == before && row.rate.pico == 0)
        file_error(errors, fields[RATE].value, "the rate is above 0: what one %s is in %s", row.from, row.to);
    *ROW_NEW(&files->exchanges) = (struct file_exchange){item, errors->count == before, row};
}
