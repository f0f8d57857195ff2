// SPDX-License-Identifier: Apache-2.0
// The table of FOCUS 1.2 categories. A value outside it would make every export invalid, so apply refuses it.
#include "catalogue/focus.h"

#include <string.h>

enum { SUBCATEGORIES_MAX = 9 };

static const struct focus_category {
    const char *name;
    const char *subcategories[SUBCATEGORIES_MAX]; // besides "Other (NAME)"
} categories[] = {
    {"AI and Machine Learning",
     {"AI Platforms", "Bots", "Generative AI", "Machine Learning", "Natural Language Processing"}},
    {"Analytics", {"Analytics Platforms", "Business Intelligence", "Data Processing", "Search", "Streaming Analytics"}},
    {"Business Applications", {"Productivity and Collaboration"}},
    {"Compute", {"Containers", "End User Computing", "Quantum Compute", "Serverless Compute", "Virtual Machines"}},
    {"Databases",
     {"Caching", "Data Warehouses", "Ledger Databases", "NoSQL Databases", "Relational Databases",
      "Time Series Databases"}},
    {"Developer Tools",
     {"Developer Platforms", "Continuous Integration and Deployment", "Development Environments",
      "Source Code Management", "Quality Assurance"}},
    {"Identity", {"Identity and Access Management"}},
    {"Integration", {"API Management", "Messaging", "Workflow Orchestration"}},
    {"Internet of Things", {"IoT Analytics", "IoT Platforms"}},
    {"Management and Governance",
     {"Architecture", "Compliance", "Cost Management", "Data Governance", "Disaster Recovery", "Endpoint Management",
      "Observability", "Support"}},
    {"Media", {"Content Creation", "Gaming", "Media Streaming", "Mixed Reality"}},
    {"Migration", {"Data Migration", "Resource Migration"}},
    {"Mobile", {NULL}},
    {"Multicloud", {"Multicloud Integration"}},
    {"Networking",
     {"Application Networking", "Content Delivery", "Network Connectivity", "Network Infrastructure", "Network Routing",
      "Network Security"}},
    {"Security", {"Secret Management", "Security Posture Management", "Threat Detection and Response"}},
    {"Storage", {"Backup Storage", "Block Storage", "File Storage", "Object Storage", "Storage Platforms"}},
    {"Web", {"Application Platforms"}},
    {"Other", {NULL}},
};
enum { CATEGORY_COUNT = sizeof categories / sizeof *categories };

static const struct focus_category *find(const char *category)
{
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        if (strcmp(categories[i].name, category) == 0) return &categories[i];
    return NULL;
}

bool focus_category_known(const char *category)
{
    return find(category) != NULL;
}

// "Other (Compute)" for Compute.
static bool is_other(const char *category, const char *subcategory)
{
    static const char head[] = "Other (";
    size_t length = strlen(category);
    if (strncmp(subcategory, head, sizeof head - 1) != 0) return false;
    subcategory += sizeof head - 1;
    return strncmp(subcategory, category, length) == 0 && strcmp(subcategory + length, ")") == 0;
}

bool focus_subcategory_known(const char *category, const char *subcategory)
{
    const struct focus_category *found = find(category);
    if (!found) return false;
    for (size_t i = 0; i < SUBCATEGORIES_MAX && found->subcategories[i]; i++)
        if (strcmp(found->subcategories[i], subcategory) == 0) return true;
    return is_other(category, subcategory);
}

void focus_category_list(struct text *out)
{
    for (size_t i = 0; i < CATEGORY_COUNT; i++)
        text_print(out, "%s%s", i > 0 ? ", " : "", categories[i].name);
}

void focus_subcategory_list(const char *category, struct text *out)
{
    const struct focus_category *found = find(category);
    if (!found) return;
    for (size_t i = 0; i < SUBCATEGORIES_MAX && found->subcategories[i]; i++)
        text_print(out, "%s, ", found->subcategories[i]);
    text_print(out, "Other (%s)", category);
}
