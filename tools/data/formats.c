/* The forms of data sets, and what tells one from another: the first that fits is taken, so the more particular ones come first. */
#include "tools/data/formats.h"

/* The first paragraph of an article. */
static const cJSON *paragraph(const record *r) {
    return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(r->nodes[0], "paragraphs"), 0);
}

static bool has(const record *r, const char *path) { return record_find(r->nodes[0], path) != NULL; }

static bool is_ropes(const record *r) { return record_has_text(paragraph(r), "background"); }
static bool is_quoref(const record *r) { return record_has_text(paragraph(r), "context_id"); }
static bool is_squad(const record *r) { return cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(r->nodes[0], "paragraphs")); }
static bool is_boolq_contrast(const record *r) { return has(r, "perturbed_questions"); }
static bool is_drop(const record *r) { return has(r, "passage") && has(r, "qa_pairs"); }
static bool is_tweetqa(const record *r) { return has(r, "Question") && has(r, "Tweet"); }
static bool is_instruction(const record *r) {
    const cJSON *text = record_find(r->nodes[0], "instruction");
    return cJSON_IsString(text) && has(r, "answer") && strstr(text->valuestring, "Answer format:") != NULL;
}
static bool is_multirc(const record *r) { return has(r, "passage.questions"); }
static bool is_commonsenseqa(const record *r) { return has(r, "question.question_concept"); }
static bool is_qasc(const record *r) { return has(r, "question.choices") && has(r, "formatted_question"); }
static bool is_arc(const record *r) { return has(r, "question.stem") && has(r, "question.choices"); }
static bool is_query_choices(const record *r) { return has(r, "query") && has(r, "choices") && has(r, "gold"); }
static bool is_boolq(const record *r) { return has(r, "question") && has(r, "passage"); }
static bool is_piqa(const record *r) { return has(r, "goal") && has(r, "sol1"); }
static bool is_socialiqa(const record *r) { return has(r, "answerA") && has(r, "context"); }
static bool is_winogrande(const record *r) { return has(r, "sentence") && has(r, "option1"); }
static bool is_race(const record *r) { return has(r, "article") && has(r, "questions"); }
static bool is_triviaqa(const record *r) { return has(r, "context") && has(r, "aliases"); }
static bool is_nq_open(const record *r) { return has(r, "question") && cJSON_IsArray(record_find(r->nodes[0], "answer")); }
static bool is_own(const record *r) { return record_has_text(r->nodes[0], "input") || record_has_text(r->nodes[0], "question"); }

static bool field_is(const record *r, size_t i, const char *text) {
    return i < r->n_fields && r->fields[i].n == strlen(text) && memcmp(r->fields[i].v, text, strlen(text)) == 0;
}
static bool is_digit(slice s) { return s.n == 1 && s.v[0] >= '0' && s.v[0] <= '9'; }

static bool is_mctest(const record *r) {
    return r->n_fields == 23 && (record_starts_with(r->fields[3], "one: ") || record_starts_with(r->fields[3], "multiple: "));
}
static bool is_codah(const record *r) { return r->n_fields == 7 && is_digit(r->fields[6]); }
static bool is_listops(const record *r) { return r->n_fields == 2 && is_digit(r->fields[0]) && record_starts_with(r->fields[1], "("); }
static bool is_unifiedqa(const record *r) { return r->n_fields == 2; }
static bool is_cosmosqa(const record *r) { return field_is(r, 1, "context") && field_is(r, 3, "answer0") && field_is(r, 7, "label"); }
static bool is_narrativeqa(const record *r) {
    return field_is(r, 0, "document_id") && field_is(r, 2, "question") && field_is(r, 4, "answer2");
}
static bool is_babi(const record *r) { return r->n_fields > 0; }

#define LINES (1u << FRAME_LINES)
#define LIST (1u << FRAME_LIST)
#define MEMBERS (1u << FRAME_MEMBERS)
#define DATA (1u << FRAME_DATA)
#define TABS (1u << FRAME_TABS)
#define COMMAS (1u << FRAME_COMMAS)
#define STORY (1u << FRAME_STORY)

