/* Runs a fuzz target on each file given, and on each file of each folder given, where there is no fuzzer: PROGRAM PATH... Each file is run
 * whole, then without its last byte, its last two, and so on, and then cut at even distances: reads past the end show at such cuts.
 *
 * A finding ends the program by a signal, an input that takes longer than SECONDS among them. The exit status is 0 only if there was at
 * least one input. The last line of standard output says how many there were. */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { SECONDS = 60, MAX_BYTES = 1 << 24, LAST_BYTES = 16, EVEN_CUTS = 16 };

/* From a block of exactly that size. */
static void run_bytes(const uint8_t *data, size_t size) {
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (exact == NULL) abort();
    memcpy(exact, data, size);
    alarm(SECONDS);
    LLVMFuzzerTestOneInput(exact, size);
    alarm(0);
    free(exact);
}

static void run_cuts(const uint8_t *data, size_t size) {
    run_bytes(data, size);
    for (size_t n = 1; n <= LAST_BYTES && n <= size; n++) run_bytes(data, size - n);
    for (size_t i = 1; i < EVEN_CUTS && size > LAST_BYTES; i++) run_bytes(data, size * i / EVEN_CUTS);
}

static bool run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (file == NULL || fstat(fileno(file), &st) != 0 || st.st_size > MAX_BYTES) {
        fprintf(stderr, "%s: cannot read\n", path);
        if (file != NULL) fclose(file);
        return false;
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    const bool is_read = data != NULL && fread(data, 1, size, file) == size;
    fclose(file);
    if (is_read) run_cuts(data, size);
    else fprintf(stderr, "%s: cannot read\n", path);
    free(data);
    return is_read;
}

static bool run_path(const char *path, size_t *n) {
    DIR *folder = opendir(path);
    if (folder == NULL) {
        ++*n;
        return run_file(path);
    }
    bool ok = true;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char file[PATH_MAX];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file) continue;
        ++*n;
        ok = run_file(file) && ok;
    }
    closedir(folder);
    return ok;
}

int main(int argc, char **argv) {
    size_t n = 0;
    bool ok = true;
    for (int i = 1; i < argc; i++) ok = run_path(argv[i], &n) && ok;
    printf("%zu inputs replayed\n", n);
    return ok && n > 0 ? 0 : 1;
}
