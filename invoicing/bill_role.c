// SPDX-License-Identifier: Apache-2.0
// The biller's loop: connect, follow the catalogue, settle, compact, sleep; /metrics and /healthz beside it. Owns no rule of money.
#include "invoicing/bill_role.h"

#include "catalogue/catalogue_watch.h"
#include "common/backoff.h"
#include "common/http.h"
#include "common/log.h"
#include "common/metric.h"
#include "common/schema.h"
#include "invoicing/settle.h"
#include "rating/compact.h"

#define HELD_CUT_EVERY_US (5 * SECOND_US)

struct bill {
    const struct config *config;
    struct db *db;
    struct catalogue *catalogue;
    _Atomic int64_t next_round_us; // monotonic; read by the ops thread
    int64_t interval_us;
    int64_t next_compact_us, compact_interval_us; // monotonic; 0: never
    struct metric *rounds, *failures, *periods, *changed, *unpriced, *last_cut, *last_time, *round_ms;
    struct metric *compactions, *compact_failures, *compacted_cut, *folded, *dropped, *held_cut, *held_age;
    int64_t next_held_us; // monotonic
    const struct clock *clock;
};

static void register_metrics(struct bill *bill)
{
    bill->rounds = metric_register(METRIC_COUNTER, "turnpike_settlement_rounds_total", "", "Settlement rounds completed.");
    bill->failures = metric_register(METRIC_COUNTER, "turnpike_settlement_failures_total", "", "Settlement rounds that failed and will be tried again.");
    bill->periods = metric_register(METRIC_COUNTER, "turnpike_settled_periods_total", "", "Account periods settled.");
    bill->changed = metric_register(METRIC_COUNTER, "turnpike_settled_changes_total", "", "Account periods whose charges changed.");
    bill->unpriced = metric_register(METRIC_GAUGE, "turnpike_usage_without_price", "", "Usage records without a price in the last round.");
    bill->last_cut = metric_register(METRIC_GAUGE, "turnpike_settled_cut", "", "Number of the last settled cut.");
    bill->last_time = metric_register(METRIC_GAUGE, "turnpike_settled_time_seconds", "", "When the last round ended, in seconds since 1970.");
    bill->round_ms = metric_register(METRIC_GAUGE, "turnpike_settlement_round_milliseconds", "", "Length of the last round in milliseconds.");
    bill->compactions = metric_register(METRIC_COUNTER, "turnpike_compactions_total", "", "Compactions that this process finished.");
    bill->compact_failures = metric_register(METRIC_COUNTER, "turnpike_compaction_failures_total", "", "Steps of a compaction that failed and will be tried again.");
    bill->compacted_cut = metric_register(METRIC_GAUGE, "turnpike_compacted_cut", "", "Cut up to which this process has compacted.");
    bill->folded = metric_register(METRIC_COUNTER, "turnpike_compacted_deltas_total", "", "Deltas of these compactions.");
    bill->dropped = metric_register(METRIC_COUNTER, "turnpike_dropped_deltas_total", "", "Deltas that were removed after their compaction.");
    bill->held_cut = metric_register(METRIC_GAUGE, "turnpike_held_cut", "", "Oldest cut that a session holds, our own last one included: compaction stays below it; 0: none.");
    bill->held_age = metric_register(METRIC_GAUGE, "turnpike_held_cut_age_seconds", "", "Seconds since that cut was taken.");
}

static bool health(void *context, struct text *details)
{
    const struct bill *bill = context;
    int64_t late_us = clock_monotonic_us() - bill->next_round_us;
    bool good = late_us < bill->interval_us + 60 * SECOND_US;
    text_print(details, "{\"settled_cut\":%lld,\"rounds\":%lld,\"failures\":%lld,\"seconds_late\":%lld}", (long long)metric_value(bill->last_cut),
               (long long)metric_value(bill->rounds), (long long)metric_value(bill->failures), (long long)(late_us > 0 ? late_us / SECOND_US : 0));
    return good;
}

static enum err connect_store(struct bill *bill, struct fault *fault)
{
    db_close(bill->db);
    bill->db = NULL;
    enum err err = db_open_wait(bill->config, "bill", 0, &process_stop, &bill->db, fault);
    if (!err) err = schema_check(bill->db, fault);
    return err ? err : catalogue_listen(bill->db, fault);
}

static enum err run_round(struct bill *bill, struct fault *fault)
{
    struct settle_result result = {0};
    int64_t begin = clock_monotonic_us();
    enum err err = settle_round(bill->db, bill->catalogue, (size_t)config_int(bill->config, "bill.worker_accounts"), NULL, NULL, &result, fault);
    if (err) return err;
    metric_add(bill->rounds, 1);
    metric_add(bill->periods, (int64_t)result.periods);
    metric_add(bill->changed, (int64_t)result.changed);
    metric_set(bill->unpriced, (int64_t)result.unpriced);
    metric_set(bill->last_cut, result.cut);
    metric_set(bill->last_time, clock_now(bill->clock) / SECOND_US);
    metric_set(bill->round_ms, (clock_monotonic_us() - begin) / 1000);
    log_info("settled", LOG_INT("cut", result.cut), LOG_INT("periods", result.periods), LOG_INT("changed", result.changed),
             LOG_INT("read_whole", result.anew), LOG_INT("skipped", result.skipped), LOG_INT("unpriced", result.unpriced), LOG_INT("duration_ms", metric_value(bill->round_ms)));
    return ERR_OK;
}

