// SPDX-License-Identifier: Apache-2.0
// What a closing chunk reads, under the locks of its positions: charges to date, what earlier documents billed, and F at the cut.
#include <stdlib.h>
#include <string.h>

#include "catalogue/contract_limit.h"
#include "common/array.h"
#include "common/log.h"
#include "invoicing/charge_row.h"
#include "invoicing/close_draft.h"
#include "invoicing/earlier.h"
#include "invoicing/position_usage.h"

static struct close_account *account_find(struct close_work *work, int64_t account)
{
    size_t low = 0, high = work->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (work->accounts[middle].period->account == account) return &work->accounts[middle];
        if (work->accounts[middle].period->account < account) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static struct close_source *source_find(struct close_work *work, int64_t account, instant_us start)
{
    struct close_account *owner = account_find(work, account);
    for (size_t i = 0; owner && i < owner->source_count; i++)
        if (owner->sources[i].period.start == start) return &owner->sources[i];
    return NULL;
}

// One row of invoicing.period (with its position): the period itself, or an earlier one of the account.
static enum err add_source(struct close_work *work, const struct db_result *result, int row)
{
    struct close_account *account = account_find(work, db_get_int(result, row, 0));
    instant_us start = db_get_instant(result, row, 1);
    bool closed = strcmp(db_text(result, row, 4), "closed") == 0, itself = start == account->period->start;
    struct close_source source = {.closed = !itself, .cut = db_get_int(result, row, 5)};
    source.period = (struct billing_period){catalogue_agreement(work->catalogue, account->period->account, start), account->period->account, start, db_get_instant(result, row, 2), ""};
    if (!source.period.agreement || source.period.agreement->number != account->period->agreement->number) return ERR_OK; // another seller's books
    source.groups = ARENA_ARRAY(work->arena, struct close_group, source.period.agreement->contract->tax_count + 1);
    memcpy(source.period.label, db_text(result, row, 3), PERIOD_LABEL_MAX - 1);
    if (!db_is_null(result, row, 7)) {
        unsigned char *digest;
        ENSURE(db_get_bytes(result, work->arena, row, 7, &digest) == SHA256_BYTES);
        memcpy(source.settled.spans_digest, digest, SHA256_BYTES);
        source.settled.cut = source.cut;
    }
    if (itself && closed) account->already = true;
    if (!itself && !closed)
        close_refuse(work, account, "period %s is still open: run `turnpike close --period %s` first", source.period.label, source.period.label);
    if (!db_is_null(result, row, 6))
        close_refuse(work, account, "period %s waits for a settlement with catalogue version %s: run `turnpike settle`", source.period.label, db_text(result, row, 6));
    size_t capacity = account->source_count; // few periods: the list grows one by one
    account->sources = arena_grow(work->arena, account->sources, sizeof source, account->source_count, &capacity);
    account->sources[account->source_count++] = source;
    return ERR_OK;
}

static enum err lock_sources(struct close_work *work)
{
    struct array accounts = {0}, agreements = {0}, starts = {0};
    struct db_result *result;
    for (size_t i = 0; i < work->count; i++) {
        array_add_int(&agreements, work->accounts[i].period->agreement->number);
        array_add_int(&accounts, work->accounts[i].period->account);
        array_add_instant(&starts, work->accounts[i].period->start);
    }
    const char *const values[] = {array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena)};
    enum err err = db_exec(work->db, // an account may only have late usage of earlier periods
        "insert into invoicing.position (agreement, account, period_start, cut, catalogue_version)"
        " select k.*, 0, 0 from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k order by 1, 2, 3 on conflict do nothing", 3, values, NULL, work->fault);
    if (!err) err = db_query(work->db,
        "select e.account, e.period_start, e.period_end, e.label, e.state, p.cut,"
        "       (select r.catalogue_version from invoicing.recompute r where r.agreement = e.agreement and r.account = e.account and r.period_start = e.period_start),"
        "       p.spans_digest"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
        "  join invoicing.position p on p.agreement = k.agreement and p.account = k.account and p.period_start <= k.period_start"
        "  join invoicing.period e on e.agreement = p.agreement and e.account = p.account and e.period_start = p.period_start"
        " order by p.agreement, p.account, p.period_start for update of p, e", 3, values, &result, work->fault);
    for (int row = 0; !err && row < db_rows(result); row++) err = add_source(work, result, row);
    if (err != ERR_OK) return err;
    db_result_free(result);
    return ERR_OK;
}

