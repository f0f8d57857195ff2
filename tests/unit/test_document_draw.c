// SPDX-License-Identifier: Apache-2.0
// Documents drawn as text and HTML from a body made by hand: every kind of line, what is erased, void, hostile and
// broken.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "invoicing/document_draw.h"

static const char plain_line[] =
    "{\"period\":\"2026-10\",\"service\":\"compute\",\"sku\":\"vm-small\",\"description\":\"Small "
    "server\",\"tenant\":\"acme-prod\",\"stage\":\"usage\","
    "\"dimensions\":{\"flavour\":\"s1\",\"region\":\"eu-1\"},\"quantity\":\"2678400\",\"unit\":\"server-second\","
    "\"pricing_unit\":\"hour\",\"per\":\"3600\","
    "\"model\":\"per_unit\",\"unit_price\":\"0.05\",\"price_match\":{},\"cost\":\"37.2\",\"amount\":\"37.20\"}";
static const char minimum_line[] =
    "{\"period\":\"2026-10\",\"service\":\"compute\",\"sku\":\"vm-small\",\"description\":\"Small "
    "server\",\"tenant\":\"acme-prod\",\"stage\":\"minimum\","
    "\"dimensions\":{},\"quantity\":\"100\",\"unit\":\"server-second\",\"pricing_unit\":\"hour\",\"per\":\"3600\","
    "\"model\":\"per_unit\","
    "\"unit_price\":\"0.05\",\"price_match\":{},\"cost\":\"0.001388888889\",\"amount\":\"0.00\"}";
static const char shared_line[] =
    "{\"period\":\"2026-10\",\"service\":\"gateway\",\"sku\":\"calls\",\"description\":\"API calls, all of the billing "
    "account together, in a long name\","
    "\"tenant\":null,\"stage\":\"usage\",\"dimensions\":{},\"quantity\":\"1500000\",\"unit\":\"call\",\"pricing_unit\":"
    "\"million calls\",\"per\":\"1000000\","
    "\"model\":\"graduated\",\"tier\":1,\"unit_price\":\"2\",\"price_match\":{},\"cost\":\"3\",\"amount\":\"3.00\","
    "\"shares\":[{\"tenant\":\"acme-prod\",\"quantity\":\"1000000\",\"cost\":\"2\"},{\"tenant\":\"acme-test\","
    "\"quantity\":\"500000\",\"cost\":\"1\"}]}";
static const char wide_line[] =
    "{\"period\":\"2026-10\",\"service\":\"storage\",\"sku\":\"bytes\",\"description\":\"Bytes "
    "moved\",\"tenant\":\"acme-prod\",\"stage\":\"usage\","
    "\"dimensions\":{},\"quantity\":\"123456789012345678.123456789\",\"unit\":\"byte\",\"pricing_unit\":\"byte\","
    "\"per\":\"1\",\"model\":\"per_unit\","
    "\"unit_price\":\"0.000000000001\",\"price_match\":{},\"cost\":\"123456.789012345678\",\"amount\":\"123456.79\"}";
static const char late_line[] = "{\"period\":\"2026-09\",\"service\":\"compute\",\"sku\":\"vm-small\",\"description\":"
                                "\"Small server\",\"tenant\":\"acme-prod\",\"stage\":\"usage\","
                                "\"dimensions\":{\"region\":\"eu-1\"},\"quantity\":\"3600\",\"unit\":\"server-second\","
                                "\"pricing_unit\":\"hour\",\"per\":\"3600\",\"model\":\"per_unit\","
                                "\"unit_price\":\"0.05\",\"price_match\":{},\"cost\":\"0.05\",\"amount\":\"0.05\"}";
static const char groups[] =
    "[{\"period\":\"2026-09\",\"tax_name\":\"VAT\",\"tax_rate\":\"0.19\",\"base_to_date\":\"10.05\",\"net_before\":"
    "\"10.00\",\"tax_before\":\"1.90\","
    "\"net\":\"0.05\",\"tax\":\"0.01\"},{\"period\":\"2026-10\",\"tax_name\":\"VAT\",\"tax_rate\":\"0.19\",\"base_to_"
    "date\":\"123496.990400123\","
    "\"net_before\":\"0.00\",\"tax_before\":\"0.00\",\"net\":\"123496.99\",\"tax\":\"23464.43\"}]";
static const char envelope[] =
    "{\"form\":\"turnpike.envelope/"
    "1\",\"number\":\"TC-000042\",\"issued_time\":\"2026-11-01T05:00:00Z\",\"body_sha256\":\"ab12\",\"cut\":77,"
    "\"catalogue_version\":3,\"rate_version\":0,\"earlier_sha256\":[],\"engine\":\"0.1.0\",\"zone_data\":\"2026b\"}";

