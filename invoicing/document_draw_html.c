// SPDX-License-Identifier: Apache-2.0
// A document as one printable HTML page: no script, nothing to load, everything from outside escaped.
#include <string.h>

#include "invoicing/document_view.h"

static const char head_html[] = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
static const char style_html[] =
    "<style>\n"
    "body { font: 14px/1.4 system-ui, sans-serif; color: #111; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; "
    "}\n"
    "h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .3rem; }\n"
    ".parties { display: flex; gap: 2rem; margin: 1.5rem 0; } .parties div { flex: 1; white-space: pre-line; }\n"
    "table { border-collapse: collapse; width: 100%; } th, td { padding: .3rem .4rem; text-align: left; "
    "vertical-align: top; }\n"
    "thead th { border-bottom: 2px solid #111; } tbody tr { border-bottom: 1px solid #ccc; } tr { break-inside: avoid; "
    "}\n"
    ".n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } .d { color: #555; font-size: "
    ".85em; overflow-wrap: anywhere; }\n"
    ".total td { border-top: 2px solid #111; font-weight: bold; } .void { color: #b00; font-weight: bold; }\n"
    "footer { margin-top: 2rem; color: #555; font-size: .85em; overflow-wrap: anywhere; }\n"
    "@page { margin: 18mm; } @media print { body { margin: 0; max-width: none; } }\n"
    "</style>\n";

static void add(struct text *out, const char *text)
{
    text_add_html(out, text, strlen(text));
}

// Markup, one text from outside, markup.
static void add_in(struct text *out, const char *before, const char *text, const char *after)
{
    text_add_string(out, before);
    add(out, text);
    text_add_string(out, after);
}

// --- head

static void draw_party(const char *role, const struct view_party *party, struct text *out)
{
    add_in(out, "<div><strong>", role, "</strong>\n");
    if (party->name) {
        add_in(out, "", party->name, "\n");
        if (party->address[0]) add_in(out, "", party->address, "\n");
        if (party->tax_id[0]) add_in(out, "Tax number ", party->tax_id, "\n");
    } else {
        text_add_string(out, "(name and address were erased)\n");
    }
    add_in(out, "<span class=\"d\">", party->id, "</span></div>\n");
}

static void draw_head(const struct document_view *view, struct text *out)
{
    text_add_string(out, head_html);
    add_in(out, "<title>", view->number, "</title>\n");
    text_add_string(out, style_html);
    add_in(out, "</head>\n<body>\n<h1>", view->title, " ");
    add_in(out, "", view->number, "</h1>\n");
    if (view->is_void) text_add_string(out, "<p class=\"void\">VOID</p>\n");
    add_in(out, "<p>Issued ", view->issued, "</p>\n<div class=\"parties\">\n");
    draw_party("Seller", &view->seller, out);
    draw_party("Buyer", &view->buyer, out);
    add_in(out, "</div>\n<p>Period ", view->period, ": from ");
    add_in(out, "", view->period_start, " up to, not including, ");
    add_in(out, "", view->period_end, ", times in ");
    add_in(out, "", view->zone, ". ");
    if (view->ordinal > 1) text_print(out, "Document %lld of this period. ", (long long)view->ordinal);
    add_in(out, "All amounts in ", view->currency, ".</p>\n");
}

// --- lines

static void draw_details(const struct view_line *line, struct text *out)
{
    add_in(out, "<div class=\"d\">", line->service, " / ");
    add(out, line->sku);
    if (line->tenant) add_in(out, "; tenant ", line->tenant, "");
    for (size_t i = 0; i < line->member_count; i++) {
        add_in(out, i ? ", " : "; ", line->members[i].name, "=");
        add(out, line->members[i].value);
    }
    if (line->tier) add_in(out, "; tier ", line->tier, "");
    if (line->note) add_in(out, "; ", line->note, "");
    if (line->holding) add_in(out, " (", line->holding, ")");
    if (line->flat) add_in(out, "; flat amount ", line->flat, "");
    if (line->exchange) add_in(out, "; ", line->exchange, "");
    if (line->discount) add_in(out, "; less ", line->discount, " % discount");
    if (strcmp(line->unit, line->price_unit) != 0) add_in(out, "; price per ", line->price_unit, "");
    for (size_t i = 0; i < line->share_count; i++) {
        add_in(out, "<br>of this, tenant ", line->shares[i].tenant, ": ");
        add_in(out, "", line->shares[i].quantity, ", costs ");
        add(out, line->shares[i].cost);
    }
    text_add_string(out, "</div>");
}

