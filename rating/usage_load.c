// SPDX-License-Identifier: Apache-2.0
// Loads the usage of many accounts in a few set-based statements (schema/0005_usage.sql, 0009_settlement.sql) and turns the rows into usage
// lines. Does: the statements. Decides nothing about money: merging is in usage_rows.c, intervals in interval.c.
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "rating/usage_event.h"
#include "rating/usage_rows.h"

enum { EVENTS_FETCHED = 20000 }; // at a time: a page of rows, whatever an account has

struct load {
    struct db *db;
    const char *schema; // "rating" or "api"
    const struct catalogue *catalogue;
    const char *cut; // text of the number, NULL: live
    const struct usage_request *requests;
    struct usage_spans spans;
    struct arena *arena;
    struct usage_rows rows;
    const struct usage_basis *bases;  // one per request, or NULL: nothing to build on, nothing gathered
    struct usage_gathered *gathered;  // one per request; anew: its spans are read whole
    struct usage_rows gathered_rows;
    struct usage_events events;
    struct fault *fault;
};

// --- parameters

// Spans that are asked for by one statement; their places come back with the rows.
struct span_list { const struct usage_span **spans; size_t count; };

static struct span_list all_spans(struct load *load)
{
    struct span_list list = {ARENA_ARRAY(load->arena, const struct usage_span *, load->spans.count + 1), load->spans.count};
    for (size_t i = 0; i < load->spans.count; i++) list.spans[i] = &load->spans.list[i];
    return list;
}

// Those whose requests are read anew, or the others.
static struct span_list some_spans(struct load *load, bool anew)
{
    struct span_list list = {ARENA_ARRAY(load->arena, const struct usage_span *, load->spans.count + 1), 0};
    for (size_t i = 0; i < load->spans.count; i++)
        if (load->gathered[load->spans.list[i].request].anew == anew) list.spans[list.count++] = &load->spans.list[i];
    return list;
}

static const char *instant_array(struct load *load, const struct span_list *list, bool ends)
{
    struct array array = {0};
    for (size_t i = 0; i < list->count; i++) array_add_instant(&array, ends ? list->spans[i]->to : list->spans[i]->from);
    return array_end(&array, load->arena);
}

static const char *tenant_array(struct load *load, const struct span_list *list)
{
    struct array array = {0};
    for (size_t i = 0; i < list->count; i++) array_add_int(&array, list->spans[i]->tenant);
    return array_end(&array, load->arena);
}

static const char *basis_cut_array(struct load *load, const struct span_list *list)
{
    struct array array = {0};
    for (size_t i = 0; i < list->count; i++) array_add_int(&array, load->bases[list->spans[i]->request].cut);
    return array_end(&array, load->arena);
}

static const char *distinct_tenant_array(struct load *load)
{
    struct array array = {0};
    for (size_t i = 0; i < load->spans.range_count; i++)
        if (!i || load->spans.ranges[i].tenant != load->spans.ranges[i - 1].tenant) array_add_int(&array, load->spans.ranges[i].tenant);
    return array_end(&array, load->arena);
}

static enum err query(struct load *load, const char *function, const char *placeholders, int count, const char *const *values, struct db_result **result)
{
    return db_query(load->db, arena_print(load->arena, "select * from %s.%s(%s)", load->schema, function, placeholders), count, values, result, load->fault);
}

// --- rows

static const struct usage_span *span_of(const struct span_list *list, const struct db_result *result, int row)
{
    int64_t number = db_get_int(result, row, 0);
    ENSURE(number >= 1 && (size_t)number <= list->count);
    return list->spans[number - 1];
}

