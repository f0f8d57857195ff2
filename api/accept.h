// SPDX-License-Identifier: Apache-2.0
// What a client takes and what it has already: Accept, If-None-Match, If-Match (RFC 9110). Pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// Index of the type that the header prefers; ties go to the lower index. -1: none is acceptable. NULL and "" take the
// first. A range that cannot be read is left out. Parameters other than q are ignored.
int accept_choose(const char *header, const char *const *types, size_t count);
// Does a list of entity tags ("a", W/"b", or *) name this one? tag without quotes. weak: W/ counts too (If-None-Match).
bool entity_tag_listed(const char *header, const char *tag, bool weak);
