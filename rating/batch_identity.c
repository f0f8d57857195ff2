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
    const struct batch_record *record = &attempt->record;
    const size_t *ends = batch->identity_pieces.rows;
    if (batch->identity_pieces.count == 0) return ERR_OK;
    struct db_copy copy;
    enum err err = db_copy_open(attempt->db,
                                "rating.batch_identity (incarnation, partition, batch_seq, piece, received_hour,"
                                " entries)",
                                6, &copy, fault);
    if (err) return err;
    for (size_t i = 0, start = 0; i < batch->identity_pieces.count; start = ends[i++]) {
        db_copy_row(&copy);
        db_copy_int4(&copy, record->incarnation);
        db_copy_int4(&copy, record->partition);
        db_copy_int8(&copy, record->batch_seq);
        db_copy_int4(&copy, (int32_t)i);
        db_copy_instant(&copy, batch_received_hour(record));
        db_copy_bytes(&copy, batch->identities.data + start, ends[i] - start);
    }
    err = db_copy_close(&copy, fault);
    CRASH_POINT("rate.after_identities");
    return err;
}
