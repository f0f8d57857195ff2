// SPDX-License-Identifier: Apache-2.0
// PostgreSQL under `turnpike doctor`: durability, version, schema, roles, grants, row-level security.
#include <string.h>

#include "cli/doctor.h"
#include "common/schema.h"

static const char store[] = "postgresql";
enum { VERSION_LEAST = 150000 };

// Runs a check that selects text; NULL after a row about the failure.
static struct db_result *ask(struct doctor *doctor, struct db *db, const char *check, const char *sql)
{
    struct fault fault = {0};
    struct db_result *result = NULL;
    if (db_query(db, sql, 0, NULL, &result, &fault) == ERR_OK) return result;
    doctor_row(doctor, store, check, DOCTOR_FAIL, fault.reason, "the check itself failed");
    return NULL;
}

// --- settings

struct wanted {
    const char *name, *values; // separated by blanks
    enum doctor_level level;   // when it is another one
    const char *advice;
};
static const struct wanted settings[] = {
    {"fsync", "on", DOCTOR_FAIL, "set fsync = on: without it a power cut loses or tears what was counted"},
    {"full_page_writes", "on", DOCTOR_FAIL, "set full_page_writes = on: without it a power cut tears pages"},
    {"synchronous_commit", "on remote_apply", DOCTOR_FAIL,
     "set synchronous_commit = on: without it a crash loses batches whose counters were shown"},
    {"data_checksums", "on", DOCTOR_WARN, "enable them with pg_checksums: without them a damaged page is not noticed"},
    {"server_encoding", "UTF8", DOCTOR_FAIL, "create the database with encoding UTF8"},
};

static bool is_one_of(const char *value, const char *values)
{
    size_t length = strlen(value);
    for (const char *at = values; *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == length && strncmp(at, value, length) == 0) return true;
    return false;
}

static void check_settings(struct doctor *doctor, struct db *db)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        const struct wanted *wanted = &settings[i];
        struct db_result *result =
            ask(doctor, db, wanted->name,
                arena_print(doctor->context->arena, "select setting from pg_settings where name = '%s'", wanted->name));
        if (!result) continue;
        const char *found = db_rows(result) ? db_text(result, 0, 0) : "";
        doctor_row(doctor, store, wanted->name, is_one_of(found, wanted->values) ? DOCTOR_OK : wanted->level, found,
                   wanted->advice);
        db_result_free(result);
    }
}

// Settings of roles and databases go before the server's.
static void check_overrides(struct doctor *doctor, struct db *db)
{
    struct db_result *result =
        ask(doctor, db, "overridden settings",
            "select coalesce(string_agg(coalesce(r.rolname, 'every role') || ': ' || c.setting, ', ' order by 1), '')\n"
            "  from pg_db_role_setting s\n"
            "  left join pg_roles r on r.oid = s.setrole\n"
            " cross join unnest(s.setconfig) as c (setting)\n"
            " where c.setting ~* "
            "'^(synchronous_commit|row_security|session_replication_role|default_transaction_isolation)='");
    if (!result) return;
    const char *found = db_text(result, 0, 0);
    doctor_row(doctor, store, "overridden settings", *found ? DOCTOR_FAIL : DOCTOR_OK, *found ? found : "none",
               "alter role ... reset: it takes a promise away");
    db_result_free(result);
}

static void check_version(struct doctor *doctor, struct db *db)
{
    struct db_result *result = ask(
        doctor, db, "version", "select current_setting('server_version_num')::int, current_setting('server_version')");
    if (!result) return;
    doctor_row(doctor, store, "version", db_get_int(result, 0, 0) >= VERSION_LEAST ? DOCTOR_OK : DOCTOR_FAIL,
               db_text(result, 0, 1), "PostgreSQL 15 or newer is needed");
    db_result_free(result);
    doctor_row(doctor, store, "libpq", DOCTOR_OK, db_library_version(doctor->context->arena), "");
}

static void check_schema(struct doctor *doctor, struct db *db)
{
    struct fault fault = {0};
    enum err err = schema_check(db, &fault);
    doctor_row(doctor, store, "schema", err ? DOCTOR_FAIL : DOCTOR_OK, err ? fault.reason : "as this binary needs it",
               "turnpike migrate");
}

static void check_clock(struct doctor *doctor, struct db *db)
{
    instant_us before = clock_now(clock_system());
    struct db_result *result = ask(doctor, db, "clock", "select clock_timestamp()");
    instant_us after = clock_now(clock_system());
    if (!result) return;
    doctor_clock(doctor, store, before, db_get_instant(result, 0, 0), after);
    db_result_free(result);
}

void doctor_postgres(struct doctor *doctor, struct db *db)
{
    check_version(doctor, db);
    check_schema(doctor, db);
    check_settings(doctor, db);
    check_overrides(doctor, db);
    check_clock(doctor, db);
}

// --- roles and grants: each statement lists what should not be