struct source_keys { const char *agreements, *accounts, *starts; };
static struct source_keys keys_of(struct close_work *work)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    for (size_t i = 0; i < work->count; i++)
        for (size_t s = 0; s < work->accounts[i].source_count; s++) {
            array_add_int(&agreements, work->accounts[i].sources[s].period.agreement->number);
            array_add_int(&accounts, work->accounts[i].period->account);
            array_add_instant(&starts, work->accounts[i].sources[s].period.start);
        }
    return (struct source_keys){array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena)};
}

// Rows come grouped by (account, period); hands each source its run of charges.
static enum err take_charges(struct close_work *work, struct db_result *result, bool billed)
{
    struct charge *charges = ARENA_ARRAY(work->arena, struct charge, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++) {
        struct close_source *source = source_find(work, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        ENSURE(source != NULL);
        struct charge **list = billed ? &source->billed : &source->charges;
        size_t *count = billed ? &source->billed_count : &source->charge_count;
        if (!*count) *list = &charges[row];
        charges[row] = charge_row_read(result, row);
        (*count)++;
    }
    db_result_free(result);
    for (size_t i = 0; i < work->count; i++)
        for (size_t s = 0; s < work->accounts[i].source_count; s++) {
            struct close_source *source = &work->accounts[i].sources[s];
            if (billed && source->billed_count) qsort(source->billed, source->billed_count, sizeof *source->billed, charge_order);
            if (!billed && source->charge_count) qsort(source->charges, source->charge_count, sizeof *source->charges, charge_order);
        }
    return ERR_OK;
}

static const char billed_sql[] =
    "select k.account, l.original_period_start, l.tenant, l.sku, l.price, l.tier, l.dimension_set, l.stage, l.deduction, sum(l.quantity), 0, 0, 0, sum(l.cost)"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
    "  join invoicing.document d on d.agreement = k.agreement and d.account = k.account and d.state <> 'void'"
    "  join invoicing.document_line l on l.document = d.document and l.original_period_start = k.period_start"
    " group by k.account, l.original_period_start, l.tenant, l.sku, l.price, l.tier, l.dimension_set, l.stage, l.deduction"
    " order by k.account, l.original_period_start";
static const char group_sql[] =
    "select k.account, k.period_start, sum(g.net), sum(g.tax), g.tax_name, g.tax_rate"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
    "  join invoicing.document d on d.agreement = k.agreement and d.account = k.account and d.state <> 'void'"
    "  join invoicing.document_group g on g.document = d.document and g.original_period_start = k.period_start"
    " group by k.account, k.period_start, g.tax_name, g.tax_rate";

// The group of the source's terms that bears the tax; -1: none does.
static int group_find(const struct close_source *source, const char *name, int128 rate_pico)
{
    const struct agreement *terms = source->period.agreement;
    for (int group = 0; group <= (int)terms->contract->tax_count; group++) {
        const struct tax tax = tax_of_group(terms, group);
        if (strcmp(tax.name, name) == 0 && tax.rate.pico == rate_pico) return group;
    }
    return -1;
}

static enum err load_groups(struct close_work *work, const char *const *values)
{
    struct db_result *result;
    enum err err = db_query(work->db, group_sql, 3, values, &result, work->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) {
        struct close_source *source = source_find(work, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        ENSURE(source != NULL);
        const int group = group_find(source, db_text(result, row, 4), db_get_decimal(result, row, 5, PRICE_PLACES));
        if (group < 0) {
            err = fault_set(work->fault, ERR_BUG, "", "account %s, period %s was billed with %s, which its terms do not have",
                            source->period.agreement->account->id, source->period.label, db_text(result, row, 4));
            break;
        }
        source->groups[group].net.pico = db_get_decimal(result, row, 2, AMOUNT_PLACES);
        source->groups[group].tax.pico = db_get_decimal(result, row, 3, AMOUNT_PLACES);
    }
    db_result_free(result);
    return err;
}

static enum err load_charges(struct close_work *work)
{
    struct db_result *result;
    const struct source_keys keys = keys_of(work);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts};
    enum err err = db_query(work->db,
        "select " CHARGE_ROW_COLUMNS
        "  from invoicing.charge_to_date($1::bigint[], $2::bigint[], $3::timestamptz[])", 3, values, &result, work->fault);
    if (!err) err = take_charges(work, result, false);
    if (!err) err = db_query(work->db, billed_sql, 3, values, &result, work->fault);
    if (!err) err = take_charges(work, result, true);
    return err ? err : load_groups(work, values);
}

// Ordinal of the next document of the period, and the hashes of those before it.
static enum err load_earlier(struct close_work *work)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    struct db_result *result;
    for (size_t i = 0; i < work->count; i++) {
        work->accounts[i].ordinal = 1;
        array_add_int(&agreements, work->accounts[i].period->agreement->number);
        array_add_int(&accounts, work->accounts[i].period->account);
        array_add_instant(&starts, work->accounts[i].period->start);
    }
    const char *const values[] = {array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena)};
    enum err err = db_query(work->db,
        "select d.account, d.ordinal, encode(d.body_sha256, 'hex') from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
        "  join invoicing.document d on d.agreement = k.agreement and d.account = k.account and d.period_start = k.period_start"
        " order by d.account, d.ordinal", 3, values, &result, work->fault);
    if (err) return err;
    for (int row = 0; row < db_rows(result); row++) {
        struct close_account *account = account_find(work, db_get_int(result, row, 0));
        size_t capacity = account->earlier_count;
        account->earlier = arena_grow(work->arena, account->earlier, sizeof *account->earlier, account->earlier_count, &capacity);
        account->earlier[account->earlier_count++] = arena_text(work->arena, db_text(result, row, 2), db_length(result, row, 2));
        account->ordinal = (int)db_get_int(result, row, 1) + 1;
    }
    db_result_free(result);
    return ERR_OK;
}

