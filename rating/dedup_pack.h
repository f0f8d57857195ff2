// SPDX-License-Identifier: Apache-2.0
// The packed form in which the identities of a batch are kept in rating.batch_identity (docs/chain.md): a version
// byte, then per entry identity (16 bytes), content (8), the tenant's shard (2), by which a partition of a newer
// incarnation takes its own, and two variable-length numbers, mostly of one byte: how far its offset is from the one
// before, with the held bit, and its place in the message. About 28 bytes an id, which do not compress. Version 1 had
// no shard. Pure. What is read may come from anywhere: damage is an error, never a guess.
#pragma once
#include "common/text.h"
#include "rating/dedup_index.h"

enum {
    DEDUP_PACK_BYTES = 256 * 1024, // a piece ends behind the entry that reaches this
    DEDUP_PACK_ENTRY_MAX = 16 + 8 + 2 + 10 + 5
};

// Adds one piece to `out` with as many of the entries as fit into DEDUP_PACK_BYTES, in their order; returns how many.
// Every piece can be read alone.
size_t dedup_pack(struct text *out, const struct dedup_entry *entries, size_t count);

// Reads a piece. The bytes must stay until it is read.
struct dedup_unpack {
    const unsigned char *at, *end;
    int64_t offset; // of the entry before
    bool has_shards;
};
// ERR_INVALID: not such a piece.
enum err dedup_unpack_open(struct dedup_unpack *unpack, const void *data, size_t length, struct fault *fault) MUST_USE;
// Up to `room` entries; *count 0: at the end. ERR_INVALID: damaged.
enum err dedup_unpack_some(struct dedup_unpack *unpack, struct dedup_entry *entries, size_t room, size_t *count,
                           struct fault *fault) MUST_USE;
