// SPDX-License-Identifier: Apache-2.0
// The guard: judges the request line, each header and the head as a whole. What two readers could read differently
// (request smuggling) is refused with the status of reliability.md I1-I21. Pure; works in place on the message's head.
#include "common/http_parse.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool http_is_token_byte(unsigned char byte)
{
    if (is_letter_or_digit(byte) || byte == '-') return true;
    return byte != 0 && strchr("!#$%&'*+.^_`|~", byte) != NULL;
}

// --- request line

static const struct {
    const char *name;
    bool supported; // else 405
    enum http_method method;
} method_table[] = {
    {"GET", true, HTTP_GET},    {"HEAD", true, HTTP_HEAD},     {"POST", true, HTTP_POST},
    {"PUT", true, HTTP_PUT},    {"DELETE", true, HTTP_DELETE}, {"OPTIONS", false, HTTP_GET},
    {"PATCH", false, HTTP_GET}, {"TRACE", false, HTTP_GET},    {"CONNECT", false, HTTP_GET},
};

static bool guard_version(struct http_message *message, const char *version, size_t length)
{
    if (length != 8 || memcmp(version, "HTTP/", 5) != 0 || !is_digit(version[5]) || version[6] != '.' ||
        !is_digit(version[7]))
        return http_refuse(message, 400, "the request line does not end with HTTP/1.1");
    if (version[5] != '1' || version[7] > '1') return http_refuse(message, 505, "only HTTP/1.1 is spoken here");
    message->minor_version = version[7] - '0';
    message->closes = message->minor_version == 0;
    return true;
}

static bool guard_method(struct http_message *message, const char *method, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!http_is_token_byte((unsigned char)method[i])) return http_refuse(message, 400, "malformed method");
    for (size_t i = 0; length <= HTTP_METHOD_LENGTH_MAX && i < sizeof method_table / sizeof *method_table; i++) {
        if (strlen(method_table[i].name) != length || memcmp(method_table[i].name, method, length) != 0) continue;
        if (!method_table[i].supported) return http_refuse(message, 405, "this method is not offered");
        message->method = method_table[i].method;
        return true;
    }
    return http_refuse(message, 501, "unknown method");
}

bool http_guard_request_line(struct http_message *message, char *line, size_t length)
{
    char *first = memchr(line, ' ', length);
    char *last = memrchr(line, ' ', length);
    if (!first || first == last || first == line)
        return http_refuse(message, 400, "the request line is not: method, target, version");
    char *target = first + 1;
    size_t target_length = (size_t)(last - target);
    if (!guard_version(message, last + 1, (size_t)(line + length - last - 1))) return false;
    if (!guard_method(message, line, (size_t)(first - line))) return false;
    if (target_length > HTTP_TARGET_BYTES_MAX)
        return http_refuse(message, 414, "the request target is longer than 8 KiB");
    return http_guard_target(message, target, target_length);
}

// --- one header

// Headers that may come once. A second Authorization is answered like a wrong one.
static const struct {
    const char *name;
    int status;
} single_table[] = {
    {"host", 400},          {"content-length", 400},   {"transfer-encoding", 400},
    {"content-type", 400},  {"content-encoding", 400}, {"expect", 400},
    {"authorization", 401}, {"idempotency-key", 400},
};

static bool guard_single(struct http_message *message, const char *name)
{
    for (uint32_t i = 0; i < sizeof single_table / sizeof *single_table; i++) {
        if (strcmp(single_table[i].name, name) != 0) continue;
        if (message->singles_seen & UINT32_C(1) << i)
            return http_refuse(message, single_table[i].status, "a header that may come once came twice");
        message->singles_seen |= UINT32_C(1) << i;
        return true;
    }
    // Attributes of an event in binary mode (CloudEvents HTTP binding): which of two ids would count?
    if (strncmp(name, "ce-", 3) == 0 && http_message_header(message, name))
        return http_refuse(message, 400, "an event attribute came twice");
    return true;
}

static bool guard_content_length(struct http_message *message, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits] != 0 || digits > HTTP_CONTENT_LENGTH_DIGITS_MAX)
        return http_refuse(message, 400, "malformed Content-Length");
    uint64_t length = 0;
    for (size_t i = 0; i < digits; i++)
        length = length * 10 + (uint64_t)(value[i] - '0'); // at most 19 digits: fits
    message->content_length = length;
    message->has_length = true;
    return true;
}

