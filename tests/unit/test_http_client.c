// SPDX-License-Identifier: Apache-2.0
// The HTTP client against our own server, and against things that are no server.
#include "common/http_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/http.h"
#include "common/instant.h"

enum { TIMEOUT_MS = 20000 };

static struct http_server *server;
static pthread_t thread;
static char base[64];
static atomic_int new_connections;
static char last_peer[64];

// Says back what came: "METHOD path type|x-thing body".
static void echo(void *context, struct http_request *request)
{
    (void)context;
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    if (strcmp(last_peer, request->peer) != 0) atomic_fetch_add(&new_connections, 1);
    snprintf(last_peer, sizeof last_peer, "%s", request->peer);
    if (strcmp(request->path, "/busy") == 0) {
        http_answer(request, &(struct http_reply){.status = 503, .extra = {"Retry-After", "17"}});
        return;
    }
    if (strcmp(request->path, "/moved") == 0) {
        http_answer(request, &(struct http_reply){.status = 302, .extra = {"Location", "/elsewhere"}});
        return;
    }
    const char *type = http_header(request, "content-type"), *thing = http_header(request, "x-thing");
    char *text = arena_print(request->arena, "%s %s %s|%s ", names[request->method], request->path, type ? type : "-",
                             thing ? thing : "-");
    struct text body = {0};
    text_add_string(&body, text);
    text_add(&body, request->body.data, request->body.length);
    http_answer(request, &(struct http_reply){
                             .status = 200, .content_type = "text/plain; x=1", .body = {body.data, body.length}});
    text_free(&body);
}

static void *run(void *argument)
{
    (void)argument;
    http_server_run(server);
    return NULL;
}

static int open_server(void **state)
{
    (void)state;
    struct fault fault;
    struct http_options options = {.host = "127.0.0.1", .max_body_bytes = 8 * 1024 * 1024};
    if (http_server_open(&options, echo, NULL, &server, &fault)) return -1;
    snprintf(base, sizeof base, "http://127.0.0.1:%d", http_server_port(server));
    return pthread_create(&thread, NULL, run, NULL);
}

static int close_server(void **state)
{
    (void)state;
    http_server_stop(server);
    pthread_join(thread, NULL);
    http_server_free(server);
    return 0;
}

static enum err call(struct http_client *client, const char *method, const char *path, const char *body, size_t length,
                     struct http_exchange *exchange)
{
    struct fault fault = {0};
    char url[128];
    snprintf(url, sizeof url, "%s%s", base, path);
    const char *headers[] = {"Content-Type: application/json", "X-Thing: a b"};
    return http_client_call(client, method, url, headers, 2, body, length, exchange, &fault);
}

static void each_method_arrives_with_its_body(void **state)
{
    (void)state;
    static const struct {
        const char *method, *body, *answer;
    } calls[] = {
        {"POST", "hello", "POST /p application/json|a b hello"},
        {"GET", NULL, "GET /p application/json|a b "}, // after a POST: its body is forgotten
        {"PUT", "x", "PUT /p application/json|a b x"},
        {"HEAD", NULL, ""},
        {"POST", NULL, "POST /p application/json|a b "},
        {"DELETE", NULL, "DELETE /p application/json|a b "},
        {"GET", NULL, "GET /p application/json|a b "},
    };
    struct http_client *client = http_client_new(TIMEOUT_MS);
    struct http_exchange exchange = {0};
    atomic_store(&new_connections, 0);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const char *body = calls[i].body;
        assert_int_equal(call(client, calls[i].method, "/p", body, body ? strlen(body) : 0, &exchange), ERR_OK);
        assert_int_equal(exchange.status, 200);
        assert_string_equal(exchange.content_type, "text/plain; x=1");
        assert_int_equal(exchange.retry_after_s, 0);
        assert_int_equal(exchange.body.length, strlen(calls[i].answer));
        if (exchange.body.length) assert_string_equal(exchange.body.data, calls[i].answer);
    }
    assert_int_equal(atomic_load(&new_connections), 1); // one connection for all
    text_free(&exchange.body);
    http_client_free(client);
}

