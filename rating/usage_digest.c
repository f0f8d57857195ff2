// SPDX-License-Identifier: Apache-2.0
// By which slots of which tenants a request's usage was gathered, as one digest per request. Pure.
#include <stdlib.h>
#include <string.h>

#include "rating/usage_rows.h"

static void add_number(struct sha256 *hash, int64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)value >> (56 - 8 * i));
    sha256_add(hash, bytes, sizeof bytes);
}

void usage_spans_digest(const struct usage_request *requests, size_t count, const struct usage_span *spans, size_t span_count,
                        struct usage_gathered *gathered)
{
    struct sha256 **hashes = heap_alloc((count + 1) * sizeof *hashes);
    for (size_t i = 0; i < count; i++) {
        hashes[i] = sha256_new();
        sha256_add(hashes[i], "turnpike/spans/1", 16);
        add_number(hashes[i], requests[i].period_start);
        add_number(hashes[i], requests[i].period_end);
    }
    for (size_t i = 0; i < span_count; i++) {
        struct sha256 *hash = hashes[spans[i].request];
        add_number(hash, spans[i].tenant);
        add_number(hash, spans[i].from);
        add_number(hash, spans[i].to);
        add_number(hash, spans[i].segment);
    }
    for (size_t i = 0; i < count; i++) {
        sha256_finish(hashes[i], gathered[i].spans_digest);
        sha256_free(hashes[i]);
    }
    free(hashes);
}

bool usage_basis_holds(const struct usage_basis *basis, const struct usage_gathered *gathered)
{
    return basis->cut && memcmp(basis->spans_digest, gathered->spans_digest, SHA256_BYTES) == 0;
}
