// SPDX-License-Identifier: Apache-2.0
// A request's way to its answer, in this order: route, key, room in flight, form, verdict on every event, Kafka.
#include "ingest/gateway.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/json.h"
#include "common/log.h"

#define EVENTS_PATH "/api/v1/events"

void gateway_problem(struct http_request *request, int status, const char *code, const char *detail,
                     const char *members_or_null)
{
    gateway_count_answer(status);
    http_problem(request, status, code, detail, members_or_null);
}

// POST on the one path, no parameter but partial=true|false. False: answered.
static bool check_route(struct http_request *request, bool *partial)
{
    if (strcmp(request->path, EVENTS_PATH) != 0) {
        gateway_problem(request, 404, "not_found", "events are taken at " EVENTS_PATH, NULL);
        return false;
    }
    if (request->method != HTTP_POST) {
        gateway_count_answer(405);
        http_method_not_allowed(request, "POST");
        return false;
    }
    const char *value = http_parameter(request, "partial");
    bool known = !value || strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    if (!known || http_parameter_count(request) > (value ? 1 : 0)) {
        gateway_problem(request, 400, "unknown_parameter", "the only parameter is partial, true or false", NULL);
        return false;
    }
    *partial = value && strcmp(value, "true") == 0;
    return true;
}

// The key of a request, by "Authorization: Bearer tpk_..." alone. NULL: none that is good now.
static const struct api_key *find_key(const struct gateway *gateway, const struct knowledge_snapshot *known,
                                      const struct http_request *request)
{
    char key_id[API_KEY_ID_SIZE];
    unsigned char secret_hash[SHA256_BYTES];
    const char *authorization = http_header(request, "authorization");
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0) return NULL;
    if (api_key_parse(slice_of(authorization), key_id, secret_hash, NULL) != ERR_OK) return NULL;
    return api_key_find(known->keys, key_id, secret_hash, clock_now(gateway->clock));
}

// With the peer, never with what was sent; at most one line a second, for anybody can send wrong keys.
static void note_refused_key(struct gateway *gateway, const struct http_request *request, const struct api_key *key)
{
    int64_t now_us = clock_monotonic_us();
    gateway->keys_refused++;
    if (gateway->keys_refused_logged_us != 0 && now_us - gateway->keys_refused_logged_us < SECOND_US) return;
    log_warn("key_refused", LOG_TEXT("peer", request->peer), LOG_TEXT("key", key ? key->key_id : NULL),
             LOG_INT("requests", gateway->keys_refused));
    gateway->keys_refused_logged_us = now_us;
    gateway->keys_refused = 0;
}

// NULL: answered.
static const struct api_key *check_key(struct gateway *gateway, const struct knowledge_snapshot *known,
                                       struct http_request *request)
{
    const struct api_key *key = find_key(gateway, known, request);
    if (key && (key->scopes & (API_KEY_INGEST | API_KEY_OPERATE))) return key;
    note_refused_key(gateway, request, key);
    if (key)
        gateway_problem(request, 403, "missing_scope", "the key may not send events: it lacks the scope ingest", NULL);
    else
        gateway_problem(request, 401, "unauthorized",
                        "send Authorization: Bearer tpk_..., a key that is neither expired nor revoked", NULL);
    return NULL;
}

static bool read_events(struct gateway *gateway, struct http_request *request, struct slice **events, size_t *count)
{
    size_t header_count = http_header_count(request);
    struct request_header *headers = ARENA_ARRAY(request->arena, struct request_header, header_count);
    for (size_t i = 0; i < header_count; i++)
        headers[i] = (struct request_header){http_header_name(request, i), http_header_value(request, i)};
    const struct request_input input = {
        .content_type = http_header(request, "content-type"),
        .headers = headers,
        .header_count = header_count,
        .body = request->body,
        .events_most = gateway->events_most,
    };
    struct request_problem problem;
    if (request_read(&input, request->arena, events, count, &problem) == ERR_OK) return true;
    gateway_count_refusal(problem.code, 1);
    gateway_problem(request, problem.status, problem.code, problem.detail, NULL);
    return false;
}

