// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without a fuzzer: over the files of the corpus, over a crash found elsewhere, and, with
// --mutate COUNT, over that many random changes of each file (the same ones in every run, so a failure repeats).
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 1024 * 1024, CHANGES_MAX = 4 };

struct input {
    uint8_t *bytes; // INPUT_BYTES_MAX
    size_t size;
};

static uint64_t random_state = UINT64_C(0x9e3779b97f4a7c15);

static size_t random_below(size_t limit)
{
    random_state ^= random_state << 13; // xorshift64: repeatable, and good enough to choose a byte
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (size_t)(random_state % limit);
}

static void run(const struct input *input)
{
    uint8_t *exact = malloc(input->size ? input->size : 1); // so that the sanitizer sees a read beyond the input
    if (!exact) abort();
    memcpy(exact, input->bytes, input->size);
    (void)LLVMFuzzerTestOneInput(exact, input->size);
    free(exact);
}

// Moves the tail that starts at `from` to `to` and so makes a gap or a cut.
static void move_tail(struct input *input, size_t from, size_t to)
{
    if (input->size - from + to > INPUT_BYTES_MAX) return;
    memmove(input->bytes + to, input->bytes + from, input->size - from);
    input->size = input->size - from + to;
}

static void change(struct input *input)
{
    static const uint8_t telling[] = {0,   '\r', '\n', '\t', ' ', ':', '%', '/',  '.',  '?', '&',
                                      '=', '#',  '0',  '9',  '-', '+', ',', 0x7f, 0x80, 0xff};
    if (input->size == 0) return;
    size_t at = random_below(input->size), reach = 1 + random_below(16);
    if (reach > input->size - at) reach = input->size - at;
    switch (random_below(5)) {
    case 0:
        input->bytes[at] = telling[random_below(sizeof telling)];
        break;
    case 1:
        input->bytes[at] ^= (uint8_t)(1U << random_below(8));
        break;
    case 2: // cut some bytes out
        move_tail(input, at + reach, at);
        break;
    case 3: // say some bytes twice
        move_tail(input, at, at + reach);
        break;
    default: // end here
        input->size = at;
        break;
    }
}

static bool read_input(const char *path, struct input *input)
{
    FILE *file = fopen(path, "rb");
    if (!file) return false;
    input->size = fread(input->bytes, 1, INPUT_BYTES_MAX, file);
    bool ok = !ferror(file);
    return fclose(file) == 0 && ok;
}

static bool run_file(const char *path, long mutations, struct input *original, struct input *changed)
{
    if (!read_input(path, original)) {
        perror(path);
        return false;
    }
    run(original);
    for (long i = 0; i < mutations; i++) {
        memcpy(changed->bytes, original->bytes, original->size);
        changed->size = original->size;
        for (size_t changes = 1 + random_below(CHANGES_MAX); changes > 0; changes--)
            change(changed);
        run(changed);
    }
    return true;
}

int main(int argc, char **argv)
{
    bool mutate = argc > 2 && strcmp(argv[1], "--mutate") == 0;
    int first = mutate ? 3 : 1;
    long mutations = mutate ? strtol(argv[2], NULL, 10) : 0;
    struct input original = {malloc(INPUT_BYTES_MAX), 0}, changed = {malloc(INPUT_BYTES_MAX), 0};
    if (argc <= first || !original.bytes || !changed.bytes) {
        fprintf(stderr, "usage: %s [--mutate COUNT] FILE...\n", argv[0]);
        return 2;
    }
    bool ok = true;
    for (int i = first; i < argc; i++)
        ok = run_file(argv[i], mutations, &original, &changed) && ok;
    free(original.bytes);
    free(changed.bytes);
    printf("%d files, each changed %ld times\n", argc - first, mutations);
    return ok ? 0 : 1;
}
