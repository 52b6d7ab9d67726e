/* The real data sets of ../shared/datasets: as many questions as their READMEs say, no defects. Skipped where that folder is not there. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/question_list.h"
#include "tests/support/suite.h"

#define SHARED "../shared/datasets/"

typedef struct count_row {
    const char *path, *form;
    size_t n, n_labelled;
} count_row;

static const count_row counts[] = {
    {"ai2_science/AI2-8thGr-NDMC-Feb2016-Dev.jsonl", "ARC", 65, 65},
    {"ai2_science/AI2-8thGr-NDMC-Feb2016-Train.jsonl.gz", "ARC", 293, 293},
    {"ai2_science/AI2-Elementary-NDMC-Feb2016-Dev.jsonl", "ARC", 84, 84},
    {"ai2_science/AI2-Elementary-NDMC-Feb2016-Train.jsonl.gz", "ARC", 432, 432},
    {"arc/ARC-Challenge-Test.zhouqb.jsonl.gz", "ARC", 1150, 1150},
    {"arc/arc_challenge.dev.jsonl.gz", "ARC", 299, 299},
    {"arc/arc_challenge.test.jsonl.gz", "ARC", 1170, 1170},
    {"arc/arc_challenge.train.jsonl.gz", "ARC", 1119, 1119},
    {"arc/arc_easy.dev.jsonl.gz", "ARC", 570, 570},
    {"arc/arc_easy.test.jsonl.gz", "ARC", 2376, 2376},
    {"arc/arc_easy.train.jsonl.gz", "ARC", 2251, 2251},
    {"boolq/boolq.dev.jsonl.gz", "BoolQ", 3270, 3270},
    {"boolq/boolq.superglue.test_no_labels.jsonl.gz", "BoolQ", 3245, 0},
    {"boolq/boolq.superglue.val.jsonl.gz", "BoolQ", 3270, 3270},
    {"codah/full_data.tsv.gz", "CODAH", 2776, 2776},
    {"commonsenseqa/dev_rand_split.jsonl.gz", "CommonsenseQA", 1221, 1221},
    {"commonsenseqa/test_rand_split_no_answers.jsonl.gz", "CommonsenseQA", 1140, 0},
    {"commonsenseqa/train_rand_split.jsonl.gz", "CommonsenseQA", 9741, 9741},
    {"contrast_sets/boolq_perturbed.json", "BoolQ contrast set", 341, 341},
    {"contrast_sets/drop_contrast_sets_test.json.gz", "DROP", 947, 947},
    {"contrast_sets/quoref_original_subset_20191206_merged.json.gz", "Quoref", 415, 415},
    {"contrast_sets/quoref_test_perturbations_20191206_merged.json.gz", "Quoref", 700, 700},
    {"contrast_sets/ropes_contrast_set_032820.json.gz", "ROPES", 974, 974},
    {"contrast_sets/ropes_contrast_set_original_032820.json.gz", "ROPES", 974, 974},
    {"cosmosqa/valid.csv.gz", "Cosmos QA", 2985, 2985},
    {"listops/test_d20s.tsv.gz", "ListOps", 10000, 10000},
    {"mctest/mc160.dev.tsv", "MCTest", 120, 120},
    {"mctest/mc160.test.tsv", "MCTest", 240, 240},
    {"mctest/mc160.train.tsv.gz", "MCTest", 280, 280},
    {"mctest/mc500.dev.tsv", "MCTest", 200, 200},
    {"mctest/mc500.test.tsv.gz", "MCTest", 600, 600},
    {"mctest/mc500.train.tsv.gz", "MCTest", 1200, 1200},
    {"multirc/multirc.val.jsonl.gz", "MultiRC", 953, 950}, /* of three questions no option is right */
    {"nq_open/NQ-open.dev.jsonl.gz", "NQ-open", 3610, 3610},
    {"nq_open/NQ-open.efficientqa.dev.1.1.jsonl.gz", "NQ-open", 1800, 1800},
    {"nq_open/NQ-open.efficientqa.test.1.1.jsonl.gz", "NQ-open", 1769, 1769},
    {"openbookqa/openbook_qa.llm-foundry.test.jsonl", "queries with choices", 500, 500},
    {"openbookqa/openbookqa.llm-adapters.test.json.gz", "instructions with choices", 500, 500},
    {"openbookqa/openbookqa.llm-adapters.train.json.gz", "instructions with choices", 4957, 4957},
    {"piqa/valid.jsonl.gz", "PIQA", 1838, 1838},
    {"qasc/qasc.dev.jsonl.gz", "QASC", 926, 926},
    {"qasc/qasc.test_no_answers.jsonl.gz", "QASC", 920, 0},
    {"qasc/qasc.train_part.jsonl.gz", "QASC", 814, 814},
    {"ropes/dev-v1.0.json.gz", "ROPES", 1688, 1688},
    {"ropes/train-v1.0.json.gz", "ROPES", 10924, 10924},
    {"socialiqa/dev.jsonl.gz", "Social IQa", 1954, 1954},
    {"squad1_1/dev-v1.1.json.gz", "SQuAD", 10570, 10570},
    {"squad2_half_dev/dev-v2.0.cs224n.json.gz", "SQuAD", 6078, 6078},
    {"triviaqa_small/triviaqa_sm_sub.jsonl.gz", "TriviaQA", 3000, 3000},
    {"tweetqa/dev.json.gz", "TweetQA", 1086, 1086},
    {"tweetqa/test_no_answers.json.gz", "TweetQA", 1979, 0},
    {"winogrande/winogrande.llm-adapters.dev.json.gz", "instructions with choices", 1267, 1267},
    {"xquad_en/xquad.en.json.gz", "SQuAD", 1190, 1190},
};

