/* The opcodes of a pickle: one table, in which those that a state dict needs have a function and the others only a name; see
 * pickle_reader.h. The protocol is described in Python's pickletools.py. */
#include <string.h>

#include "model/checkpoint/pickle_reader.h"
#include "runtime/utf8.h"

enum { PROTOCOL = 2, MAX_GLOBAL = 256 };

/* ---- the bytes behind an opcode ---- */

static rt_status take(ckpt_pickle_reader *r, size_t n, const uint8_t **p, rt_error *err) {
    if (n > r->size - r->at) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "the pickle ends inside an opcode");
    *p = r->bytes + r->at;
    r->at += n;
    return RT_OK;
}

static rt_status take_number(ckpt_pickle_reader *r, size_t width, size_t *number, rt_error *err) {
    const uint8_t *p = NULL;
    RT_TRY(take(r, width, &p, err));
    *number = 0;
    for (size_t i = width; i-- > 0;) *number = *number << 8 | p[i];
    return RT_OK;
}

/* ---- numbers, texts and names ---- */

static rt_status read_proto(ckpt_pickle_reader *r, rt_error *err) {
    size_t protocol = 0;
    RT_TRY(take_number(r, 1, &protocol, err));
    if (r->opcode_at != 0) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a protocol is given twice");
    if (protocol == PROTOCOL) return RT_OK;
    return rt_fail(err, RT_ERR_UNSUPPORTED, "%s: a pickle of a protocol that is not read (PROTO, byte offset %zu, %zu, allowed %d)",
                   r->file, r->base, protocol, PROTOCOL);
}

static rt_status push_number(ckpt_pickle_reader *r, ckpt_kind kind, int64_t number, rt_error *err) {
    return ckpt_pickle_push(r, (ckpt_value){.kind = kind, .number = number}, err);
}

static rt_status read_none(ckpt_pickle_reader *r, rt_error *err) { return push_number(r, CKPT_NONE, 0, err); }
static rt_status read_true(ckpt_pickle_reader *r, rt_error *err) { return push_number(r, CKPT_BOOL, 1, err); }
static rt_status read_false(ckpt_pickle_reader *r, rt_error *err) { return push_number(r, CKPT_BOOL, 0, err); }

static rt_status push_unsigned(ckpt_pickle_reader *r, size_t width, rt_error *err) {
    size_t number = 0;
    RT_TRY(take_number(r, width, &number, err));
    return push_number(r, CKPT_INT, (int64_t)number, err);
}

static rt_status read_int1(ckpt_pickle_reader *r, rt_error *err) { return push_unsigned(r, 1, err); }
static rt_status read_int2(ckpt_pickle_reader *r, rt_error *err) { return push_unsigned(r, 2, err); }

static rt_status read_int4(ckpt_pickle_reader *r, rt_error *err) {
    size_t number = 0;
    RT_TRY(take_number(r, 4, &number, err));
    return push_number(r, CKPT_INT, (int32_t)(uint32_t)number, err);
}

/* A number of so many bytes in two's complement, none of them for 0. */
static rt_status read_long1(ckpt_pickle_reader *r, rt_error *err) {
    size_t n = 0, number = 0;
    RT_TRY(take_number(r, 1, &n, err));
    if (n > 8) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a number of more than 8 bytes");
    RT_TRY(take_number(r, n, &number, err));
    if (n > 0 && n < 8 && (number >> (8 * n - 1) & 1) != 0) number |= SIZE_MAX << 8 * n;
    return push_number(r, CKPT_INT, (int64_t)number, err);
}

static rt_status push_text(ckpt_pickle_reader *r, size_t width, rt_error *err) {
    size_t n = 0;
    const uint8_t *p = NULL;
    RT_TRY(take_number(r, width, &n, err));
    const size_t at = r->at;
    RT_TRY(take(r, n, &p, err));
    if (!rt_utf8_valid(p, n)) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a text that is not UTF-8");
    return ckpt_pickle_push(r, (ckpt_value){.kind = CKPT_TEXT, .n = (uint32_t)n, .index = at}, err);
}

static rt_status read_text(ckpt_pickle_reader *r, rt_error *err) { return push_text(r, 4, err); }
static rt_status read_short_text(ckpt_pickle_reader *r, rt_error *err) { return push_text(r, 1, err); }

/* Bytes up to a newline, which is taken too. */
static rt_status take_line(ckpt_pickle_reader *r, const char **line, size_t *n, rt_error *err) {
    const size_t room = r->size - r->at < MAX_GLOBAL + 1 ? r->size - r->at : MAX_GLOBAL + 1;
    const uint8_t *p = r->bytes + r->at, *end = memchr(p, '\n', room);
    if (end == NULL) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a name without an end");
    *line = (const char *)p;
    *n = (size_t)(end - p);
    r->at += *n + 1;
    return RT_OK;
}

