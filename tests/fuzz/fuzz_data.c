/* Data sets. Behind a NUL stands the file beside them, which every form finds under the name that it looks for; gzip data has none. */
#include "tests/fuzz/fuzz.h"
#include "tools/data/data_set.h"

static void use_texts(const slice *texts, size_t n) {
    for (size_t i = 0; i < n; i++) fuzz_read(texts[i].v, texts[i].n);
}

static void use_question(const data_question *q) {
    fuzz_read(q->id.v, q->id.n);
    fuzz_read(q->task.v, q->task.n);
    fuzz_read(q->input.v, q->input.n);
    use_texts(q->references, q->n_references);
    use_texts(q->choices, q->n_choices);
    FUZZ_REQUIRE(q->gold == DATA_NO_GOLD || q->gold < q->n_choices);
    FUZZ_REQUIRE(q->line > 0);
}

static void use_set(data_set *set, size_t size) {
    data_item item;
    rt_error err;
    size_t n = 0;
    while (fuzz_succeeded(data_next(set, &item, &err), &err) && item.kind != DATA_END) {
        if (item.kind == DATA_QUESTION) use_question(&item.question);
        else fuzz_succeeded(item.defect.status, &item.defect);
        n++;
    }
    FUZZ_REQUIRE(n == data_n_questions(set) + data_n_defects(set));
    FUZZ_REQUIRE(n <= size * 1032 + 1); /* deflate's largest expansion */
}

static const char *write_files(const uint8_t *data, size_t size) {
    static const char *const names[] = {"set-labels.lst", "set.ans", "set_ans.jsonl", "set_meta.tsv", "summaries.csv"};
    static bool is_linked;
    for (size_t i = 0; i < sizeof names / sizeof *names && !is_linked; i++) fuzz_link(names[i], "beside");
    is_linked = true;
    const bool is_gzip = size >= 2 && data[0] == 0x1f && data[1] == 0x8b;
    const fuzz_pair pair = fuzz_split(data, is_gzip ? 0 : size);
    if (pair.has_second) fuzz_write("beside", pair.second, pair.n_second);
    else fuzz_remove("beside");
    return is_gzip ? fuzz_write("set", data, size) : fuzz_write("set", pair.first, pair.n_first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    data_set *set;
    rt_error err;
    if (!fuzz_succeeded(data_open(write_files(data, size), &set, &err), &err)) return 0;
    use_set(set, size);
    data_close(set);
    return 0;
}
