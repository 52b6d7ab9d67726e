/* The memory plan; see plan.h and t5_memory in t5.h. The request: n inputs side by side, all of one length, and answers as long as they may
 * be, for that is what takes most. */
#include "model/plan.h"

#include "model/admit.h"
#include "model/config.h"
#include "model/cross_attention.h"
#include "runtime/checked.h"

typedef struct request {
    const t5_generate_params *params;
    size_t n_inputs, input_tokens;
} request;

static rt_status check_request(const request *r, rt_error *err) {
    size_t n;
    if (r->n_inputs == 0 || r->input_tokens == 0) return rt_fail(err, RT_ERR_USAGE, "a plan needs at least one input of one token");
    if (!rt_mul_size(r->n_inputs, r->input_tokens, &n) || n > INT32_MAX) {
        return rt_fail(err, RT_ERR_LIMIT, "more than 2^31 - 1 ids in one batch");
    }
    if (r->n_inputs > INT32_MAX / (r->params->num_beams > 0 ? r->params->num_beams : 1)) {
        return rt_fail(err, RT_ERR_LIMIT, "more than 2^31 - 1 beams in one batch");
    }
    if (r->params->max_new_tokens > INT32_MAX) return rt_fail(err, RT_ERR_LIMIT, "answers of more than 2^31 - 1 tokens");
    return RT_OK;
}

static rt_status fail_countless(rt_error *err) { return rt_fail(err, RT_ERR_LIMIT, "the plan: more bytes than can be counted"); }

static rt_status take_bytes(const rt_arena *measured, size_t *bytes, rt_error *err) {
    *bytes = measured->used;
    return measured->overflow ? fail_countless(err) : RT_OK;
}

/* How many inputs go through the encoder together. */
static size_t n_at_once(const t5_session *s, const request *r) {
    const size_t n = s->model->config.num_decoder_layers == 0 ? r->n_inputs : t5_admit_pass(s) / r->input_tokens;
    return n == 0 ? 1 : n < r->n_inputs ? n : r->n_inputs;
}

static rt_status plan_encoder(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena measured = {0};
    t5_measure_encoder(s, r->n_inputs, n_at_once(s, r), r->input_tokens, &measured);
    return take_bytes(&measured, &plan->encoder, err);
}

static rt_status plan_cross(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena measured = {0};
    plan->is_absorbed = t5_cross_is_absorbed(s, r->input_tokens);
    t5_cross_place_projected(s, &measured, plan->is_absorbed ? 0 : r->n_inputs * r->input_tokens);
    return take_bytes(&measured, &plan->cross, err);
}

/* The first step has one row for each input and one position; from there the cache grows. */
static rt_status plan_cache(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena measured = {0};
    t5_cache cache = t5_cache_grown(&s->cache, r->n_inputs, 1);
    if (r->params->max_new_tokens > 1) cache = t5_cache_grown(&cache, r->n_inputs * r->params->num_beams, r->params->max_new_tokens);
    t5_cache_place(&cache, &measured);
    return take_bytes(&measured, &plan->cache, err);
}

/* The last step has most rows and positions. */
static rt_status plan_step(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena measured = {0};
    const size_t n_rows = r->n_inputs * (r->params->max_new_tokens == 1 ? 1 : r->params->num_beams);
    t5_measure_step(s, n_rows, r->params->max_new_tokens, r->input_tokens, &measured);
    return take_bytes(&measured, &plan->step, err);
}

static rt_status plan_search(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena measured = {0};
    RT_TRY(t5_measure_search(s, r->params, r->n_inputs, &measured, err));
    return take_bytes(&measured, &plan->search, err);
}

/* The larger of what the encoder and the decoder take: they have it one after another. */
static rt_status plan_scratch(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    rt_arena encoder = {0}, decoder = {0};
    const size_t length = r->params->max_new_tokens, max_keys = length > r->input_tokens ? length : r->input_tokens;
    t5_session_place_scratch(s, &encoder, n_at_once(s, r) * r->input_tokens, r->input_tokens);
    if (s->model->config.num_decoder_layers > 0) {
        t5_session_place_scratch(s, &decoder, t5_cross_max_queries(s, r->n_inputs * r->params->num_beams), max_keys);
    }
    return take_bytes(encoder.used > decoder.used || encoder.overflow ? &encoder : &decoder, &plan->scratch, err);
}

static rt_status plan_session(t5_session *s, const request *r, t5_memory *plan, rt_error *err) {
    plan->threads = t5_session_threads(s);
    plan->isa = t5_session_isa(s);
    RT_TRY(plan_search(s, r, plan, err));
    RT_TRY(plan_encoder(s, r, plan, err));
    RT_TRY(plan_scratch(s, r, plan, err));
    if (s->model->config.num_decoder_layers == 0) {
        plan->search = 0;
        return RT_OK;
    }
    RT_TRY(plan_cross(s, r, plan, err));
    RT_TRY(plan_cache(s, r, plan, err));
    return plan_step(s, r, plan, err);
}

static rt_status add_up(t5_memory *plan, rt_error *err) {
    const size_t parts[] = {plan->mapped,  plan->panels, plan->screens, plan->widened, plan->aligned, plan->tables,
                            plan->encoder, plan->cross,  plan->cache,   plan->step,    plan->search,  plan->scratch};
    plan->total = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!rt_add_size(plan->total, parts[i], &plan->total)) return fail_countless(err);
    }
    return RT_OK;
}

rt_status t5_plan_checkpoint(ckpt_checkpoint *checkpoint, const t5_config *config, t5_compute compute, const t5_session_params *session,
                             const t5_generate_params *params, size_t n_inputs, size_t input_tokens, t5_memory *plan, rt_error *err) {
    const request r = {.params = params, .n_inputs = n_inputs, .input_tokens = input_tokens};
    t5_model model = {.config = *config, .compute = compute, .checkpoint = checkpoint};
    t5_session *s;
    RT_TRY(check_request(&r, err));
    RT_TRY(t5_weights_measure(checkpoint, config, compute, &model.weights, err));
    RT_TRY(t5_session_open(&model, session, &s, err));
    const t5_weights *w = &model.weights;
    t5_memory planned = {.mapped = w->mapped_bytes, .read_once = w->stored_bytes - w->mapped_bytes, .panels = w->derived.panels,
                         .screens = w->derived.screens, .widened = w->derived.widened, .aligned = w->derived.aligned,
                         .tables = w->derived.tables};
    rt_status status = plan_session(s, &r, &planned, err);
    t5_session_close(s);
    if (status == RT_OK) status = add_up(&planned, err);
    if (status == RT_OK) *plan = planned;
    return status;
}

rt_status t5_memory_plan(const char *path, t5_compute compute, const t5_session_params *session, const t5_generate_params *params, size_t n_inputs,
                         size_t input_tokens, t5_memory *plan, rt_error *err) {
    t5_config config;
    ckpt_checkpoint *checkpoint;
    RT_TRY(t5_config_load(path, &config, err));
    RT_TRY(ckpt_open(path, &checkpoint, err));
    const rt_status status = t5_plan_checkpoint(checkpoint, &config, compute, session, params, n_inputs, input_tokens, plan, err);
    ckpt_close(checkpoint);
    return status;
}
