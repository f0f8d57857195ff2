// SPDX-License-Identifier: Apache-2.0
// What a scenario can expect: each is one statement or one reading of usage, compared as exact decimals or words.
#include <stdio.h>
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

// Every word from index `from` on is NAME=value with one of the names (or `other`): a misspelt expectation would never fail.
static enum err check_names(const struct words *words, size_t from, const char *const *names, const char *other, struct fault *fault)
{
    for (size_t i = from; i < words->count; i++) {
        const char *word = words->list[i], *equals = strchr(word, '=');
        size_t length = equals ? (size_t)(equals - word) : 0;
        bool known = equals && other && strlen(other) == length && strncmp(other, word, length) == 0;
        for (size_t n = 0; names[n] && equals && !known; n++) known = strlen(names[n]) == length && strncmp(names[n], word, length) == 0;
        if (!known) return fault_set(fault, ERR_INVALID, "", "nothing to expect by the name of %s", word);
    }
    return ERR_OK;
}

// Every name=value of the words (from index `from`) against the columns of the only row of a query.
static enum err compare_row(struct scenario *scenario, const struct words *words, size_t from, const char *sql, const char *const *values, int value_count,
                            const char *const *names, struct fault *fault)
{
    struct db_result *result;
    enum err err = check_names(words, from, names, "ordinal", fault);
    if (!err) err = db_query(scenario->admin, sql, value_count, values, &result, fault);
    if (err) return err;
    if (db_rows(result) != 1) err = fault_set(fault, ERR_CONFLICT, "", "expected one row, got %d", db_rows(result));
    for (int column = 0; names[column] && !err; column++) {
        const char *wanted = scenario_value(words, from, names[column]);
        if (wanted) err = compare(names[column], wanted, db_text(result, 0, column), fault);
    }
    db_result_free(result);
    return err;
}

// expect verdicts counted=1 duplicates=1 conflicts=0 quarantined=0 forwarded=0 markers=2
static enum err expect_verdicts(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"counted", "duplicates", "conflicts", "quarantined", "forwarded", "markers", NULL};
    return compare_row(scenario, words, 2,
                       "select coalesce(sum(counted), 0), coalesce(sum(duplicates), 0), coalesce(sum(conflicts), 0), coalesce(sum(quarantined), 0),"
                       " coalesce(sum(forwarded), 0), coalesce(sum(markers), 0) from rating.batch", NULL, 0, names, fault);
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

// expect document ACCOUNT YYYY-MM [ordinal=1] kind= lines= groups= net= tax= total= number= currency= seller=
static enum err expect_document(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"kind", "lines", "net", "tax", "total", "number", "groups", "currency", "seller", NULL};
    const char *ordinal = scenario_value(words, 4, "ordinal");
    const char *const values[] = {words->list[2], words->list[3], ordinal ? ordinal : "1"};
    return compare_row(scenario, words, 4,
                       "select d.kind, (select count(*) from invoicing.document_line l where l.document = d.document), d.net, d.tax, d.total, d.number,"
                       " (select count(*) from invoicing.document_group g where g.document = d.document),"
                       "  d.currency, (select s.id from catalog.seller s where s.seller = d.seller)"
                       "  from invoicing.document d join invoicing.period p using (agreement, account, period_start)"
                       "  join catalog.billing_account a using (account) where a.id = $1 and p.label = $2 and d.ordinal = $3::int", values, 3, names, fault);
}

// expect settled ACCOUNT YYYY-MM amount= posted= charges=: sum of charges; sum of the ledger's settlements; keys that are not zero
static enum err expect_settled(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    static const char *const names[] = {"amount", "posted", "charges", NULL};
    const char *const values[] = {words->list[2], words->list[3]};
    return compare_row(scenario, words, 4,
                       "select coalesce((select sum(c.billed_delta) from invoicing.charge c where c.agreement = p.agreement and c.account = p.account and c.period_start = p.period_start), 0),"
                       "       coalesce((select sum(case d.kind when 'unbilled' then t.amount else -t.amount end) from ledger.transfer t join ledger.operation o using (operation)"
                       "        join ledger.account d on d.ledger_account = t.debit where o.kind = 'settlement' and t.agreement = p.agreement and t.account = p.account and t.period_start = p.period_start), 0),"
                       "       (select count(*) from invoicing.charge_to_date(array[p.agreement], array[p.account], array[p.period_start]) c where c.quantity <> 0 or c.billed_cost <> 0)"
                       "  from invoicing.period p join catalog.billing_account a using (account) where a.id = $1 and p.label = $2", values, 2, names, fault);
}

// One number of the database.
static enum err expect_count(struct scenario *scenario, const char *what, const char *wanted, const char *sql, const char *const *values, int value_count,
                             struct fault *fault)
{
    struct db_result *result;
    enum err err = db_query(scenario->admin, sql, value_count, values, &result, fault);
    if (err) return err;
    err = compare(what, wanted, db_text(result, 0, 0), fault);
    db_result_free(result);
    return err;
}

