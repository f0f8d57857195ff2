// SPDX-License-Identifier: Apache-2.0
// HTTP client (libcurl underneath) of the collectors and the command line: one connection kept alive, explicit deadlines, no redirects.
#pragma once
#include "common/text.h"

struct http_client;
struct http_client *http_client_new(int timeout_ms);
void http_client_free(struct http_client *client);
struct http_exchange { int status; struct text body; int retry_after_s; char content_type[96]; }; // zero-initialise; text_free(&body)
// headers: "Name: value" strings. ERR_RETRY: no answer (connection refused, reset, timed out).
enum err http_client_call(struct http_client *client, const char *method, const char *url, const char *const *headers, size_t header_count, const void *body, size_t length, struct http_exchange *exchange, struct fault *fault) MUST_USE;