static void draw_line(const struct view_line *line, struct text *out)
{
    add_in(out, "<tr><td>", line->description, "");
    draw_details(line, out);
    add_in(out, "</td><td class=\"n\">", line->quantity, "</td>");
    add_in(out, "<td>", line->unit, "</td>");
    add_in(out, "<td class=\"n\">", line->unit_price, "</td>");
    add_in(out, "<td class=\"n\">", line->amount, "</td></tr>\n");
}

static void draw_lines(const struct document_view *view, struct text *out)
{
    const char *period = view->period;
    text_add_string(out, "<table>\n<thead><tr><th>Description</th><th class=\"n\">Quantity</th><th>Unit</th><th "
                         "class=\"n\">Unit price</th>"
                         "<th class=\"n\">Amount</th></tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < view->line_count; i++) {
        const struct view_line *line = &view->lines[i];
        if (strcmp(line->period, period) != 0) {
            bool own = strcmp(line->period, view->period) == 0;
            add_in(out, own ? "<tr><th colspan=\"5\">Usage of " : "<tr><th colspan=\"5\">Correction of ", line->period,
                   own ? "</th></tr>\n" : ": usage that became known after that month was invoiced</th></tr>\n");
        }
        period = line->period;
        draw_line(line, out);
    }
    text_add_string(out, "</tbody>\n</table>\n");
}

// --- totals

static void draw_row(const char *row, const char *label, const char *suffix, const char *amount, struct text *out)
{
    text_add_string(out, row);
    add_in(out, "<td>", label, "");
    add_in(out, "", suffix, "</td>");
    add_in(out, "<td class=\"n\">", amount, "</td></tr>\n");
}

static void draw_totals(const struct document_view *view, struct arena *arena, struct text *out)
{
    text_add_string(out, "<h2>Totals</h2>\n<table>\n<tbody>\n");
    for (size_t i = 0; i < view->group_count; i++) {
        const struct view_group *group = &view->groups[i];
        const char *correction =
            strcmp(group->period, view->period) == 0 ? "" : arena_print(arena, " (correction of %s)", group->period);
        draw_row("<tr>", "Net", correction, group->net, out);
        draw_row("<tr>",
                 arena_print(arena, "%s %s %%", group->tax_name[0] ? group->tax_name : "Tax", group->tax_percent),
                 correction, group->tax, out);
        if (group->tax_note) draw_row("<tr>", group->tax_note, "", "", out);
    }
    if (view->group_count > 1) {
        draw_row("<tr>", "Net", "", view->net, out);
        draw_row("<tr>", "Tax", "", view->tax, out);
    }
    draw_row("<tr class=\"total\">", "Total ", view->currency, view->total, out);
    for (size_t i = 0; i < view->credit_count; i++)
        draw_row("<tr>", "Paid by credit ", view->credits[i].grant, view->credits[i].amount, out);
    if (view->due) draw_row("<tr class=\"total\">", "Due ", view->currency, view->due, out);
    text_add_string(out, "</tbody>\n</table>\n");
}

static void draw_foot(const struct document_view *view, struct text *out)
{
    text_add_string(out, "<footer>\n");
    if (view->rounded)
        text_add_string(out,
                        "Quantities are shown rounded to nine places; amounts are computed from exact ones.<br>\n");
    text_print(out, "Computed at cut %lld with catalogue version %lld by Turnpike ", (long long)view->cut,
               (long long)view->catalogue_version);
    add_in(out, "", view->engine, ".<br>\n");
    add_in(out, "SHA-256 of the body: ", view->body_sha256, "\n</footer>\n</body>\n</html>\n");
}

enum err document_draw_html(const struct document_drawing *drawing, struct text *out, struct fault *fault)
{
    struct arena *arena = arena_new(16384);
    struct document_view view;
    enum err err = document_view_read(drawing, arena, &view, fault);
    if (!err) {
        draw_head(&view, out);
        draw_lines(&view, out);
        draw_totals(&view, arena, out);
        draw_foot(&view, out);
    }
    arena_free(arena);
    return err;
}
