/* t5k score: the log-probability of given targets, from lines of input<TAB>target. */
#include <stdlib.h>

#include "runtime/checked.h"
#include "tools/batch.h"
#include "tools/command.h"
#include "tools/dump.h"
#include "tools/json_out.h"
#include "tools/lines.h"
#include "tools/output.h"
#include "tools/verbose.h"

typedef struct score {
    const opt_values *options;
    text2text model;
    batch batch;
    size_t n_target_tokens; /* of the batch */
    rt_text out;
} score;

static rt_status take_pair(void *context, slice line, size_t number, bool *full, rt_error *err) {
    score *s = context;
    batch *b = &s->batch;
    const char *tab = line.n > 0 ? memchr(line.v, '\t', line.n) : NULL;
    const size_t n_input = tab != NULL ? (size_t)(tab - line.v) : 0;
    if (tab == NULL || memchr(tab + 1, '\t', line.n - n_input - 1) != NULL) {
        return rt_fail(err, RT_ERR_MALFORMED, "standard input, line %zu: %s (input, one tab, target)", number,
                       tab == NULL ? "no tab" : "more than one tab");
    }
    const text2text_source input = {.line = number, .name = "input", .may_cut = true}, target = {.line = number, .name = "target"};
    batch_item item = {.line = number};
    RT_TRY(text2text_part(&s->model, (slice){line.v, n_input}, &input, b, &item.input, err));
    RT_TRY(text2text_part(&s->model, (slice){tab + 1, line.n - n_input - 1}, &target, b, &item.target, err));
    b->items[b->n++] = item;
    b->n_input_tokens += item.input.n_ids;
    s->n_target_tokens += item.target.n_ids;
    *full = text2text_is_full(&s->model, b);
    return RT_OK;
}

/* A text, or with --ids its ids. */
static rt_status print_part(score *s, const batch_part *part, rt_error *err) {
    const t5_ids ids = batch_ids(&s->batch, part);
    if (s->options->ids) return json_ids(&s->out, ids.ids, ids.n, err);
    return json_string(&s->out, batch_text(&s->batch, part), err);
}

static rt_status print_json(score *s, const batch_item *item, float sum, const float *logprobs, rt_error *err) {
    const t5_ids target = batch_ids(&s->batch, &item->target);
    RT_TRY(out_print(&s->out, err, "{\"input\":"));
    RT_TRY(print_part(s, &item->input, err));
    RT_TRY(out_print(&s->out, err, ",\"target\":"));
    RT_TRY(print_part(s, &item->target, err));
    RT_TRY(out_print(&s->out, err, ",\"logprob\":"));
    RT_TRY(json_float(&s->out, sum, err));
    RT_TRY(out_print(&s->out, err, ",\"tokens\":"));
    RT_TRY(json_ids(&s->out, target.ids, target.n, err));
    RT_TRY(out_print(&s->out, err, ",\"logprobs\":"));
    RT_TRY(json_floats(&s->out, logprobs, target.n, err));
    return out_print(&s->out, err, "}\n");
}

/* Prints the whole batch; logprobs [n_target_tokens]. */
static rt_status print_batch(score *s, const float *logprobs, rt_error *err) {
    s->out.n = 0;
    for (size_t i = 0; i < s->batch.n; i++) {
        const batch_item *item = &s->batch.items[i];
        double sum = 0;
        for (size_t j = 0; j < item->target.n_ids; j++) sum += (double)logprobs[j];
        if (s->options->json) {
            RT_TRY(print_json(s, item, (float)sum, logprobs, err));
        } else {
            RT_TRY(out_print(&s->out, err, "%.9g\n", (double)(float)sum));
        }
        logprobs += item->target.n_ids;
    }
    return out_write(&s->out, err);
}

static rt_status score_and_print(score *s, float *logprobs, rt_error *err) {
    batch *b = &s->batch;
    const double start = verbose_clock();
    const size_t steps = t5_session_steps(s->model.session);
    batch_sequences(b);
    RT_TRY(t5_score(s->model.session, b->inputs, b->targets, b->n, logprobs, err));
    const size_t n_steps = t5_session_steps(s->model.session) - steps;
    if (s->options->verbose) verbose_speed(b->n, b->n_input_tokens, s->n_target_tokens, n_steps, verbose_clock() - start);
    if (s->options->dump != NULL) RT_TRY(dump_run(&s->model, b->inputs[0], b->targets[0], err));
    return print_batch(s, logprobs, err);
}

/* Scores the batch, and empties it. */
static rt_status score_batch(void *context, rt_error *err) {
    score *s = context;
    size_t n_bytes;
    if (!rt_mul_size(s->n_target_tokens, sizeof(float), &n_bytes)) return rt_fail_memory(err, s->n_target_tokens, "log-probabilities");
    float *logprobs = malloc(n_bytes);
    if (logprobs == NULL) return rt_fail_memory(err, n_bytes, "log-probabilities");
    const rt_status status = score_and_print(s, logprobs, err);
    free(logprobs);
    batch_clear(&s->batch);
    s->n_target_tokens = 0;
    return status;
}

static rt_status score_lines(score *s, rt_error *err) {
    const lines_handler handler = {s, take_pair, score_batch};
    lines_reader reader = lines_standard_input("an input, a tab and a target, one pair a line", s->options->quiet);
    const rt_status status = s->options->dump != NULL ? lines_only(&reader, &handler, "--dump", err) : lines_each(&reader, &handler, err);
    lines_close(&reader);
    return status;
}

rt_status score_run(const opt_values *options, rt_error *err) {
    score s = {.options = options};
    rt_status status = batch_init(&s.batch, err);
    if (status == RT_OK) status = text2text_open(options, &s.model, err);
    if (status == RT_OK) status = t5_model_can_generate(s.model.model, err);
    if (status == RT_OK) status = dump_check(options, s.model.path.v, err);
    if (status == RT_OK) status = score_lines(&s, err);
    text2text_close(&s.model);
    batch_free(&s.batch);
    rt_text_free(&s.out);
    return status;
}