static bool zero_charge(const struct charge *charge)
{
    return charge->quantity.nano == 0 && charge->billed_cost.pico == 0;
}

// F at the cut and what was posted must be the same under every key: the close recomputes from scratch and must agree (rules 6.3).
static bool agrees(const struct rated *rated, const struct close_source *posted)
{
    size_t n = 0;
    for (size_t p = 0; p < posted->charge_count; p++) {
        const struct charge *was = &posted->charges[p];
        if (zero_charge(was)) continue;
        while (n < rated->charge_count && zero_charge(&rated->charges[n])) n++;
        if (n == rated->charge_count || charge_order(&rated->charges[n], was) != 0) return false;
        if (rated->charges[n].quantity.nano != was->quantity.nano || rated->charges[n].billed_cost.pico != was->billed_cost.pico) return false;
        n++;
    }
    while (n < rated->charge_count && zero_charge(&rated->charges[n])) n++;
    return n == rated->charge_count;
}

// Does time alone make something due?
static bool falls_due(const struct close_work *work, const struct close_account *account)
{
    const struct billing_period *period = account->period;
    size_t count;
    return catalogue_holdings(work->catalogue, period->account, &count) || contract_has_minimum(period->agreement->contract, period->start, period->end);
}

// Then nothing has a price.
static bool lacks_exchange(const struct catalogue *catalogue, const struct billing_period *period)
{
    return agreement_converts(period->agreement) && !catalogue_exchange(catalogue, period->agreement, period->start);
}

static enum err rate_account(struct close_work *work, struct close_account *account)
{
    const struct agreement *terms = account->period->agreement;
    if (falls_due(work, account) && account->usage.due < account->period->end)
        close_refuse(work, account, "the log has not come to the end of the period at cut %lld: run again when something was received after it", (long long)account->cut);
    enum err err = charge_rate(work->catalogue, terms, &account->usage, work->arena, &account->rated, work->fault);
    if (err) return err;
    if (account->rated.unpriced_count && lacks_exchange(work->catalogue, account->period)) {
        close_refuse(work, account, "%zu usage records have no price, since no exchange rate from %s to %s is in effect at the period's start: add one to exchange_rates and run again",
                     account->rated.unpriced_count, terms->book->currency.code, terms->currency.code);
    } else if (account->rated.unpriced_count) {
        const struct sku *sku = catalogue_sku_number(work->catalogue, account->rated.unpriced[0].sku);
        const struct tenant *tenant = catalogue_tenant_number(work->catalogue, account->rated.unpriced[0].tenant);
        close_refuse(work, account, "%zu usage records have no price, the first of tenant %s under SKU %s: add a price and run again",
                     account->rated.unpriced_count, tenant ? tenant->id : "?", sku ? sku->id : "?");
    } else if (!agrees(&account->rated, &account->sources[account->source_count - 1])) {
        close_refuse(work, account, "the charges posted differ from those computed anew at cut %lld: run `turnpike settle`, then again", (long long)account->cut);
    }
    return charge_share(work->catalogue, terms, &account->usage, &account->rated, work->arena, &account->shares, &account->share_count, work->fault);
}

