// SPDX-License-Identifier: Apache-2.0
// One transaction: the catalogue lock and the next version first, then what is in force, the plan, the check that the
// result loads, the periods that it prices anew; then, with the raters held, the rows. Any error ends it whole.
#include "catalogue/apply.h"

#include <stdlib.h>
#include <string.h>

#include "catalogue/apply_period.h"
#include "catalogue/catalogue_watch.h"
#include "catalogue/catalogue_write.h"
#include "catalogue/plan.h"

struct apply_state {
    struct catalogue_files files;
    struct catalogue_rows existing;
    struct plan plan;
    struct arena *arena;
};

// --- the report

static void report_errors(struct apply_report *report)
{
    struct file_errors *errors = &report->state->files.errors;
    const struct file_error *list = file_errors_sorted(errors);
    struct apply_error *copy = ARENA_ARRAY(report->state->arena, struct apply_error, errors->count + 1);
    for (size_t i = 0; i < errors->count; i++)
        copy[i] = (struct apply_error){list[i].place, list[i].reason};
    report->errors = copy;
    report->error_count = errors->count;
}

static void add_kind(struct text *out, const char *kind, bool several)
{
    const size_t length = strlen(kind);
    if (several && kind[length - 1] == 'y')
        text_print(out, "%.*sies", (int)length - 1, kind);
    else
        text_print(out, "%s%s", kind, several ? "s" : "");
}

// "3 services, 1 meter": the changes of one sort, by kind in the order in which kinds first appear.
static size_t count_kinds(const struct plan *plan, bool added, struct text *out)
{
    static const char *const kinds[] = {"service", "meter",           "sku",       "price_book", "price",     "seller",
                                        "partner", "billing_account", "agreement", "offer",     "holding",    "tenant",
                                        "membership", "exchange_rate", "virtual_currency"};
    size_t total = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        size_t count = 0;
        for (size_t i = 0; i < plan->change_count; i++)
            count += plan->changes[i].added == added && strcmp(plan->changes[i].kind, kinds[k]) == 0;
        if (count == 0) continue;
        text_print(out, "%s%zu ", total > 0 ? ", " : "", count);
        add_kind(out, kinds[k], count > 1);
        total += count;
    }
    return total;
}

static void report_plan(struct apply_report *report)
{
    const struct plan *plan = &report->state->plan;
    struct apply_line *lines = ARENA_ARRAY(report->state->arena, struct apply_line, plan->change_count + 1);
    struct text summary = {0};
    for (size_t i = 0; i < plan->change_count; i++)
        lines[i] = (struct apply_line){plan->changes[i].kind, plan->changes[i].text, plan->changes[i].added};
    if (count_kinds(plan, true, &summary) > 0) text_add_string(&summary, " added");
    size_t length = summary.length;
    if (length > 0) text_add_string(&summary, "; ");
    if (count_kinds(plan, false, &summary) > 0) {
        text_add_string(&summary, " changed");
        length = summary.length;
    }
    report->lines = lines;
    report->line_count = plan->change_count;
    report->summary = length == 0 ? "" : arena_text(report->state->arena, summary.data, length);
    report->version = plan->change_count == 0 ? 0 : plan->version;
    text_free(&summary);
}

void apply_report_fini(struct apply_report *report)
{
    if (report->state) {
        plan_fini(&report->state->plan);
        catalogue_rows_fini(&report->state->existing);
        catalogue_files_fini(&report->state->files);
        arena_free(report->state->arena);
        free(report->state);
    }
    *report = (struct apply_report){0};
}

enum err apply_read(const char *const *paths, size_t count, struct apply_report *report)
{
    ENSURE(!report->state);
    report->state = heap_alloc(sizeof *report->state);
    report->state->arena = arena_new(1 << 20);
    catalogue_files_init(&report->state->files);
    enum err err = catalogue_files_read(&report->state->files, paths, count);
    report_errors(report);
    return err;
}

// --- the result must load

#define APPEND(all, more, list)                                                                                        \
    do {                                                                                                               \
        for (size_t i_ = 0; i_ < (more)->list.count; i_++)                                                             \
            *ROW_NEW(&(all)->list) = (more)->list.row[i_];                                                             \
    } while (0)

