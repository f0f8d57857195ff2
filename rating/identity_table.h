// SPDX-License-Identifier: Apache-2.0
// Where in a list of entries the newest of an identity stands: what a batch adds to the dedup index, for the events that come
// after it in the batch and the next. The list is the caller's and given with each call; at most 2^32 - 1 entries. One thread at
// a time. Identities are keyed hashes: an attacker cannot choose where they land.
#pragma once
#include "rating/dedup_index.h"

struct identity_table { // zero-initialise; identity_table_free at the end
    uint64_t *slots;
    uint64_t mask;
    size_t used;
};
void identity_table_free(struct identity_table *table);
void identity_table_clear(struct identity_table *table); // keeps the memory
// entries[row] becomes the newest of its identity.
void identity_table_put(struct identity_table *table, const struct dedup_entry *entries, size_t row);
// NULL: the identity is not there.
const struct dedup_entry *identity_table_find(const struct identity_table *table, const struct dedup_entry *entries,
                                              struct hash128 identity);
// Asks for the cache line that the others read first.
void identity_table_prefetch(const struct identity_table *table, struct hash128 identity);
size_t identity_table_bytes(const struct identity_table *table);