static void refuse_difference(struct close_work *work, struct close_account *account, const struct position_usage_difference *difference)
{
    const struct meter *meter = catalogue_meter_newest(work->catalogue, difference->line.meter);
    const struct tenant *tenant = catalogue_tenant_number(work->catalogue, difference->line.tenant);
    char settled[DECIMAL_TEXT_MAX], anew[DECIMAL_TEXT_MAX];
    quantity_print(difference->settled, settled);
    quantity_print(difference->anew, anew);
    log_error("settled_usage_differs", LOG_TEXT("account", account->period->agreement->account->id), LOG_TEXT("period", account->period->label),
              LOG_TEXT("tenant", tenant ? tenant->id : "?"), LOG_TEXT("meter", meter ? meter->id : "?"), LOG_TEXT("settled", settled),
              LOG_TEXT("anew", anew), LOG_INT("cut", account->cut));
    close_refuse(work, account, "meter %s of tenant %s was settled with %s, computed anew at cut %lld it is %s: find out who changed"
                 " invoicing.position_usage, then run `turnpike settle --anew %s`", meter ? meter->id : "?",
                 tenant ? tenant->id : "?", settled, (long long)account->cut, anew,
                 account->period->agreement->account->id);
}

// What the account was settled with must be what its usage adds up to, read from the beginning (rules 6.3). An account that had nothing new
// since an older cut is compared, too: what came in between is none.
static enum err check_settled(struct close_work *work, struct close_account **accounts, const struct usage_request *requests,
                              const struct usage_gathered *anew, size_t count)
{
    const struct billing_period **periods = ARENA_ARRAY(work->arena, const struct billing_period *, count + 1);
    struct usage_request *asked = ARENA_ARRAY(work->arena, struct usage_request, count + 1);
    struct usage_basis *bases = ARENA_ARRAY(work->arena, struct usage_basis, count + 1);
    struct usage_gathered *since = ARENA_ARRAY(work->arena, struct usage_gathered, count + 1);
    size_t *places = ARENA_ARRAY(work->arena, size_t, count + 1), kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct close_source *itself = &accounts[i]->sources[accounts[i]->source_count - 1];
        if (!itself->settled.cut) continue; // settled before there were such rows
        periods[kept] = accounts[i]->period;
        asked[kept] = requests[i];
        bases[kept] = itself->settled;
        places[kept++] = i;
    }
    enum err err = position_usage_load(work->db, periods, kept, bases, work->arena, work->fault);
    if (!err) err = usage_gather_since(work->db, work->catalogue, accounts[0]->cut, asked, bases, kept, work->arena, since, work->fault);
    for (size_t i = 0; i < kept && !err; i++) {
        struct position_usage_difference difference;
        bool agrees;
        if (position_usage_agrees(&bases[i], &since[i], &anew[places[i]], work->arena, &agrees, &difference))
            err = fault_set(work->fault, ERR_LIMIT, "", "account %s: a quantity leaves the range of exact numbers", periods[i]->agreement->account->id);
        else if (!agrees)
            refuse_difference(work, accounts[places[i]], &difference);
    }
    return err;
}

static int cut_order(const void *left, const void *right)
{
    const struct close_account *a = *(struct close_account *const *)left, *b = *(struct close_account *const *)right;
    return (a->cut > b->cut) - (a->cut < b->cut);
}

// What earlier periods came to that F is told of: as posted, under the locks of their positions.
static enum err set_earlier(struct close_work *work, struct close_account *account, const struct earlier *earlier)
{
    struct earlier_sums sums;
    if (!earlier_begin(work->catalogue, account->period, work->arena, &sums)) return ERR_OK;
    for (size_t i = 0; i < earlier->count; i++)
        if (earlier->rows[i].account == account->period->account && earlier_add(&sums, &earlier->rows[i]))
            return earlier_limit_fault(&sums, work->fault);
    earlier_tell(&sums, &account->usage);
    return ERR_OK;
}

static enum err load_earlier_spend(struct close_work *work, struct close_account **accounts, size_t count, struct earlier *earlier)
{
    const struct billing_period **periods = ARENA_ARRAY(work->arena, const struct billing_period *, count + 1);
    for (size_t i = 0; i < count; i++) periods[i] = accounts[i]->period;
    return earlier_load(work->db, USAGE_READER_BILL, periods, count, work->catalogue, work->arena, earlier, work->fault);
}