// Rows of usage_added and usage_added_between. One without a meter: what its request builds on cannot be told apart any more.
static void take_added(struct load *load, const struct db_result *result, const struct span_list *list)
{
    for (int row = 0; row < db_rows(result); row++) {
        const struct usage_span *span = span_of(list, result, row);
        struct usage_line line = {.kind = USAGE_QUANTITY, .tenant = span->tenant, .segment = span->segment,
                                  .meter = (int32_t)db_get_int(result, row, 1), .dimension_set = db_get_uuid(result, row, 2),
                                  .quantity = {db_get_decimal(result, row, 3, QUANTITY_PLACES)}};
        if (db_is_null(result, row, 1)) {
            load->gathered[span->request].anew = true;
            continue;
        }
        usage_rows_add(&load->rows, span->request, &line);
        if (load->gathered) usage_rows_add(&load->gathered_rows, span->request, &line);
    }
}

static enum err load_whole(struct load *load, const struct span_list *list)
{
    struct db_result *result;
    const char *const values[] = {load->cut, tenant_array(load, list), instant_array(load, list, false), instant_array(load, list, true)};
    if (!list->count) return ERR_OK;
    enum err err = query(load, "usage_added", "$1, $2, $3, $4", 4, values, &result);
    if (err) return err;
    take_added(load, result, list);
    db_result_free(result);
    return ERR_OK;
}

static enum err load_between(struct load *load, const struct span_list *list)
{
    struct db_result *result;
    const char *const values[] = {basis_cut_array(load, list), load->cut, tenant_array(load, list), instant_array(load, list, false),
                                  instant_array(load, list, true)};
    if (!list->count) return ERR_OK;
    enum err err = query(load, "usage_added_between", "$1, $2, $3, $4, $5", 5, values, &result);
    if (err) return err;
    take_added(load, result, list);
    db_result_free(result);
    return ERR_OK;
}

static enum err load_added(struct load *load, size_t count)
{
    const struct span_list all = all_spans(load);
    if (!load->gathered) return load_whole(load, &all);
    usage_spans_digest(load->requests, count, load->spans.list, load->spans.count, load->gathered);
    for (size_t i = 0; i < count; i++) load->gathered[i].anew = !usage_basis_holds(&load->bases[i], &load->gathered[i]);
    const struct span_list later = some_spans(load, false);
    enum err err = load_between(load, &later); // first: it may find more to read anew
    if (err) return err;
    const struct span_list anew = some_spans(load, true);
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; !load->gathered[i].anew && l < load->bases[i].line_count; l++) usage_rows_add(&load->rows, i, &load->bases[i].lines[l]);
    return load_whole(load, &anew);
}

// Reading slot values passes over all deltas of the spans: not for requests that build on usage without any, if none came since.
// Leaves no_levels at those.
static enum err find_quiet(struct load *load, size_t count)
{
    struct db_result *result;
    struct span_list list = {ARENA_ARRAY(load->arena, const struct usage_span *, load->spans.count + 1), 0};
    for (size_t i = 0; i < count; i++) load->gathered[i].no_levels = !load->gathered[i].anew && load->bases[i].no_levels;
    for (size_t i = 0; i < load->spans.count; i++)
        if (load->gathered[load->spans.list[i].request].no_levels) list.spans[list.count++] = &load->spans.list[i];
    if (!list.count) return ERR_OK;
    const char *const values[] = {basis_cut_array(load, &list), load->cut, tenant_array(load, &list), instant_array(load, &list, false),
                                  instant_array(load, &list, true)};
    enum err err = query(load, "levels_between", "$1, $2, $3, $4, $5", 5, values, &result);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) load->gathered[span_of(&list, result, row)->request].no_levels = false;
    db_result_free(result);
    return ERR_OK;
}

static struct span_list spans_with_levels(struct load *load)
{
    struct span_list list = {ARENA_ARRAY(load->arena, const struct usage_span *, load->spans.count + 1), 0};
    for (size_t i = 0; i < load->spans.count; i++)
        if (!load->gathered || !load->gathered[load->spans.list[i].request].no_levels) list.spans[list.count++] = &load->spans.list[i];
    return list;
}

