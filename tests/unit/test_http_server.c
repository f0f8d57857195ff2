// SPDX-License-Identifier: Apache-2.0
// What the HTTP server says over real sockets on loopback: kept connections, order, refusals, large bodies, half
// requests. Nothing sleeps: every wait is for a condition, with WAIT_MS as deadline.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/http_harness.h"

static void expect_closing_answer(int port, const char *request, const char *status_line)
{
    struct text heard = {0};
    int client = dial(port);
    say(client, request);
    hear_end(client, &heard);
    assert_int_equal(strncmp(heard.data, status_line, strlen(status_line)), 0);
    assert_contains(&heard, "\r\nConnection: close\r\n");
    close(client);
    text_free(&heard);
}

static void connection_is_kept_for_the_next_request(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/a%20b?x=1"));
    hear_until(client, &heard, "- /a b?x=1 ");
    assert_contains(&heard, "HTTP/1.1 200 OK\r\n");
    assert_contains(&heard, "\r\nContent-Length: 11\r\n");
    assert_contains(&heard, " GMT\r\n");
    assert_null(strstr(heard.data, "Connection: close"));
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello");
    hear_until(client, &heard, "- /e? hello");
    text_clear(&heard);
    say(client, "HEAD /h HTTP/1.1\r\nHost: t\r\n\r\n" REQUEST("/after"));
    hear_until(client, &heard, "- /after? ");
    assert_contains(&heard, "\r\nContent-Length: 6\r\n"); // "- /h? "
    assert_null(strstr(heard.data, "- /h?"));
    text_clear(&heard);
    say(client, "GET /last HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    hear_end(client, &heard);
    assert_contains(&heard, "Connection: close\r\n");
    close(client);
    text_free(&heard);
    serve_stop(&running);
}

static void problems_and_headers_are_well_formed(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/problem"));
    hear_until(client, &heard, "[1,2]}");
    assert_contains(&heard, "HTTP/1.1 422 Unprocessable Content\r\nContent-Type: application/problem+json\r\n");
    assert_contains(&heard, "\r\n\r\n{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\",\"status\":422,"
                            "\"code\":\"unknown_meter\",\"detail\":\"no \\\"meter\\\"\",\"errors\":[1,2]}");
    text_clear(&heard);
    say(client, REQUEST("/empty") REQUEST("/next"));
    hear_until(client, &heard, "- /next? ");
    assert_contains(&heard,
                    "HTTP/1.1 204 No Content\r\nRetry-After: 7  X-Evil: 1\r\nDate: "); // not a header of its own
    close(client);
    text_free(&heard);
    serve_stop(&running);
}

static void refusal_closes_and_hides_what_follows(void **state)
{
    (void)state;
    struct running running;
    serve_start(&running, (struct http_options){0});
    static const char smuggled[] = "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nContent-Length: 60\r\n\r\n"
                                   "hello" REQUEST("/smuggled");
    expect_closing_answer(running.port, smuggled, "HTTP/1.1 400 Bad Request\r\n");
    expect_closing_answer(running.port, "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                          "HTTP/1.1 411 Length Required\r\n");
    expect_closing_answer(running.port, "TRACE / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n");
    expect_closing_answer(running.port, "GET / HTTP/1.1\r\nHost: t\r\nExpect: foo\r\n\r\n", "HTTP/1.1 417 ");
    assert_int_equal(served.handled, 0);
    serve_stop(&running);
}

static void refusal_is_readable_though_the_client_goes_on_sending(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 9000000\r\n\r\n");
    char *piece = calloc(1, 1000000);
    for (int i = 0; i < 9; i++)
        assert_true(say_bytes(client, piece, 1000000)); // the server throws it away
    hear_end(client, &heard);
    assert_contains(&heard, "HTTP/1.1 413 Content Too Large\r\n");
    assert_contains(&heard, "\"code\":\"body_too_large\"");
    assert_int_equal(served.handled, 0);
    close(client);
    free(piece);
    text_free(&heard);
    serve_stop(&running);
}

static void continue_is_sent_before_the_body(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    hear_until(client, &heard, "\r\n\r\n");
    assert_string_equal(heard.data, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "hello");
    hear_until(client, &heard, "- /e? hello");
    // With the body already there it is not sent, and never twice.
    text_clear(&heard);
    say(client, "POST /f HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    hear_until(client, &heard, "- /f? hello");
    assert_null(strstr(heard.data, "100 Continue"));
    close(client);
    text_free(&heard);
    serve_stop(&running);
}

static void answers_keep_the_order_of_the_requests(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/hold?n=0") REQUEST("/hold?n=1") REQUEST("/direct") REQUEST("/hold?n=2"));
    serve_wait_for(&served.held_count, 3);
    serve_release(2); // from this thread, in the wrong order
    serve_release(1);
    assert_false(readable_within(client, 50)); // the first is not answered yet
    serve_release(0);
    hear_until(client, &heard, "held 2");
    const char *first = strstr(heard.data, "held 0"), *second = strstr(heard.data, "held 1");
    const char *third = strstr(heard.data, "- /direct"), *fourth = strstr(heard.data, "held 2");
    assert_true(first && first < second && second < third && third < fourth);
    close(client);
    text_free(&heard);
    serve_stop(&running);
}

static void thousand_pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct running running;
    struct text requests = {0}, heard = {0};
    serve_start(&running, (struct http_options){0});
    for (int i = 0; i < 1000; i++)
        text_print(&requests, "GET /%d HTTP/1.1\r\nHost: t\r\n\r\n", i);
    int client = dial(running.port);
    say(client, requests.data);
    hear_until(client, &heard, "- /999? ");
    const char *at = heard.data;
    for (int i = 0; i < 1000; i++) {
        char wanted[32];
        snprintf(wanted, sizeof wanted, "- /%d? ", i);
        at = strstr(at, wanted);
        assert_non_null(at);
    }
    close(client);
    text_free(&requests);
    text_free(&heard);
    serve_stop(&running);
}

static void half_a_request_is_no_request(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhell");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    hear_end(client, &heard);
    assert_int_equal(heard.length, 0);
    close(client);
    client = dial(running.port);
    say(client, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\n");
    hang_up_abruptly(client);
    // A whole request whose sender then says that nothing follows is answered.
    client = dial(running.port);
    say(client, REQUEST("/whole"));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    hear_end(client, &heard);
    assert_contains(&heard, "- /whole? ");
    close(client);
    assert_int_equal(served.handled, 1);
    text_free(&heard);
    serve_stop(&running);
}

static void large_answer_arrives_whole(void **state)
{
    (void)state;
    enum { BYTES = 20000000 };
    struct running running;
    struct text heard = {0};
    serve_start(&running, (struct http_options){0});
    int client = dial(running.port);
    say(client, REQUEST("/large?bytes=20000000") REQUEST("/after"));
    hear_until(client, &heard, "\r\n\r\n"); // the rest waits in the server until it is read
    size_t head = (size_t)(strstr(heard.data, "\r\n\r\n") + 4 - heard.data);
    while (heard.length < head + BYTES)
        assert_true(hear_more(client, &heard));
    for (size_t i = 0; i < BYTES; i++)
        assert_true(heard.data[head + i] == (char)('a' + i % 23));
    struct text next = {0};
    text_add(&next, heard.data + head + BYTES, heard.length - head - BYTES);
    hear_until(client, &next, "- /after? ");
    close(client);
    text_free(&heard);
    text_free(&next);
    serve_stop(&running);
}

static void large_body_arrives_whole(void **state)
{
    (void)state;
    struct running running;
    struct text heard = {0}, request = {0};
    serve_start(&running, (struct http_options){0});
    text_print(&request, "POST /e HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n", MAX_BODY);
    for (int i = 0; i < MAX_BODY; i++)
        text_add_char(&request, 'x');
    text_add_string(&request, REQUEST("/after"));
    int client = dial(running.port);
    assert_true(say_bytes(client, request.data, request.length));
    hear_until(client, &heard, "- /after? ");
    const char *body = strstr(heard.data, "- /e? ") + 6;
    assert_int_equal(strspn(body, "x"), MAX_BODY);
    close(client);
    text_free(&heard);
    text_free(&request);
    serve_stop(&running);
}

static void address_in_use_is_named(void **state)
{
    (void)state;
    struct running running;
    struct http_server *second = NULL;
    struct fault fault = {0};
    serve_start(&running, (struct http_options){0});
    struct http_options options = {.host = "127.0.0.1", .port = running.port};
    assert_int_equal(http_server_open(&options, serve_handle, NULL, &second, &fault), ERR_CONFLICT);
    char place[64];
    snprintf(place, sizeof place, "127.0.0.1:%d", running.port);
    assert_string_equal(fault.place, place);
    options.host = "no such host";
    assert_int_equal(http_server_open(&options, serve_handle, NULL, &second, &fault), ERR_INVALID);
    serve_stop(&running);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connection_is_kept_for_the_next_request),
        cmocka_unit_test(problems_and_headers_are_well_formed),
        cmocka_unit_test(refusal_closes_and_hides_what_follows),
        cmocka_unit_test(refusal_is_readable_though_the_client_goes_on_sending),
        cmocka_unit_test(continue_is_sent_before_the_body),
        cmocka_unit_test(answers_keep_the_order_of_the_requests),
        cmocka_unit_test(thousand_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(half_a_request_is_no_request),
        cmocka_unit_test(large_answer_arrives_whole),
        cmocka_unit_test(large_body_arrives_whole),
        cmocka_unit_test(address_in_use_is_named),
    };
    return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