struct forbidden {
    const char *check, *sql, *advice;
};
static const struct forbidden forbidden[] = {
    {"roles without rights of an administrator",
     "select r.rolname || case when r.rolsuper then ' is superuser' when r.rolcreaterole then ' may create roles'\n"
     "       when r.rolcreatedb then ' may create databases' else ' may replicate' end\n"
     "  from pg_roles r\n"
     " where r.rolname in ('turnpike_ingest', 'turnpike_rate', 'turnpike_bill', 'turnpike_api', 'turnpike_report',\n"
     "       'turnpike_catalogue', 'turnpike_owner')\n"
     "   and (r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication)",
     "alter role ... nosuperuser nocreaterole nocreatedb noreplication"},
    {"roles under row-level security",
     "select r.rolname || ' has BYPASSRLS' from pg_roles r\n"
     " where r.rolname in ('turnpike_api', 'turnpike_ingest', 'turnpike_report', 'turnpike_catalogue') and "
     "r.rolbypassrls",
     "alter role ... nobypassrls: else tenants see each other's rows"},
    {"roles that load rows by COPY",
     "select w.rolname || ' lacks BYPASSRLS' from (values ('turnpike_rate'), ('turnpike_bill')) as w (rolname)\n"
     " where not exists (select from pg_roles r where r.rolname = w.rolname and r.rolbypassrls)",
     "as a superuser: alter role ... bypassrls; without it COPY is refused"},
    {"nobody logs in as the owner",
     "select 'turnpike_owner may log in' from pg_roles r where r.rolname = 'turnpike_owner' and r.rolcanlogin\n"
     " union all\n"
     "select m.rolname || ' is a member of turnpike_owner' from pg_auth_members a join pg_roles m on m.oid = a.member\n"
     "  join pg_roles o on o.oid = a.roleid\n"
     " where o.rolname = 'turnpike_owner' and m.rolname in ('turnpike_ingest', 'turnpike_rate', 'turnpike_bill', "
     "'turnpike_api',\n"
     "       'turnpike_report', 'turnpike_catalogue')",
     "alter role turnpike_owner nologin; revoke turnpike_owner from ..."},
    {"nothing is owned by a login role",
     "select n.nspname || '.' || c.relname || ' is owned by ' || r.rolname\n"
     "  from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles r on r.oid = c.relowner\n"
     " where n.nspname in ('catalog', 'rating', 'ledger', 'invoicing', 'api', 'report') and c.relkind in ('r', 'p', "
     "'v', 'm')\n"
     "   and r.rolname <> 'turnpike_owner'",
     "alter table ... owner to turnpike_owner"},
    {"nothing is granted to everybody",
     "select n.nspname || '.' || c.relname || ': ' || g.privilege_type\n"
     "  from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) g\n"
     " where g.grantee = 0 and n.nspname in ('catalog', 'rating', 'ledger', 'invoicing', 'api', 'report')\n"
     " union all\n"
     "select 'schema ' || n.nspname || ': ' || g.privilege_type from pg_namespace n cross join aclexplode(n.nspacl) g\n"
     " where g.grantee = 0 and n.nspname in ('catalog', 'rating', 'ledger', 'invoicing', 'api', 'report')\n"
     " union all\n"
     "select 'function ' || n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = "
     "p.pronamespace\n"
     " cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g\n"
     " where g.grantee = 0 and n.nspname in ('rating', 'ledger', 'invoicing', 'api', 'report')",
     "revoke ... from public"},
    {"row-level security on what the API reads",
     "select n.nspname || '.' || c.relname\n"
     "  from pg_class c join pg_namespace n on n.oid = c.relnamespace\n"
     " where n.nspname in ('catalog', 'rating', 'ledger', 'invoicing', 'api', 'report') and c.relkind in ('r', 'p', "
     "'v', 'm')\n"
     "   and has_table_privilege('turnpike_api', c.oid, 'select') and not c.relrowsecurity",
     "revoke select ... from turnpike_api, or enable row-level security with a policy"},
    {"nobody may change what is booked",
     "select r.rolname || ': ' || p.privilege || ' on ' || t.name\n"
     "  from pg_roles r\n"
     " cross join (values ('ledger.operation'), ('ledger.transfer'), ('ledger.account'), ('invoicing.charge'),\n"
     "       ('invoicing.document_line'), ('invoicing.document_group'), ('rating.usage_delta'), ('rating.usage_day'),\n"
     "       ('rating.compaction'), ('rating.transition'), ('rating.kept_event')) "
     "as t (name)\n"
     " cross join (values ('update'), ('delete'), ('truncate')) as p (privilege)\n"
     " where r.rolcanlogin and not r.rolsuper and has_table_privilege(r.oid, t.name, p.privilege)",
     "revoke ... from ..."},
};

void doctor_postgres_roles(struct doctor *doctor, struct db *db)
{
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        struct db_result *result = ask(doctor, db, forbidden[i].check, forbidden[i].sql);
        if (!result) continue;
        struct text found = {0};
        for (int row = 0; row < db_rows(result) && found.length < FAULT_TEXT_MAX; row++)
            text_print(&found, "%s%s", row ? ", " : "", db_text(result, row, 0));
        bool well = db_rows(result) == 0;
        doctor_row(doctor, store, forbidden[i].check, well ? DOCTOR_OK : DOCTOR_FAIL, well ? "yes" : found.data,
                   forbidden[i].advice);
        text_free(&found);
        db_result_free(result);
    }
}
