// SPDX-License-Identifier: Apache-2.0
// The form of our messages in Kafka: a versioned packing of raw events (docs/message-form.md). Messages of other producers
// are plain JSON: one event, or an array of events; they begin with '{' or '[' (white space before it is fine).
//
//   offset  bytes  content (integers little-endian)
//   0       2      'T' 'P'
//   2       1      version (1)
//   3       1      kind: 1 events, 2 marker, 3 forwarded (reserved)
//   4       2      number of events
//   6       2      flags (0)
//   8       8      catalogue version of the writer (rules 3.5)
//   16      8      kind 1: 0; kind 2: random number of the owner's assignment
//   24      8      fast_hash64 of the whole message with these 8 bytes zero
//   32             per event: 4 bytes length, then the CloudEvents JSON object as it came
#pragma once
#include "common/text.h"

enum { MESSAGE_VERSION = 1, MESSAGE_HEADER_BYTES = 32, MESSAGE_BYTES_MAX = 1048576, MESSAGE_EVENTS_MAX = 65535 };
enum message_kind { MESSAGE_EVENTS = 1, MESSAGE_MARKER = 2, MESSAGE_FORWARDED = 3, MESSAGE_PLAIN = 100 };

// Writing: begin, add events, finish. The text is the message.
void message_begin(struct text *message, enum message_kind kind, uint64_t catalogue_version, uint64_t nonce);
void message_add(struct text *message, struct slice event_json);
void message_finish(struct text *message);

// Reading. message_open checks header, version, kind and checksum; ERR_INVALID with the reason: the whole message is one quarantined event.
struct message_reader { enum message_kind kind; uint64_t catalogue_version, nonce; struct slice rest; uint32_t count, next; bool array; };
enum err message_open(struct slice data, struct message_reader *reader, struct fault *fault) MUST_USE;
// Next raw event; ERR_NOT_FOUND at the end; ERR_INVALID: the rest of the message is unreadable.
enum err message_next(struct message_reader *reader, struct slice *event_json, struct fault *fault) MUST_USE;
