/* t5k bench: the kernels, blocks and requests of a model against this machine's own limits; see bench.h. */
#include "tools/bench.h"

#include <stdlib.h>

#include "tools/command.h"
#include "tools/model_path.h"
#include "tools/output.h"

static rt_status check_options(const opt_values *o, rt_error *err) {
    static const opt_id of_shape[] = {OPT_DENSITY, OPT_WEIGHT_TYPE};
    if (o->given[OPT_SHAPE]) {
        return o->argument == NULL ? RT_OK : rt_fail(err, RT_ERR_USAGE, "MODEL and --shape exclude each other (each says what to run)");
    }
    for (size_t i = 0; i < sizeof of_shape / sizeof *of_shape; i++) {
        if (!o->given[of_shape[i]]) continue;
        return rt_fail(err, RT_ERR_USAGE, "--%s needs --shape (a model has its own weights)", opt_table[of_shape[i]].name);
    }
    return RT_OK;
}

/* All of them, each beside the limits of the same run. */
static rt_status measure(bench *b, rt_error *err) {
    RT_TRY(bench_make_room(b, err));
    bench_measure_limits(b);
    RT_TRY(bench_measure_kernels(b, err));
    free(b->room);
    b->room = NULL;
    RT_TRY(bench_measure_density(b, err));
    RT_TRY(bench_measure_blocks(b, err));
    return bench_measure_requests(b, err);
}

static rt_status print(const bench *b, rt_error *err) {
    rt_text out = {0};
    rt_status status = (b->options->json ? bench_print_json : bench_print_text)(b, &out, err);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    return status;
}

static rt_status run_model(bench *b, rt_error *err) {
    t5_session_params params = t5_session_defaults();
    params.threads = b->options->session.threads;
    rt_status status = t5_session_open(b->model, &params, &b->session, err);
    if (status == RT_OK) status = measure(b, err);
    free(b->room);
    if (status == RT_OK) status = print(b, err);
    t5_session_close(b->session);
    return status;
}

rt_status bench_run(const opt_values *options, rt_error *err) {
    bench b = {.options = options};
    model_path path;
    RT_TRY(check_options(options, err));
    if (options->given[OPT_SHAPE]) {
        RT_TRY(bench_make_model(options, &b.model, err));
        b.name = ckpt_path(b.model->checkpoint);
    } else {
        RT_TRY(model_path_find(options->argument, &path, err));
        RT_TRY(t5_model_open(path.v, (t5_compute)options->compute, &b.model, err));
        b.name = path.v;
    }
    const rt_status status = run_model(&b, err);
    t5_model_close(b.model);
    return status;
}
