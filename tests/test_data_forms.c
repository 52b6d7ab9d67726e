/* Every form of data set, on the small invented sets of tests/data/sets: questions, references, choices, and the defects put into them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/question_list.h"
#include "tests/support/suite.h"

#define SETS "tests/data/sets/"

enum { NONE = -1, MAX_DEFECTS = 4 };

typedef struct set_row {
    const char *path, *form;
    size_t n_questions;
    const char *defects[MAX_DEFECTS]; /* what their messages hold, in order */
} set_row;

static const set_row sets[] = {
    {"squad.json", "SQuAD", 2,
     {"squad.json, line 4, element 1, question 2: no member 'question'", "question 3: 'answers' is empty",
     "element 2, question 2: no member 'qas'"}},
    {"squad2.json", "SQuAD", 2, {"line 1, element 1, question 3: 'answers' is a text, not a list"}},
    {"quoref.json", "Quoref", 2, {"question 3: 'question' is a number, not a text"}},
    {"ropes.json", "ROPES", 1, {"question 2: no member 'text'"}},
    {"drop.json", "DROP", 3, {"question 4: an answer without spans, number or date",
     "line 58, element 2, question 1: no member 'qa_pairs'"}},
    {"boolq.jsonl", "BoolQ", 3, {"boolq.jsonl, line 4: the answer is neither true nor false", "line 5: not JSON"}},
    {"boolq_contrast.json", "BoolQ contrast set", 2, {"question 3: no member 'perturbed_q'"}},
    {"multirc.jsonl", "MultiRC", 2, {"line 1, question 3: 'label' is 2", "line 2, question 1: no member 'passage.questions'"}},
    {"tweetqa.json", "TweetQA", 2, {"line 17, element 3: 'Answer' is empty", "line 23, element 4: not a JSON object"}},
    {"arc.jsonl", "ARC", 2, {"line 3: 'answerKey' is 'C', the label of no choice", "line 4: not JSON"}},
    {"commonsenseqa.jsonl", "CommonsenseQA", 2, {"line 3: no member 'question.stem'"}},
    {"qasc.jsonl", "QASC", 1, {"line 2: no member 'text'"}},
    {"query_choices.jsonl", "queries with choices", 1, {"line 2: 'gold' is 2, not a whole number 0 to 1"}},
    {"instruction_question.json", "instructions with choices", 1,
     {"line 8, element 2: no '\\x0a\\x0a' in 'instruction'", "element 3: 'answer' is '3', not 1 to 2"}},
    {"instruction_winogrande.json", "instructions with choices", 1, {NULL}},
    {"piqa.jsonl", "PIQA", 2, {"line 3: no member 'sol2'", "line 4: the label is '5', not 0 to 1"}},
    {"socialiqa.jsonl", "Social IQa", 1, {"line 2: no member 'answerC'"}},
    {"winogrande.jsonl", "WinoGrande", 2, {"line 3: 'answer' is '3', not 1 to 2"}},
    {"race", "RACE", 3, {"middle2.txt, line 1, question 2: a question without 'options' and 'answers'"}},
    {"race/middle1.txt", "RACE", 2, {NULL}},
    {"triviaqa.jsonl", "TriviaQA", 1, {"line 2: 'context' is not \"Question: ...\\nAnswer:\""}},
    {"nq_open.jsonl", "NQ-open", 1, {"line 2: 'answer' is empty"}},
    {"own.jsonl", "t5k", 4,
     {"line 5: the answer is none of the choices", "line 6: 'answers' is empty", "line 7: 'input' is a number",
     "line 8: no member 'question'"}},
    {"mctest.tsv", "MCTest", 7, {"mctest.tsv, line 2: the number of columns is 3, not 23",
     "line 3, question 3: the answer is 'X', not A to D"}},
    {"codah.tsv", "CODAH", 1, {"line 2: the last column is '4', not 0 to 3"}},
    {"listops.tsv", "ListOps", 1, {"line 2: the first column is '12', not 0 to 9"}},
    {"unifiedqa", "UnifiedQA", 2, {"dev.tsv, line 3: the number of columns is 1, not 2", "line 4: the number of columns is 3, not 2"}},
    {"unifiedqa_choice", "UnifiedQA", 2, {"test.tsv, line 3: the letter of the right choice is 'Z', not A to B"}},
    {"cosmosqa.csv", "Cosmos QA", 2,
     {"line 4: the column 'label' is '4'", "line 5: the number of columns is 3, not 8", "line 6: a quote inside a field"}},
    {"narrativeqa/qaps.csv", "NarrativeQA", 1, {"qaps.csv, line 3: no summary of the document 'd9'"}},
    {"babi.txt", "bAbI", 3, {"line 5: the line does not begin with its number (5, or 1 for a new story)"}},
};

