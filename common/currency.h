// SPDX-License-Identifier: Apache-2.0
// ISO 4217: alphabetic codes in use (amendment 180) and their minor units. One table; unknown codes are refused. And
// the form of codes that are none of ISO's: virtual currencies (tokens, credits), which a catalogue declares.
// Pure: no I/O, no globals, any thread.
#pragma once
#include "common/decimal.h"

enum { CURRENCY_CODE_LENGTH = 3, VIRTUAL_CODE_MIN = 3, VIRTUAL_CODE_MAX = 16 };
struct currency { char code[VIRTUAL_CODE_MAX + 1]; int minor_places; };

// ERR_INVALID: unknown or withdrawn code (also XXX, XTS and metals, which have no minor unit), or not three capitals.
enum err currency_find(const char *code, struct currency *currency, struct fault *fault) MUST_USE;
// Whether it may be the code of a virtual currency: 3 to 16 capitals and digits, the first a capital, and not three
// capitals, which are ISO 4217's to give away: so no code is of both, whatever an amendment adds or withdraws.
bool currency_virtual_code(const char *code);
// Rounds to the currency's minor unit. ERR_LIMIT if that leaves the range of an amount.
enum err currency_round(struct currency currency, struct amount amount, enum rounding mode,
                        struct amount *rounded) MUST_USE;
// Prints with exactly the minor places ("12.30", "500"). The amount must be rounded already (ENSUREd).
size_t currency_print(struct currency currency, struct amount amount, char out[DECIMAL_TEXT_MAX]);
// One minor unit as a scaled amount (0.01 -> 10000000000).
int128 currency_increment(struct currency currency);
