// SPDX-License-Identifier: Apache-2.0
// What a scenario can expect: each is one statement or one reading of usage, compared as exact decimals or words.
#include <string.h>

#include "invoicing/period.h"
#include "ledger/ledger.h"
#include "rating/usage.h"
#include "scenario.h"

// A number of the scenario's text equals one of the database's.
static enum err compare(const char *what, const char *wanted, const char *got, struct fault *fault)
{
    int128 a, b;
    bool numbers = !decimal_parse(wanted, strlen(wanted), AMOUNT_PLACES, false, &a, NULL) && !decimal_parse(got, strlen(got), AMOUNT_PLACES, false, &b, NULL);
    if (numbers ? a == b : strcmp(wanted, got) == 0) return ERR_OK;
    return fault_set(fault, ERR_CONFLICT, "", "expected %s %s, got %s", what, wanted, got);
}

// Every name=value of the words (from index `from`) against the columns of the only row of a query.
static enum err compare_row(struct scenario *scenario, const struct words *words, size_t from, const char *sql, const char *const *values, int value_count,
                            const char *const *names, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(scenario->admin, sql, value_count, values, &result, fault);
    if (err) return err;
    if (db_rows(result) != 1) err = fault_set(fault, ERR_CONFLICT, "", "expected one row, got %d", db_rows(result));
    for (int column = 0; names[column] && !err; column++) {
        const char *wanted = scenario_value(words, from, names[column]);
        if (wanted) err = compare(names[column], wanted, db_text(result, 0, column), fault);
    }
    db_result_free(result);
    return err;
}

// expect verdicts counted=1 duplicates=1 conflicts=0 quarantined=0 markers=2
static enum err expect_verdicts(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"counted", "duplicates", "conflicts", "quarantined", "markers", NULL};
    return compare_row(scenario, words, 2,
                       "select coalesce(sum(counted), 0), coalesce(sum(duplicates), 0), coalesce(sum(conflicts), 0), coalesce(sum(quarantined), 0),"
                       " coalesce(sum(markers), 0) from rating.batch", NULL, 0, names, fault);
}

// expect quarantine REASON open=1 counted=0 conflict=0
static enum err expect_quarantine(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"open", "counted", "conflict", NULL};
    const char *const values[] = {words->list[2]};
    return compare_row(scenario, words, 3,
                       "select count(*) filter (where state = 'open'), count(*) filter (where state = 'counted'), count(*) filter (where state = 'conflict')"
                       " from rating.quarantine where reason = $1", values, 1, names, fault);
}

// expect document ACCOUNT YYYY-MM [ordinal=1] kind= lines= net= tax= total= number=
static enum err expect_document(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"kind", "lines", "net", "tax", "total", "number", "groups", NULL};
    const char *ordinal = scenario_value(words, 4, "ordinal");
    const char *const values[] = {words->list[2], words->list[3], ordinal ? ordinal : "1"};
    return compare_row(scenario, words, 4,
                       "select d.kind, (select count(*) from invoicing.document_line l where l.document = d.document), d.net, d.tax, d.total, d.number,"
                       " (select count(*) from invoicing.document_group g where g.document = d.document)"
                       "  from invoicing.document d join invoicing.period p using (agreement, account, period_start)"
                       "  join catalog.billing_account a using (account) where a.id = $1 and p.label = $2 and d.ordinal = $3::int", values, 3, names, fault);
}

// expect documents N
static enum err expect_documents(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(scenario->admin, "select count(*) from invoicing.document", 0, NULL, &result, fault);
    if (err) return err;
    err = compare("documents", words->list[2], db_text(result, 0, 0), fault);
    db_result_free(result);
    return err;
}

// expect settled ACCOUNT YYYY-MM AMOUNT: the sum of what settlements posted
static enum err expect_settled(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"amount", "posted", NULL};
    const char *const values[] = {words->list[2], words->list[3]};
    return compare_row(scenario, words, 4,
                       "select coalesce((select sum(c.billed_delta) from invoicing.charge c where c.agreement = p.agreement and c.account = p.account and c.period_start = p.period_start), 0),"
                       "       coalesce((select sum(case d.kind when 'unbilled' then t.amount else -t.amount end) from ledger.transfer t join ledger.operation o using (operation)"
                       "        join ledger.account d on d.ledger_account = t.debit where o.kind = 'settlement' and t.agreement = p.agreement and t.account = p.account and t.period_start = p.period_start), 0)"
                       "  from invoicing.period p join catalog.billing_account a using (account) where a.id = $1 and p.label = $2", values, 2, names, fault);
}

static enum err expect_balanced(struct scenario *scenario, struct fault *fault)
{
    int64_t broken;
    enum err err = ledger_check(scenario->bill, &broken, fault);
    return !err && broken ? fault_set(fault, ERR_CONFLICT, "", "the books do not balance") : err;
}

// expect usage TENANT METER YYYY-MM QUANTITY: as it is now, over all dimension sets
static enum err expect_usage(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    int year, month;
    char text[DECIMAL_TEXT_MAX];
    struct account_usage usage;
    struct billing_period period;
    const struct tenant *tenant = catalogue_tenant(scenario->catalogue, slice_of(words->list[2]));
    const struct meter *meter = catalogue_meter_id(scenario->catalogue, slice_of(words->list[3]));
    if (!tenant || !meter) return fault_set(fault, ERR_INVALID, "", "no tenant %s or no meter %s", words->list[2], words->list[3]);
    enum err err = period_label_read(words->list[4], &year, &month, fault);
    if (!err) err = period_of_label(scenario->catalogue, catalogue_payer(scenario->catalogue, tenant->number, civil_days(year, month, 15) * DAY_US), year, month, &period, fault);
    if (err) return err;
    const struct usage_request request = {period.account, period.start, period.end, period.agreement->zone, NULL, 0};
    err = db_begin_snapshot(scenario->bill, fault);
    if (!err) err = usage_load_tenants(scenario->bill, USAGE_READER_BILL, scenario->catalogue, USAGE_CUT_LIVE, &tenant->number, 1, &request, scenario->arena, &usage, fault);
    db_rollback(scenario->bill);
    struct quantity sum = QUANTITY_ZERO;
    for (size_t i = 0; i < (err ? 0 : usage.line_count) && !err; i++)
        if (usage.lines[i].meter == meter->number) err = quantity_add(sum, usage.lines[i].quantity, &sum);
    if (err) return err;
    quantity_print(sum, text);
    return compare("usage", words->list[5], text, fault);
}

static const struct { const char *name; size_t words; enum err (*run)(struct scenario *, const struct words *, struct fault *); } expectations[] = {
    {"verdicts", 3, expect_verdicts},   {"quarantine", 4, expect_quarantine}, {"document", 5, expect_document},
    {"documents", 3, expect_documents}, {"settled", 5, expect_settled},       {"usage", 6, expect_usage},
};

enum err scenario_expect(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    if (words->count == 3 && strcmp(words->list[1], "ledger") == 0 && strcmp(words->list[2], "balanced") == 0) return expect_balanced(scenario, fault);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (words->count >= expectations[i].words && strcmp(words->list[1], expectations[i].name) == 0) return expectations[i].run(scenario, words, fault);
    return fault_set(fault, ERR_INVALID, "", "unknown expectation, or words are missing");
}
