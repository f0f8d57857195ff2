// SPDX-License-Identifier: Apache-2.0
// Rows of invoicing.position_usage. Who may write them is the settler's business: it holds the position.
#include "invoicing/position_usage.h"

#include <string.h>

#include "common/array.h"

struct keys { struct array agreements, accounts, starts; size_t count; };

static void add_key(struct keys *keys, const struct billing_period *period)
{
    array_add_int(&keys->agreements, period->agreement->number);
    array_add_int(&keys->accounts, period->account);
    array_add_instant(&keys->starts, period->start);
    keys->count++;
}

static void end_keys(struct keys *keys, struct arena *arena, const char **values)
{
    values[0] = array_end(&keys->agreements, arena);
    values[1] = array_end(&keys->accounts, arena);
    values[2] = array_end(&keys->starts, arena);
}

// --- read

static const char load_sql[] =
    "select k.place, u.tenant, u.meter, u.dimension_set, u.segment, u.quantity"
    "  from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[]) as k (agreement, account, period_start, place)"
    " cross join lateral (" // offset 0 keeps this an index scan per position, whatever the statistics say
    "        select p.* from invoicing.position_usage p"
    "         where p.agreement = k.agreement and p.account = k.account and p.period_start = k.period_start offset 0) u"
    " order by k.place";

enum err position_usage_load(struct db *db, const struct billing_period *const *periods, size_t count, struct usage_basis *bases, struct arena *arena,
                             struct fault *fault)
{
    struct keys keys = {0};
    struct array places = {0};
    struct db_result *result;
    const char *values[4];
    for (size_t i = 0; i < count; i++) {
        if (!bases[i].cut) continue;
        add_key(&keys, periods[i]);
        array_add_int(&places, (int64_t)i);
    }
    end_keys(&keys, arena, values);
    values[3] = array_end(&places, arena);
    if (!keys.count) return ERR_OK;
    enum err err = db_query(db, load_sql, 4, values, &result, fault);
    if (err) return err;
    struct usage_line *lines = ARENA_ARRAY(arena, struct usage_line, (size_t)db_rows(result) + 1);
    for (int row = 0; row < db_rows(result); row++) {
        struct usage_basis *basis = &bases[db_get_int(result, row, 0)];
        lines[row] = (struct usage_line){.kind = USAGE_QUANTITY, .tenant = db_get_int(result, row, 1), .meter = (int32_t)db_get_int(result, row, 2),
                                         .dimension_set = db_get_uuid(result, row, 3), .segment = db_get_instant(result, row, 4),
                                         .quantity = {db_get_decimal(result, row, 5, QUANTITY_PLACES)}};
        if (!basis->line_count++) basis->lines = &lines[row]; // rows of a position stand together
    }
    db_result_free(result);
    return ERR_OK;
}

// --- write

static enum err remove_old(struct db *db, const struct billing_period *const *periods, const struct usage_gathered *gathered, size_t count, struct arena *arena,
                           struct fault *fault)
{
    struct keys keys = {0};
    const char *values[3];
    for (size_t i = 0; i < count; i++)
        if (gathered[i].anew) add_key(&keys, periods[i]);
    end_keys(&keys, arena, values);
    if (!keys.count) return ERR_OK;
    return db_exec(db,
        "delete from invoicing.position_usage u using unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as k (agreement, account, period_start)"
        " where u.agreement = k.agreement and u.account = k.account and u.period_start = k.period_start", 3, values, NULL, fault);
}

static void copy_line(struct db_copy *copy, const struct billing_period *period, const struct usage_line *line)
{
    db_copy_row(copy);
    db_copy_int8(copy, period->agreement->number);
    db_copy_int8(copy, period->account);
    db_copy_instant(copy, period->start);
    db_copy_int8(copy, line->tenant);
    db_copy_int4(copy, line->meter);
    db_copy_uuid(copy, line->dimension_set);
    db_copy_instant(copy, line->segment);
    db_copy_numeric(copy, line->quantity.nano, QUANTITY_PLACES);
}

static enum err copy_new(struct db *db, const struct billing_period *const *periods, const struct usage_gathered *gathered, size_t count, struct fault *fault)
{
    struct db_copy copy;
    size_t all = 0;
    for (size_t i = 0; i < count; i++) all += gathered[i].anew ? gathered[i].line_count : 0;
    if (!all) return ERR_OK;
    enum err err = db_copy_open(db, "invoicing.position_usage (agreement, account, period_start, tenant, meter, dimension_set, segment, quantity)", 8, &copy, fault);
    if (err) return err;
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; gathered[i].anew && l < gathered[i].line_count; l++) copy_line(&copy, periods[i], &gathered[i].lines[l]);
    return db_copy_close(&copy, fault);
}

