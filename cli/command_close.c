// SPDX-License-Identifier: Apache-2.0
// turnpike close
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "common/http.h"
#include "common/setting_value.h"
#include "invoicing/close.h"

const char close_month_usage[] = "--period YYYY-MM [--account ID] [--timeout DURATION]\n\n"
                           "  --period   civil month to close, in each account's own zone\n"
                           "  --account  close this account only; it waits for the partitions of its own tenants\n"
                           "  --timeout  how long to wait until the log is complete for it (default 2m)\n\n"
                           "Waits until the partitions of the accounts' tenants are read past the month's end and bill.grace, settles,\n"
                           "recomputes every account from scratch, and freezes its invoice. A partition that does not come so far in\n"
                           "time holds back only the accounts with tenants in it. Periods that are closed already are left alone, so it\n"
                           "may be run again after an interruption. Exit code 5: some accounts were refused or held back, each with its\n"
                           "reason. Exit code 75: the log is not complete and no account with usage is held back by it";

static void say_progress(void *context, size_t done, size_t all)
{
    (void)context;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\rclose: %zu of %zu accounts%s", done, all, done == all ? "\n" : "");
}

// The key of the parties' salts, from the identity key's file.
static enum err party_key(const struct config *config, struct hash_key *key, struct fault *fault)
{
    struct text secret = {0};
    const char *path = config_text(config, "secrets.identity_key_file");
    if (!path) return fault_set(fault, ERR_INVALID, "secrets.identity_key_file", "not set");
    enum err err = secret_read(path, &secret, fault);
    if (!err) err = hash_key_derive(secret.data, "party", key, fault);
    text_free(&secret);
    return err;
}

static void print_result(struct command_context *context, const char *label, const struct close_result *result)
{
    static const struct table_column columns[] = {{"period", false}, {"cut", true}, {"closed", true}, {"documents", true}, {"closed_before", true}, {"refused", true}};
    struct table *table = table_open(context, columns, 6);
    table_text(table, label);
    table_int(table, result->cut);
    table_int(table, (int64_t)result->accounts);
    table_int(table, (int64_t)result->documents);
    table_int(table, (int64_t)result->already);
    table_int(table, (int64_t)result->refused);
    table_close(table);
    for (const struct close_refusal *refusal = result->refusals; refusal; refusal = refusal->next)
        fprintf(stderr, "close: account %s refused: %s\n", refusal->account, refusal->reason);
}

static enum err run_close(struct command_context *context, const char *label, const char *account, int64_t timeout_ms, struct close_result *result, struct db *db, struct fault *fault)
{
    struct hash_key key;
    struct catalogue *catalogue = NULL;
    enum err err = party_key(context->config, &key, fault);
    if (err) return err;
    const struct close_options options = {.label = label, .account = account, .grace_ms = config_int(context->config, "bill.grace"), .timeout_ms = timeout_ms,
                                          .chunk = (size_t)config_int(context->config, "bill.worker_accounts"), .party_key = &key,
                                          .clock = clock_system(), .stop = &process_stop, .progress = say_progress};
    err = close_run(db, &catalogue, &options, context->arena, result, fault);
    catalogue_release(catalogue);
    return err;
}

int close_month_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[] = {{.name = "--period", .kind = FLAG_TEXT}, {.name = "--timeout", .kind = FLAG_TEXT}, {.name = "--account", .kind = FLAG_TEXT}};
    struct close_result result = {0};
    struct fault fault = {0};
    int64_t timeout_ms = 120000;
    struct db *db;
    if (!command_flags(context, flags, 3, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (!flags[0].given) return command_wrong_use(context, "--period YYYY-MM is needed");
    if (flags[1].given && duration_parse(slice_of(flags[1].text), &timeout_ms)) return command_wrong_use(context, "--timeout: a duration like 30s or 5m is needed");
    process_signals();
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = run_close(context, flags[0].text, flags[2].text, timeout_ms, &result, db, &fault);
    if (!err || result.cut) print_result(context, flags[0].text, &result);
    if (err) code = command_fail(context, &fault);
    db_close(db);
    return code;
}
