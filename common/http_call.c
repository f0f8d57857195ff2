// SPDX-License-Identifier: Apache-2.0
// One request from its first byte to its answer: its memory (kept for reuse by the loop thread) and what a handler
// asks.
#include <stdlib.h>
#include <string.h>

#include "common/http_internal.h"

enum { CALL_ARENA_BYTES = 4096 };

struct http_call *http_call_new(struct http_server *server)
{
    struct http_call *call = server->spares;
    if (call) {
        server->spares = call->next;
        server->spare_count--;
        call->next = NULL;
    } else {
        call = heap_alloc(sizeof *call);
        call->arena = arena_new(CALL_ARENA_BYTES);
    }
    call->mailbox = server->mailbox;
    http_mailbox_hold(call->mailbox);
    server->calls_out++;
    return call;
}

void http_call_free(struct http_call *call)
{
    if (call->mailbox) http_mailbox_drop(call->mailbox);
    http_message_fini(&call->message);
    text_free(&call->reply_head);
    text_free(&call->reply_body);
    arena_free(call->arena);
    free(call);
}

static void keep_small(struct text *text)
{
    if (text->capacity > HTTP_KEEP_BYTES)
        text_free(text);
    else if (text->data)
        text_clear(text);
}

static bool worth_keeping(const struct http_server *server, const struct http_call *call)
{
    return server->spare_count < HTTP_SPARE_CALLS_MAX && arena_bytes(call->arena) <= HTTP_KEEP_BYTES;
}

void http_call_release(struct http_server *server, struct http_call *call)
{
    server->calls_out--;
    if (worth_keeping(server, call)) {
        http_mailbox_drop(call->mailbox);
        arena_reset(call->arena);
        http_message_reset(&call->message);
        keep_small(&call->message.body);
        keep_small(&call->reply_head);
        keep_small(&call->reply_body);
        call->mailbox = NULL;
        call->connection = NULL;
        call->reply_ready = call->closes = false;
        atomic_store(&call->answered, false);
        call->next = server->spares;
        server->spares = call;
        server->spare_count++;
    } else {
        http_call_free(call);
    }
    http_server_check_drained(server);
}

void http_call_present(struct http_call *call)
{
    const struct http_message *message = &call->message;
    const char *head = message->head.data;
    call->request = (struct http_request){
        .method = message->method,
        .path = head + message->path,
        .query = head + message->query,
        .body = {message->body.data ? message->body.data : "", message->body.length},
        .arena = call->arena,
        .peer = call->peer,
        .handle = call,
    };
}

static const struct http_message *message_of(const struct http_request *request)
{
    const struct http_call *call = request->handle;
    return &call->message;
}

const char *http_header(const struct http_request *request, const char *name)
{
    return http_message_header(message_of(request), name);
}

size_t http_header_count(const struct http_request *request)
{
    return message_of(request)->header_count;
}

const char *http_header_name(const struct http_request *request, size_t index)
{
    const struct http_message *message = message_of(request);
    ENSURE(index < message->header_count);
    return message->head.data + message->headers[index].name;
}

const char *http_header_value(const struct http_request *request, size_t index)
{
    const struct http_message *message = message_of(request);
    ENSURE(index < message->header_count);
    return message->head.data + message->headers[index].value;
}

const char *http_parameter(const struct http_request *request, const char *name)
{
    return http_message_parameter(message_of(request), name);
}

size_t http_parameter_count(const struct http_request *request)
{
    return message_of(request)->parameter_count;
}

const char *http_parameter_name(const struct http_request *request, size_t index)
{
    const struct http_message *message = message_of(request);
    ENSURE(index < message->parameter_count);
    return message->decoded.data + message->parameters[index].name;
}