static enum err load_slot_values(struct load *load, size_t request_count)
{
    struct db_result *result;
    enum err err = load->gathered ? find_quiet(load, request_count) : ERR_OK;
    if (err) return err;
    const struct span_list list = spans_with_levels(load);
    const char *const values[] = {load->cut, tenant_array(load, &list), instant_array(load, &list, false), instant_array(load, &list, true)};
    for (size_t i = 0; i < request_count && load->gathered; i++) load->gathered[i].no_levels = true; // until a row comes, or as just found
    if (!list.count) return ERR_OK;
    err = query(load, "usage_slot_value", "$1, $2, $3, $4", 4, values, &result);
    if (err) return err;
    size_t count = (size_t)db_rows(result);
    struct slot_value *slots = ARENA_ARRAY(load->arena, struct slot_value, count + 1);
    for (int row = 0; row < (int)count; row++) {
        const struct usage_span *span = span_of(&list, result, row);
        if (load->gathered) load->gathered[span->request].no_levels = false;
        slots[row] = (struct slot_value){.request = span->request, .tenant = span->tenant, .meter = (int32_t)db_get_int(result, row, 1),
                                         .dimension_set = db_get_uuid(result, row, 2), .slot = db_get_instant(result, row, 3),
                                         .greatest = {db_get_decimal(result, row, 4, QUANTITY_PLACES)},
                                         .latest = {db_get_decimal(result, row, 5, QUANTITY_PLACES)},
                                         .least = {db_get_decimal(result, row, 8, QUANTITY_PLACES)},
                                         .total = {db_get_decimal(result, row, 9, QUANTITY_PLACES)}};
        if (!db_is_null(result, row, 10)) slots[row].events = db_get_int(result, row, 10);
        if (!db_is_null(result, row, 7)) slots[row].value = db_get_uuid(result, row, 7);
    }
    db_result_free(result);
    return usage_evaluate_windows(load->catalogue, load->requests, slots, count, &load->rows, load->fault);
}

struct interval_context { struct usage_rows *rows; size_t request; int64_t tenant; int32_t meter; };

static enum err take_line(void *context, const struct usage_line *line)
{
    struct interval_context *target = context;
    struct usage_line named = *line;
    named.tenant = target->tenant;
    named.meter = target->meter;
    usage_rows_add(target->rows, target->request, &named);
    return ERR_OK;
}

// One resource: its transitions are rows [from, to).
static enum err derive_resource(struct load *load, const struct db_result *result, int from, int to)
{
    size_t count = (size_t)(to - from);
    struct transition *transitions = heap_alloc(count * sizeof *transitions);
    for (int row = from; row < to; row++)
        transitions[row - from] = (struct transition){.event_time = db_get_instant(result, row, 3), .event_id = db_get_uuid(result, row, 4),
                                                      .running = db_get_bool(result, row, 5),
                                                      .value = {db_get_decimal(result, row, 6, QUANTITY_PLACES)},
                                                      .dimension_set = db_get_uuid(result, row, 7)};
    struct interval_context context = {&load->rows, 0, db_get_int(result, from, 0), (int32_t)db_get_int(result, from, 1)};
    instant_us cut_end = db_get_instant(result, to - 1, 8);
    enum err err = ERR_OK;
    size_t i = member_range_first(load->spans.ranges, load->spans.range_count, context.tenant);
    for (; i < load->spans.range_count && load->spans.ranges[i].tenant == context.tenant && !err; i++) {
        const struct usage_request *request = &load->requests[load->spans.ranges[i].request];
        const struct interval_window window = {load->spans.ranges[i].from, load->spans.ranges[i].to, cut_end, request->period_start, request->boundaries, request->boundary_count};
        context.request = load->spans.ranges[i].request;
        err = interval_derive(transitions, count, &window, take_line, &context, load->fault);
    }
    free(transitions);
    return err;
}

static bool same_resource(const struct db_result *result, int a, int b)
{
    return db_get_int(result, a, 0) == db_get_int(result, b, 0) && db_get_int(result, a, 1) == db_get_int(result, b, 1) &&
           strcmp(db_text(result, a, 2), db_text(result, b, 2)) == 0;
}

