/* The state of reading one pickle (Python's pickle protocol 2): a stack of small values, marks on it, a memo, and the lists and dicts met.
 *
 * Nothing is ever built or called. A value is a number, a place in the pickle, or an index into one of the arrays below; copying one costs
 * the same whatever it stands for, so no pickle can make its reader nest, grow by doubling, or run longer than its bytes are many. */
#ifndef MODEL_CHECKPOINT_PICKLE_READER_H
#define MODEL_CHECKPOINT_PICKLE_READER_H

#include "model/checkpoint/pickle.h"

enum {
    CKPT_PICKLE_MAX_BYTES = 64 << 20,
    CKPT_PICKLE_MAX_OPCODES = 10000000,
    CKPT_PICKLE_MAX_STACK = 1 << 16, /* values, and marks; writers close a batch after 1,000 pairs */
    CKPT_PICKLE_MAX_MEMO = 1 << 20,
    CKPT_PICKLE_MAX_ITEMS = 1 << 21,  /* of all tuples together; a tensor takes up to 19 */
    CKPT_PICKLE_MAX_ENTRIES = 1 << 19 /* of all lists and dicts together; a module takes two beside its tensors */
};

typedef enum ckpt_kind {
    CKPT_UNSET, /* a slot of the memo that was not written */
    CKPT_NONE,
    CKPT_BOOL,
    CKPT_INT,
    CKPT_TEXT,    /* n bytes of the pickle from byte `index` */
    CKPT_TUPLE,   /* n items from items[index] */
    CKPT_LIST,    /* entries whose container is `index` */
    CKPT_DICT,    /* the same */
    CKPT_GLOBAL,  /* a name that a state dict may use, by its row in the table of pickle_objects.c */
    CKPT_STORAGE, /* storages[index] */
    CKPT_TENSOR   /* tensors[index] */
} ckpt_kind;

typedef struct ckpt_value {
    ckpt_kind kind;
    uint32_t n;
    union {
        int64_t number; /* of BOOL and INT */
        size_t index;
    };
} ckpt_value;

typedef struct ckpt_pickle_entry {
    size_t container;
    ckpt_value key, value; /* key: UNSET in a list */
    size_t at;             /* byte offset of the opcode that added it */
} ckpt_pickle_entry;

/* A growing array; v is of the type that its name in the reader says. */
typedef struct ckpt_array {
    void *v;
    size_t n, capacity;
} ckpt_array;

typedef struct ckpt_pickle_reader {
    const char *file; /* for messages */
    const uint8_t *bytes;
    size_t size, at; /* at: the next byte */
    size_t base;     /* offset of bytes[0] in the file, added to every offset shown */
    size_t opcode_at;
    bool stopped;
    size_t n_containers;
    ckpt_array stack;    /* ckpt_value */
    ckpt_array marks;    /* size_t: height of the stack at each open mark */
    ckpt_array memo;     /* ckpt_value */
    ckpt_array items;    /* ckpt_value */
    ckpt_array entries;  /* ckpt_pickle_entry */
    ckpt_array storages; /* ckpt_pickle_storage, one each time a storage is named */
    ckpt_array tensors;  /* ckpt_pickle_tensor */
} ckpt_pickle_reader;

/* Reads from bytes[0] to the STOP; *result is what the pickle stands for. On failure, too, the reader has to be freed. */
rt_status ckpt_pickle_run(ckpt_pickle_reader *r, ckpt_value *result, rt_error *err);
void ckpt_pickle_reader_free(ckpt_pickle_reader *r);

/* "FILE: DEFECT (OPCODE, byte offset N)". */
rt_status ckpt_pickle_fail(const ckpt_pickle_reader *r, rt_status status, rt_error *err, const char *defect);

/* Appends one element. RT_ERR_LIMIT for more than `max`; `what` is the plural for the message. */
rt_status ckpt_pickle_add(const ckpt_pickle_reader *r, ckpt_array *array, const void *element, size_t bytes, size_t max, const char *what,
                          rt_error *err);

rt_status ckpt_pickle_push(ckpt_pickle_reader *r, ckpt_value value, rt_error *err);
rt_status ckpt_pickle_pop(ckpt_pickle_reader *r, ckpt_value *value, rt_error *err); /* never below the last mark */
rt_status ckpt_pickle_pop_kind(ckpt_pickle_reader *r, ckpt_kind kind, ckpt_value *value, rt_error *err);

/* The bytes of text [value.n]. */
const char *ckpt_pickle_text(const ckpt_pickle_reader *r, ckpt_value value);
bool ckpt_pickle_is_text(const ckpt_pickle_reader *r, ckpt_value value, const char *text);

/* Item i of a tuple. */
ckpt_value ckpt_pickle_item(const ckpt_pickle_reader *r, ckpt_value tuple, size_t i);

/* The opcode's name in the protocol, or NULL for a byte that is none (pickle_opcodes.c). */
const char *ckpt_pickle_opcode_name(uint8_t byte);

/* ---- what names and calls mean (pickle_objects.c) ---- */

/* The value of a global name. A name that no state dict needs is refused. */
rt_status ckpt_pickle_global(ckpt_pickle_reader *r, const char *module, size_t n_module, const char *name, size_t n_name, ckpt_value *value,
                             rt_error *err);

/* function(*arguments), for the functions that a state dict uses. */
rt_status ckpt_pickle_call(ckpt_pickle_reader *r, ckpt_value function, ckpt_value arguments, ckpt_value *value, rt_error *err);

/* The storage that a persistent id names. */
rt_status ckpt_pickle_persistent(ckpt_pickle_reader *r, ckpt_value id, ckpt_value *value, rt_error *err);

#endif
