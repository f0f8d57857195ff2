// SPDX-License-Identifier: Apache-2.0
// Takes a document's JSON apart. What is missing or of another kind is an error with its place, never a blank on an
// invoice.
#include "invoicing/document_view.h"

#include <string.h>

#include "common/json.h"

struct reader {
    struct arena *arena;
    struct document_view *view;
    const struct zone *zone;
    struct fault *fault;
    enum err err; // the first one
};

static void refuse(struct reader *reader, const char *place, const char *reason)
{
    if (!reader->err) reader->err = fault_set(reader->fault, ERR_INVALID, place, "%s", reason);
}

// --- texts

// Length of the character at `at` if it must not be shown (controls, marks and overrides of direction), else 0.
static size_t harmful(const char *at, bool line_feeds)
{
    const unsigned char *byte = (const unsigned char *)at;
    if (byte[0] == '\n' && line_feeds) return 0;
    if (byte[0] < 0x20 || byte[0] == 0x7f) return 1;
    if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] < 0xa0) return 2; // U+0080 to U+009F
    if (byte[0] == 0xd8 && byte[1] == 0x9c) return 2;                   // U+061C
    if (byte[0] != 0xe2) return 0;
    bool general = byte[1] == 0x80 && ((byte[2] >= 0x8e && byte[2] <= 0x8f) ||
                                       (byte[2] >= 0xa8 && byte[2] <= 0xae)); // U+200E.., U+2028..U+202E
    bool isolate = byte[1] == 0x81 && byte[2] >= 0xa6 && byte[2] <= 0xa9;     // U+2066..U+2069
    return general || isolate ? 3 : 0;
}

static const char *clean(struct arena *arena, const char *text, bool line_feeds)
{
    struct text out = {0};
    text_clear(&out);
    while (*text) {
        size_t skipped = harmful(text, line_feeds);
        if (skipped)
            text_add_char(&out, '?');
        else
            text_add_char(&out, *text);
        text += skipped ? skipped : 1;
    }
    const char *copy = arena_text(arena, out.data ? out.data : "", out.length);
    text_free(&out);
    return copy;
}

static const char *want_text(struct reader *reader, const struct json_value *object, const char *name)
{
    const char *text = json_text(json_member(object, name), NULL);
    if (!text) refuse(reader, name, "is missing or no text");
    return text ? clean(reader->arena, text, false) : "";
}

static const char *optional_text(struct reader *reader, const struct json_value *object, const char *name)
{
    const char *text = json_text(json_member(object, name), NULL);
    return text ? clean(reader->arena, text, false) : NULL;
}

static const struct json_value *want_array(struct reader *reader, const struct json_value *object, const char *name)
{
    const struct json_value *array = json_member(object, name);
    if (!json_is_array(array)) refuse(reader, name, "is missing or no list");
    return array;
}

static const char *want_instant(struct reader *reader, const struct json_value *object, const char *name)
{
    const char *text = want_text(reader, object, name);
    struct civil civil;
    instant_us instant;
    if (reader->err || !reader->zone) return "";
    if (instant_parse(text, strlen(text), &instant, NULL)) return refuse(reader, name, "is no instant"), "";
    zone_civil(reader->zone, instant, &civil);
    const char *minutes = arena_print(reader->arena, "%04d-%02d-%02d %02d:%02d", civil.year, civil.month, civil.day,
                                      civil.hour, civil.minute);
    return civil.second || civil.micro ? arena_print(reader->arena, "%s:%02d", minutes, civil.second) : minutes;
}

static int128 want_decimal(struct reader *reader, const struct json_value *object, const char *name, int places)
{
    const char *text = json_text(json_member(object, name), "");
    int128 value = 0;
    if (decimal_parse(text, strlen(text), places, false, &value, NULL)) refuse(reader, name, "is no exact decimal");
    return value;
}

static const char *print_decimal(struct reader *reader, int128 value, int places)
{
    char text[DECIMAL_TEXT_MAX];
    size_t length = decimal_print(value, places, text);
    return arena_text(reader->arena, text, length);
}

// --- lines

// The quantity in pricing units; NULL if that cannot be shown: then the meter's unit is.
static const char *in_pricing_units(struct reader *reader, int128 quantity, int128 per)
{
    const int128 one = 1000000000; // quantities are at 1e-9
    int128 shown, back;
    if (decimal_mul_div(quantity, one, per, ROUND_HALF_UP, &shown) || (shown == 0 && quantity != 0)) return NULL;
    if (decimal_mul_div(shown, per, one, ROUND_HALF_UP, &back) || back != quantity) reader->view->rounded = true;
    return print_decimal(reader, shown, QUANTITY_PLACES);
}

