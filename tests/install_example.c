/* A stranger's program: one question, one answer, against the installed headers. */
#include <stdio.h>
#include <string.h>

#include <t5k/model/t5.h>
#include <t5k/tokenizer/tokenizer.h>

int main(int argc, char **argv) {
    rt_error err;
    t5_model *model;
    t5_session *session;
    tok_tokenizer *tokenizer;
    t5_generation *generation;
    rt_ids ids = {0};
    rt_text text = {0};
    size_t n;
    const t5_session_params settings = t5_session_defaults();
    const t5_generate_params search = t5_generate_defaults();
    if (argc != 3) return 2;
    if (t5_model_open(argv[1], T5_F32, &model, &err) != RT_OK || t5_session_open(model, &settings, &session, &err) != RT_OK ||
        tok_open(argv[1], &tokenizer, &err) != RT_OK || tok_encode(tokenizer, argv[2], strlen(argv[2]), &ids, &err) != RT_OK ||
        t5_generate(session, &(t5_ids){ids.v, ids.n}, 1, &search, &generation, &err) != RT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return (int)err.status;
    }
    const t5_answer *answer = t5_generation_answers(generation, 0, &n);
    if (tok_decode(tokenizer, answer->ids, answer->n, &text, &err) == RT_OK) puts(text.v);
    t5_generation_free(generation);
    t5_session_close(session);
    t5_model_close(model);
    tok_close(tokenizer);
    rt_ids_free(&ids);
    rt_text_free(&text);
    return 0;
}
