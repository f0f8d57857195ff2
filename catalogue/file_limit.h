// SPDX-License-Identifier: Apache-2.0
// The least and the most that an account is billed for a period, as its terms declare them. Private to catalogue/.
#pragma once
#include "catalogue/file_field.h"

// Sets contract->limits; what is wrong is added to the errors.
void file_limits_read(struct file_errors *errors, const struct file_field *field, struct file_contract *contract);
