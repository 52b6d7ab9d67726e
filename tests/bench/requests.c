/* Times whole requests on a model, in one process, on token ids: what tests/bench/peers.py compares with the peers.
 *
 *     requests [OPTION]... MODEL PROMPTS WORK
 *         --threads N    default: all cores
 *         --compute f32|q8
 *         --runs N       default: 5, at most 100
 *         --plain        f32 without what 8-bit copies leave out: every score is computed
 *         --ids FILE     writes the generated ids there, one answer a line
 *
 * PROMPTS holds one prompt a line, ids separated by spaces. WORK: eval (all prompts, 8 new tokens), encode (the first prompt of 512 ids, 1 new
 * token), ask (the first prompt cut to 64 ids, 16 new tokens), beam (the same with 4 beams), long (4,096 ids, 1 new token), long-topk (the
 * same, 64 keys a query in the encoder); long=N and long-topk=N take N ids. Every run makes just so many tokens, and nobody asks how likely they
 * are: the peers return ids alone. One warm-up, then the runs; prints one JSON line with the best and the median time, the least processor time
 * (of all threads, in user mode) and the peak memory. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "model/model.h"
#include "runtime/buffer.h"

enum { RUNS = 5, MAX_RUNS = 100, MAX_PROMPTS = 4096, EOS = 1 };

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
    if (f == NULL) {
        perror(path);
        exit(RT_ERR_WRITE);
    }
    for (size_t i = 0; i < n; i++) {
        size_t n_answers;
        const t5_answer *a = t5_generation_answers(g, i, &n_answers);
        for (size_t t = 0; t < a->n; t++) fprintf(f, "%d%c", a->ids[t], t + 1 < a->n ? ' ' : '\n');
    }
    fclose(f);
}

typedef struct arguments {
    const char *model, *prompts, *work, *ids; /* ids NULL: not written */
    size_t runs;
    bool is_plain;
    t5_compute compute;
    t5_session_params session;
} arguments;

static arguments read_arguments(int argc, char **argv) {
    static const struct option options[] = {
        {"threads", required_argument, NULL, 't'}, {"compute", required_argument, NULL, 'c'}, {"runs", required_argument, NULL, 'r'},
        {"plain", no_argument, NULL, 'p'}, {"ids", required_argument, NULL, 'i'}, {0},
    };
    arguments a = {.runs = RUNS, .compute = T5_F32, .session = t5_session_defaults()};
    int option, wrong = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't': a.session.threads = strtoul(optarg, NULL, 10); break;
        case 'c':
            a.compute = strcmp(optarg, "q8") == 0 ? T5_Q8 : T5_F32;
            wrong |= a.compute == T5_F32 && strcmp(optarg, "f32") != 0;
            break;
        case 'r': a.runs = strtoul(optarg, NULL, 10); break;
        case 'p': a.is_plain = true; break;
        case 'i': a.ids = optarg; break;
        default: wrong = 1;
        }
    }
    if (wrong || argc - optind != 3 || a.runs < 1 || a.runs > MAX_RUNS || (a.is_plain && a.compute == T5_Q8)) {
        fprintf(stderr, "usage: requests [--threads N] [--compute f32|q8] [--plain] [--runs N] [--ids FILE]\n"
                        "                MODEL PROMPTS eval|encode|ask|beam|long[=N]|long-topk[=N]\n");
        exit(RT_ERR_USAGE);
    }
    a.model = argv[optind], a.prompts = argv[optind + 1], a.work = argv[optind + 2];
    if (strncmp(a.work, "long-topk", 9) == 0) a.session.encoder_topk = 64;
    return a;
}

/* Takes from the layers and the search what they would screen with. */
static void make_plain(t5_model *model, t5_generate_params *params) {
    for (size_t b = 0; b < model->config.num_layers; b++) model->weights.encoder.block[b].ff.screen.q = NULL;
    for (size_t b = 0; b < model->config.num_decoder_layers; b++) model->weights.decoder.block[b].ff.screen.q = NULL;
    params->skip_logprobs = false;
}

int main(int argc, char **argv) {
    const arguments a = read_arguments(argc, argv);
    rt_error err;
    t5_model *model;
    t5_session *session;
    rt_ids ids = {0}, room = {0};
    static t5_ids all[MAX_PROMPTS];
    static work w;
    const size_t n_all = read_prompts(a.prompts, &ids, all);
    choose(a.work, all, n_all, &room, &w);
    must(t5_model_open(a.model, a.compute, &model, &err), &err);
    if (a.is_plain) make_plain(model, &w.params);
    must(t5_session_open(model, &a.session, &session, &err), &err);

    double seconds[MAX_RUNS], user = HUGE_VAL;
    for (size_t run = 0; run <= a.runs; run++) {
        t5_generation *g;
        const double begin = now(), user_begin = user_time();
        must(t5_generate(session, w.prompt, w.n, &w.params, &g, &err), &err);
        if (run > 0) seconds[run - 1] = now() - begin, user = fmin(user, user_time() - user_begin);
        else if (a.ids != NULL) write_ids(a.ids, g, w.n);
        t5_generation_free(g);
    }
    qsort(seconds, a.runs, sizeof *seconds, by_time);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"peer\":\"t5k-%s\",\"work\":\"%s\",\"isa\":\"%s\",\"best_s\":%.4f,\"median_s\":%.4f,\"user_s\":%.4f,\"peak_mib\":%ld}\n",
           a.compute == T5_Q8 ? "q8" : "f32", a.work, t5_session_isa(session), seconds[0], seconds[a.runs / 2], user, usage.ru_maxrss / 1024);
    t5_session_close(session);
    t5_model_close(model);
    rt_ids_free(&ids);
    rt_ids_free(&room);
    return 0;
}
