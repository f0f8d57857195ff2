// SPDX-License-Identifier: Apache-2.0
// One request at work: what a handler gets and how it answers. The handler runs inside a read-only snapshot that the
// caller's key is bound to (api.bind), so the database shows it that key's rows only. It writes its answer into the
// call; the answer goes out after the transaction has ended, and is thrown away when the connection was lost: then the
// handler runs once more.
#pragma once
#include "catalogue/api_key.h"
#include "common/http.h"
#include "common/json.h"

struct live_counter;
struct api_call {
    const struct http_request *request;
    const struct catalogue *catalogue;
    const struct config *config;
    struct db *db;
    struct live_counter *live; // of the worker
    struct arena *arena;       // dropped when the answer is out
    instant_us now;
    // the caller
    char key_id[API_KEY_ID_SIZE];
    unsigned char secret_hash[SHA256_BYTES];
    bool every_tenant; // reads everything
    int64_t account;   // its own account; 0: none
    // the answer
    int status;
    const char *code, *detail; // of a problem; status >= 400
    const char *content_type;
    const char *extra[8]; // name, value, ..., NULL unless full
    struct text body;
    struct fault fault;
};
// ERR_OK: the answer is in the call, be it a problem. An error: api_worker.c answers by its kind.
typedef enum err api_handler(struct api_call *call, struct slice id);
api_handler api_usage, api_spend, api_invoices, api_invoice;

// The handler's ending: a problem with a code of docs/api.md. Returns ERR_OK.
enum err call_problem(struct api_call *call, int status, const char *code, const char *format, ...) PRINTF_LIKE(4, 5);
// The same for a faulty parameter: ERR_INVALID is 400, ERR_LIMIT 422. Other errors are returned as they are.
enum err call_bad_parameter(struct api_call *call, const char *parameter, enum err err);
// What is foreign and what is unknown is answered alike.
enum err call_not_found(struct api_call *call);
// The tenant if it is known and the key may read it; NULL with ERR_OK: the answer (404) is in the call.
enum err call_tenant(struct api_call *call, struct slice id, const struct tenant **tenant) MUST_USE;
// Begins the JSON answer, 200 and never stored by anybody on the way.
void call_json(struct api_call *call, struct json_writer *writer);
