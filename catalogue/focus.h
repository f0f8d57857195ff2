// SPDX-License-Identifier: Apache-2.0
// Service categories and subcategories of FOCUS 1.2 (FinOps Open Cost and Usage Specification). Pure; any thread.
#pragma once
#include <stdbool.h>

#include "common/text.h"

bool focus_category_known(const char *category); // spelt exactly as in the specification
// One of the category's own, or "Other (CATEGORY)". False also for an unknown category.
bool focus_subcategory_known(const char *category, const char *subcategory);
// Adds what is allowed, separated by ", ", for the words of an error.
void focus_category_list(struct text *out);
void focus_subcategory_list(const char *category, struct text *out); // nothing for an unknown category
