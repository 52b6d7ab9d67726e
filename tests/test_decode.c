/* The decoder's rows: fed at once, in pieces or token by token, side by side, and dealt anew, a row's states are the bits that come of
 * feeding its whole sequence to one row alone. And what each function refuses. */
#include "tests/support/model.h"

#include <stdlib.h>
#include <string.h>

enum { N_SOURCES = 4, MAX_ROWS = 14, MAX_TOKENS = 400 };

static const char *const paths[] = {GOLDEN("odd_sizes"), GOLDEN("gated_gelu"), GOLDEN("relu_tied")};

enum { N_MODELS = sizeof paths / sizeof *paths };

/* Settings of which each row's bits depend on its own tokens alone: dense, and top-k; sources read in either form. */
static const t5_session_params settings[] = {
    {.threads = 2, .chunk = 64, .batch_tokens = 1, .tokens_per_input = 1000},
    {.threads = 1, .chunk = 3, .batch_tokens = 1, .tokens_per_input = 1, .ff_topk = 9, .decoder_topk = 5, .cross_topk = 4},
};

enum { N_SETTINGS = sizeof settings / sizeof *settings };

static t5_model *model;
static t5_session *session, *fresh; /* fresh: where a row is computed from its first token on */
static id_lists sources;
static random_source r;

/* Sources of 3, 30, 140 and 8 tokens, the last of which no row reads. */
static void open_all(const char *path, const t5_session_params *params) {
    static const size_t lengths[N_SOURCES] = {3, 30, 140, 8};
    rt_error err;
    r = (random_source){.state = 7};
    model = must_open(path);
    session = must_start(model, params);
    fresh = must_start(model, params);
    sources = random_lists(&r, t5_model_config(model), lengths, N_SOURCES);
    must(t5_encode(session, sources.list, N_SOURCES, &err), &err);
}

static void close_all(void) {
    free_lists(&sources);
    t5_session_close(session);
    t5_session_close(fresh);
    t5_model_close(model);
}

typedef struct fed_row {
    size_t source, n;
    int32_t ids[MAX_TOKENS];
} fed_row;

static void append_random(fed_row *to, size_t n) {
    for (size_t t = 0; t < n; t++) to->ids[to->n++] = (int32_t)random_below(&r, t5_model_config(model)->vocab_size);
}

/* The row's last n states are `states`, the same bits as from its first token on and alone. */
static void check_row(const fed_row *row, size_t n, const float *states, const char *where) {
    const size_t d_model = t5_model_config(model)->d_model, source = 0;
    rt_error err;
    must(t5_encode(fresh, &sources.list[row->source], 1, &err), &err);
    must(t5_decode_start(fresh, &source, 1, &err), &err);
    must(t5_decode(fresh, &(t5_ids){.ids = row->ids, .n = row->n}, &err), &err);
    if (n > 0 && memcmp(t5_decoder_hidden(fresh) + (row->n - n) * d_model, states, n * d_model * sizeof *states) != 0) {
        ck_abort_msg("%s: a row of source %zu, its last %zu of %zu tokens", where, row->source, n, row->n);
    }
}

/* Feeds every row of the session 0 .. max_piece more tokens, and checks what comes out. */
static void feed_and_check(fed_row *rows, size_t n_rows, size_t max_piece, const char *where) {
    t5_ids piece[MAX_ROWS] = {{0}};
    rt_error err;
    for (size_t i = 0; i < n_rows; i++) {
        const size_t n = random_below(&r, max_piece + 1);
        piece[i] = (t5_ids){.ids = rows[i].ids + rows[i].n, .n = n};
        append_random(&rows[i], n);
    }
    must(t5_decode(session, piece, &err), &err);
    const float *states = t5_decoder_hidden(session);
    for (size_t i = 0; i < n_rows; i++) {
        check_row(&rows[i], piece[i].n, states, where);
        if (piece[i].n > 0) states += piece[i].n * t5_model_config(model)->d_model;
    }
}

static void start_rows(fed_row *rows, const size_t *source, size_t n_rows) {
    rt_error err;
    must(t5_decode_start(session, source, n_rows, &err), &err);
    for (size_t i = 0; i < n_rows; i++) rows[i].source = source[i], rows[i].n = 0;
}

/* ---- pieces ---- */

