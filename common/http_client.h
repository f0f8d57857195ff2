// SPDX-License-Identifier: Apache-2.0
// HTTP client (libcurl underneath) of the collectors and the command line: one connection kept alive, explicit
// deadlines, no redirects, no proxy. A client belongs to one thread at a time.
#pragma once
#include "common/text.h"

struct http_client;
struct http_client *http_client_new(int timeout_ms); // of a whole call; > 0
void http_client_free(struct http_client *client);   // NULL is fine
struct http_exchange {
    int status;
    struct text body;
    int retry_after_s;
    char content_type[96];
}; // zero-initialise; text_free(&body)
// headers: "Name: value" strings. Any answer of the server is ERR_OK, whatever its status. ERR_RETRY: no answer
// (connection refused, reset, timed out). ERR_INVALID: the URL, a header or the server's certificate is wrong.
// ERR_LIMIT: an answer over 64 MiB. The exchange may be used again: each call clears it and keeps its memory.
// retry_after_s is 0 without the header.
enum err http_client_call(struct http_client *client, const char *method, const char *url, const char *const *headers,
                          size_t header_count, const void *body, size_t length, struct http_exchange *exchange,
                          struct fault *fault) MUST_USE;
