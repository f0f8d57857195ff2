// SPDX-License-Identifier: Apache-2.0
// One chunk of a settlement: lock positions, F at the cut (from what they were settled with and what is new), compare with what was posted under
// all keys, write charges, post, keep the usage, raise positions - in one transaction. The order of the steps is in settle_chunk.

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "invoicing/charge_row.h"
#include "invoicing/earlier.h"
#include "invoicing/position_usage.h"
#include "invoicing/settle_work.h"

struct keys { const char *agreements, *accounts, *starts; };

// The (agreement, account, period) of the items as three arrays; only wanted ones if asked.
static struct keys keys_of(const struct settle_work *work, bool only_wanted)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    for (size_t i = 0; i < work->count; i++) {
        const struct billing_period *period = work->items[i].period;
        if (only_wanted && !work->items[i].wanted) continue;
        array_add_int(&agreements, period->agreement->number);
        array_add_int(&accounts, period->account);
        array_add_instant(&starts, period->start);
    }
    return (struct keys){array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena)};
}

struct settle_item *settle_item_find(struct settle_work *work, int64_t account, instant_us start)
{
    struct billing_period wanted = {.account = account, .start = start};
    size_t low = 0, high = work->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = period_order(work->items[middle].period, &wanted);
        if (order == 0) return &work->items[middle];
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

// A position that waits for a newer catalogue is read whole: what that touched is not asked again here (rules 6.3).
static const char lock_sql[] =
    "select p.account, p.period_start, p.cut, p.catalogue_version, p.settlements, p.spans_digest, not coalesce(p.levels, true),"
    "       exists (select from invoicing.recompute r where r.agreement = p.agreement and r.account = p.account and r.period_start = p.period_start)"
    "  from invoicing.position p"
    "  join unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
    "    on p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start"
    " order by p.agreement, p.account, p.period_start for update of p";

static void take_basis(struct settle_work *work, struct settle_item *item, const struct db_result *result, int row)
{
    unsigned char *digest;
    item->basis = (struct usage_basis){0};
    if (db_get_bool(result, row, 7) || db_is_null(result, row, 5)) return;
    ENSURE(db_get_bytes(result, work->arena, row, 5, &digest) == SHA256_BYTES);
    memcpy(item->basis.spans_digest, digest, SHA256_BYTES);
    item->basis.no_levels = db_get_bool(result, row, 6);
    item->basis.cut = db_get_int(result, row, 2);
}

// Locks the positions in one order, so that two settlers wait for each other but never in a circle.
static enum err lock_positions(struct settle_work *work)
{
    const struct keys keys = keys_of(work, false);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts};
    struct db_result *result;
    enum err err = db_exec(work->db,
        "insert into invoicing.position (agreement, account, period_start, cut, catalogue_version)"
        " select k.*, 0, 0 from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k order by 1, 2, 3 on conflict do nothing",
        3, values, NULL, work->fault);
    if (!err) err = db_query(work->db, lock_sql, 3, values, &result, work->fault);
    if (err) return err;
    int64_t version = catalogue_version(work->catalogue);
    for (int row = 0; row < db_rows(result); row++) {
        struct settle_item *item = settle_item_find(work, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        int64_t cut = db_get_int(result, row, 2), settled_version = db_get_int(result, row, 3);
        ENSURE(item != NULL);
        item->wanted = cut <= work->cut && settled_version <= version && (cut < work->cut || settled_version < version);
        item->settlements = db_get_int(result, row, 4);
        take_basis(work, item, result, row);
        work->result->skipped += !item->wanted;
        work->result->behind += cut < work->cut && settled_version > version;
    }
    db_result_free(result);
    return ERR_OK;
}

static void tell_unpriced(const struct settle_work *work, const struct settle_item *item)
{
    const struct unpriced *first = item->rated.unpriced;
    const struct sku *sku = catalogue_sku_number(work->catalogue, first->sku);
    const struct tenant *tenant = catalogue_tenant_number(work->catalogue, first->tenant);
    const struct agreement *terms = item->period->agreement;
    const bool unconverted = agreement_converts(terms) && !catalogue_exchange(work->catalogue, terms, item->period->start);
    log_warn(unconverted ? "usage_without_exchange_rate" : "usage_without_price", LOG_TEXT("account", item->period->agreement->account->id), LOG_TEXT("period", item->period->label),
             LOG_TEXT("tenant", tenant ? tenant->id : "?"), LOG_TEXT("sku", sku ? sku->id : "?"), LOG_INT("lines", item->rated.unpriced_count));
}

// One account's sum that leaves the range of exact amounts must not keep all others from being settled: it is told, stays as it was
// posted, and is queued, so that every round tries it again and the close refuses it.
static void give_up(struct settle_work *work, struct settle_item *item)
{
    log_error("charges_out_of_range", LOG_TEXT("account", item->period->agreement->account->id), LOG_TEXT("period", item->period->label), LOG_FAULT(work->fault));
    item->wanted = false;
    item->given_up = true;
    work->result->given_up++;
}

static enum err queue_given_up(struct settle_work *work)
{
    struct array agreements = {0}, accounts = {0}, starts = {0};
    size_t count = 0;
    for (size_t i = 0; i < work->count; i++) {
        const struct billing_period *period = work->items[i].period;
        if (!work->items[i].given_up) continue;
        array_add_int(&agreements, period->agreement->number);
        array_add_int(&accounts, period->account);
        array_add_instant(&starts, period->start);
        count++;
    }
    const char *const values[] = {array_end(&agreements, work->arena), array_end(&accounts, work->arena), array_end(&starts, work->arena),
                                  db_int(work->arena, catalogue_version(work->catalogue))};
    if (!count) return ERR_OK;
    return db_exec(work->db,
        "insert into invoicing.recompute (agreement, account, period_start, catalogue_version)"
        " select k.*, $4::bigint from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k on conflict do nothing", 4, values, NULL, work->fault);
}

// The wanted items with what is asked for each, in step.
struct wanted {
    struct settle_item **items;
    const struct billing_period **periods;
    struct usage_request *requests;
    struct usage_basis *bases;
    struct usage_gathered *gathered;
    size_t count;
};

static struct wanted wanted_of(struct settle_work *work)
{
    struct wanted wanted = {ARENA_ARRAY(work->arena, struct settle_item *, work->count + 1),
                            ARENA_ARRAY(work->arena, const struct billing_period *, work->count + 1),
                            ARENA_ARRAY(work->arena, struct usage_request, work->count + 1),
                            ARENA_ARRAY(work->arena, struct usage_basis, work->count + 1),
                            ARENA_ARRAY(work->arena, struct usage_gathered, work->count + 1), 0};
    for (size_t i = 0; i < work->count; i++) {
        struct settle_item *item = &work->items[i];
        if (!item->wanted) continue;
        wanted.items[wanted.count] = item;
        wanted.periods[wanted.count] = item->period;
        wanted.bases[wanted.count] = item->basis;
        wanted.gathered[wanted.count++] = item->gathered;
    }
    return wanted;
}

// What earlier periods came to that the item's wants to know of: F of those that this chunk settles, which come first, and what is posted of
// the others.
static enum err set_earlier(struct settle_work *work, const struct settle_item *item, const struct earlier *earlier, struct account_usage *usage)
{
    const struct billing_period *period = item->period;
    struct earlier_sums sums;
    enum err err = ERR_OK;
    if (!earlier_begin(work->catalogue, period, work->arena, &sums)) return ERR_OK;
    for (size_t i = 0; i < earlier->count && !err; i++) {
        const struct earlier_row *row = &earlier->rows[i];
        if (row->account != period->account || row->period != period->start) continue;
        const struct settle_item *other = settle_item_find(work, row->account, row->start);
        if (!other || !other->wanted || other->period->agreement->number != row->agreement) err = earlier_add(&sums, row);
    }
    for (const struct settle_item *other = work->items; other < item && !err; other++)
        if (other->wanted && other->period->account == period->account) err = earlier_add_rated(&sums, other->period, &other->rated);
    earlier_tell(&sums, usage);
    return err ? earlier_limit_fault(&sums, work->fault) : ERR_OK;
}

// F of every wanted item at the cut.
static enum err rate_items(struct settle_work *work)
{
    struct wanted wanted = wanted_of(work);
    struct account_usage *usages = ARENA_ARRAY(work->arena, struct account_usage, wanted.count + 1);
    for (size_t i = 0; i < wanted.count; i++) {
        const struct billing_period *period = wanted.periods[i];
        instant_us *boundaries;
        size_t changes = charge_boundaries(work->catalogue, period->agreement, period->start, period->end, work->arena, &boundaries);
        wanted.requests[i] = (struct usage_request){period->account, period->start, period->end, period->agreement->zone, boundaries, changes, period->agreement->book->per_event};
    }
    instant_us due = INSTANT_NONE;
    enum err err = usage_due(work->db, USAGE_READER_BILL, work->cut, &due, work->fault);
    if (!err) err = position_usage_load(work->db, wanted.periods, wanted.count, wanted.bases, work->arena, work->fault);
    if (!err)
        err = usage_load_since(work->db, work->catalogue, work->cut, wanted.requests, wanted.bases, wanted.count, work->arena, usages, wanted.gathered, work->fault);
    struct earlier earlier = {0};
    if (!err) err = earlier_load(work->db, USAGE_READER_BILL, wanted.periods, wanted.count, work->catalogue, work->arena, &earlier, work->fault);
    for (size_t i = 0; i < wanted.count && !err; i++) {
        struct settle_item *item = wanted.items[i];
        item->gathered = wanted.gathered[i];
        work->result->anew += item->gathered.anew;
        usage_set_due(&usages[i], due);
        err = set_earlier(work, item, &earlier, &usages[i]);
        if (!err) err = charge_rate(work->catalogue, item->period->agreement, &usages[i], work->arena, &item->rated, work->fault);
        if (err == ERR_LIMIT) {
            give_up(work, item);
            err = ERR_OK;
            continue;
        }
        if (err || !item->rated.unpriced_count) continue;
        work->result->unpriced += item->rated.unpriced_count;
        tell_unpriced(work, item);
    }
    return err ? err : queue_given_up(work);
}

// What was posted under every key of the wanted items: the newest row of each key.
static enum err load_posted(struct settle_work *work)
{
    const struct keys keys = keys_of(work, true);
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts};
    struct db_result *result;
    enum err err = db_query(work->db,
        "select " CHARGE_ROW_COLUMNS
        "  from invoicing.charge_to_date($1::bigint[], $2::bigint[], $3::timestamptz[])",
        3, values, &result, work->fault);
    if (err) return err;
    struct charge *charges = ARENA_ARRAY(work->arena, struct charge, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++) {
        struct settle_item *item = settle_item_find(work, db_get_int(result, row, 0), db_get_instant(result, row, 1));
        ENSURE(item != NULL);
        if (!item->posted_count) item->posted = &charges[row]; // rows of an item stand together
        charges[row] = charge_row_read(result, row);
        item->posted_count++;
    }
    db_result_free(result);
    return ERR_OK;
}

