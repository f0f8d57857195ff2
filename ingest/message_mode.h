// SPDX-License-Identifier: Apache-2.0
// What the headers of a Kafka message make of it, by the CloudEvents Kafka protocol binding 1.0.2: structured mode, batch,
// binary mode. A message without headers, or with others only, is what its value is (message.h). Decides, does not do.
#pragma once
#include "common/bus.h"
#include "ingest/message.h"

// Opens a message by its headers; then message_next. In this order:
//   content-type application/cloudevents+json        one event
//   content-type application/cloudevents-batch+json  an array of events
//   headers "ce_..."                                 binary mode: one event, put together in the arena (MESSAGE_BINARY)
//   else                                             message_open of the value
// ERR_INVALID with the reason: the whole message is one quarantined event. The reader borrows message and arena.
enum err message_open_by_headers(const struct bus_message *message, struct arena *arena, struct message_reader *reader,
                                 struct fault *fault) MUST_USE;

// What is kept of a message that cannot be opened, so that all of it can be had again: its value; with headers that decide
// the mode before it, as the HTTP binding writes them: "name: value" lines, percent-encoded, and an empty line. The
// slice is the message's, or in the arena.
struct slice message_evidence(const struct bus_message *message, struct arena *arena);
