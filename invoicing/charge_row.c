// SPDX-License-Identifier: Apache-2.0
// Reading charges to date.
#include "invoicing/charge_row.h"

struct charge charge_row_read(const struct db_result *result, int row)
{
    return (struct charge){.tenant = db_get_int(result, row, 2), .sku = (int32_t)db_get_int(result, row, 3), .price = db_get_int(result, row, 4),
                           .tier = (int)db_get_int(result, row, 5), .dimension_set = db_get_uuid(result, row, 6),
                           .stage = (enum charge_stage)db_get_int(result, row, 7), .deduction = db_get_int(result, row, 8), .quantity = {db_get_decimal(result, row, 9, QUANTITY_PLACES)},
                           .list_cost = {db_get_decimal(result, row, 10, AMOUNT_PLACES)}, .contracted_cost = {db_get_decimal(result, row, 11, AMOUNT_PLACES)},
                           .effective_cost = {db_get_decimal(result, row, 12, AMOUNT_PLACES)}, .billed_cost = {db_get_decimal(result, row, 13, AMOUNT_PLACES)}};
}