START_TEST(set_is_read) {
    const set_row *row = &sets[_i];
    char path[128] = SETS;
    question_list list;
    question_list_read(strcat(path, row->path), &list);
    ck_assert_msg(list.status == RT_OK, "%s: %s", row->path, list.err.message);
    ck_assert_str_eq(list.form, row->form);
    ck_assert_msg(list.n == row->n_questions, "%s: %zu questions", row->path, list.n);
    size_t n = 0;
    for (; n < MAX_DEFECTS && row->defects[n] != NULL; n++) {
        ck_assert_msg(n < list.n_defects && strstr(list.defects[n], row->defects[n]) != NULL, "%s: '%s' is not '%s'", row->path,
                      n < list.n_defects ? list.defects[n] : "", row->defects[n]);
    }
    ck_assert_msg(list.n_defects == n, "%s: %zu defects", row->path, list.n_defects);
    question_list_free(&list);
}
END_TEST

typedef struct question_row {
    const char *path;
    size_t index;
    const char *id, *input, *references, *choices;
    int gold;
    data_metric metric;
} question_row;

static const question_row questions[] = {
    {"squad.json", 0, "s1", "What stands by the river? \\n (Old_Mill) The millstands by the river.It is old.", "The mill | mill", "",
     NONE, DATA_EM_F1},
    {"squad.json", 1, "s4", "When do owls hunt? \\n Owls hunt at night.", "at night", "", NONE, DATA_EM_F1},
    {"squad2.json", 0, "a", "Where does tea grow? \\n (Tea) Tea grows on hills.", "on hills", "", NONE, DATA_SQUAD2},
    {"squad2.json", 1, "b", "Who drinks tea? \\n (Tea) Tea grows on hills.", "<No Answer>", "", NONE, DATA_SQUAD2},
    {"quoref.json", 0, "q1", "Who ate? \\n (The Picnic) Ann met Bo and Cy. They ate.", "Ann | Bo", "", NONE, DATA_SPANS},
    {"quoref.json", 1, "q2", "Who met?\\n(The Picnic) Ann met Bo and Cy. They ate.", "Ann", "", NONE, DATA_SPANS},
    {"ropes.json", 0, "r1", "Which road has ice? \\n Salt melts ice. Road A was salted, road B was not.", "road B", "", NONE, DATA_SPANS},
    {"drop.json", 0, "d1", "How many men? \\n The siege began on 3 May 1510 with 40 men, pikes and bows.", "40", "", NONE, DATA_SPANS},
    {"drop.json", 1, "d2", "When did it begin? \\n The siege began on 3 May 1510 with 40 men, pikes and bows.", "May 3 1510", "", NONE,
     DATA_SPANS},
    {"drop.json", 2, "d3", "Which weapons? \\n The siege began on 3 May 1510 with 40 men, pikes and bows.", "pikes, bows", "", NONE,
     DATA_SPANS},
    {"boolq.jsonl", 0, "", "is glass a liquid? \\n (Glass) Glass is an amorphous solid.", "no", "", NONE, DATA_EM_F1},
    {"boolq.jsonl", 1, "1", "is ice cold? \\n (Ice) Ice is frozen water -- and cold.", "yes", "", NONE, DATA_EM_F1},
    {"boolq.jsonl", 2, "2", "is it raining? \\n (Rain) Rain falls.", "", "", NONE, DATA_EM_F1},
    {"boolq_contrast.json", 0, "", "is glass a gas? \\n (Glass) Glass is solid.", "no", "", NONE, DATA_EM_F1},
    {"multirc.jsonl", 0, "0", "What does Mia do? \\n Mia paints and sings.", "paints | sings", "", NONE, DATA_EM_F1},
    {"multirc.jsonl", 1, "1", "Who swims? \\n Mia paints and sings.", "", "", NONE, DATA_EM_F1},
    {"tweetqa.json", 0, "t1", "who won? \\n Ida won!", "Ida | ida m.", "", NONE, DATA_BLEU_1},
    {"tweetqa.json", 1, "t2", "who lost? \\n Not Ida.", "", "", NONE, DATA_BLEU_1},
    {"arc.jsonl", 0, "A1", "What melts ice? \\n (A) salt (B) sand", "salt", "salt | sand", 0, DATA_CHOICE},
    {"arc.jsonl", 1, "A2", "What is hot? \\n (A) ice (B) fire (C) snow", "fire", "ice | fire | snow", 1, DATA_CHOICE},
    {"commonsenseqa.jsonl", 1, "C2", "Where is the sun? \\n (A) cellar (B) sky", "", "cellar | sky", NONE, DATA_CHOICE},
    {"qasc.jsonl", 0, "Q1", "What shape is a ball? \\n (A) flat (B) round (C) a (D) b (E) c (F) d (G) e (H) f", "round",
     "flat | round | a | b | c | d | e | f", 1, DATA_CHOICE},
    {"query_choices.jsonl", 0, "", "Bread is made of \\n (A) flour (B) sand", "flour", "flour | sand", 0, DATA_CHOICE},
    {"instruction_question.json", 0, "", "Bread is made of \\n (A) flour (B) sand (C) salt", "flour", "flour | sand | salt", 0,
     DATA_CHOICE},
    {"instruction_winogrande.json", 0, "", "The jug fit in the box as _ was small. \\n (A) jug (B) box", "jug", "jug | box", 0,
     DATA_CHOICE},
    {"piqa.jsonl", 0, "", "open a jar \\n (A) twist the lid  (B) sing", "twist the lid", "twist the lid | sing", 0, DATA_CHOICE},
    {"socialiqa.jsonl", 0, "", "How does Kim feel? \\n (A) glad (B) worried (C) tall \\n Kim lost a key.", "worried",
     "glad | worried | tall", 1,
     DATA_CHOICE},
    {"winogrande.jsonl", 0, "w1", "The jug fit in the box as _ was small. \\n (A) jug (B) box", "jug", "jug | box", 0, DATA_CHOICE},
    {"race", 0, "middle1.txt", "How did he go? \\n  (A) by car (B) on foot \\n He walked. His hat was red.", "on foot",
     "by car | on foot", 1,
     DATA_CHOICE},
    {"race", 2, "middle2.txt", "Is it? \\n  (A) yes (B) no \\n It is.", "yes", "yes | no", 0, DATA_CHOICE},
    {"triviaqa.jsonl", 0, "", "Which bulb makes cooks cry?", "Onion | Onion | Onions", "", NONE, DATA_EM_F1},
    {"nq_open.jsonl", 0, "", "who built the old mill?", "Ann Miller | A. Miller", "", NONE, DATA_EM_F1},
    {"own.jsonl", 0, "1", "who sings? \\n mia sings.", "mia | Mia M.", "", NONE, DATA_EM_F1},
    {"own.jsonl", 1, "", "Who sings? \\n (A) Mia (B) Bo \\n Mia sings.", "Mia", "Mia | Bo", 0, DATA_CHOICE},
    {"own.jsonl", 2, "", "Who sings?", "", "", NONE, DATA_EM_F1},
    {"mctest.tsv", 1, "x1", "Where did it run? \\n (A) away (B) home (C) up (D) down \\n The fox ran home.", "home",
     "away | home | up | down", 1,
     DATA_CHOICE},
    {"mctest.tsv", 6, "x3", "Did it fly? \\n (A) yes (B) no (C) maybe (D) twice \\n The fox ran home.", "no",
     "yes | no | maybe | twice", 1,
     DATA_CHOICE},
    {"codah.tsv", 0, "", "The kettle boiled, so Ann \\n (a) poured tea. (b) sank. (c) flew. (d) was blue.", "poured tea.",
     "poured tea. | sank. | flew. | was blue.", 0, DATA_CHOICE},
    {"listops.tsv", 0, "", "( ( ( [MAX 4 ) 6 ) ] )", "6", "", NONE, DATA_EM_F1},
    {"unifiedqa", 0, "", "Who sang? \\n (Old_Mill) Mia \"sang\".", "Mia | Mia M\xc3\xbcller", "", NONE, DATA_EM_F1},
    {"unifiedqa", 1, "", "Who flew? \\n (Old_Mill) Mia sang.", "<No Answer>", "", NONE, DATA_SQUAD2},
    {"unifiedqa_choice", 0, "u1", "What is hot? \\n (A) ice (B) fire", "fire", "ice | fire", 1, DATA_CHOICE},
    {"unifiedqa_choice", 1, "u2", "What is cold? \\n (A) ice (B) fire \\n context (C) no", "ice", "ice | fire", 0, DATA_CHOICE},
    {"cosmosqa.csv", 0, "k1",
     "Why stay ? \\n (A) rain (B) snow (C) sun (D) None of the above choices . \\n It rained, so \"we\" stayedat home .",
     "rain", "rain | snow | sun | None of the above choices .", 0, DATA_CHOICE},
    {"cosmosqa.csv", 1, "k5", "Wet? \\n (A) yes (B) no (C) a (D) b \\n Dry .", "no", "yes | no | a | b", 1, DATA_CHOICE},
    {"narrativeqa/qaps.csv", 0, "d2", "Who rules? \\n  A queen,rules.", "The queen | A queen", "", NONE, DATA_ROUGE_L},
    {"babi.txt", 0, "", "Where is Mary? \\n Mary went home. John has a pen.", "home", "", NONE, DATA_EM_F1},
    {"babi.txt", 1, "", "What has John? \\n Mary went home. John has a pen. John took the milk.", "pen, milk", "", NONE, DATA_EM_F1},
    {"babi.txt", 2, "", "Who sat? \\n Mary sat.", "Mary", "", NONE, DATA_EM_F1},
};