static const struct document_party seller = {
    .id = "cloud", .name = "Turnpike Cloud GmbH", .address = "Ringstr. 1\n10115 Berlin", .tax_id = "DE123456789"};
static const struct document_party buyer = {.id = "acme", .name = "ACME Inc", .address = "1 Main Street", .tax_id = ""};

static void build_body(struct text *body, const char *kind, const char *lines)
{
    text_print(
        body,
        "{\"form\":\"turnpike.document/1\",\"kind\":\"%s\",\"seller\":{\"id\":\"cloud\",\"details_sha256\":\"00\"},"
        "\"buyer\":{\"id\":\"acme\",\"details_sha256\":\"00\"},\"period\":{\"label\":\"2026-10\",\"start\":\"2026-09-"
        "30T22:00:00Z\","
        "\"end\":\"2026-10-31T23:00:00Z\",\"zone\":\"Europe/"
        "Berlin\"},\"ordinal\":1,\"currency\":\"EUR\",\"lines\":[%s],\"groups\":%s,"
        "\"net\":\"123497.04\",\"tax\":\"23464.44\",\"total\":\"146961.48\"}",
        kind, lines, groups);
}

static void build_whole(struct text *body)
{
    struct text lines = {0};
    text_print(&lines, "%s,%s,%s,%s,%s", late_line, plain_line, minimum_line, shared_line, wide_line);
    build_body(body, "invoice", lines.data);
    text_free(&lines);
}

static struct document_drawing drawing_of(const struct text *body)
{
    return (struct document_drawing){
        {body->data, body->length}, {envelope, sizeof envelope - 1}, &seller, &buyer, false};
}

// clang-format off
static const char golden[] =
    "Invoice TC-000042                                                            issued 2026-11-01 06:00\n"
    "====================================================================================================\n"
    "Seller                                             Buyer\n"
    "Turnpike Cloud GmbH                                ACME Inc\n"
    "Ringstr. 1                                         1 Main Street\n"
    "10115 Berlin                                       (acme)\n"
    "Tax number DE123456789\n"
    "(cloud)\n"
    "\n"
    "Period 2026-10: from 2026-10-01 00:00 up to, not including, 2026-11-01 00:00, times in Europe/Berlin\n"
    "All amounts in EUR\n"
    "\n"
    "Description                                        Quantity Unit             Unit price       Amount\n"
    "----------------------------------------------------------------------------------------------------\n"
    "Correction of 2026-09: usage that became known after that month was invoiced\n"
    "Small server                                              1 hour                   0.05         0.05\n"
    "  compute / vm-small; tenant acme-prod; region=eu-1\n"
    "\n"
    "Usage of 2026-10\n"
    "Small server                                            744 hour                   0.05        37.20\n"
    "  compute / vm-small; tenant acme-prod; flavour=s1, region=eu-1\n"
    "Small server                                    0.027777778 hour                   0.05         0.00\n"
    "  compute / vm-small; tenant acme-prod; added by the minimum duration\n"
    "API calls, all of the billing account                   1.5 million calls             2         3.00\n"
    "together, in a long name\n"
    "  gateway / calls; tier 2\n"
    "    of this, tenant acme-prod: 1, costs 2\n"
    "    of this, tenant acme-test: 0.5, costs 1\n"
    "Bytes moved\n"
    "  123456789012345678.123456789 byte\n"
    "  at 0.000000000001 per byte                                                               123456.79\n"
    "  storage / bytes; tenant acme-prod\n"
    "----------------------------------------------------------------------------------------------------\n"
    "Net (correction of 2026-09)                                                                     0.05\n"
    "VAT 19 % (correction of 2026-09)                                                                0.01\n"
    "Net                                                                                        123496.99\n"
    "VAT 19 %                                                                                    23464.43\n"
    "----------------------------------------------------------------------------------------------------\n"
    "Net                                                                                        123497.04\n"
    "Tax                                                                                         23464.44\n"
    "Total EUR                                                                                  146961.48\n"
    "====================================================================================================\n"
    "Quantities are shown rounded to nine places; amounts are computed from exact ones.\n"
    "Computed at cut 77 with catalogue version 3 by Turnpike 0.1.0.\n"
    "SHA-256 of the body: ab12\n";
// clang-format on

static void test_text_is_the_golden_one(void **state)
{
    (void)state;
    struct text body = {0}, out = {0};
    struct fault fault = {0};
    build_whole(&body);
    const struct document_drawing drawing = drawing_of(&body);
    assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_OK);
    if (strcmp(out.data, golden) != 0) fputs(out.data, stderr);
    assert_string_equal(out.data, golden);
    text_free(&out);
    text_free(&body);
}

