/* A comparison as JSON lines:
 *
 *     {"set":…,"setting":"ff 64","ff_topk":64,"encoder_topk":null,"decoder_topk":null,"cross_topk":null,"questions":…,
 *      "exact_match":{"n":…,"mean":…,"low":…,"high":…},"f1":{…},"accuracy":{…},
 *      "exact_match_change":{"mean":…,"low":…,"high":…,"better":…,"worse":…,"p":…},"f1_change":{…},
 *      "same_answer":…,"same_first_token":…,
 *      "logits":{"steps":…,"same_argmax":…,"max_abs":…,"mean_abs":…,"mean_kl":…,"kl_by_step":[…]},
 *      "encoder":[{"positive_mean":…,"positive_p99":…,"positive_max":…,"self_mass":…}],"decoder":[{…,"cross_mass":…}],
 *      "encode_seconds":…,"decode_seconds":…,"peak_bytes":…,"complete":true}
 *
 * null as a top-k is all. Scores and shares are 0 .. 1; dense has no change and no logits. */
#include "tools/compare_print.h"
#include "tools/json_out.h"
#include "tools/output.h"

static rt_status put_topk(rt_text *out, const char *name, size_t k, rt_error *err) {
    return k == T5_ALL ? out_print(out, err, ",\"%s_topk\":null", name) : out_print(out, err, ",\"%s_topk\":%zu", name, k);
}

static rt_status put_mean(rt_text *out, const char *name, const eval_mean *m, rt_error *err) {
    if (m->n == 0) return RT_OK;
    return out_print(out, err, ",\"%s\":{\"n\":%zu,\"mean\":%.9g,\"low\":%.9g,\"high\":%.9g}", name, m->n, m->mean, m->low, m->high);
}

static rt_status put_change(rt_text *out, const char *name, const compare_change *c, rt_error *err) {
    if (c->mean.n == 0) return RT_OK;
    RT_TRY(out_print(out, err, ",\"%s_change\":{\"mean\":%.9g,\"low\":%.9g,\"high\":%.9g", name, c->mean.mean, c->mean.low, c->mean.high));
    return out_print(out, err, ",\"better\":%zu,\"worse\":%zu,\"p\":%.6g}", c->n_better, c->n_worse, c->p);
}

static rt_status put_logits(rt_text *out, const compare_logits *l, rt_error *err) {
    RT_TRY(out_print(out, err,
                     ",\"logits\":{\"steps\":%zu,\"same_argmax\":%zu,\"max_abs\":%.9g,\"mean_abs\":%.9g,\"mean_kl\":%.9g,\"kl_by_step\":[",
                     l->n_steps, l->n_same_argmax, l->max_abs, l->mean_abs, l->mean_kl));
    for (size_t i = 0; i < COMPARE_STEPS && l->n_by_step[i] > 0; i++) {
        RT_TRY(out_print(out, err, i == 0 ? "%.9g" : ",%.9g", l->kl_by_step[i]));
    }
    return out_print(out, err, "]}");
}

static rt_status put_layers(rt_text *out, const char *name, const compare_layer *layers, size_t n, bool cross, rt_error *err) {
    RT_TRY(out_print(out, err, ",\"%s\":[", name));
    for (size_t b = 0; b < n; b++) {
        RT_TRY(out_print(out, err, "%s{\"positive_mean\":%.9g,\"positive_p99\":%zu,\"positive_max\":%zu,\"self_mass\":%.9g",
                         b == 0 ? "" : ",", layers[b].positive_mean, layers[b].positive_p99, layers[b].positive_max, layers[b].self_mass));
        RT_TRY(cross ? out_print(out, err, ",\"cross_mass\":%.9g}", layers[b].cross_mass) : out_print(out, err, "}"));
    }
    return out_print(out, err, "]");
}

static rt_status put_outcome(const compare_result *result, const compare_set *set, size_t s, rt_text *out, rt_error *err) {
    const compare_setting *setting = &result->settings.v[s];
    const compare_outcome *o = &set->outcomes[s];
    RT_TRY(out_print(out, err, "{\"set\":"));
    RT_TRY(json_string(out, slice_of(set->path), err));
    RT_TRY(out_print(out, err, ",\"setting\":\"%s\"", setting->name));
    RT_TRY(put_topk(out, "ff", setting->topk.ff, err));
    RT_TRY(put_topk(out, "encoder", setting->topk.encoder, err));
    RT_TRY(put_topk(out, "decoder", setting->topk.decoder, err));
    RT_TRY(put_topk(out, "cross", setting->topk.cross, err));
    RT_TRY(out_print(out, err, ",\"questions\":%zu", set->n_questions));
    RT_TRY(put_mean(out, "exact_match", &o->exact_match, err));
    RT_TRY(put_mean(out, "f1", &o->f1, err));
    if (set->own_key != NULL) RT_TRY(put_mean(out, set->own_key, &o->own, err));
    if (s > 0) {
        RT_TRY(put_change(out, "exact_match", &o->exact_match_change, err));
        RT_TRY(put_change(out, "f1", &o->f1_change, err));
    }
    RT_TRY(out_print(out, err, ",\"same_answer\":%zu,\"same_first_token\":%zu", o->n_same_answer, o->n_same_first));
    if (s > 0) RT_TRY(put_logits(out, &o->logits, err));
    RT_TRY(put_layers(out, "encoder", o->encoder, result->n_encoder, false, err));
    RT_TRY(put_layers(out, "decoder", o->decoder, result->n_decoder, true, err));
    return out_print(out, err, ",\"encode_seconds\":%.6f,\"decode_seconds\":%.6f,\"peak_bytes\":%zu,\"complete\":%s}\n", o->encode_seconds,
                     o->decode_seconds, o->peak_bytes, set->complete ? "true" : "false");
}

rt_status compare_print_json(const compare_result *result, rt_text *out, rt_error *err) {
    for (size_t i = 0; i < result->n_sets; i++) {
        for (size_t s = 0; result->sets[i].outcomes != NULL && s < result->settings.n; s++) {
            RT_TRY(put_outcome(result, &result->sets[i], s, out, err));
        }
    }
    return RT_OK;
}
