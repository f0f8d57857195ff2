// SPDX-License-Identifier: Apache-2.0
// Duplicates of a batch by tenant: noted one by one while it is fed, put together when they are asked for.
#include "rating/batch_internal.h"

#include <stdlib.h>

void batch_duplicate(struct batch *batch, const struct tenant *tenant)
{
    struct tenant_duplicates *row = row_list_add(&batch->duplicates, sizeof *row);
    *row = (struct tenant_duplicates){tenant, 1};
}

static int compare(const void *a, const void *b)
{
    const struct tenant_duplicates *x = a, *y = b;
    return (x->tenant->number > y->tenant->number) - (x->tenant->number < y->tenant->number);
}

const struct tenant_duplicates *batch_duplicates(struct batch *batch, size_t *count)
{
    struct row_list *list = &batch->duplicates;
    struct tenant_duplicates *rows = list->rows;
    size_t kept = 0;
    if (list->count > 1) qsort(rows, list->count, sizeof *rows, compare);
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && rows[kept - 1].tenant->number == rows[i].tenant->number)
            rows[kept - 1].events += rows[i].events;
        else
            rows[kept++] = rows[i];
    }
    *count = list->count = kept;
    return rows;
}