static void read_quantity(struct reader *reader, const struct json_value *json, int128 per, struct view_line *line)
{
    int128 quantity = want_decimal(reader, json, "quantity", QUANTITY_PLACES);
    const char *converted = reader->err ? "" : in_pricing_units(reader, quantity, per);
    line->quantity = converted ? converted : print_decimal(reader, quantity, QUANTITY_PLACES);
    line->unit = want_text(reader, json, converted ? "pricing_unit" : "unit");
}

// What the price is of: the pricing unit, or a block of several that are charged as one; on one day, or all of the period.
static const char *price_unit(struct reader *reader, const struct json_value *json, int128 per)
{
    const char *unit = want_text(reader, json, "pricing_unit");
    if (!reader->err && json_member(json, "price_days"))
        unit = arena_print(reader->arena, "%s for %lld days", unit, (long long)json_int(json_member(json, "price_days"), 0));
    if (reader->err || !json_member(json, "block")) return unit;
    int128 block = want_decimal(reader, json, "block", QUANTITY_PLACES);
    const char *units = reader->err ? NULL : in_pricing_units(reader, block, per);
    return units ? arena_print(reader->arena, "%s %s", units, unit) : unit;
}

static void read_members(struct reader *reader, const struct json_value *dimensions, struct view_line *line)
{
    line->member_count = json_length(dimensions);
    struct view_member *members = ARENA_ARRAY(reader->arena, struct view_member, line->member_count + 1);
    for (size_t i = 0; i < line->member_count; i++) {
        const char *name = json_member_name(dimensions, i);
        members[i] = (struct view_member){clean(reader->arena, name, false), want_text(reader, dimensions, name)};
    }
    line->members = members;
}

static void read_shares(struct reader *reader, const struct json_value *shares, int128 per, struct view_line *line)
{
    line->share_count = json_length(shares);
    struct view_share *list = ARENA_ARRAY(reader->arena, struct view_share, line->share_count + 1);
    for (size_t i = 0; i < line->share_count && !reader->err; i++) {
        const struct json_value *share = json_item(shares, i);
        int128 quantity = want_decimal(reader, share, "quantity", QUANTITY_PLACES);
        const char *converted = in_pricing_units(reader, quantity, per);
        list[i] = (struct view_share){
            want_text(reader, share, "tenant"),
            converted ? converted : print_decimal(reader, quantity, QUANTITY_PLACES),
            print_decimal(reader, want_decimal(reader, share, "cost", AMOUNT_PLACES), AMOUNT_PLACES)};
    }
    line->shares = list;
}

// Of a reservation or savings plan; NULL if the line comes of none.
static const char *commitment_note(struct reader *reader, const struct json_value *json, const char *stage)
{
    const char *plan = optional_text(reader, json, "savings_plan"), *reservation = optional_text(reader, json, "reservation");
    const char *purchase = optional_text(reader, json, "purchase"), *id = plan ? plan : reservation;
    if (!id) return NULL;
    const char *kind = plan ? "savings plan" : "reservation";
    if (purchase && strcmp(purchase, "upfront") == 0) return arena_print(reader->arena, "%s %s, paid upfront", kind, id);
    if (purchase) return arena_print(reader->arena, "%s %s, its hours of the period", kind, id);
    return arena_print(reader->arena, "%s %s %s", strcmp(stage, "unused") == 0 ? "not used of" : "covered by", kind, id);
}

static const char *note_of(struct reader *reader, const struct json_value *json)
{
    static const struct {
        const char *name, *note;
    } stages[] = {
        {"minimum", "added by the minimum duration"},
        {"free", "free units"},
        {"minimum_spend", "raises the period to its minimum"},
        {"maximum_spend", "lowers the period to its maximum"},
        {"package", "paid by the package"},
        {"bought", "for the period"},
        {"left", "paid for and not used"},
        {"fee", "fee"},
        {"fee_refund", "paid back"},
        {"coupon", "taken off by a coupon"},
        {"account_minimum", "raises the account's period to its minimum"},
        {"account_maximum", "lowers the account's period to its maximum"},
        {"true_up", "raises the account's term to its minimum"},
    };
    const char *stage = want_text(reader, json, "stage"), *model = optional_text(reader, json, "model");
    const char *commitment = commitment_note(reader, json, stage);
    if (commitment) return commitment;
    if (optional_text(reader, json, "paid")) return "fee that was paid before";
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (strcmp(stage, stages[i].name) == 0) return stages[i].note;
    return model && strcmp(model, "package") == 0 ? "a started unit is charged whole" : NULL;
}

