// SPDX-License-Identifier: Apache-2.0
// The HTTP client of the collectors and the command line (libcurl underneath). One easy handle, so one kept connection.
// It connects directly: a proxy or a redirect named by somebody else must not see an API key.
#include "common/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/arena.h"

enum { ANSWER_BYTES_MAX = 64 * 1024 * 1024 };

struct http_client {
    CURL *curl;
    char reason[CURL_ERROR_SIZE];
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void library_open(void)
{
    ENSURE(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct http_client *http_client_new(int timeout_ms)
{
    ENSURE(timeout_ms > 0);
    ENSURE(pthread_once(&library_once, library_open) == 0);
    struct http_client *client = heap_alloc(sizeof *client);
    client->curl = curl_easy_init();
    ENSURE(client->curl != NULL);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)timeout_ms) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_PROXY, "") == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_USERAGENT, "turnpike/" TURNPIKE_VERSION) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->reason) == CURLE_OK);
    return client;
}

void http_client_free(struct http_client *client)
{
    if (!client) return;
    curl_easy_cleanup(client->curl);
    free(client);
}

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct text *body = context;
    size_t length = size * count;                           // libcurl: size is always 1
    if (body->length + length > ANSWER_BYTES_MAX) return 0; // makes the call fail with CURLE_WRITE_ERROR
    text_add(body, data, length);
    return length;
}

static enum err header_list(const char *const *headers, size_t count, struct curl_slist **list, struct fault *fault)
{
    for (size_t i = 0; i < count; i++) {
        if (!strchr(headers[i], ':') || strpbrk(headers[i], "\r\n"))
            return fault_set(fault, ERR_INVALID, "headers", "header %zu is not one line of the form Name: value", i);
    }
    *list = NULL;
    for (size_t i = 0; i <= count; i++) {
        // "Expect:" removes libcurl's own, which would cost a round trip for every larger body.
        struct curl_slist *longer = curl_slist_append(*list, i < count ? headers[i] : "Expect:");
        ENSURE(longer != NULL);
        *list = longer;
    }
    return ERR_OK;
}

static void set_request(struct http_client *client, const char *method, const void *body, size_t length)
{
    CURL *curl = client->curl;
    bool head = strcmp(method, "HEAD") == 0,
         sends = length > 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    ENSURE(curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK); // forgets the body of the call before
    ENSURE(curl_easy_setopt(curl, CURLOPT_NOBODY, head ? 1L : 0L) == CURLE_OK);
    if (sends) {
        ENSURE(curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)length) == CURLE_OK);
        ENSURE(curl_easy_setopt(curl, CURLOPT_POSTFIELDS, length ? body : "") == CURLE_OK);
    }
    ENSURE(curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, head ? NULL : method) == CURLE_OK);
}

// What the caller can do about it decides; libcurl has a hundred codes, most of which mean "no answer".
static enum err outcome_of(CURLcode code)
{
    if (code == CURLE_OK) return ERR_OK;
    if (code == CURLE_WRITE_ERROR) return ERR_LIMIT;
    static const CURLcode ours[] = {CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_PEER_FAILED_VERIFICATION,
                                    CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (code == ours[i]) return ERR_INVALID;
    return ERR_RETRY;
}

static void read_answer(struct http_client *client, struct http_exchange *exchange)
{
    long status = 0;
    curl_off_t retry_after_s = 0;
    char *type = NULL;
    ENSURE(curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    ENSURE(curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &retry_after_s) ==
           CURLE_OK); // seconds, also of a date
    ENSURE(curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK);
    exchange->status = (int)status;
    exchange->retry_after_s = retry_after_s > INT32_MAX ? INT32_MAX : (int)retry_after_s;
    size_t length = type ? strnlen(type, sizeof exchange->content_type - 1) : 0;
    if (length) memcpy(exchange->content_type, type, length);
    exchange->content_type[length] = 0;
}

static void clear_exchange(struct http_exchange *exchange)
{
    exchange->status = exchange->retry_after_s = 0;
    exchange->content_type[0] = 0;
    if (exchange->body.data) text_clear(&exchange->body);
}

enum err http_client_call(struct http_client *client, const char *method, const char *url, const char *const *headers,
                          size_t header_count, const void *body, size_t length, struct http_exchange *exchange,
                          struct fault *fault)
{
    struct curl_slist *list = NULL;
    clear_exchange(exchange);
    enum err err = header_list(headers, header_count, &list, fault);
    if (err) return err;
    set_request(client, method, body, length);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_URL, url) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, list) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &exchange->body) == CURLE_OK);
    client->reason[0] = 0;
    CURLcode code = curl_easy_perform(client->curl);
    ENSURE(curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL) == CURLE_OK);
    curl_slist_free_all(list);
    err = outcome_of(code);
    if (err == ERR_LIMIT) return fault_set(fault, err, url, "the answer is larger than %d bytes", ANSWER_BYTES_MAX);
    if (err) return fault_set(fault, err, url, "%s", client->reason[0] ? client->reason : curl_easy_strerror(code));
    read_answer(client, exchange);
    return ERR_OK;
}
