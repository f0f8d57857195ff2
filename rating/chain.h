// SPDX-License-Identifier: Apache-2.0
// The chain of a partition's batches: head = SHA-256(canonical batch), which begins with the previous head and covers
// every row that the batch wrote. docs/chain.md describes the encoding; a test computes it again from the database's
// rows. No number that a database dealt out (tenant, meter, quarantine row) is in it: ids are (rules 4.3). Pure.
#pragma once
#include "rating/row.h"

enum { CHAIN_VERSION = 1 };

struct chain;
struct chain *chain_new(void);
void chain_free(struct chain *chain); // NULL is fine

// begin, then the rows of each kind in the order of these functions, each kind in its canonical order, then finish.
void chain_begin(struct chain *chain, const struct batch_record *record);
void chain_dimension_set(struct chain *chain, const struct named_row *row); // by hash
void chain_resource(struct chain *chain, const struct named_row *row);      // by hash
void chain_usage(struct chain *chain, const struct batch_record *record,
                 const struct usage_row *row); // by dimension set, meter id, slot
void chain_transition(struct chain *chain, const struct batch_record *record,
                      const struct transition_row *row); // by resource, meter id, event time, event id
void chain_kept_event(struct chain *chain, const struct batch_record *record,
                      const struct kept_event_row *row); // by dimension set, meter id, event time, event id
void chain_quarantine(struct chain *chain, const struct quarantine_row *row); // by offset, index
void chain_conflict(struct chain *chain, const struct conflict_row *row);     // by offset, index
void chain_closing(struct chain *chain, const struct closing_row *row);       // by offset, index
void chain_identities(struct chain *chain, const struct batch_record *record);
void chain_sequences(struct chain *chain, const struct batch_record *record);
void chain_finish(struct chain *chain, const struct batch_record *record, unsigned char head[SHA256_BYTES]);