// host [":" port]; an IPv6 address in brackets. No user, no spaces, no list.
static bool host_valid(const char *value)
{
    const char *rest = value;
    if (*rest == '[') {
        rest += 1 + strspn(rest + 1, "0123456789abcdefABCDEF:.");
        if (*rest != ']' || rest == value + 1) return false;
        rest++;
    } else {
        while (is_letter_or_digit((unsigned char)*rest) || *rest == '-' || *rest == '.' || *rest == '_')
            rest++;
        if (rest == value) return false;
    }
    if (*rest == 0) return true;
    if (*rest != ':') return false;
    size_t digits = strspn(rest + 1, "0123456789");
    return digits >= 1 && digits <= 5 && rest[1 + digits] == 0;
}

// Connection is a list of tokens; only "close" matters here.
static bool names_close(const char *value)
{
    for (const char *at = value; *at;) {
        at += strspn(at, ", \t");
        size_t length = strcspn(at, ", \t");
        if (length == 5 && strncasecmp(at, "close", 5) == 0) return true;
        at += length;
    }
    return false;
}

// What the framing of the request depends on is understood here, once.
static bool guard_meaning(struct http_message *message, const char *name, const char *value)
{
    if (strcmp(name, "content-length") == 0) return guard_content_length(message, value);
    if (strcmp(name, "host") == 0) {
        message->has_host = true;
        return host_valid(value) || http_refuse(message, 400, "malformed Host");
    }
    if (strcmp(name, "transfer-encoding") == 0) {
        message->has_transfer_encoding = true;
        message->chunked = strcasecmp(value, "chunked") == 0;
    } else if (strcmp(name, "expect") == 0) {
        message->has_expect = true;
        message->expects_continue = strcasecmp(value, "100-continue") == 0;
    } else if (strcmp(name, "connection") == 0) {
        message->closes = message->closes || names_close(value);
    }
    return true;
}

// Lower case in place; false at a byte that no name may have.
static bool name_lower(char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!http_is_token_byte((unsigned char)name[i])) return false;
        if (name[i] >= 'A' && name[i] <= 'Z') name[i] = (char)(name[i] - 'A' + 'a');
    }
    return length > 0;
}

static bool value_bytes_valid(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)value[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool http_guard_header(struct http_message *message, char *line, size_t length)
{
    if (message->header_count == HTTP_HEADERS_MAX) return http_refuse(message, 431, "more than 100 headers");
    if (is_blank(line[0])) return http_refuse(message, 400, "a folded header");
    char *colon = memchr(line, ':', length);
    if (!colon) return http_refuse(message, 400, "a header without a colon");
    if (!name_lower(line, (size_t)(colon - line))) return http_refuse(message, 400, "malformed header name");
    char *value = colon + 1, *end = line + length;
    if (!value_bytes_valid(value, (size_t)(end - value))) return http_refuse(message, 400, "control byte in a header");
    while (value < end && is_blank(*value))
        value++;
    while (end > value && is_blank(end[-1]))
        end--;
    *colon = 0;
    *end = 0; // at the latest the CR that ended the line
    if (!guard_single(message, line)) return false;
    if (!guard_meaning(message, line, value)) return false;
    const char *base = message->head.data;
    message->headers[message->header_count++] =
        (struct http_pair){.name = (uint32_t)(line - base), .value = (uint32_t)(value - base)};
    return true;
}

// --- the head as a whole

static bool guard_transfer_encoding(struct http_message *message)
{
    if (!message->has_transfer_encoding) return true;
    if (message->has_length || message->minor_version == 0)
        return http_refuse(message, 400, "Transfer-Encoding beside Content-Length");
    if (!message->chunked) return http_refuse(message, 501, "unknown Transfer-Encoding");
    return http_refuse(message, 411, "chunked bodies are not taken: send Content-Length");
}

static bool method_takes_body(enum http_method method)
{
    return method == HTTP_POST || method == HTTP_PUT;
}

bool http_guard_head(struct http_message *message, size_t max_body_bytes)
{
    if (!message->has_host) return http_refuse(message, 400, "no Host");
    if (!guard_transfer_encoding(message)) return false;
    if (message->content_length > 0 && !method_takes_body(message->method))
        return http_refuse(message, 400, "this method takes no body");
    if (message->has_expect && !message->expects_continue)
        return http_refuse(message, 417, "only Expect: 100-continue is understood");
    if (message->content_length > max_body_bytes) return http_refuse(message, 413, "the body is larger than the limit");
    return true;
}
