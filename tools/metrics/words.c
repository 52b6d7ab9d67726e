/* Lists of tokens; see words.h. */
#include "tools/metrics/words.h"

#include <stdlib.h>

#include "tools/metrics/unicode.h"

rt_status words_add(words *w, slice word, rt_error *err) {
    if (w->n == w->capacity) {
        const size_t capacity = w->capacity > 0 ? 2 * w->capacity : 32;
        slice *v = realloc(w->v, capacity * sizeof *v);
        if (v == NULL) return rt_fail_memory(err, capacity * sizeof *v, "tokens");
        w->v = v;
        w->capacity = capacity;
    }
    w->v[w->n++] = word;
    return RT_OK;
}

void words_free(words *w) {
    free(w->v);
    *w = (words){0};
}

rt_status words_split(slice text, words *w, rt_error *err) {
    for (size_t i = 0; i < text.n;) {
        i += unicode_space_length((slice){text.v + i, text.n - i});
        const size_t n = unicode_token_length((slice){text.v + i, text.n - i});
        if (n > 0) RT_TRY(words_add(w, (slice){text.v + i, n}, err));
        i += n;
    }
    return RT_OK;
}

static int compare(const void *a, const void *b) {
    const slice *x = a, *y = b;
    const size_t n = x->n < y->n ? x->n : y->n;
    const int order = n > 0 ? memcmp(x->v, y->v, n) : 0;
    return order != 0 ? order : (x->n > y->n) - (x->n < y->n);
}

void words_sort(words *w) {
    if (w->n > 0) qsort(w->v, w->n, sizeof *w->v, compare);
}

void words_unique(words *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (n == 0 || !words_equal(w->v[n - 1], w->v[i])) w->v[n++] = w->v[i];
    }
    w->n = n;
}

size_t words_common(const words *a, const words *b) {
    size_t n = 0;
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        const int order = compare(&a->v[i], &b->v[j]);
        n += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

bool words_equal(slice a, slice b) { return compare(&a, &b) == 0; }