static enum err load_intervals(struct load *load, const char *const *values)
{
    struct db_result *result;
    enum err err = query(load, "usage_transition", "$1, $2", 2, values, &result);
    if (err) return err;
    for (int from = 0, to; from < db_rows(result) && !err; from = to) {
        for (to = from + 1; to < db_rows(result) && same_resource(result, from, to);) to++;
        err = derive_resource(load, result, from, to);
    }
    db_result_free(result);
    return err;
}

// --- kept events

static void take_events(struct load *load, const struct db_result *result, const struct span_list *list)
{
    for (int row = 0; row < db_rows(result); row++) {
        const struct usage_span *span = span_of(list, result, row);
        const struct kept_event event = {.tenant = span->tenant, .segment = span->segment, .meter = (int32_t)db_get_int(result, row, 1),
                                         .dimension_set = db_get_uuid(result, row, 2), .time = db_get_instant(result, row, 3),
                                         .id = db_get_uuid(result, row, 4), .value = {db_get_decimal(result, row, 5, QUANTITY_PLACES)}};
        usage_events_add(&load->events, span->request, &event);
    }
}

static enum err fetch_events(struct load *load, const struct span_list *list)
{
    const char *fetch = arena_print(load->arena, "fetch %d from usage_event", EVENTS_FETCHED);
    struct db_result *result;
    for (bool more = true; more;) {
        enum err err = db_query(load->db, fetch, 0, NULL, &result, load->fault);
        if (err) return err;
        take_events(load, result, list);
        more = db_rows(result) == EVENTS_FETCHED;
        db_result_free(result);
    }
    return db_exec(load->db, "close usage_event", 0, NULL, NULL, load->fault);
}

// Of the requests that want them.
static enum err load_events(struct load *load)
{
    struct span_list list = {ARENA_ARRAY(load->arena, const struct usage_span *, load->spans.count + 1), 0};
    for (size_t i = 0; i < load->spans.count; i++)
        if (load->requests[load->spans.list[i].request].events) list.spans[list.count++] = &load->spans.list[i];
    if (!list.count) return ERR_OK;
    const char *const values[] = {load->cut, tenant_array(load, &list), instant_array(load, &list, false), instant_array(load, &list, true)};
    const char *declare = arena_print(load->arena, "declare usage_event no scroll cursor for select * from %s.usage_event($1, $2, $3, $4)", load->schema);
    enum err err = db_exec(load->db, declare, 4, values, NULL, load->fault);
    return err ? err : fetch_events(load, &list);
}

static enum err load_dimensions(struct load *load, const char *tenants, const struct usage_dimension **dimensions, size_t *count)
{
    struct db_result *result;
    enum err err = query(load, "usage_dimension", "$1", 1, &tenants, &result);
    if (err) return err;
    *count = (size_t)db_rows(result);
    struct usage_dimension *list = ARENA_ARRAY(load->arena, struct usage_dimension, *count + 1);
    for (int row = 0; row < (int)*count && !err; row++) {
        list[row].tenant = db_get_int(result, row, 0);
        list[row].id = db_get_uuid(result, row, 1);
        list[row].text = arena_text(load->arena, db_text(result, row, 2), db_length(result, row, 2));
        err = dimension_set_read(load->arena, slice_of(list[row].text), &list[row].set, load->fault);
    }
    db_result_free(result);
    usage_dimensions_sort(list, *count);
    *dimensions = list;
    return err;
}

// What was gathered, handed to the requests.
static enum err finish_gathered(struct load *load, size_t count)
{
    struct account_usage *lines = ARENA_ARRAY(load->arena, struct account_usage, count + 1);
    enum err err = usage_rows_finish(&load->gathered_rows, load->requests, count, lines, load->fault);
    for (size_t i = 0; i < count && !err; i++) load->gathered[i].lines = lines[i].lines, load->gathered[i].line_count = lines[i].line_count;
    return err;
}

