// SPDX-License-Identifier: Apache-2.0
// turnpike message decode: what a Kafka message of ours, or a plain one, holds. For people who look into the log.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "common/file.h"
#include "common/json.h"
#include "ingest/message_mode.h"

enum { INPUT_BYTES_MAX = 16 * 1024 * 1024 };

const char message_decode_usage[] =
    "FILE|- [--header NAME=VALUE]...\n\n"
    "  --header NAME=VALUE  a header of the message (`kcat -C -f %h` shows them); NAME alone: a null\n\n"
    "FILE holds the value of one message, as `kcat -C -o OFFSET -c 1 -D \"\"` writes it; - is standard input. Prints\n"
    "what it is by its headers and its value, and its events, one a line";

static enum err read_input(struct text *data, struct fault *fault)
{
    char bytes[65536];
    ssize_t count;
    while ((count = read(STDIN_FILENO, bytes, sizeof bytes)) > 0) {
        text_add(data, bytes, (size_t)count);
        if (data->length > INPUT_BYTES_MAX) return fault_set(fault, ERR_LIMIT, "-", "more than 16 MiB are no message");
    }
    return count == 0 ? ERR_OK : fault_set(fault, ERR_RETRY, "-", "standard input cannot be read: %s", strerror(errno));
}

static const char *kind_name(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_EVENTS:
        return "events";
    case MESSAGE_MARKER:
        return "marker";
    case MESSAGE_FORWARDED:
        return "forwarded";
    case MESSAGE_BINARY:
        return "binary";
    case MESSAGE_PLAIN:
        break;
    }
    return "plain";
}

static void print_header(const struct command_context *context, const struct message_reader *reader,
                         const struct bus_message *message)
{
    size_t length = message->length;
    if (context->json)
        printf("{\"kind\":\"%s\",\"bytes\":%zu,\"events\":%u,\"catalogue_version\":%llu,\"nonce\":\"%016llx\"}\n",
               kind_name(reader->kind), length, reader->count, (unsigned long long)reader->catalogue_version,
               (unsigned long long)reader->nonce);
    else if (reader->kind == MESSAGE_PLAIN)
        printf("plain JSON, %zu bytes%s\n", length, reader->array ? ", a list" : "");
    else if (reader->kind == MESSAGE_BINARY)
        printf("binary mode, %zu headers, %zu bytes of data\n", message->header_count, length);
    else
        printf("version %d, kind %s, %zu bytes, %u events, catalogue version %llu, nonce %016llx\n", MESSAGE_VERSION,
               kind_name(reader->kind), length, reader->count, (unsigned long long)reader->catalogue_version,
               (unsigned long long)reader->nonce);
}

// With --json an event is a member "event" if it is JSON, else a string "raw"; so the output can always be read.
static void print_event(const struct command_context *context, size_t index, struct slice event)
{
    struct text line = {0};
    if (!context->json) {
        text_print(&line, "%zu ", index);
        text_add_slice(&line, event);
    } else {
        struct json_document *document;
        bool valid = json_read(event.data, event.length, &document, NULL) == ERR_OK;
        text_print(&line, "{\"index\":%zu,\"%s\":", index, valid ? "event" : "raw");
        if (valid)
            text_add_slice(&line, event);
        else
            text_add_json_string(&line, event.data, event.length);
        text_add_char(&line, '}');
        if (valid) json_free(document);
    }
    for (size_t i = 0; i < line.length;
         i++) // white space between JSON's tokens, or a control that a terminal would obey
        if ((unsigned char)line.data[i] < 0x20) line.data[i] = ' ';
    printf("%s\n", line.data);
    text_free(&line);
}

static enum err print_message(const struct command_context *context, const struct bus_message *message,
                              struct fault *fault)
{
    struct message_reader reader;
    struct slice event;
    enum err err = message_open_by_headers(message, context->arena, &reader, fault);
    if (err != ERR_OK) return err;
    print_header(context, &reader, message);
    for (size_t index = 0; (err = message_next(&reader, &event, fault)) == ERR_OK; index++)
        print_event(context, index, event);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void take_headers(const struct command_context *context, const struct flag *flag, struct bus_message *message)
{
    struct bus_header *headers = ARENA_ARRAY(context->arena, struct bus_header, flag->count);
    for (size_t i = 0; i < flag->count; i++) {
        const char *equals = strchr(flag->list[i], '=');
        headers[i].name = equals ? (struct slice){flag->list[i], (size_t)(equals - flag->list[i])}
                                 : slice_of(flag->list[i]);
        headers[i].value = equals ? slice_of(equals + 1) : (struct slice){NULL, 0};
    }
    message->headers = headers;
    message->header_count = flag->count;
}

int message_decode_run(struct command_context *context, int argc, char **argv)
{
    struct flag header = {.name = "--header", .kind = FLAG_LIST};
    struct text data = {0};
    struct fault fault = {.err = ERR_OK};
    struct bus_message message = {.partition = -1};
    if (!command_flags(context, &header, 1, &argc, argv, 1, 1)) return EXIT_WRONG_USE;
    if (header.count > BUS_HEADERS_MAX) return command_wrong_use(context, "at most %d headers", BUS_HEADERS_MAX);
    take_headers(context, &header, &message);
    enum err err =
        strcmp(argv[1], "-") == 0 ? read_input(&data, &fault) : file_read(argv[1], INPUT_BYTES_MAX, &data, &fault);
    message.data = data.data ? data.data : "";
    message.length = data.length;
    if (err == ERR_OK) err = print_message(context, &message, &fault);
    text_free(&data);
    return err == ERR_OK ? 0 : command_fail(context, &fault);
}
