// SPDX-License-Identifier: Apache-2.0
// Nibbles in, nibbles out.
#include "rating/verdict.h"

#include <string.h>

const char *verdict_name(enum verdict verdict)
{
    switch (verdict) {
    case VERDICT_COUNTED:
        return "counted";
    case VERDICT_DUPLICATE:
        return "duplicate";
    case VERDICT_CONFLICT:
        return "conflict";
    case VERDICT_QUARANTINED:
        return "quarantined";
    case VERDICT_FORWARDED:
        return "forwarded";
    case VERDICT_MARKER:
        return "marker";
    }
    return "unknown";
}

void verdict_list_add(struct verdict_list *list, enum verdict verdict)
{
    if (list->count % 2 == 0) {
        text_add_char(&list->packed, (char)verdict);
    } else {
        unsigned char *last = (unsigned char *)list->packed.data + list->packed.length - 1;
        *last = (unsigned char)(*last | (unsigned)verdict << 4);
    }
    list->count++;
    list->of[verdict]++;
}

void verdict_list_clear(struct verdict_list *list)
{
    text_clear(&list->packed);
    list->count = 0;
    memset(list->of, 0, sizeof list->of);
}

void verdict_list_free(struct verdict_list *list)
{
    text_free(&list->packed);
    *list = (struct verdict_list){0};
}

enum err verdict_read(const unsigned char *packed, size_t bytes, int64_t count, int64_t at, enum verdict *verdict)
{
    if (at < 0 || at >= count) return ERR_NOT_FOUND;
    if ((uint64_t)bytes != ((uint64_t)count + 1) / 2) return ERR_INVALID;
    unsigned nibble = (unsigned)packed[at / 2] >> (at % 2 * 4) & 15U;
    if (nibble >= VERDICT_KINDS) return ERR_INVALID;
    *verdict = (enum verdict)nibble;
    return ERR_OK;
}
