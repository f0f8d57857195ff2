// SPDX-License-Identifier: Apache-2.0
// The packed form in which what is known of sequenced sources is kept in rating.batch_sequence (docs/chain.md): pieces
// that can be read alone, of records: an event that was counted (about 15 bytes beside its neighbour, 45 alone), all that
// is known of a source, and since when the index is whole. Read in their order they make the index what it was. Pure.
// What is read may come from anywhere: damage is an error, never a guess.
#pragma once
#include "rating/sequence_index.h"

enum { SEQUENCE_PIECE_BYTES = 256 * 1024 }; // a piece ends behind the record that reaches this

struct sequence_pack {
    struct text *out;
    size_t start;                  // of the piece
    int64_t records;               // of all pieces
    bool has_event;                // the next are of the event before in the piece
    struct sequence_event before;
};

// Begins a piece at the end of `out`; records goes on.
void sequence_pack_begin(struct sequence_pack *pack, struct text *out);
bool sequence_pack_full(const struct sequence_pack *pack); // the piece is to end
void sequence_pack_coverage(struct sequence_pack *pack, instant_us coverage_start);
void sequence_pack_event(struct sequence_pack *pack, const struct sequence_event *event);
void sequence_pack_source(struct sequence_pack *pack, const struct sequence_source *source);
int64_t sequence_pack_estimate(const struct sequence_source *source); // bytes of its record, at most

// Reads a piece of a batch with this watermark into the index; *records grows by what it holds. ERR_INVALID: not such a
// piece; the index may hold some of it.
enum err sequence_unpack(const void *data, size_t length, instant_us watermark, struct sequence_index *index,
                         int64_t *records, struct fault *fault) MUST_USE;