START_TEST(pieces_or_all_at_once) {
    static const size_t max_pieces[] = {1, 3, 40};
    static const size_t source[] = {0, 0, 1, 2, 2, 2};
    const size_t n_rows = sizeof source / sizeof *source;
    fed_row *rows = malloc(n_rows * sizeof *rows);
    open_all(paths[_i % N_MODELS], &settings[_i / N_MODELS]);
    for (size_t p = 0; p < sizeof max_pieces / sizeof *max_pieces; p++) {
        start_rows(rows, source, n_rows);
        for (size_t step = 0; step < 8; step++) feed_and_check(rows, n_rows, max_pieces[p], "pieces");
    }
    free(rows);
    close_all();
}
END_TEST

/* ---- rows dealt anew ---- */

static void reorder(fed_row *rows, const size_t *parent, size_t n_rows) {
    rt_error err;
    fed_row *dealt = malloc((n_rows + 1) * sizeof *dealt);
    must(t5_decode_reorder(session, parent, n_rows, &err), &err);
    for (size_t i = 0; i < n_rows; i++) dealt[i] = rows[parent[i]];
    memcpy(rows, dealt, n_rows * sizeof *rows);
    free(dealt);
}

/* Random parents among the rows, in any order within a source: some rows drop out, some have several children. */
static size_t random_parents(const fed_row *rows, size_t n_rows, size_t *parent) {
    const size_t n_wanted = 1 + random_below(&r, MAX_ROWS);
    size_t n = 0;
    for (size_t source = 0; source < N_SOURCES; source++) {
        size_t first = 0, end;
        while (first < n_rows && rows[first].source < source) first++;
        for (end = first; end < n_rows && rows[end].source == source; end++) continue;
        for (size_t wanted = n_wanted * (end - first) / n_rows; wanted > 0; wanted--) parent[n++] = first + random_below(&r, end - first);
    }
    if (n == 0) parent[n++] = random_below(&r, n_rows);
    return n;
}

START_TEST(dealt_anew_over_many_steps) {
    static const size_t source[] = {0, 1, 1, 2, 2};
    size_t parent[MAX_ROWS], n_rows = sizeof source / sizeof *source;
    fed_row *rows = malloc(MAX_ROWS * sizeof *rows);
    open_all(paths[_i % N_MODELS], &settings[_i / N_MODELS]);
    start_rows(rows, source, n_rows);
    for (size_t step = 0; step < 90; step++) {
        feed_and_check(rows, n_rows, 1 + step % 5, "dealt anew");
        n_rows = random_parents(rows, n_rows, parent);
        reorder(rows, parent, n_rows);
    }
    free(rows);
    close_all();
}
END_TEST

typedef struct deal {
    const char *name;
    size_t n_before; /* tokens that each row has been fed */
    size_t parent[MAX_ROWS], n;
} deal;

/* Of rows 0 1 (source 0), 2 3 4 (source 1), 5 (source 2). */
static const deal deals[] = {
    {"as they are", 3, {0, 1, 2, 3, 4, 5}, 6},
    {"turned round", 3, {1, 0, 4, 3, 2, 5}, 6},
    {"in a circle", 3, {0, 1, 3, 4, 2, 5}, 6},
    {"the first dropped", 3, {2, 3, 4, 5}, 4},
    {"one left", 3, {4}, 1},
    {"one many times", 3, {3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}, 14},
    {"twice, and one dropped", 3, {0, 0, 2, 4, 4, 5, 5}, 7},
    {"none left", 3, {0}, 0},
    {"before any token", 0, {1, 0, 4, 4, 5}, 5},
    {"the last two, before any token", 0, {4, 5}, 2},
    {"the last, twice, before any token", 0, {5, 5}, 2},
};

START_TEST(dealt_anew_once) {
    static const size_t source[] = {0, 0, 1, 1, 1, 2};
    const deal *d = &deals[_i];
    fed_row *rows = malloc(MAX_ROWS * sizeof *rows);
    open_all(paths[0], &settings[0]);
    start_rows(rows, source, 6);
    for (size_t t = 0; t < d->n_before; t++) feed_and_check(rows, 6, 2, d->name);
    reorder(rows, d->parent, d->n);
    for (size_t t = 0; t < 3; t++) feed_and_check(rows, d->n, 3, d->name);
    free(rows);
    close_all();
}
END_TEST