static void append_rows(struct catalogue_rows *all, const struct catalogue_rows *more)
{
    APPEND(all, more, services);
    APPEND(all, more, meters);
    APPEND(all, more, skus);
    APPEND(all, more, currencies);
    APPEND(all, more, books);
    APPEND(all, more, exchanges);
    APPEND(all, more, prices);
    APPEND(all, more, tiers);
    APPEND(all, more, sellers);
    APPEND(all, more, accounts);
    APPEND(all, more, agreements);
    APPEND(all, more, offers);
    APPEND(all, more, holdings);
    APPEND(all, more, tenants);
    APPEND(all, more, memberships);
}

// A limit that only the whole shows, or our own mistake: told as an error without a place in the files.
static enum err build(const struct plan *plan, struct catalogue_rows *all, struct catalogue **catalogue,
                      struct fault *fault)
{
    append_rows(all, plan->existing);
    append_rows(all, &plan->added);
    enum err err = catalogue_build(all, catalogue, fault);
    if (err != ERR_INVALID) return err;
    file_error(plan->errors, NULL, "the catalogue could not be used: %s: %s", fault->place, fault->reason);
    return ERR_INVALID;
}

// --- one transaction

static enum err begin(struct db *db, bool dry_run, int64_t *version, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = dry_run ? db_begin_snapshot(db, fault) : db_begin(db, fault);
    if (!err) err = db_exec(db, "set local role turnpike_owner", 0, NULL, NULL, fault);
    if (!err) err = db_exec(db, "set local lock_timeout = '120s'", 0, NULL, NULL, fault); // another apply, or a close
    if (!err && !dry_run) err = catalogue_lock(db, true, fault);
    // the row lock orders versions as they commit, and is what a close shares (rules 3.5, 6.3)
    if (!err)
        err = db_query(db,
                       dry_run ? "select version + 1 from catalog.version"
                               : "update catalog.version set version = version + 1 returning version",
                       0, NULL, &result, fault);
    if (!err) *version = db_get_int(result, 0, 0);
    db_result_free(result);
    return err;
}

static enum err read_watermark(struct db *db, instant_us *watermark, struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err =
        db_query(db, "select max(watermark) from rating.partition where isfinite(watermark)", 0, NULL, &result, fault);
    if (!err) *watermark = db_is_null(result, 0, 0) ? INSTANT_MIN : db_get_instant(result, 0, 0);
    db_result_free(result);
    return err;
}

static enum err make_plan(struct db *db, int64_t version, struct apply_report *report, struct fault *fault)
{
    struct apply_state *state = report->state;
    catalogue_rows_init(&state->existing, 0);
    enum err err = catalogue_rows_load(db, 0, &state->existing, fault);
    state->plan =
        (struct plan){.arena = state->arena, .files = &state->files, .existing = &state->existing, .version = version};
    if (!err) err = read_watermark(db, &state->plan.watermark, fault);
    if (err) return err;
    plan_sort(&state->existing);
    err = plan_make(&state->plan);
    report_plan(report);
    return err;
}

// Sets report->recomputed; the periods are handed over to be queued after the change's row is there.
static enum err check_result(struct db *db, struct apply_report *report, struct apply_period_list *periods,
                             struct fault *fault)
{
    const struct plan *plan = &report->state->plan;
    struct catalogue_rows all;
    struct catalogue *catalogue = NULL;
    catalogue_rows_init(&all, plan->version);
    enum err err = build(plan, &all, &catalogue, fault);
    if (!err) err = apply_period_find(db, plan, catalogue, periods, fault);
    report->recomputed = (int64_t)periods->count;
    catalogue_release(catalogue);
    catalogue_rows_fini(&all);
    return err;
}

