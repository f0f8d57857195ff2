// SPDX-License-Identifier: Apache-2.0
// From the scanned JSON of an event to a struct usage_event: the rules of CloudEvents 1.0 and ours
// (docs/event-form.md). Goes on after a fault, so that a sender sees all of them at once; only broken JSON ends the
// reading.
#include <stdio.h>
#include <string.h>

#include "ingest/event_content.h"
#include "ingest/event_text.h"
#include "ingest/event_uri.h"

enum attribute {
    ATTRIBUTE_SPECVERSION,
    ATTRIBUTE_ID,
    ATTRIBUTE_SOURCE,
    ATTRIBUTE_TYPE,
    ATTRIBUTE_SUBJECT,
    ATTRIBUTE_TIME,
    ATTRIBUTE_DATACONTENTTYPE,
    ATTRIBUTE_DATASCHEMA,
    ATTRIBUTE_CORRECTS,
    ATTRIBUTE_SEQUENCE,
    ATTRIBUTE_INCARNATION,
    ATTRIBUTE_DATA,
    ATTRIBUTE_DATA_BASE64,
    ATTRIBUTE_COUNT
};

static const struct {
    const char *name;
    uint8_t length;
    bool required;
    size_t most; // bytes, 0: not a plain text of limited length
} attributes[ATTRIBUTE_COUNT] = {
    [ATTRIBUTE_SPECVERSION] = {"specversion", 11, true, 0},
    [ATTRIBUTE_ID] = {"id", 2, true, EVENT_ID_MAX},
    [ATTRIBUTE_SOURCE] = {"source", 6, true, EVENT_SOURCE_MAX},
    [ATTRIBUTE_TYPE] = {"type", 4, true, EVENT_TYPE_MAX},
    [ATTRIBUTE_SUBJECT] = {"subject", 7, true, EVENT_SUBJECT_MAX},
    [ATTRIBUTE_TIME] = {"time", 4, true, 0},
    [ATTRIBUTE_DATACONTENTTYPE] = {"datacontenttype", 15, false, 0},
    [ATTRIBUTE_DATASCHEMA] = {"dataschema", 10, false, EVENT_SOURCE_MAX},
    [ATTRIBUTE_CORRECTS] = {"corrects", 8, false, EVENT_ID_MAX},
    [ATTRIBUTE_SEQUENCE] = {"sequence", 8, false, EVENT_ID_MAX},
    [ATTRIBUTE_INCARNATION] = {"sequenceincarnation", 19, false, EVENT_INCARNATION_MAX},
    [ATTRIBUTE_DATA] = {"data", 4, false, 0},
    [ATTRIBUTE_DATA_BASE64] = {"data_base64", 11, false, 0},
};

struct decoding {
    const struct scan_tree *tree;
    struct event_faults *faults;
    struct usage_event *event;
    uint16_t found[ATTRIBUTE_COUNT]; // node, 0: absent
    size_t extensions;
};

static enum attribute attribute_of(struct slice name)
{
    size_t i = 0;
    while (i < ATTRIBUTE_COUNT &&
           (attributes[i].length != name.length || memcmp(attributes[i].name, name.data, name.length) != 0))
        i++;
    return (enum attribute)i;
}

// Extension attributes: a name of [a-z0-9], 1 to 20 long, and a scalar. Kept in the log, of no meaning to us.
static void check_extension(struct decoding *decoding, size_t node)
{
    const struct scan_node *at = &decoding->tree->nodes[node];
    bool legal = at->name.length >= 1 && at->name.length <= EVENT_ATTRIBUTE_NAME_MAX;
    for (size_t i = 0; legal && i < at->name.length; i++)
        legal = (at->name.data[i] >= 'a' && at->name.data[i] <= 'z') ||
                (at->name.data[i] >= '0' && at->name.data[i] <= '9');
    if (!legal)
        event_fault_add(decoding->faults, decoding->tree, node, false,
                        "an attribute's name is 1 to %d lower-case letters and digits", EVENT_ATTRIBUTE_NAME_MAX);
    else if (at->kind == SCAN_OBJECT || at->kind == SCAN_ARRAY)
        event_fault_add(decoding->faults, decoding->tree, node, false, "an attribute is text, a number or a boolean");
    decoding->extensions++;
}

// Sorts the members into attributes; an attribute that is null counts as absent (CloudEvents JSON format 2.2).
static void find_attributes(struct decoding *decoding)
{
    const struct scan_tree *tree = decoding->tree;
    for (size_t at = 1; at < tree->nodes[0].end; at = tree->nodes[at].end) {
        enum attribute attribute = attribute_of(tree->nodes[at].name);
        if (attribute == ATTRIBUTE_COUNT)
            check_extension(decoding, at);
        else if (decoding->found[attribute] != 0)
            event_fault_add(decoding->faults, tree, at, false, "the member is there twice");
        else
            decoding->found[attribute] = (uint16_t)at;
    }
    if (decoding->extensions > 1) content_check_members(tree, 0, decoding->faults);
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (i != ATTRIBUTE_DATA && decoding->found[i] != 0 && tree->nodes[decoding->found[i]].kind == SCAN_NULL)
            decoding->found[i] = 0;
}