// What the wanted items were settled with, for the next settlement to build on.
static enum err keep_usage(struct settle_work *work)
{
    struct wanted wanted = wanted_of(work);
    return position_usage_write(work->db, wanted.periods, wanted.gathered, wanted.count, work->arena, work->fault);
}

static enum err raise_positions(struct settle_work *work)
{
    struct array changed = {0}, digests = {0}, levels = {0};
    const struct keys keys = keys_of(work, true);
    for (size_t i = 0; i < work->count; i++) {
        const struct settle_item *item = &work->items[i];
        if (!item->wanted) continue;
        array_add_int(&changed, item->change_count > 0);
        array_add_bytes(&digests, item->gathered.spans_digest, SHA256_BYTES);
        array_add_bool(&levels, !item->gathered.no_levels);
    }
    const char *const values[] = {keys.agreements, keys.accounts, keys.starts, array_end(&changed, work->arena), db_int(work->arena, work->cut),
                                  db_int(work->arena, catalogue_version(work->catalogue)), array_end(&digests, work->arena),
                                  array_end(&levels, work->arena)};
    enum err err = db_exec(work->db,
        "update invoicing.position p set cut = $5::bigint, catalogue_version = $6::bigint, settlements = p.settlements + k.changed, spans_digest = k.digest, levels = k.levels"
        "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::int[], $7::bytea[], $8::boolean[])"
        "         as k (agreement, account, period_start, changed, digest, levels)"
        " where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start", 8, values, NULL, work->fault);
    if (err) return err;
    const char *const done[] = {keys.agreements, keys.accounts, keys.starts, values[5]};
    return db_exec(work->db,
        "delete from invoicing.recompute r using unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
        " where r.agreement = k.agreement and r.account = k.account and r.period_start = k.period_start and r.catalogue_version <= $4::bigint",
        4, done, NULL, work->fault);
}

