/* What stands behind convert.h: the list of tensors, and how each is made. */
#ifndef MODEL_CONVERT_TENSORS_H
#define MODEL_CONVERT_TENSORS_H

#include "model/checkpoint/checkpoint.h"
#include "model/checkpoint/gguf_names.h"
#include "model/convert.h"
#include "runtime/kernels.h"

typedef enum t5_part {
    T5_PART_ROWS,   /* the matrix, or a vector as its only row */
    T5_PART_PANELS, /* turned */
    T5_PART_SCREEN, /* its 8-bit copy */
    T5_PART_BOUNDS  /* of that copy */
} t5_part;

enum { T5_KIND_SIZE = 64 };

typedef struct t5_piece {
    char name[CKPT_GGUF_NAME_SIZE], kind[T5_KIND_SIZE];
    const ckpt_tensor *source;
    bool source_is_panels;
    size_t rows, cols; /* of the matrix */
    t5_part part;
    rt_dtype type;   /* which its numbers are narrowed to */
    rt_dtype stored; /* which they are stored in */
    unsigned rank;
    size_t shape[CKPT_MAX_RANK], n_bytes;
} t5_piece;

typedef struct t5_pieces {
    t5_piece *v; /* [n] */
    size_t n;
} t5_pieces;

/* Lists the pieces. The checkpoint fits the config (t5_weights_measure). The caller frees pieces->v. */
rt_status t5_pieces_list(const ckpt_checkpoint *checkpoint, const t5_config *config, const t5_conversion_params *params, t5_pieces *pieces,
                         rt_error *err);

/* Makes one; see t5_conversion_write. */
rt_status t5_piece_write(const t5_piece *piece, const rt_kernels *kernels, const t5_sink *sink, t5_loss *loss, rt_error *err);

#endif
