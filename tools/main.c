/* t5k: the program. Finds the command, parses its options, runs it; tells a failure in one line and ends with its status. */
#include <stdio.h>

#include "tools/command.h"
#include "tools/help.h"
#include "tools/output.h"

static rt_status print_version(rt_error *err) {
    rt_text out = {0};
    rt_status status = out_print(&out, err, "t5k %s\n", T5K_VERSION);
    if (status == RT_OK) status = out_write(&out, err);
    rt_text_free(&out);
    return status;
}

/* Without a command the user is shown what there is, on standard error: nothing was asked, so nothing is answered. */
static rt_status print_usage(rt_error *err) {
    rt_text out = {0};
    const rt_status status = help_program(&out, err);
    if (status == RT_OK) fwrite(out.v, 1, out.n, stderr);
    rt_text_free(&out);
    return status == RT_OK ? RT_ERR_USAGE : status;
}

static rt_status run(int argc, char *const *argv, rt_error *err) {
    const command *c = NULL;
    opt_values options;
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        if (argc > 2) return rt_fail(err, RT_ERR_USAGE, "%s takes no argument", name);
        options = opt_defaults();
        return strcmp(name, "--version") == 0 ? print_version(err) : help_run(&options, err);
    }
    RT_TRY(command_find(name, &c, err));
    RT_TRY(opt_parse(c, argc - 2, argv + 2, &options, err));
    if (!options.help) return c->run(&options, err);
    options.argument = c->name;
    return help_run(&options, err);
}

int main(int argc, char **argv) {
    rt_error err = {.message = ""};
    out_prepare();
    const bool idle = argc < 2;
    rt_status status = idle ? print_usage(&err) : run(argc, argv, &err);
    if (status != RT_OK && !(idle && status == RT_ERR_USAGE)) out_message("%s", err.message);
    rt_error close_err;
    if (out_close(&close_err) != RT_OK && status == RT_OK) {
        out_message("%s", close_err.message);
        status = close_err.status;
    }
    return (int)status;
}
