/* What `t5k inspect` finds out about a model, and its two ways to say it. */
#ifndef TOOLS_INSPECT_H
#define TOOLS_INSPECT_H

#include "model/checkpoint/checkpoint.h"
#include "runtime/buffer.h"
#include "tools/model_path.h"
#include "tools/options.h"

enum { INSPECT_MAX_CONFIG = 24, INSPECT_VALUE_SIZE = 32 };

/* A value of the config under its name in the checkpoint, ready to print. */
typedef struct inspect_value {
    char name[64], value[INSPECT_VALUE_SIZE];
    bool is_text; /* in JSON it wants quotes */
} inspect_value;

/* All tensors of one element type. */
typedef struct inspect_total {
    size_t n_tensors, n_elements, n_bytes;
} inspect_total;

typedef struct inspection {
    const opt_values *options;
    const char *path;
    ckpt_checkpoint *checkpoint;
    t5_config config;
    const char *form; /* of the files */
    size_t n_files;
    const char *family;
    inspect_value value[INSPECT_MAX_CONFIG];
    size_t n_values;
    inspect_total total[RT_N_DTYPES];
    t5_memory memory;
} inspection;

/* Names the family, and lists the config in the words that the checkpoint has for it: the keys of config.json, or of a GGUF file. */
rt_status inspect_config(inspection *x, rt_error *err);

/* One part of the memory plan: where it is in t5_memory, its name in JSON and in the table, and what it is for. */
typedef struct inspect_part {
    size_t field;
    const char *name, *label, *why;
} inspect_part;

enum { INSPECT_N_PARTS = 12 };
extern const inspect_part inspect_parts[INSPECT_N_PARTS];

static inline size_t inspect_bytes(const t5_memory *memory, const inspect_part *part) {
    return *(const size_t *)((const char *)memory + part->field);
}

rt_status inspect_text(const inspection *x, rt_text *out, rt_error *err);
rt_status inspect_json(const inspection *x, rt_text *out, rt_error *err);

#endif
