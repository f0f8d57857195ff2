// SPDX-License-Identifier: Apache-2.0
// turnpike duplicate list
#include "cli/commands.h"
#include "cli/reading.h"
#include "cli/table.h"

const char duplicate_list_usage[] =
    "[--tenant ID] [--days N] [--limit N]\n\n"
    "Events that were counted before with the same content, by tenant, those with the most first. They are never\n"
    "billed; many of them mean a sender that repeats itself.\n"
    "  --tenant  only this tenant's\n"
    "  --days    received in the last N days (default 35)\n"
    "  --limit   at most N tenants (default 100)";

enum { LIMIT_DEFAULT = 100, DAYS_DEFAULT = 35, COLUMNS = 3 };

static const char list_sql[] =
    "select (select c.id from catalog.tenant c where c.tenant = d.tenant order by c.version desc limit 1),\n"
    "       d.duplicates, d.last_time\n"
    "  from (select u.tenant, sum(u.events)::bigint as duplicates, max(b.watermark) as last_time\n"
    "          from rating.batch b\n"
    "         cross join lateral unnest(b.duplicate_tenants, b.duplicate_events) as u (tenant, events)\n"
    "         where b.watermark >= clock_timestamp() - $2::integer * interval '1 day'\n"
    "           and ($1::text is null or u.tenant in (select c.tenant from catalog.tenant c where c.id = $1))\n"
    "         group by u.tenant) d\n"
    " order by d.duplicates desc, d.tenant\n"
    " limit $3::bigint";

int duplicate_list_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"tenant_id", false}, {"duplicates", true}, {"last_time", false}};
    enum { TENANT, DAYS, LIMIT, FLAGS };
    struct flag flags[FLAGS] = {[TENANT] = {.name = "--tenant", .kind = FLAG_TEXT},
                                [DAYS] = {.name = "--days", .kind = FLAG_TEXT},
                                [LIMIT] = {.name = "--limit", .kind = FLAG_TEXT}};
    int days = DAYS_DEFAULT, limit = LIMIT_DEFAULT;
    struct fault fault = {0};
    struct db_result *result;
    struct db *db;
    if (!command_flags(context, flags, FLAGS, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    for (int i = DAYS; i <= LIMIT; i++)
        if (flags[i].given && !reading_limit(flags[i].text, i == DAYS ? &days : &limit))
            return command_wrong_use(context, "%s: a whole number from 1 to %d", flags[i].name, READING_LIMIT_MOST);
    const char *const values[] = {flags[TENANT].text, db_int(context->arena, days), db_int(context->arena, limit)};
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    if (db_query(db, list_sql, 3, values, &result, &fault)) {
        db_close(db);
        return command_fail(context, &fault);
    }
    struct table *table = table_open(context, columns, COLUMNS);
    for (int row = 0; row < db_rows(result); row++) {
        table_text(table, db_text(result, row, 0));
        table_int(table, db_get_int(result, row, 1));
        table_instant(table, db_get_instant(result, row, 2));
    }
    table_close(table);
    db_result_free(result);
    db_close(db);
    return 0;
}
