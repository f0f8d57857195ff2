// SPDX-License-Identifier: Apache-2.0
// The form of our messages in Kafka: a versioned packing of raw events (docs/message-form.md). Messages of other
// producers are plain JSON: one event, or an array of events; they begin with '{' or '[' (white space before it is
// fine). What headers make of a message is message_mode.h's.
//
//   offset  bytes  content (integers little-endian)
//   0       2      'T' 'P'
//   2       1      version (1)
//   3       1      kind: 1 events, 2 marker, 3 forwarded events
//   4       2      number of events
//   6       2      flags (0)
//   8       8      catalogue version of the writer (rules 3.5)
//   16      8      kind 1: 0; kind 2: random number of the owner's assignment; kind 3: received_time of the events'
//                  first position, microseconds since 1970 (rules 1.1, 2.4)
//   24      8      fast_hash64 of 32 bytes: the 24 above and the fast_hash64 of all that follows this field
//   32      16     kind 3 only: the mark, a MAC of the 24 bytes above the checksum and of all behind the mark
//   32 (48)        per event: 4 bytes length, then the CloudEvents JSON object as it came
#pragma once
#include "common/hash.h"
#include "ingest/event_batch.h"

enum { MESSAGE_VERSION = 1, MESSAGE_HEADER_BYTES = 32, MESSAGE_BYTES_MAX = 1048576, MESSAGE_EVENTS_MAX = 65535 };
enum { MESSAGE_MARK_BYTES = 16 };
enum message_kind { MESSAGE_EVENTS = 1, MESSAGE_MARKER = 2, MESSAGE_FORWARDED = 3, MESSAGE_PLAIN = 100, MESSAGE_BINARY = 101 };

// Writing: begin, add events, finish. The text is the message; what was in it is dropped. A message may be larger than
// MESSAGE_BYTES_MAX, the writer splits; more than MESSAGE_EVENTS_MAX events are ENSUREd not to come.
void message_begin(struct text *message, enum message_kind kind, uint64_t catalogue_version, uint64_t nonce);
void message_add(struct text *message, struct slice event_json);
void message_finish(struct text *message);
// Forwarded events: begin with their received_time, add, mark (key: hash_key_derive(..., "forward")), finish.
void message_begin_forwarded(struct text *message, uint64_t catalogue_version, int64_t received_time_us);
void message_mark(struct text *message, const struct hash_key *key);
// Was this message (kind 3, opened) marked with that key? If not, its received_time is anybody's word.
bool message_mark_valid(struct slice message, const struct hash_key *key);

// Reading. message_open checks header, version, kind, checksum and all lengths; ERR_INVALID with the reason: the whole
// message is one quarantined event. count: events of a packed message, 0 for plain ones. The reader borrows data.
struct message_reader {
    enum message_kind kind;
    uint64_t catalogue_version, nonce; // kind 3: nonce is the received_time
    struct slice rest;
    uint32_t count, next;
    bool array;                // plain: a list of events
    struct batch_reader batch; // of the list
};
enum err message_open(struct slice data, struct message_reader *reader, struct fault *fault) MUST_USE;
// Next raw event, not decoded; ERR_NOT_FOUND at the end. ERR_INVALID (lists only): the rest of the message is
// unreadable, and must be one quarantined event; do not call again.
enum err message_next(struct message_reader *reader, struct slice *event_json, struct fault *fault) MUST_USE;
