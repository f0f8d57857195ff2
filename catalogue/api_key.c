// SPDX-License-Identifier: Apache-2.0
// The text of API keys and what a key may do. Pure but for api_key_make, which takes random bytes.
#include "catalogue/api_key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char prefix[] = "tpk_";

static bool is_lower_hex(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) return false;
    return true;
}

// Without the scheme, if there is one.
static struct slice bare_key(struct slice value)
{
    static const char scheme[] = "Bearer ";
    size_t length = sizeof scheme - 1;
    if (value.length < length || strncasecmp(value.data, scheme, length) != 0) return value;
    value.data += length;
    value.length -= length;
    while (value.length > 0 && *value.data == ' ')
        value.data++, value.length--;
    return value;
}

enum err api_key_parse(struct slice header_value, char key_id[API_KEY_ID_SIZE], unsigned char secret_hash[SHA256_BYTES],
                       struct fault *fault)
{
    enum { ID_AT = sizeof prefix - 1, SECRET_AT = ID_AT + API_KEY_ID_LENGTH + 1 };
    struct slice key = bare_key(header_value);
    if (key.length != SECRET_AT + API_KEY_SECRET_HEX || memcmp(key.data, prefix, ID_AT) != 0 ||
        !is_lower_hex(key.data + ID_AT, API_KEY_ID_LENGTH) || key.data[SECRET_AT - 1] != '_' ||
        !is_lower_hex(key.data + SECRET_AT, API_KEY_SECRET_HEX))
        return fault_set(fault, ERR_INVALID, "", "not an API key: Bearer tpk_, 16 and 64 hex digits are expected");
    memcpy(key_id, key.data + ID_AT, API_KEY_ID_LENGTH);
    key_id[API_KEY_ID_LENGTH] = 0;
    sha256_of(key.data + SECRET_AT, API_KEY_SECRET_HEX, secret_hash);
    return ERR_OK;
}

void api_key_make(char text[API_KEY_TEXT_SIZE], char key_id[API_KEY_ID_SIZE], unsigned char secret_hash[SHA256_BYTES])
{
    unsigned char id[API_KEY_ID_LENGTH / 2], secret[API_KEY_SECRET_HEX / 2];
    char secret_hex[API_KEY_SECRET_HEX + 1];
    random_bytes(id, sizeof id);
    random_bytes(secret, sizeof secret);
    hex_print(id, sizeof id, key_id);
    hex_print(secret, sizeof secret, secret_hex);
    sha256_of(secret_hex, API_KEY_SECRET_HEX, secret_hash);
    int length = snprintf(text, API_KEY_TEXT_SIZE, "%s%s_%s", prefix, key_id, secret_hex);
    ENSURE(length == API_KEY_TEXT_SIZE - 1);
}

enum err api_key_scopes_parse(const char *text, unsigned *scopes, struct fault *fault)
{
    static const struct {
        const char *name;
        enum api_key_scope scope;
    } names[] = {{"ingest", API_KEY_INGEST}, {"read", API_KEY_READ}, {"operate", API_KEY_OPERATE}};
    *scopes = 0;
    for (;;) {
        size_t length = strcspn(text, ","), i = 0;
        while (i < 3 && !slice_is((struct slice){text, length}, names[i].name))
            i++;
        if (i == 3)
            return fault_set(fault, ERR_INVALID, "", "scopes are ingest, read and operate, separated by commas");
        *scopes |= names[i].scope;
        if (!text[length]) return ERR_OK;
        text += length + 1;
    }
}

// --- what it may do

static bool names_tenant(const struct api_key *key, int64_t tenant)
{
    size_t low = 0, high = key->tenant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key->tenants[middle] == tenant) return true;
        if (key->tenants[middle] < tenant)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool reaches(const struct api_key *key, const struct catalogue *catalogue, const struct tenant *tenant,
                    instant_us when)
{
    if (key->every_tenant || (key->scopes & API_KEY_OPERATE) || names_tenant(key, tenant->number)) return true;
    return key->account != 0 && catalogue_payer(catalogue, tenant->number, when) == key->account;
}

bool api_key_may_send(const struct api_key *key, const struct catalogue *catalogue, const struct tenant *tenant,
                      instant_us when)
{
    return (key->scopes & (API_KEY_INGEST | API_KEY_OPERATE)) && reaches(key, catalogue, tenant, when);
}

bool api_key_may_read(const struct api_key *key, const struct catalogue *catalogue, const struct tenant *tenant,
                      instant_us when)
{
    return (key->scopes & (API_KEY_READ | API_KEY_OPERATE)) && reaches(key, catalogue, tenant, when);
}
