/* The format, all little-endian:
 *
 *     u32 trie_bytes | trie_bytes / 4 units of u32 | replacements, each ended by a NUL
 *
 * A unit with bit 31 set holds a value: bits 0-30 are where in the replacements the key's one begins. Any other unit is a node: bits 0-7
 * its label, bit 8 "a key ends here", bit 9 and bits 10-30 its offset = bits 10-30 << (bit 9 ? 8 : 0). From node p a byte c leads to
 * unit p ^ offset(p) ^ c if that is a node with label c; the value of the key that ends at p is in unit p ^ offset(p). The search starts
 * at node 0. So every unit q has one base, q ^ label(q), and follows on exactly those nodes p with p ^ offset(p) = that base. */
#include "tokenizer/charsmap_check.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/utf8.h"

typedef struct charsmap {
    const char *file;
    size_t offset; /* of the first unit in the file */
    const uint8_t *units;
    size_t n_units;
    const uint8_t *text; /* [n_text] */
    size_t n_text;
} charsmap;

static uint32_t load_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t unit_at(const charsmap *m, size_t i) { return load_u32(m->units + 4 * i); }

static bool is_value(uint32_t unit) { return unit >> 31 != 0; }
static size_t value_of(uint32_t unit) { return unit & 0x7fffffffu; }
static size_t label_of(uint32_t unit) { return unit & 0xff; }
static bool ends_key(uint32_t unit) { return (unit >> 8 & 1) != 0; }

/* Where the followers of node i lie: at this ^ their label. */
static size_t base_of(uint32_t unit, size_t i) { return i ^ (size_t)(unit >> 10) << (unit >> 9 & 1 ? 8 : 0); }

static rt_status fail_unit(const charsmap *m, size_t i, const char *defect, rt_error *err) {
    return rt_fail(err, RT_ERR_MALFORMED, "%s: %s (precompiled_charsmap, offset %zu, unit %zu of %zu, value 0x%08x)", m->file, defect,
                   m->offset + 4 * i, i, m->n_units, unit_at(m, i));
}

static rt_status check_text(const charsmap *m, rt_error *err) {
    const size_t offset = m->offset + 4 * m->n_units;
    if (m->text[m->n_text - 1] != 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the replacements do not end with a NUL (precompiled_charsmap, offset %zu)", m->file,
                       offset + m->n_text - 1);
    }
    if (!rt_utf8_valid(m->text, m->n_text)) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: the replacements are not UTF-8 (precompiled_charsmap, offset %zu)", m->file, offset);
    }
    for (size_t i = 0; i < m->n_text;) {
        const size_t n = strlen((const char *)m->text + i);
        if (n > TOK_MAX_REPLACEMENT_BYTES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: a replacement is too long (precompiled_charsmap, offset %zu, %zu bytes, at most %d)",
                           m->file, offset + i, n, TOK_MAX_REPLACEMENT_BYTES);
        }
        i += n + 1;
    }
    return RT_OK;
}

/* Every unit by itself: wherever a search may step from it is inside, and values are where values are looked for. */
static rt_status check_units(const charsmap *m, rt_error *err) {
    if (is_value(unit_at(m, 0))) return fail_unit(m, 0, "the trie's root is a value", err);
    for (size_t i = 0; i < m->n_units; i++) {
        const uint32_t unit = unit_at(m, i);
        if (is_value(unit)) {
            if (value_of(unit) >= m->n_text) return fail_unit(m, i, "a value is past the replacements", err);
            if ((m->text[value_of(unit)] & 0xc0) == 0x80) return fail_unit(m, i, "a value points inside a character", err);
            continue;
        }
        const size_t base = base_of(unit, i);
        if ((base | 0xff) >= m->n_units) return fail_unit(m, i, "a step leads outside the trie", err);
        if (ends_key(unit) && !is_value(unit_at(m, base))) return fail_unit(m, i, "a key ends without a value", err);
    }
    return RT_OK;
}

/* The most keys on a way from the root to any node. nested[b] is 1 + that number for the nodes of base b, 0 while none is reached; each
 * sweep over the units carries it on by at least one step, so that after TOK_MAX_RULE_BYTES sweeps only longer keys are left. */
static rt_status check_nesting(const charsmap *m, uint8_t *nested, rt_error *err) {
    for (unsigned sweep = 0; sweep <= TOK_MAX_RULE_BYTES; sweep++) {
        bool changed = false;
        for (size_t i = 0; i < m->n_units; i++) {
            const uint32_t unit = unit_at(m, i);
            const size_t base = i ^ label_of(unit);
            const bool is_followed = !is_value(unit) && base < m->n_units && nested[base] > 0;
            if (i != 0 && !is_followed) continue;
            const unsigned here = is_followed ? nested[base] + (ends_key(unit) ? 1u : 0u) : 1;
            if (here > TOK_MAX_NESTED_RULES + 1) return fail_unit(m, i, "more than 32 keys begin alike", err);
            uint8_t *next = &nested[base_of(unit, i)];
            if (*next >= here) continue;
            *next = (uint8_t)here;
            changed = true;
        }
        if (!changed) return RT_OK;
    }
    return rt_fail(err, RT_ERR_LIMIT, "%s: a key is too long (precompiled_charsmap, offset %zu, at most %d bytes)", m->file, m->offset,
                   TOK_MAX_RULE_BYTES);
}

rt_status tok_charsmap_check(const char *file, size_t offset, const uint8_t *blob, size_t n_bytes, rt_error *err) {
    if (n_bytes == 0) return RT_OK; /* no rules: the text is taken as it is */
    const size_t trie_bytes = n_bytes >= 4 ? load_u32(blob) : 0;
    if (n_bytes < 4 || trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes >= n_bytes - 4) {
        return rt_fail(err, RT_ERR_MALFORMED,
                       "%s: not the size of a trie (precompiled_charsmap, offset %zu, %zu bytes of %zu, allowed a multiple of 4 with text "
                       "behind it)",
                       file, offset, trie_bytes, n_bytes);
    }
    const charsmap map = {.file = file,
                          .offset = offset + 4,
                          .units = blob + 4,
                          .n_units = trie_bytes / 4,
                          .text = blob + 4 + trie_bytes,
                          .n_text = n_bytes - 4 - trie_bytes};
    RT_TRY(check_text(&map, err));
    RT_TRY(check_units(&map, err));
    uint8_t *nested = calloc(map.n_units, 1);
    if (nested == NULL) return rt_fail_memory(err, map.n_units, "the check of a charsmap");
    const rt_status status = check_nesting(&map, nested, err);
    free(nested);
    return status;
}
