// SPDX-License-Identifier: Apache-2.0
// turnpike apply
#include <stdio.h>
#include <stdlib.h>

#include "catalogue/apply.h"
#include "cli/commands.h"
#include "common/json.h"
#include "common/schema.h"

enum { LINES_SHOWN = 40, REOPEN_MS = 30000 };

const char apply_usage[] =
    "DIR|FILE... [--dry-run]\n\n"
    "  DIR|FILE   catalogue files; of a folder its *.yaml and *.yml, but not those of folders in it\n"
    "  --dry-run  only show what would change\n\n"
    "All files are checked together and every error is listed with its place. What differs from the database is added\n"
    "as one new catalogue version, or nothing is. May be repeated: what is in force already is left alone";

// --- what was found

static void print_line_json(const struct apply_line *line)
{
    struct text out = {0};
    struct json_writer json;
    json_begin(&json, &out);
    json_object_open(&json);
    json_put_text(&json, "change", line->added ? "added" : "changed");
    json_put_text(&json, "kind", line->kind);
    json_put_text(&json, "what", line->text);
    json_object_close(&json);
    puts(out.data);
    text_free(&out);
}

static void print_end_json(const struct apply_report *report, bool dry_run)
{
    struct text out = {0};
    struct json_writer json;
    json_begin(&json, &out);
    json_object_open(&json);
    json_name(&json, "version");
    if (report->version)
        json_write_int(&json, report->version);
    else
        json_write_null(&json);
    json_put_bool(&json, "dry_run", dry_run);
    json_put_int(&json, "changes", (int64_t)report->line_count);
    json_put_int(&json, "recomputed_periods", report->recomputed);
    json_put_text(&json, "summary", report->version ? report->summary : "nothing to change");
    json_object_close(&json);
    puts(out.data);
    text_free(&out);
}

static void print_end(const struct apply_report *report, bool dry_run)
{
    if (report->version == 0) {
        puts("nothing to change");
        return;
    }
    printf("%s catalogue version %lld: %s\n", dry_run ? "would become" : "applied as", (long long)report->version,
           report->summary);
    if (report->recomputed)
        printf("%lld billing period%s priced anew\n", (long long)report->recomputed,
               report->recomputed == 1 ? " is" : "s are");
}

static void print_report(const struct command_context *context, const struct apply_report *report, bool dry_run)
{
    for (size_t i = 0; i < report->line_count; i++) {
        if (context->json) {
            print_line_json(&report->lines[i]);
        } else if (!dry_run && i == LINES_SHOWN) {
            printf("  and %zu more\n", report->line_count - i);
            break;
        } else {
            printf("%c %s %s\n", report->lines[i].added ? '+' : '~', report->lines[i].kind, report->lines[i].text);
        }
    }
    if (context->json)
        print_end_json(report, dry_run);
    else
        print_end(report, dry_run);
}

// All of them; the exit code is that of `err`.
static int print_errors(const struct command_context *context, const struct apply_report *report, enum err err)
{
    struct fault fault;
    for (size_t i = 0; i < report->error_count; i++) {
        fault_set(&fault, err, report->errors[i].place, "%s", report->errors[i].reason);
        if (context->json)
            command_fail(context, &fault);
        else
            fprintf(stderr, "%s%s%s\n", fault.place, fault.place[0] ? ": " : "", fault.reason);
    }
    if (!context->json)
        fprintf(stderr, "turnpike apply: %zu error%s, nothing was changed\n", report->error_count,
                report->error_count == 1 ? "" : "s");
    return err_exit_code(err);
}

// --- doing it

// The files are wrong: the database is asked for what else is, if it answers; nothing is written in any case.
static int tell_invalid(const struct command_context *context, struct apply_report *report)
{
    struct db *db = NULL;
    struct fault ignored;
    enum err err = db_open(context->config, "admin", NULL, &db, &ignored);
    if (!err) err = schema_check(db, &ignored);
    if (!err) err = catalogue_apply(db, true, report, &ignored);
    db_close(db);
    return print_errors(context, report, ERR_INVALID);
}

// The connection was lost during the commit.
static enum err resolve_commit(const struct command_context *context, const struct apply_report *report,
                               struct fault *fault)
{
    struct db *db = NULL;
    bool committed = false;
    enum err err = db_open_wait(context->config, "admin", REOPEN_MS, NULL, &db, fault);
    if (!err) err = apply_was_committed(db, report, &committed, fault);
    db_close(db);
    if (err)
        return fault_set(fault, ERR_UNCERTAIN, "",
                         "whether it was committed could not be asked; apply again to be sure");
    return committed ? ERR_OK
                     : fault_set(fault, ERR_RETRY, "", "the connection was lost, nothing was changed: apply again");
}

static int apply(const struct command_context *context, struct db *db, struct apply_report *report, bool dry_run)
{
    struct fault fault = {0};
    enum err err = catalogue_apply(db, dry_run, report, &fault);
    if (err == ERR_UNCERTAIN) err = resolve_commit(context, report, &fault);
    if (report->error_count > 0) return print_errors(context, report, err);
    if (err) return command_fail(context, &fault);
    print_report(context, report, dry_run);
    return 0;
}

int apply_run(struct command_context *context, int argc, char **argv)
{
    struct flag dry_run = {.name = "--dry-run", .kind = FLAG_SWITCH};
    struct apply_report report = {0};
    struct db *db = NULL;
    if (!command_flags(context, &dry_run, 1, &argc, argv, 1, 100000)) return EXIT_WRONG_USE;
    enum err err = apply_read((const char *const *)(argv + 1), (size_t)argc - 1, &report);
    int code = err ? tell_invalid(context, &report) : command_open_db(context, "admin", &db);
    if (!code) code = apply(context, db, &report, dry_run.given);
    db_close(db);
    apply_report_fini(&report);
    return code;
}