static rt_status read_global(ckpt_pickle_reader *r, rt_error *err) {
    const char *module = NULL, *name = NULL;
    size_t n_module = 0, n_name = 0;
    ckpt_value value;
    RT_TRY(take_line(r, &module, &n_module, err));
    RT_TRY(take_line(r, &name, &n_name, err));
    RT_TRY(ckpt_pickle_global(r, module, n_module, name, n_name, &value, err));
    return ckpt_pickle_push(r, value, err);
}

/* ---- the memo ---- */

/* Slots up to `slot` come to exist; writers number them from 0 without a gap. */
static rt_status put(ckpt_pickle_reader *r, size_t width, rt_error *err) {
    size_t slot = 0;
    ckpt_value value;
    RT_TRY(take_number(r, width, &slot, err));
    if (slot >= CKPT_PICKLE_MAX_MEMO) return ckpt_pickle_fail(r, RT_ERR_LIMIT, err, "a place in the memo over 2^20");
    RT_TRY(ckpt_pickle_pop(r, &value, err));
    while (r->memo.n <= slot) {
        RT_TRY(ckpt_pickle_add(r, &r->memo, &(ckpt_value){0}, sizeof value, CKPT_PICKLE_MAX_MEMO, "places in the memo", err));
    }
    ((ckpt_value *)r->memo.v)[slot] = value;
    return ckpt_pickle_push(r, value, err);
}

static rt_status get(ckpt_pickle_reader *r, size_t width, rt_error *err) {
    size_t slot = 0;
    RT_TRY(take_number(r, width, &slot, err));
    if (slot >= r->memo.n || ((const ckpt_value *)r->memo.v)[slot].kind == CKPT_UNSET) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "it reads a place of the memo that was never written");
    }
    return ckpt_pickle_push(r, ((const ckpt_value *)r->memo.v)[slot], err);
}

static rt_status read_put1(ckpt_pickle_reader *r, rt_error *err) { return put(r, 1, err); }
static rt_status read_put4(ckpt_pickle_reader *r, rt_error *err) { return put(r, 4, err); }
static rt_status read_get1(ckpt_pickle_reader *r, rt_error *err) { return get(r, 1, err); }
static rt_status read_get4(ckpt_pickle_reader *r, rt_error *err) { return get(r, 4, err); }

/* ---- tuples, lists and dicts ---- */

static rt_status read_mark(ckpt_pickle_reader *r, rt_error *err) {
    return ckpt_pickle_add(r, &r->marks, &r->stack.n, sizeof r->stack.n, CKPT_PICKLE_MAX_STACK, "open marks", err);
}

/* Takes the last mark; the values above it begin at stack[*first]. */
static rt_status close_mark(ckpt_pickle_reader *r, size_t *first, rt_error *err) {
    if (r->marks.n == 0) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "an opcode without the mark that it needs");
    *first = ((const size_t *)r->marks.v)[--r->marks.n];
    return RT_OK;
}

/* Makes a tuple of the values from stack[first]. */
static rt_status make_tuple(ckpt_pickle_reader *r, size_t first, rt_error *err) {
    const ckpt_value tuple = {.kind = CKPT_TUPLE, .n = (uint32_t)(r->stack.n - first), .index = r->items.n};
    for (size_t i = first; i < r->stack.n; i++) {
        RT_TRY(ckpt_pickle_add(r, &r->items, (const ckpt_value *)r->stack.v + i, sizeof tuple, CKPT_PICKLE_MAX_ITEMS, "items of tuples",
                               err));
    }
    r->stack.n = first;
    return ckpt_pickle_push(r, tuple, err);
}

static rt_status make_short_tuple(ckpt_pickle_reader *r, size_t n, rt_error *err) {
    const size_t above = r->stack.n;
    ckpt_value item;
    for (size_t i = 0; i < n; i++) RT_TRY(ckpt_pickle_pop(r, &item, err));
    r->stack.n = above;
    return make_tuple(r, above - n, err);
}

static rt_status read_tuple(ckpt_pickle_reader *r, rt_error *err) {
    size_t first = 0;
    RT_TRY(close_mark(r, &first, err));
    return make_tuple(r, first, err);
}

static rt_status read_tuple0(ckpt_pickle_reader *r, rt_error *err) { return make_short_tuple(r, 0, err); }
static rt_status read_tuple1(ckpt_pickle_reader *r, rt_error *err) { return make_short_tuple(r, 1, err); }
static rt_status read_tuple2(ckpt_pickle_reader *r, rt_error *err) { return make_short_tuple(r, 2, err); }
static rt_status read_tuple3(ckpt_pickle_reader *r, rt_error *err) { return make_short_tuple(r, 3, err); }

