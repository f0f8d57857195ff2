// SPDX-License-Identifier: Apache-2.0
// turnpike key create, list, revoke. A key's text is printed when it is made and never again: nobody has it but its
// owner.
#include <stdio.h>
#include <string.h>

#include "catalogue/api_key.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "common/array.h"

enum { NOTE_MAX = 200 };

// --- create

const char key_create_usage[] =
    "--scope ingest,read,operate [--tenant ID]... [--account ID] [--every-tenant]\n"
    "                           [--note TEXT] [--expires DATE]\n\n"
    "  --scope         what it may do: ingest (send events), read (usage, spend, invoices), operate (everything,\n"
    "                  for every tenant: for operators); several are separated by commas\n"
    "  --tenant ID     a tenant that it speaks for; may be given several times\n"
    "  --account ID    speaks for all tenants of this billing account, and reads its spend and invoices\n"
    "  --every-tenant  speaks for every tenant: for the cloud's own collectors\n"
    "  --note TEXT     what it is for, to be found again in the list\n"
    "  --expires DATE  refused from then on (2027-01-01, or an RFC 3339 time)\n\n"
    "Prints the key. Only a hash of it is kept, so it cannot be shown again.";

struct key_order {
    const char *scopes, *note;
    instant_us expires;  // INSTANT_NONE: never
    const char *tenants; // array of numbers
    const char *account; // number, NULL: none
    bool every_tenant;
};

enum { SCOPE, TENANT, ACCOUNT, EVERY_TENANT, NOTE, EXPIRES, CREATE_FLAGS };

// What can be checked without the database. 0 or an exit code.
static int read_order(const struct command_context *context, const struct flag *flags, struct key_order *order)
{
    unsigned scopes;
    struct fault fault = {0};
    if (!flags[SCOPE].given) return command_wrong_use(context, "--scope is missing");
    if (api_key_scopes_parse(flags[SCOPE].text, &scopes, &fault))
        return command_wrong_use(context, "--scope: %s", fault.reason);
    bool somebody = flags[TENANT].given || flags[ACCOUNT].given || flags[EVERY_TENANT].given;
    if (!somebody && !(scopes & API_KEY_OPERATE))
        return command_wrong_use(context, "for whom? --tenant, --account or --every-tenant is needed");
    order->scopes = flags[SCOPE].text;
    order->every_tenant = flags[EVERY_TENANT].given;
    order->note = flags[NOTE].given ? flags[NOTE].text : "";
    order->expires = INSTANT_NONE;
    if (strlen(order->note) > NOTE_MAX || !utf8_valid(order->note, strlen(order->note)))
        return command_wrong_use(context, "--note: UTF-8 of at most %d bytes", NOTE_MAX);
    if (!flags[EXPIRES].given) return 0;
    if (instant_parse_loose(flags[EXPIRES].text, strlen(flags[EXPIRES].text), &order->expires, &fault))
        return command_wrong_use(context, "--expires: %s", fault.reason);
    if (order->expires <= clock_now(clock_system())) return command_wrong_use(context, "--expires is in the past");
    return 0;
}

// Number of the id that the statement finds; ERR_NOT_FOUND names it.
static enum err find_number(struct db *db, const char *sql, const char *kind, const char *id, int64_t *number,
                            struct fault *fault)
{
    struct db_result *result = NULL;
    enum err err = db_query(db, sql, 1, &id, &result, fault);
    if (err) return err;
    if (db_rows(result) == 0)
        err = fault_set(fault, ERR_NOT_FOUND, id, "there is no such %s", kind);
    else
        *number = db_get_int(result, 0, 0);
    db_result_free(result);
    return err;
}

static enum err find_parties(struct command_context *context, struct db *db, const struct flag *flags,
                             struct key_order *order, struct fault *fault)
{
    struct array tenants = {0};
    enum err err = ERR_OK;
    for (size_t i = 0; i < flags[TENANT].count && !err; i++) {
        int64_t number = 0;
        err = find_number(db, "select tenant from catalog.tenant where id = $1 limit 1", "tenant",
                          flags[TENANT].list[i], &number, fault);
        array_add_int(&tenants, number);
    }
    order->tenants = array_end(&tenants, context->arena);
    if (err || !flags[ACCOUNT].given) return err;
    int64_t number;
    err = find_number(db, "select account from catalog.billing_account where id = $1 limit 1", "billing account",
                      flags[ACCOUNT].text, &number, fault);
    if (!err) order->account = db_int(context->arena, number);
    return err;
}

static enum err insert_key(struct command_context *context, struct db *db, const struct key_order *order,
                           const char *key_id, const unsigned char hash[SHA256_BYTES], struct fault *fault)
{
    static const char sql[] = "insert into catalog.api_key (key_id, secret_hash, scopes, every_tenant, tenants, "
                              "account, note, expires_time)\n"
                              "values ($1, $2, array(select distinct scope from unnest(string_to_array($3, ',')) scope "
                              "order by scope), $4, $5, $6,\n"
                              "        $7, $8)";
    const char *values[] = {
        key_id,         db_bytes(context->arena, hash, SHA256_BYTES),
        order->scopes,  db_bool(order->every_tenant),
        order->tenants, order->account,
        order->note,    db_instant(context->arena, order->expires),
    };
    return db_exec(db, sql, 8, values, NULL, fault);
}

static void print_key(const struct command_context *context, const char *text, const char *key_id)
{
    static const struct table_column columns[] = {{"key_id", false}, {"key", false}};
    if (!context->json) {
        puts(text); // alone, so that KEY=$(turnpike key create ...) works
        return;
    }
    struct table *table = table_open(context, columns, 2);
    table_text(table, key_id);
    table_text(table, text);
    table_close(table);
}

