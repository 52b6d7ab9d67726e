/* How far one model's logits are from another's, a row (one decoder state) at a time; see model/t5.h.
 *
 *     max_abs = max_v |a_v - b_v|,   mean_abs = mean of |a_v - b_v| over v
 *     kl      = sum_v p_v (ln p_v - ln q_v)  with p = softmax(a), q = softmax(b)
 *             = sum_v p_v (a_v - b_v) - lse(a) + lse(b)              lse(x) = ln sum_v exp(x_v)
 *
 * In double: kl is the small difference of larger numbers. */
#include <math.h>

#include "model/session.h"

typedef struct difference_job {
    size_t vocab_size;
    const rt_kernels *kernels;
    const float *a, *b;           /* [n, vocab_size] */
    t5_logit_difference *out;     /* [n] */
} difference_job;

static double log_sum_exp(size_t n, const float *x, double max) {
    double sum = 0;
    for (size_t v = 0; v < n; v++) sum += exp((double)x[v] - max);
    return max + log(sum);
}

static void compare_row(void *context, size_t i, size_t worker) {
    (void)worker;
    const difference_job *job = context;
    const size_t n = job->vocab_size;
    const float *a = job->a + i * n, *b = job->b + i * n;
    const size_t best_a = job->kernels->argmax(n, a), best_b = job->kernels->argmax(n, b);
    const double lse_a = log_sum_exp(n, a, (double)a[best_a]), lse_b = log_sum_exp(n, b, (double)b[best_b]);
    double max = 0, sum = 0, mean = 0;
    for (size_t v = 0; v < n; v++) {
        const double d = (double)a[v] - (double)b[v];
        if (fabs(d) > max) max = fabs(d);
        sum += fabs(d);
        mean += exp((double)a[v] - lse_a) * d;
    }
    job->out[i] =
        (t5_logit_difference){.max_abs = max, .mean_abs = sum / (double)n, .kl = mean - lse_a + lse_b, .same_argmax = best_a == best_b};
}

rt_status t5_logits_compare(const t5_session *session, size_t n, const float *a, const float *b, t5_logit_difference *difference,
                            rt_error *err) {
    difference_job job = {session->model->config.vocab_size, session->compute.kernels, a, b, difference};
    rt_parallel(&session->compute, n, rt_guess_ns(n * job.vocab_size * 1000, 0), compare_row, &job);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(difference[i].mean_abs) || !isfinite(difference[i].kl)) {
            return rt_fail(err, RT_ERR_NUMERIC, "decoder: a logit is not a finite number");
        }
    }
    return RT_OK;
}