static rt_status push_container(ckpt_pickle_reader *r, ckpt_kind kind, rt_error *err) {
    return ckpt_pickle_push(r, (ckpt_value){.kind = kind, .index = r->n_containers++}, err);
}

static rt_status read_list(ckpt_pickle_reader *r, rt_error *err) { return push_container(r, CKPT_LIST, err); }
static rt_status read_dict(ckpt_pickle_reader *r, rt_error *err) { return push_container(r, CKPT_DICT, err); }

/* Adds the values from stack[first] to the container below them, in pairs of key and value if it is a dict. */
static rt_status fill(ckpt_pickle_reader *r, ckpt_kind kind, size_t first, rt_error *err) {
    const size_t n = r->stack.n - first, step = kind == CKPT_DICT ? 2 : 1;
    ckpt_value container;
    if (n % step != 0) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a key without a value");
    r->stack.n = first;
    RT_TRY(ckpt_pickle_pop_kind(r, kind, &container, err)); /* so the stack is not NULL below */
    const ckpt_value *const values = (const ckpt_value *)r->stack.v + first;
    for (size_t i = 0; i < n; i += step) {
        ckpt_pickle_entry entry = {.container = container.index, .value = values[i + step - 1], .at = r->opcode_at};
        if (kind == CKPT_DICT) {
            if (values[i].kind != CKPT_TEXT) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a key that is not a text");
            entry.key = values[i];
        }
        RT_TRY(ckpt_pickle_add(r, &r->entries, &entry, sizeof entry, CKPT_PICKLE_MAX_ENTRIES, "entries of lists and dicts", err));
    }
    return ckpt_pickle_push(r, container, err);
}

static rt_status fill_from_mark(ckpt_pickle_reader *r, ckpt_kind kind, rt_error *err) {
    size_t first = 0;
    RT_TRY(close_mark(r, &first, err));
    return fill(r, kind, first, err);
}

static rt_status fill_one(ckpt_pickle_reader *r, ckpt_kind kind, size_t n, rt_error *err) {
    const size_t above = r->stack.n;
    ckpt_value value;
    for (size_t i = 0; i < n; i++) RT_TRY(ckpt_pickle_pop(r, &value, err));
    r->stack.n = above;
    return fill(r, kind, above - n, err);
}

static rt_status read_append(ckpt_pickle_reader *r, rt_error *err) { return fill_one(r, CKPT_LIST, 1, err); }
static rt_status read_appends(ckpt_pickle_reader *r, rt_error *err) { return fill_from_mark(r, CKPT_LIST, err); }
static rt_status read_setitem(ckpt_pickle_reader *r, rt_error *err) { return fill_one(r, CKPT_DICT, 2, err); }
static rt_status read_setitems(ckpt_pickle_reader *r, rt_error *err) { return fill_from_mark(r, CKPT_DICT, err); }

/* ---- calls ---- */

static rt_status read_reduce(ckpt_pickle_reader *r, rt_error *err) {
    ckpt_value function, arguments, value;
    RT_TRY(ckpt_pickle_pop_kind(r, CKPT_TUPLE, &arguments, err));
    RT_TRY(ckpt_pickle_pop_kind(r, CKPT_GLOBAL, &function, err));
    RT_TRY(ckpt_pickle_call(r, function, arguments, &value, err));
    return ckpt_pickle_push(r, value, err);
}

/* Attributes of an object: a state dict has _metadata, which says nothing about its tensors. */
static rt_status read_build(ckpt_pickle_reader *r, rt_error *err) {
    ckpt_value attributes, object;
    RT_TRY(ckpt_pickle_pop_kind(r, CKPT_DICT, &attributes, err));
    RT_TRY(ckpt_pickle_pop_kind(r, CKPT_DICT, &object, err));
    return ckpt_pickle_push(r, object, err);
}

static rt_status read_persistent(ckpt_pickle_reader *r, rt_error *err) {
    ckpt_value id, value;
    RT_TRY(ckpt_pickle_pop(r, &id, err));
    RT_TRY(ckpt_pickle_persistent(r, id, &value, err));
    return ckpt_pickle_push(r, value, err);
}

static rt_status read_stop(ckpt_pickle_reader *r, rt_error *err) {
    (void)err;
    r->stopped = true;
    return RT_OK;
}

/* ---- the table ---- */

typedef struct opcode {
    const char *name;
    rt_status (*read)(ckpt_pickle_reader *r, rt_error *err); /* NULL: no state dict needs it */
} opcode;