static enum err load_ranges(struct load *load, size_t count, struct account_usage *usages)
{
    const struct usage_dimension *dimensions = NULL;
    size_t dimension_count = 0;
    usage_spans_cut(&load->spans);
    enum err err = load_added(load, count);
    if (!err && load->spans.count) {
        const char *distinct = distinct_tenant_array(load);
        const char *const transitions[] = {load->cut, distinct};
        err = load_slot_values(load, count);
        if (!err) err = load_intervals(load, transitions);
        if (!err) err = load_events(load);
        if (!err) err = load_dimensions(load, distinct, &dimensions, &dimension_count);
    }
    if (!err) err = usage_rows_finish(&load->rows, load->requests, count, usages, load->fault);
    if (!err) usage_events_finish(&load->events, load->requests, count, load->arena, usages);
    usage_events_free(&load->events);
    if (!err && load->gathered) err = finish_gathered(load, count);
    for (size_t i = 0; i < count && !err; i++) usages[i].dimensions = dimensions, usages[i].dimension_count = dimension_count;
    return err;
}

static struct load load_begin(struct db *db, enum usage_reader reader, const struct catalogue *catalogue, int64_t cut,
                              const struct usage_request *requests, struct arena *arena, struct fault *fault)
{
    struct load load = {.db = db, .schema = reader == USAGE_READER_API ? "api" : "rating", .catalogue = catalogue, .requests = requests,
                        .cut = cut == USAGE_CUT_LIVE ? NULL : db_int(arena, cut), .arena = arena, .fault = fault};
    load.rows.arena = load.gathered_rows.arena = load.spans.arena = arena;
    load.spans.requests = requests;
    return load;
}

static void add_requests(struct load *load, size_t count)
{
    for (size_t i = 0; i < count; i++) usage_spans_add_account(&load->spans, load->catalogue, i);
}

enum err usage_load(struct db *db, enum usage_reader reader, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests,
                    size_t count, struct arena *arena, struct account_usage *usages, struct fault *fault)
{
    struct load load = load_begin(db, reader, catalogue, cut, requests, arena, fault);
    add_requests(&load, count);
    return load_ranges(&load, count, usages);
}

static struct load load_begin_since(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests,
                                    const struct usage_basis *bases, size_t count, struct arena *arena, struct usage_gathered *gathered, struct fault *fault)
{
    struct load load = load_begin(db, USAGE_READER_BILL, catalogue, cut, requests, arena, fault);
    ENSURE(cut != USAGE_CUT_LIVE);
    load.bases = bases;
    load.gathered = gathered;
    add_requests(&load, count);
    return load;
}

enum err usage_load_since(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests,
                          const struct usage_basis *bases, size_t count, struct arena *arena, struct account_usage *usages,
                          struct usage_gathered *gathered, struct fault *fault)
{
    struct load load = load_begin_since(db, catalogue, cut, requests, bases, count, arena, gathered, fault);
    return load_ranges(&load, count, usages);
}

enum err usage_gather_since(struct db *db, const struct catalogue *catalogue, int64_t cut, const struct usage_request *requests,
                            const struct usage_basis *bases, size_t count, struct arena *arena, struct usage_gathered *gathered, struct fault *fault)
{
    struct load load = load_begin_since(db, catalogue, cut, requests, bases, count, arena, gathered, fault);
    usage_spans_cut(&load.spans);
    enum err err = load_added(&load, count);
    return err ? err : finish_gathered(&load, count);
}

enum err usage_load_tenants(struct db *db, enum usage_reader reader, const struct catalogue *catalogue, int64_t cut, const int64_t *tenants,
                            size_t tenant_count, const struct usage_request *request, struct arena *arena, struct account_usage *usage, struct fault *fault)
{
    struct load load = load_begin(db, reader, catalogue, cut, request, arena, fault);
    for (size_t i = 0; i < tenant_count; i++) usage_spans_add_tenant(&load.spans, 0, tenants[i], INSTANT_MIN, INSTANT_MAX);
    return load_ranges(&load, 1, usage);
}
