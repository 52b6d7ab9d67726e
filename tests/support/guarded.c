/* Buffers between unmapped pages; see guarded.h. */
#include "tests/support/guarded.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/require.h"

enum { CANARY = 0xa5, CANARY_BYTES = 128 };

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

guarded guarded_open(size_t n_bytes) {
    const size_t page = page_size(), bytes = (n_bytes + CANARY_BYTES + page - 1) / page * page;
    char *map = mmap(NULL, bytes + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_msg(map != MAP_FAILED, "cannot map %zu bytes", bytes + 2 * page);
    ck_assert_int_eq(mprotect(map + page, bytes, PROT_READ | PROT_WRITE), 0);
    return (guarded){.begin = map + page, .end = map + page + bytes};
}

void guarded_close(guarded *g) {
    const size_t page = page_size();
    ck_assert_int_eq(munmap(g->begin - page, (size_t)(g->end - g->begin) + 2 * page), 0);
    *g = (guarded){0};
}

void *guarded_tail(const guarded *g, size_t n_bytes) {
    REQUIRE(n_bytes + CANARY_BYTES <= (size_t)(g->end - g->begin), "the guarded buffer is smaller than %zu bytes", n_bytes);
    return g->end - n_bytes;
}

float *guarded_floats(const guarded *g, size_t n) { return guarded_tail(g, n * sizeof(float)); }

void *guarded_paint(const guarded *g, size_t n_bytes) {
    char *tail = guarded_tail(g, n_bytes);
    memset(tail - CANARY_BYTES, CANARY, n_bytes + CANARY_BYTES);
    return tail;
}

bool guarded_intact(const guarded *g, size_t n_bytes) {
    const char *tail = guarded_tail(g, n_bytes);
    for (const char *p = tail - CANARY_BYTES; p < tail; p++) {
        if ((unsigned char)*p != CANARY) return false;
    }
    return true;
}