// A block is told as what the price is of.
static void test_a_block_is_priced(void **state)
{
    (void)state;
    static const char at[] = "\"unit_price\":\"2\",";
    struct text body = {0}, blocks = {0}, out = {0};
    struct fault fault = {0};
    build_whole(&body);
    const char *found = strstr(body.data, at);
    assert_non_null(found);
    found += sizeof at - 1;
    text_print(&blocks, "%.*s\"block\":\"10000000\",%s", (int)(found - body.data), body.data, found);
    const struct document_drawing drawing = drawing_of(&blocks);
    assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_OK);
    assert_non_null(strstr(out.data, "price per 10 million calls"));
    text_free(&out);
    text_free(&blocks);
    text_free(&body);
}

// What is taken of every event stands with the line, in words.
static void test_fees_of_events_are_told(void **state)
{
    (void)state;
    static const char at[] = "\"unit_price\":\"2\",";
    static const struct {
        const char *fee, *told;
    } rows[] = {{"{}", "of every event\n"},
                {"{\"fixed\":\"0.1\",\"free_events\":3}", "of every event, 0.1 more for each; free: the first 3 events\n"},
                {"{\"minimum\":\"0.2\",\"maximum\":\"10\",\"free_amount\":\"500\"}",
                 "of every event, at least 0.2, at most 10; free: up to 500\n"},
                {"{\"free_events\":3,\"free_amount\":\"500\"}", "of every event; free: the first 3 events, up to 500\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text body = {0}, told = {0}, out = {0};
        struct fault fault = {0};
        build_whole(&body);
        const char *found = strstr(body.data, at);
        assert_non_null(found);
        found += sizeof at - 1;
        text_print(&told, "%.*s\"per_event\":%s,%s", (int)(found - body.data), body.data, rows[i].fee, found);
        const struct document_drawing drawing = drawing_of(&told);
        assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_OK);
        if (!strstr(out.data, rows[i].told)) fail_msg("no '%s' in %s", rows[i].told, out.data);
        text_free(&out);
        text_free(&told);
        text_free(&body);
    }
}

static void assert_fits(const char *text)
{
    for (const char *line = text; *line;) {
        size_t columns = 0;
        for (; *line != '\n'; line++) {
            assert_true(*line != 0 && (unsigned char)*line >= ' ');
            columns += ((unsigned char)*line & 0xc0) != 0x80;
        }
        assert_true(columns <= DOCUMENT_TEXT_COLUMNS);
        assert_true(columns == 0 || line[-1] != ' ');
        line++;
    }
}

// Names as long as the catalogue allows, with and without blanks, wide characters, controls: nothing leaves the
// columns.
static void test_text_fits_whatever_the_names_are(void **state)
{
    (void)state;
    char name[600], solid[600];
    memset(name, 'w', sizeof name - 1);
    memset(solid, 'x', sizeof solid - 1);
    for (size_t i = 7; i < sizeof name - 1; i += 9)
        name[i] = ' ';
    name[sizeof name - 1] = solid[sizeof solid - 1] = 0;
    const struct document_party long_seller = {.id = solid, .name = name, .address = solid, .tax_id = solid};
    const struct document_party odd_buyer = {.id = "b",
                                             .name = "\x1b[2J\xe2\x80\xae"
                                                     "evil\x7f\xc2\x9b",
                                             .address = "\xe6\x9d\xb1\xe4\xba\xac\n\n\r\nx",
                                             .tax_id = name};
    struct text body = {0}, out = {0};
    struct fault fault = {0};
    build_whole(&body);
    struct document_drawing drawing = drawing_of(&body);
    drawing.seller = &long_seller;
    drawing.buyer = &odd_buyer;
    assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_OK);
    assert_fits(out.data);
    assert_non_null(strstr(out.data, "?[2J?evil??"));
    text_free(&out);
    text_free(&body);
}

