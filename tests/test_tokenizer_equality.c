/* The same ids as SentencePiece's own, on a stored list, on the golden cases and, where the data sets are at hand, on many thousand lines
 * of them; and the text of answers back again. */
#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/file_map.h"
#include "tests/support/suite.h"
#include "tokenizer/spm_shim.h"
#include "tokenizer/tokenizer.h"

static const char model_folder[] = "data/models/qa-mini";
static const char model_file[] = "data/models/qa-mini/spiece.model";
static const char golden_lines[] = "tests/data/tokenizer/golden.tsv";
static const char golden_case[] = "tests/golden/cases/real_vocab/meta.json";

enum { MANY_LINES = 20000 };

static tok_tokenizer *tokenizer;
static rt_ids ids;
static rt_text text;
static rt_error err;

static void set_up(void) { ck_assert_msg(tok_open(model_folder, &tokenizer, &err) == RT_OK, "%s", err.message); }

static void tear_down(void) {
    tok_close(tokenizer);
    rt_ids_free(&ids);
    rt_text_free(&text);
}

static void encode(const char *s, size_t n_bytes) {
    ids.n = 0;
    ck_assert_msg(tok_encode(tokenizer, s, n_bytes, &ids, &err) == RT_OK, "%s", err.message);
}

static void assert_ids(const char *what, const int32_t *expected, size_t n) {
    ck_assert_msg(ids.n == n, "%s: %zu ids, expected %zu", what, ids.n, n);
    for (size_t i = 0; i < n; i++) ck_assert_msg(ids.v[i] == expected[i], "%s: id %zu is %d, expected %d", what, i, ids.v[i], expected[i]);
}

static void assert_decodes(const int32_t *v, size_t n, const char *expected) {
    text.n = 0;
    ck_assert_msg(tok_decode(tokenizer, v, n, &text, &err) == RT_OK, "%s", err.message);
    ck_assert_str_eq(text.v, expected);
}

START_TEST(stored_lines) {
    FILE *f = fopen(golden_lines, "r");
    ck_assert_ptr_nonnull(f);
    char *line = NULL;
    size_t capacity = 0, n_lines = 0;
    rt_ids expected = {0};
    for (ssize_t n; (n = getline(&line, &capacity, f)) > 0; n_lines++) {
        char *tab = strchr(line, '\t');
        ck_assert_ptr_nonnull(tab);
        expected.n = 0;
        for (char *p = tab, *end; *p != '\n'; p = end) {
            const int32_t id = (int32_t)strtol(p, &end, 10);
            ck_assert_int_eq(rt_ids_append(&expected, &id, 1, NULL), RT_OK);
            while (*end == ' ') end++;
        }
        ck_assert_int_eq(rt_ids_append(&expected, &(const int32_t){TOK_EOS}, 1, NULL), RT_OK);
        encode(line, (size_t)(tab - line));
        assert_ids(line, expected.v, expected.n);
    }
    ck_assert_uint_ge(n_lines, 300);
    rt_ids_free(&expected);
    free(line);
    fclose(f);
}
END_TEST

static size_t read_id_array(const cJSON *array, rt_ids *out) {
    const cJSON *item;
    out->n = 0;
    cJSON_ArrayForEach(item, array) ck_assert_int_eq(rt_ids_append(out, &(const int32_t){item->valueint}, 1, NULL), RT_OK);
    return out->n;
}

START_TEST(golden_cases) {
    rt_file_map map;
    ck_assert_msg(rt_file_map_open(golden_case, &map, &err) == RT_OK, "%s", err.message);
    cJSON *root = cJSON_ParseWithLength((const char *)map.data, map.size);
    ck_assert_ptr_nonnull(root);
    size_t n_encoded = 0, n_decoded = 0;
    rt_ids expected = {0};
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "cases")) {
        const char *input = cJSON_GetStringValue(cJSON_GetObjectItem(item, "text"));
        const char *output = cJSON_GetStringValue(cJSON_GetObjectItem(item, "output_text"));
        if (input != NULL) {
            encode(input, strlen(input));
            assert_ids(input, expected.v, read_id_array(cJSON_GetObjectItem(item, "input_ids"), &expected));
            n_encoded++;
        }
        if (output != NULL) {
            const size_t n = read_id_array(cJSON_GetObjectItem(item, "output_ids"), &expected);
            assert_decodes(expected.v, n, output);
            n_decoded++;
        }
    }
    ck_assert_uint_gt(n_encoded, 20);
    ck_assert_uint_gt(n_decoded, 20);
    rt_ids_free(&expected);
    cJSON_Delete(root);
    rt_file_map_close(&map);
}
END_TEST

/* Up to 320 lines of each file of the data sets, compared with SentencePiece asked directly. */
START_TEST(lines_of_the_data_sets) {
    if (access("../shared/datasets", R_OK) != 0) {
        fprintf(stderr, "test_tokenizer_equality: ../shared/datasets is not there: its lines are skipped\n");
        return;
    }
    rt_file_map map;
    tok_spm *spm;
    ck_assert_int_eq(rt_file_map_open(model_file, &map, &err), RT_OK);
    ck_assert_int_eq(tok_spm_open(model_file, map.data, map.size, &spm, &err), RT_OK);
    rt_file_map_close(&map);
    FILE *f = popen("for f in $(find ../shared/datasets -name '*.gz' | sort); do zcat $f | awk 'NR % 5 == 0' | head -n 320; done", "r");
    ck_assert_ptr_nonnull(f);
    char *line = NULL;
    size_t capacity = 0, n_lines = 0;
    rt_ids raw = {0};
    for (ssize_t n; (n = getline(&line, &capacity, f)) > 0; n_lines++) {
        raw.n = 0;
        ck_assert_int_eq(tok_spm_encode(spm, line, (size_t)n, &raw, &err), RT_OK);
        ck_assert_int_eq(rt_ids_append(&raw, &(const int32_t){TOK_EOS}, 1, &err), RT_OK);
        encode(line, (size_t)n);
        assert_ids(line, raw.v, raw.n);
    }
    ck_assert_int_eq(pclose(f), 0);
    fprintf(stderr, "test_tokenizer_equality: %zu lines of ../shared/datasets equal\n", n_lines);
    ck_assert_uint_ge(n_lines, MANY_LINES);
    rt_ids_free(&raw);
    free(line);
    tok_spm_close(spm);
}
END_TEST

START_TEST(answers_survive_both_ways) {
    FILE *f = fopen("../shared/models/qa-mini/predictions.dense.jsonl", "r");
    if (f == NULL) {
        fprintf(stderr, "test_tokenizer_equality: ../shared/models/qa-mini is not there: its answers are skipped\n");
        return;
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, f) > 0) {
        cJSON *root = cJSON_Parse(line);
        const char *answer = cJSON_GetStringValue(cJSON_GetObjectItem(root, "answer"));
        ck_assert_ptr_nonnull(answer);
        encode(answer, strlen(answer));
        assert_decodes(ids.v, ids.n, answer);
        cJSON_Delete(root);
    }
    free(line);
    fclose(f);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tokenizer_equality");
    TCase *tests = tcase_create("tokenizer_equality");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, stored_lines);
    tcase_add_test(tests, golden_cases);
    tcase_add_test(tests, lines_of_the_data_sets);
    tcase_add_test(tests, answers_survive_both_ways);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