// The text of an attribute; false, with a fault unless it may be absent, if there is none that can be used.
static bool attribute_text(struct decoding *decoding, enum attribute attribute, struct slice *text)
{
    size_t node = decoding->found[attribute], most = attributes[attribute].most;
    if (node == 0) {
        char path[32] = "$.";
        if (attributes[attribute].required)
            event_fault_add_at(decoding->faults, strcat(path, attributes[attribute].name), false,
                               "the attribute is missing");
        return false;
    }
    const struct scan_node *at = &decoding->tree->nodes[node];
    *text = at->text;
    const char *problem = at->kind != SCAN_STRING            ? "the attribute is a string"
                          : at->text.length == 0             ? "the attribute is empty"
                          : event_text_has_control(at->text) ? "the attribute has a control character"
                                                             : NULL;
    if (problem) {
        event_fault_add(decoding->faults, decoding->tree, node, false, "%s", problem);
        return false;
    }
    if (most > 0 && at->text.length > most) {
        event_fault_add(decoding->faults, decoding->tree, node, false, "the attribute is longer than %zu bytes", most);
        return false;
    }
    return true;
}

// Decimal digits of a number from 1, zeros in front are fine; 0: they are none.
static int64_t number_of(struct slice text)
{
    int64_t number = 0;
    if (text.length > EVENT_NUMBER_DIGITS_MAX) return 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return 0;
        number = number * 10 + (text.data[i] - '0');
    }
    return number;
}

// An incarnation makes the event one of a sequenced source; without it `sequence` is any text and has no meaning to us.
static void decode_sequence(struct decoding *decoding)
{
    struct usage_event *event = decoding->event;
    bool has_sequence = attribute_text(decoding, ATTRIBUTE_SEQUENCE, &event->sequence);
    if (!attribute_text(decoding, ATTRIBUTE_INCARNATION, &event->incarnation)) return;
    event->number = has_sequence ? number_of(event->sequence) : 0;
    event->sequenced = event->number > 0;
    if (!event->sequenced)
        event_fault_add_at(decoding->faults, "$.sequence", false,
                           "with sequenceincarnation it is the event's number: 1 to %d digits, from 1",
                           EVENT_NUMBER_DIGITS_MAX);
}

static void decode_identity(struct decoding *decoding)
{
    struct usage_event *event = decoding->event;
    struct slice text;
    if (attribute_text(decoding, ATTRIBUTE_SPECVERSION, &text) && !slice_equal(text, SLICE("1.0")))
        event_fault_add(decoding->faults, decoding->tree, decoding->found[ATTRIBUTE_SPECVERSION], false,
                        "specversion must be \"1.0\"");
    (void)attribute_text(decoding, ATTRIBUTE_ID, &event->id);
    (void)attribute_text(decoding, ATTRIBUTE_TYPE, &event->type);
    (void)attribute_text(decoding, ATTRIBUTE_SUBJECT, &event->subject);
    if (attribute_text(decoding, ATTRIBUTE_SOURCE, &event->source)) {
        const char *problem = uri_reference_problem(event->source);
        if (problem)
            event_fault_add(decoding->faults, decoding->tree, decoding->found[ATTRIBUTE_SOURCE], false,
                            "source is not a URI reference: %s", problem);
    }
    decode_sequence(decoding);
    event->has_corrects = attribute_text(decoding, ATTRIBUTE_CORRECTS, &event->corrects);
}

static void decode_time(struct decoding *decoding)
{
    struct slice text;
    struct fault fault;
    if (!attribute_text(decoding, ATTRIBUTE_TIME, &text)) return;
    if (instant_parse(text.data, text.length, &decoding->event->event_time, &fault) != ERR_OK)
        event_fault_add(decoding->faults, decoding->tree, decoding->found[ATTRIBUTE_TIME], false, "%s", fault.reason);
}

static bool media_type_is_json(struct slice text)
{
    static const char json[] = "application/json";
    if (text.length < sizeof json - 1 || strncasecmp(text.data, json, sizeof json - 1) != 0) return false;
    size_t at = sizeof json - 1;
    while (at < text.length && text.data[at] == ' ')
        at++;
    return at == text.length || text.data[at] == ';';
}

static enum property_kind property_kind_of(uint8_t kind)
{
    switch ((enum scan_kind)kind) {
    case SCAN_STRING:
        return PROPERTY_STRING;
    case SCAN_NUMBER:
        return PROPERTY_NUMBER;
    case SCAN_TRUE:
    case SCAN_FALSE:
        return PROPERTY_BOOL;
    case SCAN_NULL:
        return PROPERTY_NULL;
    case SCAN_OBJECT:
    case SCAN_ARRAY:
        break;
    }
    return PROPERTY_NESTED;
}

