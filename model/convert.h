/* A model taken apart into the tensors of a GGUF file, in one of two layouts:
 *
 *     T5_LAYOUT_T5K        what the kernels read, as they read it (checkpoint/gguf_names.h), so that opening the file derives nothing:
 *                          wo turned into panels in place of wo itself, and where screening may pay the 8-bit copy of wi
 *     T5_LAYOUT_LLAMA_CPP  names, shapes, types and keys of llama.cpp's converter
 *
 * Types: a matrix takes the type asked for; Q8_0 needs rows of whole blocks, other matrices become F16. Norms are F32, and so are the bias
 * tables of T5_LAYOUT_T5K, which are widened on opening. Panels of a quantised type are F32: its blocks run along wo's rows and cannot
 * be turned, and a 16-bit type would not hold its numbers, products of 11 and 8 bits. So a type means the same in both layouts.
 *
 * Nothing is held in memory but a few rows, or one panel. */
#ifndef MODEL_CONVERT_H
#define MODEL_CONVERT_H

#include "model/t5.h"
#include "runtime/gguf_write.h"

typedef enum t5_layout { T5_LAYOUT_T5K, T5_LAYOUT_LLAMA_CPP } t5_layout;

typedef struct t5_conversion_params {
    t5_layout layout;
    bool has_type; /* else every tensor keeps its own */
    rt_dtype type; /* RT_F32, RT_F16, RT_BF16, RT_Q8_0 */
} t5_conversion_params;

typedef struct t5_conversion t5_conversion;

/* Opens a model as t5_model_open does, but derives nothing. Fails as that does, and with RT_ERR_UNSUPPORTED where the layout cannot hold
 * the model. */
rt_status t5_conversion_open(const char *path, const t5_conversion_params *params, t5_conversion **conversion, rt_error *err);
void t5_conversion_close(t5_conversion *conversion); /* NULL does nothing */

const t5_config *t5_conversion_config(const t5_conversion *conversion);

/* What the tensors of the layout are aligned to. */
size_t t5_conversion_alignment(const t5_conversion *conversion);

/* Puts all keys but the tokenizer's. name: of a model whose file does not tell it. */
rt_status t5_conversion_put_keys(const t5_conversion *conversion, const char *name, rt_gguf_writer *writer, rt_error *err);

/* ---- tensors, in the order of the file ---- */

typedef struct t5_conversion_tensor {
    const char *name;   /* in the GGUF file */
    const char *kind;   /* "DenseReluDense.wi": what the same tensor of every block is called */
    const char *source; /* path of the file that it is read from */
    rt_dtype from, type; /* of its numbers, before and after */
    bool is_derived;    /* the file holds its numbers elsewhere too */
    size_t n_bytes;
} t5_conversion_tensor;

size_t t5_conversion_count(const t5_conversion *conversion);
t5_conversion_tensor t5_conversion_at(const t5_conversion *conversion, size_t i);
rt_status t5_conversion_put_tensors(const t5_conversion *conversion, rt_gguf_writer *writer, rt_error *err);

/* Where the bytes go, front to back. */
typedef struct t5_sink {
    void *context;
    rt_status (*put)(void *context, const void *bytes, size_t n_bytes, rt_error *err);
} t5_sink;

/* What narrowing has lost: relative errors of the numbers that were not 0. */
typedef struct t5_loss {
    size_t n;
    double largest, sum;
} t5_loss;

/* Makes tensor i and adds to *loss. RT_ERR_NUMERIC, naming the tensor, where a number does not fit its type; what the sink fails with. */
rt_status t5_conversion_write(t5_conversion *conversion, size_t i, const t5_sink *sink, t5_loss *loss, rt_error *err);

#endif
