/* Results as a table and as tab-separated columns; see eval_print.h. */
#include "tools/eval_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/output.h"

enum { CELL_SIZE = 2 * EVAL_NAME_SIZE + 16 };

typedef enum column { SET, QUESTIONS, EXACT_MATCH, F1, OWN, INPUT_TOKENS, OUTPUT_TOKENS, TIME, PEAK, N_COLUMNS } column;

typedef struct row {
    char cells[N_COLUMNS][CELL_SIZE];
} row;

static const char *const headings[N_COLUMNS] = {"set",          "questions",     "EM",   "F1",         "own metric",
                                                "input tokens", "output tokens", "time", "peak memory"};

static void put_mean(char cell[CELL_SIZE], const eval_mean *mean, const char *name) {
    if (mean->n == 0) {
        snprintf(cell, CELL_SIZE, "-");
        return;
    }
    snprintf(cell, CELL_SIZE, "%s%s%.2f [%.2f, %.2f]", name != NULL ? name : "", name != NULL ? " " : "", 100 * mean->mean, 100 * mean->low,
             100 * mean->high);
}

static void put_group(row *r, const eval_group *g) {
    snprintf(r->cells[QUESTIONS], CELL_SIZE, "%zu", g->n_questions);
    put_mean(r->cells[EXACT_MATCH], &g->exact_match, NULL);
    put_mean(r->cells[F1], &g->f1, NULL);
    put_mean(r->cells[OWN], &g->own, g->own_name);
}

static void put_set(row *r, const eval_set *s, bool has_model) {
    const char *state = s->failure != RT_OK ? " (failed)" : s->complete ? "" : s->form != NULL ? " (in part)" : " (not begun)";
    snprintf(r->cells[SET], CELL_SIZE, "%s%s%s%s", s->dataset, s->split[0] != '-' ? " " : "", s->split[0] != '-' ? s->split : "", state);
    put_group(r, &s->all);
    if (has_model) {
        snprintf(r->cells[INPUT_TOKENS], CELL_SIZE, "%zu", s->input_tokens);
        snprintf(r->cells[OUTPUT_TOKENS], CELL_SIZE, "%zu", s->output_tokens);
    }
    snprintf(r->cells[TIME], CELL_SIZE, "%.1f s", s->seconds);
    snprintf(r->cells[PEAK], CELL_SIZE, "%.1f MiB", (double)s->peak_bytes / (1 << 20));
}

/* Characters as a terminal counts them, roughly: bytes that begin one of UTF-8. */
static size_t width_of(const char *text) {
    size_t n = 0;
    for (; *text != '\0'; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Appends the rows, columns lined up, those that are empty in every row left out. Control bytes are not for a terminal. */
static rt_status put_rows(const row *rows, size_t n, rt_text *out, rt_error *err) {
    for (size_t i = 0; i < n; i++) {
        size_t gap = 0;
        for (size_t c = 0; c < N_COLUMNS; c++) {
            size_t width = width_of(headings[c]);
            bool used = false;
            for (size_t j = 1; j < n; j++) {
                const size_t w = width_of(rows[j].cells[c]);
                used = used || (w > 0 && strcmp(rows[j].cells[c], "-") != 0);
                if (w > width) width = w;
            }
            if (!used) continue;
            if (rows[i].cells[c][0] == '\0') {
                gap += width + 2;
                continue;
            }
            RT_TRY(out_print(out, err, "%*s", (int)gap, ""));
            const size_t start = out->n;
            RT_TRY(rt_text_append(out, rows[i].cells[c], strlen(rows[i].cells[c]), err));
            for (size_t b = start; b < out->n; b++) {
                if ((unsigned char)out->v[b] < 0x20 || out->v[b] == 0x7f) out->v[b] = '?';
            }
            gap = width - width_of(rows[i].cells[c]) + 2;
        }
        RT_TRY(out_print(out, err, "\n"));
    }
    return RT_OK;
}

rt_status eval_print_table(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err) {
    size_t n = 1 + result->n_sets, at = 1;
    for (size_t i = 0; options->eval.by_task && i < result->n_sets; i++) n += result->sets[i].n_tasks;
    row *rows = calloc(n, sizeof *rows);
    if (rows == NULL) return rt_fail_memory(err, n * sizeof *rows, "a table");
    for (size_t c = 0; c < N_COLUMNS; c++) snprintf(rows[0].cells[c], CELL_SIZE, "%s", headings[c]);
    for (size_t i = 0; i < result->n_sets; i++) {
        const eval_set *s = &result->sets[i];
        put_set(&rows[at++], s, result->has_model);
        for (size_t t = 0; options->eval.by_task && t < s->n_tasks; t++) {
            snprintf(rows[at].cells[SET], CELL_SIZE, "  %.*s", EVAL_NAME_SIZE, s->tasks[t].name);
            put_group(&rows[at++], &s->tasks[t]);
        }
    }
    const rt_status status = put_rows(rows, n, out, err);
    free(rows);
    return status;
}

rt_status eval_print_tsv(const eval_result *result, const opt_values *options, rt_text *out, rt_error *err) {
    RT_TRY(out_print(out, err, "f1\tem\tdataset\tsplit\tff_dim\tk\n"));
    for (size_t i = 0; i < result->n_sets; i++) {
        const eval_set *s = &result->sets[i];
        if (s->all.n_questions == 0) continue;
        RT_TRY(out_print(out, err, "%.2f\t%.2f\t", 100 * s->all.f1.mean, 100 * s->all.exact_match.mean));
        RT_TRY(out_print(out, err, "%s\t%s\t", s->dataset, s->split));
        if (!result->has_model) RT_TRY(out_print(out, err, "-\t-\n"));
        else if (options->session.ff_topk == T5_ALL) RT_TRY(out_print(out, err, "%zu\t-1\n", result->d_ff));
        else RT_TRY(out_print(out, err, "%zu\t%zu\n", result->d_ff, options->session.ff_topk));
    }
    return RT_OK;
}
