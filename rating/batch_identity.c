// SPDX-License-Identifier: Apache-2.0
// The identities of a batch as packed rows of its own transaction: from them the dedup index is filled again without
// reading the log. The chain head covers their number and digest.
#include "rating/batch_internal.h"

#include "common/crash_point.h"

void batch_identities_pack(struct batch *batch)
{
    if (batch->identities_packed) return; // a second try writes the same
    const struct dedup_entry *entries = batch->entries.rows;
    text_clear(&batch->identities);
    batch->identity_pieces.count = 0;
    for (size_t at = 0; at < batch->entries.count;) {
        at += dedup_pack(&batch->identities, entries + at, batch->entries.count - at);
        *(size_t *)row_list_add(&batch->identity_pieces, sizeof(size_t)) = batch->identities.length;
    }
    sha256_of(batch->identities.data, batch->identities.length, batch->identity_digest);
    batch->identities_packed = true;
}

enum err batch_identities_copy(struct attempt *attempt, struct fault *fault)
{
    const struct batch *batch = attempt->batch;
    if (batch->identity_pieces.count == 0) return ERR_OK;
    enum err err = attempt_copy_pieces(attempt, "rating.batch_identity", &batch->identities, &batch->identity_pieces, fault);
    CRASH_POINT("rate.after_identities");
    return err;
}