START_TEST(question_is_encoded) {
    const question_row *row = &questions[_i];
    char path[128] = SETS;
    question_list list;
    question_list_read(strcat(path, row->path), &list);
    ck_assert_uint_lt(row->index, list.n);
    const listed_question *q = &list.v[row->index];
    ck_assert_str_eq(q->id, row->id);
    ck_assert_str_eq(q->input, row->input);
    ck_assert_str_eq(q->references, row->references);
    ck_assert_str_eq(q->choices, row->choices);
    ck_assert(row->gold == NONE ? q->gold == DATA_NO_GOLD : q->gold == (size_t)row->gold);
    ck_assert_int_eq(q->metric, row->metric);
    ck_assert(q->answerable == (strcmp(row->references, "<No Answer>") != 0));
    question_list_free(&list);
}
END_TEST

START_TEST(lines_are_those_of_records) {
    question_list list;
    question_list_read(SETS "own.jsonl", &list);
    ck_assert_uint_eq(list.v[3].line, 4);
    ck_assert(!list.v[3].answerable);
    question_list_free(&list);
    question_list_read(SETS "cosmosqa.csv", &list);
    ck_assert_uint_eq(list.v[1].line, 7);
    question_list_free(&list);
}
END_TEST

START_TEST(small_sets_of_the_embedded_model) {
    static const struct {
        const char *path;
        size_t n;
    } rows[] = {{"extract", 48}, {"choice", 48}, {"yes-no", 48}, {"no-answer", 48}, {"babi", 120}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char path[128];
        question_list list;
        snprintf(path, sizeof path, "data/questions/%s.jsonl", rows[i].path);
        question_list_read(path, &list);
        ck_assert_uint_eq(list.n, rows[i].n);
        ck_assert_uint_eq(list.n_defects, 0);
        question_list_free(&list);
    }
}
END_TEST

START_TEST(embedded_models_own_test_file) {
    question_list list;
    question_list_read("data/questions/qa-mini-test.jsonl", &list);
    ck_assert_str_eq(list.form, "t5k");
    ck_assert_uint_eq(list.n, 3200);
    ck_assert_uint_eq(list.n_defects, 0);
    size_t n_unanswerable = 0;
    for (size_t i = 0; i < list.n; i++) n_unanswerable += !list.v[i].answerable;
    ck_assert_uint_eq(n_unanswerable, 300);
    question_list_free(&list);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("data_forms");
    TCase *tc = tcase_create("data_forms");
    tcase_add_loop_test(tc, set_is_read, 0, sizeof sets / sizeof *sets);
    tcase_add_loop_test(tc, question_is_encoded, 0, sizeof questions / sizeof *questions);
    tcase_add_test(tc, lines_are_those_of_records);
    tcase_add_test(tc, small_sets_of_the_embedded_model);
    tcase_add_test(tc, embedded_models_own_test_file);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
