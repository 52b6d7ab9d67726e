/* SQuAD's scores of two systems on the development set, against the official script's numbers. Skipped where ../shared/datasets/squad1_1 is
 * not there. */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "tests/support/suite.h"
#include "tests/support/text.h"
#include "tools/data/data_set.h"
#include "tools/metrics/squad.h"

#define SQUAD "../shared/datasets/squad1_1/"

static int by_key(const void *a, const void *b) { return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string); }

/* Predictions by id, sorted. */
typedef struct predictions {
    cJSON *json;
    cJSON **v; /* [n] */
    size_t n;
} predictions;

static predictions read_predictions(const char *path) {
    rt_text text = {0};
    char block[1 << 14];
    int got;
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    while ((got = gzread(file, block, sizeof block)) > 0) text_append_bytes(&text, block, (size_t)got);
    gzclose(file);
    predictions p = {.json = cJSON_ParseWithLength(text.v, text.n)};
    rt_text_free(&text);
    ck_assert_msg(p.json != NULL, "%s", path);
    p.v = malloc((size_t)cJSON_GetArraySize(p.json) * sizeof *p.v);
    ck_assert_ptr_nonnull(p.v);
    for (cJSON *item = p.json->child; item != NULL; item = item->next) p.v[p.n++] = item;
    qsort(p.v, p.n, sizeof *p.v, by_key);
    return p;
}

static const cJSON *find(const predictions *p, slice id) {
    char key[64];
    snprintf(key, sizeof key, "%.*s", (int)id.n, id.v);
    cJSON wanted = {.string = key}, *pointer = &wanted;
    cJSON **found = bsearch(&pointer, p->v, p->n, sizeof *p->v, by_key);
    return found != NULL ? *found : NULL;
}

typedef struct published_row {
    const char *path;
    size_t n_missing;
    double exact_match, f1; /* per cent, of all 10,570 questions: those without a prediction count 0 */
} published_row;

static const published_row published[] = {
    {SQUAD "predictions.bert-ensemble.json.gz", 0, 86.2062, 92.1956},
    {SQUAD "predictions.logistic-regression.json.gz", 13, 40.1419, 50.9815},
};

START_TEST(squad_dev) {
    const published_row *row = &published[_i];
    predictions p = read_predictions(row->path);
    data_set *set;
    data_item item;
    rt_error err;
    double exact_match = 0, f1 = 0;
    size_t n_missing = 0;
    ck_assert_int_eq(data_open(SQUAD "dev-v1.1.json.gz", &set, &err), RT_OK);
    while (data_next(set, &item, &err) == RT_OK && item.kind == DATA_QUESTION) {
        const cJSON *prediction = find(&p, item.question.id);
        squad_score score = {0};
        if (prediction == NULL) {
            n_missing++;
        } else {
            const data_question *q = &item.question;
            ck_assert_int_eq(squad_best(slice_of(prediction->valuestring), q->references, q->n_references, &score, &err), RT_OK);
        }
        exact_match += score.exact_match;
        f1 += score.f1;
    }
    const double n = (double)data_n_questions(set);
    data_close(set);
    ck_assert_double_eq(n, 10570);
    ck_assert_uint_eq(n_missing, row->n_missing);
    ck_assert_double_eq_tol(100 * exact_match / n, row->exact_match, 0.00005);
    ck_assert_double_eq_tol(100 * f1 / n, row->f1, 0.00005);
    free(p.v);
    cJSON_Delete(p.json);
}
END_TEST

int main(void) {
    if (access(SQUAD, R_OK) != 0) {
        fputs("skipped: no " SQUAD "\n", stderr);
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("metrics_published");
    TCase *tc = tcase_create("metrics_published");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, squad_dev, 0, sizeof published / sizeof *published);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