// A further note before what is there.
static const char *noted(struct reader *reader, const char *more, const char *note)
{
    return note ? arena_print(reader->arena, "%s; %s", more, note) : more;
}

// "of every event, 0.1 more for each, at least 0.2, at most 10; free: the first 3 events, up to 500"
static const char *per_event_note(struct reader *reader, const struct json_value *fee)
{
    const char *fixed = optional_text(reader, fee, "fixed"), *least = optional_text(reader, fee, "minimum");
    const char *most = optional_text(reader, fee, "maximum");
    const struct json_value *events = json_member(fee, "free_events");
    const char *amount = optional_text(reader, fee, "free_amount"), *note = "of every event";
    if (fixed) note = arena_print(reader->arena, "%s, %s more for each", note, fixed);
    if (least) note = arena_print(reader->arena, "%s, at least %s", note, least);
    if (most) note = arena_print(reader->arena, "%s, at most %s", note, most);
    if (events)
        note = arena_print(reader->arena, "%s; free: the first %lld events", note, (long long)json_int(events, 0));
    if (amount) note = arena_print(reader->arena, events ? "%s, up to %s" : "%s; free: up to %s", note, amount);
    return note;
}

static void read_line(struct reader *reader, const struct json_value *json, struct view_line *line)
{
    int128 per = want_decimal(reader, json, "per", QUANTITY_PLACES);
    if (per <= 0) refuse(reader, "per", "must be above 0");
    line->period = want_text(reader, json, "period");
    line->service = want_text(reader, json, "service");
    line->sku = want_text(reader, json, "sku");
    line->description = want_text(reader, json, "description");
    line->tenant = optional_text(reader, json, "tenant");
    line->note = note_of(reader, json);
    const char *hours = optional_text(reader, json, "price_hours");
    const char *times = optional_text(reader, json, "price_times");
    if (times) line->note = noted(reader, arena_print(reader->arena, "times %s", times), line->note);
    if (hours) line->note = noted(reader, hours, line->note);
    const struct json_value *fee = json_member(json, "per_event");
    if (fee) line->note = noted(reader, per_event_note(reader, fee), line->note);
    line->flat = optional_text(reader, json, "flat");
    line->holding = optional_text(reader, json, "holding");
    const char *priced = optional_text(reader, json, "pricing_currency");
    if (priced)
        line->exchange = arena_print(reader->arena, "price in %s, 1 %s = %s %s", priced, priced,
                                     want_text(reader, json, "exchange_rate"), reader->view->currency);
    if (json_member(json, "discount_rate"))
        line->discount = print_decimal(reader, want_decimal(reader, json, "discount_rate", PRICE_PLACES), PRICE_PLACES - 2);
    if (json_member(json, "tier"))
        line->tier = arena_print(reader->arena, "%lld", (long long)json_int(json_member(json, "tier"), 0) + 1);
    line->unit_price = want_text(reader, json, "unit_price");
    line->price_unit = price_unit(reader, json, per);
    line->amount = want_text(reader, json, "amount");
    if (!reader->err) read_quantity(reader, json, per, line);
    if (!reader->err) read_members(reader, json_member(json, "dimensions"), line);
    if (!reader->err) read_shares(reader, json_member(json, "shares"), per, line);
}

static void read_lines(struct reader *reader, const struct json_value *body)
{
    const struct json_value *array = want_array(reader, body, "lines");
    struct view_line *lines = ARENA_ARRAY(reader->arena, struct view_line, json_length(array) + 1);
    for (size_t i = 0; i < json_length(array) && !reader->err; i++)
        read_line(reader, json_item(array, i), &lines[i]);
    reader->view->lines = lines;
    reader->view->line_count = json_length(array);
}

// --- the rest