static void decode_properties(struct decoding *decoding, size_t data)
{
    const struct scan_tree *tree = decoding->tree;
    struct usage_event *event = decoding->event;
    if (tree->nodes[data].children > EVENT_PROPERTIES_MAX) {
        event_fault_add(decoding->faults, tree, data, false, "data has more than %d members", EVENT_PROPERTIES_MAX);
        return;
    }
    for (size_t at = data + 1; at < tree->nodes[data].end; at = tree->nodes[at].end) {
        const struct scan_node *node = &tree->nodes[at];
        event->properties[event->property_count++] =
            (struct event_property){node->name, property_kind_of(node->kind), node->text};
    }
}

// Data, how it is encoded, and its part of the content.
static void decode_data(struct decoding *decoding, struct content *content)
{
    const struct scan_tree *tree = decoding->tree;
    struct slice text;
    size_t data = decoding->found[ATTRIBUTE_DATA], type = decoding->found[ATTRIBUTE_DATACONTENTTYPE];
    if (decoding->found[ATTRIBUTE_DATA_BASE64] != 0)
        event_fault_add(decoding->faults, tree, decoding->found[ATTRIBUTE_DATA_BASE64], false,
                        "binary data is not taken, data must be a JSON object");
    if (attribute_text(decoding, ATTRIBUTE_DATACONTENTTYPE, &text) && !media_type_is_json(text))
        event_fault_add(decoding->faults, tree, type, false, "only data of type application/json is taken");
    (void)attribute_text(decoding, ATTRIBUTE_DATASCHEMA, &text);
    if (data == 0) {
        content_add_absent(content);
        return;
    }
    if (tree->nodes[data].kind != SCAN_OBJECT) {
        event_fault_add(decoding->faults, tree, data, false, "data is a JSON object");
        return;
    }
    decode_properties(decoding, data);
    content_add_value(content, tree, data);
}

// Second half of the canonical content, once all attributes are known to be good.
static void finish_content(const struct usage_event *event, struct content *content)
{
    content_add_string(content, event->type);
    content_add_string(content, event->subject);
    content_add_instant(content, event->event_time);
    if (event->has_corrects)
        content_add_string(content, event->corrects);
    else
        content_add_absent(content);
}

static void event_clear(struct usage_event *event, struct slice raw)
{
    const struct slice none = {"", 0};
    event->raw = raw;
    event->source = event->id = event->type = event->subject = event->corrects = event->sequence = none;
    event->incarnation = none;
    event->sequenced = false;
    event->number = 0;
    event->event_time = INSTANT_NONE;
    event->has_corrects = false;
    event->property_count = 0; // properties beyond the count are not cleared: that would cost more than the decoding
    event->content = (struct hash128){0, 0};
}

enum err event_decode(struct slice raw, const struct hash_key *content_key, struct arena *arena,
                      struct usage_event *event, struct event_faults *faults)
{
    SCRATCH struct scan_tree tree;
    SCRATCH char bytes[2048];
    event_clear(event, raw);
    faults->count = 0;
    if (event_scan(raw, arena, &tree, faults) != ERR_OK) return ERR_INVALID;

    size_t room = content_room(raw.length, tree.count);
    struct content content = {room <= sizeof bytes ? bytes : arena_alloc(arena, room), 0, faults};
    content.data[content.length++] = CONTENT_VERSION;
    struct decoding decoding = {.tree = &tree, .faults = faults, .event = event};
    find_attributes(&decoding);
    decode_identity(&decoding);
    decode_time(&decoding);
    decode_data(&decoding, &content);
    if (faults->count > 0) return ERR_INVALID;
    finish_content(event, &content);
    ENSURE(content.length <= room);
    event->content = keyed_hash(content_key, content.data, content.length);
    return ERR_OK;
}

struct hash128 event_identity(const struct hash_key *identity_key, struct slice tenant, struct slice source,
                              struct slice id)
{
    const struct slice pieces[] = {tenant, source, id};
    return keyed_hash_pieces(identity_key, pieces, 3);
}

struct hash128 event_identity_of(const struct hash_key *identity_key, const struct usage_event *event)
{
    char number[EVENT_NUMBER_DIGITS_MAX + 2];
    if (!event->sequenced) return event_identity(identity_key, event->subject, event->source, event->id);
    snprintf(number, sizeof number, "%lld", (long long)event->number);
    // one piece more than an identity by id has, each with its length: the two are never the same bytes
    const struct slice pieces[] = {event->subject, event->source, event->incarnation, slice_of(number)};
    return keyed_hash_pieces(identity_key, pieces, 4);
}
