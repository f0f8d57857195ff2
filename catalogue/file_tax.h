// SPDX-License-Identifier: Apache-2.0
// The taxes that an account's terms declare. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

struct file_tax_fields {
    const struct file_field *tax, *taxes, *tax_id;
};
// Reads the terms' tax into `terms`, and its note and the rules into the contract; what is wrong is added to the
// errors.
void file_taxes_read(struct file_errors *errors, const struct file_tax_fields *fields, struct agreement_row *terms,
                     struct file_contract *contract);
