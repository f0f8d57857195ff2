// SPDX-License-Identifier: Apache-2.0
// The reservations and savings plans that an account's terms declare. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

// Reads `reservations` and `savings_plans` of an account's terms into their stored form (contract.h); what they name is
// added to contract->needed, what is wrong to the errors.
void file_commitments_read(struct file_errors *errors, const struct file_field *reservations,
                           const struct file_field *plans, struct file_contract *contract);
