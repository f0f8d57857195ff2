// SPDX-License-Identifier: Apache-2.0
// Answers as bytes: status line, headers and body; RFC 9457 problems. Runs on the thread that answers; what only the
// connection knows (Date, Connection) is added by the loop when the answer goes out.
#include <string.h>
#include <time.h>

#include "common/http_internal.h"

static const struct {
    int status;
    const char *title; // RFC 9110 section 15
    const char *code;  // of a refusal by the guard
} status_table[] = {
    {200, "OK", "ok"},
    {201, "Created", "created"},
    {202, "Accepted", "accepted"},
    {204, "No Content", "no_content"},
    {304, "Not Modified", "not_modified"},
    {400, "Bad Request", "malformed_request"},
    {401, "Unauthorized", "unauthorized"},
    {403, "Forbidden", "forbidden"},
    {404, "Not Found", "not_found"},
    {405, "Method Not Allowed", "method_not_allowed"},
    {406, "Not Acceptable", "not_acceptable"},
    {408, "Request Timeout", "request_timeout"},
    {409, "Conflict", "conflict"},
    {411, "Length Required", "length_required"},
    {412, "Precondition Failed", "precondition_failed"},
    {413, "Content Too Large", "body_too_large"},
    {414, "URI Too Long", "target_too_long"},
    {415, "Unsupported Media Type", "unsupported_media_type"},
    {417, "Expectation Failed", "expectation_failed"},
    {422, "Unprocessable Content", "unprocessable"},
    {428, "Precondition Required", "precondition_required"},
    {429, "Too Many Requests", "too_many_requests"},
    {431, "Request Header Fields Too Large", "headers_too_large"},
    {500, "Internal Server Error", "internal_error"},
    {501, "Not Implemented", "not_implemented"},
    {503, "Service Unavailable", "unavailable"},
    {505, "HTTP Version Not Supported", "version_not_supported"},
};

static const char *status_title(int status)
{
    for (size_t i = 0; i < sizeof status_table / sizeof *status_table; i++)
        if (status_table[i].status == status) return status_table[i].title;
    return "Other";
}

static const char *refusal_code(int status)
{
    for (size_t i = 0; i < sizeof status_table / sizeof *status_table; i++)
        if (status_table[i].status == status) return status_table[i].code;
    return "malformed_request";
}

// A value may hold what a client sent: control bytes (a header of its own, by CRLF) become spaces.
static void add_header(struct text *head, const char *name, const char *value)
{
    text_add_string(head, name);
    text_add(head, ": ", 2);
    for (const char *at = value; *at;) {
        size_t clean = 0;
        while ((unsigned char)at[clean] >= 0x20 && at[clean] != 0x7f)
            clean++;
        text_add(head, at, clean);
        at += clean;
        if (*at) text_add_char(head, ' ');
        if (*at) at++;
    }
    text_add(head, "\r\n", 2);
}

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

void http_reply_build(struct http_call *call, const struct http_reply *reply)
{
    struct text *head = &call->reply_head;
    ENSURE(reply->status >= 200 && reply->status <= 599);
    text_print(head, "HTTP/1.1 %d %s\r\n", reply->status, status_title(reply->status));
    if (reply->content_type) {
        add_header(head, "Content-Type", reply->content_type);
        text_add_string(head, "X-Content-Type-Options: nosniff\r\n");
    }
    if (status_has_body(reply->status)) text_print(head, "Content-Length: %zu\r\n", reply->body.length);
    for (size_t i = 0; i + 1 < sizeof reply->extra / sizeof *reply->extra && reply->extra[i]; i += 2)
        add_header(head, reply->extra[i], reply->extra[i + 1]);
    if (status_has_body(reply->status) && call->message.method != HTTP_HEAD)
        text_add(&call->reply_body, reply->body.data, reply->body.length);
}

static void add_member(struct text *out, const char *name, const char *value)
{
    text_print(out, ",\"%s\":", name);
    if (utf8_valid(value, strlen(value)))
        text_add_json_string(out, value, strlen(value));
    else
        text_add_string(out, "\"(not UTF-8)\"");
}

// Headers that a status must have.
static void add_status_headers(struct http_reply *reply, const char *allow)
{
    if (reply->status == 405) {
        reply->extra[0] = "Allow";
        reply->extra[1] = allow;
    } else if (reply->status == 401) {
        reply->extra[0] = "WWW-Authenticate";
        reply->extra[1] = "Bearer";
    } else if (reply->status == 429 || reply->status == 503) {
        reply->extra[0] = "Retry-After";
        reply->extra[1] = "1"; // seconds; clients add their own back-off and jitter
    }
}

static void build_problem(struct http_call *call, int status, const char *code, const char *detail, const char *members,
                          const char *allow)
{
    struct text body = {0};
    text_print(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", status_title(status), status);
    if (code) add_member(&body, "code", code);
    if (detail) add_member(&body, "detail", detail);
    if (members && *members) text_print(&body, ",%s", members);
    text_add_char(&body, '}');
    struct http_reply reply = {
        .status = status, .content_type = "application/problem+json", .body = {body.data, body.length}};
    add_status_headers(&reply, allow);
    http_reply_build(call, &reply);
    text_free(&body);
}

void http_reply_problem(struct http_call *call, int status, const char *code, const char *detail, const char *members)
{
    build_problem(call, status, code, detail, members, "GET, HEAD, POST, PUT, DELETE");
}

void http_reply_refusal(struct http_call *call, int status, const char *detail)
{
    call->closes = true;
    http_reply_problem(call, status, refusal_code(status), detail, NULL);
}

static struct http_call *claim(struct http_request *request)
{
    struct http_call *call = request->handle;
    ENSURE(!atomic_exchange(&call->answered, true)); // a request is answered exactly once
    return call;
}

void http_answer(struct http_request *request, const struct http_reply *reply)
{
    struct http_call *call = claim(request);
    http_reply_build(call, reply);
    http_server_deliver(call);
}

void http_problem(struct http_request *request, int status, const char *code, const char *detail,
                  const char *members_or_null)
{
    struct http_call *call = claim(request);
    http_reply_problem(call, status, code, detail, members_or_null);
    http_server_deliver(call);
}

void http_method_not_allowed(struct http_request *request, const char *allow)
{
    struct http_call *call = claim(request);
    build_problem(call, 405, "method_not_allowed", "this method is not offered here", NULL, allow);
    http_server_deliver(call);
}

void http_date_print(instant_us now, char out[32])
{
    // Not strftime: names of days and months must not follow the locale.
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t second = (time_t)(now / SECOND_US);
    struct tm utc;
    ENSURE(gmtime_r(&second, &utc) != NULL);
    struct text date = {0};
    text_print(&date, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * utc.tm_wday, utc.tm_mday,
               months + 3 * utc.tm_mon, utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    ENSURE(date.length < 32);
    memcpy(out, date.data, date.length + 1);
    text_free(&date);
}
