// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over files, without a fuzzer: the corpus as a test, and a crash found elsewhere once more.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024 };

static int replay(const char *path, uint8_t *buffer)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(buffer, 1, INPUT_BYTES_MAX, file);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) return 1;
    uint8_t *exact = malloc(size ? size : 1); // so that the sanitizer sees a read beyond the input
    if (!exact) return 1;
    for (size_t i = 0; i < size; i++)
        exact[i] = buffer[i];
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t *buffer = malloc(INPUT_BYTES_MAX);
    if (!buffer || argc < 2) {
        fprintf(stderr, "usage: %s FILE...\n", argv[0]);
        return 2;
    }
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i], buffer);
    free(buffer);
    printf("%d inputs replayed\n", argc - 1);
    return failed;
}
