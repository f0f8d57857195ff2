// SPDX-License-Identifier: Apache-2.0
// Runs requests. All reading of one request is one REPEATABLE READ, READ ONLY transaction that begins with api.bind.
#include "api/worker.h"

#include <stdlib.h>
#include <string.h>

#include "api/live_counter.h"
#include "api/route.h"
#include "common/backoff.h"
#include "common/log.h"
#include "common/metric.h"

enum { ARENA_BYTES = 65536, TRIES = 2 };

static const char settings_sql[] = "set statement_timeout = '15s';\n"
                                   "set lock_timeout = '5s';\n"
                                   "set idle_in_transaction_session_timeout = '30s';\n"
                                   "set default_transaction_read_only = on";

struct worker {
    const struct worker_shared *shared;
    struct db *db;
    struct live_counter *live;
    struct arena *arena;
    struct backoff backoff;
    int64_t next_try_us; // monotonic: not before
};

enum outcome_class { CLASS_GOOD, CLASS_REFUSED, CLASS_FAILED, CLASS_COUNT };
static struct metric *request_metrics[16][CLASS_COUNT];
static struct metric *unrouted_metric, *milliseconds_metric, *connects_metric, *refused_keys_metric;

void worker_register_metrics(void)
{
    static const char *const classes[CLASS_COUNT] = {"good", "refused", "failed"};
    struct text labels = {0};
    ENSURE(route_count < sizeof request_metrics / sizeof *request_metrics);
    for (size_t route = 0; route < route_count; route++)
        for (int outcome = 0; outcome < CLASS_COUNT; outcome++) {
            text_clear(&labels);
            text_print(&labels, "route=\"%s\",outcome=\"%s\"", route_table[route].name, classes[outcome]);
            request_metrics[route][outcome] =
                metric_register(METRIC_COUNTER, "turnpike_api_requests_total", labels.data,
                                "Requests answered: good (below 400), refused (below 500), failed.");
        }
    unrouted_metric = metric_register(METRIC_COUNTER, "turnpike_api_unrouted_total", "",
                                      "Requests to unknown paths or with other methods.");
    milliseconds_metric = metric_register(METRIC_COUNTER, "turnpike_api_request_milliseconds_total", "",
                                          "Time spent on requests, in milliseconds.");
    connects_metric =
        metric_register(METRIC_COUNTER, "turnpike_api_database_connects_total", "", "Connections made to PostgreSQL.");
    refused_keys_metric = metric_register(METRIC_COUNTER, "turnpike_api_refused_keys_total", "",
                                          "Requests with a missing, unknown, revoked or expired key.");
    text_free(&labels);
}

void *worker_open(void *shared)
{
    struct worker *worker = heap_alloc(sizeof *worker);
    worker->shared = shared;
    worker->live = live_counter_new(worker->shared->config);
    worker->arena = arena_new(ARENA_BYTES);
    worker->backoff = BACKOFF(100, 5000);
    return worker;
}

void worker_close(void *state)
{
    struct worker *worker = state;
    db_close(worker->db);
    live_counter_free(worker->live);
    arena_free(worker->arena);
    free(worker);
}

// --- the connection

enum err worker_check_role(struct db *db, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db,
                            "select r.rolsuper, r.rolbypassrls,\n"
                            "       (select count(*) from pg_class c where c.relowner = r.oid),\n"
                            "       (select coalesce(min(n.nspname || '.' || c.relname), '')\n"
                            "          from pg_class c join pg_namespace n on n.oid = c.relnamespace\n"
                            "         where n.nspname in ('rating', 'invoicing', 'ledger', 'catalog', 'api') and "
                            "c.relkind in ('r', 'p', 'v', 'm')\n"
                            "           and has_table_privilege(c.oid, 'select') and not c.relrowsecurity)\n"
                            "  from pg_roles r where r.rolname = current_user",
                            0, NULL, &result, fault);
    if (err) return err;
    if (db_get_bool(result, 0, 0) || db_get_bool(result, 0, 1) || db_get_int(result, 0, 2) > 0)
        err =
            fault_set(fault, ERR_CONFLICT, "turnpike_api",
                      "the role is superuser, has BYPASSRLS or owns tables: row-level security would not hold for it");
    else if (db_length(result, 0, 3) > 0)
        err = fault_set(fault, ERR_CONFLICT, "turnpike_api", "the role may read %s, which has no row-level security",
                        db_text(result, 0, 3));
    db_result_free(result);
    return err;
}

static enum err connect_database(struct worker *worker, struct fault *fault)
{
    if (worker->db && db_alive(worker->db)) return ERR_OK;
    db_close(worker->db);
    worker->db = NULL;
    if (clock_monotonic_us() < worker->next_try_us)
        return fault_set(fault, ERR_RETRY, "postgres", "not tried again yet");
    enum err err = db_open(worker->shared->config, "api", NULL, &worker->db, fault);
    if (!err) err = db_script(worker->db, settings_sql, fault);
    if (!err) err = worker_check_role(worker->db, fault); // it may have changed while we were away
    if (!err) {
        metric_add(connects_metric, 1);
        backoff_reset(&worker->backoff);
        return ERR_OK;
    }
    log_warn("postgres_unusable", LOG_TEXT("error", err_name(err)), LOG_FAULT(fault));
    db_close(worker->db);
    worker->db = NULL;
    worker->next_try_us = clock_monotonic_us() + backoff_next_ms(&worker->backoff) * 1000;
    return ERR_RETRY;
}

// --- the key

static enum err refuse_key(struct api_call *call)
{
    metric_add(refused_keys_metric, 1);
    return call_problem(call, 401, "unauthorized",
                        "send Authorization: Bearer tpk_..., a key of this installation that is in force");
}

