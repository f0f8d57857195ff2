// SPDX-License-Identifier: Apache-2.0
// The table of all subcommands, in the order of the help. A new one is a row here and a function in its own file.
#include "cli/commands.h"

const struct command command_table[] = {
    {"migrate", "bring the database's schema to what this binary needs", migrate_usage, migrate_run, false},
    {"apply", "load catalogue files: what is sold, to whom, at which price", apply_usage, apply_run, false},
    {"ingest", "role: take events over HTTP and put them into Kafka", ingest_usage, ingest_run, false},
    {"topic ensure", "make the Kafka topic and record its partitions", topic_ensure_usage, topic_ensure_run, false},
    {"key create", "make an API key and print it once", key_create_usage, key_create_run, false},
    {"key list", "list API keys, never their secrets", key_list_usage, key_list_run, false},
    {"key revoke", "refuse an API key from now on", key_revoke_usage, key_revoke_run, false},
    {"rate", "role: count events from Kafka, each exactly once", rate_usage, rate_run, false},
    {"bill", "role: settle usage into the ledger", bill_usage, bill_run, false},
    {"api", "role: answer tenants about usage, spend and invoices", api_command_usage, api_command_run, false},
    {"wait", "wait until everything received by now is counted", wait_usage, wait_run, false},
    {"settle", "take a cut and settle what it touches, once", settle_usage, settle_run, false},
    {"close", "close a month: freeze its invoices", close_month_usage, close_month_run, false},
    {"compact", "fold settled usage into a row per tenant, meter and day", compact_usage, compact_run, false},
    {"usage", "a tenant's usage by hour, day or month", usage_usage, usage_run, false},
    {"spend", "a tenant's live spend in a billing period", spend_usage, spend_run, false},
    {"invoice list", "list invoices and credit notes", invoice_list_usage, invoice_list_run, false},
    {"invoice show", "show a document as text, HTML or JSON", invoice_show_usage, invoice_show_run, false},
    {"quarantine list", "list events that could not be counted", quarantine_list_usage, quarantine_list_run, false},
    {"quarantine show", "show one of them, with the event", quarantine_show_usage, quarantine_show_run, false},
    {"quarantine replay", "have them judged again", quarantine_replay_usage, quarantine_replay_run, false},
    {"quarantine drop", "give one up, with a reason", quarantine_drop_usage, quarantine_drop_run, false},
    {"conflict list", "list events that contradict a counted one", conflict_list_usage, conflict_list_run, false},
    {"status", "where counting and billing stand", status_usage, status_run, false},
    {"doctor", "check the settings of every store that the promises rest on", doctor_usage, doctor_run, false},
    {"message decode", "show what is in a Kafka message", message_decode_usage, message_decode_run, true},
    {"collect csv", "send the rows of CSV files as usage events, by a map", collect_csv_usage, collect_csv_run, false},
    {"collect ndjson", "send usage events from lines of JSON", collect_ndjson_usage, collect_ndjson_run, false},
    {"collect host", "measure this machine and send its usage", collect_host_usage, collect_host_run, false},
    {"collect simulate", "send the usage of an invented cloud", collect_simulate_usage, collect_simulate_run, false},
    {"config", "print the settings in force and where each came from", config_usage, config_run, false},
    {"version", "print the version", version_usage, version_run, true},
};
const size_t command_count = sizeof command_table / sizeof *command_table;
