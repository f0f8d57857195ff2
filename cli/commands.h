// SPDX-License-Identifier: Apache-2.0
// The subcommands' functions and usages, for the table in cli/commands.c. See struct command.
#pragma once
#include "cli/command.h"

#define COMMAND(noun)                                                                                                  \
    extern const char noun##_usage[];                                                                                  \
    int noun##_run(struct command_context *context, int argc, char **argv)

COMMAND(api_command);
COMMAND(apply);
COMMAND(bill);
COMMAND(close_month);
COMMAND(credit_grant);
COMMAND(credit_list);
COMMAND(collect_counters);
COMMAND(collect_csv);
COMMAND(collect_host);
COMMAND(collect_ndjson);
COMMAND(collect_simulate);
COMMAND(compact);
COMMAND(config);
COMMAND(conflict_list);
COMMAND(duplicate_list);
COMMAND(counters_rebuild);
COMMAND(counters_verify);
COMMAND(doctor);
COMMAND(ingest);
COMMAND(invoice_list);
COMMAND(invoice_show);
COMMAND(key_create);
COMMAND(key_list);
COMMAND(key_revoke);
COMMAND(message_decode);
COMMAND(migrate);
COMMAND(quarantine_drop);
COMMAND(quarantine_list);
COMMAND(quarantine_replay);
COMMAND(quarantine_show);
COMMAND(quote);
COMMAND(rate);
COMMAND(route);
COMMAND(settle);
COMMAND(spend);
COMMAND(status);
COMMAND(topic_adopt);
COMMAND(topic_ensure);
COMMAND(topic_grow);
COMMAND(topic_retire);
COMMAND(usage);
COMMAND(version);
COMMAND(wait);