static const format formats[] = {
    {.name = "ROPES", .frames = DATA, .is = is_ropes, .levels = {"paragraphs", "qas"}, .read = read_ropes, .metric = DATA_SPANS},
    {.name = "Quoref", .frames = DATA, .is = is_quoref, .levels = {"paragraphs", "qas"}, .read = read_quoref, .metric = DATA_SPANS},
    {.name = "SQuAD", .frames = DATA, .is = is_squad, .levels = {"paragraphs", "qas"}, .read = read_squad, .metric = DATA_EM_F1},
    {.name = "BoolQ contrast set", .frames = DATA, .is = is_boolq_contrast, .levels = {"perturbed_questions"},
     .read = read_boolq_contrast, .metric = DATA_EM_F1},
    {.name = "DROP", .frames = MEMBERS, .is = is_drop, .levels = {"qa_pairs"}, .read = read_drop, .metric = DATA_SPANS},
    {.name = "TweetQA", .frames = LIST | LINES, .is = is_tweetqa, .read = read_tweetqa, .metric = DATA_BLEU_1},
    {.name = "instructions with choices", .frames = LIST | LINES, .is = is_instruction, .read = read_instruction, .metric = DATA_CHOICE},
    {.name = "MultiRC", .frames = LINES, .is = is_multirc, .levels = {"passage.questions"}, .read = read_multirc, .metric = DATA_EM_F1},
    {.name = "CommonsenseQA", .frames = LINES, .is = is_commonsenseqa, .read = read_arc, .metric = DATA_CHOICE},
    {.name = "QASC", .frames = LINES, .is = is_qasc, .read = read_arc, .metric = DATA_CHOICE},
    {.name = "ARC", .frames = LINES, .is = is_arc, .read = read_arc, .metric = DATA_CHOICE},
    {.name = "queries with choices", .frames = LINES, .is = is_query_choices, .read = read_query_choices, .metric = DATA_CHOICE},
    {.name = "BoolQ", .frames = LINES, .is = is_boolq, .read = read_boolq, .metric = DATA_EM_F1},
    {.name = "PIQA", .frames = LINES, .is = is_piqa, .read = read_piqa, .metric = DATA_CHOICE, .strip = ".jsonl",
     .answers = "-labels.lst", .needs_answers = true},
    {.name = "Social IQa", .frames = LINES, .is = is_socialiqa, .read = read_socialiqa, .metric = DATA_CHOICE, .strip = ".jsonl",
     .answers = "-labels.lst", .needs_answers = true},
    {.name = "WinoGrande", .frames = LINES, .is = is_winogrande, .read = read_winogrande, .metric = DATA_CHOICE},
    {.name = "RACE", .frames = LINES, .is = is_race, .levels = {"questions"}, .read = read_race, .metric = DATA_CHOICE},
    {.name = "TriviaQA", .frames = LINES, .is = is_triviaqa, .read = read_triviaqa, .metric = DATA_EM_F1},
    {.name = "NQ-open", .frames = LINES, .is = is_nq_open, .read = read_nq_open, .metric = DATA_EM_F1},
    {.name = "t5k", .frames = LINES | LIST, .is = is_own, .read = read_own, .metric = DATA_EM_F1},
    {.name = "MCTest", .frames = TABS, .is = is_mctest, .n_columns = 23, .n_questions = 4, .read = read_mctest, .metric = DATA_CHOICE,
     .strip = ".tsv", .answers = ".ans", .needs_answers = true},
    {.name = "CODAH", .frames = TABS, .is = is_codah, .n_columns = 7, .read = read_codah, .metric = DATA_CHOICE},
    {.name = "ListOps", .frames = TABS, .is = is_listops, .n_columns = 2, .read = read_listops, .metric = DATA_EM_F1},
    {.name = "UnifiedQA", .frames = TABS, .is = is_unifiedqa, .n_columns = 2, .read = read_unifiedqa, .metric = DATA_EM_F1, .strip = ".tsv",
     .answers = "_ans.jsonl", .meta = "_meta"},
    {.name = "Cosmos QA", .frames = COMMAS, .is = is_cosmosqa, .n_columns = 8, .read = read_cosmosqa, .metric = DATA_CHOICE},
    {.name = "NarrativeQA", .frames = COMMAS, .is = is_narrativeqa, .read = read_narrativeqa, .metric = DATA_ROUGE_L},
    {.name = "bAbI", .frames = STORY, .is = is_babi, .read = read_babi, .metric = DATA_EM_F1},
};

const format *format_find(format_frame frame, const record *r) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if ((formats[i].frames & 1u << frame) != 0 && formats[i].is(r)) return &formats[i];
    }
    return NULL;
}
