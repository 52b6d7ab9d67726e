/* What the fuzz targets share. A target is one function of bytes, as libFuzzer calls it; replay.c calls it without a fuzzer.
 *
 * A target does not judge whether the bytes are sound: it asks that the reader comes back, with a status and a message that can be shown,
 * and that whatever it lets through can be used. Memory errors and undefined behaviour are the sanitizers' to see, so the bytes lie in a
 * block of exactly their size. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, as a crash does, with the condition's text. */
#define FUZZ_REQUIRE(condition) ((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))
_Noreturn void fuzz_fail(const char *file, int line, const char *condition);

/* Whether status is RT_OK. If it is not, *err must say so, in one line without control bytes. */
bool fuzz_succeeded(rt_status status, const rt_error *err);

/* Reads every byte. */
void fuzz_read(const void *bytes, size_t n);

/* For readers of files: writes the file into a temporary folder, which is made by the first call and removed at exit. The path is borrowed
 * until the next call. */
const char *fuzz_write(const char *name, const void *bytes, size_t n);

/* The folder itself; a file of it that goes, if it is there; a link in it from name to another of its files. */
const char *fuzz_folder(void);
void fuzz_remove(const char *name);
void fuzz_link(const char *name, const char *to);

/* The bytes before the first NUL, and those behind it: two files in one input. Without a NUL has_second is false. */
typedef struct fuzz_pair {
    const uint8_t *first, *second;
    size_t n_first, n_second;
    bool has_second;
} fuzz_pair;

fuzz_pair fuzz_split(const uint8_t *data, size_t size);

#endif