// Held until the commit: an apply that came in between has queued nothing for periods that are made here (rules 6.3).
static enum err hold_catalogue(struct settle_work *work)
{
    int64_t newest;
    enum err err = period_hold_catalogue(work->db, &newest, work->fault);
    if (err || newest == catalogue_version(work->catalogue)) return err;
    return fault_set(work->fault, ERR_RETRY, "", "catalogue version %lld came in between", (long long)newest);
}

enum err settle_chunk(struct db *db, const struct catalogue *catalogue, int64_t cut, struct billing_period *periods, size_t count,
                      struct settle_result *result, struct fault *fault)
{
    struct arena *arena = arena_new(1 << 20);
    struct settle_result before = *result;
    struct settle_work work = {.db = db, .catalogue = catalogue, .cut = cut, .count = count, .arena = arena, .result = result, .fault = fault};
    work.items = ARENA_ARRAY(arena, struct settle_item, count + 1);
    qsort(periods, count, sizeof *periods, period_order);
    for (size_t i = 0; i < count; i++) work.items[i].period = &periods[i];
    enum err err = db_begin(db, fault);
    if (!err) err = hold_catalogue(&work);
    if (!err) err = period_ensure(db, periods, count, arena, fault);
    if (!err) err = lock_positions(&work);
    if (!err) err = rate_items(&work);
    if (!err) err = load_posted(&work);
    if (!err) err = settle_post(&work);
    if (!err) err = keep_usage(&work);
    CRASH_POINT("bill.usage_kept");
    if (!err) err = raise_positions(&work);
    CRASH_POINT("bill.before_commit");
    if (!err) err = db_commit(db, fault);
    else db_rollback(db);
    CRASH_POINT("bill.after_commit");
    if (err) *result = before;
    arena_free(arena);
    return err;
}
