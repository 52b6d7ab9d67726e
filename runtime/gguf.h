/* GGUF, the container of llama.cpp: keyed values and named tensors in one file (ggml, docs/gguf.md). All numbers are little-endian.
 *
 *     file         "GGUF" | u32 version | u64 n_tensors | u64 n_pairs | pairs | tensor infos | padding | data
 *     pair         string key | u32 type | value
 *     string       u64 n | n bytes
 *     array        u32 type of the elements | u64 n | n elements
 *     tensor info  string name | u32 rank | rank x u64 dimension, the fastest-varying first | u32 element type | u64 offset in data
 *
 * Versions 2 and 3 are read, which differ in nothing here. The data begins at a multiple of the alignment (general.alignment, else 32), and
 * so does each tensor in it, in the order of the infos and without holes. What the keys and the tensors mean is not known here. */
#ifndef RUNTIME_GGUF_H
#define RUNTIME_GGUF_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/file_map.h"
#include "runtime/matrix.h"
#include "runtime/status.h"

enum { RT_GGUF_ALIGNMENT = 32 }; /* where the file does not say */
enum { RT_GGUF_MAX_TENSORS = 65536, RT_GGUF_MAX_PAIRS = 65536, RT_GGUF_MAX_KEY = 65535, RT_GGUF_MAX_NAME = 256, RT_GGUF_MAX_RANK = 4 };

/* As numbered in the file. */
typedef enum rt_gguf_type {
    RT_GGUF_U8,
    RT_GGUF_I8,
    RT_GGUF_U16,
    RT_GGUF_I16,
    RT_GGUF_U32,
    RT_GGUF_I32,
    RT_GGUF_F32,
    RT_GGUF_BOOL,
    RT_GGUF_STRING,
    RT_GGUF_ARRAY,
    RT_GGUF_U64,
    RT_GGUF_I64,
    RT_GGUF_F64,
    RT_GGUF_N_TYPES
} rt_gguf_type;

/* Bytes of the file, not terminated. */
typedef struct rt_gguf_text {
    const char *v;
    size_t n;
} rt_gguf_text;

typedef struct rt_gguf_pair {
    rt_gguf_text key; /* printable ASCII, 1 .. RT_GGUF_MAX_KEY bytes */
    size_t at;        /* byte offset of the key in the file */
    rt_gguf_type type;
    rt_gguf_type element; /* of an array: not RT_GGUF_ARRAY */
    size_t n;             /* elements of an array, bytes of a string */
    const uint8_t *value;
} rt_gguf_pair;

/* An element type of tensors. Those of which is_readable is false are known, so that a file that has them can be proved sound. */
typedef struct rt_gguf_element {
    uint32_t id; /* in the file */
    const char *name;
    unsigned block, block_bytes;
    bool is_readable; /* then dtype is what it is to the kernels */
    rt_dtype dtype;
} rt_gguf_element;

typedef struct rt_gguf_tensor {
    rt_gguf_text name; /* printable ASCII, 1 .. RT_GGUF_MAX_NAME bytes */
    size_t at;         /* byte offset of the name in the file */
    const rt_gguf_element *element;
    unsigned rank;                  /* 1 .. RT_GGUF_MAX_RANK */
    size_t shape[RT_GGUF_MAX_RANK]; /* the slowest-varying dimension first; none is 0; the last one fills whole blocks */
    size_t offset;                  /* in the data */
    const uint8_t *data;            /* [n_bytes], aligned as the file says */
    size_t n_bytes;
} rt_gguf_tensor;

typedef struct rt_gguf {
    char file[RT_QUOTE_SIZE]; /* its name as messages show it */
    size_t alignment;         /* a power of two, 8 .. 4096 */
    rt_gguf_pair *pairs;      /* [n_pairs], sorted by key, no key twice */
    size_t n_pairs;
    rt_gguf_tensor *tensors; /* [n_tensors], sorted by name, no name twice */
    size_t n_tensors;
} rt_gguf;

/* Proves all of bytes [size] sound and finds what is in them; everything found points into them. A pure function of the bytes: path is for
 * messages only. RT_ERR_MALFORMED; RT_ERR_UNSUPPORTED for other versions, other byte orders and element types that are not known;
 * RT_ERR_LIMIT. The caller frees *gguf with rt_gguf_free. */
rt_status rt_gguf_parse(const char *path, const uint8_t *bytes, size_t size, rt_gguf *gguf, rt_error *err);
void rt_gguf_free(rt_gguf *gguf); /* a zeroed one is freed already */

/* The pair of that key, the tensor of that name, or NULL. */
const rt_gguf_pair *rt_gguf_find(const rt_gguf *gguf, const char *key);
const rt_gguf_tensor *rt_gguf_find_tensor(const rt_gguf *gguf, const char *name);

/* ---- values: RT_ERR_MALFORMED, naming the key, where the pair is of another type ---- */

rt_status rt_gguf_count(const rt_gguf *gguf, const rt_gguf_pair *pair, uint64_t *count, rt_error *err); /* any type of whole number, >= 0 */
rt_status rt_gguf_float(const rt_gguf *gguf, const rt_gguf_pair *pair, double *number, rt_error *err);  /* F32 or F64 */
rt_status rt_gguf_bool(const rt_gguf *gguf, const rt_gguf_pair *pair, bool *flag, rt_error *err);
rt_status rt_gguf_string(const rt_gguf *gguf, const rt_gguf_pair *pair, rt_gguf_text *text, rt_error *err);

/* pair is an array of that type of elements; they are pair->n at pair->value. */
rt_status rt_gguf_array(const rt_gguf *gguf, const rt_gguf_pair *pair, rt_gguf_type element, rt_error *err);

/* Element i of an array of I32, of F32. */
int32_t rt_gguf_i32_at(const rt_gguf_pair *array, size_t i);
float rt_gguf_f32_at(const rt_gguf_pair *array, size_t i);

/* The elements of an array of strings, one after another: *at is array->value at first; call it no more than array->n times. */
rt_gguf_text rt_gguf_next_string(const uint8_t **at);

/* Bytes of an element of that type; 0 where it varies. */
size_t rt_gguf_type_bytes(rt_gguf_type type);

/* How files hold elements of that type. */
const rt_gguf_element *rt_gguf_element_of(rt_dtype dtype);

/* Whether text is that. */
bool rt_gguf_text_is(rt_gguf_text text, const char *that);

/* ---- files ---- */

/* A parsed file, mapped for as long as it is open. */
typedef struct rt_gguf_file {
    rt_file_map map;
    rt_gguf gguf;
} rt_gguf_file;

rt_status rt_gguf_open(const char *path, rt_gguf_file *file, rt_error *err);
void rt_gguf_close(rt_gguf_file *file); /* a zeroed one is closed already */

/* path ends in ".gguf". */
bool rt_gguf_is_name(const char *path);

/* The path of the one .gguf file in a folder, NULL if there is none; the caller frees *path. RT_ERR_USAGE if there are several;
 * RT_ERR_READ. */
rt_status rt_gguf_in_folder(const char *folder, char **path, rt_error *err);

#endif