// expect numbers SERIES N: the documents of the series have the numbers 1..N, and no later number an earlier issue time
static enum err expect_numbers(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const char *const values[] = {words->list[2]};
    enum err err = expect_count(scenario, "documents in the series", words->list[3], "select count(*) from invoicing.document where series = $1", values, 1, fault);
    return err ? err : expect_count(scenario, "gaps, doubles and falling issue times", "0",
                       "select count(*) from (select number, issued_time, row_number() over w as place, lag(issued_time) over w as before"
                       "  from invoicing.document where series = $1 window w as (order by number)) as d"
                       " where number <> $1 || '-' || lpad(place::text, 6, '0') or issued_time < before", values, 1, fault);
}

// expect conflict ID TEXT: an event of that id is kept as a conflict, its body has the text
static enum err expect_conflict(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const char *const values[] = {words->list[2], words->list[3]};
    return expect_count(scenario, "conflicts", "1", "select count(*) from rating.conflict where event_id = $1 and position($2 in convert_from(raw, 'UTF8')) > 0", values, 2, fault);
}

// expect body|envelope ACCOUNT YYYY-MM with|without TEXT: of the first document, whose hash is that of its body and stands in the envelope
static enum err expect_text(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    const char *const values[] = {words->list[2], words->list[3], words->list[5], words->list[1]};
    bool with = strcmp(words->list[4], "with") == 0;
    if (!with && strcmp(words->list[4], "without") != 0) return fault_set(fault, ERR_INVALID, "", "with or without");
    return expect_count(scenario, words->list[5], with ? "1" : "0",
                        "select case when d.body_sha256 = sha256(convert_to(d.body, 'UTF8')) and position(encode(d.body_sha256, 'hex') in d.envelope) > 0"
                        "            then (position($3 in case $4 when 'body' then d.body else d.envelope end) > 0)::int else -1 end"
                        "  from invoicing.document d join invoicing.period p using (agreement, account, period_start)"
                        "  join catalog.billing_account a using (account) where a.id = $1 and p.label = $2 and d.ordinal = 1", values, 4, fault);
}

// expect parked N: partitions that are parked
static enum err expect_parked(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    return expect_count(scenario, "parked partitions", words->list[2], "select count(*) from rating.partition where parked_reason is not null", NULL, 0, fault);
}

// expect cuts N: there are N, contiguous, and no component of a vector is below its predecessor's
static enum err expect_cuts(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    enum err err = expect_count(scenario, "cuts", words->list[2], "select case when count(*) = max(cut) then count(*) end from rating.cut", NULL, 0, fault);
    return err ? err : expect_count(scenario, "components that fell", "0",
                       "select count(*) from rating.cut_partition n join rating.cut_partition o on o.cut = n.cut - 1 and o.incarnation = n.incarnation and o.partition = n.partition"
                       " where n.batch_seq < o.batch_seq or n.next_offset < o.next_offset or n.cut_end < o.cut_end", NULL, 0, fault);
}

// expect cut TENANT INSTANT: where the newest cut ends in the tenant's partition; "never" before its first message
static enum err expect_cut(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    char partition[16];
    ENSURE(snprintf(partition, sizeof partition, "%d", shard_of_tenant(slice_of(words->list[2])) % SCENARIO_PARTITIONS) > 0);
    const char *const values[] = {partition};
    return expect_count(scenario, "cut end", words->list[3],
                        "select case when isfinite(cut_end) then to_char(cut_end at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') else 'never' end"
                        "  from rating.cut_partition where partition = $1::int order by cut desc limit 1", values, 1, fault);
}

// expect documents N
static enum err expect_documents(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    return expect_count(scenario, "documents", words->list[2], "select count(*) from invoicing.document", NULL, 0, fault);
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
    const struct usage_request request = {period.account, period.start, period.end, period.agreement->zone, NULL, 0, false};
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
    {"numbers", 4, expect_numbers},     {"conflict", 4, expect_conflict},     {"parked", 3, expect_parked},
    {"cuts", 3, expect_cuts},           {"cut", 4, expect_cut},               {"body", 6, expect_text},
    {"envelope", 6, expect_text},
};

enum err scenario_expect(struct scenario *scenario, const struct words *words, struct fault *fault)
{
    if (words->count == 3 && strcmp(words->list[1], "ledger") == 0 && strcmp(words->list[2], "balanced") == 0) return expect_balanced(scenario, fault);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (words->count >= expectations[i].words && strcmp(words->list[1], expectations[i].name) == 0) return expectations[i].run(scenario, words, fault);
    return fault_set(fault, ERR_INVALID, "", "unknown expectation, or words are missing");
}
