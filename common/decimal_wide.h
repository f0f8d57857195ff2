// SPDX-License-Identifier: Apache-2.0
// The 256-bit intermediate of a product that is divided again: two unsigned 128-bit halves. For the decimals only.
#pragma once
#include "common/decimal.h"

struct wide { uint128 high, low; };

// The exact product; two factors of 128 bits always fit.
struct wide wide_multiply(uint128 a, uint128 b);

// Quotient and remainder. divisor > dividend.high (ENSUREd): only then does the quotient fit 128 bits.
uint128 wide_divide(struct wide dividend, uint128 divisor, uint128 *remainder);

// floor(a * b / divisor) and its remainder; false if the quotient does not fit 128 bits or divisor is 0.
bool wide_mul_div(uint128 a, uint128 b, uint128 divisor, uint128 *quotient, uint128 *remainder);