static void test_html_escapes_everything(void **state)
{
    (void)state;
    const char evil[] = "<script>alert('1')</script>&\\\"";
    struct text body = {0}, out = {0}, line = {0};
    struct fault fault = {0};
    text_print(&line,
               "{\"period\":\"%s\",\"service\":\"%s\",\"sku\":\"%s\",\"description\":\"%s\",\"tenant\":\"%s\","
               "\"stage\":\"usage\",\"dimensions\":{\"%s\":\"%s\"},"
               "\"quantity\":\"1\",\"unit\":\"%s\",\"pricing_unit\":\"%s\",\"per\":\"1\",\"unit_price\":\"%s\","
               "\"cost\":\"1\",\"amount\":\"%s\","
               "\"shares\":[{\"tenant\":\"%s\",\"quantity\":\"1\",\"cost\":\"1\"}]}",
               evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil);
    build_body(&body, "invoice", line.data);
    const struct document_party party = {
        .id = "x", .name = "<b>", .address = "<img src=x onerror=alert(1)>", .tax_id = "\"><script>"};
    struct document_drawing drawing = drawing_of(&body);
    drawing.seller = drawing.buyer = &party;
    assert_int_equal(document_draw_html(&drawing, &out, &fault), ERR_OK);
    assert_null(strstr(out.data, "<script"));
    assert_null(strstr(out.data, "<img"));
    assert_null(strstr(out.data, "<b>"));
    assert_non_null(strstr(out.data, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"));
    assert_null(strstr(out.data, "http"));
    text_free(&line);
    text_free(&out);
    text_free(&body);
}

static void test_html_shows_what_the_text_shows(void **state)
{
    (void)state;
    static const char *const wanted[] = {"<title>TC-000042</title>",
                                         "Invoice TC-000042",
                                         "Turnpike Cloud GmbH",
                                         "ACME Inc",
                                         "2026-10-01 00:00",
                                         "2026-11-01 00:00",
                                         "Europe/Berlin",
                                         "Issued 2026-11-01 06:00",
                                         "<td class=\"n\">744</td><td>hour</td>",
                                         "Correction of 2026-09",
                                         "VAT 19 %",
                                         "tenant acme-test: 0.5, costs 1",
                                         "added by the minimum duration",
                                         "146961.48",
                                         "rounded to nine places",
                                         "tier 2"};
    struct text body = {0}, out = {0};
    struct fault fault = {0};
    build_whole(&body);
    const struct document_drawing drawing = drawing_of(&body);
    assert_int_equal(document_draw_html(&drawing, &out, &fault), ERR_OK);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(out.data, wanted[i])) fail_msg("the page lacks %s", wanted[i]);
    assert_null(strstr(out.data, "VOID"));
    text_free(&out);
    text_free(&body);
}

static void test_void_and_erased_are_said(void **state)
{
    (void)state;
    struct text body = {0}, text = {0}, html = {0};
    struct fault fault = {0};
    build_body(&body, "credit_note", plain_line);
    struct document_drawing drawing = drawing_of(&body);
    drawing.buyer = NULL;
    drawing.is_void = true;
    assert_int_equal(document_draw_text(&drawing, &text, &fault), ERR_OK);
    assert_int_equal(document_draw_html(&drawing, &html, &fault), ERR_OK);
    assert_non_null(strstr(text.data, "Credit note TC-000042"));
    assert_non_null(strstr(text.data, "VOID\n"));
    assert_non_null(strstr(text.data, "(name and address were erased)"));
    assert_non_null(strstr(html.data, "VOID"));
    assert_non_null(strstr(html.data, "(name and address were erased)"));
    text_free(&text);
    text_free(&html);
    text_free(&body);
}

// A body with one member taken away, or of another kind, is refused with its name: nothing is drawn in part.
static void test_broken_bodies_are_refused(void **state)
{
    (void)state;
    static const char *const members[] = {"form",  "seller", "period",   "currency",   "lines",  "groups",  "net",
                                          "total", "per",    "quantity", "unit_price", "amount", "tax_rate"};
    struct text body = {0}, out = {0};
    build_body(&body, "invoice", plain_line);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct text broken = {0};
        char quoted[32];
        snprintf(quoted, sizeof quoted, "\"%s\":", members[i]);
        text_add_string(&broken, body.data);
        char *at = strstr(broken.data, quoted);
        assert_non_null(at);
        at[1] = '#';
        struct fault fault = {0};
        struct document_drawing drawing = drawing_of(&broken);
        assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_INVALID);
        assert_int_equal(document_draw_html(&drawing, &out, &fault), ERR_INVALID);
        assert_int_equal(out.length, 0);
        text_free(&broken);
    }
    struct fault fault = {0};
    struct document_drawing drawing = drawing_of(&body);
    drawing.envelope = SLICE("{}");
    assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_INVALID);
    drawing.body = SLICE("");
    assert_int_equal(document_draw_text(&drawing, &out, &fault), ERR_INVALID);
    text_free(&out);
    text_free(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_is_the_golden_one),
        cmocka_unit_test(test_fees_of_events_are_told), cmocka_unit_test(test_a_block_is_priced),   cmocka_unit_test(test_text_fits_whatever_the_names_are),
        cmocka_unit_test(test_html_escapes_everything),  cmocka_unit_test(test_html_shows_what_the_text_shows),
        cmocka_unit_test(test_void_and_erased_are_said), cmocka_unit_test(test_broken_bodies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
