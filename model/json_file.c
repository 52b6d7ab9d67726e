/* Strict reading of a JSON file; see json_file.h.
 *
 * cJSON builds the tree but takes more than the standard allows (01, 1., control bytes in strings, equal keys) and recurses as deep as the
 * text nests. So the text is checked first, without a tree and without recursion, and cJSON sees only what has passed. */
#include "model/json_file.h"

#include <stdlib.h>
#include <string.h>

#include "model/file_guess.h"
#include "model/json_cursor.h"
#include "runtime/file_map.h"

typedef struct level {
    char close;
    size_t n; /* elements read */
} level;

/* Takes an opening bracket as a new level, or a scalar. */
static rt_status check_value(t5_json_cursor *cursor, level open[T5_JSON_MAX_DEPTH], size_t *depth, rt_error *err) {
    const uint8_t c = t5_json_peek(cursor);
    if (c != '{' && c != '[') return t5_json_skip_scalar(cursor, err);
    if (*depth == T5_JSON_MAX_DEPTH) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: nested too deep (byte offset %zu, at most %d levels)", cursor->file,
                       t5_json_offset(cursor), T5_JSON_MAX_DEPTH);
    }
    open[(*depth)++] = (level){.close = c == '{' ? '}' : ']'};
    return t5_json_take(cursor, (char)c, err);
}

static rt_status check_grammar(t5_json_cursor *cursor, rt_error *err) {
    level open[T5_JSON_MAX_DEPTH];
    size_t depth = 0, n_values = 0;
    do {
        if (depth > 0) {
            level *inner = &open[depth - 1];
            bool more;
            RT_TRY(t5_json_more(cursor, inner->close, inner->n++, &more, err));
            if (!more) {
                depth--;
                continue;
            }
            if (inner->close == '}') {
                RT_TRY(t5_json_string(cursor, &(t5_json_text){0}, err));
                RT_TRY(t5_json_take(cursor, ':', err));
            }
        }
        if (n_values++ == T5_JSON_MAX_VALUES) {
            return rt_fail(err, RT_ERR_LIMIT, "%s: too many values (byte offset %zu, at most %d)", cursor->file, t5_json_offset(cursor),
                           T5_JSON_MAX_VALUES);
        }
        RT_TRY(check_value(cursor, open, &depth, err));
    } while (depth > 0);
    return t5_json_end(cursor, err);
}

static int by_key(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* keys has room for every member of the object. */
static rt_status check_keys(const char *file, const cJSON *object, const char **keys, rt_error *err) {
    size_t n = 0;
    for (const cJSON *member = object->child; member != NULL; member = member->next) keys[n++] = member->string;
    qsort(keys, n, sizeof *keys, by_key);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            char shown[RT_QUOTE_SIZE];
            return rt_fail(err, RT_ERR_MALFORMED, "%s: the key '%s' is there twice in one object", file,
                           rt_quote(shown, keys[i], strlen(keys[i])));
        }
    }
    return RT_OK;
}

/* Walks the tree without recursion: no deeper than T5_JSON_MAX_DEPTH, for the text has been checked. */
static rt_status check_all_keys(const char *file, const cJSON *json, const char **keys, rt_error *err) {
    const cJSON *parents[T5_JSON_MAX_DEPTH];
    size_t depth = 0;
    const cJSON *node = json;
    while (node != NULL) {
        if (cJSON_IsObject(node)) RT_TRY(check_keys(file, node, keys, err));
        if (node->child != NULL) {
            parents[depth++] = node;
            node = node->child;
            continue;
        }
        while (node->next == NULL && depth > 0) node = parents[--depth];
        node = node->next;
    }
    return RT_OK;
}

/* size: of the text, where a member of an object takes at least 4 bytes. */
static rt_status refuse_duplicate_keys(const char *file, const cJSON *json, size_t size, rt_error *err) {
    const size_t n = size / 4 + 1, bytes = (n < T5_JSON_MAX_VALUES ? n : T5_JSON_MAX_VALUES) * sizeof(const char *);
    const char **keys = malloc(bytes);
    if (keys == NULL) return rt_fail_memory(err, bytes, "the keys of a JSON file");
    const rt_status status = check_all_keys(file, json, keys, err);
    free(keys);
    return status;
}

static rt_status check_text(const char *file, const uint8_t *data, size_t size, rt_error *err) {
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        return rt_fail(err, RT_ERR_MALFORMED, "%s: begins with a byte-order mark (byte offset 0, JSON has none)", file);
    }
    t5_json_cursor cursor = {.file = file, .data = data, .size = size};
    if (t5_json_peek(&cursor) == '{') return check_grammar(&cursor, err);
    const char *guess = t5_file_guess(data, size);
    if (guess != NULL) return rt_fail(err, RT_ERR_MALFORMED, "%s: not JSON: it looks like %s", file, guess);
    char shown[RT_QUOTE_SIZE];
    const size_t found = cursor.at < size ? 1 : 0;
    return rt_fail(err, RT_ERR_MALFORMED, "%s: not a JSON object: begins with '%s' (byte offset %zu, '{' is needed)", file,
                   rt_quote(shown, (const char *)data + cursor.at, found), cursor.at);
}

rt_status t5_json_parse(const char *file, const uint8_t *data, size_t size, cJSON **json, rt_error *err) {
    RT_TRY(check_text(file, data, size, err));
    cJSON *tree = cJSON_ParseWithLength((const char *)data, size);
    if (tree == NULL) return rt_fail_memory(err, size, "a JSON tree"); /* the text is valid: nothing else is left that can fail */
    const rt_status status = refuse_duplicate_keys(file, tree, size, err);
    if (status != RT_OK) {
        cJSON_Delete(tree);
        return status;
    }
    *json = tree;
    return RT_OK;
}

rt_status t5_json_read(const char *path, size_t max_bytes, cJSON **json, rt_error *err) {
    rt_file_map map;
    RT_TRY(rt_file_map_open(path, &map, err));
    char file[RT_QUOTE_SIZE];
    rt_quote_path(file, path);
    const rt_status status = map.size <= max_bytes
                                 ? t5_json_parse(file, map.data, map.size, json, err)
                                 : rt_fail(err, RT_ERR_LIMIT, "%s: too large (%zu bytes, at most %zu)", file, map.size, max_bytes);
    rt_file_map_close(&map);
    return status;
}
