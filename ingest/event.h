// SPDX-License-Identifier: Apache-2.0
// A usage event: one CloudEvents 1.0 JSON object, read in one checked pass, without a copy where the text has no
// escapes. Decides, does not do: no I/O, no clock, no catalogue. Source: CloudEvents v1.0.2, JSON format v1.0.2; RFC
// 8259.
#pragma once
#include "common/arena.h"
#include "common/decimal.h"
#include "common/hash.h"
#include "common/instant.h"
#include "common/text.h"

enum {
    EVENT_BYTES_MAX = 65536, // one event
    EVENT_ID_MAX = 256,      // bytes of id; of source and type: 512; of subject: ID_MAX (128)
    EVENT_SOURCE_MAX = 512,
    EVENT_TYPE_MAX = 256,
    EVENT_SUBJECT_MAX = 128,
    EVENT_INCARNATION_MAX = 64,
    EVENT_NUMBER_DIGITS_MAX = 18,
    EVENT_SEQUENCE_WINDOW = 1024, // numbers of a sequenced source that may be without an acknowledgement; never smaller
    EVENT_ATTRIBUTE_NAME_MAX = 20,
    EVENT_MEMBERS_MAX = 256, // attributes, members of data and elements of arrays together, nested ones included
    EVENT_DEPTH_MAX = 16,
    EVENT_PROPERTIES_MAX = 64, // top-level members of data
    EVENT_FAULTS_MAX = 16      // reported per event
};

// PROPERTY_NESTED: an array or object; its text is the JSON as it came.
enum property_kind { PROPERTY_STRING, PROPERTY_NUMBER, PROPERTY_BOOL, PROPERTY_NULL, PROPERTY_NESTED };
struct event_property {
    struct slice name;
    enum property_kind kind;
    struct slice text; // string: unescaped; number: its literal; bool: "true" or "false"; null: "null"
};

struct usage_event {
    struct slice raw;                       // the JSON object as it came
    struct slice source, id, type, subject; // unescaped, valid UTF-8, no control characters, none empty
    instant_us event_time;
    struct slice corrects, sequence; // "" if absent
    bool has_corrects;
    // The event is one of a sequenced source (rules 2.5): its number, from 1, among those of (subject, source, incarnation).
    bool sequenced;
    int64_t number;           // 0 if not sequenced
    struct slice incarnation; // "" if not sequenced
    struct event_property properties[EVENT_PROPERTIES_MAX];
    size_t property_count;
    // Version 1 content hash: order-independent keyed hash over type, subject, time in microseconds, corrects and data
    // with exact decimals (1, 1.0 and 1e0 are the same); transport and tracing attributes do not count (rules 2.1).
    struct hash128 content;
};

// What is wrong with an event: JSON path ("$.data.value") and reason. kind tells an HTTP status apart: malformed (400)
// or value (422).
struct event_fault {
    char path[96];
    char reason[160];
    bool value;
};
struct event_faults {
    struct event_fault list[EVENT_FAULTS_MAX];
    size_t count;
};

// Decodes one event. Slices point into raw or into the arena (escaped text). content_key: hash_key_derive(...,
// "content"). Checks: strict RFC 8259, UTF-8, no duplicate members at any level, limits; specversion "1.0", required
// attributes (id, source, type, subject, time), attribute names [a-z0-9]{1,20}+, source a URI reference, data an object
// (datacontenttype absent or application/json), no data_base64. Returns ERR_INVALID with all faults found (at least
// one).
enum err event_decode(struct slice raw, const struct hash_key *content_key, struct arena *arena,
                      struct usage_event *event, struct event_faults *faults) MUST_USE;

// Property of data by name, of any kind; NULL if absent. O(properties).
const struct event_property *event_property(const struct usage_event *event, const char *name);
// A property as an exact quantity: JSON string or number. ERR_INVALID with the reason: NaN, infinities, hex, exponent
// beyond
// +-30, more than 9 fraction digits, |q| > 1e15, booleans, null, arrays, objects. Negative ones are returned (the
// caller decides).
enum err event_quantity(const struct event_property *property, struct quantity *quantity, struct fault *fault) MUST_USE;

// Splits a JSON array of events (batch) into the spans of its elements without decoding them. ERR_INVALID with place
// "byte N"; ERR_LIMIT: more than most.
enum err event_batch_split(struct slice json, struct slice *events, size_t most, size_t *count,
                           struct fault *fault) MUST_USE;

// Identity = (tenant, source, id) (rules 2.1). identity_key: hash_key_derive(..., "identity").
struct hash128 event_identity(const struct hash_key *identity_key, struct slice tenant, struct slice source,
                              struct slice id);
// The event's own: of a sequenced event (tenant, source, incarnation, number), whatever its id (rules 2.5).
struct hash128 event_identity_of(const struct hash_key *identity_key, const struct usage_event *event);