/* Rows begin anew on the caches that longer ones have left. */
START_TEST(started_again) {
    static const size_t source[] = {0, 1, 2, 2};
    fed_row *rows = malloc(MAX_ROWS * sizeof *rows);
    open_all(paths[1], &settings[0]);
    for (size_t round = 0; round < 4; round++) {
        start_rows(rows, source + round, 4 - round);
        for (size_t t = 0; t < 4; t++) feed_and_check(rows, 4 - round, 20 / (round + 1), "started again");
    }
    free(rows);
    close_all();
}
END_TEST

/* ---- what is refused ---- */

static void refuse(const char *what, rt_status status, const rt_error *err, const char *part) {
    ck_assert_msg(status == RT_ERR_USAGE && err->status == RT_ERR_USAGE, "%s: status %d, not usage", what, (int)status);
    ck_assert_msg(strstr(err->message, part) != NULL, "%s: no '%s' in '%s'", what, part, err->message);
}

START_TEST(nothing_encoded) {
    const size_t source = 0;
    float logits[1];
    rt_error err;
    t5_model *m = must_open(paths[0]);
    t5_session *s = must_start_plain(m);
    ck_assert_ptr_null(t5_encoder_hidden(s, 0));
    ck_assert_ptr_null(t5_decoder_hidden(s));
    refuse("start", t5_decode_start(s, &source, 1, &err), &err, "nothing is encoded");
    refuse("logits", t5_logits(s, 0, 1, logits, &err), &err, "the last step's 0");
    refuse("reorder", t5_decode_reorder(s, &source, 1, &err), &err, "parent 0 is not a row");
    ck_assert_int_eq(t5_decode_start(s, &source, 1, NULL), RT_ERR_USAGE);
    ck_assert_int_eq(t5_encode(s, NULL, 0, &err), RT_OK);
    ck_assert_ptr_null(t5_encoder_hidden(s, 0));
    refuse("start", t5_decode_start(s, &source, 1, &err), &err, "nothing is encoded");
    ck_assert_int_eq(t5_decode(s, NULL, &err), RT_OK); /* to no rows */
    ck_assert_int_eq(t5_logits(s, 0, 0, NULL, &err), RT_OK);
    t5_session_close(s);
    t5_model_close(m);
}
END_TEST

/* After every refusal the session goes on as if it had not been asked; after a refused t5_encode, from a new t5_encode. */
START_TEST(refused_and_gone_on) {
    static const size_t source[] = {0, 1}, falling[] = {1, 0}, beyond[] = {0, N_SOURCES}, no_parent[] = {0, 2}, crossed[] = {1, 0};
    fed_row *rows = malloc(2 * sizeof *rows);
    open_all(paths[0], &settings[0]);
    const t5_config *config = t5_model_config(model);
    const int32_t good = 3, negative = -1, over = (int32_t)config->vocab_size;
    float *logits = malloc(8 * config->vocab_size * sizeof *logits);
    rt_error err;

    refuse("falling sources", t5_decode_start(session, falling, 2, &err), &err, "row 1: source 0");
    refuse("source beyond", t5_decode_start(session, beyond, 2, &err), &err, "row 1: source 4");
    start_rows(rows, source, 2);
    for (size_t round = 0; round < 2; round++) {
        feed_and_check(rows, 2, 3, "between refusals");
        const t5_ids bad[][2] = {{{&good, 1}, {&over, 1}}, {{&negative, 1}, {&good, 1}}};
        refuse("id over", t5_decode(session, bad[0], &err), &err, "id 301 is outside the vocabulary (0 .. 300)");
        refuse("id negative", t5_decode(session, bad[1], &err), &err, "id -1 is outside the vocabulary");
        refuse("parent", t5_decode_reorder(session, no_parent, 2, &err), &err, "row 1: parent 2");
        refuse("parents crossed", t5_decode_reorder(session, crossed, 2, &err), &err, "row 1: parent 0");
    }
    const t5_ids one_each[] = {{&good, 1}, {&good, 1}};
    must(t5_decode(session, one_each, &err), &err);
    refuse("states", t5_logits(session, 0, 3, logits, &err), &err, "the last step's 2");
    refuse("states", t5_logits(session, 3, 0, logits, &err), &err, "the last step's 2");
    refuse("states", t5_logits(session, 1, SIZE_MAX, logits, &err), &err, "the last step's 2");
    ck_assert_int_eq(t5_logits(session, 2, 0, logits, &err), RT_OK);
    ck_assert_int_eq(t5_logits(session, 1, 1, logits, &err), RT_OK);

    const t5_ids empty[] = {{&good, 1}, {&good, 0}}, outside = {&over, 1};
    refuse("empty input", t5_encode(session, empty, 2, &err), &err, "sequence 1 has no ids");
    ck_assert_ptr_null(t5_encoder_hidden(session, 0));
    refuse("start after it", t5_decode_start(session, source, 1, &err), &err, "nothing is encoded");
    refuse("input outside", t5_encode(session, &outside, 1, &err), &err, "id 301 is outside the vocabulary");
    must(t5_encode(session, sources.list, N_SOURCES, &err), &err);
    start_rows(rows, source, 2);
    feed_and_check(rows, 2, 3, "after refusals");
    free(logits);
    free(rows);
    close_all();
}
END_TEST