int key_create_run(struct command_context *context, int argc, char **argv)
{
    struct flag flags[CREATE_FLAGS] = {
        [SCOPE] = {.name = "--scope", .kind = FLAG_TEXT},
        [TENANT] = {.name = "--tenant", .kind = FLAG_LIST},
        [ACCOUNT] = {.name = "--account", .kind = FLAG_TEXT},
        [EVERY_TENANT] = {.name = "--every-tenant", .kind = FLAG_SWITCH},
        [NOTE] = {.name = "--note", .kind = FLAG_TEXT},
        [EXPIRES] = {.name = "--expires", .kind = FLAG_TEXT},
    };
    char text[API_KEY_TEXT_SIZE], key_id[API_KEY_ID_SIZE];
    unsigned char hash[SHA256_BYTES];
    struct key_order order = {0};
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, flags, CREATE_FLAGS, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = read_order(context, flags, &order);
    if (!code) code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = find_parties(context, db, flags, &order, &fault);
    api_key_make(text, key_id, hash);
    if (!err) err = insert_key(context, db, &order, key_id, hash, &fault);
    db_close(db);
    if (err) return command_fail(context, &fault);
    print_key(context, text, key_id);
    return 0;
}

// --- list

const char key_list_usage[] = "\n\nSecrets are not listed: nobody has them.";

static const char list_sql[] =
    "select key_id, scopes, every_tenant,\n"
    "       array(select distinct on (t.tenant) t.id from catalog.tenant t where t.tenant = any (k.tenants)\n"
    "              order by t.tenant, t.version desc),\n"
    "       (select a.id from catalog.billing_account a where a.account = k.account order by a.version desc limit 1),\n"
    "       note, created_time, expires_time, revoked_time,\n"
    "       case when revoked_time is not null then 'revoked' when expires_time <= clock_timestamp() then 'expired'\n"
    "            else 'valid' end\n"
    "  from catalog.api_key k\n"
    " order by created_time, key_id";

// Elements of a one-dimensional array in PostgreSQL's text form: {a,"b c","d\"e"}.
static size_t read_array(struct arena *arena, const char *text, const char ***items)
{
    size_t most = 1, count = 0;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    *items = ARENA_ARRAY(arena, const char *, most);
    for (const char *at = text + 1; *at && *at != '}';) {
        struct text item = {0};
        bool quoted = *at == '"';
        text_clear(&item);
        for (at += quoted; *at && (quoted ? *at != '"' : *at != ',' && *at != '}'); at++) {
            if (*at == '\\' && at[1]) at++;
            text_add_char(&item, *at);
        }
        (*items)[count++] = arena_text(arena, item.data, item.length);
        text_free(&item);
        if (quoted && *at) at++;
        if (*at == ',') at++;
    }
    return count;
}

static void print_row(struct table *table, struct arena *arena, const struct db_result *result, int row)
{
    const char **items;
    table_text(table, db_text(result, row, 0));
    table_text(table, db_text(result, row, 9));
    size_t count = read_array(arena, db_text(result, row, 1), &items);
    table_list(table, items, count);
    table_bool(table, db_get_bool(result, row, 2));
    count = read_array(arena, db_text(result, row, 3), &items);
    table_list(table, items, count);
    table_text(table, db_is_null(result, row, 4) ? NULL : db_text(result, row, 4));
    table_text(table, db_text(result, row, 5));
    for (int column = 6; column <= 8; column++)
        table_instant(table, db_get_instant(result, row, column));
}

int key_list_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {
        {"key_id", false},  {"state", false}, {"scopes", false},       {"every_tenant", false}, {"tenants", false},
        {"account", false}, {"note", false},  {"created_time", false}, {"expires_time", false}, {"revoked_time", false},
    };
    struct db_result *result = NULL;
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = db_query(db, list_sql, 0, NULL, &result, &fault);
    if (err) {
        code = command_fail(context, &fault);
    } else {
        struct table *table = table_open(context, columns, sizeof columns / sizeof *columns);
        for (int row = 0; row < db_rows(result); row++)
            print_row(table, context->arena, result, row);
        table_close(table);
    }
    db_result_free(result);
    db_close(db);
    return code;
}

// --- revoke

const char key_revoke_usage[] = "KEYID\n\n"
                                "  KEYID  the 16 hex digits of the list; a whole key is taken, too\n\n"
                                "The gateway refuses it after 5 seconds at the latest. A key stays in the list.";

static const char *key_id_of(const struct command_context *context, const char *argument)
{
    if (strncmp(argument, "tpk_", 4) != 0) return argument;
    return arena_text(context->arena, argument + 4, strcspn(argument + 4, "_"));
}

static enum err revoke(struct db *db, const char *key_id, struct fault *fault)
{
    static const char sql[] = "update catalog.api_key\n"
                              "   set revoked_time = coalesce(revoked_time, clock_timestamp())\n"
                              " where key_id = $1";
    int64_t affected;
    enum err err = db_exec(db, sql, 1, &key_id, &affected, fault);
    if (!err && affected == 0) return fault_set(fault, ERR_NOT_FOUND, key_id, "there is no such key");
    return err;
}

int key_revoke_run(struct command_context *context, int argc, char **argv)
{
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, NULL, 0, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "admin", &db);
    if (code) return code;
    enum err err = revoke(db, key_id_of(context, argv[1]), &fault);
    db_close(db);
    return err ? command_fail(context, &fault) : 0;
}
