// SPDX-License-Identifier: Apache-2.0
// A document as text of at most 100 columns, for terminals and mails. Amounts stand at the right edge.
#include <stdlib.h>
#include <string.h>

#include "invoicing/document_view.h"

enum { DESCRIPTION = 42, QUANTITY = 16, UNIT = 14, PRICE = 12, AMOUNT = 12, PARTY = 49, INDENT = 2 };

// --- widths

static uint32_t next_character(const char **at)
{
    const unsigned char *byte = (const unsigned char *)*at;
    int more = byte[0] >= 0xf0 ? 3 : byte[0] >= 0xe0 ? 2 : byte[0] >= 0xc0 ? 1 : 0;
    uint32_t value = byte[0] & (0xffU >> (more ? more + 2 : 0));
    int taken = 1;
    for (; taken <= more && (byte[taken] & 0xc0) == 0x80; taken++)
        value = value << 6 | (byte[taken] & 0x3fU);
    *at += taken;
    return value;
}

// Columns of a terminal: 2 for East Asian wide characters and pictures, 0 for combining marks.
static size_t columns_of(uint32_t character)
{
    static const struct {
        uint32_t first, last;
        size_t columns;
    } ranges[] = {{0x0300, 0x036f, 0}, {0x1100, 0x115f, 2}, {0x200b, 0x200d, 0},   {0x2e80, 0xa4cf, 2},
                  {0xac00, 0xd7a3, 2}, {0xf900, 0xfaff, 2}, {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},
                  {0xff00, 0xff60, 2}, {0xffe0, 0xffe6, 2}, {0x1f300, 0x1faff, 2}, {0x20000, 0x3fffd, 2}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (character >= ranges[i].first && character <= ranges[i].last) return ranges[i].columns;
    return 1;
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    while (*text)
        width += columns_of(next_character(&text));
    return width;
}

// Bytes of the longest beginning that fits, ending at a blank if there is one; at least one character.
static size_t fitting(const char *text, size_t columns)
{
    size_t width = 0, blank = 0;
    const char *at = text;
    while (*at && *at != '\n') {
        const char *next = at;
        width += columns_of(next_character(&next));
        if (width > columns && at > text) return blank ? blank : (size_t)(at - text);
        if (*at == ' ') blank = (size_t)(at - text);
        at = next;
    }
    return (size_t)(at - text);
}

// --- lines

static void add_blanks(struct text *out, size_t count)
{
    for (; count; count--)
        text_add_char(out, ' ');
}

static void end_line(struct text *out)
{
    while (out->length && out->data[out->length - 1] == ' ')
        out->data[--out->length] = 0;
    text_add_char(out, '\n');
}

static void add_left(struct text *out, const char *text, size_t columns)
{
    size_t width = width_of(text);
    text_add_string(out, text);
    add_blanks(out, columns > width ? columns - width : 0);
}

static void add_right(struct text *out, const char *text, size_t columns)
{
    size_t width = width_of(text);
    add_blanks(out, columns > width ? columns - width : 0);
    text_add_string(out, text);
}

static void add_rule(struct text *out, char mark)
{
    for (int i = 0; i < DOCUMENT_TEXT_COLUMNS; i++)
        text_add_char(out, mark);
    text_add_char(out, '\n');
}

// A paragraph, wrapped, every line indented.
static void add_wrapped(struct text *out, const char *text, size_t indent)
{
    while (*text) {
        size_t length = fitting(text, DOCUMENT_TEXT_COLUMNS - indent);
        add_blanks(out, indent);
        text_add(out, text, length);
        end_line(out);
        text += length;
        while (*text == ' ' || *text == '\n')
            text++;
    }
}

// Left text, right text at the right edge; on two lines if they do not fit on one.
static void add_sides(struct text *out, const char *left, const char *right)
{
    size_t width = width_of(left), room = DOCUMENT_TEXT_COLUMNS;
    if (width + 1 + width_of(right) <= room) {
        add_left(out, left, width);
        room -= width;
    } else {
        add_wrapped(out, left, 0);
    }
    add_right(out, right, room);
    end_line(out);
}

// --- head

static const char *party_text(struct arena *arena, const struct view_party *party)
{
    if (!party->name) return arena_print(arena, "(name and address were erased)\n%s", party->id);
    return arena_print(arena, "%s\n%s%s%s%s%s(%s)", party->name, party->address, party->address[0] ? "\n" : "",
                       party->tax_id[0] ? "Tax number " : "", party->tax_id, party->tax_id[0] ? "\n" : "", party->id);
}

static const char *take_row(struct text *out, const char *text, size_t columns)
{
    size_t length = fitting(text, columns);
    char *row = heap_alloc(length + 1);
    memcpy(row, text, length);
    add_left(out, row, columns);
    free(row);
    text += length;
    while (*text == ' ')
        text++;
    return *text == '\n' ? text + 1 : text;
}

static void draw_parties(const struct document_view *view, struct arena *arena, struct text *out)
{
    const char *seller = party_text(arena, &view->seller), *buyer = party_text(arena, &view->buyer);
    add_left(out, "Seller", PARTY + 2);
    text_add_string(out, "Buyer\n");
    while (*seller || *buyer) {
        seller = take_row(out, seller, PARTY);
        add_blanks(out, 2);
        buyer = take_row(out, buyer, PARTY);
        end_line(out);
    }
}

static void draw_head(const struct document_view *view, struct arena *arena, struct text *out)
{
    const char *title = arena_print(arena, "%s %s", view->title, view->number);
    add_sides(out, title, view->is_void ? "VOID" : arena_print(arena, "issued %s", view->issued));
    add_rule(out, '=');
    draw_parties(view, arena, out);
    text_add_char(out, '\n');
    add_wrapped(out,
                arena_print(arena, "Period %s: from %s up to, not including, %s, times in %s", view->period,
                            view->period_start, view->period_end, view->zone),
                0);
    if (view->ordinal > 1)
        add_wrapped(out, arena_print(arena, "Document %lld of this period", (long long)view->ordinal), 0);
    add_wrapped(out, arena_print(arena, "All amounts in %s", view->currency), 0);
}

// --- lines of the document

static bool fits(const struct view_line *line)
{
    return width_of(line->quantity) <= QUANTITY && width_of(line->unit) <= UNIT &&
           width_of(line->unit_price) <= PRICE && width_of(line->amount) <= AMOUNT;
}

static void draw_numbers(const struct view_line *line, struct text *out)
{
    const char *rest = take_row(out, line->description, DESCRIPTION);
    add_blanks(out, 1);
    add_right(out, line->quantity, QUANTITY);
    add_blanks(out, 1);
    add_left(out, line->unit, UNIT);
    add_blanks(out, 1);
    add_right(out, line->unit_price, PRICE);
    add_blanks(out, 1);
    add_right(out, line->amount, AMOUNT);
    end_line(out);
    add_wrapped(out, rest, 0);
}

// A number or unit is wider than its column: each gets a line of its own.
static void draw_wide_numbers(const struct view_line *line, struct arena *arena, struct text *out)
{
    add_wrapped(out, line->description, 0);
    add_wrapped(out, arena_print(arena, "%s %s", line->quantity, line->unit), INDENT);
    add_sides(out, arena_print(arena, "  at %s per %s", line->unit_price, line->price_unit), line->amount);
}

static void draw_details(const struct view_line *line, struct arena *arena, struct text *out)
{
    struct text details = {0};
    text_print(&details, "%s / %s", line->service, line->sku);
    if (line->tenant) text_print(&details, "; tenant %s", line->tenant);
    for (size_t i = 0; i < line->member_count; i++)
        text_print(&details, "%s%s=%s", i ? ", " : "; ", line->members[i].name, line->members[i].value);
    if (line->tier) text_print(&details, "; tier %s", line->tier);
    if (line->note) text_print(&details, "; %s", line->note);
    if (line->holding) text_print(&details, " (%s)", line->holding);
    if (line->flat) text_print(&details, "; flat amount %s", line->flat);
    if (line->exchange) text_print(&details, "; %s", line->exchange);
    if (line->discount) text_print(&details, "; less %s %% discount", line->discount);
    if (strcmp(line->unit, line->price_unit) != 0) text_print(&details, "; price per %s", line->price_unit);
    add_wrapped(out, details.data, INDENT);
    for (size_t i = 0; i < line->share_count; i++)
        add_wrapped(out,
                    arena_print(arena, "of this, tenant %s: %s, costs %s", line->shares[i].tenant,
                                line->shares[i].quantity, line->shares[i].cost),
                    2 * INDENT);
    text_free(&details);
}

static void draw_column_names(struct text *out)
{
    const struct view_line names = {.description = "Description",
                                    .quantity = "Quantity",
                                    .unit = "Unit",
                                    .unit_price = "Unit price",
                                    .amount = "Amount"};
    text_add_char(out, '\n');
    draw_numbers(&names, out);
    add_rule(out, '-');
}

static void draw_lines(const struct document_view *view, struct arena *arena, struct text *out)
{
    const char *period = view->period;
    draw_column_names(out);
    for (size_t i = 0; i < view->line_count; i++) {
        const struct view_line *line = &view->lines[i];
        if (strcmp(line->period, period) != 0) {
            if (i) text_add_char(out, '\n');
            if (strcmp(line->period, view->period) == 0)
                add_wrapped(out, arena_print(arena, "Usage of %s", line->period), 0);
            else
                add_wrapped(out,
                            arena_print(arena,
                                        "Correction of %s: usage that became known after that month was invoiced",
                                        line->period),
                            0);
        }
        period = line->period;
        if (fits(line))
            draw_numbers(line, out);
        else
            draw_wide_numbers(line, arena, out);
        draw_details(line, arena, out);
    }
}

// --- totals

static void draw_totals(const struct document_view *view, struct arena *arena, struct text *out)
{
    add_rule(out, '-');
    for (size_t i = 0; i < view->group_count; i++) {
        const struct view_group *group = &view->groups[i];
        const char *correction =
            strcmp(group->period, view->period) == 0 ? "" : arena_print(arena, " (correction of %s)", group->period);
        add_sides(out, arena_print(arena, "Net%s", correction), group->net);
        add_sides(out,
                  arena_print(arena, "%s %s %%%s", group->tax_name[0] ? group->tax_name : "Tax", group->tax_percent,
                              correction),
                  group->tax);
        if (group->tax_note) text_print(out, "%s\n", group->tax_note);
    }
    add_rule(out, '-');
    if (view->group_count > 1) {
        add_sides(out, "Net", view->net);
        add_sides(out, "Tax", view->tax);
    }
    add_sides(out, arena_print(arena, "Total %s", view->currency), view->total);
    for (size_t i = 0; i < view->credit_count; i++)
        add_sides(out, arena_print(arena, "Paid by credit %s", view->credits[i].grant), view->credits[i].amount);
    if (view->due) add_sides(out, arena_print(arena, "Due %s", view->currency), view->due);
    add_rule(out, '=');
}

static void draw_foot(const struct document_view *view, struct arena *arena, struct text *out)
{
    if (view->rounded)
        add_wrapped(out, "Quantities are shown rounded to nine places; amounts are computed from exact ones.", 0);
    add_wrapped(out,
                arena_print(arena, "Computed at cut %lld with catalogue version %lld by Turnpike %s.",
                            (long long)view->cut, (long long)view->catalogue_version, view->engine),
                0);
    add_wrapped(out, arena_print(arena, "SHA-256 of the body: %s", view->body_sha256), 0);
}

enum err document_draw_text(const struct document_drawing *drawing, struct text *out, struct fault *fault)
{
    struct arena *arena = arena_new(16384);
    struct document_view view;
    enum err err = document_view_read(drawing, arena, &view, fault);
    if (!err) {
        draw_head(&view, arena, out);
        draw_lines(&view, arena, out);
        draw_totals(&view, arena, out);
        draw_foot(&view, arena, out);
    }
    arena_free(arena);
    return err;
}
