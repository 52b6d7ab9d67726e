/* A walk through nested arrays without recursion; see walk.h. */
#include "tools/data/walk.h"

void walk_start(walk *w, const format *of) {
    *w = (walk){.format = of};
    while (of->levels[w->n_levels] != NULL) w->n_levels++;
}

/* The array of the level inside a node. */
static rt_status enter(walk *w, const cJSON *node, size_t level, rt_error *err) {
    const cJSON *array;
    RT_TRY(record_array(node, w->format->levels[level], &array, err));
    w->level = level;
    w->pending[level] = array->child;
    w->index[level] = 0;
    return RT_OK;
}

static rt_status next_column(walk *w, record *r, bool *have) {
    const size_t n_questions = w->format->n_questions > 0 ? w->format->n_questions : 1;
    *have = w->n < n_questions;
    r->index = w->n++;
    return RT_OK;
}

rt_status walk_next(walk *w, record *r, bool *have, rt_error *err) {
    if (w->n_levels == 0) return next_column(w, r, have);
    if (!w->started) {
        w->started = true;
        const rt_status status = enter(w, r->nodes[0], 0, err);
        w->ended = status != RT_OK;
        w->n += w->ended;
        RT_TRY(status);
    }
    *have = !w->ended;
    while (*have) {
        const cJSON *node = w->pending[w->level];
        if (node == NULL) {
            w->ended = w->level == 0;
            *have = !w->ended;
            if (*have) w->level--;
            continue;
        }
        w->pending[w->level] = node->next;
        r->nodes[w->level + 1] = node;
        r->index = w->index[w->level]++;
        if (w->level + 1 == w->n_levels) {
            w->n++;
            return RT_OK;
        }
        const rt_status status = enter(w, node, w->level + 1, err);
        if (status != RT_OK) w->n++;
        RT_TRY(status);
    }
    return RT_OK;
}