static void large_body_with_any_bytes_goes_both_ways(void **state)
{
    (void)state;
    enum { BYTES = 5 * 1024 * 1024 };
    struct http_client *client = http_client_new(TIMEOUT_MS);
    struct http_exchange exchange = {0};
    char *body = heap_alloc(BYTES);
    for (size_t i = 0; i < BYTES; i++)
        body[i] = (char)(i * 7);
    assert_int_equal(call(client, "POST", "/p", body, BYTES, &exchange), ERR_OK);
    size_t before = strlen("POST /p application/json|a b ");
    assert_int_equal(exchange.body.length, before + BYTES);
    assert_memory_equal(exchange.body.data + before, body, BYTES);
    free(body);
    text_free(&exchange.body);
    http_client_free(client);
}

static void status_and_retry_after_are_the_callers(void **state)
{
    (void)state;
    struct http_client *client = http_client_new(TIMEOUT_MS);
    struct http_exchange exchange = {0};
    assert_int_equal(call(client, "GET", "/busy", NULL, 0, &exchange), ERR_OK);
    assert_int_equal(exchange.status, 503);
    assert_int_equal(exchange.retry_after_s, 17);
    assert_int_equal(call(client, "GET", "/moved", NULL, 0, &exchange), ERR_OK); // not followed
    assert_int_equal(exchange.status, 302);
    assert_int_equal(exchange.retry_after_s, 0);
    text_free(&exchange.body);
    http_client_free(client);
}

// A socket that listens and never accepts: connections succeed, answers never come.
static int silent_listener(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(descriptor, 5), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return descriptor;
}

static void no_answer_means_retry(void **state)
{
    (void)state;
    struct http_client *client = http_client_new(200);
    struct http_exchange exchange = {0};
    struct fault fault = {0};
    char url[64];
    int port, listener = silent_listener(&port);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    int64_t began = clock_monotonic_us();
    assert_int_equal(http_client_call(client, "GET", url, NULL, 0, NULL, 0, &exchange, &fault), ERR_RETRY);
    assert_in_range(clock_monotonic_us() - began, 190 * 1000, 10 * SECOND_US);
    assert_string_equal(fault.place, url);
    assert_true(strlen(fault.reason) > 0);
    close(listener); // now nobody listens there
    assert_int_equal(http_client_call(client, "GET", url, NULL, 0, NULL, 0, &exchange, &fault), ERR_RETRY);
    assert_int_equal(exchange.status, 0);
    text_free(&exchange.body);
    http_client_free(client);
}

static void wrong_calls_are_not_retried(void **state)
{
    (void)state;
    struct http_client *client = http_client_new(TIMEOUT_MS);
    struct http_exchange exchange = {0};
    struct fault fault = {0};
    static const char *const urls[] = {"file:///etc/passwd", "http://", "gopher://127.0.0.1/", ""};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
        assert_int_equal(http_client_call(client, "GET", urls[i], NULL, 0, NULL, 0, &exchange, &fault), ERR_INVALID);
    static const char *const headers[] = {"X: a\r\nY: b", "no colon"};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(http_client_call(client, "GET", base, &headers[i], 1, NULL, 0, &exchange, &fault),
                         ERR_INVALID);
    text_free(&exchange.body);
    http_client_free(client);
    http_client_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_method_arrives_with_its_body),
        cmocka_unit_test(large_body_with_any_bytes_goes_both_ways),
        cmocka_unit_test(status_and_retry_after_are_the_callers),
        cmocka_unit_test(no_answer_means_retry),
        cmocka_unit_test(wrong_calls_are_not_retried),
    };
    return cmocka_run_group_tests_name("http_client", tests, open_server, close_server);
}