// F of accounts at one cut, from scratch.
static enum err rate_at_cut(struct close_work *work, struct close_account **accounts, size_t count)
{
    struct usage_request *requests = ARENA_ARRAY(work->arena, struct usage_request, count + 1);
    struct account_usage *usages = ARENA_ARRAY(work->arena, struct account_usage, count + 1);
    struct usage_gathered *anew = ARENA_ARRAY(work->arena, struct usage_gathered, count + 1);
    const struct usage_basis *nothing = ARENA_ARRAY(work->arena, struct usage_basis, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct billing_period *period = accounts[i]->period;
        instant_us *boundaries;
        size_t changes = charge_boundaries(work->catalogue, period->agreement, period->start, period->end, work->arena, &boundaries);
        requests[i] = (struct usage_request){period->account, period->start, period->end, period->agreement->zone, boundaries, changes, period->agreement->book->per_event};
    }
    instant_us due = INSTANT_NONE;
    enum err err = usage_due(work->db, USAGE_READER_BILL, accounts[0]->cut, &due, work->fault);
    if (!err) err = usage_load_since(work->db, work->catalogue, accounts[0]->cut, requests, nothing, count, work->arena, usages, anew, work->fault);
    struct earlier earlier = {0};
    if (!err) err = check_settled(work, accounts, requests, anew, count);
    if (!err) err = load_earlier_spend(work, accounts, count, &earlier);
    for (size_t i = 0; i < count && !err; i++) {
        accounts[i]->usage = usages[i];
        usage_set_due(&accounts[i]->usage, due);
        err = set_earlier(work, accounts[i], &earlier);
        if (!err) err = rate_account(work, accounts[i]);
    }
    return err;
}

// F of every account at its own cut: the close's, or its position's if that is higher.
static enum err rate_accounts(struct close_work *work)
{
    struct close_account **order = ARENA_ARRAY(work->arena, struct close_account *, work->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        struct close_account *account = &work->accounts[i];
        if (account->already || account->refused || !account->source_count) continue;
        int64_t settled = account->sources[account->source_count - 1].cut;
        account->cut = settled > work->cut ? settled : work->cut;
        order[count++] = account;
    }
    if (count) qsort(order, count, sizeof *order, cut_order);
    enum err err = ERR_OK;
    for (size_t from = 0, to; from < count && !err; from = to) {
        for (to = from; to < count && order[to]->cut == order[from]->cut;) to++;
        err = rate_at_cut(work, order + from, to - from);
    }
    return err;
}

// Texts of the dimension sets that charges name.
static enum err load_dimensions(struct close_work *work)
{
    struct array tenants = {0}, sets = {0};
    for (size_t i = 0; i < work->count; i++)
        for (size_t s = 0; s < work->accounts[i].source_count; s++) {
            const struct close_source *source = &work->accounts[i].sources[s];
            for (size_t c = 0; c < source->charge_count; c++) {
                array_add_int(&tenants, source->charges[c].tenant);
                array_add_hash(&sets, source->charges[c].dimension_set);
            }
            for (size_t c = 0; c < source->billed_count; c++) {
                array_add_int(&tenants, source->billed[c].tenant);
                array_add_hash(&sets, source->billed[c].dimension_set);
            }
        }
    const char *const values[] = {array_end(&tenants, work->arena), array_end(&sets, work->arena)};
    struct db_result *result;
    // a shared charge has neither; offset 0 keeps this an index scan per set, whatever the statistics say
    enum err err = db_query(work->db,
                            "select d.dimension_set, d.tenant, d.members\n"
                            "  from (select distinct * from unnest($1::bigint[], $2::uuid[])) as n (tenant, dimension_set)\n"
                            " cross join lateral (select s.dimension_set, s.tenant, s.members from rating.dimension_set s\n"
                            "                      where s.tenant = n.tenant and s.dimension_set = n.dimension_set offset 0) d\n"
                            " order by 1",
                            2, values, &result, work->fault);
    if (err) return err;
    struct usage_dimension *list = ARENA_ARRAY(work->arena, struct usage_dimension, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++)
        list[row] = (struct usage_dimension){.id = db_get_uuid(result, row, 0), .tenant = db_get_int(result, row, 1), .text = arena_text(work->arena, db_text(result, row, 2), db_length(result, row, 2))};
    work->dimensions = list;
    work->dimension_count = (size_t)db_rows(result);
    db_result_free(result);
    return ERR_OK;
}

const char *close_dimensions(const struct close_work *work, const struct close_account *account, struct hash128 dimension_set)
{
    const struct account_usage sets = {.account = account->period->account, .dimensions = work->dimensions, .dimension_count = work->dimension_count};
    const struct usage_dimension *found = usage_dimension_find(&sets, dimension_set);
    return found ? found->text : "{}";
}

enum err close_load(struct close_work *work)
{
    enum err err = lock_sources(work);
    if (!err) err = load_charges(work);
    if (!err) err = load_dimensions(work);
    if (!err) err = load_earlier(work);
    return err ? err : rate_accounts(work);
}
