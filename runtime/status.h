/* Status and error: what went wrong, as a number that is also the program's exit status, and one sentence.
 *
 * Every function that can fail returns an rt_status and takes an rt_error last, which may be NULL. On failure the outputs are
 * untouched unless the function says otherwise, and nothing stays allocated. Nothing below tools/ prints or exits. */
#ifndef RUNTIME_STATUS_H
#define RUNTIME_STATUS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rt_status {
    RT_OK = 0,
    RT_ERR_USAGE = 2,       /* an argument the caller gave is out of its range */
    RT_ERR_READ = 3,        /* a file is missing or the system refuses it */
    RT_ERR_MALFORMED = 4,   /* a file breaks the rules of its own format */
    RT_ERR_UNSUPPORTED = 5, /* a sound file that asks for what we do not do */
    RT_ERR_LIMIT = 6,       /* over a limit of ours, or out of memory */
    RT_ERR_WRITE = 7,       /* an output cannot be written */
    RT_ERR_DISAGREE = 8,    /* two sound files contradict each other */
    RT_ERR_NUMERIC = 9      /* NaN or infinity where a number must be */
} rt_status;

enum { RT_ERROR_SIZE = 1024, RT_QUOTE_MAX = 64, RT_QUOTE_PATH_MAX = 120, RT_QUOTE_SIZE = RT_QUOTE_PATH_MAX * 4 + 4 };

/* The message has no newline and no control byte: "FILE: DEFECT (field, offset, value, allowed)". */
typedef struct rt_error {
    rt_status status;
    char message[RT_ERROR_SIZE];
} rt_error;

/* Fills *err (if not NULL) printf-fashion and returns status, so that a failure is one statement. */
rt_status rt_fail(rt_error *err, rt_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* RT_ERR_LIMIT, "out of memory (N bytes for WHAT)". */
rt_status rt_fail_memory(rt_error *err, size_t n_bytes, const char *what);

/* Text from a file or a user made fit for a message: control and non-ASCII bytes become \xNN, at most 64 bytes are shown, "..." marks
 * the cut. Returns out, which has room for RT_QUOTE_SIZE bytes. */
const char *rt_quote(char out[RT_QUOTE_SIZE], const char *bytes, size_t n_bytes);

/* The same for a path, of which up to 120 bytes are shown; of a longer one the end is kept. */
const char *rt_quote_path(char out[RT_QUOTE_SIZE], const char *path);

/* Forwards a failure. */
#define RT_TRY(expr)                         \
    do {                                     \
        const rt_status rt_try_ = (expr);    \
        if (rt_try_ != RT_OK) return rt_try_; \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
