// SPDX-License-Identifier: Apache-2.0
// RFC 3986 appendix A as a table of bytes, and the few places where position matters. Hosts are not looked into beyond
// their alphabet: nobody connects to a source.
#include "ingest/event_uri.h"

enum { URI_PLAIN = 1, URI_SCHEME = 2, URI_BRACKET = 4 };

// unreserved, sub-delims, ':' '@' '/' '?' are plain; '#', '%' and brackets are looked at one by one.
static int uri_class(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return URI_PLAIN | URI_SCHEME;
    switch (c) {
    case '+':
    case '-':
    case '.':
        return URI_PLAIN | URI_SCHEME;
    case '_':
    case '~':
    case '!':
    case '$':
    case '&':
    case '\'':
    case '(':
    case ')':
    case '*':
    case ',':
    case ';':
    case '=':
    case ':':
    case '@':
    case '/':
    case '?':
        return URI_PLAIN;
    case '[':
    case ']':
        return URI_BRACKET;
    default:
        return 0;
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Where the part before the first ':' ends if that ':' comes before any '/', '?' or '#': a scheme. Else 0.
static const char *scheme_problem(struct slice text, size_t *after_scheme)
{
    *after_scheme = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '/' || c == '?' || c == '#') return NULL;
        if (c != ':') continue;
        bool letter =
            i > 0 && ((text.data[0] >= 'a' && text.data[0] <= 'z') || (text.data[0] >= 'A' && text.data[0] <= 'Z'));
        for (size_t k = 0; letter && k < i; k++)
            letter = uri_class((unsigned char)text.data[k]) & URI_SCHEME;
        if (!letter) return "the part before the first ':' is not a scheme";
        *after_scheme = i + 1;
        return NULL;
    }
    return NULL;
}

// End of the authority ("//host" after the scheme), where brackets may stand; 0 if there is none.
static size_t authority_end(struct slice text, size_t after_scheme)
{
    if (text.length < after_scheme + 2 || text.data[after_scheme] != '/' || text.data[after_scheme + 1] != '/')
        return 0;
    size_t end = after_scheme + 2;
    while (end < text.length && text.data[end] != '/' && text.data[end] != '?' && text.data[end] != '#')
        end++;
    return end;
}

const char *uri_reference_problem(struct slice text)
{
    size_t after_scheme;
    const char *problem = scheme_problem(text, &after_scheme);
    if (problem) return problem;
    size_t brackets_until = authority_end(text, after_scheme);
    bool fragment = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        int class = uri_class((unsigned char)c);
        if (class & URI_PLAIN) continue;
        if (c == '%') {
            if (text.length - i < 3 || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2]))
                return "'%' needs two hexadecimal digits";
        } else if (c == '#') {
            if (fragment) return "a second '#'";
            fragment = true;
        } else if (class == URI_BRACKET) {
            if (i >= brackets_until) return "a bracket outside of a host";
        } else {
            return "a character that a URI reference cannot have (encode it as %XX)";
        }
    }
    return NULL;
}
