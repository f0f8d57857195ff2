// SPDX-License-Identifier: Apache-2.0
// How far time has come at a cut: what a period's fees and commitments fall due by.
#include "rating/usage.h"

static const char cut_sql[] = "select max(cut_end) from rating.cut_partition where cut = $1 and isfinite(cut_end)";
static const char bill_sql[] = "select max(watermark) from rating.progress where isfinite(watermark)";
static const char api_sql[] = "select max(watermark) from api.usage_progress() where isfinite(watermark)";

enum err usage_due(struct db *db, enum usage_reader reader, int64_t cut, instant_us *due, struct fault *fault)
{
    struct arena *arena = arena_new(64);
    struct db_result *result;
    const char *const values[] = {db_int(arena, cut)};
    bool live = cut == USAGE_CUT_LIVE;
    const char *sql = !live ? cut_sql : reader == USAGE_READER_API ? api_sql : bill_sql;
    enum err err = db_query(db, sql, live ? 0 : 1, values, &result, fault);
    if (!err) {
        *due = db_is_null(result, 0, 0) ? INSTANT_NONE : instant_floor(db_get_instant(result, 0, 0), SLOT_US);
        db_result_free(result);
    }
    arena_free(arena);
    return err;
}

void usage_set_due(struct account_usage *usage, instant_us due)
{
    usage->due = due < usage->period_start ? usage->period_start : due > usage->period_end ? usage->period_end : due;
}
