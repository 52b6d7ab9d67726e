/* The golden cases of tests/golden/cases: what Hugging Face transformers computes with small random models. */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include <cjson/cJSON.h>

#include "model/t5.h"

/* One stored tensor: F32 or I32, n values, shape[0] rows. */
typedef struct golden_tensor {
    const float *f;
    const int32_t *i;
    size_t n, rows;
} golden_tensor;

typedef struct golden_file golden_file;

cJSON *golden_json(const char *path);
golden_file *golden_open(const char *path);
void golden_close(golden_file *file);

/* The tensor that the case's field names; fails the test if it is not there. */
golden_tensor golden_field(const golden_file *file, const cJSON *a_case, const char *field);

/* An array of whole numbers as ids; freed by the caller. */
t5_ids golden_ids(const cJSON *array);

/* The session settings of a case's "topk". */
void golden_topk(const cJSON *a_case, t5_session_params *params);

/* The generation settings of a case's "options", on the defaults of the library that made it. */
t5_generate_params golden_options(const cJSON *a_case);

/* The atol of a field. */
double golden_atol(const cJSON *a_case, const char *field);

#endif
