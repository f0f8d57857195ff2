// SPDX-License-Identifier: Apache-2.0
// ISO 4217: alphabetic codes in use (amendment 180) and their minor units. One table; unknown codes are refused.
// Pure: no I/O, no globals, any thread.
#pragma once
#include "common/decimal.h"

enum { CURRENCY_CODE_LENGTH = 3 };
struct currency { char code[4]; int minor_places; };

// ERR_INVALID: unknown or withdrawn code (also XXX, XTS and metals, which have no minor unit), or not three capitals.
enum err currency_find(const char *code, struct currency *currency, struct fault *fault) MUST_USE;
// Rounds to the currency's minor unit. ERR_LIMIT if that leaves the range of an amount.
enum err currency_round(struct currency currency, struct amount amount, enum rounding mode,
                        struct amount *rounded) MUST_USE;
// Prints with exactly the minor places ("12.30", "500"). The amount must be rounded already (ENSUREd).
size_t currency_print(struct currency currency, struct amount amount, char out[DECIMAL_TEXT_MAX]);
// One minor unit as a scaled amount (0.01 -> 10000000000).
int128 currency_increment(struct currency currency);
