/* Times whole requests on a model, in one process, on token ids: what tests/bench/peers.py compares with the peers.
 *
 *     requests MODEL PROMPTS WORK [THREADS [IDS_OUT [f32|q8]]]
 *
 * PROMPTS holds one prompt a line, ids separated by spaces. WORK: eval (all prompts, 8 new tokens), encode (the first prompt of 512 ids, 1 new
 * token), ask (the first prompt cut to 64 ids, 16 new tokens), beam (the same with 4 beams), long (4,096 ids, 1 new token), long-topk (the
 * same, 64 keys a query in the encoder); long=N and long-topk=N take N ids. Every run makes just so many tokens, and nobody asks how likely
 * they are: the peers return ids alone. One warm-up, then five runs; prints one JSON line with the best and the median time, the least processor time
 * (of all threads, in user mode) and the peak memory. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/t5.h"
#include "runtime/buffer.h"

enum { RUNS = 5, MAX_PROMPTS = 4096, EOS = 1 };

typedef struct work {
    t5_ids prompt[MAX_PROMPTS];
    size_t n;
    t5_generate_params params;
} work;

static void must(rt_status status, const rt_error *err) {
    if (status == RT_OK) return;
    fprintf(stderr, "requests: %s\n", err->message);
    exit((int)status);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double user_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

static size_t read_prompts(const char *path, rt_ids *ids, t5_ids *prompt) {
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0, n = 0, first[MAX_PROMPTS + 1] = {0};
    if (f == NULL) {
        perror(path);
        exit(RT_ERR_READ);
    }
    while (n < MAX_PROMPTS && getline(&line, &capacity, f) > 0) {
        for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
            const int32_t id = (int32_t)strtol(word, NULL, 10);
            must(rt_ids_append(ids, &id, 1, NULL), &(rt_error){.message = "out of memory"});
        }
        first[++n] = ids->n;
    }
    free(line);
    fclose(f);
    for (size_t i = 0; i < n; i++) prompt[i] = (t5_ids){.ids = ids->v + first[i], .n = first[i + 1] - first[i]};
    return n;
}

/* The last id of a cut or joined prompt is </s>. */
static t5_ids made(rt_ids *ids, const t5_ids *from, size_t n_from, size_t length) {
    const int32_t eos = EOS;
    for (size_t i = 0; i < n_from && ids->n < length - 1; i++) {
        const size_t left = length - 1 - ids->n, n = from[i].n - 1 < left ? from[i].n - 1 : left;
        rt_ids_append(ids, from[i].ids, n, NULL);
    }
    rt_ids_append(ids, &eos, 1, NULL);
    return (t5_ids){.ids = ids->v, .n = ids->n};
}

static void choose(const char *name, const t5_ids *all, size_t n_all, rt_ids *room, work *w) {
    size_t new_tokens = 1;
    w->params = t5_generate_defaults();
    w->n = 1;
    if (strcmp(name, "eval") == 0) {
        memcpy(w->prompt, all, n_all * sizeof *all);
        w->n = n_all, new_tokens = 8;
    } else if (strcmp(name, "encode") == 0) {
        for (size_t i = n_all; i-- > 0;) {
            if (all[i].n == 512) w->prompt[0] = all[i];
        }
    } else if (strncmp(name, "long", 4) == 0) {
        const char *length = strchr(name, '=');
        w->prompt[0] = made(room, all, n_all, length != NULL ? strtoul(length + 1, NULL, 10) : 4096);
    } else {
        w->prompt[0] = made(room, all, 1, 64);
        new_tokens = 16;
        if (strcmp(name, "beam") == 0) w->params.num_beams = 4;
    }
    w->params.skip_logprobs = true;
    w->params.max_new_tokens = w->params.min_new_tokens = new_tokens;
}

static int by_time(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void write_ids(const char *path, const t5_generation *g, size_t n) {
    FILE *f = fopen(path, "w");
    if (f == NULL) return;
    for (size_t i = 0; i < n; i++) {
        size_t n_answers;
        const t5_answer *a = t5_generation_answers(g, i, &n_answers);
        for (size_t t = 0; t < a->n; t++) fprintf(f, "%d%c", a->ids[t], t + 1 < a->n ? ' ' : '\n');
    }
    fclose(f);
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: requests MODEL PROMPTS eval|encode|ask|beam|long|long-topk [THREADS [IDS_OUT [f32|q8]]]\n");
        return RT_ERR_USAGE;
    }
    rt_error err;
    t5_model *model;
    t5_session *session;
    rt_ids ids = {0}, room = {0};
    static t5_ids all[MAX_PROMPTS];
    static work w;
    const size_t n_all = read_prompts(argv[2], &ids, all);
    choose(argv[3], all, n_all, &room, &w);
    const bool is_q8 = argc > 6 && strcmp(argv[6], "q8") == 0;
    must(t5_model_open(argv[1], is_q8 ? T5_Q8 : T5_F32, &model, &err), &err);
    t5_session_params params = t5_session_defaults();
    params.threads = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
    if (strncmp(argv[3], "long-topk", 9) == 0) params.encoder_topk = 64;
    must(t5_session_open(model, &params, &session, &err), &err);

    double seconds[RUNS], user = INFINITY;
    for (int run = -1; run < RUNS; run++) {
        t5_generation *g;
        const double begin = now(), user_begin = user_time();
        must(t5_generate(session, w.prompt, w.n, &w.params, &g, &err), &err);
        if (run >= 0) seconds[run] = now() - begin, user = fmin(user, user_time() - user_begin);
        else if (argc > 5) write_ids(argv[5], g, w.n);
        t5_generation_free(g);
    }
    qsort(seconds, RUNS, sizeof *seconds, by_time);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"peer\":\"t5k-%s\",\"work\":\"%s\",\"isa\":\"%s\",\"best_s\":%.4f,\"median_s\":%.4f,\"user_s\":%.4f,\"peak_mib\":%ld}\n",
           is_q8 ? "q8" : "f32", argv[3], t5_session_isa(session), seconds[0], seconds[RUNS / 2], user, usage.ru_maxrss / 1024);
    t5_session_close(session);
    t5_model_close(model);
    rt_ids_free(&ids);
    rt_ids_free(&room);
    return 0;
}
