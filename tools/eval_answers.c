/* Answers by id or input; see eval_answers.h. A hash table (open addressing, at most half full) over keys that are kept whole, so that no
 * two questions can be taken for one. */
#include "tools/eval_answers.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/json_cursor.h"
#include "tools/data/record.h"
#include "tools/data/source.h"

typedef enum key_kind { KEY_ID = 1, KEY_INPUT } key_kind;

/* Offsets in text, which may move. The key is the set (may be empty), a NUL, and the id or input. */
typedef struct entry {
    uint64_t hash;
    size_t key, n_key, answer, n_answer;
    key_kind kind;
    bool used;
} entry;

struct eval_answers {
    rt_text text, key;
    entry *entries; /* [n] */
    size_t n, n_entries_max, n_unused;
    size_t *slots; /* [n_slots], a power of two: number of the entry + 1, or 0 */
    size_t n_slots;
};

/* FNV-1a (Fowler, Noll, Vo), with its high bits mixed down. */
static uint64_t hash_of(key_kind kind, slice key) {
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)kind;
    for (size_t i = 0; i < key.n; i++) h = (h ^ (unsigned char)key.v[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 29;
}

/* The slot of the key: its entry's, or the free one where it would go. */
static size_t slot_of(const eval_answers *a, key_kind kind, slice key, uint64_t hash) {
    for (size_t i = (size_t)hash & (a->n_slots - 1);; i = (i + 1) & (a->n_slots - 1)) {
        if (a->slots[i] == 0) return i;
        const entry *e = &a->entries[a->slots[i] - 1];
        if (e->hash == hash && e->kind == kind && e->n_key == key.n && memcmp(a->text.v + e->key, key.v, key.n) == 0) return i;
    }
}

static rt_status grow(eval_answers *a, rt_error *err) {
    if (a->n < a->n_entries_max) return RT_OK;
    const size_t n_entries = a->n_entries_max > 0 ? 2 * a->n_entries_max : 1024, n_slots = 2 * n_entries;
    entry *entries = realloc(a->entries, n_entries * sizeof *entries);
    if (entries == NULL) return rt_fail_memory(err, n_entries * sizeof *entries, "answers");
    a->entries = entries;
    size_t *slots = calloc(n_slots, sizeof *slots);
    if (slots == NULL) return rt_fail_memory(err, n_slots * sizeof *slots, "answers");
    free(a->slots);
    a->slots = slots;
    a->n_slots = n_slots;
    a->n_entries_max = n_entries;
    for (size_t i = 0; i < a->n; i++) {
        size_t at = (size_t)a->entries[i].hash & (n_slots - 1);
        while (slots[at] != 0) at = (at + 1) & (n_slots - 1);
        slots[at] = i + 1;
    }
    return RT_OK;
}

static rt_status make_key(eval_answers *a, slice set, slice what, rt_error *err) {
    a->key.n = 0;
    RT_TRY(rt_text_append(&a->key, set.v, set.n, err));
    RT_TRY(rt_text_append(&a->key, "", 1, err));
    return rt_text_append(&a->key, what.v, what.n, err);
}

static rt_status add(eval_answers *a, key_kind kind, slice set, slice what, slice answer, const char *where, rt_error *err) {
    char quoted[RT_QUOTE_SIZE];
    RT_TRY(grow(a, err));
    RT_TRY(make_key(a, set, what, err));
    const slice key = {a->key.v, a->key.n};
    const uint64_t hash = hash_of(kind, key);
    const size_t slot = slot_of(a, kind, key, hash);
    if (a->slots[slot] != 0) {
        const entry *e = &a->entries[a->slots[slot] - 1];
        if (e->n_answer == answer.n && memcmp(a->text.v + e->answer, answer.v, answer.n) == 0) return RT_OK;
        return rt_fail(err, RT_ERR_MALFORMED, "%s: a second answer for %s \"%s\"", where, kind == KEY_ID ? "id" : "input",
                       rt_quote(quoted, what.v, what.n));
    }
    entry e = {.hash = hash, .key = a->text.n, .n_key = key.n, .kind = kind};
    RT_TRY(rt_text_append(&a->text, key.v, key.n, err));
    e.answer = a->text.n;
    e.n_answer = answer.n;
    RT_TRY(rt_text_append(&a->text, answer.v, answer.n, err));
    a->entries[a->n++] = e;
    a->slots[slot] = a->n;
    a->n_unused++;
    return RT_OK;
}

/* Adds what the object of a line says; the settings of a predictions file say nothing. */
static rt_status add_object(eval_answers *a, const cJSON *object, const char *where, rt_error *err) {
    char digits[32];
    slice set, id, input, answer;
    if (!cJSON_IsObject(object)) return rt_fail(err, RT_ERR_MALFORMED, "%s: not a JSON object", where);
    if (cJSON_GetObjectItemCaseSensitive(object, "t5k_predictions") != NULL) return RT_OK;
    rt_error cause = {.message = ""};
    rt_status status = record_text(object, "answer", &answer, &cause);
    if (status == RT_OK) status = record_optional_text(object, "set", &set, &cause);
    if (status == RT_OK) status = record_optional_text(object, "input", &input, &cause);
    if (status == RT_OK) status = record_id(object, "id", digits, &id, &cause);
    if (status == RT_OK && id.n == 0 && record_find(object, "input") == NULL) {
        status = rt_fail(&cause, RT_ERR_MALFORMED, "neither 'id' nor 'input'");
    }
    if (status != RT_OK) return rt_fail(err, status, "%s: %s", where, cause.message);
    return id.n > 0 ? add(a, KEY_ID, set, id, answer, where, err) : add(a, KEY_INPUT, set, input, answer, where, err);
}

static rt_status read_lines(eval_answers *a, source *s, rt_error *err) {
    for (;;) {
        slice line;
        bool have;
        char where[RT_QUOTE_SIZE + 32];
        RT_TRY(source_filled_line(s, &line, &have, err));
        if (!have) return RT_OK;
        snprintf(where, sizeof where, "%s, line %zu", s->name, s->n_lines);
        cJSON *object = cJSON_ParseWithLength(line.v, line.n);
        const rt_status status = add_object(a, object, where, err);
        cJSON_Delete(object);
        RT_TRY(status);
    }
}

/* One object of texts. */
static rt_status read_members(eval_answers *a, const source *s, rt_error *err) {
    const char *front = s->buffer.v + s->start;
    t5_json_cursor cursor = {.file = s->name, .data = (const uint8_t *)front, .size = s->buffer.n - s->start, .base = s->start};
    rt_text key = {0}, value = {0};
    /* No text is longer than its escaped form. */
    rt_status status = rt_text_append(&key, front, cursor.size, err);
    if (status == RT_OK) status = rt_text_append(&value, front, cursor.size, err);
    if (status == RT_OK) status = t5_json_take(&cursor, '{', err);
    for (size_t n = 0; status == RT_OK; n++) {
        bool more = false;
        t5_json_text id = {.v = key.v, .capacity = key.n}, answer = {.v = value.v, .capacity = value.n};
        status = t5_json_more(&cursor, '}', n, &more, err);
        if (status != RT_OK || !more) break;
        status = t5_json_string(&cursor, &id, err);
        if (status == RT_OK) status = t5_json_take(&cursor, ':', err);
        if (status == RT_OK) status = t5_json_string(&cursor, &answer, err);
        if (status == RT_OK) status = add(a, KEY_ID, (slice){0}, (slice){id.v, id.n}, (slice){answer.v, answer.n}, s->name, err);
    }
    if (status == RT_OK) status = t5_json_end(&cursor, err);
    rt_text_free(&key);
    rt_text_free(&value);
    return status;
}

/* JSON lines have an object with "answer", or the settings of a predictions file, in their first line. */
static rt_status is_lines(source *s, bool *lines, rt_error *err) {
    slice line;
    bool have;
    *lines = false;
    const rt_status status = source_filled_line(s, &line, &have, err);
    if (status != RT_OK) return status == RT_ERR_LIMIT ? RT_OK : status; /* one object may be longer than a line */
    cJSON *first = have ? cJSON_ParseWithLength(line.v, line.n) : NULL;
    const cJSON *answer = cJSON_GetObjectItemCaseSensitive(first, "answer");
    *lines = cJSON_IsObject(first) && ((answer != NULL && (cJSON_HasObjectItem(first, "id") || cJSON_HasObjectItem(first, "input"))) ||
                                       cJSON_GetObjectItemCaseSensitive(first, "t5k_predictions") != NULL);
    cJSON_Delete(first);
    return RT_OK;
}

static rt_status read_all(eval_answers *a, source *s, rt_error *err) {
    bool lines;
    RT_TRY(is_lines(s, &lines, err));
    source_release(s);
    if (lines) return read_lines(a, s, err);
    RT_TRY(source_fill(s, (size_t)EVAL_ANSWERS_MAX_BYTES + 1, err));
    if (s->buffer.n - s->start <= EVAL_ANSWERS_MAX_BYTES) return read_members(a, s, err);
    return rt_fail(err, RT_ERR_LIMIT, "%s: too long (at most %d bytes in one JSON object)", s->name, EVAL_ANSWERS_MAX_BYTES);
}

rt_status eval_answers_open(const char *path, eval_answers **answers, rt_error *err) {
    source s;
    RT_TRY(source_open(path, &s, err));
    eval_answers *a = calloc(1, sizeof *a);
    rt_status status = a != NULL ? grow(a, err) : rt_fail_memory(err, sizeof *a, "answers");
    if (status == RT_OK) status = read_all(a, &s, err);
    source_close(&s);
    if (status == RT_OK) *answers = a;
    else eval_answers_close(a);
    return status;
}

void eval_answers_close(eval_answers *answers) {
    if (answers == NULL) return;
    rt_text_free(&answers->text);
    rt_text_free(&answers->key);
    free(answers->entries);
    free(answers->slots);
    free(answers);
}

static bool find(eval_answers *a, key_kind kind, slice set, slice what, slice *answer) {
    if (make_key(a, set, what, NULL) != RT_OK) return false;
    const slice key = {a->key.v, a->key.n};
    const size_t number = a->slots[slot_of(a, kind, key, hash_of(kind, key))];
    if (number == 0) return false;
    entry *e = &a->entries[number - 1];
    a->n_unused -= !e->used;
    e->used = true;
    *answer = (slice){a->text.v + e->answer, e->n_answer};
    return true;
}

bool eval_answers_find(eval_answers *answers, const char *set, slice id, slice input, slice *answer) {
    const slice here = slice_of(set), anywhere = {0};
    if (id.n > 0 && (find(answers, KEY_ID, here, id, answer) || find(answers, KEY_ID, anywhere, id, answer))) return true;
    return find(answers, KEY_INPUT, here, input, answer) || find(answers, KEY_INPUT, anywhere, input, answer);
}

size_t eval_answers_count(const eval_answers *answers) { return answers->n; }
size_t eval_answers_unused(const eval_answers *answers) { return answers->n_unused; }
