/* Means and intervals; see eval_tally.h. The same scores in the same order give the same intervals. */
#include "tools/eval_tally.h"

#include <stdlib.h>

#include "tools/metrics/significance.h"

enum { SEED = 20210614 };

typedef struct group {
    char *name;
    size_t n_questions;
    const char *own_name;
    bootstrap_mean exact_match, f1, own;
} group;

struct eval_tally {
    uint64_t seed;
    group *all;
    group *tasks[EVAL_MAX_TASKS]; /* [n_tasks] */
    size_t n_tasks;
    eval_group results[EVAL_MAX_TASKS];
};

static void group_close(group *g) {
    if (g != NULL) free(g->name);
    free(g);
}

static rt_status group_open(slice name, group **opened, rt_error *err) {
    group *g = calloc(1, sizeof *g);
    if (g != NULL) g->name = strndup(name.n > 0 ? name.v : "", name.n);
    if (g == NULL || g->name == NULL) {
        group_close(g);
        return rt_fail_memory(err, sizeof *g, "scores");
    }
    *opened = g;
    return RT_OK;
}

rt_status eval_tally_open(const char *set_name, eval_tally **tally, rt_error *err) {
    eval_tally *t = calloc(1, sizeof *t);
    if (t == NULL) return rt_fail_memory(err, sizeof *t, "scores");
    t->seed = SEED;
    const rt_status status = group_open(slice_of(set_name), &t->all, err);
    if (status == RT_OK) *tally = t;
    else eval_tally_close(t);
    return status;
}

void eval_tally_close(eval_tally *tally) {
    if (tally == NULL) return;
    group_close(tally->all);
    for (size_t i = 0; i < tally->n_tasks; i++) group_close(tally->tasks[i]);
    free(tally);
}

/* The group of the task, made if there is room for it; NULL otherwise. */
static rt_status find_task(eval_tally *t, slice task, group **found, rt_error *err) {
    *found = NULL;
    if (task.n == 0) return RT_OK;
    for (size_t i = t->n_tasks; i > 0 && *found == NULL; i--) { /* from the last: tasks come in runs */
        const char *name = t->tasks[i - 1]->name;
        if (strlen(name) == task.n && memcmp(name, task.v, task.n) == 0) *found = t->tasks[i - 1];
    }
    if (*found != NULL || t->n_tasks == EVAL_MAX_TASKS) return RT_OK;
    RT_TRY(group_open(task, &t->tasks[t->n_tasks], err));
    *found = t->tasks[t->n_tasks++];
    return RT_OK;
}

static void add(group *g, const uint8_t *weights, data_metric metric, const eval_score *score) {
    g->n_questions++;
    bootstrap_add(&g->exact_match, weights, score->exact_match);
    bootstrap_add(&g->f1, weights, score->f1);
    if (!score->has_own) return;
    bootstrap_add(&g->own, weights, score->own);
    if (g->own_name == NULL) g->own_name = eval_own_name(metric);
}

rt_status eval_tally_add(eval_tally *tally, slice task, data_metric metric, const eval_score *score, rt_error *err) {
    uint8_t weights[BOOTSTRAP_RESAMPLES];
    group *of_task;
    if (!score->scored) return RT_OK;
    RT_TRY(find_task(tally, task, &of_task, err));
    bootstrap_weights(&tally->seed, weights);
    add(tally->all, weights, metric, score);
    if (of_task != NULL) add(of_task, weights, metric, score);
    return RT_OK;
}

static eval_mean mean_of(const bootstrap_mean *m) {
    if (m->n == 0) return (eval_mean){0};
    const interval i = bootstrap_interval(m);
    return (eval_mean){.n = m->n, .mean = m->sum / (double)m->n, .low = i.low, .high = i.high};
}

static eval_group result_of(const group *g) {
    return (eval_group){.name = g->name,
                        .n_questions = g->n_questions,
                        .exact_match = mean_of(&g->exact_match),
                        .f1 = mean_of(&g->f1),
                        .own = mean_of(&g->own),
                        .own_name = g->own_name};
}

void eval_tally_result(eval_tally *tally, eval_group *all, const eval_group **tasks, size_t *n_tasks) {
    *all = result_of(tally->all);
    for (size_t i = 0; i < tally->n_tasks; i++) tally->results[i] = result_of(tally->tasks[i]);
    *tasks = tally->results;
    *n_tasks = tally->n_tasks;
}