static enum err add_later(struct db *db, const struct billing_period *const *periods, const struct usage_gathered *gathered, size_t count, struct arena *arena,
                          struct fault *fault)
{
    struct keys keys = {0};
    struct array tenants = {0}, meters = {0}, sets = {0}, segments = {0}, quantities = {0};
    const char *values[8];
    for (size_t i = 0; i < count; i++)
        for (size_t l = 0; !gathered[i].anew && l < gathered[i].line_count; l++) {
            const struct usage_line *line = &gathered[i].lines[l];
            add_key(&keys, periods[i]);
            array_add_int(&tenants, line->tenant);
            array_add_int(&meters, line->meter);
            array_add_hash(&sets, line->dimension_set);
            array_add_instant(&segments, line->segment);
            array_add_decimal(&quantities, line->quantity.nano, QUANTITY_PLACES);
        }
    end_keys(&keys, arena, values);
    values[3] = array_end(&tenants, arena);
    values[4] = array_end(&meters, arena);
    values[5] = array_end(&sets, arena);
    values[6] = array_end(&segments, arena);
    values[7] = array_end(&quantities, arena);
    if (!keys.count) return ERR_OK;
    return db_exec(db,
        "insert into invoicing.position_usage as u (agreement, account, period_start, tenant, meter, dimension_set, segment, quantity)"
        " select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[], $5::integer[], $6::uuid[], $7::timestamptz[], $8::numeric[])"
        " on conflict (agreement, account, period_start, tenant, meter, dimension_set, segment) do update set quantity = u.quantity + excluded.quantity",
        8, values, NULL, fault);
}

enum err position_usage_write(struct db *db, const struct billing_period *const *periods, const struct usage_gathered *gathered, size_t count,
                              struct arena *arena, struct fault *fault)
{
    enum err err = remove_old(db, periods, gathered, count, arena, fault);
    if (!err) err = copy_new(db, periods, gathered, count, fault);
    return err ? err : add_later(db, periods, gathered, count, arena, fault);
}

// --- compare

struct line_list { struct usage_line *lines; size_t count; };

static void add_lines(struct line_list *list, const struct usage_line *lines, size_t count, bool negative, bool one_segment)
{
    for (size_t i = 0; i < count; i++) {
        struct usage_line *line = &list->lines[list->count++];
        *line = lines[i];
        if (negative) line->quantity.nano = -line->quantity.nano;
        if (one_segment) line->segment = 0;
    }
}

static struct quantity sum_of(const struct usage_line *lines, size_t count, const struct usage_line *key, bool one_segment)
{
    struct quantity sum = {0};
    for (size_t i = 0; i < count; i++)
        if (lines[i].tenant == key->tenant && lines[i].meter == key->meter && hash128_equal(lines[i].dimension_set, key->dimension_set) &&
            (one_segment || lines[i].segment == key->segment) && quantity_add(sum, lines[i].quantity, &sum))
            return sum;
    return sum;
}

// What was gathered with other spans (a price that touches nothing here splits the period otherwise) is compared without the split.
enum err position_usage_agrees(const struct usage_basis *basis, const struct usage_gathered *since, const struct usage_gathered *anew, struct arena *arena,
                               bool *agrees, struct position_usage_difference *difference)
{
    bool one_segment = memcmp(basis->spans_digest, anew->spans_digest, SHA256_BYTES) != 0;
    size_t later = since->anew ? 0 : since->line_count;
    struct line_list list = {ARENA_ARRAY(arena, struct usage_line, basis->line_count + later + anew->line_count + 1), 0};
    add_lines(&list, basis->lines, basis->line_count, false, one_segment);
    add_lines(&list, since->lines, later, false, one_segment);
    add_lines(&list, anew->lines, anew->line_count, true, one_segment);
    *agrees = true;
    if (usage_lines_merge(list.lines, &list.count)) return ERR_LIMIT;
    for (size_t i = 0; i < list.count && *agrees; i++) {
        const struct usage_line *line = &list.lines[i];
        if (line->quantity.nano == 0) continue;
        *agrees = false;
        difference->line = *line;
        difference->anew = sum_of(anew->lines, anew->line_count, line, one_segment);
        if (quantity_add(difference->anew, line->quantity, &difference->settled)) return ERR_LIMIT;
    }
    return ERR_OK;
}
