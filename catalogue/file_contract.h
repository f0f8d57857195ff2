// SPDX-License-Identifier: Apache-2.0
// The deductions that an account's terms declare. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

struct file_contract_fields {
    const struct file_field *stages, *discounts, *reservations, *plans, *limits;
};
// Reads what an account's terms deduct; what is wrong is added to the errors.
void file_contract_read(struct file_errors *errors, const struct file_contract_fields *fields,
                        struct file_contract *contract);
// Remembers that the terms name another thing ("sku", "service", "price book", "tenant"), for the plan to look for.
void file_contract_need(struct file_errors *errors, struct file_contract *contract, const char *kind,
                        struct file_reference reference);
