// SPDX-License-Identifier: Apache-2.0
// turnpike quarantine list, show, replay, drop; turnpike conflict list
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"
#include "common/array.h"
#include "common/json.h"

const char quarantine_list_usage[] = "[--reason WORD] [--tenant ID] [--state WORD] [--limit N]\n\n"
                                     "  --reason  only rows kept for this reason\n"
                                     "  --tenant  only rows whose subject is this id\n"
                                     "  --state   open (default), counted, conflict, dropped, replayed, or all\n"
                                     "  --limit   at most N rows, the oldest (default 100)\n\n"
                                     "A row with more than one event is a range: in one batch, more of a tenant, source and reason\n"
                                     "than rate.quarantine_rows. It shows the first; the bodies of the others are in the log. Events that\n"
                                     "a replay has closed are not among them; when all are, its state is replayed.";
const char quarantine_show_usage[] = "NUMBER\n\nShows one row with the event as it was received; of a range the first one.";
const char quarantine_replay_usage[] =
    "NUMBER... | --reason WORD\n\n"
    "  --reason  every open row kept for this reason\n\n"
    "Orders the rater to judge open rows again, by their original received time. It takes the\n"
    "orders up at its next batch; rows that still cannot be counted stay open. The events of a range are read\n"
    "from the log, some hundred a second: closed_events of quarantine show says how far it is. Ranges of an older\n"
    "incarnation are refused: their log is not read any more. Sent again their events count, since their identities\n"
    "are only held.";
const char quarantine_drop_usage[] = "NUMBER --because TEXT\n\n"
                                     "  --because  why: kept with the row\n\n"
                                     "Gives an open row up for good: it will never be counted.";
const char conflict_list_usage[] =
    "[--tenant ID] [--limit N]\n\n"
    "Events whose identity was counted before with other content; they are never billed.\n"
    "  --tenant  only those whose subject is this id\n"
    "  --limit   at most N rows, the newest (default 100)";

enum { LIMIT_DEFAULT = 100, NUMBERS_MAX = 1000 };

// Prints the rows of a statement: cells are texts, instants where a column's name ends in _time.
static int print_rows(struct command_context *context, const char *sql, int count, const char *const *values,
                      const struct table_column *columns, int column_count)
{
    struct db_result *result;
    struct fault fault = {0};
    struct db *db;
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    if (db_query(db, sql, count, values, &result, &fault)) {
        db_close(db);
        return command_fail(context, &fault);
    }
    struct table *table = table_open(context, columns, (size_t)column_count);
    for (int row = 0; row < db_rows(result); row++)
        for (int i = 0; i < column_count; i++) {
            if (strstr(columns[i].name, "_time"))
                table_instant(table, db_get_instant(result, row, i));
            else if (columns[i].right)
                table_int(table, db_get_int(result, row, i));
            else
                table_text(table, db_is_null(result, row, i) ? NULL : db_text(result, row, i));
        }
    table_close(table);
    db_result_free(result);
    db_close(db);
    return 0;
}

int quarantine_list_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"quarantine", true},     {"state", false},  {"reason", false},
                                                  {"tenant_id", false},     {"source", false}, {"event_id", false},
                                                  {"received_time", false}, {"events", true},  {"detail", false}};
    static const char sql[] = "select quarantine, state, reason, tenant_id, source, event_id, received_time,\n"
                              "       coalesce(case state when 'open' then range_events - closed_events else range_events end, 1),\n"
                              "       detail\n"
                              "  from rating.quarantine\n"
                              " where ($1::text is null or reason = $1)\n"
                              "   and ($2::text is null or tenant_id = $2)\n"
                              "   and ($3 = 'all' or state = $3)\n"
                              " order by quarantine\n"
                              " limit $4::bigint";
    struct flag flags[] = {{.name = "--reason", .kind = FLAG_TEXT},
                           {.name = "--tenant", .kind = FLAG_TEXT},
                           {.name = "--state", .kind = FLAG_TEXT},
                           {.name = "--limit", .kind = FLAG_TEXT}};
    int limit = LIMIT_DEFAULT;
    if (!command_flags(context, flags, 4, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[3].given && !reading_limit(flags[3].text, &limit))
        return command_wrong_use(context, "--limit: a whole number from 1 to %d", READING_LIMIT_MOST);
    const char *const values[] = {flags[0].text, flags[1].text, flags[2].given ? flags[2].text : "open",
                                  db_int(context->arena, limit)};
    return print_rows(context, sql, 4, values, columns, 9);
}