static void expect_count(const char *path, const char *form, size_t n, size_t n_labelled) {
    question_list list;
    question_list_read(path, &list);
    ck_assert_msg(list.status == RT_OK, "%s: %s", path, list.status == RT_OK ? "" : list.err.message);
    ck_assert_msg(list.n_defects == 0, "%s: %s", path, list.n_defects > 0 ? list.defects[0] : "");
    ck_assert_str_eq(list.form, form);
    ck_assert_str_eq(list.note, "");
    ck_assert_msg(list.n == n, "%s: %zu questions", path, list.n);
    size_t found = 0;
    for (size_t i = 0; i < list.n; i++) found += list.v[i].n_references > 0;
    ck_assert_msg(found == n_labelled, "%s: %zu with references", path, found);
    question_list_free(&list);
}

START_TEST(as_many_as_the_readme_says) {
    const count_row *row = &counts[_i];
    char path[256] = SHARED;
    expect_count(strcat(path, row->path), row->form, row->n, row->n_labelled);
}
END_TEST

/* 20 test files of 1,000, 19 training files of 10,000 and one of 1,000. */
START_TEST(babi) {
    DIR *dir = opendir(SHARED "babi");
    ck_assert_ptr_nonnull(dir);
    size_t n_test = 0, n_train = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strncmp(entry->d_name, "qa", 2) != 0) continue;
        char path[512];
        snprintf(path, sizeof path, SHARED "babi/%s", entry->d_name);
        const bool large = strstr(entry->d_name, "_train.txt") != NULL;
        expect_count(path, "bAbI", large ? 10000 : 1000, large ? 10000 : 1000);
        if (strstr(entry->d_name, "_test.") != NULL) n_test++;
        else n_train++;
    }
    closedir(dir);
    ck_assert_uint_eq(n_test, 20);
    ck_assert_uint_eq(n_train, 20);
}
END_TEST

START_TEST(squad2_unanswerable) {
    question_list list;
    question_list_read(SHARED "squad2_half_dev/dev-v2.0.cs224n.json.gz", &list);
    size_t n_unanswerable = 0;
    for (size_t i = 0; i < list.n; i++) n_unanswerable += !list.v[i].answerable;
    ck_assert_uint_eq(n_unanswerable, 3168);
    question_list_free(&list);
}
END_TEST

/* BoolQ's own form and SuperGLUE's give the same questions and answers. */
START_TEST(boolq_forms_agree) {
    question_list own, superglue;
    question_list_read(SHARED "boolq/boolq.dev.jsonl.gz", &own);
    question_list_read(SHARED "boolq/boolq.superglue.val.jsonl.gz", &superglue);
    size_t n_yes = 0;
    for (size_t i = 0; i < own.n; i++) {
        ck_assert_str_eq(own.v[i].input, superglue.v[i].input);
        ck_assert_str_eq(own.v[i].references, superglue.v[i].references);
        n_yes += strcmp(own.v[i].references, "yes") == 0;
    }
    ck_assert_uint_eq(n_yes, 2033);
    question_list_free(&own);
    question_list_free(&superglue);
}
END_TEST

/* So do the two derived forms of OpenBookQA's test set, but for how they treat spaces at the ends of a question. */
START_TEST(openbookqa_forms_agree) {
    question_list query, instruction;
    question_list_read(SHARED "openbookqa/openbook_qa.llm-foundry.test.jsonl", &query);
    question_list_read(SHARED "openbookqa/openbookqa.llm-adapters.test.json.gz", &instruction);
    for (size_t i = 0; i < query.n; i++) {
        ck_assert_uint_eq(query.v[i].gold, instruction.v[i].gold);
        ck_assert_str_eq(query.v[i].choices, instruction.v[i].choices);
    }
    question_list_free(&query);
    question_list_free(&instruction);
}
END_TEST

int main(void) {
    if (access(SHARED, R_OK) != 0) {
        fputs("skipped: no " SHARED "\n", stderr);
        return EXIT_SUCCESS;
    }
    Suite *suite = suite_create("data_shared");
    TCase *tc = tcase_create("data_shared");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, as_many_as_the_readme_says, 0, sizeof counts / sizeof *counts);
    tcase_add_test(tc, babi);
    tcase_add_test(tc, squad2_unanswerable);
    tcase_add_test(tc, boolq_forms_agree);
    tcase_add_test(tc, openbookqa_forms_agree);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
