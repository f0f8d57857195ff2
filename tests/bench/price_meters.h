// SPDX-License-Identifier: Apache-2.0
// What meters compute before F: the amount of an event, and the 95th percentile of a period.
#pragma once
#include <stdint.h>

// Prints a figure a line, each measured for least_us of the processor's time:
//   worth_times_per_second   events of which two members are multiplied
//   worth_fee_per_second     the same, and a fee is taken of the product
//   WINDOW_slots_per_second  samples of five minutes, of 20 tenants and a month, to F of their percentiles
void price_meters_bench(int64_t least_us);
