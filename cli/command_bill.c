// SPDX-License-Identifier: Apache-2.0
// turnpike bill, turnpike wait, turnpike settle
#include <stdio.h>

#include "catalogue/catalogue_watch.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "common/http.h"
#include "common/setting_value.h"
#include "invoicing/bill_role.h"
#include "invoicing/complete.h"
#include "invoicing/settle.h"

const char bill_usage[] = "\n\nSettles every bill.settle_interval until TERM. Several may run at the same time";
const char wait_usage[] = "[--timeout DURATION]\n\n"
                          "  --timeout  how long to wait at most (default 2m); then exit code 75\n\n"
                          "Waits until every event that Kafka has received by now is counted";
const char settle_usage[] = "[--anew ACCOUNT]\n\n"
                            "  --anew  read all usage of the account's periods again and replace what they were settled with:\n"
                            "          when a close says that it differs\n\n"
                            "Takes a cut and settles once what it touches; the same as a round of `turnpike bill`";

int bill_run(struct command_context *context, int argc, char **argv)
{
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    process_signals();
    return bill_role_run(context->config, clock_system());
}

int wait_run(struct command_context *context, int argc, char **argv)
{
    struct flag timeout = {.name = "--timeout", .kind = FLAG_TEXT};
    struct fault fault = {0};
    int64_t timeout_ms = 120000;
    struct db *db;
    if (!command_flags(context, &timeout, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (timeout.given && duration_parse(slice_of(timeout.text), &timeout_ms))
        return command_wrong_use(context, "--timeout: a duration like 30s or 5m is needed");
    process_signals();
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    const struct complete_request request = {.until = clock_now(clock_system()), .timeout_ms = timeout_ms, .stop = &process_stop};
    struct completeness result;
    if (complete_wait(db, &request, context->arena, &result, &fault)) code = command_fail(context, &fault);
    db_close(db);
    return code;
}

static int print_round(struct command_context *context, const struct settle_result *result)
{
    static const struct table_column columns[] = {{"cut", true},     {"periods", true}, {"read_whole", true},
                                                  {"changed", true}, {"skipped", true}, {"without_price", true}};
    struct table *table = table_open(context, columns, 6);
    table_int(table, result->cut);
    table_int(table, (int64_t)result->periods);
    table_int(table, (int64_t)result->anew);
    table_int(table, (int64_t)result->changed);
    table_int(table, (int64_t)result->skipped);
    table_int(table, (int64_t)result->unpriced);
    table_close(table);
    return 0;
}

static enum err queue_account(struct db *db, const struct catalogue *catalogue, const char *id, struct fault *fault)
{
    const struct billing_account *account = catalogue_account(catalogue, slice_of(id));
    if (!account) return fault_set(fault, ERR_NOT_FOUND, "", "there is no billing account %s", id);
    return settle_queue_account(db, catalogue, account->number, fault);
}

int settle_run(struct command_context *context, int argc, char **argv)
{
    struct flag anew = {.name = "--anew", .kind = FLAG_TEXT};
    struct settle_result result;
    struct catalogue *catalogue = NULL;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, &anew, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = catalogue_refresh(db, &catalogue, &fault);
    if (!err && anew.given) err = queue_account(db, catalogue, anew.text, &fault);
    if (!err) err = ERR_RETRY;
    for (int tries = 0; tries < 5 && err == ERR_RETRY && db_alive(db); tries++) { // an apply in between: with its catalogue again
        err = catalogue_refresh(db, &catalogue, &fault);
        if (!err) err = settle_round(db, catalogue, (size_t)config_int(context->config, "bill.worker_accounts"), NULL, NULL, &result, &fault);
    }
    code = err ? command_fail(context, &fault) : print_round(context, &result);
    catalogue_release(catalogue);
    db_close(db);
    return code;
}
