// SPDX-License-Identifier: Apache-2.0
// turnpike config: the settings in force. No setting holds a secret; those that matter name a file.
#include <stdio.h>

#include "cli/commands.h"
#include "cli/table.h"

const char config_usage[] =
    "[--reference]\n\n"
    "  --reference  print all settings with kind, default and meaning, as in docs/configuration.md";

static int print_reference(void)
{
    struct text text = {0};
    config_print_reference(&text);
    fputs(text.data, stdout);
    text_free(&text);
    return 0;
}

int config_run(struct command_context *context, int argc, char **argv)
{
    static const struct table_column columns[] = {{"setting", false}, {"value", false}, {"source", false}};
    struct flag reference = {.name = "--reference", .kind = FLAG_SWITCH};
    if (!command_flags(context, &reference, 1, &argc, argv, 0, 0)) return EXIT_WRONG_USE;
    if (reference.given) return print_reference();
    struct table *table = table_open(context, columns, 3);
    for (size_t i = 0; i < setting_count; i++) {
        const char *value;
        enum config_source source = config_shown(context->config, setting_table[i].name, &value);
        table_text(table, setting_table[i].name);
        table_text(table, value);
        table_text(table, source == CONFIG_FILE ? config_path(context->config) : config_source_name(source));
    }
    table_close(table);
    return 0;
}
