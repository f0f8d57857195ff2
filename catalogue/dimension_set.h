// SPDX-License-Identifier: Apache-2.0
// Building a dimension set; printing and reading are in catalogue.h. Pure.
#pragma once
#include "catalogue/catalogue.h"

// Puts a member where it belongs; set->count = 0 at first. The texts are borrowed. ERR_INVALID: the name is there
// already or empty, a text is longer than DIMENSION_VALUE_MAX bytes, or there are DIMENSIONS_MAX members.
enum err dimension_set_add(struct dimension_set *set, const char *dimension, const char *value,
                           struct fault *fault) MUST_USE;
