// SPDX-License-Identifier: Apache-2.0
// The deductions that an account's terms declare. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

// Reads `stages` and `discounts` of an account's terms; what is wrong is added to the errors.
void file_contract_read(struct file_errors *errors, const struct file_field *stages, const struct file_field *discounts,
                        struct file_contract *contract);