static enum err bind_key(struct api_call *call)
{
    struct db_result *result;
    const char *const values[] = {call->key_id, db_bytes(call->arena, call->secret_hash, sizeof call->secret_hash)};
    enum err err = db_query(call->db, "select outcome, every_tenant, account from api.bind($1, $2)", 2, values, &result,
                            &call->fault);
    if (err) return err;
    const char *outcome = db_text(result, 0, 0);
    call->every_tenant = db_get_bool(result, 0, 1);
    call->account = db_get_int(result, 0, 2);
    if (strcmp(outcome, "scope") == 0)
        err = call_problem(call, 403, "forbidden", "this key may not read: it lacks the scope read");
    else if (strcmp(outcome, "granted") != 0)
        err = refuse_key(call);
    db_result_free(result);
    return err;
}

// --- the request

static enum err check_parameters(struct api_call *call, const struct route *route)
{
    for (size_t i = 0; i < http_parameter_count(call->request); i++) {
        const char *name = http_parameter_name(call->request, i);
        if (!route_takes(route, name))
            return call_problem(call, 400, "unknown_parameter", "there is no parameter of this name here");
    }
    return ERR_OK;
}

static enum err run_handler(struct api_call *call, const struct route *route, struct slice id)
{
    enum err err = db_begin_snapshot(call->db, &call->fault);
    if (!err) err = bind_key(call);
    if (!err && !call->status) err = check_parameters(call, route);
    if (!err && !call->status) err = route->handler(call, id);
    if (!err) err = db_commit(call->db, &call->fault);
    if (err) db_rollback(call->db);
    return err;
}

static void clear_answer(struct api_call *call)
{
    call->status = 0;
    call->code = call->detail = call->content_type = NULL;
    memset(call->extra, 0, sizeof call->extra);
    text_clear(&call->body);
}

static enum err answer_error(struct api_call *call, enum err err)
{
    clear_answer(call);
    if (err != ERR_RETRY && err != ERR_LIMIT && err != ERR_UNCERTAIN) {
        log_error("request_failed", LOG_TEXT("path", call->request->path), LOG_TEXT("error", err_name(err)),
                  LOG_FAULT(&call->fault));
        return call_problem(call, 500, "internal_error", "this went wrong on our side and was logged");
    }
    log_warn("request_put_off", LOG_TEXT("path", call->request->path), LOG_TEXT("error", err_name(err)),
             LOG_FAULT(&call->fault));
    if (err == ERR_LIMIT) return call_problem(call, 503, "too_slow", "this took too long; ask for less, or later");
    return call_problem(call, 503, "unavailable", "the database cannot be reached at the moment; try again");
}

static void run_call(struct worker *worker, struct api_call *call, const struct route *route, struct slice id)
{
    enum err err = ERR_RETRY;
    // reading may be repeated: a connection that was lost since the last request is noticed only now
    for (int try = 0; try < TRIES && err == ERR_RETRY; try++) {
        clear_answer(call);
        err = connect_database(worker, &call->fault);
        call->db = worker->db;
        if (err) break;
        err = run_handler(call, route, id);
        if (err == ERR_RETRY && db_alive(worker->db)) break;
    }
    if (err) answer_error(call, err);
}

static void send_answer(struct http_request *request, const struct api_call *call)
{
    if (call->status >= 400) {
        http_problem(request, call->status, call->code, call->detail, NULL);
        return;
    }
    struct http_reply reply = {
        .status = call->status,
        .content_type = call->status == 304 ? NULL : call->content_type,
        .body = {call->body.data ? call->body.data : "", call->status == 304 ? 0 : call->body.length}};
    memcpy(reply.extra, call->extra, sizeof reply.extra);
    http_answer(request, &reply);
}

static void serve(struct worker *worker, struct http_request *request, const struct route *route, struct slice id)
{
    const struct worker_shared *shared = worker->shared;
    struct catalogue *catalogue = catalogue_follower_take(shared->catalogue);
    struct api_call call = {.request = request,
                            .catalogue = catalogue,
                            .config = shared->config,
                            .live = worker->live,
                            .arena = worker->arena,
                            .now = clock_now(shared->clock)};
    const char *authorization = http_header(request, "Authorization");
    if (!authorization || api_key_parse(slice_of(authorization), call.key_id, call.secret_hash, &call.fault))
        refuse_key(&call);
    else if (!catalogue)
        call_problem(&call, 503, "unavailable", "the catalogue is not loaded yet; try again");
    else
        run_call(worker, &call, route, id);
    enum outcome_class class = call.status < 400 ? CLASS_GOOD : call.status < 500 ? CLASS_REFUSED : CLASS_FAILED;
    metric_add(request_metrics[route - route_table][class], 1);
    send_answer(request, &call);
    explicit_bzero(call.secret_hash, sizeof call.secret_hash);
    text_free(&call.body);
    catalogue_release(catalogue);
    arena_reset(worker->arena);
}

void worker_handle(void *context, struct http_request *request)
{
    struct worker *worker = context;
    struct slice id;
    int64_t begin = clock_monotonic_us();
    const struct route *route = route_find(request->path, &id);
    bool reads = request->method == HTTP_GET || request->method == HTTP_HEAD;
    if (!route || !reads) metric_add(unrouted_metric, 1);
    if (!route)
        http_problem(request, 404, "not_found", "there is no such thing, or it is not yours", NULL);
    else if (!reads)
        http_method_not_allowed(request, "GET, HEAD");
    else
        serve(worker, request, route, id);
    metric_add(milliseconds_metric, (clock_monotonic_us() - begin) / 1000);
}