// A newer catalogue makes a round due at once: it may have queued recomputations.
static enum err follow_catalogue(struct bill *bill, struct fault *fault)
{
    const struct catalogue *before = bill->catalogue;
    enum err err = catalogue_refresh(bill->db, &bill->catalogue, fault);
    if (!err && bill->catalogue != before) bill->next_round_us = clock_monotonic_us();
    return err;
}

// One step of a compaction, so that a round of settlement waits for one transaction at most. A failure never keeps the biller from
// settling: it is told, and tried again at the next look.
static void compact(struct bill *bill)
{
    const struct compact_options options = {.chunk_rows = config_int(bill->config, "bill.compact_rows"),
                                            .keep_ms = config_int(bill->config, "bill.compact_keep")};
    struct compact_result result = {0};
    struct fault fault = {0};
    bool more = false;
    enum err err = compact_step(bill->db, &options, &result, &more, &fault);
    metric_add(bill->compactions, result.compactions);
    metric_add(bill->folded, result.folded_rows);
    metric_add(bill->dropped, result.dropped_rows);
    if (result.compactions) metric_set(bill->compacted_cut, result.cut_to);
    if (err) {
        metric_add(bill->compact_failures, 1);
        log_error("compaction_failed", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    }
    if (err || !more) bill->next_compact_us = clock_monotonic_us() + bill->compact_interval_us;
}

// A session that holds a cut for long, an unfinished close or a reader that hangs, keeps compaction from going on.
static enum err look_at_held_cut(struct bill *bill, struct fault *fault)
{
    int64_t cut = 0, age_s = 0;
    if (clock_monotonic_us() < bill->next_held_us) return ERR_OK;
    bill->next_held_us = clock_monotonic_us() + HELD_CUT_EVERY_US;
    enum err err = compact_held_cut(bill->db, &cut, &age_s, fault);
    if (err) return err;
    metric_set(bill->held_cut, cut);
    metric_set(bill->held_age, age_s);
    return ERR_OK;
}

static enum err step(struct bill *bill, struct fault *fault)
{
    enum err err = follow_catalogue(bill, fault);
    if (!err && clock_monotonic_us() >= bill->next_round_us) {
        err = run_round(bill, fault);
        if (!err) bill->next_round_us = clock_monotonic_us() + bill->interval_us;
    }
    if (!err && bill->compact_interval_us > 0 && clock_monotonic_us() >= bill->next_compact_us) compact(bill);
    if (!err) err = look_at_held_cut(bill, fault);
    if (!err && !db_alive(bill->db)) return fault_set(fault, ERR_RETRY, "", "the connection was lost");
    return err;
}

static bool may_heal(enum err err)
{
    return err == ERR_RETRY || err == ERR_UNCERTAIN || err == ERR_LIMIT;
}

static enum err serve(struct bill *bill, struct fault *fault)
{
    struct backoff backoff = BACKOFF(100, 10000);
    enum err err = connect_store(bill, fault);
    while (!err && !process_stop) {
        err = step(bill, fault);
        if (!err) {
            struct backoff pause = BACKOFF(1000, 1000);
            backoff_reset(&backoff);
            backoff_wait(&pause, &process_stop);
        } else if (may_heal(err)) {
            metric_add(bill->failures, 1);
            log_warn("settlement_failed", LOG_TEXT("error", err_name(err)), LOG_FAULT(fault));
            backoff_wait(&backoff, &process_stop);
            err = db_alive(bill->db) ? ERR_OK : connect_store(bill, fault);
        }
    }
    return err;
}

int bill_role_run(struct config *config, struct clock *clock)
{
    struct bill bill = {.config = config, .clock = clock, .interval_us = config_int(config, "bill.settle_interval") * 1000,
                        .compact_interval_us = config_int(config, "bill.compact_interval") * 1000};
    struct ops_server *ops = NULL;
    struct fault fault = {0};
    char host[64];
    int port;
    bill.next_round_us = clock_monotonic_us();
    register_metrics(&bill);
    config_address(config, "bill.ops_listen", host, &port);
    enum err err = ops_server_open(host, port, health, &bill, &ops, &fault);
    if (!err) log_info("started", LOG_TEXT("ops_host", host), LOG_INT("ops_port", ops_server_port(ops)));
    if (!err) err = serve(&bill, &fault);
    if (err && !process_stop) log_error("stopped", LOG_TEXT("error", err_name(err)), LOG_FAULT(&fault));
    else log_info("stopped", LOG_INT("rounds", metric_value(bill.rounds)));
    ops_server_close(ops);
    db_close(bill.db);
    catalogue_release(bill.catalogue);
    return process_stop ? 0 : schema_exit_code(err, &fault);
}
