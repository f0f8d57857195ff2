// SPDX-License-Identifier: Apache-2.0
// turnpike status: where counting and billing stand.
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "common/bus.h"

const char status_usage[] =
    "\n\nPartitions with owner, last batch, age of the watermark and lag (\"-\" while Kafka cannot be asked),\n"
    "then the last cut and settlement, open periods, quarantine, and versions";

struct partition_state {
    int incarnation, number;
    const char *topic, *owner, *parked;
    int64_t batch_seq, next_offset;
    instant_us watermark;
    int64_t lag; // messages; -1: unknown
};

// How far the log goes beyond what is counted. A broker that does not answer costs one timeout.
static void ask_lag(struct command_context *context, struct partition_state *partitions, size_t count)
{
    struct bus_consumer *consumer = NULL;
    const char *topic = "";
    struct fault fault = {0};
    bool answers = true;
    for (size_t i = 0; i < count && answers; i++) {
        int64_t low, high;
        if (strcmp(topic, partitions[i].topic) != 0) {
            bus_consumer_close(consumer);
            consumer = NULL;
            topic = partitions[i].topic;
            answers = !bus_consumer_open_range(context->config, topic, 0, 0, 0, &consumer, &fault);
        }
        if (!answers) break;
        enum err err = bus_watermarks(consumer, partitions[i].number, &low, &high, &fault);
        if (!err) partitions[i].lag = high - partitions[i].next_offset;
        answers = err != ERR_RETRY;
    }
    bus_consumer_close(consumer);
    if (!answers) fprintf(stderr, "turnpike status: Kafka: %s\n", fault.reason);
}

static void print_partitions(struct command_context *context, const struct partition_state *partitions, size_t count)
{
    static const struct table_column columns[] = {{"incarnation", true}, {"partition", true},   {"owner", false},
                                                  {"batch", true},       {"next_offset", true}, {"lag", true},
                                                  {"watermark", false},  {"age_seconds", true}, {"parked", false}};
    instant_us now = clock_now(clock_system());
    struct table *table = table_open(context, columns, 9);
    for (size_t i = 0; i < count; i++) {
        const struct partition_state *partition = &partitions[i];
        bool begun = partition->watermark > INSTANT_MIN;
        table_int(table, partition->incarnation);
        table_int(table, partition->number);
        table_text(table, partition->owner);
        table_int(table, partition->batch_seq);
        table_int(table, partition->next_offset);
        if (partition->lag >= 0)
            table_int(table, partition->lag);
        else
            table_text(table, NULL);
        table_instant(table, partition->watermark);
        if (begun)
            table_int(table, (now - partition->watermark) / SECOND_US);
        else
            table_text(table, NULL);
        table_text(table, partition->parked);
    }
    table_close(table);
}

static enum err show_partitions(struct command_context *context, struct db *db, struct fault *fault)
{
    struct db_result *result;
    enum err err =
        db_query(db,
                 "select p.incarnation, p.partition, i.topic, nullif(p.owner, ''), p.parked_reason, p.batch_seq,\n"
                 "       p.next_offset, p.watermark\n"
                 "  from rating.partition p join rating.incarnation i on i.incarnation = p.incarnation\n"
                 " order by p.incarnation, p.partition",
                 0, NULL, &result, fault);
    if (err) return err;
    size_t count = (size_t)db_rows(result);
    struct partition_state *partitions = ARENA_ARRAY(context->arena, struct partition_state, count + 1);
    for (int row = 0; row < (int)count; row++)
        partitions[row] =
            (struct partition_state){.incarnation = (int)db_get_int(result, row, 0),
                                     .number = (int)db_get_int(result, row, 1),
                                     .topic = db_text(result, row, 2),
                                     .owner = db_is_null(result, row, 3) ? NULL : db_text(result, row, 3),
                                     .parked = db_is_null(result, row, 4) ? NULL : db_text(result, row, 4),
                                     .batch_seq = db_get_int(result, row, 5),
                                     .next_offset = db_get_int(result, row, 6),
                                     .watermark = db_get_instant(result, row, 7),
                                     .lag = -1};
    ask_lag(context, partitions, count);
    print_partitions(context, partitions, count);
    db_result_free(result);
    return ERR_OK;
}

// One fact a row: name, value. Facts without a value are null.
static const char facts_sql[] =
    "select * from (values\n"
    "    ('catalogue version', (select version::text from catalog.version)),\n"
    "    ('schema version', (select max(number)::text from public.turnpike_migration)),\n"
    "    ('last cut', (select c.cut::text from rating.cut c order by c.cut desc limit 1)),\n"
    "    ('last cut end', (select to_char(nullif(c.cut_end, '-infinity') at time zone 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
    "                        from rating.cut c order by c.cut desc limit 1)),\n"
    "    ('last settled cut', (select max(cut)::text from invoicing.settle_round)),\n"
    "    ('last settlement ended', (select to_char(max(ended_time) at time zone 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')\n"
    "                                 from invoicing.settle_round)),\n"
    "    ('settlements that wait for a newer catalogue', (select count(*)::text from invoicing.recompute)),\n"
    "    ('open periods', (select count(*)::text from invoicing.period where state = 'open')),\n"
    "    ('oldest open period', (select min(label) from invoicing.period where state = 'open')),\n"
    "    ('documents', (select count(*)::text from invoicing.document)),\n"
    "    ('conflicts', (select count(*)::text from rating.conflict)),\n"
    "    ('replays ordered and not done', (select count(*)::text from rating.replay_order where done_time is null))\n"
    ") as f (fact, value)\n"
    "union all\n"
    "(select 'quarantined, open: ' || reason, sum(coalesce(range_events - closed_events, 1))::text from rating.quarantine where state = 'open' group by "
    "reason order by 1)";

static enum err show_facts(struct command_context *context, struct db *db, struct fault *fault)
{
    static const struct table_column columns[] = {{"fact", false}, {"value", false}};
    struct db_result *result;
    enum err err = db_query(db, facts_sql, 0, NULL, &result, fault);
    if (err) return err;
    struct table *table = table_open(context, columns, 2);
    for (int row = 0; row < db_rows(result); row++) {
        table_text(table, db_text(result, row, 0));
        table_text(table, db_is_null(result, row, 1) ? NULL : db_text(result, row, 1));
    }
    table_close(table);
    db_result_free(result);
    return ERR_OK;
}

int status_run(struct command_context *context, int argc, char **argv)
{
    struct fault fault = {0};
    struct db *db;
    if (!command_flags(context, NULL, 0, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    int code = command_open_db(context, "bill", &db);
    if (code) return code;
    enum err err = show_partitions(context, db, &fault);
    if (!err && !context->json) putchar('\n');
    if (!err) err = show_facts(context, db, &fault);
    if (err) code = command_fail(context, &fault);
    db_close(db);
    return code;
}
