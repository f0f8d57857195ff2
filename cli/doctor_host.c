// SPDX-License-Identifier: Apache-2.0
// This machine under `turnpike doctor`: disks, zone data, secrets' files.
#include <string.h>
#include <sys/statvfs.h>

#include "cli/doctor.h"
#include "common/file.h"
#include "common/zone.h"

static const char store[] = "host";
enum { PERCENT_WARN = 10, PERCENT_FAIL = 3 };

static void check_disk(struct doctor *doctor, const char *path)
{
    struct statvfs disk;
    if (!path || statvfs(path, &disk) != 0 || disk.f_blocks == 0) return;
    unsigned long long percent = (unsigned long long)disk.f_bavail * 100 / disk.f_blocks;
    unsigned long long mib = (unsigned long long)disk.f_bavail * disk.f_frsize / (1024 * 1024);
    enum doctor_level level = percent < PERCENT_FAIL ? DOCTOR_FAIL : percent < PERCENT_WARN ? DOCTOR_WARN : DOCTOR_OK;
    doctor_row(doctor, store, arena_print(doctor->context->arena, "disk of %s", path), level,
               arena_print(doctor->context->arena, "%llu %% free (%llu MiB)", percent, mib),
               "make room: a full disk stops Kafka and PostgreSQL");
}

static void check_zone_data(struct doctor *doctor)
{
    const struct zone *zone;
    struct fault fault = {0};
    bool there = zone_open("Europe/Berlin", &zone, &fault) == ERR_OK;
    doctor_row(doctor, store, "zone data", there ? DOCTOR_OK : DOCTOR_FAIL, there ? zone_data_version() : fault.reason,
               "install tzdata");
}

static void check_secret(struct doctor *doctor, const char *name, const char *path)
{
    struct text secret = {0};
    struct fault fault = {0};
    if (!path || !path[0]) return;
    enum err err = secret_read(path, &secret, &fault);
    doctor_row(doctor, store, name, err ? DOCTOR_FAIL : DOCTOR_OK, err ? fault.reason : "readable, mode 0640 or less",
               "see the file's path, owner and mode");
    if (secret.data) explicit_bzero(secret.data, secret.length);
    text_free(&secret);
}

void doctor_host(struct doctor *doctor)
{
    const struct config *config = doctor->context->config;
    check_disk(doctor, "/");
    check_disk(doctor, config_text(config, "postgres.secrets_dir"));
    check_zone_data(doctor);
    check_secret(doctor, "identity key", config_text(config, "secrets.identity_key_file"));
    check_secret(doctor, "password of Redis", config_text(config, "redis.password_file"));
}
