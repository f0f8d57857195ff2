// SPDX-License-Identifier: Apache-2.0
// What building and finding of prices share. Private to catalogue/catalogue_price*.c.
#pragma once
#include "catalogue/catalogue_internal.h"
#include "catalogue/price_window.h"

uint64_t price_match_hash(int32_t book, int32_t sku, const struct match_member *members, size_t count);
bool price_members_equal(const struct match_member *a, size_t a_count, const struct match_member *b, size_t b_count);
size_t price_unique_instants(instant_us *instants, size_t count); // sorts; returns how many stay
// Fills matches, lists and book_changes from the built prices. ERR_INVALID: too many shapes.
enum err price_index_build(struct catalogue *catalogue, struct fault *fault) MUST_USE;