// A key used for another's tenant is either a mistake of ours in a key's tenants or somebody trying: it stands in the
// log.
static void note_refusals(const struct admission *admission, const struct api_key *key,
                          const struct http_request *request)
{
    size_t forbidden = 0;
    for (size_t i = 0; i < admission->refused_count; i++) {
        gateway_count_refusal(admission->refused[i].reason, 1);
        forbidden += admission->refused[i].kind == REFUSAL_FORBIDDEN;
    }
    if (forbidden > 0)
        log_warn("tenant_refused", LOG_TEXT("key", key->key_id), LOG_TEXT("peer", request->peer),
                 LOG_INT("events", forbidden));
}

static void answer_refused(struct http_request *request, const struct admission *admission)
{
    struct text errors = {0};
    char detail[128];
    admission_print_errors(admission, &errors);
    snprintf(detail, sizeof detail, "%zu of %zu events cannot be taken; nothing was accepted", admission->refused_count,
             admission->refused_count + admission->admitted_count);
    gateway_problem(request, admission_status(admission->worst), admission_code(admission->worst), detail, errors.data);
    text_free(&errors);
}

// Have the tenants of the events sent too much of late? Then nothing of the request is taken. False: answered.
static bool check_rate(struct gateway *gateway, struct http_request *request, size_t events)
{
    int64_t wait_us = 0;
    const struct tenant *tenant = gateway->rate ? tenant_rate_take(gateway->rate, &wait_us) : NULL;
    if (!tenant) return true;
    struct text members = {0};
    char detail[128];
    text_add_string(&members, "\"tenant\":");
    text_add_json_string(&members, tenant->id, strlen(tenant->id));
    text_print(&members, ",\"retry_after_ms\":%lld", (long long)(wait_us / 1000 + 1));
    snprintf(detail, sizeof detail, "the tenant sends more than %lld events a second; nothing was accepted",
             (long long)config_int(gateway->config, "ingest.tenant_rate"));
    gateway_count_refusal("tenant_rate", (int64_t)events);
    gateway_problem(request, 429, "tenant_rate", detail, members.data);
    text_free(&members);
    return false;
}

static void answer_unavailable(struct http_request *request, const char *code, const char *detail)
{
    gateway_problem(request, 503, code, detail, NULL);
}

// Body of the answer to a request of which only a part was accepted: the members of a problem, but its type and title.
static void print_partial(const struct admission *admission, struct text *reply)
{
    text_print(reply,
               "{\"status\":200,\"code\":\"partially_accepted\",\"detail\":\"%zu of %zu events cannot be taken; the "
               "others were accepted\",\"accepted\":%zu,\"refused\":%zu,",
               admission->refused_count, admission->refused_count + admission->admitted_count,
               admission->admitted_count, admission->refused_count);
    admission_print_errors(admission, reply);
    text_add_char(reply, '}');
}

static void handle_known(struct gateway *gateway, const struct knowledge_snapshot *known, struct http_request *request,
                         bool partial)
{
    struct slice *events;
    size_t count;
    struct admission admission;
    const struct api_key *key = check_key(gateway, known, request);
    if (!key) return;
    if (gateway->in_flight_bytes + request->body.length > gateway->in_flight_most) {
        answer_unavailable(request, "too_much_in_flight", "too many events wait for Kafka, slow down");
        return;
    }
    if (!read_events(gateway, request, &events, &count)) return;
    const struct admission_rules rules = {known->catalogue, &gateway->content_key, key, clock_now(gateway->clock),
                                          gateway->event_bytes_most, gateway->rate};
    if (gateway->rate) tenant_rate_begin(gateway->rate, clock_monotonic_us());
    admission_judge(&rules, events, count, request->arena, &admission);
    if (admission.refused_count > 0) note_refusals(&admission, key, request);
    if (admission.refused_count > 0 && (!partial || admission.admitted_count == 0)) {
        answer_refused(request, &admission);
        return;
    }
    if (!check_rate(gateway, request, admission.admitted_count)) return;
    struct text reply = {0};
    if (admission.refused_count > 0) print_partial(&admission, &reply);
    gateway_deliver(gateway, known, request, &admission, &reply);
}

void gateway_handle(void *context, struct http_request *request)
{
    struct gateway *gateway = context;
    bool partial;
    if (!check_route(request, &partial)) return;
    struct knowledge_snapshot *known = knowledge_retain(gateway->knowledge);
    if (known)
        handle_known(gateway, known, request, partial);
    else
        answer_unavailable(request, "starting", "the catalogue and the keys are not loaded yet");
    knowledge_release(gateway->knowledge, known);
}
