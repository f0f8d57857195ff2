// SPDX-License-Identifier: Apache-2.0
// What handlers share.
#include "api/call.h"

#include <stdio.h>
#include <string.h>

enum err call_problem(struct api_call *call, int status, const char *code, const char *format, ...)
{
    char detail[FAULT_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments); // what does not fit is cut
    va_end(arguments);
    call->status = status;
    call->code = code;
    call->detail = arena_text(call->arena, detail, strlen(detail));
    return ERR_OK;
}

enum err call_bad_parameter(struct api_call *call, const char *parameter, enum err err)
{
    if (err == ERR_INVALID) return call_problem(call, 400, "invalid_parameter", "%s %s", parameter, call->fault.reason);
    if (err == ERR_LIMIT) return call_problem(call, 422, "range_too_large", "%s: %s", parameter, call->fault.reason);
    return err;
}

enum err call_not_found(struct api_call *call)
{
    return call_problem(call, 404, "not_found", "there is no such thing, or it is not yours");
}

enum err call_tenant(struct api_call *call, struct slice id, const struct tenant **tenant)
{
    const struct tenant *found = catalogue_tenant(call->catalogue, id);
    const char *number = db_int(call->arena, found ? found->number : -1); // an unknown one costs the same question
    struct db_result *result;
    enum err err = db_query(call->db, "select api.granted_all() or $1::bigint = any (api.granted_tenants())", 1,
                            &number, &result, &call->fault);
    *tenant = NULL;
    if (err) return err;
    if (db_get_bool(result, 0, 0)) *tenant = found;
    db_result_free(result);
    return *tenant ? ERR_OK : call_not_found(call);
}

void call_json(struct api_call *call, struct json_writer *writer)
{
    call->status = 200;
    call->content_type = "application/json";
    call->extra[0] = "Cache-Control";
    call->extra[1] = "no-store";
    call->extra[2] = NULL;
    text_clear(&call->body);
    json_begin(writer, &call->body);
    json_object_open(writer);
}
