// SPDX-License-Identifier: Apache-2.0
// The strict request parser against the catalogue of hostile requests (reliability rows I1-I21): bytes -> status. Every
// row is fed whole, byte by byte and split at every position; the result must not depend on it.
#include "common/http_parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_BODY = 1000, COMPLETE = 200, INCOMPLETE = 100 };

#define BYTES(literal)                                                                                                 \
    {                                                                                                                  \
        (literal), sizeof(literal) - 1                                                                                 \
    } // a constant initialiser, unlike SLICE
#define HOST "Host: a\r\n"
#define GET_LINE "GET / HTTP/1.1\r\n"
#define POST_LINE "POST /e HTTP/1.1\r\n" HOST

static const struct row {
    const char *name;
    struct slice bytes;
    int status; // COMPLETE, INCOMPLETE or the refusal
} rows[] = {
    {"plain get", BYTES(GET_LINE HOST "\r\n"), COMPLETE},
    {"plain post", BYTES(POST_LINE "Content-Length: 5\r\n\r\nhello"), COMPLETE},
    {"post without length has no body", BYTES(POST_LINE "\r\n"), COMPLETE},
    {"length zero on get", BYTES(GET_LINE HOST "Content-Length: 0\r\n\r\n"), COMPLETE},
    {"one empty line first", BYTES("\r\n" GET_LINE HOST "\r\n"), COMPLETE},
    {"two empty lines first", BYTES("\r\n\r\n" GET_LINE HOST "\r\n"), 400},
    {"version 1.0", BYTES("GET / HTTP/1.0\r\n" HOST "\r\n"), COMPLETE},
    {"tab around a value", BYTES(GET_LINE HOST "X:\t a b \t\r\n\r\n"), COMPLETE},
    {"empty value", BYTES(GET_LINE HOST "X:\r\n\r\n"), COMPLETE},
    {"bytes over 0x7f in a value", BYTES(GET_LINE HOST "X: \xc3\xa9\r\n\r\n"), COMPLETE},
    {"tls greeting", BYTES("\x16\x03\x01\x02"), 400},
    {"space first", BYTES(" GET / HTTP/1.1\r\n"), 400},
    // I1
    {"I1 two lengths, different", BYTES(POST_LINE "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 400},
    {"I1 two lengths, equal", BYTES(POST_LINE "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello"), 400},
    // I2
    {"I2 space before the colon", BYTES(POST_LINE "Content-Length : 43\r\n\r\n"), 400},
    {"I2 tab before the colon", BYTES(POST_LINE "Content-Length\t: 43\r\n\r\n"), 400},
    // I3
    {"I3 plus", BYTES(POST_LINE "Content-Length: +5\r\n\r\nhello"), 400},
    {"I3 hexadecimal", BYTES(POST_LINE "Content-Length: 0x5\r\n\r\nhello"), 400},
    {"I3 minus", BYTES(POST_LINE "Content-Length: -1\r\n\r\n"), 400},
    {"I3 list", BYTES(POST_LINE "Content-Length: 5, 5\r\n\r\nhello"), 400},
    {"I3 20 digits", BYTES(POST_LINE "Content-Length: 10000000000000000005\r\n\r\nhello"), 400},
    {"I3 20 digits, zeros", BYTES(POST_LINE "Content-Length: 00000000000000000005\r\n\r\nhello"), 400},
    {"I3 19 digits", BYTES(POST_LINE "Content-Length: 9999999999999999999\r\n\r\n"), 413},
    {"I3 empty", BYTES(POST_LINE "Content-Length: \r\n\r\n"), 400},
    {"I3 inner space", BYTES(POST_LINE "Content-Length: 1 2\r\n\r\n"), 400},
    // I4 to I8
    {"I4 length and encoding", BYTES(POST_LINE "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"I4 encoding and length", BYTES(POST_LINE "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), 400},
    {"I5 chunked", BYTES(POST_LINE "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n"), 411},
    {"I5 chunked on get", BYTES(GET_LINE HOST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"), 411},
    {"I8 gzip, chunked", BYTES(POST_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501},
    {"I8 xchunked", BYTES(POST_LINE "Transfer-Encoding: xchunked\r\n\r\n"), 501},
    {"I8 identity", BYTES(POST_LINE "Transfer-Encoding: identity\r\n\r\n"), 501},
    {"I8 twice", BYTES(POST_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
    {"I8 on 1.0", BYTES("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"), 400},
    {"I8 vertical tab", BYTES(POST_LINE "Transfer-Encoding: \vchunked\r\n\r\n"), 400},
    // I6
    {"I6 bare LF after the request line", BYTES("GET / HTTP/1.1\n" HOST "\r\n"), 400},
    {"I6 bare LF after a header", BYTES(GET_LINE "Host: a\n\r\n"), 400},
    {"I6 bare LF after a header that can spare a byte", BYTES(GET_LINE "Host: ab\n\r\n"), 400},
    {"I6 bare LF at the end", BYTES(GET_LINE HOST "\n"), 400},
    {"I6 bare CR in a value", BYTES(GET_LINE HOST "X: a\rb\r\n\r\n"), 400},
    {"I6 bare CR for a line end", BYTES(GET_LINE "Host: a\rX: b\r\n\r\n"), 400},
    // I9
    {"I9 folded header", BYTES(GET_LINE HOST "X: a\r\n b\r\n\r\n"), 400},
    {"I9 folded with a tab", BYTES(GET_LINE HOST "X: a\r\n\tb\r\n\r\n"), 400},
    {"I9 NUL in a value", BYTES(GET_LINE HOST "X: a\0b\r\n\r\n"), 400},
    {"I9 NUL in a name", BYTES(GET_LINE HOST "X\0: a\r\n\r\n"), 400},
    {"I9 DEL in a value", BYTES(GET_LINE HOST "X: a\x7f\r\n\r\n"), 400},
    {"I9 empty name", BYTES(GET_LINE HOST ": a\r\n\r\n"), 400},
    {"I9 bracket in a name", BYTES(GET_LINE HOST "X(A: a\r\n\r\n"), 400},
    {"I9 no colon", BYTES(GET_LINE HOST "Xa\r\n\r\n"), 400},
    {"I9 UTF-8 in a name", BYTES(GET_LINE HOST "X\xc3\xa9: a\r\n\r\n"), 400},
    // I10
    {"I10 no host", BYTES(GET_LINE "\r\n"), 400},
    {"I10 two hosts", BYTES(GET_LINE HOST HOST "\r\n"), 400},
    {"I10 empty host", BYTES(GET_LINE "Host:\r\n\r\n"), 400},
    {"I10 two hosts in one", BYTES(GET_LINE "Host: a, b\r\n\r\n"), 400},
    {"I10 user in the host", BYTES(GET_LINE "Host: u@a\r\n\r\n"), 400},
    {"I10 path in the host", BYTES(GET_LINE "Host: a/b\r\n\r\n"), 400},
    {"I10 host with a port", BYTES(GET_LINE "Host: a.b-c:8080\r\n\r\n"), COMPLETE},
    {"I10 host with a bad port", BYTES(GET_LINE "Host: a:80x\r\n\r\n"), 400},
    {"I10 IPv6 host", BYTES(GET_LINE "Host: [::1]:80\r\n\r\n"), COMPLETE},
    {"I10 IPv6 host, open", BYTES(GET_LINE "Host: [::1\r\n\r\n"), 400},
    // I11
    {"I11 version 9.9", BYTES("GET / HTTP/9.9\r\n"), 505},
    {"I11 version 1.2", BYTES("GET / HTTP/1.2\r\n"), 505},
    {"I11 version 4294967297.1", BYTES("GET / HTTP/4294967297.1\r\n"), 400},
    {"I11 lower case", BYTES("GET / http/1.1\r\n"), 400},
    {"I11 no version", BYTES("GET /\r\n"), 400},
    {"I11 HTTP/2 preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505},
    // I12
    {"I12 absolute form", BYTES("GET http://a/ HTTP/1.1\r\n"), 400},
    {"I12 asterisk", BYTES("GET * HTTP/1.1\r\n"), 400},
    {"I12 two slashes", BYTES("GET //a HTTP/1.1\r\n"), 400},
    {"I12 two slashes inside", BYTES("GET /a//b HTTP/1.1\r\n"), 400},
    {"I12 dot dot", BYTES("GET /a/../b HTTP/1.1\r\n"), 400},
    {"I12 dot dot, encoded", BYTES("GET /a/%2e%2E HTTP/1.1\r\n"), 400},
    {"I12 dot", BYTES("GET /a/./b HTTP/1.1\r\n"), 400},
    {"I12 three dots are a name", BYTES("GET /a/... HTTP/1.1\r\n" HOST "\r\n"), COMPLETE},
    {"I12 NUL, encoded", BYTES("GET /a%00 HTTP/1.1\r\n"), 400},
    {"I12 slash, encoded", BYTES("GET /a%2fb HTTP/1.1\r\n"), 400},
    {"I12 line end, encoded", BYTES("GET /a%0d%0aX:b HTTP/1.1\r\n"), 400},
    {"I12 raw 0xff", BYTES("GET /\xff HTTP/1.1\r\n"), 400},
    {"I12 0xff, encoded", BYTES("GET /%ff HTTP/1.1\r\n"), 400},
    {"I12 overlong slash, encoded", BYTES("GET /%c0%af HTTP/1.1\r\n"), 400},
    {"I12 space", BYTES("GET /a b HTTP/1.1\r\n"), 400},
    {"I12 two spaces", BYTES("GET  / HTTP/1.1\r\n"), 400},
    {"I12 tab", BYTES("GET\t/\tHTTP/1.1\r\n"), 400},
    {"I12 NUL, raw", BYTES("GET /a\0b HTTP/1.1\r\n"), 400},
    {"I12 fragment", BYTES("GET /a#b HTTP/1.1\r\n"), 400},
    {"I12 backslash", BYTES("GET /a\\b HTTP/1.1\r\n"), 400},
    {"I12 half an escape", BYTES("GET /a%4 HTTP/1.1\r\n"), 400},
    {"I12 escape without digits", BYTES("GET /a%zz HTTP/1.1\r\n"), 400},
    {"I12 trailing slash", BYTES("GET /a/ HTTP/1.1\r\n" HOST "\r\n"), COMPLETE},
    {"query: malformed escape", BYTES("GET /?a=%4 HTTP/1.1\r\n"), 400},
    {"query: NUL", BYTES("GET /?a=%00 HTTP/1.1\r\n"), 400},
    {"query: not UTF-8", BYTES("GET /?a=%ff HTTP/1.1\r\n"), 400},
    {"query: twice", BYTES("GET /?a=1&%61=2 HTTP/1.1\r\n"), 400},
    {"query: fine", BYTES("GET /?a=1&b=%26&&c HTTP/1.1\r\n" HOST "\r\n"), COMPLETE},
    // I14 to I16
    {"I14 at the limit", BYTES(POST_LINE "Content-Length: 1000\r\n\r\n"), INCOMPLETE},
    {"I14 one above the limit", BYTES(POST_LINE "Content-Length: 1001\r\n\r\n"), 413},
    {"I14 above, with expect", BYTES(POST_LINE "Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n"), 413},
    {"I15 expect foo", BYTES(POST_LINE "Content-Length: 1\r\nExpect: foo\r\n\r\n"), 417},
    {"I15 expect continue", BYTES(POST_LINE "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n"), INCOMPLETE},
    {"I15 expect twice", BYTES(POST_LINE "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), 400},
    {"I16 get with body", BYTES(GET_LINE HOST "Content-Length: 1\r\n\r\nx"), 400},
    {"I16 head with body", BYTES("HEAD / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"), 400},
    {"I16 delete with body", BYTES("DELETE / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"), 400},
    {"I16 put with body", BYTES("PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"), COMPLETE},
    // I20
    {"I20 trace", BYTES("TRACE / HTTP/1.1\r\n"), 405},
    {"I20 connect", BYTES("CONNECT a:80 HTTP/1.1\r\n"), 405},
    {"I20 options", BYTES("OPTIONS / HTTP/1.1\r\n"), 405},
    {"I20 foo", BYTES("FOO / HTTP/1.1\r\n"), 501},
    {"I20 lower case", BYTES("get / HTTP/1.1\r\n"), 501},
    {"I20 bracket", BYTES("G(T / HTTP/1.1\r\n"), 400},
    {"I20 long", BYTES("GETGETGETGETGETGETGETGET / HTTP/1.1\r\n"), 501},
    // I21
    {"I21 closed mid body", BYTES(POST_LINE "Content-Length: 5\r\n\r\nhell"), INCOMPLETE},
    {"I21 closed mid head", BYTES(GET_LINE "Hos"), INCOMPLETE},
    // I66 and event attributes
    {"two authorizations", BYTES(GET_LINE HOST "Authorization: a\r\nauthorization: a\r\n\r\n"), 401},
    {"two content types", BYTES(POST_LINE "Content-Type: a\r\nContent-Type: b\r\n\r\n"), 400},
    {"two event ids", BYTES(POST_LINE "ce-id: a\r\nCE-ID: b\r\n\r\n"), 400},
    {"two accepts are a list", BYTES(GET_LINE HOST "Accept: a\r\nAccept: b\r\n\r\n"), COMPLETE},
};

static int status_of(enum http_progress progress, const struct http_message *message)
{
    if (progress == HTTP_REFUSED) assert_non_null(message->reason);
    if (progress == HTTP_REFUSED) return message->status;
    return progress == HTTP_COMPLETE ? COMPLETE : INCOMPLETE;
}

// Feeds in pieces: up to `first`, then `step` bytes at a time.
static int feed(struct http_message *message, struct slice bytes, size_t first, size_t step, size_t *used)
{
    enum http_progress progress = HTTP_MORE;
    *used = 0;
    while (*used < bytes.length && progress == HTTP_MORE) {
        size_t piece = *used < first ? first - *used : step, taken = 0;
        if (piece > bytes.length - *used) piece = bytes.length - *used;
        char *copy = malloc(piece); // exactly as long, so that the sanitizer sees a read beyond it
        assert_non_null(copy);
        memcpy(copy, bytes.data + *used, piece);
        progress = http_message_take(message, MAX_BODY, copy, piece, &taken);
        free(copy);
        assert_true(taken <= piece);
        if (progress == HTTP_MORE) assert_int_equal(taken, piece);
        *used += taken;
    }
    return status_of(progress, message);
}

static void expect_row(const struct row *row, size_t first, size_t step, const struct http_message *whole)
{
    struct http_message message = {0};
    size_t used;
    int status = feed(&message, row->bytes, first, step, &used);
    if (status != row->status)
        fail_msg("%s (split at %zu): %d (%s), expected %d", row->name, first, status,
                 message.reason ? message.reason : "", row->status);
    if (whole) {
        assert_int_equal(message.head.length, whole->head.length);
        if (whole->head.length) assert_memory_equal(message.head.data, whole->head.data, whole->head.length);
        assert_int_equal(message.body.length, whole->body.length);
        if (whole->reason) assert_string_equal(message.reason, whole->reason);
    }
    http_message_fini(&message);
}

static void every_row_gives_its_status_however_it_is_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_message whole = {0};
        size_t used;
        (void)feed(&whole, rows[i].bytes, rows[i].bytes.length, 1, &used);
        expect_row(&rows[i], rows[i].bytes.length, 1, NULL);
        expect_row(&rows[i], 0, 1, &whole);
        for (size_t split = 1; split < rows[i].bytes.length; split++)
            expect_row(&rows[i], split, rows[i].bytes.length, &whole);
        http_message_fini(&whole);
    }
}

static void parts_of_a_request_are_understood(void **state)
{
    (void)state;
    struct slice bytes = SLICE("PUT /v1/caf%c3%A9/a%20b?from=2026-10-01T00:00:00%2B02:00&x=a+b&flag&e= HTTP/1.1\r\n"
                               "hOsT: a:1\r\nX-Thing:  two words \r\nConnection: keep-alive, Close\r\n"
                               "Content-Length: 3\r\n\r\na\0bGET ");
    struct http_message message = {0};
    size_t used;
    assert_int_equal(feed(&message, bytes, bytes.length, 1, &used), COMPLETE);
    assert_int_equal(used, bytes.length - 4); // the next request's bytes are left
    assert_int_equal(message.method, HTTP_PUT);
    assert_string_equal(message.head.data + message.path, "/v1/caf\xc3\xa9/a b");
    assert_string_equal(message.head.data + message.query, "from=2026-10-01T00:00:00%2B02:00&x=a+b&flag&e=");
    assert_string_equal(http_message_parameter(&message, "from"), "2026-10-01T00:00:00+02:00");
    assert_string_equal(http_message_parameter(&message, "x"), "a+b");
    assert_string_equal(http_message_parameter(&message, "flag"), "");
    assert_string_equal(http_message_parameter(&message, "e"), "");
    assert_null(http_message_parameter(&message, "X"));
    assert_int_equal(message.parameter_count, 4);
    assert_string_equal(http_message_header(&message, "x-THING"), "two words");
    assert_string_equal(http_message_header(&message, "Host"), "a:1");
    assert_null(http_message_header(&message, "thing"));
    assert_true(message.closes);
    assert_int_equal(message.body.length, 3);
    assert_memory_equal(message.body.data, "a\0b", 3);

    // The same memory serves the next request and nothing of the last one shows.
    http_message_reset(&message);
    assert_int_equal(feed(&message, SLICE(GET_LINE HOST "\r\n"), 1, 1, &used), COMPLETE);
    assert_string_equal(message.head.data + message.query, "");
    assert_null(http_message_header(&message, "x-thing"));
    assert_int_equal(message.parameter_count, 0);
    assert_int_equal(message.body.length, 0);
    assert_false(message.closes);
    http_message_fini(&message);
}

static void lengths_are_limited_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *before;
        size_t filler;
        const char *after;
        int status;
    } limits[] = {
        // 1 byte for the slash
        {"target at 8 KiB", "GET /", HTTP_TARGET_BYTES_MAX - 1, " HTTP/1.1\r\n" HOST "\r\n", COMPLETE},
        {"target one above", "GET /", HTTP_TARGET_BYTES_MAX, " HTTP/1.1\r\n" HOST "\r\n", 414},
        {"target of 1 MB without an end", "GET /", 1000000, "", 414},
        // "Host: a\r\n" 9 + "X: " 3 + filler + "\r\n" 2 + "\r\n" 2 = 16384
        {"headers at 16 KiB", GET_LINE HOST "X: ", HTTP_HEADER_BYTES_MAX - 16, "\r\n\r\n", COMPLETE},
        {"headers one above", GET_LINE HOST "X: ", HTTP_HEADER_BYTES_MAX - 15, "\r\n\r\n", 431},
        {"header of 1 MB without an end", GET_LINE "X: ", 1000000, "", 431},
        {"header name of 1 MB", GET_LINE, 1000000, "", 431},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct text bytes = {0};
        text_add_string(&bytes, limits[i].before);
        for (size_t k = 0; k < limits[i].filler; k++)
            text_add_char(&bytes, 'a');
        text_add_string(&bytes, limits[i].after);
        struct row row = {limits[i].name, {bytes.data, bytes.length}, limits[i].status};
        expect_row(&row, bytes.length, 1, NULL);
        expect_row(&row, 0, 1, NULL);
        expect_row(&row, 0, 1000, NULL);
        text_free(&bytes);
    }
}

static void counts_are_limited_exactly(void **state)
{
    (void)state;
    static const struct {
        int headers, parameters, status;
    } counts[] = {
        {99, 0, COMPLETE}, {100, 0, 431}, {10000, 0, 431}, {0, 64, COMPLETE}, {0, 65, 400}}; // Host is one more
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct text bytes = {0};
        text_add_string(&bytes, "GET /?");
        for (int k = 0; k < counts[i].parameters; k++)
            text_print(&bytes, "p%d=%d&", k, k);
        text_add_string(&bytes, " HTTP/1.1\r\n" HOST);
        for (int k = 0; k < counts[i].headers; k++)
            text_print(&bytes, "h%d: %d\r\n", k, k);
        text_add_string(&bytes, "\r\n");
        struct row row = {"counts", {bytes.data, bytes.length}, counts[i].status};
        expect_row(&row, bytes.length, 1, NULL);
        expect_row(&row, 0, 1, NULL);
        text_free(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_gives_its_status_however_it_is_split),
        cmocka_unit_test(parts_of_a_request_are_understood),
        cmocka_unit_test(lengths_are_limited_exactly),
        cmocka_unit_test(counts_are_limited_exactly),
    };
    return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