int conflict_list_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"incarnation", true},    {"partition", true},  {"message_offset", true}, {"event_index", true},
        {"received_time", false}, {"tenant_id", false}, {"source", false},        {"event_id", false},
        {"first_offset", true},   {"first_index", true}};
    static const char sql[] =
        "select incarnation, partition, message_offset, event_index, received_time, tenant_id, source, event_id,\n"
        "       first_offset, first_index\n"
        "  from rating.conflict\n"
        " where ($1::text is null or tenant_id = $1)\n"
        " order by received_time desc, incarnation, partition, message_offset desc, event_index desc\n"
        " limit $2::bigint";
    struct flag flags[] = {{.name = "--tenant", .kind = FLAG_TEXT}, {.name = "--limit", .kind = FLAG_TEXT}};
    int limit = LIMIT_DEFAULT;
    if (!command_flags(context, flags, 2, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (flags[1].given && !reading_limit(flags[1].text, &limit))
        return command_wrong_use(context, "--limit: a whole number from 1 to %d", READING_LIMIT_MOST);
    const char *const values[] = {flags[0].text, db_int(context->arena, limit)};
    return print_rows(context, sql, 2, values, columns, 10);
}

// --- one row

static bool is_readable(const unsigned char *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((data[i] < 0x20 && data[i] != '\n' && data[i] != '\t') || data[i] == 0x7f ||
            (data[i] == 0xc2 && i + 1 < length && data[i + 1] < 0xa0))
            return false;
    return utf8_valid((const char *)data, length);
}

// The event as text if it is readable, else as hex digits.
static const char *raw_text(struct arena *arena, const unsigned char *data, size_t length, bool readable)
{
    if (readable) return arena_text(arena, (const char *)data, length);
    char *hex = arena_alloc(arena, 2 * length + 1);
    hex_print(data, length, hex);
    return hex;
}

static void print_row_json(const struct db_result *result, const char *const *names, int count, const char *raw_name,
                           const char *raw)
{
    struct text out = {0};
    struct json_writer json;
    json_begin(&json, &out);
    json_object_open(&json);
    for (int i = 0; i < count; i++)
        json_put_text(&json, names[i], db_is_null(result, 0, i) ? NULL : db_text(result, 0, i));
    json_put_text(&json, raw_name, raw);
    json_object_close(&json);
    puts(out.data);
    text_free(&out);
}

static void print_row(struct command_context *context, const struct db_result *result, const char *const *names,
                      int count)
{
    static const struct table_column columns[] = {{"field", false}, {"value", false}};
    unsigned char *raw;
    size_t length = db_get_bytes(result, context->arena, 0, count, &raw);
    bool readable = is_readable(raw, length);
    const char *text = raw_text(context->arena, raw, length, readable);
    if (context->json) {
        print_row_json(result, names, count, readable ? "raw" : "raw_hex", text);
        return;
    }
    struct table *table = table_open(context, columns, 2);
    for (int i = 0; i < count; i++) {
        table_text(table, names[i]);
        table_text(table, db_is_null(result, 0, i) ? NULL : db_text(result, 0, i));
    }
    table_close(table);
    printf("\n%s\n", text);
}

int quarantine_show_run(struct command_context *context, int argc, char **argv)
{
    static const char *const names[] = {"quarantine",  "state",           "reason",           "detail",
                                        "tenant_id",   "source",          "event_id",         "received_time",
                                        "incarnation", "partition",       "message_offset",   "event_index",
                                        "batch_seq",   "state_batch_seq", "catalogue_version",
                                        "range_events", "last_offset",    "last_index",       "closed_events",
                                        "missing_events", "judged_reason", "judged_detail"};
    enum { COUNT = sizeof names / sizeof *names };
    int64_t number;
    struct db_result *result;
    struct fault fault = {0};
    struct db *db;
    struct text sql = {0};
    if (!command_flags(context, NULL, 0, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    if (!reading_number(argv[1], &number))
        return command_wrong_use(context, "'%s' is no number of a quarantine row", argv[1]);
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    text_add_string(&sql, "select ");
    for (int i = 0; i < COUNT; i++)
        text_print(&sql, "%s, ", names[i]);
    text_add_string(&sql, "raw from rating.quarantine where quarantine = $1");
    const char *value = db_int(context->arena, number);
    if (db_query(db, sql.data, 1, &value, &result, &fault)) {
        code = command_fail(context, &fault);
    } else {
        if (db_rows(result) == 1) {
            print_row(context, result, names, COUNT);
        } else {
            fault_set(&fault, ERR_NOT_FOUND, argv[1], "there is no such quarantine row");
            code = command_fail(context, &fault);
        }
        db_result_free(result);
    }
    text_free(&sql);
    db_close(db);
    return code;
}

// --- deciding

// Runs a function that writes, in a transaction of its own; first column of the first row.
static enum err decide(struct db *db, const char *sql, int count, const char *const *values, struct arena *arena,
                       const char **answer, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_begin(db, fault);
    if (!err) err = db_query(db, sql, count, values, &result, fault);
    if (err) {
        db_rollback(db);
        return err;
    }
    *answer = arena_text(arena, db_text(result, 0, 0), db_length(result, 0, 0));
    db_result_free(result);
    return db_commit(db, fault);
}

// A row among these that is a range of an older incarnation cannot be replayed.
static enum err ranges_refuse(struct db *db, const char *numbers, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(db,
                            "select quarantine, range_events, incarnation\n"
                            "  from rating.quarantine\n"
                            " where quarantine = any ($1::bigint[]) and range_events is not null and state = 'open'\n"
                            "   and incarnation < (select max(incarnation) from rating.incarnation)\n"
                            " order by quarantine\n"
                            " limit 1",
                            1, &numbers, &result, fault);
    if (err) return err;
    if (db_rows(result) == 1)
        err = fault_set(fault, ERR_INVALID, db_text(result, 0, 0),
                        "a range of %s events, whose bodies are in the topic of incarnation %s, cannot be replayed: have"
                        " them sent again, their identities are only held",
                        db_text(result, 0, 1), db_text(result, 0, 2));
    db_result_free(result);
    return err;
}

int quarantine_replay_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"ordered", true}};
    struct flag reason = {.name = "--reason", .kind = FLAG_TEXT};
    struct array numbers = {0};
    struct fault fault = {0};
    const char *ordered;
    struct db *db;
    if (!command_flags(context, &reason, 1, &argc, argv, 0, NUMBERS_MAX)) return EXIT_WRONG_USE;
    if ((argc > 1) == reason.given) return command_wrong_use(context, "numbers of rows, or --reason");
    for (int i = 1; i < argc; i++) {
        int64_t number;
        if (!reading_number(argv[i], &number)) {
            array_end(&numbers, context->arena);
            return command_wrong_use(context, "'%s' is no number of a quarantine row", argv[i]);
        }
        array_add_int(&numbers, number);
    }
    const char *const values[] = {array_end(&numbers, context->arena), reason.text, reading_person(context->arena)};
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = ranges_refuse(db, values[0], &fault);
    if (!err) err = decide(db, "select rating.order_replay($1, $2, $3)", 3, values, context->arena, &ordered, &fault);
    db_close(db);
    if (!err && strcmp(ordered, "0") == 0)
        err = fault_set(&fault, ERR_NOT_FOUND, "", "no open row matches, or each has an order waiting already");
    if (err) return command_fail(context, &fault);
    struct table *table = table_open(context, columns, 1);
    table_int(table, strtoll(ordered, NULL, 10));
    table_close(table);
    return 0;
}

int quarantine_drop_run(struct command_context *context, int argc, char **argv)
{
    struct flag because = {.name = "--because", .kind = FLAG_TEXT};
    struct fault fault = {0};
    const char *done;
    int64_t number;
    struct db *db;
    if (!command_flags(context, &because, 1, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    if (!reading_number(argv[1], &number))
        return command_wrong_use(context, "'%s' is no number of a quarantine row", argv[1]);
    if (!because.given || !because.text[strspn(because.text, " \t\r\n")] ||
        !utf8_valid(because.text, strlen(because.text)))
        return command_wrong_use(context, "--because TEXT is needed");
    const char *const values[] = {db_int(context->arena, number), reading_person(context->arena), because.text};
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = decide(db, "select rating.drop_quarantine($1, $2, $3)", 3, values, context->arena, &done, &fault);
    db_close(db);
    if (!err && strcmp(done, "t") != 0)
        err = fault_set(&fault, ERR_NOT_FOUND, argv[1], "there is no open quarantine row of this number");
    return err ? command_fail(context, &fault) : 0;
}