/* What belongs to one encoding does not outlive it. */
START_TEST(encoding_ends_what_was_before) {
    static const size_t source[] = {0, 1};
    fed_row *rows = malloc(2 * sizeof *rows);
    open_all(paths[0], &settings[0]);
    float *logits = malloc(t5_model_config(model)->vocab_size * sizeof *logits);
    rt_error err;
    start_rows(rows, source, 2);
    feed_and_check(rows, 2, 8, "before");
    ck_assert_ptr_nonnull(t5_decoder_hidden(session));
    must(t5_encode(session, sources.list, 1, &err), &err);
    ck_assert_ptr_nonnull(t5_encoder_hidden(session, 0));
    ck_assert_ptr_null(t5_encoder_hidden(session, 1));
    ck_assert_ptr_null(t5_decoder_hidden(session));
    refuse("states of before", t5_logits(session, 0, 1, logits, &err), &err, "the last step's 0");
    refuse("rows of before", t5_decode_reorder(session, source, 1, &err), &err, "parent 0 is not a row");
    free(logits);
    free(rows);
    close_all();
}
END_TEST

typedef struct session_row {
    const char *part;
    t5_session_params params;
} session_row;

static const session_row session_rows[] = {
    {"threads = 1025", {.threads = 1025, .chunk = 64, .batch_tokens = 1}},
    {"chunk = 0", {.threads = 1, .chunk = 0, .batch_tokens = 1}},
    {"batch_tokens = 0", {.threads = 1, .chunk = 1, .batch_tokens = 0}},
    {"top-k 46 is outside 1 .. 45", {.threads = 1, .chunk = 1, .batch_tokens = 1, .ff_topk = 46}},
};

START_TEST(sessions_refused) {
    t5_model *m = must_open(paths[0]);
    rt_error err;
    for (size_t i = 0; i < sizeof session_rows / sizeof *session_rows; i++) {
        t5_session *s = NULL;
        refuse("session", t5_session_open(m, &session_rows[i].params, &s, &err), &err, session_rows[i].part);
        ck_assert_ptr_null(s);
    }
    const t5_session_params params = t5_session_defaults();
    t5_session *s = NULL;
    setenv("T5K_ISA", "sse9", 1);
    refuse("instruction set", t5_session_open(m, &params, &s, &err), &err, "sse9");
    ck_assert_ptr_null(s);
    t5_session_close(NULL);
    t5_model_close(NULL);
    t5_model_close(m);
}
END_TEST

int main(void) {
    TCase *tests = tcase_create("decode");
    tcase_add_loop_test(tests, pieces_or_all_at_once, 0, N_MODELS * N_SETTINGS);
    tcase_add_loop_test(tests, dealt_anew_over_many_steps, 0, N_MODELS * N_SETTINGS);
    tcase_add_loop_test(tests, dealt_anew_once, 0, sizeof deals / sizeof *deals);
    tcase_add_test(tests, started_again);
    tcase_add_test(tests, nothing_encoded);
    tcase_add_test(tests, refused_and_gone_on);
    tcase_add_test(tests, encoding_ends_what_was_before);
    tcase_add_test(tests, sessions_refused);
    return run_tests("decode", tests, 300);
}
