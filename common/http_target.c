// SPDX-License-Identifier: Apache-2.0
// The request target: only origin-form ("/path?query"), only bytes that RFC 3986 allows, decoded exactly once.
// The path is decoded in place; query parameters are decoded into the message. "+" stays "+": instants have it.
#include "common/http_parse.h"

#include <string.h>

static bool is_target_byte(unsigned char byte)
{
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) return true;
    return byte != 0 && strchr("/-._~%!$&'()*+,;=:@?", byte) != NULL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// One byte of percent-encoded text; moves *at on. -1: malformed.
static int decode_byte(const char **at, const char *end)
{
    const char *here = *at;
    if (*here != '%') {
        *at = here + 1;
        return (unsigned char)*here;
    }
    if (end - here < 3 || hex_value(here[1]) < 0 || hex_value(here[2]) < 0) return -1;
    *at = here + 3;
    return hex_value(here[1]) * 16 + hex_value(here[2]);
}

// "", "." and ".." as segments would let two readers disagree about what is asked for. A "/" at the end may be.
static bool segments_valid(const char *path)
{
    for (const char *segment = path + 1;; segment++) {
        size_t length = strcspn(segment, "/");
        bool last = segment[length] == 0;
        if (length == 0 && !last) return false;
        if (length == 1 && segment[0] == '.') return false;
        if (length == 2 && segment[0] == '.' && segment[1] == '.') return false;
        if (last) return true;
        segment += length;
    }
}

static bool guard_path(struct http_message *message, char *path, size_t length)
{
    const char *at = path, *end = path + length;
    char *out = path;
    while (at < end) {
        bool encoded = *at == '%';
        int byte = decode_byte(&at, end);
        if (byte < 0) return http_refuse(message, 400, "malformed escape in the path");
        if (byte < 0x20 || byte == 0x7f) return http_refuse(message, 400, "control byte in the path");
        if (encoded && byte == '/') return http_refuse(message, 400, "encoded slash in the path");
        *out++ = (char)byte;
    }
    *out = 0;
    if (!utf8_valid(path, (size_t)(out - path))) return http_refuse(message, 400, "the path is not UTF-8");
    if (!segments_valid(path)) return http_refuse(message, 400, "empty or dot segment in the path");
    message->path = (uint32_t)(path - message->head.data);
    return true;
}

// Appends the decoded text and a NUL; its offset goes to *offset.
static bool decode_piece(struct http_message *message, const char *piece, size_t length, uint32_t *offset)
{
    struct text *decoded = &message->decoded;
    *offset = (uint32_t)decoded->length;
    const char *at = piece, *end = piece + length;
    while (at < end) {
        int byte = decode_byte(&at, end);
        if (byte < 0) return http_refuse(message, 400, "malformed escape in the query");
        if (byte == 0) return http_refuse(message, 400, "NUL in the query");
        text_add_char(decoded, (char)byte);
    }
    text_add_char(decoded, 0);
    if (!utf8_valid(decoded->data + *offset, decoded->length - *offset - 1))
        return http_refuse(message, 400, "the query is not UTF-8");
    return true;
}

static bool guard_parameter(struct http_message *message, const char *piece, size_t length)
{
    if (message->parameter_count == HTTP_PARAMETERS_MAX) return http_refuse(message, 400, "more than 64 parameters");
    const char *equals = memchr(piece, '=', length);
    size_t name_length = equals ? (size_t)(equals - piece) : length;
    const char *value = equals ? equals + 1 : piece + length;
    struct http_pair pair;
    if (!decode_piece(message, piece, name_length, &pair.name)) return false;
    if (!decode_piece(message, value, (size_t)(piece + length - value), &pair.value)) return false;
    if (http_message_parameter(message, message->decoded.data + pair.name))
        return http_refuse(message, 400, "a query parameter came twice");
    message->parameters[message->parameter_count++] = pair;
    return true;
}

static bool guard_query(struct http_message *message, char *query, size_t length)
{
    query[length] = 0;
    message->query = (uint32_t)(query - message->head.data);
    const char *end = query + length;
    for (const char *piece = query; piece < end;) {
        size_t piece_length = strcspn(piece, "&");
        if (piece_length > 0 && !guard_parameter(message, piece, piece_length)) return false;
        piece += piece_length + 1;
    }
    return true;
}

bool http_guard_target(struct http_message *message, char *target, size_t length)
{
    if (length == 0 || target[0] != '/') return http_refuse(message, 400, "the request target does not begin with /");
    for (size_t i = 0; i < length; i++)
        if (!is_target_byte((unsigned char)target[i])) return http_refuse(message, 400, "illegal byte in the target");
    char *mark = memchr(target, '?', length);
    // Without "?" the query is the empty text at the end of the target, where the space was.
    char *query = mark ? mark + 1 : target + length;
    if (!guard_query(message, query, (size_t)(target + length - query))) return false;
    return guard_path(message, target, mark ? (size_t)(mark - target) : length);
}
