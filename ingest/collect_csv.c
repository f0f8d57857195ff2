// SPDX-License-Identifier: Apache-2.0
// A CSV file as a feed. Constant memory: one record, and the events of one record.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/csv.h"
#include "ingest/collect_feed.h"

struct collect_csv {
    struct collect_map *map;
    int fd;
    const char *path, *digest;
    struct csv_reader *reader;
    size_t columns;
    int64_t header_records; // 1 or 0: what csv_record counts before the first row of data
    struct text events;
};

static enum err go_to(struct collect_csv *csv, int64_t offset, struct fault *fault)
{
    csv_close(csv->reader);
    csv->reader = NULL;
    if (lseek(csv->fd, offset, SEEK_SET) == offset) return ERR_OK;
    return fault_set(fault, ERR_RETRY, csv->path, "cannot go to byte %lld: %s", (long long)offset,
                     strerrordesc_np(errno));
}

// Reads the first record, which says how many columns there are and, with a header, which.
static enum err read_head(struct collect_csv *csv, struct fault *fault)
{
    const struct slice *fields;
    enum err err = go_to(csv, 0, fault);
    if (err != ERR_OK) return err;
    csv->reader = csv_open(csv->fd, csv->path);
    err = csv_next(csv->reader, &fields, &csv->columns, fault);
    if (err == ERR_NOT_FOUND)
        return fault_set(fault, ERR_INVALID, csv->path, "is empty: there is no %s",
                         csv->map->header ? "header" : "row");
    return err == ERR_OK ? map_bind(csv->map, csv->path, csv->map->header ? fields : NULL, csv->columns, fault) : err;
}

enum err collect_csv_open(struct collect_map *map, int fd, const char *path, const char *digest,
                          struct collect_csv **csv, struct fault *fault)
{
    struct collect_csv *made = heap_alloc(sizeof *made);
    *made = (struct collect_csv){.map = map, .fd = fd, .path = path, .digest = digest};
    made->header_records = map->header ? 1 : 0;
    enum err err = read_head(made, fault);
    *csv = made;
    if (err != ERR_OK) {
        collect_csv_close(made);
        *csv = NULL;
    }
    return err;
}

void collect_csv_close(struct collect_csv *csv)
{
    if (!csv) return;
    csv_close(csv->reader);
    text_free(&csv->events);
    free(csv);
}

static enum err csv_seek(void *self, const struct collect_mark *mark, struct fault *fault)
{
    struct collect_csv *csv = self;
    if (mark->record == 0) {
        if (csv->header_records == 1) return read_head(csv, fault);
        enum err err = go_to(csv, 0, fault);
        if (err == ERR_OK) csv->reader = csv_open(csv->fd, csv->path);
        return err;
    }
    struct csv_place place = {mark->record + csv->header_records, mark->line, mark->offset, csv->columns};
    enum err err = go_to(csv, mark->offset, fault);
    if (err == ERR_OK) csv->reader = csv_open_at(csv->fd, csv->path, &place);
    return err;
}

static enum err csv_read(void *self, struct collect_record *record, struct fault *fault)
{
    struct collect_csv *csv = self;
    const struct slice *fields;
    size_t count, ends[MAP_EVENTS_MAX];
    enum err err = csv_next(csv->reader, &fields, &count, fault);
    if (err != ERR_OK) return err;
    struct map_row row = {csv->path, csv->digest, fields, csv_record(csv->reader) - csv->header_records,
                          csv_line(csv->reader)};
    record->count = 0;
    record->refusal[0] = 0;
    record->sequenced = csv->map->sequenced;
    record->line = row.line;
    record->mark = (struct collect_mark){row.record, csv_next_line(csv->reader), csv_offset(csv->reader)};
    text_clear(&csv->events);
    for (size_t i = 0; i < csv->map->event_count; i++) {
        err = map_apply(csv->map, i, &row, &csv->events, fault);
        if (err == ERR_NOT_FOUND) continue;
        if (err != ERR_OK) return err;
        ends[record->count++] = csv->events.length;
    }
    for (size_t i = 0, start = 0; i < record->count; start = ends[i++]) // now the text does not move any more
        record->events[i] = (struct slice){csv->events.data + start, ends[i] - start};
    return ERR_OK;
}

struct collect_feed collect_csv_feed(struct collect_csv *csv)
{
    return (struct collect_feed){csv, csv_seek, csv_read, NULL};
}