// Batches name the newest catalogue version as they commit (rules 3.5): those that named the last one have committed
// when the lock is there, later ones wait and are judged again. Held for the writes only, not while the plan is made.
static enum err hold_raters(struct db *db, const struct plan *plan, struct fault *fault)
{
    instant_us watermark = INSTANT_MIN;
    enum err err = db_exec(db, "set local lock_timeout = '30s'", 0, NULL, NULL, fault);
    if (!err) err = db_exec(db, "lock table rating.partition in share mode", 0, NULL, NULL, fault);
    if (!err && plan->added.meters.count > 0) err = read_watermark(db, &watermark, fault);
    for (size_t i = 0; i < plan->added.meters.count && !err; i++) {
        const struct meter_row *meter = &plan->added.meters.row[i];
        instant_us counted = plan_meter_bound(plan, meter, watermark);
        if (counted != INSTANT_NONE && meter->effective_from <= counted)
            err = fault_set(fault, ERR_RETRY, meter->id,
                            "while this was planned, events up to %s were counted: apply again",
                            plan_instant(plan, counted));
    }
    return err;
}

static enum err write(struct db *db, struct apply_report *report, const struct apply_period_list *periods,
                      struct fault *fault)
{
    struct arena *arena = report->state->arena;
    const struct plan *plan = &report->state->plan;
    const char *values[] = {db_int(arena, plan->version), report->summary,
                            db_bytes(arena, report->digest, sizeof report->digest)};
    enum err err = hold_raters(db, plan, fault);
    if (!err)
        err = db_exec(db, "insert into catalog.change (version, summary, digest) values ($1, $2, $3)", 3, values, NULL,
                      fault);
    if (!err) err = catalogue_rows_write(db, &plan->added, fault);
    if (!err) err = apply_period_queue(db, plan->version, periods, fault);
    if (!err) err = catalogue_notify(db, fault);
    if (!err) err = db_commit(db, fault);
    return err;
}

enum err catalogue_apply(struct db *db, bool dry_run, struct apply_report *report, struct fault *fault)
{
    struct apply_state *state = report->state;
    struct apply_period_list periods = {.arena = state->arena};
    int64_t version;
    ENSURE(!state->plan.arena); // once per report
    enum err err = begin(db, dry_run, &version, fault);
    if (!err) err = make_plan(db, version, report, fault);
    if (!err && report->version != 0) err = check_result(db, report, &periods, fault);
    report_errors(report);
    if (!err && report->version != 0) catalogue_rows_digest(&state->plan.added, report->digest);
    if (err || dry_run || report->version == 0) {
        db_rollback(db);
        return err;
    }
    err = write(db, report, &periods, fault);
    if (err && err != ERR_UNCERTAIN) db_rollback(db);
    return err;
}

enum err apply_was_committed(struct db *db, const struct apply_report *report, bool *committed, struct fault *fault)
{
    struct db_result *result = NULL;
    struct arena *arena = arena_new(1024);
    const char *values[] = {db_int(arena, report->version), db_bytes(arena, report->digest, sizeof report->digest)};
    enum err err = db_begin(db, fault);
    if (!err) err = db_exec(db, "set local role turnpike_owner", 0, NULL, NULL, fault);
    // the lock waits for the lost connection's transaction, should it still be ending
    if (!err) err = catalogue_lock(db, false, fault);
    if (!err)
        err = db_query(db, "select exists (select from catalog.change where version = $1 and digest = $2)", 2, values,
                       &result, fault);
    if (!err) *committed = db_get_bool(result, 0, 0);
    db_result_free(result);
    db_rollback(db);
    arena_free(arena);
    return err;
}

// --- without a database

enum err catalogue_from_files(const char *const *paths, size_t count, struct catalogue **catalogue, struct text *errors)
{
    struct apply_report report = {0};
    struct catalogue_rows none = {0}, all;
    struct fault fault = {0};
    enum err read = apply_read(paths, count, &report);
    struct apply_state *state = report.state;
    state->plan = (struct plan){
        .arena = state->arena, .files = &state->files, .existing = &none, .version = 1, .watermark = INSTANT_MIN};
    catalogue_rows_init(&all, 1);
    enum err err = plan_make(&state->plan);
    if (!err) err = read;
    arena_free(all.arena);
    all.arena = state->files.arena; // the rows' texts lie there; a catalogue takes it over
    if (!err) err = build(&state->plan, &all, catalogue, &fault);
    if (errors) file_errors_print(&state->files.errors, errors);
    if (!err)
        state->files.arena = NULL;
    else
        all.arena = NULL;
    catalogue_rows_fini(&all);
    apply_report_fini(&report);
    return err;
}
