// SPDX-License-Identifier: Apache-2.0
// A name from the settings, or one made of the host and the process.
#include "rating/instance.h"

#include <stdio.h>
#include <unistd.h>

void instance_name(const struct config *config, const char *setting, char name[INSTANCE_MAX])
{
    const char *set = config_text(config, setting);
    char host[128] = "";
    if (set && *set) {
        snprintf(name, INSTANCE_MAX, "%s", set);
        return;
    }
    if (gethostname(host, sizeof host - 1)) host[0] = 0;
    snprintf(name, INSTANCE_MAX, "%s-%ld", host, (long)getpid());
}
