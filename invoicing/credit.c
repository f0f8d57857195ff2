// SPDX-License-Identifier: Apache-2.0
// Which grants pay a document. Pure.
#include "invoicing/credit.h"

#include <stdlib.h>
#include <string.h>

static int by_use(const void *left, const void *right)
{
    const struct credit_grant *a = left, *b = right;
    if (a->priority != b->priority) return a->priority < b->priority ? -1 : 1;
    const bool a_ends = a->expires != INSTANT_NONE, b_ends = b->expires != INSTANT_NONE;
    if (a_ends != b_ends) return a_ends ? -1 : 1;
    if (a_ends && a->expires != b->expires) return a->expires < b->expires ? -1 : 1;
    if (a->granted != b->granted) return a->granted < b->granted ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

size_t credit_consume(struct credit_grant *grants, size_t count, const char *currency, struct amount total,
                      instant_us issued, struct credit_use *uses)
{
    size_t used = 0;
    if (count) qsort(grants, count, sizeof *grants, by_use);
    for (size_t i = 0; i < count && total.pico > 0; i++) {
        const struct credit_grant *grant = &grants[i];
        if (strcmp(grant->currency, currency) != 0 || grant->left.pico <= 0) continue;
        if (grant->expires != INSTANT_NONE && grant->expires <= issued) continue;
        const struct amount taken = grant->left.pico < total.pico ? grant->left : total;
        uses[used++] = (struct credit_use){grant->number, grant->key, taken};
        total.pico -= taken.pico;
    }
    return used;
}
