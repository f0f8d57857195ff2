// SPDX-License-Identifier: Apache-2.0
// Numbers of the tests of reservations and savings plans: texts in, texts out. To be included behind cmocka.
#pragma once
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "rating/commitment.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TERM_FROM (INT64_C(1767225600) * SECOND_US) // 2026-01-01T00:00:00Z
#define MOST_QUANTITY "99999999999999999999999999999"
#define MOST_AMOUNT "99999999999999999999999999"

static inline int128 case_number(const char *text, int places)
{
    int128 value = 0;
    if (text && decimal_parse(text, strlen(text), places, false, &value, NULL)) fail_msg("'%s' is no number", text);
    return value;
}

static inline struct quantity case_quantity(const char *text)
{
    return (struct quantity){case_number(text, QUANTITY_PLACES)};
}

static inline struct amount case_amount(const char *text)
{
    return (struct amount){case_number(text, AMOUNT_PLACES)};
}

// "COVERED:COST "
static inline void case_print(struct text *out, struct quantity covered, struct amount cost)
{
    char quantity[DECIMAL_TEXT_MAX], amount[DECIMAL_TEXT_MAX];
    quantity_print(covered, quantity);
    amount_print(cost, amount);
    text_print(out, "%s:%s ", quantity, amount);
}

static inline void case_expect(const char *name, struct text *out, const char *expected)
{
    if (strcmp(out->data, expected) != 0) fail_msg("%s: got '%s', expected '%s'", name, out->data, expected);
    text_free(out);
}