static void read_groups(struct reader *reader, const struct json_value *body)
{
    const struct json_value *array = want_array(reader, body, "groups");
    struct view_group *groups = ARENA_ARRAY(reader->arena, struct view_group, json_length(array) + 1);
    for (size_t i = 0; i < json_length(array) && !reader->err; i++) {
        const struct json_value *group = json_item(array, i);
        int128 rate = want_decimal(reader, group, "tax_rate", PRICE_PLACES);
        groups[i] = (struct view_group){want_text(reader, group, "period"), want_text(reader, group, "tax_name"),
                                        print_decimal(reader, rate, PRICE_PLACES - 2), want_text(reader, group, "net"),
                                        want_text(reader, group, "tax"), NULL};
        if (json_member(group, "tax_note"))
            groups[i].tax_note = clean(reader->arena, want_text(reader, group, "tax_note"), false);
    }
    reader->view->groups = groups;
    reader->view->group_count = json_length(array);
}

static void read_party(struct reader *reader, const struct json_value *body, const char *role,
                       const struct document_party *details, struct view_party *party)
{
    *party = (struct view_party){.id = want_text(reader, json_member(body, role), "id")};
    if (!details) return;
    party->name = clean(reader->arena, details->name, false);
    party->address = clean(reader->arena, details->address, true);
    party->tax_id = clean(reader->arena, details->tax_id, false);
}

static void read_body(struct reader *reader, const struct document_drawing *drawing, const struct json_value *body)
{
    struct document_view *view = reader->view;
    const struct json_value *period = json_member(body, "period");
    if (strcmp(want_text(reader, body, "form"), "turnpike.document/1") != 0)
        refuse(reader, "form", "is not turnpike.document/1");
    view->title = strcmp(want_text(reader, body, "kind"), "credit_note") == 0 ? "Credit note" : "Invoice";
    view->zone = want_text(reader, period, "zone");
    if (!reader->err && zone_open(view->zone, &reader->zone, NULL))
        refuse(reader, "period.zone", "is not a time zone of this system");
    view->period = want_text(reader, period, "label");
    view->period_start = want_instant(reader, period, "start");
    view->period_end = want_instant(reader, period, "end");
    view->ordinal = json_int(json_member(body, "ordinal"), 1);
    view->currency = want_text(reader, body, "currency");
    view->net = want_text(reader, body, "net");
    view->tax = want_text(reader, body, "tax");
    view->total = want_text(reader, body, "total");
    read_party(reader, body, "seller", drawing->seller, &view->seller);
    read_party(reader, body, "buyer", drawing->buyer, &view->buyer);
    if (!reader->err) read_lines(reader, body);
    if (!reader->err) read_groups(reader, body);
}

static void read_credits(struct reader *reader, const struct json_value *envelope)
{
    const struct json_value *array = json_member(envelope, "credits");
    if (!array) return;
    array = want_array(reader, envelope, "credits");
    struct view_credit *credits = ARENA_ARRAY(reader->arena, struct view_credit, json_length(array) + 1);
    for (size_t i = 0; i < json_length(array) && !reader->err; i++) {
        const struct json_value *credit = json_item(array, i);
        credits[i] = (struct view_credit){want_text(reader, credit, "grant"), want_text(reader, credit, "amount")};
    }
    reader->view->credits = credits;
    reader->view->credit_count = json_length(array);
    reader->view->due = want_text(reader, envelope, "due");
}

static void read_envelope(struct reader *reader, const struct json_value *envelope)
{
    struct document_view *view = reader->view;
    if (strcmp(want_text(reader, envelope, "form"), "turnpike.envelope/1") != 0)
        refuse(reader, "form", "is not turnpike.envelope/1");
    view->number = want_text(reader, envelope, "number");
    view->issued = want_instant(reader, envelope, "issued_time");
    view->body_sha256 = want_text(reader, envelope, "body_sha256");
    view->engine = want_text(reader, envelope, "engine");
    view->cut = json_int(json_member(envelope, "cut"), 0);
    view->catalogue_version = json_int(json_member(envelope, "catalogue_version"), 0);
    read_credits(reader, envelope);
}

enum err document_view_read(const struct document_drawing *drawing, struct arena *arena, struct document_view *view,
                            struct fault *fault)
{
    struct json_document *body = NULL, *envelope = NULL;
    struct reader reader = {.arena = arena, .view = view, .fault = fault};
    *view = (struct document_view){.is_void = drawing->is_void};
    reader.err = json_read(drawing->body.data, drawing->body.length, &body, fault);
    if (!reader.err) reader.err = json_read(drawing->envelope.data, drawing->envelope.length, &envelope, fault);
    if (!reader.err) read_body(&reader, drawing, json_root(body));
    if (!reader.err) read_envelope(&reader, json_root(envelope));
    json_free(envelope);
    json_free(body);
    return reader.err;
}