static const opcode opcodes[256] = {
    [0x80] = {"PROTO", read_proto},        ['.'] = {"STOP", read_stop},           ['N'] = {"NONE", read_none},
    [0x88] = {"NEWTRUE", read_true},       [0x89] = {"NEWFALSE", read_false},     ['K'] = {"BININT1", read_int1},
    ['M'] = {"BININT2", read_int2},        ['J'] = {"BININT", read_int4},         [0x8a] = {"LONG1", read_long1},
    ['X'] = {"BINUNICODE", read_text},     ['U'] = {"SHORT_BINSTRING", read_short_text},
    ['c'] = {"GLOBAL", read_global},       ['q'] = {"BINPUT", read_put1},         ['r'] = {"LONG_BINPUT", read_put4},
    ['h'] = {"BINGET", read_get1},         ['j'] = {"LONG_BINGET", read_get4},    ['('] = {"MARK", read_mark},
    [')'] = {"EMPTY_TUPLE", read_tuple0},  ['t'] = {"TUPLE", read_tuple},         [0x85] = {"TUPLE1", read_tuple1},
    [0x86] = {"TUPLE2", read_tuple2},      [0x87] = {"TUPLE3", read_tuple3},      [']'] = {"EMPTY_LIST", read_list},
    ['a'] = {"APPEND", read_append},       ['e'] = {"APPENDS", read_appends},     ['}'] = {"EMPTY_DICT", read_dict},
    ['s'] = {"SETITEM", read_setitem},     ['u'] = {"SETITEMS", read_setitems},   ['R'] = {"REDUCE", read_reduce},
    ['b'] = {"BUILD", read_build},         ['Q'] = {"BINPERSID", read_persistent},

    ['I'] = {"INT", NULL},                 ['L'] = {"LONG", NULL},                [0x8b] = {"LONG4", NULL},
    ['S'] = {"STRING", NULL},              ['T'] = {"BINSTRING", NULL},           ['B'] = {"BINBYTES", NULL},
    ['C'] = {"SHORT_BINBYTES", NULL},      [0x8e] = {"BINBYTES8", NULL},          [0x96] = {"BYTEARRAY8", NULL},
    [0x97] = {"NEXT_BUFFER", NULL},        [0x98] = {"READONLY_BUFFER", NULL},    ['V'] = {"UNICODE", NULL},
    [0x8c] = {"SHORT_BINUNICODE", NULL},   [0x8d] = {"BINUNICODE8", NULL},        ['F'] = {"FLOAT", NULL},
    ['G'] = {"BINFLOAT", NULL},            ['l'] = {"LIST", NULL},                ['d'] = {"DICT", NULL},
    [0x8f] = {"EMPTY_SET", NULL},          [0x90] = {"ADDITEMS", NULL},           [0x91] = {"FROZENSET", NULL},
    ['0'] = {"POP", NULL},                 ['2'] = {"DUP", NULL},                 ['1'] = {"POP_MARK", NULL},
    ['g'] = {"GET", NULL},                 ['p'] = {"PUT", NULL},                 [0x94] = {"MEMOIZE", NULL},
    [0x82] = {"EXT1", NULL},               [0x83] = {"EXT2", NULL},               [0x84] = {"EXT4", NULL},
    [0x93] = {"STACK_GLOBAL", NULL},       ['i'] = {"INST", NULL},                ['o'] = {"OBJ", NULL},
    [0x81] = {"NEWOBJ", NULL},             [0x92] = {"NEWOBJ_EX", NULL},          [0x95] = {"FRAME", NULL},
    ['P'] = {"PERSID", NULL},
};

const char *ckpt_pickle_opcode_name(uint8_t byte) { return opcodes[byte].name; }

static rt_status read_opcode(ckpt_pickle_reader *r, rt_error *err) {
    r->opcode_at = r->at;
    if (r->at == r->size) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "the pickle ends without a STOP");
    if (r->at >= CKPT_PICKLE_MAX_BYTES) return ckpt_pickle_fail(r, RT_ERR_LIMIT, err, "a pickle of more than 64 MiB");
    const opcode *const known = &opcodes[r->bytes[r->at++]];
    if (r->opcode_at == 0 && known->read != read_proto) {
        return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a pickle that does not begin with its protocol");
    }
    if (known->name == NULL) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "a byte of the pickle that is no opcode");
    if (known->read == NULL) return ckpt_pickle_fail(r, RT_ERR_UNSUPPORTED, err, "an opcode that no state dict needs");
    return known->read(r, err);
}

rt_status ckpt_pickle_run(ckpt_pickle_reader *r, ckpt_value *result, rt_error *err) {
    for (size_t n = 0; !r->stopped; n++) {
        if (n == CKPT_PICKLE_MAX_OPCODES) return ckpt_pickle_fail(r, RT_ERR_LIMIT, err, "more than 10 million opcodes");
        RT_TRY(read_opcode(r, err));
    }
    RT_TRY(ckpt_pickle_pop(r, result, err));
    if (r->stack.n > 0 || r->marks.n > 0) return ckpt_pickle_fail(r, RT_ERR_MALFORMED, err, "values are left over at its STOP");
    return RT_OK;
}
